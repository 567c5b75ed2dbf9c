"""Compiled loops of multigrid, and nothing else.  Matrices are stored as in `_sparse_rows`."""

from __future__ import annotations

import numpy as np

from ...compiled.kernels import compiled, subroutine
from ._sparse_rows import longer

#: In place of the row that a row is joined to.
NONE = np.uint32(2**32 - 1)
#: Share of the entries of a level that the next may have.
SHRINK = 0.75


@subroutine
def _aggregate(ptr, column, weight, size):  # type: ignore[no-untyped-def]
    """Join free rows one after the other to aggregates, along the strongest of their edges.

    A row without free neighbours goes where its strongest neighbour went; one without any
    neighbours stays out (`NONE`), a sweep solves it.
    """
    n = len(ptr) - 1
    group = np.full(n, NONE)
    member = np.empty(size, dtype=np.uint32)
    count = 0
    for start in range(n):
        if group[start] != NONE:
            continue
        strongest = 0.0
        near = NONE
        for j in range(ptr[start], ptr[start + 1]):
            if weight[j] > strongest:
                strongest = weight[j]
                near = column[j]
        if near == NONE:
            continue
        member[0] = start
        taken = 1
        group[start] = count
        while taken < size:
            # weaker edges than a fifth of the strongest don't make an error smooth, and joining
            # along them would spoil the interpolation
            best = 0.2 * strongest
            chosen = NONE
            for h in range(taken):
                a = member[h]
                for j in range(ptr[a], ptr[a + 1]):
                    if weight[j] > best and group[column[j]] == NONE:
                        best = weight[j]
                        chosen = column[j]
            if chosen == NONE:
                break
            group[chosen] = count
            member[taken] = chosen
            taken += 1
        if taken > 1:
            count += 1
        else:
            group[start] = group[near]
    return group, count


@subroutine
def _members(group, count):  # type: ignore[no-untyped-def]
    """Return the rows of each aggregate, one after the other, and where those of each begin."""
    size = np.zeros(count + 1, dtype=np.int64)
    for a in range(len(group)):
        if group[a] != NONE:
            size[group[a] + 1] += 1
    start = np.cumsum(size)
    fill = start.copy()
    member = np.empty(len(group), dtype=np.uint32)
    for a in range(len(group)):
        if group[a] != NONE:
            member[fill[group[a]]] = a
            fill[group[a]] += 1
    return start, member


@subroutine
def _split(c, first, end, column, weight):  # type: ignore[no-untyped-def]
    """Put entries below the diagonal of row c before those above; return where these begin.

    Parts change places as in quicksort, without a copy.
    """
    left, right = first, end - 1
    while left <= right:
        if column[left] < c:
            left += 1
            continue
        j, w = column[left], weight[left]
        column[left], weight[left] = column[right], weight[right]
        column[right], weight[right] = j, w
        right -= 1
    return left


@subroutine
def _coarsen(ptr, column, weight, diagonal, group, count):  # type: ignore[no-untyped-def]
    """Return the Galerkin matrix of piecewise constant interpolation, as `assemble` does."""
    start, member = _members(group, count)
    coarse_ptr = np.zeros(count + 1, dtype=np.uint32)
    coarse_split = np.empty(count, dtype=np.uint32)
    coarse_column = np.empty(len(column), dtype=np.uint32)
    coarse_weight = np.empty(len(column))
    coarse_diagonal = np.zeros(count)
    place = np.full(count, -1, dtype=np.int64)
    end = 0
    for c in range(count):
        first = end
        for h in range(start[c], start[c + 1]):
            a = member[h]
            coarse_diagonal[c] += diagonal[a]
            for j in range(ptr[a], ptr[a + 1]):
                d = group[column[j]]
                if d == c:
                    coarse_diagonal[c] -= weight[j]
                # `place` is never cleared: what lies before `first` belongs to rows that are done
                elif place[d] < first:
                    place[d] = end
                    coarse_column[end] = d
                    coarse_weight[end] = weight[j]
                    end += 1
                else:
                    coarse_weight[place[d]] += weight[j]
        coarse_split[c] = _split(c, first, end, coarse_column, coarse_weight)
        coarse_ptr[c + 1] = end
    column, weight = coarse_column[:end].copy(), coarse_weight[:end].copy()
    return coarse_ptr, coarse_split, column, weight, coarse_diagonal


@subroutine
def _next(ptr, column, weight, diagonal, size, group, count, coarsest):  # type: ignore[no-untyped-def]
    """Return the level below one whose aggregates are given, and how many rows it has.

    A level with about as many entries costs a sweep, and saves few: aggregates of aggregates take
    its place, also in `group`.
    """
    before = len(column)
    level = _coarsen(ptr, column, weight, diagonal, group, count)
    while len(level[2]) > SHRINK * before and count > coarsest:
        ptr, _, column, weight, diagonal = level
        wider, count = _aggregate(ptr, column, weight, size)
        level = _coarsen(ptr, column, weight, diagonal, wider, count)
        for a in range(len(group)):
            if group[a] != NONE:
                group[a] = wider[group[a]]
    return level, count


