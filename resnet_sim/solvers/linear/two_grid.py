"""Conjugate gradients with two grids: rough solutions that do not ask for numba.

Coordinates are joined to aggregates, of about a dozen, along their strongest conductances: in
each round every node points to its strongest neighbour, and the trees of pointers are the
aggregates (a step of Boruvka's algorithm).  The residual is corrected node by node
(Jacobi), and by the network between the aggregates, which is factored (Notay 2010 has what this
leaves: a condition that does not depend on the size of a grid).
"""

from __future__ import annotations

from functools import partial

import numpy as np

from ...arrays import Floats, Ints
from ...compiled.kernels import kernel
from ...graph.graphs import bincount
from ...graph.problem import node_sums, node_sums_abs
from .laplacian import coarse_solver

#: Rounds of pointing: each leaves a quarter to a third of the nodes.
ROUNDS = 2


class TwoGrid:
    """Solves with the Laplacian of positive conductances between n nodes, node 0 held.

    Parameters
    ----------
    n : int
    p, q : ndarray of int, shape (e,)
    conductance : ndarray of float, shape (e,)
        S
    aggregate : ndarray of int, shape (n,)
        That of each node; 0 of node 0 alone.
    like : TwoGrid, optional
        Those of a similar network, whose factored network of aggregates serves this one too.
    """

    def __init__(
        self, n: int, p: Ints, q: Ints, conductance: Floats, aggregate: Ints,
        like: TwoGrid | None = None,
    ) -> None:  # fmt: skip
        self._network = n, p, q, conductance
        if like is None:
            # those that no node begins with are without nodes
            used = np.zeros(aggregate.max() + 1, dtype=np.bool_)
            used[aggregate] = True
            self._number, self._count = np.cumsum(used) - 1, int(used.sum())
            a, b = self._number[aggregate[p]], self._number[aggregate[q]]
            apart = a != b
            self._coarse = coarse_solver(self._count, a[apart], b[apart], conductance[apart])
        else:
            self._number, self._count, self._coarse = like._number, like._count, like._coarse
        self._aggregate = self._number[aggregate]
        diagonal = node_sums_abs(n, p, q, np.where(p == q, 0.0, conductance))
        self._inverse = 1.0 / np.where(diagonal > 0, diagonal, np.inf)
        self._inverse[0] = 0.0

    def solve(self, b: Floats, reduction: float, most: int = 20) -> Floats:
        """Return x, ``x[0] = 0``, whose residual is `reduction` times `b`; ``b[0]`` is ignored."""
        n, *network = self._network
        x, along, slope, r = np.zeros(n), np.zeros(n), 1.0, b.copy()
        r[0] = 0.0
        coarse = bincount(self._aggregate, r, self._count)
        size = _sum(r * r)
        goal, run = reduction**2 * size, _step.at(n, cost=20)
        for self.steps in range(most + 1):
            if self.steps == most or not size > goal:
                break
            slope, size = run(
                x, r, along, slope, coarse, self._coarse(coarse), self._aggregate,
                self._inverse, *network,
            )  # fmt: skip
        return x


def _sum(values: Floats) -> float:
    """Return the sum of values added one after the other, as in a loop: `numpy.sum` does not."""
    return float(np.cumsum(values)[-1])


def _step_by_arrays(
    x: Floats, r: Floats, along: Floats, before: float, coarse: Floats, correction: Floats,
    aggregate: Ints, inverse: Floats, p: Ints, q: Ints, conductance: Floats,
) -> tuple[float, float]:  # fmt: skip
    z = inverse * r + correction[aggregate]
    slope = _sum(r * z)
    along *= slope / before
    along += z
    flow = node_sums(len(x), p, q, conductance * (along[p] - along[q]))
    flow[0] = 0.0
    curvature = _sum(along * flow)
    if not (slope > 0 and curvature > 0):
        return slope, 0.0
    x += slope / curvature * along
    r -= slope / curvature * flow
    coarse[:] = bincount(aggregate, r, len(coarse))
    return slope, _sum(r * r)


