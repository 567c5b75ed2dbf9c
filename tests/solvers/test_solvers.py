"""Solvers and structure checks on bare problems, without circuits."""

import dataclasses

import numpy as np
import pytest
from problems import feasible, random_problem, routable

from resnet_sim import solvers
from resnet_sim.graph import topology
from resnet_sim.graph.problem import Problem
from resnet_sim.solvers import coordinate_descent, newton, primal

SEEDS = range(300)


def solvable(seed, decades=6.0):
    problem = random_problem(seed, decades=decades)
    fine = not topology.negative_cycle(problem) and topology.unroutable(problem) is None
    return problem if fine else None


def fulfils_all_conditions(problem, solution, tolerance=1e-9):
    gap = solution.gap()
    span = 1.0 + np.abs(solution.x).max()
    return (
        solution.residual().max() <= tolerance
        and gap.min(initial=0.0) >= -tolerance * span
        and solution.current.min(initial=0.0) >= 0.0
        and np.abs(gap * solution.current).max(initial=0.0) <= tolerance * span
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_a_negative_cycle_is_found_iff_the_constraints_contradict_each_other(seed):
    problem = random_problem(seed)
    cycle = topology.negative_cycle(problem)
    assert bool(cycle) == (not feasible(problem))
    if cycle:
        assert problem.drop[cycle].sum() < 0
        after = np.roll(problem.diode_q[cycle], -1)
        np.testing.assert_array_equal(problem.diode_p[cycle], after)
        assert problem.hard[cycle].all()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_cut_is_found_iff_the_currents_cannot_be_routed(seed):
    problem = random_problem(seed)
    cut = topology.unroutable(problem)
    assert (cut is None) == routable(problem)
    if cut is not None:
        inside = cut.coordinates
        assert not inside[0]
        assert (inside[problem.edge_p] == inside[problem.edge_q]).all()
        out = inside[problem.diode_p] & ~inside[problem.diode_q]
        into = ~inside[problem.diode_p] & inside[problem.diode_q]
        assert not (out if cut.excess > 0 else into).any()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_nearest_feasible_point_is_feasible_and_feasible_points_stay(seed):
    problem = solvable(seed)
    if problem is None:
        return
    rng = np.random.default_rng(seed)
    x = topology.nearest_feasible(problem, rng.normal(scale=3.0, size=problem.n))
    hard = problem.hard
    gap = problem.drop - (x[problem.diode_p] - x[problem.diode_q])
    assert x[0] == 0.0
    assert gap[hard].min(initial=0.0) >= -1e-10
    np.testing.assert_allclose(topology.nearest_feasible(problem, x), x, atol=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_solvable_problem_is_solved(seed):
    problem = solvable(seed)
    if problem is not None:
        solution = solvers.solve(problem)
        assert solution.converged
        assert fulfils_all_conditions(problem, solution)


@pytest.mark.parametrize("seed", range(0, 300, 5))
def test_the_primal_method_alone_solves_too(seed):
    problem = solvable(seed)
    if problem is not None:
        solution = primal.solve(problem)
        assert solution.converged
        assert fulfils_all_conditions(problem, solution)


@pytest.mark.parametrize("seed", range(0, 300, 3))
def test_coordinate_descent_agrees_where_conductances_are_of_one_scale(seed):
    problem = solvable(seed, decades=1.0)
    if problem is None:
        return
    descent, other = coordinate_descent.solve(problem), newton.solve(problem)
    assert descent.converged
    assert fulfils_all_conditions(problem, descent)
    if other.converged:
        defined = topology.rigid_pieces(other) == 0
        np.testing.assert_allclose(descent.x[defined], other.x[defined], atol=1e-6)


def test_coordinate_descent_says_when_it_ran_out_of_sweeps():
    n = 200
    chain = np.arange(n - 1)
    problem = Problem(
        n, chain, chain + 1, np.geomspace(1.0, 1e6, n - 1), np.zeros(n - 1),
        np.eye(1, n, n - 1)[0], np.eye(1, n, n - 1)[0],
        *(np.zeros(0, dtype=int),) * 2, *(np.zeros(0),) * 2,
    )  # fmt: skip
    rough = coordinate_descent.sweep(problem, 5)[1]
    assert np.abs(rough - newton.solve(problem).x).max() > 1e-3
    solution = coordinate_descent.solve(problem, sweeps=40)
    assert solution.converged == fulfils_all_conditions(problem, solution)


def test_a_solution_with_a_changed_coordinate_no_longer_fulfils_the_conditions():
    problem = next(p for p in map(solvable, SEEDS) if p is not None and len(p.edge_p) > 3)
    solution = solvers.solve(problem)
    k = int(problem.edge_p[problem.edge_p > 0][0])
    x = solution.x.copy()
    x[k] += 1e-3
    assert not fulfils_all_conditions(problem, dataclasses.replace(solution, x=x))
