"""Compiled loops of multigrid, and nothing else.

All levels lie one after the other in flat arrays: level l has its rows from ``row[l]`` to
``row[l + 1]``, its entries from ``ptr``.  A matrix is stored as diagonal and positive
off-diagonal conductances.
"""

from __future__ import annotations

import numpy as np

from ..kernels import compiled


@compiled
def assemble(n, p, q, conductance):  # type: ignore[no-untyped-def]
    """Return the rows of a Laplacian without row and column 0: ptr, column, weight, diagonal."""
    degree = np.zeros(n, dtype=np.int64)
    diagonal = np.zeros(n - 1)
    for k in range(len(p)):
        a, b = p[k], q[k]
        if a == b:
            continue
        if a > 0:
            diagonal[a - 1] += conductance[k]
        if b > 0:
            diagonal[b - 1] += conductance[k]
        if a > 0 and b > 0:
            degree[a] += 1
            degree[b] += 1
    ptr = np.cumsum(degree)
    fill = ptr[:-1].copy()
    column = np.empty(ptr[-1], dtype=np.int32)
    weight = np.empty(ptr[-1])
    for k in range(len(p)):
        a, b = p[k] - 1, q[k] - 1
        if a == b or a < 0 or b < 0:
            continue
        column[fill[a]] = b
        weight[fill[a]] = conductance[k]
        fill[a] += 1
        column[fill[b]] = a
        weight[fill[b]] = conductance[k]
        fill[b] += 1
    return ptr, column, weight, diagonal


@compiled
def width(ptr, column):  # type: ignore[no-untyped-def]
    """Return the most rows at one distance from a start, over all connected parts.

    Removing these rows takes a part in two, so that their number tells how wide its
    separators are.
    """
    n = len(ptr) - 1
    seen = np.zeros(n, dtype=np.int8)
    queue = np.empty(n, dtype=np.int32)
    widest = 0
    for start in range(n):
        if seen[start] > 0:
            continue
        queue[0] = start
        end = 1
        # first to the far end, then back from there
        for turn in range(1, 3):
            queue[0] = queue[end - 1]
            seen[queue[0]] = turn
            head, end = 0, 1
            while head < end:
                level = end
                if turn == 2 and level - head > widest:
                    widest = level - head
                while head < level:
                    a = queue[head]
                    head += 1
                    for j in range(ptr[a], ptr[a + 1]):
                        if seen[column[j]] < turn:
                            seen[column[j]] = turn
                            queue[end] = column[j]
                            end += 1
    return widest


@compiled
def aggregate(ptr, column, weight, size):  # type: ignore[no-untyped-def]
    """Join each row that is free to up to ``size - 1`` of its strongest free neighbours.

    A row without free neighbours goes where its strongest neighbour went; one without any
    neighbours stays out (-1), a sweep solves it.
    """
    n = len(ptr) - 1
    group = np.full(n, -1, dtype=np.int32)
    count = 0
    for a in range(n):
        if group[a] >= 0:
            continue
        strongest = 0.0
        near = -1
        for j in range(ptr[a], ptr[a + 1]):
            if weight[j] > strongest:
                strongest = weight[j]
                near = column[j]
        taken = 1
        while taken < size:
            best = 0.2 * strongest
            chosen = -1
            for j in range(ptr[a], ptr[a + 1]):
                if group[column[j]] < 0 and column[j] != a and weight[j] > best:
                    best = weight[j]
                    chosen = column[j]
            if chosen < 0:
                break
            group[a] = count
            group[chosen] = count
            taken += 1
        if taken > 1:
            count += 1
        elif near >= 0:
            group[a] = group[near]
    return group, count


@compiled
def coarsen(ptr, column, weight, diagonal, group, count):  # type: ignore[no-untyped-def]
    """Return the Galerkin matrix of piecewise constant interpolation."""
    n = len(diagonal)
    size = np.zeros(count + 1, dtype=np.int64)
    for a in range(n):
        if group[a] >= 0:
            size[group[a] + 1] += 1
    start = np.cumsum(size)
    fill = start.copy()
    member = np.empty(n, dtype=np.int32)
    for a in range(n):
        if group[a] >= 0:
            member[fill[group[a]]] = a
            fill[group[a]] += 1
    coarse_ptr = np.zeros(count + 1, dtype=np.int64)
    coarse_column = np.empty(len(column), dtype=np.int32)
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
                elif place[d] < first:
                    place[d] = end
                    coarse_column[end] = d
                    coarse_weight[end] = weight[j]
                    end += 1
                else:
                    coarse_weight[place[d]] += weight[j]
        coarse_ptr[c + 1] = end
    return coarse_ptr, coarse_column[:end].copy(), coarse_weight[:end].copy(), coarse_diagonal


