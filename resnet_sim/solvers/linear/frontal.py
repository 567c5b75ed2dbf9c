"""Compiled loops of `fronts`: eight networks on one graph at a time.  Importing this imports numba.

A vector holds one number of each of the eight.  In `plan`, see `fronts.Fronts`, supernode s has
the pivots ``first[s]`` to ``first[s + 1]`` and `rest[s]` other rows in its front; its pivot rows
begin at ``kept[s]`` of the factor.  They are as wide as the front, the last column being ground,
which is never eliminated; left of the diagonal nothing counts.  What elimination leaves for the
other rows waits for the parent at ``waits[s]``.
"""

from __future__ import annotations

from ...compiled.kernels import inlined, subloops
from ...compiled.vectors import (
    add,
    bank,
    broadcast,
    dot,
    fma,
    inverse,
    load,
    load_bank,
    mul,
    store,
    store_bank,
)

#: float64 in a vector
W = 8


@inlined
def _four_rows(factor, at, width, pivot, own, count, j, column, source, a, target, b, step, like):  # type: ignore[no-untyped-def]
    # sixteen sums stay in registers while all pivots pass
    c0 = load_bank(source, a, W, like)
    c1 = load_bank(source, a + step, W, like)
    c2 = load_bank(source, a + 2 * step, W, like)
    c3 = load_bank(source, a + 3 * step, W, like)
    for i in range(count):
        row = at + i * width * W
        others = load_bank(factor, row + column * W, W, like)
        turn = load(pivot, (own + i) * W)
        c0 = fma(mul(load(factor, row + j * W), turn), others, c0)
        c1 = fma(mul(load(factor, row + (j + 1) * W), turn), others, c1)
        c2 = fma(mul(load(factor, row + (j + 2) * W), turn), others, c2)
        c3 = fma(mul(load(factor, row + (j + 3) * W), turn), others, c3)
    store_bank(target, b, W, c0)
    store_bank(target, b + step, W, c1)
    store_bank(target, b + 2 * step, W, c2)
    store_bank(target, b + 3 * step, W, c3)


@inlined
def _one_row(factor, at, width, pivot, own, count, j, column, source, a, target, b, like):  # type: ignore[no-untyped-def]
    c = load_bank(source, a, W, like)
    for i in range(count):
        row = at + i * width * W
        turn = mul(load(factor, row + j * W), load(pivot, (own + i) * W))
        c = fma(turn, load_bank(factor, row + column * W, W, like), c)
    store_bank(target, b, W, c)


@subloops
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


@inlined
def _pivots(factor, at, width, pivot, own, j, many):  # type: ignore[no-untyped-def]
    """Eliminate rows j, j + 1 ... of a front, in which all rows before them are considered."""
    for x in range(j, j + many):
        row = at + x * width * W
        total = load(factor, row + (width - 1) * W)
        for c in range(x + 1, width - 1):
            total = add(total, load(factor, row + c * W))
        turn = inverse(total)
        store(pivot, (own + x) * W, turn)
        for y in range(x + 1, j + many):
            share = mul(load(factor, row + y * W), turn)
            below = at + y * width * W
            for c in range(y + 1, width):
                place = below + c * W
                store(factor, place, fma(share, load(factor, row + c * W), load(factor, place)))


@inlined
def _gather(s, at, pivots, width, plan, family, factor, front, stack):  # type: ignore[no-untyped-def]
    """Add what the children of a supernode left to its front."""
    _, rest, _, waits, begin = plan
    child, children, place = family
    for c in range(child[s], child[s + 1]):
        kid = children[c]
        size, where, source = rest[kid], begin[kid], waits[kid] * W
        for a in range(size):
            row = place[where + a]
            if row < pivots:
                for b in range(a + 1, size + 1):
                    to = width - 1 if b == size else place[where + b]
                    to = at + (row * width + to) * W
                    old = load(stack, source + (a * (size + 1) + b) * W)
                    store(factor, to, add(load(factor, to), old))
            else:
                target = (row - pivots) * (width - pivots) - pivots
                for b in range(a + 1, size + 1):
                    to = width - 1 if b == size else place[where + b]
                    to = (target + to) * W
                    old = load(stack, source + (a * (size + 1) + b) * W)
                    store(front, to, add(load(front, to), old))


@inlined
def _fill(s, entries, values, factor):  # type: ignore[no-untyped-def]
    """Add branches to the pivot rows of a supernode; values are common, or one each."""
    ptr, slot, branch = entries
    for e in range(ptr[s], ptr[s + 1]):
        place = slot[e] * W
        old = load(factor, place)
        if values.ndim == 1:
            store(factor, place, add(old, broadcast(values, branch[e])))
        else:
            store(factor, place, add(old, load(values, branch[e] * W)))


