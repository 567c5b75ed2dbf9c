"""Symbolic elimination: in which order the nodes of a graph go, and where fill appears.

Done once for all problems on one graph.  Eliminating a node of a network of conductances
joins its neighbours pairwise (star to mesh); which pairs, and where the conductance between
them is kept, depends on the graph alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...arrays import Ints
from ...compiled import policy
from ...compiled.kernels import kernel


@dataclass(frozen=True)
class Elimination:
    """Order of elimination of n nodes beside the reference, and the pattern of the factor.

    Attributes
    ----------
    place : ndarray of int, shape (n + 1,)
        When each node is eliminated; that of the reference, node 0, is n.
    ptr, row : ndarray of int, shapes (n + 1,) and (entries,)
        Neighbours of the node eliminated k-th at that moment: ``row[ptr[k]:ptr[k + 1]]``,
        by place, ascending; without the reference.
    target : ndarray of int32
        For each k and each pair of its neighbours (a < b), in this order: the entry that
        joins them.
    """

    place: Ints
    ptr: Ints
    row: Ints
    target: Ints

    @property
    def n(self) -> int:
        """Number of nodes without the reference."""
        return len(self.ptr) - 1

    def slots(self, p: Ints, q: Ints) -> Ints:
        """Return the entry of each edge p - q: ``-1 - place`` if one end is the reference."""
        first = np.minimum(self.place[p], self.place[q])
        second = np.maximum(self.place[p], self.place[q])
        column = np.repeat(np.arange(self.n), np.diff(self.ptr))
        keys = column * (self.n + 1) + self.row  # ascending, as rows are
        found: Ints = np.searchsorted(keys, first * (self.n + 1) + second)
        return np.where(second == self.n, -1 - first, found)


def eliminate(n: int, p: Ints, q: Ints) -> Elimination | None:
    """Return an order with little fill for a graph of n nodes, the reference included.

    None if there would be more than `Policy.most_pairs` pairs.
    """
    inner = (p != 0) & (q != 0) & (p != q)
    p, q = p[inner] - 1, q[inner] - 1
    place = np.append(_minimum_degree(n - 1, p, q), n - 1)
    first, second = np.minimum(place[p], place[q]), np.maximum(place[p], place[q])
    order = np.lexsort((second, first))
    ptr = np.concatenate(([0], np.cumsum(np.bincount(first, minlength=n - 1))))
    ptr, row = _fill.compiled(ptr, second[order])
    width = np.diff(ptr)
    if int((width * (width - 1) // 2).sum()) > policy.POLICY.most_pairs:
        return None
    target = _targets.compiled(ptr, row)
    return Elimination(np.concatenate((place[-1:], place[:-1])), ptr, row, target)


def _minimum_degree(n: int, p: Ints, q: Ints) -> Ints:
    """Return the place of each node in a multiple-minimum-degree order, by SuperLU."""
    from scipy.sparse import coo_array
    from scipy.sparse.linalg import splu

    diagonal = np.arange(n)
    rows, columns = np.concatenate((p, q, diagonal)), np.concatenate((q, p, diagonal))
    values = np.concatenate((-np.ones(2 * len(p)), np.full(n, 2.0 * len(p) + 1.0)))
    matrix = coo_array((values, (rows, columns)), shape=(n, n)).tocsc()
    factor = splu(matrix, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
    return np.asarray(factor.perm_c, dtype=np.int64)


@kernel
def _fill(ptr, row):  # type: ignore[no-untyped-def]
    """Return the pattern with fill: a node passes its neighbours on to the first of them."""
    n = len(ptr) - 1
    head = np.full(n, -1)  # nodes whose first neighbour is this one, as linked lists
    link = np.full(n, -1)
    seen = np.full(n, -1)
    filled = np.zeros(n + 1, dtype=np.int64)
    out = np.empty(4 * len(row) + n + 16, dtype=np.int64)
    size = 0
    for k in range(n):
        begin = size
        if size + n > len(out):
            out = np.concatenate((out, np.empty(len(out) + n, dtype=np.int64)))
        seen[k] = k
        for s in range(ptr[k], ptr[k + 1]):
            if seen[row[s]] != k:
                seen[row[s]] = k
                out[size] = row[s]
                size += 1
        child = head[k]
        while child >= 0:
            for s in range(filled[child], filled[child + 1]):
                if seen[out[s]] != k:
                    seen[out[s]] = k
                    out[size] = out[s]
                    size += 1
            child = link[child]
        out[begin:size] = np.sort(out[begin:size])
        filled[k + 1] = size
        if size > begin:
            link[k] = head[out[begin]]
            head[out[begin]] = k
    return filled, out[:size].copy()


@kernel
def _targets(ptr, row):  # type: ignore[no-untyped-def]
    """Return for each pair of neighbours the entry that joins them."""
    pairs = 0
    for k in range(len(ptr) - 1):
        width = ptr[k + 1] - ptr[k]
        pairs += width * (width - 1) // 2
    target = np.empty(pairs, dtype=np.int32)
    done = 0
    for k in range(len(ptr) - 1):
        for a in range(ptr[k], ptr[k + 1]):
            s = ptr[row[a]]
            for b in range(a + 1, ptr[k + 1]):
                while row[s] != row[b]:
                    s += 1
                target[done] = s
                done += 1
    return target
