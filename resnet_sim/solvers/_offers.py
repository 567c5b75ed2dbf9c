"""What the rest of a network offers to curves: the resistance of all else at their ends."""

from __future__ import annotations

import numpy as np

from ..arrays import Floats, Ints
from ..graph.forests import spanning_forest
from ..graph.graphs import bincount
from ..graph.problem import EPS, Problem, Solution


def resistance(tangent: Problem, solution: Solution, slope: Floats, reach: int) -> Floats:
    """Return the resistance of all else at the ends of the last edges, which are the curves'."""
    first = len(tangent.edge_p) - len(slope)
    on = solution.current > 0
    p, q, g = tangent.edge_p, tangent.edge_q, tangent.conductance
    soft = on & ~tangent.hard
    if soft.any():
        p = np.concatenate((p, tangent.diode_p[soft]))
        q = np.concatenate((q, tangent.diode_q[soft]))
        g = np.concatenate((g, 1.0 / tangent.resistance[soft]))
    hard = on & tangent.hard
    if hard.any():
        label = spanning_forest(tangent.n, tangent.diode_p[hard], tangent.diode_q[hard]).label
        p, q = label[p], label[q]
        g = np.where(p == q, 0.0, g)
    g = np.abs(g)
    total, ahead, back = _reached(tangent.n, p, q, g, reach)
    own = slice(first, first + len(slope))
    r = np.zeros(len(slope))
    for end, through in ((p[own], ahead[own]), (q[own], back[own])):
        others = np.maximum(total[end] - through, EPS * total[end])
        r += np.where(end == 0, 0.0, 1.0 / np.maximum(others, np.finfo(float).tiny))
    r[p[own] == q[own]] = 0.0  # conducting ones short it
    return r


def _reached(n: int, p: Ints, q: Ints, g: Floats, reach: int) -> tuple[Floats, Floats, Floats]:
    """Return conductances that lead away from coordinates, and those through each edge of it.

    Neighbours within `reach` lead on by all their other edges; beyond, all is grounded.  On a tree
    that would be exact if it reached everywhere.
    """
    ahead, back = g, g
    for _ in range(reach):
        total = bincount(p, ahead, n) + bincount(q, back, n)
        series = []
        for end, through in ((q, back), (p, ahead)):
            others = np.maximum(total[end] - through, EPS * total[end])
            both = np.where(g + others > 0, g + others, 1.0)
            series.append(np.where(end == 0, g, g * (others / both)))
        ahead, back = series
    return bincount(p, ahead, n) + bincount(q, back, n), ahead, back
