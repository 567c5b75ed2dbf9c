"""The path that large problems take: multigrid, bordered factors, rough steps."""

import dataclasses

import numpy as np
import pytest
from problems import random_problem
from scipy.sparse import coo_array
from scipy.sparse.linalg import spsolve
from test_solvers import fulfils_all_conditions, solvable

from resnet_sim import CircuitBuilder, generators, solvers
from resnet_sim.compiled import policy
from resnet_sim.graph.graphs import components
from resnet_sim.point.plan import Compiled
from resnet_sim.point.state import State
from resnet_sim.solvers import large, newton
from resnet_sim.solvers._contradictions import contradictions
from resnet_sim.solvers.linear import bordered, laplacian
from resnet_sim.solvers.linear.bordered import BorderedFactors
from resnet_sim.solvers.linear.contracted import ContractedNetwork
from resnet_sim.solvers.linear.multigrid import Multigrid
from resnet_sim.solvers.linear.two_grid import TwoGrid, aggregates


def stage(circuit):
    compiled = Compiled(circuit, np.zeros(0, dtype=bool))
    (plan,) = compiled.plans
    return State(compiled).problem(plan)


def matrix_of(n, p, q, conductance):
    rows, columns = np.concatenate((p, q, p, q)), np.concatenate((q, p, p, q))
    values = np.concatenate((-conductance, -conductance, conductance, conductance))
    return coo_array((values, (rows, columns)), shape=(n, n)).tocsr()[1:, 1:]


def network(problem, on):
    return ContractedNetwork(problem, on, np.zeros(len(on)))


@pytest.fixture
def all_large():
    """Every problem goes the way of large ones."""
    with policy.using(large=0, medium=0):
        yield


@pytest.mark.parametrize("make", [generators.random_graph, generators.small_world])
@pytest.mark.parametrize("seed", range(3))
def test_multigrid_reduces_the_residual_as_much_as_it_was_told(make, seed):
    problem = stage(make(700, seed=seed))
    net = network(problem, np.random.default_rng(seed).random(len(problem.drop)) < 0.5)
    matrix = matrix_of(*net.laplacian)
    b = np.random.default_rng(seed).normal(size=net.forest.count)
    for reduction in (0.1, 1e-10):
        x = Multigrid(*net.laplacian).solve(b, reduction, 200)
        assert x[0] == 0
        left = np.linalg.norm(b[1:] - matrix @ x[1:])
        assert left <= 1.01 * reduction * np.linalg.norm(b[1:])


def test_multigrid_takes_networks_that_fall_apart_or_are_tiny():
    rng = np.random.default_rng(0)
    # pairs and single nodes, each tied to node 0, so that the rest of the network is scattered
    p = np.concatenate((np.arange(1, 400), np.arange(1, 301, 2)))
    q = np.concatenate((np.zeros(399, dtype=int), np.arange(2, 302, 2)))
    for n, keep in ((400, p < 400), (2, p == 1), (5, (p < 5) & (q < 5))):
        ends = p[keep & (p < n) & (q < n)], q[keep & (p < n) & (q < n)]
        g = 10.0 ** rng.uniform(-6, 6, len(ends[0]))
        x = Multigrid(n, *ends, g).solve(b := rng.normal(size=n), 1e-10, 200)
        left = b[1:] - matrix_of(n, *ends, g) @ x[1:]
        assert np.linalg.norm(left) <= 1e-9 * np.linalg.norm(b[1:])


def test_the_separator_of_a_grid_is_about_its_side_and_that_of_a_ladder_is_small():
    def width(circuit):
        problem = stage(circuit)
        net = network(problem, np.zeros(len(problem.drop), dtype=bool))
        return Multigrid(*net.laplacian).separator()

    assert 30 <= width(generators.grid(30, seed=0)) <= 60
    assert width(generators.ladder(500, seed=0)) <= 4
    assert width(generators.random_graph(900, seed=0)) > 150


@pytest.mark.parametrize("seed", range(120))
def test_a_bordered_factor_gives_the_inverse_of_the_changed_network(seed, all_large):
    """Groups come apart, grow together or both, soft rectifiers change, parts float."""
    problem = random_problem(seed, most=60, decades=2.0)
    rng = np.random.default_rng(seed)
    before = rng.random(len(problem.drop)) < 0.5
    after = before ^ (rng.random(len(before)) < 0.2)
    source = BorderedFactors(problem)
    source.of(network(problem, before))
    other = network(problem, after)
    assert source.factored is not None
    bordered = source.factored.inverse(other)
    if bordered is None:
        assert not np.array_equal(other.part, source.factored.network.part)
        return
    label, count = other.forest.label, other.forest.count
    excess = rng.normal(size=problem.n)
    # what is pinned takes no current: what is injected into each part without ground is zero
    if other.n_parts > 1:
        mean = np.bincount(other.part, excess) / other.members
        excess -= np.where(other.part > 0, mean[other.part], 0.0)
    step = bordered(excess)
    assert not step[label == 0].any()
    if count == 1:
        return
    left = np.bincount(label, excess, count)[1:]
    drop = step[other.p] - step[other.q]
    flow = np.bincount(label[other.p], other.g * drop, count)
    flow -= np.bincount(label[other.q], other.g * drop, count)
    np.testing.assert_allclose(flow[1:], left, atol=1e-8 * (1 + np.abs(left).max()))
    for group in range(count):  # all coordinates of a group move alike
        assert np.ptp(step[label == group]) == 0


