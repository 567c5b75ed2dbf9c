"""One factor for points whose rectifiers differ but in a few, and a small system of each."""

from __future__ import annotations

import numpy as np
import pytest

import resnet_sim as rs
from resnet_sim import training as tr
from resnet_sim.compiled import policy
from resnet_sim.many import lanes as lanes_module
from resnet_sim.many.borders import pays
from resnet_sim.many.lane_data import Data, Network
from resnet_sim.many.lanes import Lanes
from resnet_sim.solvers.linear.fronts import fronts


@pytest.fixture
def shared(monkeypatch):
    """Let one factor serve whatever it costs; returns what became of each question."""
    told = []
    right = lanes_module.bordered

    def noted(*arguments):
        told.append(right(*arguments) is not None)
        return right(*arguments)

    monkeypatch.setattr(lanes_module, "pays", lambda *_: True)
    monkeypatch.setattr(lanes_module, "bordered", noted)
    with policy.using(kept=0):
        yield told


def network(rng, n, m, ohms):
    """A ring with chords to ground, and rectifiers between any nodes, of which none form a loop."""
    p = np.concatenate((np.arange(1, n), np.arange(1, n)))
    q = np.concatenate((np.roll(np.arange(1, n), 1), np.zeros(n - 1, dtype=np.int64)))
    diode_p, diode_q = rng.permutation(n)[: 2 * m].reshape(2, m)
    none, number = np.zeros(0, dtype=np.int64), np.zeros(0)
    resistance = np.full(m, ohms)
    return Network(n, p, q, diode_p, diode_q, resistance, none, none, number, number)


def dense(net, g, load, drop, on):
    """Solve one point by LAPACK: conducting rectifiers are unknown currents."""
    n, rows = net.n - 1, np.flatnonzero(on)
    matrix, right = np.zeros((n + len(rows),) * 2), np.zeros(n + len(rows))
    wide = np.zeros((net.n, net.n))
    for a, b, one in zip(net.edge_p, net.edge_q, g, strict=True):
        wide[[a, b], [a, b]] += one
        wide[[a, b], [b, a]] -= one
    matrix[:n, :n], right[:n] = wide[1:, 1:], load
    for k, row in enumerate(rows.tolist()):
        for end, sign in ((net.diode_p[row], 1.0), (net.diode_q[row], -1.0)):
            if end:
                matrix[end - 1, n + k] = matrix[n + k, end - 1] = sign
        matrix[n + k, n + k] = -net.resistance[row]
        right[n + k] = drop[row]
    found = np.linalg.solve(matrix, right)
    current = np.zeros(len(on))
    current[rows] = found[n:]
    return found[:n], current


@pytest.mark.parametrize("passes", [1, 2])
@pytest.mark.parametrize("ohms", [0.0, 0.3])
def test_states_are_those_of_a_dense_solution(shared, ohms, passes):
    rng = np.random.default_rng(int(10 * ohms) + passes)
    net = network(rng, 30, 11, ohms)
    g, count = 10.0 ** rng.uniform(-1, 1, len(net.edge_p)), 19
    load, drop = rng.normal(size=(count, net.n - 1)), np.zeros((count, 11))
    if passes == 2:  # a stiff conductance with a drop leaves few digits of all else
        drop[:] = rng.uniform(0, 0.3, drop.shape)
    on = rng.random((count, 11)) < 0.4
    on[:, 0], on[:, 1] = True, False
    x, current, fine = Lanes(net).steady(Data(g, load, drop), on, passes)
    assert shared == [True]
    assert fine.all()
    for k in range(count):
        wanted, flow = dense(net, g, load[k], drop[k], on[k])
        np.testing.assert_allclose(x[k], wanted, atol=1e-10 * np.abs(wanted).max())
        if passes == 2:
            np.testing.assert_allclose(current[k], flow, atol=1e-9 * np.abs(flow).max())


def test_rectifiers_may_form_loops(shared):
    """Two in parallel share a current as they like."""
    rng = np.random.default_rng(3)
    net = network(rng, 30, 6, 0.0)
    net.diode_p[1], net.diode_q[1] = net.diode_p[0], net.diode_q[0]
    on = rng.random((16, 6)) < 0.5
    on[0, :2] = True
    g, load = np.ones(len(net.edge_p)), rng.normal(size=(16, net.n - 1))
    x, _, fine = Lanes(net).steady(Data(g, load, np.zeros((16, 6))), on, 1)
    assert shared == [True]
    assert fine.all()
    for k in range(16):
        alone = on[k].copy()
        alone[1] &= not alone[0]
        wanted, _ = dense(net, g, load[k], np.zeros(6), alone)
        np.testing.assert_allclose(x[k], wanted, atol=1e-10 * np.abs(wanted).max())


def test_what_hangs_on_rectifiers_alone_is_left_to_factors_of_each_point(shared):
    rng = np.random.default_rng(4)
    net = network(rng, 30, 4, 0.0)
    net.diode_p[0], net.diode_q[0] = 7, 20
    g = np.ones(len(net.edge_p))
    g[(net.edge_p == 7) | (net.edge_q == 7)] = 1e-9
    on = rng.random((16, 4)) < 0.5
    on[:, 0] = np.arange(16) < 15
    load = rng.normal(size=(16, net.n - 1))
    x, _, fine = Lanes(net).steady(Data(g, load, np.zeros((16, 4))), on, 1)
    assert shared == [False]
    assert fine.all()
    for k in range(16):
        wanted, _ = dense(net, g, load[k], np.zeros(4), on[k])
        np.testing.assert_allclose(x[k], wanted, atol=1e-10 * np.abs(wanted).max())


def learning():
    """A grid whose samples differ in what conducts, and gradients by two rules."""
    circuit = rs.generators.grid(12, seed=3)
    net = tr.Network(circuit, circuit.current_sources.names[:3], list(circuit.nodes[5:9]), "r*")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(43, 3)), 0.1 * rng.normal(size=(43, 4))
    rules = tr.Adjoint(), tr.EquilibriumPropagation()
    return [tr.gradients(net, x, y, rule).vector for rule in rules]


def test_gradients_are_those_with_factors_of_each_sample(shared):
    found = learning()
    assert shared
    assert all(shared)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lanes_module, "pays", lambda *_: False)
        wanted = learning()
    for mine, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-11 * np.abs(theirs).max())


def test_two_threads_give_the_same_bits(shared):
    with policy.using(threads=1):
        one = learning()
    with policy.using(threads=2, tiles=0):
        two = learning()
    assert shared
    for mine, theirs in zip(one, two, strict=True):
        assert mine.tobytes() == theirs.tobytes()


def test_one_factor_is_chosen_where_few_rectifiers_differ():
    side = 60
    node = 1 + np.arange(side * side).reshape(side, side)
    p = np.concatenate((node[:, 1:].ravel(), node[1:].ravel()))
    q = np.concatenate((node[:, :-1].ravel(), node[:-1].ravel()))
    f, few, many = (
        fronts(side * side + 1, p, q),
        np.zeros((64, 900), bool),
        np.zeros((64, 900), bool),
    )
    few[::2, :20] = many[::2] = True
    few[:, 20:500] = True
    assert pays(f, few)
    assert not pays(f, many)
    assert not pays(f, few[:8])  # their own factors fill the lanes of one vector
