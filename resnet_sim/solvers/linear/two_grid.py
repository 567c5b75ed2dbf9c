"""Conjugate gradients with two grids, in numpy: rough solutions without the import of numba.

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
from .laplacian import sparse_solver

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
            self._coarse = sparse_solver(self._count, a[apart], b[apart], conductance[apart])
        else:
            self._number, self._count, self._coarse = like._number, like._count, like._coarse
        self._aggregate = self._number[aggregate]
        diagonal = node_sums_abs(n, p, q, np.where(p == q, 0.0, conductance))
        self._inverse = 1.0 / np.where(diagonal > 0, diagonal, np.inf)
        self._inverse[0] = 0.0

    def solve(self, b: Floats, reduction: float, most: int = 20) -> Floats:
        """Return x, ``x[0] = 0``, whose residual is `reduction` times `b`; ``b[0]`` is ignored."""
        n, p, q, conductance = self._network
        x, along, slope = np.zeros(n), np.zeros(n), 1.0
        r = b.copy()
        r[0] = 0.0
        # sums by numpy, not BLAS, whose bits may depend on the number of its threads
        goal = reduction**2 * float((r * r).sum())
        product = _outflow.at(len(p), cost=most)
        for self.steps in range(most + 1):
            if self.steps == most or not float((r * r).sum()) > goal:
                break
            z = self._inverse * r
            z += self._coarse(bincount(self._aggregate, r, self._count))[self._aggregate]
            before, slope = slope, float((r * z).sum())
            along = z + slope / before * along
            flow = product(n, p, q, conductance, along)
            flow[0] = 0.0
            curvature = float((along * flow).sum())
            if not (slope > 0 and curvature > 0):  # products too small for a double
                break
            x += slope / curvature * along
            r -= slope / curvature * flow
        return x


def _product(n: int, p: Ints, q: Ints, conductance: Floats, x: Floats) -> Floats:
    return node_sums(n, p, q, conductance * (x[p] - x[q]))


@partial(kernel, interpreted=_product)
def _outflow(n, p, q, conductance, x):  # type: ignore[no-untyped-def]
    """Return the current that leaves each node through conductances at x, shape (n,)."""
    # two sums at each node and one difference, as by `bincount`: other orders are other bits
    out, into = np.zeros(n), np.zeros(n)
    for k in range(len(p)):
        current = conductance[k] * (x[p[k]] - x[q[k]])
        out[p[k]] += current
        into[q[k]] += current
    return out - into


def aggregates(n: int, p: Ints, q: Ints, conductance: Floats) -> Ints:
    """Return the aggregate of each node, shape (n,); node 0 is alone in number 0."""
    result = np.arange(n)
    for _ in range(ROUNDS):
        inner = (p > 0) & (q > 0) & (p != q)
        p, q, conductance = p[inner], q[inner], conductance[inner]
        # equal conductances are told apart, or all of a grid would point one way; multiples of
        # the golden ratio are as good as chance, and numpy.random takes milliseconds to import
        weight = conductance * (1.0 + 1e-3 * (np.arange(len(p)) * 0.6180339887498949 % 1.0))
        best, edge, every = np.zeros(n), np.full(n, -1), np.arange(n)
        np.maximum.at(best, p, weight)
        np.maximum.at(best, q, weight)
        # of equals the last edge: a strict order, by which pointers run into pairs, not circles
        for end in (p, q):
            strongest = np.flatnonzero(weight == best[end])
            np.maximum.at(edge, end[strongest], strongest)
        near = np.where(edge >= 0, (p + q)[edge] - every, every) if len(p) else every
        root = np.where(near[near] == every, np.minimum(near, every), near)
        while not np.array_equal(further := root[root], root):
            root = further
        is_root = root == every
        label = (np.cumsum(is_root) - 1)[root]
        result, n = label[result], int(is_root.sum())
        p, q = label[p], label[q]
    return result
