"""Gradients of grids, random, small-world and scale-free graphs against finite differences."""

from __future__ import annotations

import networkx
import numpy as np
import pytest

import resnet_sim as rs
from resnet_sim import training as tr
from resnet_sim.compiled import policy
from resnet_sim.generators.mixture import dress

#: Steps along a direction, of each conductance: within the first some diode may flip; what may be
#: wrong, relative to the derivative along the gradient.
STEPS, ALLOWED = (1e-5, 1e-6, 1e-7), 1e-6
KINDS = ("grid", "random", "small-world", "scale-free")

# diodes at dead ends have neither current nor voltage
pytestmark = pytest.mark.filterwarnings("ignore::resnet_sim.training.KneeWarning")


def graph(kind: str, nodes: int, seed: int) -> rs.Circuit:
    """A graph with free diodes on a fifth to all of its nodes, and sources at a third."""
    rng = np.random.default_rng([seed, nodes])
    mixture = rs.generators.Mixture(
        diodes=float(rng.uniform(0.2, 1.0)), ground_diodes=float(rng.choice([0.0, 0.2])),
        sources=0.3, grounds=0.2, decades=float(rng.uniform(0.0, 2.0)),
    )  # fmt: skip
    how = {"mixture": mixture, "seed": seed}
    if kind == "grid":
        return rs.generators.grid(round(nodes**0.5), **how)
    if kind == "random":
        return rs.generators.random_graph(nodes, 4, **how)
    if kind == "small-world":
        return rs.generators.small_world(nodes, **how)
    edges = np.array(networkx.barabasi_albert_graph(nodes, 2, seed=seed).edges).T
    names = [f"n{k}" for k in range(nodes)]
    return dress("scale-free graph", names, (edges[0], edges[1]), mixture, None, seed)


def workload(kind: str, seed: int) -> tuple[tr.Network, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    circuit = graph(kind, int(rng.integers(20, 120)), seed)
    nodes = [circuit.nodes[k] for k in rng.choice(len(circuit.nodes) - 1, 5, False) + 1]
    outputs = [*nodes[:3], (nodes[3], nodes[4])]
    net = tr.Network(circuit, circuit.current_sources.names[:4], outputs)
    return net, rng.normal(size=(3, 4)), 0.3 * rng.normal(size=(3, 4))


def differences(net, X, Y, direction):
    """The derivative of the mean cost along a direction, by differences of the fourth order."""
    g = net.conductances
    for step in STEPS:
        total = 0.0
        for times, weight in ((1, 8.0), (-1, -8.0), (2, -1.0), (-2, 1.0)):
            net.conductances = g + times * step * direction
            total += weight * float(tr.SquaredError().value(net.forward(X), Y).mean())
        net.conductances = g
        yield total / (12 * step)


def check(kind: str, seed: int) -> None:
    """Compare the adjoint, and EP where no diode flips."""
    net, X, Y = workload(kind, seed)
    rng = np.random.default_rng([1, seed])
    g = net.conductances
    exact = tr.gradient(net, X, Y, tr.Adjoint())
    steepest = g * exact / np.linalg.norm(g * exact) * g
    for direction in (steepest, *(g * rng.choice([-1.0, 1.0], (2, len(g))))):
        wanted, most = direction @ exact, np.linalg.norm(direction * exact)
        found = differences(net, X, Y, direction)
        assert any(abs(one - wanted) < ALLOWED * most for one in found), (kind, seed)
    free, beta = net.free(X), 1e-4
    sets = [net.pulled(X, free, b, Y).on for b in (beta, -beta)]
    if all(np.array_equal(free.on, on) for on in sets):
        nudged = tr.gradient(net, X, Y, tr.EquilibriumPropagation(beta, order=4))
        assert np.linalg.norm(nudged - exact) < ALLOWED * np.linalg.norm(exact), (kind, seed)


def flipping(kind: str, seed: int, beta: float = 0.3) -> int:
    """Compare EP by large nudges with single points; return how many diodes flip."""
    net, X, Y = workload(kind, seed)
    p, q = net.circuit.resistors.p, net.circuit.resistors.q
    wanted = np.zeros(len(p))
    for x, y in zip(X, 5.0 * Y, strict=True):
        for nudge in (beta, -beta):
            v = rs.solve(net.nudged_circuit(x, y, nudge)).node_voltages
            wanted += (v[p] - v[q]) ** 2 / (4 * nudge * len(X))
    found = tr.gradient(net, X, 5.0 * Y, tr.EquilibriumPropagation(beta))
    assert np.abs(found - wanted).max() < 1e-10 * np.abs(wanted).max(), (kind, seed)
    free = net.free(X)
    return sum(int((net.pulled(X, free, b, 5.0 * Y).on != free.on).sum()) for b in (beta, -beta))


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_derivatives(kind):
    for seed in range(2):
        check(kind, seed)


@pytest.mark.parametrize("iterated", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_nudges_under_which_diodes_flip_are_those_of_single_points(kind, iterated):
    with policy.using(wide=-1 if iterated else np.inf):
        assert sum(flipping(kind, seed) for seed in range(3)) > 3


@pytest.mark.long
@pytest.mark.parametrize("iterated", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_many_topologies_are_derivatives(kind, iterated):
    with policy.using(wide=-1 if iterated else np.inf):
        for seed in range(100, 138):
            check(kind, seed)
