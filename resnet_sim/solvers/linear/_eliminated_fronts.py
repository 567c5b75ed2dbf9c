"""Elimination of the nodes of eight networks at once, supernode by supernode; see `frontal`."""

from __future__ import annotations

import numpy as np

from ...compiled.kernels import inlined, inserted
from ...compiled.vectors import (
    add,
    bank,
    broadcast,
    fma,
    inverse,
    load,
    load_bank,
    mul,
    store,
    store_bank,
)
from . import fronts

#: float64 in a vector
W = 8


#: where a pivot row would begin if it had all columns, see `fronts`
row_of = inlined(fronts.row_of)


@inlined
def entry_of(table, k):  # type: ignore[no-untyped-def]
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
        to = at + entry_of(place, where + b) * W
        store(target, to, add(load(target, to), load(stack, source + b * W)))
    to = at + (width - 1) * W
    store(target, to, add(load(target, to), load(stack, source + size * W)))


@inlined
def fill(s, entries, values, factor):  # type: ignore[no-untyped-def]
    """Add branches to the pivot rows of a supernode; values are common, or one each."""
    ptr, slot, branch = entries
    for e in range(ptr[s], ptr[s + 1]):
        place = slot[e] * W
        old = load(factor, place)
        if values.ndim == 1:
            store(factor, place, add(old, broadcast(values, branch[e])))
        else:
            store(factor, place, add(old, load(values, branch[e] * W)))


@inserted
def clear(s, plan, none, factor, front):  # type: ignore[no-untyped-def]
    """Begin a supernode with zeros."""
    size, kept, zero = plan[1][s], plan[2], load(none, 0)
    for i in range(kept[s], kept[s + 1]):
        store(factor, i * W, zero)
    for i in range(row_of(size - 1, size + 1) + size + 1):
        store(front, i * W, zero)


@inserted
def supernode(s, plan, family, room, factor, pivot):  # type: ignore[no-untyped-def]
    """Eliminate the pivots of a supernode; what they leave waits in the room."""
    first, rest, kept, waits, _ = plan
    front, stack = room
    own, at, pivots, size = first[s], kept[s] * W, first[s + 1] - first[s], rest[s]
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
