"""Graph algorithms on arrays, each near linear in the number of edges."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..compiled.kernels import kernel

#: Weights of many points up to which counting them costs less than making a sparse matrix.
FEW = 5_000


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
        result: Ints = self.order[self.parent[self.order] >= 0]
        return result

    def subtree_sums(self, values: Floats) -> Floats:
        """Return for each node the sum of `values` over itself and all its descendants.

        Values have shape (n,) or (n, points).
        """
        sums = values.copy()
        one = values.ndim == 1  # rows of many points are vectors: nothing to compile
        run = _add_to_parents.at(len(self.children)) if one else _add_to_parents.interpreted
        run(self.children, self.parent, sums)
        return sums

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
        child = self.children
        edge = self.edge[child]
        sign = np.where(p[edge] == child, 1.0, -1.0)
        offset = bincount(child, sign[:, None] * rise[edge], len(self.order))
        # above each node the first ancestor that is not counted yet: twice as far each time
        above = np.where(self.parent < 0, np.arange(len(self.order)), self.parent)
        while (self.parent[above] >= 0).any():
            offset, above = offset + offset[above], above[above]
        return offset


def bincount(index: Ints, weights: Floats, n: int) -> Floats:
    """Return `numpy.bincount` as floats, also of nothing.

    Weights may have a second axis, of points; then they may also be a sparse array.
    """
    if weights.ndim == 1:
        return np.asarray(np.bincount(index, weights, n), dtype=float)
    if isinstance(weights, np.ndarray) and weights.size <= FEW:
        points = weights.shape[1]
        flat = index[:, None] * points + np.arange(points)
        return bincount(flat.ravel(), weights.ravel(), n * points).reshape(n, points)
    from scipy.sparse import csc_array

    count = len(index)
    gather: Any = csc_array((np.ones(count), index, np.arange(count + 1)), shape=(n, count))
    total: Floats = gather @ weights
    return total


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


def components(n: int, p: Ints, q: Ints) -> tuple[int, Ints]:
    """Return the number of connected components and the component of each node.

    Components are numbered by their smallest node.
    """
    root = _roots.at(n + len(p), cost=(n + len(p)) // 10)(n, p, q)
    is_root = root == np.arange(n)
    label: Ints = (np.cumsum(is_root) - 1)[root]
    return int(is_root.sum()), label


def reachable(n: int, tail: Ints, head: Ints, start: int) -> Bools:
    """Tell which nodes can be reached from `start` along directed edges tail -> head."""
    order, _ = reaching_tree(n, tail, head, start)
    reached = np.zeros(n, dtype=np.bool_)
    reached[order] = True
    return reached


def reaching_tree(n: int, tail: Ints, head: Ints, start: int) -> tuple[Ints, Ints]:
    """Return the nodes that `start` reaches along edges tail -> head, and how.

    Returns
    -------
    order : ndarray of int
        Nodes in the order in which breadth first finds them.
    by : ndarray of int, shape (n,)
        Edge by which each was found; -1 for the others and for `start`.
    """
    order, by = _reaching_tree.at(n + len(tail))(*leaving(n, tail), head, start)
    return order, by


def leaving(n: int, tail: Ints) -> tuple[Ints, Ints]:
    """Return the arcs by the nodes they leave: node k has ``arc[ptr[k] : ptr[k + 1]]``."""
    ptr, arc = _leaving.at(n + len(tail))(n, tail)
    return ptr, arc


def bridges(n: int, p: Ints, q: Ints) -> Bools:
    """Tell which edges are bridges, i.e. lie on no loop (Tarjan 1974)."""
    result: Bools = _bridges.at(n + len(p))(n, p, q)
    return result


def _roots_by_hooking(n: int, p: Ints, q: Ints) -> Ints:
    """Return the smallest node of each node's component.

    In each round every root that is not smaller than all its neighbours is hooked to one of
    them, and all paths are shortened, so that a few rounds do (Shiloach and Vishkin 1982).
    """
    root = np.arange(n)
    while True:
        a, b = root[p], root[q]
        apart = a != b
        if not apart.any():
            return root
        a, b = a[apart], b[apart]
        np.minimum.at(root, np.maximum(a, b), np.minimum(a, b))
        while not np.array_equal(further := root[root], root):
            root = further


@partial(kernel, interpreted=_roots_by_hooking)
def _roots(n, p, q):  # type: ignore[no-untyped-def]
    root = np.arange(n)
    for k in range(len(p)):
        a = p[k]
        while root[a] != a:
            root[a] = root[root[a]]
            a = root[a]
        b = q[k]
        while root[b] != b:
            root[b] = root[root[b]]
            b = root[b]
        # the smaller number becomes the root
        if a < b:
            root[b] = a
        elif b < a:
            root[a] = b
    for k in range(n):
        root[k] = root[root[k]]
    return root


@kernel
def _grow(  # type: ignore[no-untyped-def]
    p, q, rise, root, in_tree, ptr, adjacent, label, parent, edge, offset, order
):
    """Build the forest of `Forest` in arrays or lists, and return the number of its trees."""
    n, m = len(root), len(p)
    for k in range(m):
        a = p[k]
        while root[a] != a:
            root[a] = root[root[a]]
            a = root[a]
        b = q[k]
        while root[b] != b:
            root[b] = root[root[b]]
            b = root[b]
        if a != b:
            root[max(a, b)] = min(a, b)
            in_tree[k] = True
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
    none = np.full(n, -1)
    arrays = [
        np.arange(n), np.zeros(len(p), dtype=np.bool_), np.zeros(n + 1, dtype=np.int64),
        np.empty(2 * min(n, len(p)), dtype=np.int64),
        none.copy(), none.copy(), none, np.zeros(n), np.empty(n, dtype=np.int64),
    ]  # fmt: skip
    if run is _grow.interpreted:
        given = [values.tolist() for values in (p, q, rise)]
        lists = [values.tolist() for values in arrays]
        count = run(*given, *lists)
        arrays = [np.array(a, dtype=b.dtype) for a, b in zip(lists, arrays, strict=True)]
    else:
        count = run(p, q, rise, *arrays)
    _, in_tree, _, _, label, parent, edge, offset, order = arrays
    return Forest(label, count, offset, parent, edge, order, in_tree)


def _forest_among_others(n: int, p: Ints, q: Ints, rise: Floats) -> Forest:
    """Build the forest of the nodes that edges touch; all others are trees of their own."""
    alone = np.ones(n, dtype=np.bool_)
    alone[p] = alone[q] = False
    nodes = np.flatnonzero(~alone)
    number = np.cumsum(~alone) - 1
    inner = _forest(_grow.interpreted, len(nodes), number[p], number[q], rise)
    top = np.arange(n)
    top[nodes] = nodes[np.flatnonzero(inner.parent < 0)[inner.label]]
    is_root = top == np.arange(n)
    label = (np.cumsum(is_root) - 1)[top]
    parent, edge, offset = np.full(n, -1), np.full(n, -1), np.zeros(n)
    parent[nodes] = np.where(inner.parent >= 0, nodes[inner.parent], -1)
    edge[nodes], offset[nodes] = inner.edge, inner.offset
    order = np.concatenate((np.flatnonzero(alone), nodes[inner.order]))
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


@kernel
def _leaving(n, tail):  # type: ignore[no-untyped-def]
    degree = np.zeros(n + 1, dtype=np.int64)
    for a in tail:
        degree[a + 1] += 1
    ptr = np.cumsum(degree)
    fill = ptr.copy()
    arc = np.empty(len(tail), dtype=np.int64)
    for k in range(len(tail)):
        arc[fill[tail[k]]] = k
        fill[tail[k]] += 1
    return ptr, arc


@kernel
def _reaching_tree(ptr, arc, head, start):  # type: ignore[no-untyped-def]
    n = len(ptr) - 1
    by = np.full(n, -1, dtype=np.int64)
    order = np.empty(n, dtype=np.int64)
    order[0] = start
    first, end = 0, 1
    while first < end:
        a = order[first]
        first += 1
        for j in range(ptr[a], ptr[a + 1]):
            b = head[arc[j]]
            if by[b] < 0 and b != start:
                by[b] = arc[j]
                order[end] = b
                end += 1
    return order[:end].copy(), by


@kernel
def _bridges(n, p, q):  # type: ignore[no-untyped-def]
    m = len(p)
    degree = np.zeros(n + 1, dtype=np.int64)
    for k in range(m):
        degree[p[k] + 1] += 1
        degree[q[k] + 1] += 1
    ptr = np.cumsum(degree)
    fill = ptr[:-1].copy()
    adjacent = np.empty(2 * m, dtype=np.int64)
    for k in range(m):
        adjacent[fill[p[k]]] = k
        fill[p[k]] += 1
        adjacent[fill[q[k]]] = k
        fill[q[k]] += 1
    bridge = np.zeros(m, dtype=np.bool_)
    order = np.full(n, -1, dtype=np.int64)
    low = np.zeros(n, dtype=np.int64)
    via = np.full(n, -1, dtype=np.int64)
    place = ptr[:-1].copy()
    path = np.empty(n + 1, dtype=np.int64)
    clock = 0
    for root in range(n):
        if order[root] >= 0:
            continue
        order[root] = low[root] = clock
        clock += 1
        path[0] = root
        depth = 0
        while depth >= 0:
            node = path[depth]
            if place[node] < ptr[node + 1]:
                k = adjacent[place[node]]
                place[node] += 1
                other = q[k] if p[k] == node else p[k]
                if k == via[node] or other == node:
                    continue
                if order[other] < 0:
                    order[other] = low[other] = clock
                    clock += 1
                    via[other] = k
                    depth += 1
                    path[depth] = other
                else:
                    low[node] = min(low[node], order[other])
            else:
                depth -= 1
                if depth >= 0:
                    above = path[depth]
                    low[above] = min(low[above], low[node])
                    bridge[via[node]] = low[node] > order[above]
    return bridge
