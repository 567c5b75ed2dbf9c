"""Compiled loops of `fronts`: eight networks on one graph at a time.  Importing this imports numba.

A vector holds one number of each of the eight.  In `plan`, see `fronts.Fronts`, supernode s has
the pivots ``first[s]`` to ``first[s + 1]`` and `rest[s]` other rows in its front; its pivot rows
begin at ``kept[s]`` of the factor.  Four at a time begin with the column of the first of them
(see `fronts.row_of`) and end with ground, which is never eliminated; left of the diagonal nothing
counts.  What elimination leaves for the other rows is stored in the same way, and waits for the
parent at ``waits[s]``.
"""

from __future__ import annotations

import numpy as np

from ...compiled.kernels import inlined, inserted, loops, subloops
from ...compiled.vectors import (
    add,
    bank,
    broadcast,
    broadcast_bank,
    dot,
    fma,
    inverse,
    load,
    load_bank,
    mul,
    store,
    store_bank,
)
from .fronts import row_of

#: float64 in a vector
W = 8


#: where a pivot row would begin if it had all columns, see `fronts`
row_of = inlined(row_of)


@inlined
def _of(table, k):  # type: ignore[no-untyped-def]
    """Return entry k >= 0 of a table; of a signed number numba would ask whether it is."""
    return table[np.uint64(k)]


@inlined
def _four_rows(factor, at, width, pivot, own, count, j, column, source, a, target, b, step, like):  # type: ignore[no-untyped-def]
    # sixteen sums stay in registers while all pivots pass
    c0 = load_bank(source, a, W, like)
    c1 = load_bank(source, a + step, W, like)
    c2 = load_bank(source, a + 2 * step, W, like)
    c3 = load_bank(source, a + 3 * step, W, like)
    row, wide = at, width * W
    for i in range(count):
        others = load_bank(factor, row + column * W, W, like)
        turn = load(pivot, (own + i) * W)
        c0 = fma(mul(load(factor, row + j * W), turn), others, c0)
        c1 = fma(mul(load(factor, row + (j + 1) * W), turn), others, c1)
        c2 = fma(mul(load(factor, row + (j + 2) * W), turn), others, c2)
        c3 = fma(mul(load(factor, row + (j + 3) * W), turn), others, c3)
        wide -= 4 * W if i & 3 == 3 else 0
        row += wide
    store_bank(target, b, W, c0)
    store_bank(target, b + step, W, c1)
    store_bank(target, b + 2 * step, W, c2)
    store_bank(target, b + 3 * step, W, c3)


@inlined
def _one_row(factor, at, width, pivot, own, count, j, column, source, a, target, b, like):  # type: ignore[no-untyped-def]
    c = load_bank(source, a, W, like)
    row, wide = at, width * W
    for i in range(count):
        turn = mul(load(factor, row + j * W), load(pivot, (own + i) * W))
        c = fma(turn, load_bank(factor, row + column * W, W, like), c)
        wide -= 4 * W if i & 3 == 3 else 0
        row += wide
    store_bank(target, b, W, c)


@inserted
def _update(factor, at, width, pivot, own, count, j, many, source, a, target, b, step):  # type: ignore[no-untyped-def]
    """Take `count` eliminated rows into account in rows j, j + 1 ... from the diagonal on.

    The rows are read at `a` and go to `b`; they are `step` apart.
    """
    four, one = bank(4), bank(1)
    column = j
    if many == 4:
        while column + 4 <= width:
            _four_rows(
                factor, at, width, pivot, own, count, j, column, source, a, target, b, step, four
            )
            column, a, b = column + 4, a + 4 * W, b + 4 * W
        while column < width:
            _four_rows(
                factor, at, width, pivot, own, count, j, column, source, a, target, b, step, one
            )
            column, a, b = column + 1, a + W, b + W
        return
    for k in range(many):
        column = j + k
        x, y = a + k * (step + W), b + k * (step + W)
        while column + 4 <= width:
            _one_row(
                factor, at, width, pivot, own, count, j + k, column, source, x, target, y, four
            )
            column, x, y = column + 4, x + 4 * W, y + 4 * W
        while column < width:
            _one_row(factor, at, width, pivot, own, count, j + k, column, source, x, target, y, one)
            column, x, y = column + 1, x + W, y + W


@inserted
def _pivots(factor, at, width, pivot, own, j, many):  # type: ignore[no-untyped-def]
    """Eliminate rows j, j + 1 ... of a front, in which all rows before them are considered."""
    begin, step = at + row_of(j, width) * W, (width - j) * W
    for x in range(j, j + many):
        row = begin + (x - j) * step
        total = load(factor, row + (width - 1) * W)
        for c in range(x + 1, width - 1):
            total = add(total, load(factor, row + c * W))
        turn = inverse(total)
        store(pivot, (own + x) * W, turn)
        for y in range(x + 1, j + many):
            share = mul(load(factor, row + y * W), turn)
            below = begin + (y - j) * step
            for c in range(y + 1, width):
                place = below + c * W
                store(factor, place, fma(share, load(factor, row + c * W), load(factor, place)))


