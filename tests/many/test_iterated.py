"""Lanes that iterate, where factors would be full, against those with factors."""

import dataclasses

import numpy as np
import pytest
from training_circuits import random_network

import resnet_sim as rs
from resnet_sim import training as tr
from resnet_sim.compiled import policy
from resnet_sim.many.iterated import IteratedLanes
from resnet_sim.many.lane_data import Data, Network
from resnet_sim.many.lanes import Lanes

# diodes at dead ends have neither current nor voltage
pytestmark = pytest.mark.filterwarnings("ignore::resnet_sim.training.KneeWarning")


def iterating(make):
    """A network that iterates, and the same with factors."""
    with policy.using(wide=-1):
        net = make()
    assert isinstance(net._backend.lanes, IteratedLanes)
    factors = make()
    assert type(factors._backend.lanes) is Lanes
    return net, factors


def circuit(seed, nodes=60, **mixture):
    mixture = rs.generators.Mixture(**{"sources": 0.2, "grounds": 0.1, **mixture})
    return rs.generators.random_graph(nodes, 4, mixture=mixture, seed=seed)


def workload(seed, batch=20, **mixture):
    built = circuit(seed, **mixture)
    rng = np.random.default_rng(seed)
    inputs = built.current_sources.names[:4]
    net, factors = iterating(lambda: tr.Network(built, inputs, ["n3", "n7", ("n11", "n13")]))
    return net, factors, rng.normal(size=(batch, 4)), 0.3 * rng.normal(size=(batch, 3))


def fit(seed, **how):
    """As `random_network`, iterating; None if something hangs on diodes alone."""
    with policy.using(wide=-1):
        net, X, Y = random_network(seed, **how)
    return (net, X, Y) if isinstance(net._backend.lanes, IteratedLanes) else None


def test_states_are_operating_points():
    seen = 0
    for seed in range(30):
        if (found := fit(seed, amplifier=seed % 4 == 0)) is None:
            continue
        net, X, _ = found
        wanted = rs.solve(net.circuit, inputs=dict(zip(net.inputs, X.T, strict=True)))
        scale = np.abs(wanted.node_voltages).max()
        assert np.abs(net.free(X).voltages - wanted.node_voltages).max() < 1e-9 * scale, seed
        seen += 1
    assert seen > 20


@pytest.mark.parametrize("beta", [0.3, 1e-3, -0.02, np.inf])
def test_nudged_states_are_those_with_factors(beta):
    for seed in range(4):
        net, factors, X, Y = workload(seed)
        states, wanted = (n.pulled(X, n.free(X), beta, Y).voltages for n in (net, factors))
        assert np.abs(states - wanted).max() < 1e-9 * np.abs(wanted).max(), seed


@pytest.mark.parametrize("rule", [
    tr.EquilibriumPropagation(1e-2), tr.EquilibriumPropagation(0.1, "positive"), tr.Adjoint(),
    tr.EquilibriumPropagation(1e-2, nudge="current"), tr.CoupledLearning(0.3),
])  # fmt: skip
def test_gradients_are_those_with_factors(rule):
    flipped = 0
    for seed in range(4):
        net, factors, X, Y = workload(seed)
        found, wanted = (tr.gradient(n, X, Y, rule) for n in (net, factors))
        assert np.abs(found - wanted).max() < 1e-10 * np.abs(wanted).max(), seed
        flipped += int((net.pulled(X, net.free(X), 0.1, Y).on != net.free(X).on).sum())
    assert flipped > 0


def test_soft_diodes_and_drops():
    for seed in range(6):
        built = circuit(seed)
        rng = np.random.default_rng(seed)
        count = len(built.diodes)
        diodes = dataclasses.replace(
            built.diodes, v_forward=rng.uniform(0, 0.7, count),
            r_on=rng.choice([0.0, 0.1, 3.0], count),
        )  # fmt: skip
        built = built.with_tables(diodes=diodes)
        inputs = built.current_sources.names[:4]
        net, factors = iterating(lambda b=built, i=inputs: tr.Network(b, i, ["n3"]))
        X = rng.normal(size=(9, 4))
        found, wanted = net.free(X), factors.free(X)
        scale = np.abs(wanted.voltages).max()
        assert np.abs(found.voltages - wanted.voltages).max() < 1e-10 * scale