@pytest.mark.parametrize("seed", range(9))
def test_a_border_serves_where_parts_of_a_network_carry_no_current(seed, monkeypatch):
    """What is left over there is compared with its rounding, not with the currents: of 0 A."""
    rng = np.random.default_rng(seed)
    b = CircuitBuilder("branches that lead nowhere")
    b.voltage_source("v", "1", "0", 10.0)
    for node in range(2, 200):
        b.resistor(f"r{node}", f"{node}", f"{rng.integers(0, node)}", 10 ** rng.uniform(1, 5))
    for k in range(20):
        b.diode(f"d{k}", *(f"{node}" for node in rng.choice(200, 2, replace=False)))
    problem = stage(b.build())
    on = newton.solve(problem).current > 0
    on[rng.choice(20, 3, replace=False)] ^= True
    factored = []
    factor = BorderedFactors.factor
    monkeypatch.setattr(
        BorderedFactors, "factor", lambda self, net: factored.append(net) or factor(self, net)
    )
    with policy.using(medium=0):
        solution = newton.solve(problem, on)
    assert solution.converged
    assert solution.iterations > 1
    assert len(factored) == 1


@pytest.mark.parametrize("seed", range(100))
def test_compiled_and_interpreted_contradictions_are_the_same(seed, monkeypatch):
    problem = solvable(seed)
    if problem is None:
        return
    rng = np.random.default_rng(seed)
    on = rng.random(len(problem.drop)) < 0.5
    net = network(problem, on)
    x, low = rng.normal(size=problem.n), 1e-17 * rng.normal(size=problem.n)
    x = np.where(rng.random(problem.n) < 0.5, net.near(x), x)
    calls = []

    def both(*args):
        calls.append([contradictions.compiled(*args), contradictions.interpreted(*args)])
        return calls[-1][0]

    monkeypatch.setattr(newton.contradictions, "at", lambda size, cost: both)
    for size in (1, problem.n):
        noise, blur = 1e-3 * rng.random((2, size)) * (seed % 2)
        newton._compare(net, on, x, low, noise, blur, noise)
    assert len(calls) == 2
    for one, other in calls:
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("large", [0, np.inf])
@pytest.mark.parametrize("seed", range(200))
def test_the_way_of_large_problems_leads_to_a_solution(seed, large):
    problem = solvable(seed)
    if problem is None:
        return
    with policy.using(large=large, medium=0, wide=np.inf, narrow=0, few=0):
        solution = solvers.solve(problem)
    assert solution.converged
    assert fulfils_all_conditions(problem, solution)


@pytest.mark.parametrize("flops", [0.0, np.inf])
@pytest.mark.parametrize("complexity", [0.0, np.inf], ids=["approximate factor", "multigrid"])
def test_iterating_and_factoring_give_the_same(flops, complexity, monkeypatch):
    problem = stage(generators.grid(45, seed=3))
    monkeypatch.setattr(bordered, "HEAVY", complexity)
    with policy.using(large=0, full=flops):
        solution = solvers.solve(problem)
    assert solution.converged
    assert fulfils_all_conditions(problem, solution, 1e-12)
    with policy.using(medium=np.inf):
        plain = solvers.solve(problem)
    assert np.abs(solution.x - plain.x).max() <= 1e-11 * np.abs(plain.x).max()
    np.testing.assert_array_equal(solution.current > 0, plain.current > 0)


def test_an_iteration_goes_to_the_last_digit_where_no_current_flows(all_large):
    """A thousand leaves hang from the hub of a star, whose factors look as if they filled up."""
    b = CircuitBuilder("star")
    leaves = b.nodes("leaf", 1000)
    b.resistors("r", leaves, b.node("hub"), 1e3)
    b.voltage_sources("v", leaves[:10], 0, 1.0)
    b.resistor("load", "hub", "0", 100.0)
    problem = stage(b.build())
    assert BorderedFactors(problem).iterates(network(problem, np.zeros(0, dtype=bool)))
    solution = solvers.solve(problem)
    np.testing.assert_allclose(solution.x[1:], 0.5, rtol=1e-15)


def test_an_iteration_that_does_not_converge_ends_in_a_factorisation(monkeypatch):
    problem = stage(generators.grid(45, seed=3))
    monkeypatch.setattr(bordered, "MOST_STEPS", 2)
    with policy.using(large=0, full=0):
        solution = solvers.solve(problem)
    assert solution.converged
    assert fulfils_all_conditions(problem, solution, 1e-12)