@inserted
def _gather(s, at, pivots, width, plan, family, factor, front, stack):  # type: ignore[no-untyped-def]
    """Add what the children of a supernode left to its front."""
    _, rest, _, waits, begin = plan
    child, children, place = family
    for c in range(child[s], child[s + 1]):
        kid = children[c]
        size, where = rest[kid], begin[kid]
        for a in range(size):
            row, source = place[where + a], (waits[kid] + row_of(a, size + 1)) * W
            if row < pivots:
                target = at + row_of(row, width) * W
                _add_row(stack, source, factor, target, width, place, where, a, size)
            else:
                target = (row_of(row - pivots, width - pivots) - pivots) * W
                _add_row(stack, source, front, target, width, place, where, a, size)


@inlined
def _add_row(stack, source, target, at, width, place, where, a, size):  # type: ignore[no-untyped-def]
    """Add row a of what a child left to a row of its parent."""
    for b in range(a + 1, size):
        to = at + _of(place, where + b) * W
        store(target, to, add(load(target, to), load(stack, source + b * W)))
    to = at + (width - 1) * W
    store(target, to, add(load(target, to), load(stack, source + size * W)))


@inlined
def _fill(s, entries, values, factor, before):  # type: ignore[no-untyped-def]
    """Add branches to the pivot rows of a supernode; values are common, or one each.

    Entries `before` them are not in the factor.
    """
    ptr, slot, branch = entries
    for e in range(ptr[s], ptr[s + 1]):
        place = (slot[e] - before) * W
        old = load(factor, place)
        if values.ndim == 1:
            store(factor, place, add(old, broadcast(values, branch[e])))
        else:
            store(factor, place, add(old, load(values, branch[e] * W)))


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
    first, kept = plan[0], plan[2]
    for s in range(len(kept) - 1):
        if fresh:
            _clear(s, kept[s] * W, plan, none, factor, room[0])
            _fill(s, edges, values, factor, 0)
            _fill(s, diodes, stiff, factor, 0)
            _supernode(s, kept[s] * W, first[s], plan, family, room, factor, pivot)
        _onward(s, plan, rows, factor, pivot, y)


@loops
def eliminate_common(plan, family, edges, values, none, room, block, turns, factor, pivot):  # type: ignore[no-untyped-def]
    """Eliminate all nodes of one network, of which no more is kept than its own numbers.

    Parameters
    ----------
    values : ndarray, shape (edges,)
    block, turns : ndarray
        Room for the pivot rows of a supernode, and the inverses of their sums.
    factor, pivot : ndarray, shapes (size,) and (n,)
        To be filled.
    """
    first, kept = plan[0], plan[2]
    for s in range(len(kept) - 1):
        _clear(s, 0, plan, none, block, room[0])
        _fill(s, edges, values, block, kept[s])
        _supernode(s, 0, 0, plan, family, room, block, turns)
        for k in range(kept[s], kept[s + 1]):
            factor[k] = block[k - kept[s], 0]
        for k in range(first[s], first[s + 1]):
            pivot[k] = turns[k - first[s], 0]


@inserted
def _clear(s, at, plan, none, factor, front):  # type: ignore[no-untyped-def]
    """Begin a supernode with zeros."""
    size, kept, zero = plan[1][s], plan[2], load(none, 0)
    for i in range(kept[s + 1] - kept[s]):
        store(factor, at + i * W, zero)
    for i in range(row_of(size - 1, size + 1) + size + 1):
        store(front, i * W, zero)


@inserted
def _supernode(s, at, own, plan, family, room, factor, pivot):  # type: ignore[no-untyped-def]
    """Eliminate a supernode, its pivot rows being at `at` and its pivots at `own`."""
    first, rest, _, waits, _ = plan
    front, stack = room
    pivots, size = first[s + 1] - first[s], rest[s]
    width = pivots + size + 1
    _gather(s, at, pivots, width, plan, family, factor, front, stack)
    fours = (pivots + 3) // 4
    for block in range(fours + (size + 3) // 4):
        # one place for pivot rows and others: what is inlined twice is compiled twice
        if block < fours:
            j = 4 * block
            many, count, source, target = min(4, pivots - j), j, factor, factor
            a = b = at + (row_of(j, width) + j) * W
        else:
            k = 4 * (block - fours)
            j = pivots + k
            many, count, source, target = min(4, size - k), pivots, front, stack
            a = (row_of(k, size + 1) + k) * W
            b = a + waits[s] * W
        if count > 0:
            step = (width - j) * W
            _update(factor, at, width, pivot, own, count, j, many, source, a, target, b, step)
        if block < fours:
            _pivots(factor, at, width, pivot, own, j, many)


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
        place = _of(rows, begin + c - pivots) * W
        store(y, place, dot(load(y, place), _entries(factor, row + c, step, like), turns))


@inlined
def _up(factor, at, width, pivot, own, pivots, j, many, rows, begin, y, none, like):  # type: ignore[no-untyped-def]
    """Find the voltages of some pivots from those of their neighbours."""
    sums, row, step = load_bank(none, 0, 0, like), at + row_of(j, width), width - j
    for c in range(pivots, width - 1):
        other = load(y, _of(rows, begin + c - pivots) * W)
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
def _onward(s, plan, rows, factor, pivot, y):  # type: ignore[no-untyped-def]
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
            _onward(s, plan, rows, factor, pivot, y)
        backward(plan, rows, none, factor, pivot, y)
        for k in range(len(place)):
            for lane in range(min(W, count - first)):
                x_of[first + lane, k] = y[place[k], lane]