def test_no_point_depends_on_its_company():
    net, _, X, Y = workload(3, batch=40)
    whole = net.free(X)
    for part in (slice(0, 1), slice(7, 30)):
        assert np.array_equal(net.free(X[part]).voltages, whole.voltages[part])
    one, two = [], []
    for threads, found in ((1, one), (3, two)):
        with policy.using(tiles=0, threads=threads):
            found.append(tr.gradient(net, X, Y))
    assert np.array_equal(one, two)


def test_parts_that_hang_on_diodes_alone_have_factors():
    b = rs.CircuitBuilder()
    b.voltage_source("v1", "in", "0", 1.0)
    b.resistor("r1", "in", "a", 1.0)
    b.diode("d1", "a", "b")
    b.resistor("r2", "b", "c", 1.0)
    b.diode("d2", "c", "0")
    with policy.using(wide=-1):
        net = tr.Network(b.build(), ["v1"], ["b"])
    assert type(net._backend.lanes) is Lanes
    assert np.abs(net.forward([[1.0]]) - 0.5).max() < 1e-12


def test_rectifiers_that_are_too_many_are_refused_in_words():
    rng = np.random.default_rng(0)
    p, q = rng.integers(1, 400, (2, 1200))
    none = np.zeros(0, dtype=np.int64)
    rest = none, none, np.zeros(0), np.zeros(0)
    star = np.zeros(399, dtype=np.int64), np.arange(1, 400)
    lanes = IteratedLanes(Network(400, *star, p, q, np.zeros(len(p)), *rest))
    assert "even of the rectifiers alone" in lanes.unfit


def test_a_loop_of_ideal_diodes_is_left_to_others_or_solved():
    """Conducting diodes in a loop: potentials are unique, currents are not."""
    star = np.zeros(3, dtype=np.int64), np.arange(1, 4)
    none = np.zeros(0, dtype=np.int64)
    rest = none, none, np.zeros(0), np.zeros(0)
    p, q = np.array([1, 2, 1]), np.array([2, 3, 3])
    lanes = IteratedLanes(Network(4, *star, p, q, np.zeros(3), *rest))
    data = Data(np.ones(3), np.array([[3.0, 0.0, 0.0]]), np.zeros((1, 3)))
    found = lanes.settle(data, np.zeros((1, 3), dtype=bool))
    assert found.settled.all()
    assert np.abs(found.x - 1.0).max() < 1e-12
    assert found.current[0, 0] + found.current[0, 2] == pytest.approx(2.0, abs=1e-12)


def test_what_is_not_stable_is_no_state():
    star = np.zeros(2, dtype=np.int64), np.arange(1, 3)
    none = np.zeros(0, dtype=np.int64)
    at = np.array([1]), np.array([0]), np.ones(1), np.ones(1)
    lanes = IteratedLanes(Network(3, *star, none, none, np.zeros(0), *at))
    off, aim = np.zeros((1, 0), dtype=bool), np.ones((1, 1))
    x, _, force, fine = lanes.respond(np.ones(2), off, aim, (0.5, -0.5))
    assert fine.all()
    assert x[:, 0, 0] == pytest.approx([0.5 / 1.5, -0.5 / 0.5])
    assert force[:, 0, 0] == pytest.approx([0.5 * (1 - 1 / 3), -0.5 * 2.0])
    assert not lanes.respond(np.ones(2), off, aim, (-1.5,))[3].any()


def test_graphs_without_small_separators_iterate_by_themselves():
    built = rs.generators.random_graph(2_500, 4, seed=1)
    net = tr.Network(built, built.current_sources.names[:2], ["n3", "n7"])
    assert isinstance(net._backend.lanes, IteratedLanes)
    X, Y = np.random.default_rng(0).normal(size=(2, 5, 2))
    found = tr.gradients(net, X, Y, start=net.free(X).on)
    apart = np.abs(found.outputs - net.forward(X)).max()
    assert apart < 1e-12 * np.abs(found.outputs).max()
    exact = tr.gradient(net, X, Y, tr.Adjoint())
    sizes = np.linalg.norm(found.conductances) * np.linalg.norm(exact)
    assert found.conductances @ exact > 0.999 * sizes
    grid = rs.generators.grid(80, seed=1)
    assert type(tr.Network(grid, grid.current_sources.names[:2], ["n3_3"])._backend.lanes) is Lanes
