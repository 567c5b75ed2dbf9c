"""Graph algorithms on arrays, each near linear in the number of edges."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..compiled.kernels import kernel

#: Weights of many points up to which counting them costs less than making a sparse matrix.
FEW = 5_000
#: Levels after which a search has met most of a graph without small separators.
LEVELS = 16


def bincount(index: Ints, weights: Floats, n: int) -> Floats:
    """Return `numpy.bincount` as floats, also of nothing.

    Weights may have a second axis, of points; then they may also be a sparse array.
    """
    if weights.ndim == 1:
        counts: Floats = np.bincount(index, weights, n) if len(index) else np.zeros(n)  # type: ignore[assignment]
        return counts
    if isinstance(weights, np.ndarray) and weights.size <= FEW:
        points = weights.shape[1]
        flat = index[:, None] * points + np.arange(points)
        return bincount(flat.ravel(), weights.ravel(), n * points).reshape(n, points)
    from scipy.sparse import csc_array

    count = len(index)
    gather: Any = csc_array((np.ones(count), index, np.arange(count + 1)), shape=(n, count))
    return gather @ weights


def ranges(first: Ints, count: Ints) -> Ints:
    """Return so many numbers from each first one on, one range after the other.

    Examples
    --------
    >>> from resnet_sim.graph.graphs import ranges
    >>> ranges(np.array([10, 20, 30]), np.array([2, 0, 3]))
    array([10, 11, 30, 31, 32])
    """
    skipped = np.cumsum(count) - count
    return np.arange(count.sum()) + np.repeat(first - skipped, count)


def components(n: int, p: Ints, q: Ints) -> tuple[int, Ints]:
    """Return the number of connected components and the component of each node.

    Components are numbered by their smallest node.
    """
    run = join.at(n + len(p), cost=(n + len(p)) // 10)
    if run is join.interpreted:
        root = _roots_by_hooking(n, p, q)
    else:
        root = np.arange(n)
        run(root, p, q, np.zeros(len(p), dtype=np.bool_))
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
    ptr, end = leaving(n, np.column_stack((p, q)).ravel())
    return _bridges.at(n + len(p))(ptr, end // 2, p, q)


def spread(n: int, p: Ints, q: Ints) -> int:
    """Return how many nodes two neighbouring levels of a breadth-first search have at least.

    The search starts at the node with most edges and ends after `LEVELS`.  Where it
    has spread by then no few nodes separate the graph, so that factors are full.
    """
    inner = (p > 0) & (q > 0)
    p, q = p[inner], q[inner]
    degree = np.bincount(p, minlength=n) + np.bincount(q, minlength=n)
    reached = np.zeros(n, dtype=np.bool_)
    reached[degree.argmax()] = True
    sizes = [1]
    widen = _widen.at(len(p), cost=20)
    for _ in range(LEVELS):
        found = widen(p, q, reached)
        if not found:
            break
        sizes.append(found)
    return max(map(min, sizes, sizes[1:]), default=0)


def _widen_by_arrays(p: Ints, q: Ints, reached: Bools) -> int:
    near = reached[p] != reached[q]
    before = np.count_nonzero(reached)
    reached[p[near]] = reached[q[near]] = True
    return int(np.count_nonzero(reached) - before)


@partial(kernel, interpreted=_widen_by_arrays)
def _widen(p, q, reached):  # type: ignore[no-untyped-def]
    """Mark the neighbours of what is reached as reached; return how many there are."""
    before, found = reached.copy(), 0
    for k in range(len(p)):
        a, b = p[k], q[k]
        if before[a] != before[b]:
            fresh = b if before[a] else a
            found += not reached[fresh]
            reached[fresh] = True
    return found


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


@kernel
def join(root, p, q, joins):  # type: ignore[no-untyped-def]
    """Join the ends of edges: `root` becomes the smallest node of each node's component.

    All nodes are their own roots before.  `joins` becomes True for edges that close no loop.
    """
    for k in range(len(p)):
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
            joins[k] = True
    for k in range(len(root)):
        root[k] = root[root[k]]


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
def _bridges(ptr, adjacent, p, q):  # type: ignore[no-untyped-def]
    """Search depth first; edges at node k are ``adjacent[ptr[k] : ptr[k + 1]]``."""
    n, m = len(ptr) - 1, len(p)
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
