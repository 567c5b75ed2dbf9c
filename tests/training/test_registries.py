"""Every rule, cost and optimiser that is registered: derivatives, promises, saved state."""

import dataclasses
import inspect
import re
from pathlib import Path

import numpy as np
import pytest

import resnet_sim as rs
from resnet_sim import training as tr
from resnet_sim.cli.command import build_parser
from resnet_sim.training import COSTS, OPTIMIZERS, RULES
from resnet_sim.training.contrast import ENDS
from resnet_sim.training.registry import EXACT, LIMIT

DECK = """a hidden pair of diodes, two outputs, a bias
v1 a 0 1
v2 b 0 1
vref ref 0 0.2
r1 a h 1k
r2 b h 2k
r3 a k 1.5k
r4 b k 1k
r5 h o 1k
r6 k o 3k
r7 k p 2k
r8 h p 1k
r9 o 0 5k
r10 p 0 4k
d1 h ref di
i1 0 p 10u
.model di d(ron=0 roff=inf vfwd=0)
"""
X = np.array([[1.0, -0.3], [0.4, 0.9], [-0.7, 0.8], [-0.2, -1.0]])
VOLTAGES = np.array([[0.1, 0.0], [0.05, 0.2], [-0.1, 0.1], [0.0, -0.2]])
CLASSES = np.array([0, 1, 1, 0])


def network() -> tr.Network:
    return tr.Network(rs.parse_netlist(DECK), ["v1", "v2"], ["o", "p"], "r*", biases="i1")


def targets(cost: str):
    return CLASSES if COSTS[cost].classes else VOLTAGES


def derivatives(rule, cost: str) -> np.ndarray:
    return tr.gradients(network(), X, targets(cost), rule, COSTS[cost].make()).vector


def cosine(a, b) -> float:
    # conductances and biases have different units: judge conductances
    return float(a[:-1] @ b[:-1] / np.linalg.norm(a[:-1]) / np.linalg.norm(b[:-1]))


