"""Where medium problems begin: a guess from a few sweeps over all coordinates."""

import numpy as np
import pytest
from problems import random_problem

from resnet_sim import generators
from resnet_sim.graph.problem import Problem
from resnet_sim.point.plan import Compiled
from resnet_sim.point.state import State
from resnet_sim.solvers import newton
from resnet_sim.solvers.relaxation import relaxed


def problem_of(circuit) -> Problem:
    state = State(Compiled(circuit, circuit.switches.closed))
    (plan,) = state.compiled.plans
    return state.problem(plan)


@pytest.mark.parametrize(
    "circuit",
    [
        generators.grid(30, seed=2),
        generators.grid3d(9, seed=1),
        generators.random_graph(800, seed=3),
        generators.small_world(800, seed=1),
    ],
    ids=["grid", "cube", "random", "small world"],
)
def test_it_is_wrong_about_far_fewer_rectifiers_than_a_guess_from_nothing(circuit):
    problem = problem_of(circuit)
    on, _ = relaxed(problem)
    solved = newton.solve(problem).current > 0
    wrong, before = (on != solved).sum(), (newton.guess(problem) != solved).sum()
    assert wrong < 0.7 * before


def test_sweeps_lead_to_the_solution_where_no_rectifier_conducts():
    """The mean of its neighbours, over and over: 1 V and 0 V meet at 0.5 V."""
    ends, one = np.array([1, 0]), np.ones(2)
    none = np.zeros(0)
    problem = Problem(
        n=2, edge_p=ends, edge_q=np.array([0, 1]), conductance=one, emf=np.array([1.0, 0.0]),
        injection=np.zeros(2), turnover=np.zeros(2), diode_p=none.astype(int),
        diode_q=none.astype(int), drop=none, resistance=none,
    )  # fmt: skip
    on, x = relaxed(problem)
    assert not len(on)
    np.testing.assert_allclose(x, [0.0, 0.5], atol=1e-9)


@pytest.mark.parametrize("seed", range(30))
def test_numbers_stay_finite_whatever_joins_what(seed):
    """Parts without ground drift, ends without edges stay, milliohms stand beside gigaohms."""
    problem = random_problem(seed)
    on, x = relaxed(problem)
    assert on.dtype == bool and on.shape == problem.drop.shape
    assert np.isfinite(x).all() and x[0] == 0
