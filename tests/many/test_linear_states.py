"""Linear circuits with feedback: samples from one factor, against the solver of single points."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import resnet_sim as rs
from resnet_sim import training as tr
from resnet_sim.many.one_by_one import OneByOne

DECKS = {
    "inverter": """an op-amp, and a follower behind it
V1 in 0 1
V2 b 0 0
R1 in m 1k
R2 m out 2k
E1 out 0 0 m 1e5
R3 out a 1k
R4 a b 3k
I1 0 a 1m
E2 f 0 a 0 1
R5 f c 1k
R6 c 0 1k
""",
    "loops of all kinds": """currents control, and are controlled
V1 in 0 1
V2 b 0 0
R1 in m 1k
R2 m a 2k
R3 a 0 1k
G1 a 0 m c 0.2m
F1 0 c V1 0.3
R4 c b 1k
H1 out 0 V2 200
R5 out c 4k
""",
}


def network(name, biases=()):
    outputs = ["a", ("c", "m")]
    return tr.Network(rs.parse_netlist(DECKS[name]), ["v1", "v2"], outputs, "r*", biases=biases)


def slowly(net):
    """The same network, its samples one by one."""
    net._backend = OneByOne(net._backend.question)
    return net


def samples(seed=0, count=19):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, 2)), rng.normal(size=(count, 2))


@pytest.mark.parametrize("name", DECKS)
def test_states_and_derivatives_are_those_of_single_points(name):
    x, y = samples()
    biases = ("i1",) if name == "inverter" else ()
    fast, slow = network(name, biases), slowly(network(name, biases))
    assert fast.explain_backend().startswith("backend: linear ")
    free, alone = fast.free(x), slow.free(x)
    assert_allclose(free.voltages, alone.voltages, rtol=0, atol=1e-12)
    slope = free.outputs - y
    assert_allclose(free.adjoint(slope), alone.adjoint(slope), rtol=0, atol=1e-9)
    assert_allclose(
        tr.gradient(fast, x, y, tr.Adjoint()), tr.gradient(slow, x, y, tr.Adjoint()), rtol=1e-10
    )


@pytest.mark.parametrize("stiffness", [1e-4, np.inf])
def test_outputs_are_pulled_as_in_the_nudged_circuit(stiffness):
    x, y = samples(1, 5)
    fast, slow = network("inverter"), slowly(network("inverter"))
    pulled = fast.pulled(x, fast.free(x), stiffness, y)
    wanted = slow.pulled(x, slow.free(x), stiffness, y)
    assert_allclose(pulled.voltages, wanted.voltages, rtol=0, atol=1e-9)
    if np.isinf(stiffness):
        assert_allclose(pulled.outputs, y, atol=1e-9)


def test_outputs_are_pushed_as_in_the_nudged_circuit():
    x, y = samples(2, 5)
    fast, slow = network("inverter"), slowly(network("inverter"))
    pushed, wanted = (net.pushed(x, net.free(x), 1e-4 * y) for net in (fast, slow))
    assert_allclose(pushed.voltages, wanted.voltages, rtol=0, atol=1e-9)
    assert np.abs(pushed.outputs - fast.free(x).outputs).max() > 1e-3


def test_one_sample_is_solved_by_itself_whatever_their_number(monkeypatch):
    net, count = network("inverter"), []
    rows = OneByOne.rows
    monkeypatch.setattr(
        OneByOne, "rows", lambda self, g, u, *more: count.append(len(u)) or rows(self, g, u, *more)
    )
    tr.gradient(net, *samples(), tr.Adjoint())
    assert count == [1]


def test_what_is_not_certified_is_solved_by_itself(monkeypatch):
    from resnet_sim.many import linear_states

    net, (x, y) = network("inverter"), samples()
    right = tr.gradient(net, x, y, tr.Adjoint())
    judge = linear_states.certify_points

    def strict(*given):
        proof, good = judge(*given)
        good[[2, 11]] = False
        return proof, good

    monkeypatch.setattr(linear_states, "certify_points", strict)
    states = net.free(x)
    assert states.detail.alone.sum() == 2
    assert len(states.detail.others.voltages) == 2
    assert_allclose(tr.gradient(net, x, y, tr.Adjoint()), right, rtol=1e-10)


def test_what_has_no_state_is_told_of():
    deck = "two sources at a node\nV1 in 0 1\nR1 in a 1k\nR2 a 0 1k\nE1 a 0 in 0 1\nE2 a 0 in 0 2"
    with pytest.raises(rs.TopologyError):
        tr.Network(rs.parse_netlist(deck), ["v1"], ["a"], "r*").free([[1.0], [2.0]])


def test_a_circuit_is_trained_whose_amplifiers_feed_back():
    x, _ = samples(3, 24)
    net = network("inverter")
    y = x @ np.array([[-0.3, 0.1], [0.2, 0.05]])
    trainer = tr.Trainer(net, tr.Adjoint(), optimizer=tr.Adam(2e-5))
    history = trainer.fit(x, y, 60)
    assert history[-1]["cost"] < 0.5 * history[0]["cost"]