@partial(kernel, interpreted=_step_by_arrays)
def _step(  # type: ignore[no-untyped-def]
    x, r, along, before, coarse, correction, aggregate, inverse, p, q, conductance
):
    """Take a step of conjugate gradients; changes `x`, its residual `r`, `along` and `coarse`.

    `coarse` is the residual of the aggregates, `correction` what takes that away; `before` is
    the product of residual and correction before.  Returns this product and the square of the
    residual, 0 if products are too small for a double.
    """
    n, slope = len(x), 0.0
    z = np.empty(n)
    for a in range(n):
        z[a] = inverse[a] * r[a] + correction[aggregate[a]]
        slope += r[a] * z[a]
    share = slope / before
    for a in range(n):
        along[a] = along[a] * share + z[a]
    # two sums at each node and one difference, as by `bincount`: other orders are other bits
    out, into = np.zeros(n), np.zeros(n)
    for k in range(len(p)):
        current = conductance[k] * (along[p[k]] - along[q[k]])
        out[p[k]] += current
        into[q[k]] += current
    out[0] = into[0] = curvature = 0.0
    for a in range(n):
        out[a] -= into[a]
        curvature += along[a] * out[a]
    if not (slope > 0 and curvature > 0):
        return slope, 0.0
    length, size = slope / curvature, 0.0
    coarse[:] = 0.0
    for a in range(n):
        x[a] += length * along[a]
        r[a] -= length * out[a]
        size += r[a] * r[a]
        coarse[aggregate[a]] += r[a]
    return slope, size


def aggregates(n: int, p: Ints, q: Ints, conductance: Floats) -> Ints:
    """Return the aggregate of each node, shape (n,); node 0 is alone in number 0."""
    result = np.arange(n)
    for _ in range(ROUNDS):
        inner = (p > 0) & (q > 0) & (p != q)
        p, q, conductance = p[inner], q[inner], conductance[inner]
        # equal conductances are told apart, or all of a grid would point one way; multiples of
        # the golden ratio are as good as chance, and numpy.random takes milliseconds to import
        weight = conductance * (1.0 + 1e-3 * (np.arange(len(p)) * 0.6180339887498949 % 1.0))
        root = _follow.at(n, cost=len(p) // 20)(n, p, q, weight)
        is_root = root == np.arange(n)
        label = (np.cumsum(is_root) - 1)[root]
        result, n = label[result], int(is_root.sum())
        p, q = label[p], label[q]
    return result


def _follow_by_arrays(n: int, p: Ints, q: Ints, weight: Floats) -> Ints:
    best, edge, every = np.zeros(n), np.full(n, -1), np.arange(n)
    np.maximum.at(best, p, weight)
    np.maximum.at(best, q, weight)
    for end in (p, q):
        strongest = (weight == best[end]).nonzero()[0]
        np.maximum.at(edge, end[strongest], strongest)
    near = np.where(edge >= 0, (p + q)[edge] - every, every) if len(p) else every
    root = np.where(near[near] == every, np.minimum(near, every), near)
    while not np.array_equal(further := root[root], root):
        root = further
    return root


@partial(kernel, interpreted=_follow_by_arrays)
def _follow(n, p, q, weight):  # type: ignore[no-untyped-def]
    """Return the root of each node where all point along their heaviest edge, shape (n,).

    Of two that point at each other the smaller is a root, as are nodes without edges.
    """
    best, near, root = np.zeros(n), np.arange(n), np.empty(n, dtype=np.int64)
    for k in range(len(p)):
        # of equals the last edge: a strict order, by which pointers run into pairs, not circles
        for a, b in ((p[k], q[k]), (q[k], p[k])):
            if weight[k] >= best[a]:
                best[a], near[a] = weight[k], b
    for a in range(n):
        root[a] = min(near[a], a) if near[near[a]] == a else near[a]
    for a in range(n):
        top = a
        while root[top] != top:
            top = root[top]
        # the way is shortened behind, so that none is gone twice
        here = a
        while root[here] != top:
            root[here], here = top, root[here]
    return root
