"""Elimination of the nodes of one network, eight entries of a row at once; see `common_factor`.

Every entry goes through the operations of `_eliminated_fronts` in the same order: what is
eliminated here has the bits of eight equal networks there.  A front is a square, each row of
which begins and ends at a multiple of eight: pivot rows first, then those of the rest, ground
being the last column that counts.  Left of the diagonal and beyond ground nothing does.
"""

from __future__ import annotations

import numpy as np

from ...compiled.kernels import inlined, inserted, loops
from ...compiled.vectors import bank_of, broadcast, fma, load, load_bank, mul, store, store_bank

#: float64 in a vector, and rows that are taken together
W, ROWS = 8, 4


@inlined
def _row(k, wide):  # type: ignore[no-untyped-def]
    """Return where row k of a front would begin if it had all columns, as `fronts.row_of`."""
    eight = k >> 3
    return k * wide - 8 * eight * (4 * eight + (k & 7) - 3)


@inlined
def _size(rows):  # type: ignore[no-untyped-def]
    """Return how wide a front is, ground included, and where it ends: rows are whole fours."""
    wide = (rows + W) & -W
    return wide, _row((rows + ROWS - 1 & -ROWS) - 1, wide) + wide


@inlined
def _left(pivots, wide):  # type: ignore[no-untyped-def]
    """Return where the first four rows that are left begin in a front; some may be pivots'."""
    four = pivots & -ROWS
    return _row(four, wide) + (four & -W)


@loops
def room_for(plan, family, waits):  # type: ignore[no-untyped-def]
    """Find where waits what each front leaves; return the size of the largest, and of all that."""
    first, rest, _, _, _ = plan
    child, children, _ = family
    top = most = largest = 0
    for s in range(len(rest)):
        pivots = first[s + 1] - first[s]
        wide, size = _size(pivots + rest[s])
        largest = max(largest, size)
        if child[s] < child[s + 1]:
            top = waits[children[child[s]]]
        waits[s] = top
        if rest[s]:
            top += size - _left(pivots, wide)
            most = max(most, top)
    return largest, most


@inlined
def _four_rows(room, lo, hi, wide, j, column, source, target, apart, like):  # type: ignore[no-untyped-def]
    """Take pivots lo, lo + 1 ... hi - 1 into account in some columns of rows j to j + 3."""
    step = wide - (j & -W)
    c0 = load_bank(room, source, W, like)
    c1 = load_bank(room, source + step, W, like)
    c2 = load_bank(room, source + 2 * step, W, like)
    c3 = load_bank(room, source + 3 * step, W, like)
    row, length = _row(lo, wide), wide - (lo & -W)
    for i in range(lo, hi):
        others, share = load_bank(room, row + column, W, like), row + apart + j
        c0 = fma(broadcast(room, share), others, c0)
        c1 = fma(broadcast(room, share + 1), others, c1)
        c2 = fma(broadcast(room, share + 2), others, c2)
        c3 = fma(broadcast(room, share + 3), others, c3)
        length -= W if i & 7 == 7 else 0
        row += length
    store_bank(room, target, W, c0)
    store_bank(room, target + step, W, c1)
    store_bank(room, target + 2 * step, W, c2)
    store_bank(room, target + 3 * step, W, c3)


@inlined
def _inverse(total):  # type: ignore[no-untyped-def]
    """Return 1 / total, and 0 where that is not positive."""
    return 1.0 / total if total > 0.0 else 0.0


@inserted
def _pivots(room, wide, width, j, stop, apart, pivot, own):  # type: ignore[no-untyped-def]
    """Eliminate rows j, j + 1 ... of a front, in which all rows before them are considered."""
    for y in range(j, stop):
        row = _row(y, wide)
        if y > j:
            for column in range(y & -W, wide, W):
                c = load(room, row + column)
                for x in range(j, y):
                    other = _row(x, wide)
                    share = broadcast(room, other + apart + y)
                    c = fma(share, load(room, other + column), c)
                store(room, row + column, c)
        total = room[np.uint64(row + width - 1)]
        for k in range(row + y + 1, row + width - 1):
            total += room[np.uint64(k)]
        pivot[np.uint64(own + y)] = _inverse(total)
        turn = broadcast(pivot, own + y)
        for k in range(row + (y & -W), row + wide, W):
            store(room, k + apart, mul(load(room, k), turn))