@pytest.mark.parametrize("side", [17, 85])
def test_cholmod_and_superlu_solve_alike(side):
    pytest.importorskip("cvxopt")
    problem = stage(generators.grid(side, seed=1))
    net = network(problem, np.zeros(len(problem.drop), dtype=bool))
    b = np.random.default_rng(0).normal(size=net.forest.count)
    x = laplacian.laplacian_solver(*net.laplacian)(b)
    expected = spsolve(matrix_of(*net.laplacian).tocsc(), b[1:])
    np.testing.assert_allclose(x[1:], expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize("size", [0, np.inf])
@pytest.mark.parametrize("side,seed", [(150, 1), (100, 10)])
def test_a_large_grid_does_not_cycle(side, seed, size):
    """Loops of conducting rectifiers to ground used to open and close in turns."""
    problem = stage(generators.grid(side, seed=seed))
    with policy.using(large=size):
        solution = large.solve(problem)
    assert solution.converged
    assert solution.iterations <= 8
    assert fulfils_all_conditions(problem, solution, 1e-12)


def test_sweeps_around_rectifiers_leave_the_rest_and_lower_the_co_content_there():
    problem = stage(generators.grid(20, seed=4))
    x = np.zeros(problem.n)
    wrong = np.zeros(len(problem.drop), dtype=bool)
    fed = (problem.injection[problem.diode_p] != 0) | (problem.injection[problem.diode_q] != 0)
    wrong[np.flatnonzero(fed)[:6]] = True
    on = np.ones(len(problem.drop), dtype=bool)
    on, after = large._descend_around(problem, on, x.copy(), wrong, 30)
    assert 0 < on.sum() < len(on)
    moved = np.flatnonzero(after)
    assert 0 < len(moved) < problem.n / 2
    gap = problem.drop - (after[problem.diode_p] - after[problem.diode_q])
    assert gap.min() >= -1e-12
    across = after[problem.edge_p] - after[problem.edge_q] - problem.emf
    rest = -problem.emf
    energy = problem.conductance @ (across**2 - rest**2) / 2 - problem.injection @ after
    assert energy < 0


@pytest.mark.parametrize("seed", range(60))
def test_a_part_of_a_problem_has_the_same_solution_as_the_whole(seed):
    """All coordinates outside are held where they are."""
    problem = solvable(seed)
    if problem is None:
        return
    whole = solvers.solve(problem)
    which = np.random.default_rng(seed).random(problem.n) < 0.6
    which[0] = False
    part = problem.inside(which, whole.x)
    kept_edges = which[problem.edge_p] | which[problem.edge_q]
    kept = which[problem.diode_p] | which[problem.diode_q]
    same = dataclasses.replace(
        whole,
        problem=part,
        x=np.append(0.0, whole.x[which]),
        low=np.append(0.0, whole.low[which]),
        current=whole.current[kept],
    )
    assert len(part.emf) == kept_edges.sum()
    scale = 1 + np.abs(whole.x).max()
    np.testing.assert_allclose(same.gap(), whole.gap()[kept], atol=1e-12 * scale)
    np.testing.assert_allclose(
        same.edge_current, whole.edge_current[kept_edges],
        atol=1e-12 * scale * (1 + problem.conductance.max(initial=0.0)),
    )  # fmt: skip
    np.testing.assert_array_equal(part.injection[1:], problem.injection[which])


def test_a_start_is_used_on_large_problems_too():
    problem = stage(generators.grid(60, seed=2))
    first = solvers.solve(problem)
    again = solvers.solve(problem, on=first.current > 0, x=first.x)
    assert again.iterations == 1
    harder = dataclasses.replace(problem, injection=1.01 * problem.injection)
    assert solvers.solve(harder, on=first.current > 0).converged


@pytest.mark.parametrize("spread", [0.0, 1.0])
@pytest.mark.parametrize("seed", range(20))
def test_two_grids_reduce_the_residual_as_much_as_they_were_told(seed, spread):
    """Aggregates are connected, of several nodes each, and none holds node 0."""
    rng = np.random.default_rng(seed)
    problem = stage(generators.grid(25, seed=seed))
    p, q = problem.edge_p, problem.edge_q
    g = np.full(len(p), 1.0) if seed % 2 else 10.0 ** rng.uniform(-spread, spread, len(p))
    of_node = aggregates(problem.n, p, q, g)
    assert of_node[0] == 0 < of_node[1:].min()
    assert problem.n / 30 < of_node.max() < problem.n / 6
    assert np.bincount(of_node).max() <= 100
    inner = of_node[p] == of_node[q]
    assert components(problem.n, p[inner], q[inner])[0] == of_node.max() + 1
    b = rng.normal(size=problem.n)
    x = TwoGrid(problem.n, p, q, g, of_node).solve(b, 1e-6, 200)
    left = b[1:] - matrix_of(problem.n, p, q, g) @ x[1:]
    assert np.linalg.norm(left) <= 1.01e-6 * np.linalg.norm(b[1:])


def test_nodes_with_equal_conductances_do_not_point_in_circles():
    p, q = np.array([1, 2, 3, 4]), np.array([2, 3, 1, 1])
    tiny = np.full(4, 5e-324)  # no factor of about 1 tells these apart
    assert aggregates(5, p, q, tiny).tolist() == [0, 1, 1, 1, 1]
