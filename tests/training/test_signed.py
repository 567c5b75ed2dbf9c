"""Weights of either sign: several states, of which a stable one is trained."""

from __future__ import annotations

import numpy as np
import pytest
from slopes import slopes

import resnet_sim as rs
from resnet_sim import training as tr


def network(seed: int) -> tuple[tr.Network, np.ndarray, np.ndarray]:
    """A small Hopfield network: three inputs, hidden units and two outputs, 0 to 1 V each."""
    rng = np.random.default_rng(seed)
    b = rs.CircuitBuilder(f"Hopfield {seed}")
    b.voltage_source("vone", "one", "0", 1.0)
    units = [f"s{k}" for k in range(6)]
    inputs = [f"x{k}" for k in range(3)]
    for name in inputs:
        b.voltage_source(f"v{name}", name, "0", 0.0)
    for k, unit in enumerate(units):
        for other in [*units[:k], *inputs]:
            b.resistor(f"rw_{unit}_{other}", unit, other, 1.0 / rng.normal(0.0, 0.35))
        b.resistor(f"rs_{unit}", unit, "0", 1.0 / rng.uniform(1.0, 2.0))
        b.current_source(f"ib_{unit}", "0", unit, float(rng.normal(0.5, 0.5)))
        b.diode(f"du_{unit}", unit, "one")
        b.diode(f"dl_{unit}", "0", unit)
    net = tr.Network(
        b.build(), [f"v{n}" for n in inputs], units[-2:], "rw*", biases="ib*"
    )  # fmt: skip
    return net, rng.uniform(0, 1, (4, 3)), rng.uniform(0, 1, (4, 2))


def test_weights_of_either_sign_have_gradients():
    compared = 0
    for seed in range(3):
        net, X, Y = network(seed)
        assert net.g_min == -np.inf and (net.conductances < 0).any()
        exact = tr.gradients(net, X, Y, tr.Adjoint())
        for nudge in ("conductance", "current"):
            rule = tr.EquilibriumPropagation(1e-5, nudge=nudge)
            found = tr.gradients(net, X, Y, rule)
            assert np.allclose(found.vector, exact.vector, rtol=0, atol=1e-6)
        some = range(0, len(net.conductances), 7)
        for k, slope in zip(some, slopes(net, X, Y, some), strict=True):
            assert exact.conductances[k] == pytest.approx(slope, abs=1e-6)
            compared += abs(slope) > 1e-3
    assert compared > 3


def test_weights_change_their_sign_and_are_written():
    net, X, Y = network(1)
    before = net.conductances
    history = tr.Trainer(net, optimizer=tr.Adam(0.03)).fit(X, Y, 25)
    assert history[-1]["cost"] < 0.8 * history[0]["cost"]
    assert (np.sign(net.conductances) != np.sign(before)).any()
    again = tr.Network(rs.format_netlist(net.circuit), net.inputs, ["s4", "s5"], "rw*")
    assert np.allclose(again.forward(X), net.forward(X), atol=1e-9)


def test_bounds_hold_for_either_sign():
    circuit, inputs = network(0)[0].circuit, ["vx0", "vx1", "vx2"]
    net = tr.Network(circuit, inputs, ["s5"], "rw*", g_max=0.2)
    assert net.g_min == -0.2 and np.abs(net.conductances).max() <= 0.2
    positive = tr.Network(circuit, inputs, ["s5"], "rw*", g_min=1e-3)
    assert positive.conductances.min() == 1e-3
    with pytest.raises(rs.UsageError, match="g_min <= g_max"):
        tr.Network(circuit, inputs, ["s5"], "rw*", g_min=1.0, g_max=-1.0)


def test_an_unstable_state_is_not_trained_on():
    hill = "hill\nV1 b 0 1\nR1 a 0 -1\nR2 a b 4\n"
    net = tr.Network(hill, ["v1"], ["a"], "r*")
    with pytest.raises(rs.ConvergenceError, match=r"sample 0: .*unstable"):
        net.forward([[1.0]])
