"""What is left over at the nodes and rectifiers of points, against the same by numpy."""

import dataclasses

import numpy as np
import pytest
import scipy.sparse as sp

from resnet_sim.compiled import policy
from resnet_sim.many.lane_data import Data, Network
from resnet_sim.many.lanes import Lanes
from resnet_sim.many.states import knees


def points(count, seed=0, n=9, m=7):
    rng = np.random.default_rng(seed)
    ends = np.array([rng.choice(n, 2, replace=False) for _ in range(2 * n + m)]).T
    edges, diodes = ends[:, : 2 * n], ends[:, 2 * n :]
    none, number = np.zeros(0, dtype=np.int64), np.zeros(0)
    ohms = np.where(np.arange(m) % 2, 0.0, 0.3)
    net = Network(n, *edges, *diodes, ohms, none, none, number, number)
    data = Data(
        10 ** rng.uniform(-2, 2, 2 * n), rng.normal(size=(count, n - 1)),
        0.1 * rng.random((count, m)),
    )  # fmt: skip
    x, current = rng.normal(size=(count, n - 1)), rng.random((count, m))
    return net, data, x, current * (rng.random((count, m)) < 0.6)


def incidence(net, p, q):
    """Branches by coordinates, the reference left out."""
    rows, one = np.arange(len(p)), np.ones(len(p))
    ends = np.r_[rows, rows], np.r_[p, q]
    both = sp.coo_array((np.r_[one, -one], ends), shape=(len(p), net.n))
    return both.toarray()[:, 1:]


@pytest.mark.parametrize("count", [1, 8, 13])
def test_the_imbalance_is_relative_to_the_currents_at_a_node(count):
    net, data, x, current = points(count)
    edges, diodes = incidence(net, net.edge_p, net.edge_q), incidence(net, net.diode_p, net.diode_q)
    flow = data.conductance * (x @ edges.T)
    left = data.load - flow @ edges - current @ diodes
    size = np.abs(data.load) + np.abs(flow) @ np.abs(edges) + np.abs(current) @ np.abs(diodes)
    wanted = (np.abs(left) / (size + 1e-6 * size.max(axis=1, keepdims=True))).max(axis=1)
    # the reference takes what is left over
    np.testing.assert_allclose(Lanes(net).imbalance(data, data.load, x, current), wanted, rtol=1e-9)


@pytest.mark.parametrize("place", [0, 3, 7])
def test_what_is_no_number_is_no_balance(place):
    net, data, x, current = points(11)
    x[4, place] = np.nan
    left = Lanes(net).imbalance(data, data.load, x, current)
    assert np.flatnonzero(~np.isfinite(left)).tolist() == [4]


def test_rectifiers_are_judged_one_by_one():
    net, data, x, current = points(10)
    lanes = Lanes(net)
    above = x @ incidence(net, net.diode_p, net.diode_q).T - data.drop
    volts = np.abs(x).max(axis=1) + data.drop.max(axis=1)
    on = current > 0
    # lawful ones, at first
    drop = np.where(on, above + data.drop - net.resistance * current, above + data.drop + 1.0)
    good = Data(data.conductance, data.load, drop)
    limits = 1e-9, 1e-9, 1e-12
    lawful, touching, wrong, _ = lanes.judged(good, good.load, x, current, on, limits)
    assert lawful.all() and not touching.any() and not wrong.any()
    lawful, touching, wrong, _ = lanes.judged(data, data.load, x, -current, on, limits)
    np.testing.assert_array_equal(wrong, on | (above > 1e-12 * volts[:, None]))
    np.testing.assert_array_equal(lawful, (above <= 1e-9 * volts[:, None]).all(axis=1))
    good.drop[3, 2], x[5, 0] = (above + data.drop)[3, 2], np.nan
    current[3, 2] = 0.0
    lawful, touching, *_ = lanes.judged(good, good.load, x, current, on, limits)
    assert touching.tolist()[:5] == [False, False, False, True, False]
    assert lawful.tolist() == [k != 5 for k in range(10)]


