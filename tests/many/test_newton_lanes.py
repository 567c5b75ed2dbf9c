"""Problems solved side by side against the same problems solved one by one."""

import dataclasses

import networkx
import numpy as np
import pytest

from resnet_sim import solvers
from resnet_sim.compiled import policy
from resnet_sim.graph.problem import Problem
from resnet_sim.many.newton_lanes import Data, NewtonLanes
from resnet_sim.solvers.linear.elimination import eliminate


def random_problem(rng, n, soft=False):
    """A connected problem with as many rectifiers as nodes, all feasible at zero."""
    tree = [(k, int(rng.integers(k))) for k in range(1, n)]
    more = [tuple(rng.choice(n, 2, replace=False)) for _ in range(n)]
    p, q = np.array(tree + more).T
    ends = np.array([rng.choice(n, 2, replace=False) for _ in range(n)])
    injection = rng.normal(size=n)
    return Problem(
        n, p, q, 10 ** rng.uniform(-2, 2, len(p)),
        rng.normal(size=len(p)) * (rng.random(len(p)) < 0.3),
        injection, np.abs(injection), ends[:, 0], ends[:, 1], rng.uniform(0, 0.2, n),
        np.where(rng.random(n) < 0.5, 0.1, 0.0) if soft else np.zeros(n),
    )  # fmt: skip


def spread(problem, rng, count):
    """Return problems whose numbers are near those of one."""

    def near(values):
        return values[:, None] * rng.uniform(0.8, 1.2, (len(values), count))

    return Data(near(problem.conductance), near(problem.emf), near(problem.injection),
                near(problem.drop))  # fmt: skip


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("count", [1, 8, 21])
def test_lanes_agree_with_single_solutions(soft, count):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        problem = random_problem(rng, int(rng.integers(2, 40)), soft)
        data = spread(problem, rng, count)
        found = NewtonLanes(problem).solve(data, np.zeros(len(problem.drop), dtype=bool))
        assert found.settled.mean() > 0.9
        for k in np.flatnonzero(found.settled):
            single = dataclasses.replace(
                problem, conductance=data.conductance[:, k], emf=data.emf[:, k],
                injection=data.injection[:, k], turnover=np.abs(data.injection[:, k]),
                drop=data.drop[:, k],
            )  # fmt: skip
            wanted = solvers.solve(single)
            assert wanted.converged
            scale = np.abs(wanted.x).max()
            np.testing.assert_allclose(found.x[:, k], wanted.x, atol=1e-11 * scale)


def test_what_floats_is_left_to_others():
    rng = np.random.default_rng(0)
    problem = random_problem(rng, 10)
    cut = dataclasses.replace(problem, edge_p=np.where(problem.edge_p == 0, 1, problem.edge_p),
                              edge_q=np.where(problem.edge_q == 0, 1, problem.edge_q))  # fmt: skip
    found = NewtonLanes(cut).solve(spread(cut, rng, 5), np.zeros(10, dtype=bool))
    assert found.settled.tolist() == [False] * 5


def test_the_pattern_has_the_fill_of_the_elimination_game():
    rng = np.random.default_rng(1)
    for n in (2, 3, 10, 40):
        graph = networkx.gnm_random_graph(n, 2 * n, seed=int(rng.integers(1000)))
        edges = np.array([e for e in graph.edges if e[0] != e[1]]).reshape(-1, 2)
        pattern = eliminate(n, edges[:, 0], edges[:, 1])
        graph.remove_node(0)
        node_at = np.argsort(pattern.place)
        for k in range(n - 1):
            node = int(node_at[k])
            neighbours = set(graph[node])
            row = pattern.row[pattern.ptr[k] : pattern.ptr[k + 1]]
            assert sorted(node_at[row].tolist()) == sorted(neighbours)
            graph.add_edges_from((a, b) for a in neighbours for b in neighbours if a < b)
            graph.remove_node(node)


def test_a_graph_with_too_much_fill_is_refused():
    with policy.using(most_pairs=10):
        assert not NewtonLanes(random_problem(np.random.default_rng(0), 30)).possible
