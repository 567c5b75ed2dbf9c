"""Curves and rectifiers in series as one of each: strings of diodes are single branches.

Nothing but two of them meets at the nodes within a string, so one current flows through all, in
whatever order they stand: the curves of a string are one curve (`curves.compound`), its rectifiers
of either sense one rectifier.  What is left has neither the nodes within nor the states of every
single diode; a search that moves tangents would pass news from node to node there.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..curves import Points, joined
from ..curves.compound import SeriesCurve
from ..graph.curve_rows import CurveRows
from ..graph.graphs import bincount
from ..graph.problem import EPS, Problem, Solution

#: What there may be in a string, in the order in which it comes in the shorter one.
CURVE, AHEAD, BACK = range(3)


class _Steps(NamedTuple):
    """Branches in the order in which walks along strings meet them, arrays of one shape.

    `chain` is the number of the string, `place` counts from its beginning, `sense` is 1 where the
    branch leads ahead and -1 where it leads back, and `node` is where it is entered.
    """

    chain: Ints
    place: Ints
    branch: Ints
    sense: Floats
    node: Ints

    def where(self, chosen: Bools) -> _Steps:
        """Return some of them."""
        ints = (self.chain[chosen], self.place[chosen], self.branch[chosen])
        return _Steps(*ints, self.sense[chosen], self.node[chosen])


def _within(problem: Problem) -> Bools:
    """Tell at which nodes two curves or rectifiers meet and nothing else, shape (n,)."""
    rows = problem.curves
    ends = np.concatenate((problem.diode_p, problem.diode_q, rows.p, rows.q))
    inner = np.bincount(ends, minlength=problem.n) == 2
    inner &= (problem.turnover == 0) & (problem.injection == 0)
    inner[problem.edge_p] = inner[problem.edge_q] = inner[0] = False
    return np.asarray(inner)


def _walked(inner: Bools, p: Ints, q: Ints) -> tuple[_Steps, Ints, Ints]:
    """Walk along all strings at once; return the steps, and the first and last nodes."""
    ends, branch = np.concatenate((p, q)), np.tile(np.arange(len(p)), 2)
    order = np.argsort(ends, kind="stable")
    order = order[inner[ends[order]]]
    #: both branches at each node within
    pair = np.zeros((len(inner), 2), dtype=np.int64)
    pair[inner] = branch[order].reshape(-1, 2)
    start = np.flatnonzero(inner[p] != inner[q])
    first = np.where(inner[p[start]], q[start], p[start])
    last, end = first.copy(), start.copy()
    chain, at, node = np.arange(len(start)), start, first
    found: list[_Steps] = []
    while len(chain):
        ahead = p[at] == node
        leaves = np.where(ahead, q[at], p[at])
        place = np.full(len(chain), len(found))
        found.append(_Steps(chain, place, at, np.where(ahead, 1.0, -1.0), node))
        last[chain], end[chain] = leaves, at
        on = inner[leaves]
        chain, node = chain[on], leaves[on]
        at = pair[node].sum(axis=1) - at[on]  # the other one of both
    # every string was walked from both ends
    kept = start < end
    number = np.cumsum(kept) - 1
    steps = _Steps(*(np.concatenate(column) for column in zip(*found, strict=True)))
    steps = steps.where(kept[steps.chain])
    return steps._replace(chain=number[steps.chain]), first[kept], last[kept]


class Strings:
    """The strings of a problem of which something can be joined.

    Attributes
    ----------
    shorter : Problem
        With one branch of each kind for each of them; the given problem if there are none.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = self.shorter = problem
        self.m = len(problem.drop)
        self.any = False
        inner = _within(problem)
        if inner.any():
            self._find(inner)

    def _find(self, inner: Bools) -> None:
        rows = self.problem.curves
        p = np.concatenate((self.problem.diode_p, rows.p))
        q = np.concatenate((self.problem.diode_q, rows.q))
        if not (inner[p] != inner[q]).any():
            return
        steps, first, last = _walked(inner, p, q)
        sizes = self._sizes(steps, len(first))
        # a string without curves is for others; one of each kind is as short as can be
        good = (sizes[:, CURVE] > 0) & (sizes.max(axis=1) > 1) & (first != last)
        self.any = bool(good.any())
        if not self.any:
            return
        number = np.cumsum(good) - 1
        steps = steps.where(good[steps.chain])
        self.steps = steps._replace(chain=number[steps.chain])
        self.kind = self._kinds(self.steps)
        self.sizes, self.first, self.last = sizes[good], first[good], last[good]
        self.curved = self.kind == CURVE
        #: curves and rectifiers of the strings
        self.curve = self.steps.branch[self.curved] - self.m
        self.rectifier = self.steps.branch[~self.curved]
        self._shorten()

    def _kinds(self, steps: _Steps) -> Ints:
        rectifies = np.where(steps.sense > 0, AHEAD, BACK)
        return np.where(steps.branch >= self.m, CURVE, rectifies)

    def _sizes(self, steps: _Steps, count: int) -> Ints:
        """Return how many branches of each kind there are in each string."""
        place = 3 * steps.chain + self._kinds(steps)
        return np.asarray(np.bincount(place, minlength=3 * count).reshape(count, 3))

    # ---- shorter ----

    def _shorten(self) -> None:
        problem, steps = self.problem, self.steps
        pieces = self.sizes > 0
        count = pieces.sum(axis=1)
        #: the nodes between the branches of each shorter string
        joints = np.zeros((len(count), 4), dtype=np.int64)
        between = (steps.place > 0) & (steps.place < count[steps.chain])
        joints[steps.chain[between], steps.place[between]] = steps.node[between]
        every = np.arange(len(count))
        joints[every, 0], joints[every, count] = self.first, self.last
        self.kept = np.ones(problem.n, dtype=np.bool_)
        self.kept[steps.node[(steps.place > 0) & ~between]] = False
        place = np.cumsum(self.kept) - 1
        rank = np.cumsum(pieces, axis=1) - 1
        #: strings that have rectifiers ahead, and those that have some back
        self.held = [np.flatnonzero(pieces[:, kind]) for kind in (AHEAD, BACK)]
        self.alone = np.ones(self.m, dtype=np.bool_)
        self.alone[self.rectifier] = False
        p, q = [problem.diode_p[self.alone]], [problem.diode_q[self.alone]]
        for kind, held in zip((AHEAD, BACK), self.held, strict=True):
            ends = [joints[held, rank[held, kind] + k] for k in (0, 1)]
            enters, leaves = ends if kind == AHEAD else ends[::-1]
            p.append(enters)
            q.append(leaves)
        self.shorter = dataclasses.replace(
            problem, n=int(self.kept.sum()),
            edge_p=place[problem.edge_p], edge_q=place[problem.edge_q],
            injection=problem.injection[self.kept], turnover=problem.turnover[self.kept],
            diode_p=place[np.concatenate(p)], diode_q=place[np.concatenate(q)],
            drop=self._of_strings(problem.drop), resistance=self._of_strings(problem.resistance),
            curves=self._curves(place, self.first, joints[:, 1]),
        )  # fmt: skip

    def _of_strings(self, values: Floats) -> Floats:
        """Return values of rectifiers, sums of those that are joined."""
        own, kind = values[self.rectifier], self.kind[~self.curved]
        chain, count = self.steps.chain[~self.curved], len(self.first)
        sums = [bincount(chain, np.where(kind == k, own, 0.0), count) for k in (AHEAD, BACK)]
        own = [total[held] for total, held in zip(sums, self.held, strict=True)]
        return np.concatenate([values[self.alone], *own])

    def _curves(self, place: Ints, p: Ints, q: Ints) -> CurveRows:
        """Return the curves that stand alone, and one for each string."""
        rows, count = self.problem.curves, len(self.first)
        assert rows.law is not None
        chain, sense = self.steps.chain[self.curved], self.steps.sense[self.curved]
        order = np.argsort(self.curve)  # curves of a kind are together
        parts = self.curve[order]
        self.order, self.owner, self.sense = order, chain[order], sense[order]
        self.law = SeriesCurve(
            rows.law.take(parts), self.owner, self.sense, rows.scale[parts], count
        )
        self.lonely = np.ones(len(rows), dtype=np.bool_)
        self.lonely[parts] = False
        alone = np.flatnonzero(self.lonely)
        laws = [rows.law.take(alone), self.law] if len(alone) else [self.law]
        emf = bincount(self.owner, self.sense * rows.emf[parts], count)
        return CurveRows(
            np.append(place[rows.p[alone]], place[p]), np.append(place[rows.q[alone]], place[q]),
            np.append(rows.emf[alone], emf), np.append(rows.scale[alone], np.ones(count)),
            joined(laws),
        )  # fmt: skip

    # ---- and back ----

    def start(self, on: Bools | None, x: Floats | None) -> tuple[Bools | None, Floats | None]:
        """Return where a search of the shorter problem begins."""
        if on is not None:
            on = self._of_strings(np.where(on, 0.0, 1.0)) == 0
        return on, x if x is None else x[self.kept]

    def restored(self, solution: Solution) -> Solution:
        """Return the solution of the given problem from that of the shorter one."""
        problem, rows, steps = self.problem, self.problem.curves, self.steps
        count, alone = len(self.first), len(rows) - len(self.curve)
        single, i, gap = (
            int(self.alone.sum()),
            solution.curves.i[alone:].copy(),
            np.zeros((count, 3)),
        )
        at = single
        open_, rounding = solution.gap(), 16 * EPS * float(solution.voltage_scale)
        for kind, held in zip((AHEAD, BACK), self.held, strict=True):
            part = slice(at, at + len(held))
            left, flow = open_[part], i[held] if kind == AHEAD else -i[held]
            # one that conducts less than the noise of its surroundings still conducts
            i[held[(solution.current[part] == 0) & ((left > rounding) | (flow < 0))]] = 0.0
            gap[held, kind], at = left / self.sizes[held, kind], part.stop
        points = self._shares(i, solution.curves.v[alone:])
        curves = Points(*(np.zeros(len(rows)) for _ in Points._fields))
        parts = self.curve[self.order]
        for whole, lonely, shared in zip(curves, solution.curves, points, strict=True):
            whole[self.lonely], whole[parts] = lonely[:alone], shared
        current = np.zeros(self.m)
        current[self.alone] = solution.current[:single]
        current[self.rectifier] = np.abs(i[steps.chain[~self.curved]])
        rise = np.zeros(len(steps.branch))
        rise[self.curved] = (curves.v + rows.emf)[self.curve]
        own = self.rectifier
        rise[~self.curved] = problem.drop[own] + problem.resistance[own] * current[own]
        rise -= gap[steps.chain, self.kind]
        x, low = self._along(solution, steps.sense * rise)
        return dataclasses.replace(
            solution, problem=problem, x=x, low=low, current=current, curves=curves
        )

    def _shares(self, i: Floats, v: Floats) -> Points:
        """Return points of parts whose voltages add up to those of the strings."""
        parts = self.law.shares(i)
        count = len(i)
        rise = 1.0 / np.maximum(parts.slope, np.finfo(float).tiny)
        off = v - bincount(self.owner, self.sense * parts.v, count)
        share = rise / bincount(self.owner, rise, count)[self.owner]
        return Points(
            parts.v + self.sense * off[self.owner] * share, self.sense * i[self.owner], parts.slope
        )

    def _along(self, solution: Solution, rise: Floats) -> tuple[Floats, Floats]:
        """Return all coordinates: those within strings follow from what falls on the way."""
        x, low = np.zeros(self.problem.n), np.zeros(self.problem.n)
        x[self.kept], low[self.kept] = solution.x, solution.low
        steps = self.steps
        order = np.lexsort((steps.place, steps.chain))
        chain, place, node = steps.chain[order], steps.place[order], steps.node[order]
        rise, begins = rise[order], np.flatnonzero(place == 0)
        length = np.bincount(chain)
        for k in range(1, int(length.max())):
            now = begins[length > k] + k
            a, fall = x[node[now - 1]], -rise[now - 1]
            s = a + fall
            t = s - a
            x[node[now]] = s
            low[node[now]] = low[node[now - 1]] + ((a - (s - t)) + (fall - t))
        return x, low
