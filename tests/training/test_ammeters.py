"""Currents of voltage sources as outputs, trained by nudges of their volts."""

from __future__ import annotations

import numpy as np
import pytest
from training_circuits import random_network

import resnet_sim as rs
from resnet_sim import training as tr

DECK = """a bridge with a diode; one ammeter at ground, one between free nodes
v1 a 0 1
v2 b 0 -0.5
r1 a c 1
r2 b c 2
r3 c d 0.7
r4 d e 1.5
r5 e b 1
r6 c e 3
va d f 0
r7 f 0 1
vb g 0 0.1
r8 e g 2
d1 c g m
.model m d(vfwd=0.02)
.end
"""
RULES = [
    tr.EquilibriumPropagation(1e-4),
    tr.EquilibriumPropagation(1e-6, "positive"),
    tr.FrequencyPropagation(1e-4),
    tr.VectorFieldEP(1e-4),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
@pytest.mark.parametrize(
    "outputs", [["i(va)"], ["i(vb)", "e"], [("i(va)", "i(vb)"), "c"], ["i(v1)", "i(va)"]]
)
def test_nudged_ammeters_tell_the_gradient(outputs, rule):
    net = tr.Network(rs.parse_netlist(DECK), ["v1", "v2"], outputs)
    assert net.one_way == () and net.batched
    rng = np.random.default_rng(1)
    X, Y = rng.normal(size=(3, 2)), rng.normal(size=(3, len(outputs)))
    exact = tr.gradient(net, X, Y, tr.Adjoint())
    assert np.abs(exact).max() > 0.01
    assert np.abs(tr.gradient(net, X, Y, rule) - exact).max() < 1e-5 * np.abs(exact).max()
    assert tr.gradcheck(net, X, Y).worst() < 1e-6


def test_ammeters_learn():
    net = tr.Network(rs.parse_netlist(DECK), ["v1", "v2"], ["i(va)"])
    trainer = tr.Trainer(net, optimizer=tr.Adam(0.05))
    history = trainer.fit([[1.0, -0.5]], [[0.1]], epochs=60)
    assert history[-1]["cost"] < 1e-2 * history[0]["cost"]


def test_currents_are_not_clamped_nor_judged_across_amplifiers():
    net = tr.Network(rs.parse_netlist(DECK), ["v1", "v2"], ["i(va)"])
    X, Y = [[1.0, 0.5]], [[0.2]]
    for rule in (tr.CoupledLearning(), tr.EquilibriumPropagation(nudge="conductance")):
        with pytest.raises(rs.UsageError, match="va can't be clamped or pulled"):
            tr.gradient(net, X, Y, rule)
    deck = DECK.replace(".end", "e1 s 0 e 0 2\nvs s h 0\nf1 e 0 vs 0.5\nr9 h 0 1\n.end")
    net = tr.Network(rs.parse_netlist(deck), ["v1", "v2"], ["i(va)"])
    with pytest.raises(rs.UsageError, match="va may count before and behind amplifiers"):
        tr.gradient(net, X, Y)
    assert tr.gradcheck(net, X, Y).worst() < 1e-6


@pytest.mark.parametrize("part", [None, "IS=3n N=1.6 RS=2"])
def test_currents_of_batches_are_those_of_operating_points(part):
    for seed in range(12):
        net, X, _ = random_network(seed)
        circuit = net.circuit if part is None else tr.with_part(net.circuit, part)
        outputs = [f"i({name})" for name in circuit.voltage_sources.names]
        net = tr.Network(circuit, net.inputs, outputs, "r*", biases="ib")
        assert net.batched
        states = net.free(X)
        op = rs.solve(circuit, inputs=dict(zip(net.inputs, X.T, strict=True)))
        wanted = np.stack([op.current(name) for name in circuit.voltage_sources.names], axis=1)
        assert np.abs(states.outputs - wanted).max() < 1e-9 * np.abs(wanted).max()
        exact = tr.gradient(net, X, 0 * wanted, tr.Adjoint())
        pushed = tr.gradient(net, X, 0 * wanted, tr.EquilibriumPropagation(1e-5))
        assert np.abs(pushed - exact).max() < 1e-5 * np.abs(exact).max()
