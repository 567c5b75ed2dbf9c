"""A subclass of something built in runs its own methods, whatever solves the network."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest

from resnet_sim import training as tr
from resnet_sim.compiled import policy
from resnet_sim.errors import UsageError
from resnet_sim.generators import layered

SIZES = (4, 8, 3)
X = np.random.default_rng(0).uniform(-1, 1, (8, 4))
Y = np.random.default_rng(1).uniform(-0.1, 0.1, (8, 3))
#: what was called, by name
calls: Counter[str] = Counter()


class Rule(tr.EquilibriumPropagation):
    def estimate(self, net, free, X, Y, cost):
        calls["estimate"] += 1
        return super().estimate(net, free, X, Y, cost)


class Cost(tr.SquaredError):
    def slope(self, outputs, targets):
        calls["slope"] += 1
        return 3.0 * super().slope(outputs, targets)


class Decoder(tr.SquaredError):
    def target(self, outputs, targets):
        calls["target"] += 1
        return 2.0 * super().target(outputs, targets)


class Optimizer(tr.SGD):
    def direction(self, gradient):
        calls["direction"] += 1
        return super().direction(gradient)


class Late(tr.Momentum):
    def step(self, gradient, epoch):
        calls["step"] += 1
        return super().step(gradient, epoch)


class Net(tr.Network):
    def write(self, wanted):
        calls["write of the network"] += 1
        super().write(wanted)


@dataclass(frozen=True)
class Devices(tr.Devices):
    def copy(self, g):
        calls["copy"] += 1
        return super().copy(g)

    def write(self, g, wanted, g_min, g_max, rng):
        calls["write"] += 1
        return super().write(g, wanted, g_min, g_max, rng)

    def read(self, voltages, rng):
        calls["read"] += 1
        return super().read(voltages, rng)


def rebound() -> tr.SGD:
    """A built-in optimiser with a method of its own."""
    optimizer = tr.SGD(0.01)

    def direction(gradient):
        calls["own direction"] += 1
        return gradient

    optimizer.direction = direction
    return optimizer


@pytest.fixture(params=["layers", "no layers"])
def least(request):
    """Solve by layers, and train with compiled loops where they fit, or neither."""
    calls.clear()
    with policy.using(epochs=0, layers=0 if request.param == "layers" else np.inf):
        yield request.param


def trainer(kind=tr.Network, devices=None, **parts) -> tr.Trainer:
    circuit = layered(SIZES, crossbars=False, seed=3, input_pairs="inverted", g_min=1e-4)
    inputs, outputs = [f"vp{k}" for k in range(4)], [f"o{k}" for k in range(3)]
    net = kind(circuit, inputs, outputs, "rw*", biases="ib*", g_min=1e-4, devices=devices)
    parts = {"rule": tr.EquilibriumPropagation(0.01), "optimizer": tr.SGD(0.01)} | parts
    return tr.Trainer(net, **copy.deepcopy(parts))  # optimisers keep a state


OVERRIDDEN = [
    ({"rule": Rule(0.01)}, {"estimate"}),
    ({"cost": Cost()}, {"slope"}),
    ({"cost": Decoder()}, {"target"}),
    ({"optimizer": Optimizer(0.01)}, {"direction"}),
    ({"optimizer": Late(0.01)}, {"step"}),
    ({"devices": Devices()}, {"copy", "write", "read"}),
    ({"kind": Net}, {"write of the network"}),
]


def test_small_layers_do_train_in_compiled_loops(least):
    fits = trainer()
    fits.fit(X, Y, 1, 4)
    assert ("knees" not in fits.history[0]) == (least == "layers")


@pytest.mark.parametrize(("parts", "names"), OVERRIDDEN)
def test_methods_of_a_subclass_run_in_every_minibatch(least, parts, names):
    one = trainer(**parts)
    one.fit(X, Y, 3, 4)
    assert {name for name in names if calls[name] >= 6} == names
    with pytest.raises(UsageError, match="can't be trained in float32"):
        one.fit(X, Y, 1, 4, single=True)


def test_a_method_that_an_object_brings_along_runs_too(least):
    trainer(optimizer=rebound()).fit(X, Y, 3, 4)
    assert calls["own direction"] == 6


@pytest.mark.parametrize(
    "parts", [parts for parts, names in OVERRIDDEN if not names & {"slope", "target"}]
)
def test_subclasses_that_change_nothing_give_the_bits_of_what_they_are_made_from(least, parts):
    plain = {"optimizer": tr.Momentum(0.01)} if isinstance(parts.get("optimizer"), Late) else {}
    one, other = trainer(**parts), trainer(**plain)
    one.fit(X, Y, 3, 4)
    other.fit(X, Y, 3, 4, single=False)
    np.testing.assert_array_equal(one.net.conductances, other.net.conductances)


def test_the_nudge_is_that_of_the_cost_and_not_of_what_it_is_derived_from(least):
    net = trainer().net
    for cost in (Cost(), Decoder(), tr.SquaredError()):
        found = tr.gradient(net, X, Y, tr.EquilibriumPropagation(1e-4), cost)
        wanted = tr.gradient(net, X, Y, tr.Adjoint(), cost)
        np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max())
    with pytest.raises(UsageError, match="only the squared error"):
        tr.gradient(net, X, Y, tr.EquilibriumPropagation(1e-4, nudge="conductance"), Cost())