@pytest.mark.parametrize("cost", COSTS)
def test_slopes_of_a_cost_are_its_finite_differences(cost):
    made, y = COSTS[cost].make(), targets(cost)
    outputs = VOLTAGES + np.random.default_rng(1).normal(scale=0.3, size=VOLTAGES.shape)
    assert made.value(outputs, y).shape == (4,)
    assert made.decode(outputs).shape == (4,)
    h = 1e-6
    for k in range(2):
        step = np.zeros(2)
        step[k] = h
        rise = (made.value(outputs + step, y) - made.value(outputs - step, y)) / (2 * h)
        np.testing.assert_allclose(made.slope(outputs, y)[:, k], rise, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("rule", RULES)
def test_a_rule_keeps_its_promise(rule, cost):
    exact, entry = derivatives(tr.Adjoint(), cost), RULES[rule]
    assert np.linalg.norm(exact) > 0
    if entry.promise == EXACT:
        assert np.array_equal(derivatives(entry.make(), cost), exact)
    elif entry.promise == LIMIT:
        errors = []
        for beta in (1e-5, 1e-6):
            found = derivatives(entry.make(beta=beta), cost)
            assert np.isfinite(found).all()
            errors.append(np.linalg.norm((found - exact)[:-1]) / np.linalg.norm(exact[:-1]))
        assert errors[1] < max(0.2 * errors[0], 1e-7) and errors[1] < 1e-3
    else:  # a metric of its own, but downhill
        found = derivatives(entry.make(), cost)
        assert np.isfinite(found).all() and cosine(found, exact) > 0.1


@pytest.mark.parametrize("variant", ENDS)
@pytest.mark.parametrize("rule", [name for name in RULES if "variant" in RULES[name].options])
def test_every_variant_goes_downhill(rule, variant):
    exact, given = derivatives(tr.Adjoint(), "squared"), {"variant": variant}
    if "beta" in RULES[rule].options:
        given["beta"] = 1e-6
    assert cosine(derivatives(RULES[rule].make(**given), "squared"), exact) > 0.1


def trainer(name: str) -> tr.Trainer:
    lr = 1e-6 if name == "adam" else 1e-7
    return tr.Trainer(network(), tr.Adjoint(), optimizer=OPTIMIZERS[name].make(lr=lr), seed=3)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimiser_descends_and_goes_on_from_a_checkpoint_with_the_same_bits(name, tmp_path):
    whole, first, second = trainer(name), trainer(name), trainer(name)
    history = whole.fit(X, VOLTAGES, 20, batch_size=2)
    assert history[-1]["cost"] < history[0]["cost"]
    first.fit(X, VOLTAGES, 9, batch_size=2, checkpoint=tmp_path / "run")
    second.fit(X, VOLTAGES, 20, batch_size=2, checkpoint=tmp_path / "run", resume=True)
    assert second.net.conductances.tobytes() == whole.net.conductances.tobytes()
    assert second.net.biases.tobytes() == whole.net.biases.tobytes()


ENTRIES = [
    pytest.param(kind, name, entry, id=name)
    for kind, entries in (("rule", RULES), ("cost", COSTS), ("optimizer", OPTIMIZERS))
    for name, entry in entries.items()
]


@pytest.mark.parametrize(("kind", "name", "entry"), ENTRIES)
def test_options_are_parameters_and_offered_by_the_command(kind, name, entry):
    made = type(entry.make())
    parameters = inspect.signature(made).parameters
    assert set(entry.options) <= set(parameters)
    (commands,) = [a for a in build_parser()._actions if hasattr(a, "choices") and a.choices]
    offered = {action.dest: action for action in commands.choices["train"]._actions}
    assert name in offered[kind].choices
    for option in entry.options:
        assert offered[option].default is None
        if entry.options[option].choices:
            assert offered[option].choices == tuple(ENDS)
    # one name, one meaning; how large a step is by default is each optimiser's own
    for others in (RULES, COSTS, OPTIMIZERS):
        for other in others.values():
            for option in (set(other.options) & set(entry.options)) - {"lr"}:
                assert other.options[option] == entry.options[option]


@pytest.mark.parametrize(("kind", "name", "entry"), ENTRIES)
def test_the_documents_list_what_is_registered(kind, name, entry):
    text = (Path(__file__).parents[2] / "docs" / "training.md").read_text()
    made = type(entry.make()).__name__
    cells = [f"`{name}`", rf"`{made}\([^|]*\)`", re.escape(entry.description)]
    cells += [re.escape(entry.promise)] if kind == "rule" else []
    assert re.search(r"^\| " + r" \| ".join(cells) + r" \|", text, re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Backwards(tr.EquilibriumPropagation):
    """Uphill."""

    def estimate(self, *arguments):
        return tuple(-part for part in super().estimate(*arguments))


def test_a_rule_of_ones_own_can_be_registered_and_subclasses_are_never_replaced(monkeypatch):
    monkeypatch.setitem(RULES, "backwards", tr.Entry(Backwards, "uphill", LIMIT))
    found = derivatives(RULES["backwards"].make(beta=1e-6), "squared")
    wanted = derivatives(tr.EquilibriumPropagation(1e-6), "squared")
    assert np.array_equal(found, -wanted)
    (commands,) = [a for a in build_parser()._actions if hasattr(a, "choices") and a.choices]
    (option,) = [a for a in commands.choices["train"]._actions if a.dest == "rule"]
    assert "backwards" in option.choices and "uphill" in option.help


class Cubic(tr.SquaredError):
    """The slope of another cost."""

    def slope(self, outputs, targets):
        return (outputs - self.target(outputs, targets)) ** 3


def test_a_subclass_of_the_squared_error_gets_the_nudge_of_its_own_slope():
    found = tr.gradient(network(), X, VOLTAGES, tr.EquilibriumPropagation(1e-6), Cubic())
    exact = tr.gradient(network(), X, VOLTAGES, tr.Adjoint(), Cubic())
    np.testing.assert_allclose(found, exact, rtol=1e-4)