@compiled
def cycle(row, entry, ptr, column, weight, inverse, group, bottom, x, b):  # type: ignore[no-untyped-def]
    """Apply one V-cycle to level 0 of `b`; the result is in level 0 of `x`.

    A forward Gauss-Seidel sweep on the way down and a backward one on the way up make it
    symmetric.
    """
    last = len(row) - 2
    for level in range(last):
        lo, hi, shift = row[level], row[level + 1], entry[level]
        for a in range(lo, hi):
            total = b[a]
            for j in range(ptr[a + level] + shift, ptr[a + level + 1] + shift):
                c = column[j] + lo
                if c < a:
                    total += weight[j] * x[c]
            x[a] = total * inverse[a]
        for a in range(hi, row[level + 2]):
            b[a] = 0.0
        for a in range(lo, hi):
            # of what a forward sweep from zero leaves over, only the upper half remains
            total = np.float32(0.0)
            for j in range(ptr[a + level] + shift, ptr[a + level + 1] + shift):
                c = column[j] + lo
                if c > a:
                    total += weight[j] * x[c]
            if group[a] >= 0:
                b[hi + group[a]] += total
    lo = row[last]
    for a in range(row[last + 1] - lo):
        total = np.float32(0.0)
        for c in range(row[last + 1] - lo):
            total += bottom[a, c] * b[lo + c]
        x[lo + a] = total
    for level in range(last - 1, -1, -1):
        lo, hi, shift = row[level], row[level + 1], entry[level]
        for a in range(lo, hi):
            if group[a] >= 0:
                x[a] += x[hi + group[a]]
        for a in range(hi - 1, lo - 1, -1):
            total = b[a]
            for j in range(ptr[a + level] + shift, ptr[a + level + 1] + shift):
                total += weight[j] * x[column[j] + lo]
            x[a] = total * inverse[a]


@compiled
def conjugate_gradients(  # type: ignore[no-untyped-def]
    row, entry, ptr, column, weight, diagonal, exact, inverse, group, bottom, b, reduction, most
):
    """Solve level 0 by flexible conjugate gradients (Notay 2000); return x and steps."""
    n = row[1]
    x = np.zeros(n + 1)
    r = b[1:].copy()
    z = np.zeros(row[-1], dtype=np.float32)
    rhs = np.zeros(row[-1], dtype=np.float32)
    p = np.zeros(n)
    kp = np.zeros(n)
    goal = 0.0
    for a in range(n):
        goal += r[a] * r[a]
    # single precision reaches from 1e-38 to 1e38
    scale = 1.0 / np.sqrt(goal) if goal > 0.0 else 1.0
    goal *= reduction * reduction
    curvature = 0.0
    for step in range(most):
        for a in range(n):
            rhs[a] = r[a] * scale
        cycle(row, entry, ptr, column, weight, inverse, group, bottom, z, rhs)
        along = 0.0
        if step > 0:
            for a in range(n):
                along += z[a] * kp[a]
            along /= curvature
        for a in range(n):
            p[a] = np.float64(z[a]) - along * p[a]
        curvature = 0.0
        slope = 0.0
        for a in range(n):
            total = diagonal[a] * p[a]
            for j in range(ptr[a], ptr[a + 1]):
                total -= exact[j] * p[column[j]]
            kp[a] = total
            curvature += total * p[a]
            slope += r[a] * p[a]
        if not curvature > 0.0:
            return x, step
        length = slope / curvature
        size = 0.0
        for a in range(n):
            x[a + 1] += length * p[a]
            r[a] -= length * kp[a]
            size += r[a] * r[a]
        if size <= goal:
            return x, step + 1
    return x, most