@subroutine
def _stack(level, first, end, stacked, columns, weights):  # type: ignore[no-untyped-def]
    """Put a level behind those before it: rows from `first`, entries from `end` on."""
    ptr, split, column, weight, diagonal = level
    starts, splits, inverses = stacked
    count = len(diagonal)
    for a in range(count):
        starts[first + a] = end + ptr[a]
        splits[first + a] = end + split[a]
        inverses[first + a] = 1.0 / diagonal[a]
    for j in range(len(column)):
        columns[end + j] = first + column[j]
        weights[end + j] = weight[j]
    starts[first + count] = end + len(column)


@compiled
def hierarchy(ptr, column, weight, diagonal, size, coarsest):  # type: ignore[no-untyped-def]
    """Aggregate again and again; see `cycle` for `group`, `row` and `levels`.

    Returns
    -------
    group : ndarray of uint32, shape (n,)
        Row of the next level that each row of the finest one is joined to.
    row : ndarray of int, shape (l + 1,)
    levels : tuple of ndarray
    last : tuple of ndarray
        The matrix of the last level in double precision: ptr, column, weight, diagonal.
    """
    group, count = _aggregate(ptr, column, weight, size)
    finest = group
    # each level has at most half as many rows as that before
    most = 2 * count + 1
    # in float32 a cycle reads a third less, and reading is what bounds it.  It only
    # preconditions: how exact the result is doesn't depend on it.
    stacked = (np.empty(most + 1, dtype=np.uint32), np.empty(most, dtype=np.uint32),
               np.empty(most, dtype=np.float32))  # fmt: skip
    groups = np.empty(most, dtype=np.uint32)
    columns = np.empty(len(column), dtype=np.uint32)
    weights = np.empty(len(column), dtype=np.float32)
    row = np.zeros(64, dtype=np.int64)
    depth = end = 0
    while True:
        level, count = _next(ptr, column, weight, diagonal, size, group, count, coarsest)
        ptr, _, column, weight, diagonal = level
        if end + len(column) > len(columns):
            columns = longer(columns, end + len(column))
            weights = longer(weights, end + len(column))
        first = row[depth]
        if depth > 0:
            above = row[depth - 1]
            for a in range(len(group)):
                groups[above + a] = NONE if group[a] == NONE else first + group[a]
        _stack(level, first, end, stacked, columns, weights)
        end += len(column)
        depth += 1
        row[depth] = first + count
        if count <= coarsest:
            break
        group, count = _aggregate(ptr, column, weight, size)
    rows = row[depth]
    # rows that are joined to none, such as the last, are joined to one more, which stays zero
    for a in range(rows):
        if a >= row[depth - 1] or groups[a] == NONE:
            groups[a] = rows
    for a in range(len(finest)):
        if finest[a] == NONE:
            finest[a] = rows
    starts, splits, inverses = stacked
    levels = (starts[: rows + 1], splits[:rows], columns[:end], weights[:end],
              inverses[:rows], groups[:rows])  # fmt: skip
    return finest, row[: depth + 1].copy(), levels, (ptr, column, weight, diagonal)


@subroutine
def _down(first, last, matrix, x, b, coarse):  # type: ignore[no-untyped-def]
    """Sweep forward from zero; add what that leaves over to `coarse`."""
    ptr, split, column, weight, inverse, group = matrix
    for a in range(np.uint64(first), np.uint64(last)):
        total = b[a]
        # from zero, so that entries above the diagonal meet zeros: half of the matrix is not read
        for j in range(ptr[a], split[a]):
            total += weight[j] * x[column[j]]
        x[a] = total = total * inverse[a]
        # only entries above the diagonal leave anything: row c has such a one to a
        for j in range(ptr[a], split[a]):
            coarse[group[column[j]]] += weight[j] * total


@subroutine
def _up(first, last, matrix, x, b, coarse):  # type: ignore[no-untyped-def]
    """Correct by `coarse`, then sweep backward."""
    ptr, _, column, weight, inverse, group = matrix
    one = np.uint64(1)
    # all at once, before the sweep, which needs corrected neighbours on both sides
    for a in range(np.uint64(first), np.uint64(last)):
        x[a] += coarse[group[a]]
    end = np.uint64(last)
    for back in range(np.uint64(last - first)):
        here = end - one - back
        total = b[here]
        for j in range(ptr[here], ptr[here + one]):
            total += weight[j] * x[column[j]]
        x[here] = total * inverse[here]


@compiled
def cycle(fine, row, levels, bottom, x, b, y, c):  # type: ignore[no-untyped-def]
    """Apply one V-cycle to `b`; `y` and `c` are the same as `x` and `b` on all other levels.

    Matrices are tuples of ptr, split, column, weight, one over the diagonal, and the row of
    the next level that each row is joined to (``row[-1]`` for none).  In `levels` all but `fine`
    lie one after the other, level l in rows from ``row[l]``; `bottom` is the inverse of the
    last.  A forward Gauss-Seidel sweep on the way down and a backward one on the way up make
    the cycle symmetric.
    """
    last = len(row) - 2
    c[:] = np.float32(0.0)
    _down(0, len(x), fine, x, b, c)
    for level in range(last):
        _down(row[level], row[level + 1], levels, y, c, c)
    lo = row[last]
    for a in range(row[last + 1] - lo):
        total = np.float32(0.0)
        for k in range(row[last + 1] - lo):
            total += bottom[a, k] * c[lo + k]
        y[lo + a] = total
    for level in range(last - 1, -1, -1):
        _up(row[level], row[level + 1], levels, y, c, y)
    _up(0, len(x), fine, x, b, y)
