"""The core of a problem has the curves' solution, and a search begins there."""

import dataclasses

import numpy as np
import pytest
from junction_circuits import circuit

from resnet_sim import solve
from resnet_sim.point.plan import Compiled
from resnet_sim.point.state import State
from resnet_sim.solvers import newton, smooth
from resnet_sim.solvers._condensed import condensed


def problem_of(some):
    compiled = Compiled(some, np.zeros(0, dtype=bool))
    (plan,) = compiled.plans
    return State(compiled).problem(plan)


def injected(problem):
    """Return the problem with currents into all coordinates."""
    amps = np.random.default_rng(1).uniform(-1e-3, 1e-3, problem.n)
    return dataclasses.replace(problem, injection=amps, turnover=np.abs(amps))


def test_a_linear_network_has_the_same_voltages_without_most_coordinates():
    problem = injected(problem_of(circuit("graph", 3, 400, mild=True, linear=True)))
    core = condensed(problem)
    assert core.problem.n < problem.n / 2
    assert sorted([*core.gone, *np.flatnonzero(core.kept)]) == list(range(problem.n))
    whole, less = newton.solve(problem), newton.solve(core.problem)
    np.testing.assert_allclose(less.x, whole.x[core.kept], rtol=1e-11, atol=1e-11)
    sums = core.problem.turnover.sum(), problem.turnover.sum()
    assert sums[0] == pytest.approx(sums[1], rel=1e-12)


@pytest.mark.parametrize("ideal", [False, True])
def test_curves_and_rectifiers_notice_no_difference(ideal):
    problem = injected(problem_of(circuit("bridges", 4, 300, hard=ideal)))
    core = condensed(problem)
    assert core.kept[[0, *problem.curves.p, *problem.curves.q, *problem.diode_p]].all()
    assert core.problem.n < 0.6 * problem.n
    whole, less = (smooth.solve(each, None, None) for each in (problem, core.problem))
    assert whole.converged and less.converged
    np.testing.assert_allclose(less.x, whole.x[core.kept], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(less.curves.i, whole.curves.i, rtol=1e-6, atol=1e-15)
    np.testing.assert_allclose(less.current, whole.current, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_search_evaluates_the_whole_problem_once(monkeypatch, seed):
    some, sizes = circuit("bridges", seed, 500, hard=seed == 0), []
    measured = smooth._Search._measured

    def counted(self, *arguments):
        sizes.append(self.problem.n)
        return measured(self, *arguments)

    monkeypatch.setattr(smooth._Search, "_measured", counted)
    assert solve(some).certificate.ok
    assert len(sizes) > 5 and sizes.count(max(sizes)) == 1 and sizes[-1] == max(sizes)


def test_where_every_coordinate_has_a_curve_there_is_no_core():
    assert condensed(problem_of(circuit("pairs", 0, 300))) is None
    assert condensed(problem_of(circuit("strings", 0, 300))) is None
