"""Spanning forests, near linear in the number of edges, and sums along them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..compiled.kernels import kernel
from .graphs import bincount, join


@dataclass(frozen=True, eq=False)
class Forest:
    """A spanning forest of a graph whose edges fix differences of potential.

    Attributes
    ----------
    label : ndarray of int, shape (n,)
        Tree of each node; trees are numbered by their smallest node, so that of node 0 is 0.
    count : int
        Number of trees.
    offset : ndarray of float, shape (n,)
        Potential above the root of the tree, along tree edges.
    parent, edge : ndarray of int, shape (n,)
        Parent of each node and the edge that leads to it; -1 at roots.
    order : ndarray of int, shape (n,)
        Nodes, parents before children.
    in_tree : ndarray of bool, shape (m,)
    """

    label: Ints
    count: int
    offset: Floats
    parent: Ints
    edge: Ints
    order: Ints
    in_tree: Bools

    @cached_property
    def children(self) -> Ints:
        """Nodes that have a parent, parents before children."""
        return self.order[self.parent[self.order] >= 0]

    def subtree_sums(self, values: Floats) -> Floats:
        """Return for each node the sum of `values` over itself and all its descendants.

        Values have shape (n,) or (n, points).
        """
        sums = values.copy()
        one = values.ndim == 1  # rows of many points are vectors: nothing to compile
        run = _add_to_parents.at(len(self.children)) if one else _add_to_parents.interpreted
        run(self.children, self.parent, sums)
        return sums

    def upward(self, p: Ints) -> tuple[Ints, Ints, Floats]:
        """Return the edges of the forest, the child at each, and 1 where that is its p, else -1."""
        child = self.children
        edge = self.edge[child]
        return edge, child, np.where(p[edge] == child, 1.0, -1.0)

    def carried(self, p: Ints, over: Floats) -> tuple[Ints, Floats]:
        """Return the edges of the forest, and what each carries from its p.

        So that it brings to the roots what is `over` at each node, shape (n,) or (n, points).
        """
        edge, child, sign = self.upward(p)
        flow = self.subtree_sums(over)[child]
        return edge, (sign if flow.ndim == 1 else sign[:, None]) * flow

    def offsets(self, p: Ints, rise: Floats) -> Floats:
        """Return the potentials above the roots for other rises, shape (n,).

        Rises may have a second axis, of points; then they may also be a sparse array.
        """
        if rise.ndim == 2:
            return self._many_offsets(p, rise)
        offset = np.zeros(len(self.order))
        run = _add_rises.at(len(self.children))
        run(self.children, self.parent, self.edge, p, rise, offset)
        return offset

    def _many_offsets(self, p: Ints, rise: Any) -> Floats:
        edge, child, sign = self.upward(p)
        offset = bincount(child, sign[:, None] * rise[edge], len(self.order))
        # above each node the first ancestor that is not counted yet: twice as far each time
        above = np.where(self.parent < 0, np.arange(len(self.order)), self.parent)
        while (self.parent[above] >= 0).any():
            offset, above = offset + offset[above], above[above]
        return offset


def spanning_forest(n: int, p: Ints, q: Ints, rise: Floats | None = None) -> Forest:
    """Build a spanning forest of n nodes; earlier edges are preferred.

    Parameters
    ----------
    n : int
    p, q : ndarray of int, shape (m,)
        Ends of the edges.
    rise : ndarray of float, shape (m,), optional
        Potential of p above q that the edge imposes; 0 by default.
    """
    if rise is None:
        rise = np.zeros(len(p))
    few = min(n, 4 * len(p))
    run = _grow.at(n + len(p), cost=(few + len(p)) // 3)
    if run is _grow.interpreted and 4 * len(p) < n:
        return _forest_among_others(n, p, q, rise)
    return _forest(run, n, p, q, rise)


@kernel
def _grow(  # type: ignore[no-untyped-def]
    p, q, rise, in_tree, ptr, adjacent, label, parent, edge, offset, order
):
    """Build the forest of `Forest` of given edges in arrays or lists; return how many trees."""
    n, m = len(label), len(p)
    for k in range(m):
        if in_tree[k]:
            ptr[p[k]] += 1
            ptr[q[k]] += 1
    # adjacency of the forest, filled from behind, so that each node ends with its first edge
    for a in range(n):
        ptr[a + 1] += ptr[a]
    for k in range(m - 1, -1, -1):
        if in_tree[k]:
            for a in (p[k], q[k]):
                ptr[a] -= 1
                adjacent[ptr[a]] = k
    # breadth first from the smallest node of each tree
    count, end = 0, 0
    for start in range(n):
        if label[start] >= 0:
            continue
        label[start] = count
        order[end] = start
        head = end
        end += 1
        while head < end:
            a = order[head]
            head += 1
            for j in range(ptr[a], ptr[a + 1]):
                k = adjacent[j]
                b = q[k] if p[k] == a else p[k]
                if label[b] < 0:
                    label[b] = count
                    parent[b] = a
                    edge[b] = k
                    offset[b] = offset[a] + (rise[k] if p[k] == b else -rise[k])
                    order[end] = b
                    end += 1
        count += 1
    return count


def _forest(run: Any, n: int, p: Ints, q: Ints, rise: Floats) -> Forest:
    """Build a forest, in lists where interpreted: their items are read in a third of the time."""
    marks = np.full((3, n), -1)
    arrays: list[Any] = [
        np.arange(n), np.zeros(len(p), dtype=np.bool_), np.zeros(n + 1, dtype=np.int64),
        np.empty(2 * min(n, len(p)), dtype=np.int64), *marks, np.zeros(n),
        np.empty(n, dtype=np.int64),
    ]  # fmt: skip
    if run is _grow.interpreted:
        ends, heights = (p.tolist(), q.tolist()), rise.tolist()
        lists = [values.tolist() for values in arrays]
        join.interpreted(lists[0], *ends, lists[1])
        count = run(*ends, heights, *lists[1:])
        arrays = [np.array(a, dtype=b.dtype) for a, b in zip(lists, arrays, strict=True)]
    else:
        join.compiled(arrays[0], p, q, arrays[1])
        count = run(p, q, rise, *arrays[1:])
    _, in_tree, _, _, label, parent, edge, offset, order = arrays
    return Forest(label, count, offset, parent, edge, order, in_tree)


def _forest_among_others(n: int, p: Ints, q: Ints, rise: Floats) -> Forest:
    """Build the forest of the nodes that edges touch; all others are trees of their own."""
    alone = np.ones(n, dtype=np.bool_)
    alone[p] = alone[q] = False
    nodes = (~alone).nonzero()[0]
    number = np.cumsum(~alone) - 1
    inner = _forest(_grow.interpreted, len(nodes), number[p], number[q], rise)
    top = np.arange(n)
    top[nodes] = nodes[(inner.parent < 0).nonzero()[0][inner.label]]
    is_root = top == np.arange(n)
    label = (np.cumsum(is_root) - 1)[top]
    parent, edge, offset = np.full(n, -1), np.full(n, -1), np.zeros(n)
    parent[nodes] = np.where(inner.parent >= 0, nodes[inner.parent], -1)
    edge[nodes], offset[nodes] = inner.edge, inner.offset
    order = np.concatenate((alone.nonzero()[0], nodes[inner.order]))
    return Forest(label, int(is_root.sum()), offset, parent, edge, order, inner.in_tree)


@kernel
def _add_rises(children, parent, edge, p, rise, offset):  # type: ignore[no-untyped-def]
    for k in children:
        e = edge[k]
        offset[k] = offset[parent[k]] + (rise[e] if p[e] == k else -rise[e])


@kernel
def _add_to_parents(children, parent, sums):  # type: ignore[no-untyped-def]
    for j in range(len(children) - 1, -1, -1):
        k = children[j]
        sums[parent[k]] += sums[k]
