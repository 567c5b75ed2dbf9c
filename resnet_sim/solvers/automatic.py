"""What ``auto`` does: Newton; rough steps before it, if large; the primal method behind it."""

from __future__ import annotations

import dataclasses

from ..arrays import Bools, Floats
from ..compiled.kernels import load
from ..graph.problem import Problem, Solution
from ..graph.topology import drainage
from . import newton
from .linear.contracted import MEDIUM, is_large

#: Sizes of medium problems solved so far from which the next is worth importing numba: a
#: second one tells that more are to come, which take a quarter of the time then.
RENT = 2_500

_rent = 0


def solve(
    problem: Problem, tolerance: float = 1e-9, on: Bools | None = None, x: Floats | None = None
) -> Solution:
    """Solve a problem to the last digit, whatever the tolerance; see `registry.Method`."""
    _consider_numba(problem)
    if on is None and problem.positive and is_large(problem) and len(problem.drop):
        from . import large

        solution = large.solve(problem, x)
        if solution.converged:
            return solution
        on, x = None, solution.x
    if on is None and x is None:
        on = drainage(problem) | (problem.drop < 0)
    solution = newton.solve(problem, on, x)
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


def _consider_numba(problem: Problem) -> None:
    """Import numba for the next of several medium problems; see `kernels`."""
    global _rent
    if problem.size > MEDIUM and len(problem.drop):
        if _rent > RENT:
            load()
        _rent += problem.size
