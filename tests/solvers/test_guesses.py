"""Conducting sets that a rough look refutes, and limiters as single rows of a path."""

import numpy as np
import pytest

import resnet_sim as rs
from resnet_sim.graph.mixed import MixedProblem
from resnet_sim.solvers import guesses, pivoting
from resnet_sim.solvers.complementarity import Search


def limited_amplifiers(seed: int, count: int, singles: int, ideal: bool) -> MixedProblem:
    """Return amplifiers with rails that sense each other's outputs, and clamps of some of these.

    Unknowns are the outputs; a row says what an amplifier senses, of which some are copies.
    """
    draw = np.random.default_rng(seed)
    matrix = draw.normal(size=(count, count)) + (0.0 if ideal else 1e-3 * np.eye(count))
    if count > 2 and seed % 3 == 0:
        matrix[1] = matrix[0]  # two that sense the same: singular where both are off their rails
    eye, extra = np.eye(count), np.eye(count)[: singles or 0]
    sense = np.vstack((eye, -eye, extra))
    feed = np.hstack((eye, -eye, draw.normal(size=(count, len(extra)))))
    drop = np.concatenate((np.full(count, 5.0), np.full(count, 3.0), draw.uniform(-2, 9, singles)))
    resistance = np.concatenate((np.zeros(2 * count), np.ones(singles)))
    return MixedProblem.dense(matrix, feed, draw.normal(size=count), sense, drop, resistance)


@pytest.mark.parametrize("ideal", [True, False])
def test_no_set_with_a_solution_is_refuted_and_few_others_are_left(ideal):
    right, left, total = 0, 0, 0
    for seed in range(40):
        problem = limited_amplifiers(seed, 1 + seed % 4, min(seed % 3, seed % 4), ideal)
        sets = guesses.every(problem)
        assert sets is not None
        wrong, search = guesses.refuted(problem, sets), Search(problem)
        solved = np.array([search.attempt(on) is not None for on in sets])
        assert not (solved & wrong).any(), seed
        right, total = right + solved.sum(), total + len(sets)
        left += (~wrong & ~solved).sum()
    assert right > 20
    assert left < 0.2 * total


def test_a_limiter_is_one_row_of_a_path_whatever_end_it_starts_from():
    problem = limited_amplifiers(5, 4, 2, ideal=False)
    start = pivoting.Complementarity.held(problem, pivoting.limiters(problem))
    assert start is not None and len(start.q) == 6
    over = np.isfinite(start.span)
    turned = start.turned(over)
    on = turned.conducting(np.zeros(6, dtype=int), problem.m)
    assert on.tolist() == [False] * 4 + [True] * 4 + [False] * 2
    # what is given at that end is what the equations of that set give: w are its currents there
    solution, _ = Search(problem).evaluate(on)
    equations = problem.equations[np.r_[:4, 8:12][:, None], np.r_[:4, 8:12]].astype(float)
    exact = np.linalg.solve(equations, np.append(problem.rhs, problem.drop[4:8]).astype(float))
    np.testing.assert_allclose(turned.q[:4].astype(float), exact[4:], rtol=1e-12)
    np.testing.assert_allclose(solution.z, exact[:4], rtol=1e-12)


@pytest.mark.parametrize("seed", range(12))
def test_paths_of_limiters_end_in_solutions(seed):
    problem = limited_amplifiers(seed, 2 + seed % 5, seed % 3, ideal=False)
    ends = list(pivoting.solutions(problem, 4))
    assert ends
    search = Search(problem)
    for end in ends:
        assert search.attempt(end.on) is not None


def test_what_rounding_leaves_of_a_difference_refutes_nothing():
    """Resistors that cancel hold v(1) at v(2): across the diode lies what rounding leaves."""
    op = rs.solve("""cancelling
r1 1 0 .22
r2 2 1 200
r9 1 0 .15
r14 1 m 2.2
r15 m 2 -2.2
v11 2 0 -2.5
d16 1 2 d
.model d d(ron=0)
.end
""")
    assert op.certificate.ok and op["1"] == op["2"] == -2.5
