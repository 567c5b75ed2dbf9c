"""Curves in parallel as one: antiparallel diodes are a single branch.

Each curve of a bundle is the others' neighbour: a search that moves them one by one has both
offer each other what neither of them takes.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from ..arrays import Bools, Floats
from ..curves import Points, joined
from ..curves.compound import ParallelCurve
from ..graph.curve_rows import CurveRows
from ..graph.problem import Problem, Solution


class Bundles:
    """The curves of a problem that share both ends.

    Attributes
    ----------
    any : bool
    shorter : Problem
        With one curve for each bundle; the given problem if there are none.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = self.shorter = problem
        rows = problem.curves
        low, high = np.minimum(rows.p, rows.q), np.maximum(rows.p, rows.q)
        sense = np.where(rows.p == low, 1.0, -1.0)
        emf = sense * rows.emf
        order = np.lexsort((emf, high, low))
        same = np.ones((3, len(rows)), dtype=np.bool_)
        for fits, ends in zip(same, (low, high, emf), strict=True):
            fits[1:] = ends[order][1:] == ends[order][:-1]
        again = same.all(axis=0) & (low != high)[order]
        again[:1] = False
        self.any = bool(again.any())
        if not self.any:
            return
        #: the bundle of each curve, first among those that are one by themselves
        number = np.zeros(len(rows), dtype=np.int64)
        number[order] = np.cumsum(~again) - 1
        size = np.bincount(number)
        self.lonely = size[number] == 1
        self.parts = np.flatnonzero(~self.lonely)
        _, first, owner = np.unique(number[self.parts], return_index=True, return_inverse=True)
        assert rows.law is not None
        self.sense = sense[self.parts]
        self.law = ParallelCurve(
            rows.law.take(self.parts), owner, self.sense, rows.scale[self.parts], len(first)
        )
        one, alone = self.parts[first], np.flatnonzero(self.lonely)
        laws = [rows.law.take(alone), self.law] if len(alone) else [self.law]
        curves = CurveRows(
            np.append(rows.p[alone], low[one]), np.append(rows.q[alone], high[one]),
            np.append(rows.emf[alone], emf[one]), np.append(rows.scale[alone], np.ones(len(one))),
            joined(laws),
        )  # fmt: skip
        self.shorter = dataclasses.replace(problem, curves=curves)

    def start(self, on: Bools | None, x: Floats | None) -> tuple[Bools | None, Floats | None]:
        """Return where a search of the shorter problem begins."""
        return on, x

    def restored(self, solution: Solution) -> Solution:
        """Return the solution of the given problem from that of the shorter one."""
        alone, law = int(self.lonely.sum()), self.law
        v, i = solution.curves.v[alone:], solution.curves.i[alone:]
        points = law.shares(v)
        # what the currents are off in all is shared as they are: no small one gets a large one's
        off, size = i - law.total(self.sense * points.i), law.total(np.abs(points.i))
        share = np.abs(points.i) / np.where(size > 0, size, 1.0)[law.owner]
        parts = points._replace(i=points.i + self.sense * off[law.owner] * share)
        curves = Points(*(np.zeros(len(self.lonely)) for _ in Points._fields))
        for whole, single, shared in zip(curves, solution.curves, parts, strict=True):
            whole[self.lonely], whole[self.parts] = single[:alone], shared
        return dataclasses.replace(solution, problem=self.problem, curves=curves)
