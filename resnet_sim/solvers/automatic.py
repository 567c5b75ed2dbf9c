"""What ``auto`` does: Newton; rough steps before it, if large; the primal method behind it."""

from __future__ import annotations

import dataclasses

from ..arrays import Bools, Floats
from ..compiled import kernels, policy
from ..graph.problem import Problem, Solution
from . import newton
from .linear.bordered import BorderedFactors
from .linear.contracted import is_large, is_medium


def solve(
    problem: Problem, tolerance: float = 1e-9, on: Bools | None = None, x: Floats | None = None,
    inverses: BorderedFactors | None = None, enough: float = newton.LAST,
) -> Solution:  # fmt: skip
    """Solve a problem to the last digit, whatever the tolerance; see `registry.Method`.

    `inverses` and `enough` are those of `newton.solve`.
    """
    if is_medium(problem) and len(problem.drop):
        kernels.expect_more(problem.size)
    if on is None and problem.positive and len(problem.drop) and _pays(problem):
        from . import large

        solution = large.solve(problem, x)
        if solution.converged:
            return solution
        on, x = None, solution.x
    solution = newton.solve(problem, on, x, inverses=inverses, enough=enough)
    if solution.converged:
        return solution
    from . import primal

    rescue = primal.solve(problem)
    note = f"Newton did not settle in {solution.iterations} steps; the primal method did"
    if not rescue.converged:
        note = "neither Newton nor the primal active-set method settled"
    return dataclasses.replace(
        rescue, iterations=solution.iterations + rescue.iterations, notes=(note,)
    )


def _pays(problem: Problem) -> bool:
    """Tell whether rough steps save more factorisations than they cost.

    They don't where factors stay narrow, or where few rectifiers can flip.
    """
    if not is_medium(problem):
        return False
    degree = max(1.0, len(problem.edge_p) / problem.n)
    many = len(problem.drop) > policy.POLICY.few * problem.n
    return is_large(problem) or (many and problem.spread > policy.POLICY.narrow * degree)
