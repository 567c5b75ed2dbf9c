"""Problems with curves, joined where they can be, each on the branch of its law that fits.

A law that falls with a step has a concave edge in its co-content: below the smaller of two convex
functions, those of its branches.  The minimum on some branches, from there that on the branches
where it lies, and so on: the co-content sinks each time, so that ends, and on the law (the
concave-convex procedure; Yuille and Rangarajan, Neural Computation 15, 2003).
"""

from __future__ import annotations

import dataclasses

import numpy as np

from ..arrays import Bools, Floats
from ..curves import Points
from ..graph.problem import Problem, Solution
from . import smooth
from .bundles import Bundles
from .strings import Strings

#: How often branches are switched: each time those on which no solution is.
BRANCHES = 50


def solve(
    problem: Problem, tolerance: float = 1e-9, on: Bools | None = None, x: Floats | None = None
) -> Solution:
    """Solve a bounded, feasible problem to the last digit, whatever the tolerance."""
    count, rows = 0, problem.curves
    if x is not None:
        volts = x[rows.p] - x[rows.q] - rows.emf
        problem = _fitting(problem, rows.point(volts, np.zeros(len(rows))))
    for _ in range(BRANCHES):
        found = _on_branches(problem, on, x)
        count += found.iterations
        before, problem = problem, _fitting(problem, found.curves)
        if problem is before:
            return dataclasses.replace(found, iterations=count)
        on, x = found.current > 0, found.x
    note = "curves that fall with a step are not on their laws"
    return dataclasses.replace(found, converged=False, iterations=count, notes=(note,))


def _fitting(problem: Problem, points: Points) -> Problem:
    """Return the problem with the branches of laws on which points are; itself if it has them."""
    rows = problem.curves.fitting(points)
    return problem if rows is problem.curves else dataclasses.replace(problem, curves=rows)


def _on_branches(problem: Problem, on: Bools | None, x: Floats | None) -> Solution:
    """Solve a problem with monotone curves: those in series or in parallel as one."""
    for kind in (Strings, Bundles):
        compound = kind(problem)
        if compound.any:
            shorter = _on_branches(compound.shorter, *compound.start(on, x))
            return compound.restored(shorter)
    return smooth.solve(problem, on, x)
