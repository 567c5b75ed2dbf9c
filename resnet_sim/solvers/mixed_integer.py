"""Complementarity as a mixed-integer problem, for HiGHS: what flips from many starts don't find."""

from __future__ import annotations

import numpy as np

from ..arrays import Bools
from ..graph.mixed import MixedProblem
from .singular import power_of_two

#: What branch and bound may take, s.
SECONDS = 10.0


def mixed_integer(problem: MixedProblem) -> Bools | None:
    """Return a conducting set found by branch and bound (HiGHS), None if there is none.

    Binary y: ``0 <= i <= big y``, ``0 <= gap <= big (1 - y)``.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    n, m = len(problem.rhs), len(problem.drop)
    scale = 1.0 + float(np.abs(problem.drop).max(initial=0.0))
    big = 1e3 * scale
    eye, zero = np.eye(m), np.zeros((n, m))
    gap = np.hstack((-problem.sense, np.diag(problem.resistance), np.zeros((m, m))))
    matrix = problem.equations[:n, :n].astype(float)
    rows = power_of_two(np.hstack((matrix, problem.feed)), 1)
    constraints = [
        LinearConstraint(
            np.hstack((matrix, problem.feed, zero)) / rows[:, None],
            problem.rhs.astype(float) / rows,
            problem.rhs.astype(float) / rows,
        ),
        LinearConstraint(gap, -problem.drop, np.inf),
        LinearConstraint(
            gap + np.hstack((np.zeros((m, n + m)), big * eye)), -np.inf, big - problem.drop
        ),
        LinearConstraint(np.hstack((np.zeros((m, n)), eye, -big * eye)), -np.inf, 0.0),
    ]
    low = np.concatenate((np.full(n, -np.inf), np.zeros(2 * m)))
    high = np.concatenate((np.full(n + m, np.inf), np.ones(m)))
    result = milp(
        np.zeros(n + 2 * m),
        integrality=np.concatenate((np.zeros(n + m), np.ones(m))),
        bounds=Bounds(low, high),
        constraints=constraints,
        options={"time_limit": SECONDS},
    )
    return None if result.x is None else np.asarray(result.x[n + m :] > 0.5)