@subloops
def eliminate(plan, family, edges, diodes, values, stiff, none, room, factor, pivot):  # type: ignore[no-untyped-def]
    """Eliminate all nodes without a subtraction (Grassmann, Taksar and Heyman 1985).

    Where all that a node has are zeros its pivot is 0: then a part floats.

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
        Pivot rows, and the inverse of the sum of each, to be filled.
    """
    first, rest, kept, _, _ = plan
    front, _ = room
    zero = load(none, 0)
    for s in range(len(rest)):
        own, at = first[s], kept[s] * W
        pivots, size = first[s + 1] - own, rest[s]
        width = pivots + size + 1
        for i in range(pivots * width):
            store(factor, at + i * W, zero)
        for a in range(size):
            for b in range(a, size + 1):
                store(front, (a * (size + 1) + b) * W, zero)
        _fill(s, edges, values, factor)
        _fill(s, diodes, stiff, factor)
        _supernode(s, plan, family, room, factor, pivot)


@subloops
def _supernode(s, plan, family, room, factor, pivot):  # type: ignore[no-untyped-def]
    first, rest, kept, waits, _ = plan
    front, stack = room
    own, at = first[s], kept[s] * W
    pivots, size = first[s + 1] - own, rest[s]
    width = pivots + size + 1
    _gather(s, at, pivots, width, plan, family, factor, front, stack)
    for j in range(0, pivots, 4):
        many = min(4, pivots - j)
        place = at + (j * width + j) * W
        if j > 0:
            _update(
                factor, at, width, pivot, own, j, j, many, factor, place, factor, place, width * W
            )
        _pivots(factor, at, width, pivot, own, j, many)
    for a in range(0, size, 4):
        place = a * (size + 1) + a
        _update(
            factor, at, width, pivot, own, pivots, pivots + a, min(4, size - a),
            front, place * W, stack, (waits[s] + place) * W, (size + 1) * W,
        )  # fmt: skip


@inlined
def _down(factor, at, width, pivot, own, pivots, j, many, rows, begin, y, like):  # type: ignore[no-untyped-def]
    """Pass what is injected into some pivots on to their neighbours."""
    for x in range(j, j + many):
        turn = mul(load(y, (own + x) * W), load(pivot, (own + x) * W))
        store(y, (own + x) * W, turn)
        for c in range(x + 1, j + many):
            place, entry = (own + c) * W, load(factor, at + (x * width + c) * W)
            store(y, place, fma(entry, turn, load(y, place)))
    turns = load_bank(y, (own + j) * W, W, like)
    row, step = at + j * width * W, width * W
    for c in range(j + many, pivots):
        place = (own + c) * W
        store(y, place, dot(load(y, place), load_bank(factor, row + c * W, step, like), turns))
    for c in range(pivots, width - 1):
        place = rows[begin + c - pivots] * W
        store(y, place, dot(load(y, place), load_bank(factor, row + c * W, step, like), turns))


@inlined
def _up(factor, at, width, pivot, own, pivots, j, many, rows, begin, y, none, like):  # type: ignore[no-untyped-def]
    """Find the voltages of some pivots from those of their neighbours."""
    row, step = at + j * width * W, width * W
    sums = load_bank(none, 0, 0, like)
    for c in range(pivots, width - 1):
        other = load(y, rows[begin + c - pivots] * W)
        sums = fma(load_bank(factor, row + c * W, step, like), other, sums)
    for c in range(j + many, pivots):
        other = load(y, (own + c) * W)
        sums = fma(load_bank(factor, row + c * W, step, like), other, sums)
    turns = load_bank(pivot, (own + j) * W, W, like)
    store_bank(y, (own + j) * W, W, fma(sums, turns, load_bank(y, (own + j) * W, W, like)))
    for x in range(j + many - 2, j - 1, -1):
        place = (own + x) * W
        level, turn = load(y, place), load(pivot, place)
        for c in range(x + 1, j + many):
            entry = mul(load(factor, at + (x * width + c) * W), turn)
            level = fma(entry, load(y, (own + c) * W), level)
        store(y, place, level)


@subloops
def sweep(plan, rows, none, factor, pivot, y):  # type: ignore[no-untyped-def]
    """Turn injections, A, shape (n, 8), into voltages, V, with what `eliminate` left."""
    first, rest, kept, _, begin = plan
    four, one = bank(4), bank(1)
    for s in range(len(rest)):
        own, at, pivots = first[s], kept[s] * W, first[s + 1] - first[s]
        width, j = pivots + rest[s] + 1, 0
        while j + 4 <= pivots:
            _down(factor, at, width, pivot, own, pivots, j, 4, rows, begin[s], y, four)
            j += 4
        while j < pivots:
            _down(factor, at, width, pivot, own, pivots, j, 1, rows, begin[s], y, one)
            j += 1
    for s in range(len(rest) - 1, -1, -1):
        own, at, pivots = first[s], kept[s] * W, first[s + 1] - first[s]
        width, j = pivots + rest[s] + 1, pivots
        while j % 4:
            j -= 1
            _up(factor, at, width, pivot, own, pivots, j, 1, rows, begin[s], y, none, one)
        while j > 0:
            j -= 4
            _up(factor, at, width, pivot, own, pivots, j, 4, rows, begin[s], y, none, four)
