"""Compiled loops that make the matrix of a network by rows, and nothing else.

It is stored as diagonal and positive off-diagonal conductances, by rows; in a row come entries
below the diagonal first, then from ``split`` those above.  Indices are unsigned: of a signed one
numba asks at every access whether it counts from the end, which takes half as long again as these
loops do.
"""

from __future__ import annotations

import numpy as np

from ...compiled.kernels import compiled, subroutine


@compiled
def assemble(n, p, q, conductance):  # type: ignore[no-untyped-def]
    """Return a Laplacian without row and column 0: ptr, split, column, weight, diagonal."""
    # entries of a row in any order but split at the diagonal: counted, placed, never sorted
    below = np.zeros(n - 1, dtype=np.int64)
    above = np.zeros(n - 1, dtype=np.int64)
    diagonal = np.zeros(n - 1)
    for k in range(len(p)):
        a, b = max(p[k], q[k]) - 1, min(p[k], q[k]) - 1
        if a == b:
            continue
        diagonal[a] += conductance[k]
        if b >= 0:
            diagonal[b] += conductance[k]
            below[a] += 1
            above[b] += 1
    ptr = np.zeros(n, dtype=np.uint32)
    for a in range(n - 1):
        ptr[a + 1] = ptr[a] + below[a] + above[a]
        below[a] += ptr[a]
        above[a] = below[a]
    split = below.astype(np.uint32)
    fill = ptr[:-1].copy()
    column = np.empty(ptr[-1], dtype=np.uint32)
    weight = np.empty(ptr[-1])
    for k in range(len(p)):
        a, b = max(p[k], q[k]) - 1, min(p[k], q[k]) - 1
        if a == b or b < 0:
            continue
        column[fill[a]] = b
        weight[fill[a]] = conductance[k]
        fill[a] += 1
        column[above[b]] = a
        weight[above[b]] = conductance[k]
        above[b] += 1
    return ptr, split, column, weight, diagonal


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


@subroutine
def longer(array, least):  # type: ignore[no-untyped-def]
    """Return a longer array that begins with the same."""
    # a loop, because assigning a slice takes numba two seconds to compile
    longer = np.empty(2 * least, dtype=array.dtype)
    for k in range(len(array)):
        longer[k] = array[k]
    return longer
