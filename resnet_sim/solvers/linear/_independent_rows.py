"""The first round of `_minimum_degree`: independent rows, each of which becomes an element.

What the rounds share stands here too: how rows are sorted by their degree.
"""

from __future__ import annotations

import numpy as np

from ...compiled.kernels import subloops, subroutine

#: End of a chain of rows.
NONE = np.uint32(2**32 - 1)
#: Classes that degrees are sorted into.
CLASSES = 1024
#: Part of all rows that are tried in this round, if not more are as good.
FIRST = 0.3

#: Unsigned, as all indices: an unsigned and a signed integer add up to a float.
ONE, ONE_32 = np.uint64(1), np.uint32(1)


@subloops
def span(first, last):  # type: ignore[no-untyped-def]
    return range(np.uint64(first), np.uint64(last))


@subloops
def _class(degree):  # type: ignore[no-untyped-def]
    # large ones need not be told apart so exactly
    return np.uint64(min(degree, 512 + (degree >> 5), CLASSES - 1))


@subloops
def lowest(live, count, degree, share, fill, chosen):  # type: ignore[no-untyped-def]
    """Sort the `share` of live rows of lowest degree, and all as low; return how many."""
    # a counting sort with few classes, once a round, instead of lists kept in order of degree:
    # these would be visited all over memory
    for k in range(len(fill)):
        fill[k] = 0
    for i in range(count):
        fill[_class(degree[live[i]]) + ONE] += ONE_32
    top = 0
    while fill[top] + fill[top + 1] < max(share * count, min(count, 1)):
        fill[top + 1] += fill[top]
        top += 1
    last = fill[top] + fill[top + 1]
    for i in range(count):
        k = _class(degree[live[i]])
        if k <= top:
            chosen[fill[k]] = live[i]
            fill[k] += ONE_32
    return np.uint64(last)


@subroutine
def independent(ptr, column, order):  # type: ignore[no-untyped-def]
    """Eliminate rows of low degree without common edges.

    Rows that would make all others slow go to the end of `order`.  What is left is numbered
    anew: each eliminated row is an element, and so is each edge between two others.  Returns
    the number of rows that are in no element and went to the front; the elements,
    ``pool[start[e]:start[e + 1]]``, and the row each came from; those of rows,
    ``near[first[v]:last[v]]``; degrees, and the original numbers of rows.
    """
    n = np.uint64(len(ptr) - 1)
    dense = max(16.0, 10.0 * np.sqrt(n))
    degree = np.empty(n, dtype=np.uint32)
    row = np.empty(n, dtype=np.uint32)
    number = np.empty(n, dtype=np.uint32)
    chosen = np.empty(n, dtype=np.uint32)
    gone = np.zeros(n, dtype=np.uint8)
    count = done = end = elements = np.uint64(0)
    back = n
    for a in range(n):
        degree[a] = ptr[a + ONE] - ptr[a]
        if degree[a] > dense:
            back -= ONE
            order[back] = a
            gone[a] = 2
        row[count] = a
        count += np.uint64(gone[a] == 0)
    for i in range(lowest(row, count, degree, FIRST, np.empty(CLASSES + 1, np.uint32), chosen)):
        low = np.uint64(chosen[i])
        free = True
        for j in span(ptr[low], ptr[low + ONE]):
            free &= gone[column[j]] != 1
        gone[low] = free
    count = np.uint64(0)
    for a in range(n):
        number[a] = count
        row[count] = a
        count += np.uint64(gone[a] == 0)
    pool = np.empty(2 * len(column) + 2, dtype=np.uint32)
    start = np.zeros(n + np.uint64(len(column) // 2) + ONE, dtype=np.uint32)
    centre = np.full(len(start), NONE)
    mark = np.full(n, NONE)
    for a in range(n):
        if gone[a] == 2:
            continue
        for j in span(ptr[a], ptr[a + ONE]):
            b = np.uint64(column[j])
            # elements are written behind the end and count by adding 0 or 1: what is new is as good
            # as random, and a branch would be guessed wrong half of the time
            new = np.uint64((gone[b] == 0) & (mark[b] != a))
            mark[b] = a
            if gone[a]:
                pool[end] = number[b]
                end += new
            else:
                # only between two that stay, and once
                new &= np.uint64(b < a)
                pool[end], pool[end + ONE] = number[a], number[b]
                end += new + new
                elements += new
                start[elements] = end
        if gone[a]:
            # what has one neighbour joins none
            if end - start[elements] < 2:
                end = np.uint64(start[elements])
                order[done] = a
                done += ONE
            else:
                centre[elements] = a
                elements += ONE
                start[elements] = end
    first, last, near = _transpose(count, start, elements, pool)
    # exact to begin with; from now on there are bounds
    degree = np.zeros(count, dtype=np.uint32)
    mark = np.full(n, NONE)
    for v in range(count):
        mark[v] = v
        for i in span(first[v], last[v]):
            e = np.uint64(near[i])
            for k in span(start[e], start[e + ONE]):
                degree[v] += np.uint32(mark[pool[k]] != v)
                mark[pool[k]] = v
    return done, pool, start[: elements + ONE], centre, (first, last, near), degree, row[:count]


@subroutine
def _transpose(count, start, elements, pool):  # type: ignore[no-untyped-def]
    first = np.zeros(count, dtype=np.uint32)
    near = np.empty(start[elements], dtype=np.uint32)
    for k in span(0, start[elements]):
        first[pool[k]] += ONE_32
    total = np.uint32(0)
    for v in range(count):
        total += first[v]
        first[v] = total - first[v]
    last = first.copy()
    for e in range(elements):
        for k in span(start[e], start[e + ONE]):
            u = np.uint64(pool[k])
            near[last[u]] = e
            last[u] += ONE_32
    return first, last, near
