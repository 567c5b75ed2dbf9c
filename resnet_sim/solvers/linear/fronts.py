"""Symbolic elimination: in which order the nodes of a graph go, and in which dense fronts.

Done once for all networks on one graph.  Eliminating a node of a network of conductances joins
its neighbours pairwise (star to mesh).  Nodes that are eliminated one after the other with the
same neighbours are a *supernode*, whose neighbourhood is a dense front (Duff and Reid, "The
multifrontal solution of indefinite sparse symmetric linear equations", 1983).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ...arrays import Ints
from ...compiled.kernels import kernel
from ...graph.graphs import ranges
from . import superlu

#: Zeros that a supernode may have in the rows of a front for being one with its parent: some,
#: and a share of its entries.
SOME, SHARE = 5, 0.1


@dataclass(frozen=True)
class Fronts:
    """Supernodes of n nodes beside the reference, in the order in which they are eliminated.

    Attributes
    ----------
    place : ndarray of int, shape (n + 1,)
        When each node is eliminated; that of the reference, node 0, is n.
    first, rest, kept, waits, begin : ndarray of int
        See `frontal`; ``rows[begin[s]:begin[s + 1]]`` are the other rows of a front.
    rows : ndarray of int
    child, children, position : ndarray of int
        ``children[child[s]:child[s + 1]]`` leave something; the position in the parent's
        front of each of `rows`.
    size, front, stack : int
        Entries of the factor, of the largest front without its pivots, of what waits at once.
    """

    place: Ints
    first: Ints
    rest: Ints
    kept: Ints
    waits: Ints
    begin: Ints
    rows: npt.NDArray[np.int32]
    child: Ints
    children: Ints
    position: npt.NDArray[np.int32]
    size: int
    front: int
    stack: int

    @property
    def n(self) -> int:
        """Number of nodes without the reference."""
        return len(self.place) - 1

    @cached_property
    def operations(self) -> float:
        """Products that a factor takes."""
        own = np.diff(self.first)
        width = own + self.rest + 1
        return float((own * (width * (width - own) + own**2 / 3.0)).sum())

    @property
    def price(self) -> float:
        """What a factor takes beside a few passes with it, by operations per entry."""
        return self.operations / (40 * max(self.size, 1))

    @property
    def plan(self) -> tuple[Ints, ...]:
        """What loops need to find their way."""
        return self.first, self.rest, self.kept, self.waits, self.begin

    @property
    def family(self) -> tuple[Any, ...]:
        """What leaves what to whom."""
        return self.child, self.children, self.position

    def entries(self, p: Ints, q: Ints) -> tuple[Any, ...]:
        """Return where branches p - q are in the factor, by supernodes: starts, places, branches.

        Branches with equal ends are left out.
        """
        low = np.minimum(self.place[p], self.place[q])
        high = np.maximum(self.place[p], self.place[q])
        branch = np.flatnonzero(low != high)
        low, high = low[branch], high[branch]
        node = np.searchsorted(self.first, low, side="right") - 1
        order = np.argsort(node, kind="stable")
        branch, low, high, node = branch[order], low[order], high[order], node[order]
        own, stop = self.first[node], self.first[node + 1]
        pivots, width = stop - own, stop - own + self.rest[node] + 1
        keys = np.repeat(np.arange(len(self.rest)), self.rest) * (self.n + 1) + self.rows
        other = np.searchsorted(keys, node * (self.n + 1) + high) - self.begin[node] + pivots
        column = np.where(high == self.n, width - 1, np.where(high < stop, high - own, other))
        ptr = np.searchsorted(node, np.arange(len(self.rest) + 1))
        slot = self.kept[node] + row_of(low - own, width) + column
        return ptr, slot.astype(np.int32), branch.astype(np.int32)


def row_of(k: Any, width: Any) -> Any:
    """Return where pivot row k of a supernode would begin, relative to its first, with all columns.

    It has as many as the front is wide, less those left of the first of each four rows.
    """
    four = k >> 2
    return k * width - 4 * four * (2 * four + (k & 3) - 1)


def fronts(n: int, p: Ints, q: Ints) -> Fronts:
    """Return the fronts of a graph of n nodes, the reference included."""
    place, ptr, row = ordered(n, p, q)
    last = np.empty(n - 1, dtype=np.int64)
    count = _supernodes.compiled(ptr, row, SOME, SHARE, last, *np.empty((2, n - 1), np.int64))
    last = last[:count]
    first = np.concatenate(([0], last + 1))
    rest = np.diff(ptr)[last]
    begin = np.concatenate(([0], np.cumsum(rest)))
    keys = row[np.repeat(ptr[last] - begin[:-1], rest) + np.arange(begin[-1])]
    keys += np.repeat(np.arange(len(last)) * n, rest)
    keys.sort()
    # the largest tables of all: half as long
    rows = (keys % n).astype(np.int32)
    width = np.diff(first) + rest + 1
    kept = np.concatenate(([0], np.cumsum(row_of(np.diff(first) - 1, width) + width)))
    child, children, position = np.zeros_like(first), np.empty_like(rest), np.empty_like(rows)
    waits, owner = np.empty_like(rest), np.repeat(np.arange(len(rest)), np.diff(first))
    left = row_of(rest - 1, rest + 1) + rest + 1
    stack = _family.compiled(
        first, begin, rows, owner, np.empty_like(rest), child, children, position, waits, left
    )
    largest = int(left.max(initial=0))
    return Fronts(
        place, first, rest, kept, waits, begin, rows, child, children, position,
        int(kept[-1]), largest + 4, int(stack) + 4,
    )  # fmt: skip


def ordered(n: int, p: Ints, q: Ints) -> tuple[Ints, Ints, Ints]:
    """Return the place of each node in an order of elimination, and the pattern with fill.

    That are, by places, the neighbours of each node when it is eliminated, the first to go in
    front.  The reference, node 0, is never eliminated, and no neighbour.
    """
    inner = (p != 0) & (q != 0) & (p != q)
    p, q = p[inner] - 1, q[inner] - 1
    place = np.append(_minimum_degree(n - 1, p, q), n - 1)
    ptr, row = _pattern(n - 1, place, p, q)
    later = np.empty(n - 1, dtype=np.int64)
    _postorder.compiled(ptr, row, np.ones(n - 1, dtype=np.int64), np.empty_like(later), later)
    place = np.append(later, n - 1)[place]
    # each has the same neighbours by other numbers, of which the first stays the first
    before = np.argsort(later)
    count = np.diff(ptr)[before]
    row = later[row[ranges(ptr[before], count)]]
    return np.concatenate((place[-1:], place[:-1])), np.concatenate(([0], np.cumsum(count))), row


def _pattern(n: int, place: Ints, p: Ints, q: Ints) -> Any:
    """Return the neighbours of each node when it is eliminated, the first to go in front."""
    first, second = np.minimum(place[p], place[q]), np.maximum(place[p], place[q])
    order = np.argsort(first, kind="stable")
    ptr = np.concatenate(([0], np.cumsum(np.bincount(first, minlength=n))))
    second, room = second[order], 4 * len(p) + n + 16
    while True:
        lists = np.full((3, n), -1)
        filled, out = np.zeros(n + 1, dtype=np.int64), np.empty(room, dtype=np.int64)
        if _fill.compiled(ptr, second, *lists, filled, out):
            return filled, out[: filled[-1]]
        room *= 4


def _minimum_degree(n: int, p: Ints, q: Ints) -> Ints:
    """Return the place of each node in a multiple-minimum-degree order, by SuperLU."""
    from scipy.sparse import coo_array

    if n == 0:
        return np.zeros(0, dtype=np.int64)
    diagonal = np.arange(n)
    rows, columns = np.concatenate((p, q, diagonal)), np.concatenate((q, p, diagonal))
    values = np.concatenate((-np.ones(2 * len(p)), np.full(n, 2.0 * len(p) + 1.0)))
    return superlu.order(coo_array((values, (rows, columns)), shape=(n, n)).tocsc())


# Arrays are made outside: all that numba needs to make one takes it longer than these loops.


@kernel
def _fill(ptr, row, head, link, seen, filled, out):  # type: ignore[no-untyped-def]
    """Find the pattern with fill: a node passes its neighbours on to the first of them.

    `head` and `link` are lists of the nodes whose first neighbour is this one.  Return whether
    there was room enough in `out`.
    """
    size, n = 0, len(ptr) - 1
    for k in range(n):
        begin = size
        if size + n > len(out):
            return False
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
        for s in range(begin + 1, size):
            if out[s] < out[begin]:
                out[begin], out[s] = out[s], out[begin]
        filled[k + 1] = size
        if size > begin:
            link[k] = head[out[begin]]
            head[out[begin]] = k
    return True


@kernel
def _postorder(ptr, row, size, last, place):  # type: ignore[no-untyped-def]
    """Set the place of each node where parents come right after all that they inherit from.

    `size` begins with ones.
    """
    n = len(place)
    for k in range(n):
        if ptr[k] < ptr[k + 1]:
            size[row[ptr[k]]] += size[k]
    # the places of a subtree end with its root; children get theirs from the back
    roots = n
    for k in range(n - 1, -1, -1):
        if ptr[k] < ptr[k + 1]:
            parent = row[ptr[k]]
            place[k] = last[parent]
            last[parent] -= size[k]
        else:
            place[k] = roots - 1
            roots -= size[k]
        last[k] = place[k] - 1


@kernel
def _supernodes(ptr, row, some, share, last, first, zeros):  # type: ignore[no-untyped-def]
    """Find the last node of each supernode, and their number; a few zeros may count as entries."""
    count = 0
    for k in range(len(last)):
        last[count], first[count], zeros[count] = k, k, 0
        while count > 0:
            before = last[count - 1]
            # its first neighbour must be in this supernode: then all of them are here
            if ptr[before] == ptr[before + 1] or row[ptr[before]] > k:
                break
            own = before + 1 - first[count - 1]
            rest = ptr[k + 1] - ptr[k]
            fresh = own * (k - before + rest - (ptr[before + 1] - ptr[before]))
            # with those of both from before, or many small steps would fill all of a graph
            total = fresh + zeros[count - 1] + zeros[count]
            whole = k + 1 - first[count - 1]
            if fresh > some and total > share * whole * (whole // 2 + rest):
                break
            if fresh > 0 and whole > 32 and total > 0.02 * whole * (whole // 2 + rest):
                break
            last[count - 1], zeros[count - 1] = k, total
            count -= 1
        count += 1
    return count


@kernel
def _family(first, begin, rows, owner, fresh, child, children, position, waits, left):  # type: ignore[no-untyped-def]
    """Find who leaves what to whom, and where it waits; return what waits at most.

    In front s `left[s]` entries are left.  The last to come is the first to go.
    """
    count = len(fresh)
    for s in range(count):
        if begin[s] < begin[s + 1]:
            child[owner[rows[begin[s]]] + 1] += 1
    for s in range(count):
        child[s + 1] += child[s]
    for s in range(count):
        fresh[s] = child[s]
    top = most = 0
    for s in range(count):
        if child[s] < child[s + 1]:
            top = waits[children[child[s]]]
        waits[s] = top
        if begin[s] == begin[s + 1]:
            continue
        top += left[s]
        most = max(most, top)
        parent = owner[rows[begin[s]]]
        children[fresh[parent]] = s
        fresh[parent] += 1
        own, stop = first[parent], first[parent + 1]
        at = begin[parent]
        for k in range(begin[s], begin[s + 1]):
            if rows[k] < stop:
                position[k] = rows[k] - own
            else:
                while rows[at] != rows[k]:
                    at += 1
                position[k] = at - begin[parent] + stop - own
    return most
