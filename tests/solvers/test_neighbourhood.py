"""The last few curves of a large problem settle among their neighbours."""

import numpy as np
import pytest
from junction_circuits import circuit

from resnet_sim import solve
from resnet_sim.compiled import policy
from resnet_sim.point.plan import Compiled
from resnet_sim.point.state import State
from resnet_sim.solvers import smooth
from resnet_sim.solvers._neighbourhood import around


def problem_of(some):
    compiled = Compiled(some, np.zeros(0, dtype=bool))
    (plan,) = compiled.plans
    return State(compiled).problem(plan)


@pytest.mark.parametrize("ideal", [False, True])
def test_a_solution_solves_every_neighbourhood(ideal):
    problem = problem_of(circuit("bridges", 2, 300, hard=ideal, mild=True))
    whole = smooth.solve(problem, None, None)
    some = np.zeros(len(problem.curves), dtype=bool)
    some[[3, 50, 51]] = True
    near = around(problem, some, whole.x)
    assert len(near.nodes) < problem.n / 4 and np.isin(np.flatnonzero(some), near.curves).all()
    part = smooth.solve(near.problem, None, None)
    assert part.converged
    np.testing.assert_allclose(part.x, whole.x[near.nodes], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(part.curves.i, whole.curves.i[near.curves], rtol=1e-6, atol=1e-18)
    np.testing.assert_allclose(
        part.current, whole.current[near.rectifiers], rtol=1e-6, atol=1e-12
    )  # fmt: skip


@pytest.mark.parametrize("ideal", [False, True])
def test_few_curves_settle_without_the_rest(monkeypatch, ideal):
    some, steps = circuit("bridges", 0 if ideal else 3, 1500, hard=ideal, mild=True), []
    measured = smooth._Search._measured

    def counted(self, *arguments):
        steps.append(self.problem.n)
        return measured(self, *arguments)

    monkeypatch.setattr(smooth._Search, "_measured", counted)
    with policy.using(apart=np.inf):
        together = solve(some)
    alone = len(steps)
    steps.clear()
    with policy.using(apart=1000):
        apart = solve(some)
    largest = max(steps)
    assert sum(n == largest for n in steps) < alone
    assert together.certificate.ok and apart.certificate.ok
    assert apart.voltages == pytest.approx(together.voltages, rel=1e-9, abs=1e-9)
