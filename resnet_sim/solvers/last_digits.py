"""The last digits of a solution of smooth laws: steps of what is left over in extended precision.

Tangents lose the current of a law whose voltage is a small difference of large ones.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from ..graph.law_problem import LawProblem
from ..graph.mixed import MixedSolution
from . import mixed

#: Steps, each of which squares what is left.
STEPS = 3
#: What a rectifier that does not conduct may lack, relative to the terms of its equation.
SETTLED = 1e-9


def to_last_digits(
    problem: LawProblem, solution: MixedSolution, open_: bool
) -> tuple[MixedSolution, int]:
    """Return a solution to all digits, and how many steps that took.

    Where the equations leave changes `open_`, steps are the smallest: what floats stays where its
    rectifiers let it be.  Those conduct that rounding alone held back: what an amplifier makes of a
    difference that is less than a last digit is all that they see, and their states follow from
    extended precision only.
    """
    found, steps = _polished(problem, solution, open_)
    linear, on = problem.linear, found.current > 0
    z = found.z.astype(np.longdouble) + found.low
    left, _ = problem.left(z, found.current.astype(np.longdouble))
    right = np.concatenate((linear.rhs, linear.drop), dtype=np.longdouble)
    _, size = linear.entries.off(np.concatenate((z, found.current)), right)
    held = ~on & (left < -SETTLED * size)[linear.n :]
    if not held.any():
        return found, steps
    tiny = np.where(held, np.finfo(float).tiny, found.current)
    other, more = _polished(problem, dataclasses.replace(found, current=tiny), open_)
    return other if (other.current[held] > 0).all() else found, steps + more


def _polished(
    problem: LawProblem, solution: MixedSolution, open_: bool
) -> tuple[MixedSolution, int]:
    n, on = len(solution.z), solution.current > 0
    kept = np.append(np.ones(n, dtype=np.bool_), on)
    z = solution.z.astype(np.longdouble) + solution.low
    y = np.concatenate((z, solution.current))
    least, steps = np.inf, 0
    while steps < STEPS:
        steps += 1
        left, u = problem.left(y[:n], y[n:])
        step = mixed.roughly(problem.tangent(u), on, left[kept], open_)
        moved = np.inf if step is None else float(np.abs(step[:n]).max(initial=0.0))
        if step is None or not moved < least:
            break
        y[kept] += step
        least = moved
    short = y[:n].astype(np.float64)
    current = np.where(on, np.maximum(y[n:], 0.0), solution.current).astype(np.float64)
    low = (y[:n] - short).astype(np.float64)
    return dataclasses.replace(solution, z=short, low=low, current=current), steps
