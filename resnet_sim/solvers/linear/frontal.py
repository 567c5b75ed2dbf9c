"""Compiled loops of `fronts`: eight networks on one graph at a time.  Importing this imports numba.

A vector holds one number of each of the eight.  In `plan`, see `fronts.Fronts`, supernode s has
the pivots ``first[s]`` to ``first[s + 1]`` and `rest[s]` other rows in its front; its pivot rows
begin at ``kept[s]`` of the factor.  Four at a time begin with the column of the first of them
(see `fronts.row_of`) and end with ground, which is never eliminated; left of the diagonal nothing
counts.  What elimination leaves for the other rows is stored in the same way, and waits for the
parent at ``waits[s]``.
"""

from __future__ import annotations

from ...compiled.kernels import inlined, inserted, loops, subloops
from ...compiled.vectors import (
    bank,
    broadcast,
    broadcast_bank,
    dot,
    fma,
    load,
    load_bank,
    mul,
    store,
    store_bank,
)
from ._eliminated_fronts import W, clear, entry_of, fill, row_of, supernode

__all__ = ["W", "backward", "forward", "solve_columns"]


@inlined
def _entry(factor, k):  # type: ignore[no-untyped-def]
    """Return entry k of the factors of eight networks, or of one that all share."""
    if factor.ndim == 1:
        return broadcast(factor, k)
    return load(factor, k * W)


@inlined
def _entries(factor, k, step, like):  # type: ignore[no-untyped-def]
    """Return entries k, k + step ... as a bank."""
    if factor.ndim == 1:
        return broadcast_bank(factor, k, step, like)
    return load_bank(factor, k * W, step * W, like)


@inlined
def _down(factor, at, width, pivot, own, pivots, j, many, rows, begin, y, like):  # type: ignore[no-untyped-def]
    """Pass what is injected into some pivots on to their neighbours."""
    row, step = at + row_of(j, width), width - j
    for x in range(j, j + many):
        turn = mul(load(y, (own + x) * W), _entry(pivot, own + x))
        store(y, (own + x) * W, turn)
        for c in range(x + 1, j + many):
            place, entry = (own + c) * W, _entry(factor, row + (x - j) * step + c)
            store(y, place, fma(entry, turn, load(y, place)))
    turns = load_bank(y, (own + j) * W, W, like)
    for c in range(j + many, pivots):
        place = (own + c) * W
        store(y, place, dot(load(y, place), _entries(factor, row + c, step, like), turns))
    for c in range(pivots, width - 1):
        place = entry_of(rows, begin + c - pivots) * W
        store(y, place, dot(load(y, place), _entries(factor, row + c, step, like), turns))


@inlined
def _up(factor, at, width, pivot, own, pivots, j, many, rows, begin, y, none, like):  # type: ignore[no-untyped-def]
    """Find the voltages of some pivots from those of their neighbours."""
    sums, row, step = load_bank(none, 0, 0, like), at + row_of(j, width), width - j
    for c in range(pivots, width - 1):
        other = load(y, entry_of(rows, begin + c - pivots) * W)
        sums = fma(_entries(factor, row + c, step, like), other, sums)
    for c in range(j + many, pivots):
        other = load(y, (own + c) * W)
        sums = fma(_entries(factor, row + c, step, like), other, sums)
    turns = _entries(pivot, own + j, 1, like)
    store_bank(y, (own + j) * W, W, fma(sums, turns, load_bank(y, (own + j) * W, W, like)))
    for x in range(j + many - 2, j - 1, -1):
        place = (own + x) * W
        level, turn = load(y, place), _entry(pivot, own + x)
        for c in range(x + 1, j + many):
            entry = mul(_entry(factor, row + (x - j) * step + c), turn)
            level = fma(entry, load(y, (own + c) * W), level)
        store(y, place, level)


@inserted
def onward(s, plan, rows, factor, pivot, y):  # type: ignore[no-untyped-def]
    """Pass what is injected into the pivots of a supernode on."""
    four, one = bank(4), bank(1)
    first, rest, kept, _, begin = plan
    own, at, pivots = first[s], kept[s], first[s + 1] - first[s]
    width, whole = pivots + rest[s] + 1, pivots - pivots % 4
    for j in range(0, whole, 4):
        _down(factor, at, width, pivot, own, pivots, j, 4, rows, begin[s], y, four)
    for j in range(whole, pivots):
        _down(factor, at, width, pivot, own, pivots, j, 1, rows, begin[s], y, one)


@subloops
def forward(plan, family, edges, diodes, values, stiff, none, room, rows, factor, pivot, y, fresh):  # type: ignore[no-untyped-def]
    """Pass injections on from node to node, and if factors are to be `fresh` eliminate the nodes.

    Without a subtraction (Grassmann, Taksar and Heyman 1985).  Where all that a node has are zeros
    its pivot is 0: then a part floats.  Injections pass a front while it is in the cache.

    Parameters
    ----------
    values : ndarray, shape (edges,) or (edges, 8)
        Conductances, S.
    stiff : ndarray, shape (diodes, 8)
        The same of rectifiers that conduct, S; 0 elsewhere.
    none : ndarray, shape (8,)
        Zeros.
    room : (ndarray, ndarray)
        Of the front, and of what waits for parents.
    factor, pivot : ndarray
        Pivot rows, and the inverse of the sum of each.
    y : ndarray, shape (n, 8)
        Injections, A; afterwards what `backward` turns into voltages.
    """
    for s in range(len(plan[1])):
        if fresh:
            clear(s, plan, none, factor, room[0])
            fill(s, edges, values, factor)
            fill(s, diodes, stiff, factor)
            supernode(s, plan, family, room, factor, pivot)
        onward(s, plan, rows, factor, pivot, y)


@subloops
def backward(plan, rows, none, factor, pivot, y):  # type: ignore[no-untyped-def]
    """Find the voltages of all nodes, V, from what was passed on."""
    first, rest, kept, _, begin = plan
    four, one = bank(4), bank(1)
    for s in range(len(rest) - 1, -1, -1):
        own, at, pivots = first[s], kept[s], first[s + 1] - first[s]
        width, j = pivots + rest[s] + 1, pivots
        while j % 4:
            j -= 1
            _up(factor, at, width, pivot, own, pivots, j, 1, rows, begin[s], y, none, one)
        while j > 0:
            j -= 4
            _up(factor, at, width, pivot, own, pivots, j, 4, rows, begin[s], y, none, four)


@loops
def solve_columns(plan, rows, none, factor, pivot, place, load_of, y, x_of):  # type: ignore[no-untyped-def]
    """Solve with what `eliminate_common` left, eight at a time, for injections of shape (S, n)."""
    count = len(load_of)
    for first in range(0, count, W):
        # all lanes of a node at once: they share a line of the cache
        for k in range(len(place)):
            for lane in range(W):
                y[place[k], lane] = load_of[min(first + lane, count - 1), k]
        for s in range(len(plan[1])):
            onward(s, plan, rows, factor, pivot, y)
        backward(plan, rows, none, factor, pivot, y)
        for k in range(len(place)):
            for lane in range(min(W, count - first)):
                x_of[first + lane, k] = y[place[k], lane]