def test_changes_are_added_and_what_contradicts_flips():
    net, data, x, current = points(11)
    _, _, change, more = points(11, seed=1)
    on = current > 0
    found = Lanes(net).added(data, (x, current, on), (change, more), -1.0, 1e-12)
    x, current = x - change, current - more
    volts = np.abs(x).max(axis=1, keepdims=True) + data.drop.max(axis=1, keepdims=True)
    above = x @ incidence(net, net.diode_p, net.diode_q).T - data.drop
    wrong = np.where(on, current < -1e-12 * volts, above > 1e-12 * volts)
    assert 0 < wrong.sum() < wrong.size
    wanted = x, np.maximum(current, 0.0), on ^ wrong, ~wrong.any(axis=1)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_several_states_of_each_point_are_judged_with_what_is_fed_into_outputs():
    net, data, x, current = points(11)
    ends = np.array([3, 0, 5]), np.array([0, 4, 2]), np.array([1.0, 1.0, 2.0]), np.ones(3)
    net = dataclasses.replace(
        net, **dict(zip(("output_p", "output_q", "scale_p", "scale_q"), ends, strict=True))
    )
    _, _, other, more = points(11, seed=1)
    on, force = current > 0, np.random.default_rng(5).normal(size=(22, 3))
    lanes, both = Lanes(net), (np.concatenate((x, other)), np.concatenate((current, more)))
    limits = 1e-9, 1e-9, 1e-12
    together = lanes.judged(data, data.load, *both, np.tile(on, (2, 1)), limits, force=force)
    moved = lanes.added(data, (x, current, on), both, 1.0, 1e-12)
    at = np.zeros((net.n, 3))
    for o, (p, q, a, b) in enumerate(zip(*ends, strict=True)):
        at[p, o] += a
        at[q, o] -= b
    for half, (v, i) in ((slice(0, 11), (x, current)), (slice(11, 22), (other, more))):
        fed = force[half] @ at[1:].T
        size = np.abs(data.load) + np.abs(force[half]) @ np.abs(at[1:]).T
        alone = lanes.judged(data, data.load + fed, v, i, on, limits, size)
        for one, rows in zip(alone, together, strict=True):
            np.testing.assert_allclose(rows[half], one, rtol=1e-12)
        alone = lanes.added(data, (x, current, on), (v, i), 1.0, 1e-12)
        for one, rows in zip(alone, moved, strict=True):
            np.testing.assert_array_equal(rows[half], one)
    with policy.using(threads=3, tiles=0):
        again = lanes.judged(data, data.load, *both, np.tile(on, (2, 1)), limits, force=force)
    for one, rows in zip(again, together, strict=True):
        assert one.tobytes() == rows.tobytes()


def test_knees_are_those_of_the_few_points_that_are_asked():
    net, data, x, current = points(20, seed=2, n=6, m=9)
    lanes, rng = Lanes(net), np.random.default_rng(3)
    above = x @ incidence(net, net.diode_p, net.diode_q).T
    touching = rng.random(current.shape) < 0.3
    current[touching] = 0.0
    data.drop[:] = np.where(touching, above, above - net.resistance * current)
    volts = (np.abs(x).max(axis=1) + np.abs(data.drop).max(axis=1))[:, None]
    gap = (data.drop + net.resistance * current - above) / volts
    wanted = knees(current / lanes.around(data.conductance) / volts, gap, net.diode_p, net.diode_q)
    asked = np.flatnonzero(rng.random(20) < 0.8)
    found = lanes.on_knees(data, x, current, asked, 1e-9)
    np.testing.assert_array_equal(found[asked], wanted[asked])
    assert (np.delete(found, asked) == -1).all() and len(np.unique(wanted)) > 3


def test_threads_judge_with_the_same_bits():
    net, data, x, current = points(37)
    on, lanes, found = current > 0, Lanes(net), []
    for count in (1, 3):
        with policy.using(threads=count, tiles=0):
            found.append((
                *lanes.judged(data, data.load, x, current, on, (1e-9, 1e-9, 1e-12)),
                *lanes.added(data, (x, current, on), (x, current), 1.0, 1e-12),
                lanes.on_knees(data, x, current, np.arange(37), 1e-1),
            ))  # fmt: skip
    for one, other in zip(*found, strict=True):
        assert one.tobytes() == other.tobytes()