@inserted
def _gather(s, width, wide, plan, family, waits, stack, room):  # type: ignore[no-untyped-def]
    """Add what the children of a supernode left to its front."""
    first, rest, _, _, begin = plan
    child, children, place = family
    for c in range(child[s], child[s + 1]):
        kid = children[c]
        pivots, size, where = first[kid + 1] - first[kid], rest[kid], begin[kid]
        length, _ = _size(pivots + size)
        shift = stack + waits[kid] - _left(pivots, length) + pivots
        for a in range(size):
            source = shift + _row(pivots + a, length)
            target = _row(np.int64(place[np.uint64(where + a)]), wide)
            for b in range(a + 1, size):
                to = np.uint64(target + place[np.uint64(where + b)])
                room[to] += room[np.uint64(source + b)]
            room[np.uint64(target + width - 1)] += room[np.uint64(source + size)]


@inserted
def _supernode(pivots, rows, wide, apart, stack, room, pivot, own):  # type: ignore[no-untyped-def]
    """Eliminate the pivots of a front; what they leave begins at `stack`."""
    four, one = bank_of(room, 4), bank_of(room, 1)
    eliminating, begin = pivots + 3 >> 2, pivots >> 2
    remaining = (rows + 3 >> 2) - begin if rows > pivots else 0
    shift = stack - _left(pivots, wide)
    for block in range(eliminating + remaining):
        # one place for pivot rows and others: what is inlined twice is compiled twice
        j, lo, to = ROWS * block, 0, 0
        hi = j
        if block >= eliminating:
            j, hi, to = ROWS * (block - eliminating + begin), pivots, shift
            # rows beside pivots have been updated with them before
            lo = j if j < pivots else 0
        if hi > 0:
            column, row = j & -W, _row(j, wide)
            while column + 4 * W <= wide:
                at = row + column
                _four_rows(room, lo, hi, wide, j, column, at, at + to, apart, four)
                column += 4 * W
            while column < wide:
                at = row + column
                _four_rows(room, lo, hi, wide, j, column, at, at + to, apart, one)
                column += W
        if block < eliminating:
            _pivots(room, wide, rows + 1, j, min(j + ROWS, pivots), apart, pivot, own)


@loops
def eliminate_common(plan, family, edges, values, none, waits, largest, room, factor, pivot):  # type: ignore[no-untyped-def]
    """Eliminate all nodes of one network, of which no more is kept than its own numbers.

    Parameters
    ----------
    values : ndarray, shape (edges,)
    none : ndarray, shape (8,)
        Zeros.
    waits, largest
        See `room_for`.
    room : ndarray
        Of the front, of its pivot rows over their sums, and of what waits for parents.
    factor, pivot : ndarray, shapes (size,) and (n,)
        To be filled; the factor begins with zeros.
    """
    first, rest, kept, _, _ = plan
    _, slot, branch = edges
    zero = load(none, 0)
    for e in range(len(slot)):
        factor[slot[e]] += values[branch[e]]
    for s in range(len(rest)):
        own, pivots = first[s], first[s + 1] - first[s]
        rows = pivots + rest[s]
        wide, size = _size(rows)
        for k in range(0, size, W):
            store(room, k, zero)
        _copy(factor, kept[s], room, pivots, rows + 1, wide, True)
        _gather(s, rows + 1, wide, plan, family, waits, 2 * largest, room)
        _supernode(pivots, rows, wide, largest, 2 * largest + waits[s], room, pivot, own)
        _copy(factor, kept[s], room, pivots, rows + 1, wide, False)


@inserted
def _copy(factor, at, room, pivots, width, wide, inwards):  # type: ignore[no-untyped-def]
    """Copy the pivot rows of a supernode from the factor to its front, or back."""
    length = width
    for y in range(pivots):
        row, to = at - (y & -4), _row(y, wide)
        for k in range(y + 1, width):
            if inwards:
                room[np.uint64(to + k)] = factor[np.uint64(row + k)]
            else:
                factor[np.uint64(row + k)] = room[np.uint64(to + k)]
        at += length
        length -= 4 if y & 3 == 3 else 0
