"""Solvers: one method a file; `solve` picks one and says why.

Every method takes a `Problem` and returns a `Solution`; none knows what a circuit is.
"""

from __future__ import annotations

import dataclasses

from ..arrays import Bools, Floats
from ..compiled.kernels import load
from ..graph.problem import Problem, Solution
from ..graph.topology import drainage
from . import newton
from .linear.contracted import MEDIUM, is_large

#: modules that other packages may use
DOORS = ("complementarity", "linear.elimination", "linear.laplacian")
__all__ = ["METHODS", "prepare", "solve"]

METHODS = ("auto", "cd", "newton")
#: Sizes of medium problems solved so far from which the next is worth importing numba: a
#: second one tells that more are to come, which take a quarter of the time then.
RENT = 2_500

_rent = 0


def solve(
    problem: Problem,
    method: str = "auto",
    tolerance: float = 1e-9,
    on: Bools | None = None,
    x: Floats | None = None,
) -> Solution:
    """Solve a convex, feasible and bounded problem.

    Parameters
    ----------
    problem : Problem
    method : {"auto", "cd", "newton"}
    tolerance : float
        Largest KKT residual that coordinate descent stops at, relative.
    on : ndarray of bool, shape (m,), optional
        Rectifiers to start with as conducting (Newton).
    x : ndarray of float, shape (n,), optional
        Start.

    Returns
    -------
    Solution
        ``converged`` tells whether its own method believes in it.
    """
    if method == "cd":
        from .coordinate_descent import solve as descend

        return descend(problem, tolerance, x)
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


def prepare(size: int) -> None:
    """Import numba for the first of many problems, if it may come to that later.

    Compiled and interpreted ways differ in last bits, which must not tell how often a run
    was interrupted or who did which part of it.  `size` is nodes and twice the elements.
    """
    if size > MEDIUM:
        load()
