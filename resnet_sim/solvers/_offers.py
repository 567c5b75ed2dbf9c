"""What the rest of a network offers to curves: the resistance of all else at their ends."""

from __future__ import annotations

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..curves import Points
from ..graph.forests import spanning_forest
from ..graph.graphs import bincount
from ..graph.problem import EPS, TINY, Problem, Solution

#: How far off its curve each voltage or current may be, relative to it.
ENOUGH = 1e-12
#: Share of the distance from a curve that a step leaves if it does not settle the curve.
LASTING = 0.1
#: Distance, in units of what is enough, from which curves are far off.
FAR_OFF = 1e3
#: Steps the same way after which a curve looks further, and how far at most.
AGAIN, FARTHEST = 2, 2


class Reach:
    """How far what is beyond their neighbours counts in what curves are offered, of each.

    Neighbours that move as well make offers fall faster than they seem to: what was offered too
    much and too little in turns looks no further than its neighbours.  Where nothing but blocked
    curves leads on, offers fall far more slowly: what goes the same way again and again, one
    emission voltage at a time, looks further.

    Attributes
    ----------
    far : ndarray of int, shape (c,)
    """

    def __init__(self, count: int) -> None:
        self.far = np.full(count, 1)
        self._again = np.zeros(count, dtype=np.int64)

    def shorten(self) -> None:
        """Look at the neighbours alone."""
        self.far = np.zeros_like(self.far)
        self._again = np.zeros_like(self._again)

    def learn(self, before: Floats, away: Floats) -> None:
        """Heed how far off the curves two steps, one after the other, have put them."""
        same = (before * away > 0) & _lasts(before, away) & (np.abs(away) > FAR_OFF)
        self._again = np.where(same, self._again + 1, 0)
        further = np.where(self._again >= AGAIN, np.minimum(self.far + 1, FARTHEST), self.far)
        self.far = np.where(turned(before, away), 0, further)


def distances(problem: Problem, solution: Solution, v: Floats, i: Floats, points: Points) -> Floats:
    """Return how far off their curves voltages and currents are; see `smooth`."""
    rows = problem.curves
    scale = float(solution.voltage_scale)
    size = bincount(rows.p, np.abs(i), problem.n) + bincount(rows.q, np.abs(i), problem.n)
    loud = np.maximum(size[rows.p], size[rows.q])
    few = ENOUGH * np.abs(i) + EPS * loud
    few += points.slope * (ENOUGH * np.abs(v) + EPS * scale)
    # the line and the tangent lean different ways: both terms count
    away = np.abs(points.i - i) + points.slope * np.abs(points.v - v)
    away = away / np.where(few > 0, few, EPS)
    # a current that is right may be so at a voltage that is not
    return np.where(points.i < i, -away, away)


def bounded(problem: Problem, points: Points, i: Floats) -> Points:
    """Return points with those moved that have absurd currents.

    Two junctions in parallel that stand too high offer each other all the current there is not.
    No more flows anywhere than the sources could drive through all conductances together, or than
    curves between sources do: these carried i A before.
    """
    rows = problem.curves
    emf = max(np.abs(problem.emf).max(initial=0.0), np.abs(rows.emf).max(initial=0.0))
    most = 2.0 * float(emf * np.abs(problem.conductance).sum() + problem.turnover.sum())
    most = max(most, 2.0 * float(np.abs(i).max(initial=0.0)))
    if most == 0.0 or not (np.abs(points.i) > most).any():
        return points
    least = rows.at_current(np.clip(points.i, -most, most))
    over = np.abs(points.i) > most
    return Points(*(np.where(over, a, b) for a, b in zip(least, points, strict=True)))


def turned(before: Floats, away: Floats) -> Bools:
    """Tell which curves a step has put nearly as far off as they were, on their other side."""
    return (before * away < 0) & _lasts(before, away)


def _lasts(before: Floats, away: Floats) -> Bools:
    return np.abs(away) > LASTING * np.abs(before)


def resistance(tangent: Problem, solution: Solution, slope: Floats, reach: Ints) -> Floats:
    """Return the resistance of all else at the ends of the last edges, which are the curves'.

    Neighbours within the `reach` of a curve lead on by all their other edges; beyond, all is
    grounded.  On a tree that would be exact if it reached everywhere.
    """
    p, q, g = _conducting(tangent, solution)
    first = len(tangent.edge_p) - len(slope)
    own = slice(first, first + len(slope))
    ahead, back = g, g
    r = _at_ends(tangent.n, p, q, ahead, back, own)
    for level in range(1, 1 + int(reach.max(initial=0))):
        ahead, back = _one_further(tangent.n, p, q, g, ahead, back)
        r = np.where(reach < level, r, _at_ends(tangent.n, p, q, ahead, back, own))
    r[p[own] == q[own]] = 0.0  # conducting ones short it
    return r


def _conducting(tangent: Problem, solution: Solution) -> tuple[Ints, Ints, Floats]:
    """Return the edges of the problem as its rectifiers stand, those that conduct among them."""
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
    return p, q, np.abs(g)


def _at_ends(n: int, p: Ints, q: Ints, ahead: Floats, back: Floats, own: slice) -> Floats:
    """Return the resistance at the ends of some edges, given what leads away through each."""
    total = bincount(p, ahead, n) + bincount(q, back, n)
    r = np.zeros(own.stop - own.start)
    for end, through in ((p[own], ahead[own]), (q[own], back[own])):
        others = np.maximum(total[end] - through, EPS * total[end])
        r += np.where(end == 0, 0.0, 1.0 / np.maximum(others, TINY))
    return r


def _one_further(
    n: int, p: Ints, q: Ints, g: Floats, ahead: Floats, back: Floats
) -> tuple[Floats, Floats]:
    """Return what leads away through each edge, either way, if its other end leads on as given."""
    total = bincount(p, ahead, n) + bincount(q, back, n)
    series = []
    for end, through in ((q, back), (p, ahead)):
        others = np.maximum(total[end] - through, EPS * total[end])
        both = np.where(g + others > 0, g + others, 1.0)
        series.append(np.where(end == 0, g, g * (others / both)))
    return series[0], series[1]
