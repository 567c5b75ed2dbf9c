"""States of circuits with curves, samples in lanes, against the solver of single points."""

from __future__ import annotations

import numpy as np
import pytest
from training_circuits import random_network

import resnet_sim as rs
from resnet_sim import training as tr

PART = "IS=3n N=1.6 RS=2 BV=40 IBV=1u"
#: curves of every kind, a hard diode beside them, and a part that junctions alone hold
DECK = """curves
vx x 0 1
vy y 0 0
r1 x a 1k
r2 a b 2k
r3 b y 1.5k
r4 b c 3k
r5 c 0 1k
d1 a c dj
d2 0 b dj
d3 d a dj
d4 e 0 dj
r6 d e 2k
d5 c y ideal
rm a 0 tab
bs b 0 i=1m*sinh(3*v(b))
bp x c i=1m*v(x,c)*abs(v(x,c))
.model dj d(is=1n n=1.5 rs=10)
.model ideal d(ron=0)
.model tab res table=(-1,-2m, 0,0, 1,3m)
"""


def networks(count):
    """Random trainable networks, in which all diodes or some of them are real; inputs, targets."""
    for seed in range(count):
        net, X, Y = random_network(seed, amplifier=seed % 4 == 0)
        some = "*" if seed % 2 else "d[0-4]"
        yield tr.transfer(net, PART, X, diodes=some).net, X, Y


def one_by_one(circuit, net, X):
    """Node voltages of every sample, shape (B, n_nodes)."""
    return rs.solve(circuit, inputs=dict(zip(net.inputs, np.asarray(X).T, strict=True)))


def test_states_are_operating_points_and_few_are_left_to_others():
    found = []
    for net, X, _ in networks(24):
        assert net.explain_backend().startswith("backend: lanes")
        states = net.free(X)
        wanted = one_by_one(net.circuit, net, X).node_voltages
        assert np.abs(states.voltages[:, : wanted.shape[1]] - wanted).max() < 1e-9
        found += states.detail.good.tolist()
        warm = net.free(X, ~states.on)
        assert np.abs(states.voltages - warm.voltages).max() < 1e-9
    assert np.mean(found) > 0.95


@pytest.mark.parametrize("beta", [0.3, 1e-3, -0.02, np.inf])
def test_nudged_states_are_those_of_the_nudged_circuit(beta):
    for net, X, Y in networks(8):
        free = net.free(X)
        target = free.outputs + 0.02 * Y
        try:
            states = net.pulled(X, free, beta, target)
        except rs.TopologyError:
            # diodes may forbid what is asked of clamped outputs
            assert np.isinf(beta)
            continue
        for row in range(len(X)):
            point = rs.solve(net.nudged_circuit(X[row], target[row], beta))
            n = len(net.circuit.nodes)
            assert np.abs(point.node_voltages[:n] - states.voltages[row, :n]).max() < 1e-8


def test_curves_of_every_kind_have_exact_derivatives():
    net = tr.Network(rs.parse_netlist(DECK), ["vx", "vy"], ["b", ("a", "c"), "i(vy)"])
    assert net.batched
    X = [[2.0, -1.0], [-3.0, 0.5], [0.1, 0.0], [5.0, 4.0]]
    states = net.free(X)
    assert states.detail.good.all()
    op = one_by_one(net.circuit, net, X)
    assert np.abs(states.outputs[:, 0] - op.voltage("b")).max() < 1e-9
    assert np.abs(states.outputs[:, 2] - op.current("vy")).max() < 1e-12
    Y = [[0.5, 0.1, 1e-3]] * 4
    assert tr.gradcheck(net, X, Y).worst() < 1e-6
    exact = tr.gradient(net, X, Y, tr.Adjoint())
    pushed = tr.gradient(net, X, Y, tr.EquilibriumPropagation(beta=1e-7, nudge="current"))
    assert np.abs(pushed - exact).max() < 1e-5 * np.abs(exact).max()


def test_sweeps_of_single_nodes_know_no_curves():
    net = tr.Network(rs.parse_netlist(DECK), ["vx", "vy"], ["b"])
    with pytest.raises(rs.UsageError, match="not curves"):
        tr.gradient(net, [[1.0, 1.0]], [[0.0]], tr.TruncatedBackprop(3))


def test_laws_judge_the_elements_behind_curves():
    net = tr.Network(rs.parse_netlist(DECK), ["vx", "vy"], ["b"])
    states = net.free([[2.0, -1.0], [-3.0, 0.5], [5.0, 4.0]])
    held, laws = states.detail, net._backend.laws
    assert sorted(laws.circuit.element_names) == ["bp", "bs", "d1", "d2", "d3", "d4", "rm"]
    assert laws.obeyed(states.voltages, held.bent, 1e-9).all()
    for column in range(held.bent.shape[1]):
        wrong = held.bent.copy()
        wrong[1, column] += 1e-6 * np.abs(held.bent[1]).max()
        assert laws.obeyed(states.voltages, wrong, 1e-9).tolist() == [True, False, True]
