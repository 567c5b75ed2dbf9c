"""The co-content of a problem along a line."""

from __future__ import annotations

import numpy as np

from ..arrays import Floats
from ..graph.problem import Problem, node_sums


def least_on_the_way(problem: Problem, x: Floats, target: Floats) -> float:
    """Return how far to go from x to the target: to the least co-content on the way."""
    way = target - x
    if _slope(problem, target, way) <= 0.0:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        if _slope(problem, x + middle * way, way) > 0.0:
            high = middle
        else:
            low = middle
        if high - low <= 0.01 * low:
            break
    return low if low > 0.0 else high


def _slope(problem: Problem, x: Floats, way: Floats) -> float:
    """Return the derivative of the co-content along a way; infinite where it overflows."""
    p, q = problem.edge_p, problem.edge_q
    with np.errstate(over="ignore", invalid="ignore"):
        total = node_sums(problem.n, p, q, problem.conductance * (x[p] - x[q] - problem.emf))
        total -= problem.injection
        soft = ~problem.hard
        p, q = problem.diode_p[soft], problem.diode_q[soft]
        above = np.maximum(x[p] - x[q] - problem.drop[soft], 0.0)
        total += node_sums(problem.n, p, q, above / problem.resistance[soft])
        rows = problem.curves
        i = rows.point(x[rows.p] - x[rows.q] - rows.emf, np.zeros(len(rows))).i
        total += node_sums(problem.n, rows.p, rows.q, i)
        total[0] = 0.0
        slope = float(total @ way)
    return np.inf if np.isnan(slope) else slope
