"""The core of a problem: without the coordinates at which nothing but resistors meets.

Those with up to three edges are eliminated, star to mesh, which leaves no more edges than there
were, then those that have so few by now.  To the curves the network is the same; steps of a search
take less time, and each curve sees the resistance of the rest from further around.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..graph.graphs import bincount
from ..graph.problem import Problem

#: Edges at a coordinate that is eliminated: the mesh of more has more edges than their star.
MOST_EDGES = 3
#: Share of all coordinates that a round eliminates, or it is the last.
ROUND = 0.02
#: An odd number near the golden section of 2^32: its multiples scatter.
SCATTER = 2_654_435_769


class Core(NamedTuple):
    """The smaller problem, which coordinates it has kept, and the others as they were eliminated.

    Rectifiers and curves are all there.
    """

    problem: Problem
    kept: Bools
    gone: Ints


class _Edges(NamedTuple):
    """Edges from p to q."""

    p: Ints
    q: Ints
    g: Floats
    emf: Floats

    def where(self, some: Bools) -> _Edges:
        """Return some of them."""
        return _Edges(self.p[some], self.q[some], self.g[some], self.emf[some])

    def merged(self, n: int) -> _Edges:
        """Return one edge for all that have the same ends, none for those that have but one."""
        p, q, g, emf = self.where(self.p != self.q)
        turned = p > q
        key, pair = np.unique(np.where(turned, q * n + p, p * n + q), return_inverse=True)
        total = bincount(pair, g, len(key))
        # a mean has all digits of the largest
        mean = bincount(pair, np.where(turned, -emf, emf) * (g / total[pair]), len(key))
        return _Edges(*np.divmod(key, n), total, mean)


class _Stars(NamedTuple):
    """The edges of coordinates of which no two are neighbours, those of each together.

    `centre` is the coordinate, `end` where the edge comes from, `emf` that on the way to the
    centre, and `number` counts the edges of each.
    """

    edge: Ints
    centre: Ints
    end: Ints
    emf: Floats
    number: Ints


def condensed(problem: Problem) -> Core | None:
    """Return the core of a problem; None if to search there does not pay.

    What is found there is evaluated once more for all curves: that must take less time than
    what is gone.
    """
    n, rows = problem.n, problem.curves
    free = np.ones(n, dtype=np.bool_)
    for ends in (problem.diode_p, problem.diode_q, rows.p, rows.q):
        free[ends] = False
    free[0] = False
    least = len(rows) if rows.law is None else rows.law.size
    if free.sum() <= least or not problem.positive:
        return None
    edges = _Edges(problem.edge_p, problem.edge_q, problem.conductance, problem.emf).merged(n)
    injection, turnover = problem.injection.copy(), problem.turnover.copy()
    kept, rounds = np.ones(n, dtype=np.bool_), [np.zeros(0, dtype=np.int64)]
    while True:
        stars = _stars(n, edges, free)
        centres = stars.centre[stars.number == 0]
        if len(centres) < ROUND * n:
            break
        edges = _without(n, edges, stars, injection, turnover)
        kept[centres] = free[centres] = False
        rounds.append(centres)
    gone, place = np.concatenate(rounds), np.cumsum(kept) - 1
    if len(gone) <= least:
        return None
    core = dataclasses.replace(
        problem, n=n - len(gone), edge_p=place[edges.p], edge_q=place[edges.q],
        conductance=edges.g, emf=edges.emf, injection=injection[kept], turnover=turnover[kept],
        diode_p=place[problem.diode_p], diode_q=place[problem.diode_q],
        curves=dataclasses.replace(rows, p=place[rows.p], q=place[rows.q]),
    )  # fmt: skip
    return Core(core, kept, gone)


def _stars(n: int, edges: _Edges, free: Bools) -> _Stars:
    """Return those that can be eliminated at once."""
    p, q, count = edges.p, edges.q, len(edges.p)
    degree = np.bincount(p, minlength=n) + np.bincount(q, minlength=n)
    some = free & (degree <= MOST_EDGES) & (degree > 0)
    # the first of neighbours stays; along a chain every other number is one, if scattered
    rank = np.where(some, 1 + np.arange(n) * SCATTER % 2**32, 0)
    some[np.where(rank[p] < rank[q], p, q)] = False
    centre = np.concatenate((p, q))
    half = np.flatnonzero(some[centre])
    half = half[np.argsort(centre[half], kind="stable")]
    centre, edge, leaves = centre[half], half % max(count, 1), half < count
    end = np.where(leaves, q[edge], p[edge])
    emf = np.where(leaves, -edges.emf[edge], edges.emf[edge])
    number = np.arange(len(half)) - np.searchsorted(centre, centre)
    return _Stars(edge, centre, end, emf, number)


def _without(n: int, edges: _Edges, stars: _Stars, injection: Floats, turnover: Floats) -> _Edges:
    """Return the edges with meshes for stars; what is injected at centres moves to the ends."""
    g = edges.g[stars.edge]
    share = g / bincount(stars.centre, g, n)[stars.centre]
    for amount in (injection, turnover):
        amount += bincount(stars.end, share * amount[stars.centre], n)
        amount[stars.centre] = 0.0
    kept = np.ones(len(edges.p), dtype=np.bool_)
    kept[stars.edge] = False
    parts = [edges.where(kept)]
    for apart in range(1, MOST_EDGES):
        a = np.flatnonzero(stars.number >= apart)
        b = a - apart
        emf = stars.emf[a] - stars.emf[b]
        parts.append(_Edges(stars.end[a], stars.end[b], share[a] * g[b], emf))
    return _Edges(*(np.concatenate(column) for column in zip(*parts, strict=True))).merged(n)
