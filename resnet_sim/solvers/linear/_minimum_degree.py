"""Compiled minimum degree ordering for matrices with few entries in a row, and nothing else.

Eliminated rows are kept as elements, sets of rows that they made neighbours (George and Liu,
"The evolution of the minimum degree ordering algorithm", 1989); a bound stands for the degree,
and rows in the same elements are one from then on (Amestoy, Davis and Duff, 1996).  As in
multiple elimination (Liu 1985) degrees are sorted once per round, in which no row comes next
to an element of the same round, so that rows are visited in the order of memory.
"""

from __future__ import annotations

import numpy as np

from ...compiled.kernels import compiled, subloops, subroutine
from ._independent_rows import CLASSES, NONE, ONE, ONE_32, independent, lowest, span

#: Part of all rows that are tried in a round after the first, if not more are as good.
OTHERS = 0.01

#: Half the bits of an index.
_HALF = np.uint64(32)
#: Slots of a hash table for each row in it.
_SPARSE = np.uint64(8)
#: 2**64 over the golden ratio, for hashing (Knuth, volume 3, section 6.4).
_MIX = np.uint64(0x9E3779B97F4A7C15)


@subloops
def _append(c, first, last, after, chains):  # type: ignore[no-untyped-def]
    """Append a chain of rows to that of an element."""
    head, tail = chains
    if first != NONE:
        if head[c] == NONE:
            head[c] = first
        else:
            after[tail[c]] = first
        tail[c] = last


@subloops
def _absorb(c, e, after, chains):  # type: ignore[no-untyped-def]
    head, tail = chains
    _append(c, head[e], tail[e], after, chains)
    head[e] = NONE


@subloops
def _unite(  # type: ignore[no-untyped-def]
    p, c, rows, elements, pool, end, weight, mark, stamp, after, chains
):
    """Append the live neighbours of row p to `pool`; its elements become part of c."""
    first, last, near = rows
    start, stop, alive, _, _ = elements
    for i in span(first[p], last[p]):
        e = np.uint64(near[i])
        if alive[e]:
            # absorbed: all of its rows are in c too
            alive[e] = 0
            _absorb(c, e, after, chains)
            for k in span(start[e], stop[e]):
                u = np.uint64(pool[k])
                pool[end] = u
                end += np.uint64((mark[u] != stamp) & (weight[u] != 0))
                mark[u] = stamp
    return end


@subloops
def _update(  # type: ignore[no-untyped-def]
    c, rows, elements, pool, weight, stamp, degree, members, known, chains
):
    """Put element c into the lists of its rows, bound their degrees, join equal rows to one.

    An element that c has all rows of becomes part of c, and rows in no other element are
    eliminated along with c; returns both ends of a chain of these.
    """
    first, last, near = rows
    start, stop, alive, size, shared = elements
    # the upper half is the stamp: sums of older elements are less and count as 0, so that
    # nothing is ever cleared
    now = np.uint64(stamp) << _HALF
    total = np.uint32(0)
    for k in span(start[c], stop[c]):
        u = np.uint64(pool[k])
        total += weight[u]
        end = np.uint64(first[u])
        for i in span(first[u], last[u]):
            e = np.uint64(near[i])
            near[end] = e
            end += np.uint64(alive[e])
            shared[e] = max(shared[e], now) + np.uint64(weight[u])
        near[end] = c
        last[u] = end + ONE
    head, tail, after = members
    key, holder = known
    # a table as small as this element allows, so that it stays in the cache; older keys have
    # other stamps in them and can't be taken for new ones
    mask = _SPARSE
    while mask < stop[c] - start[c]:
        mask += mask
    mask = min(_SPARSE * mask, np.uint64(len(key))) - ONE
    interior = end_of_interior = NONE
    keep = np.uint64(start[c])
    for k in span(start[c], stop[c]):
        u = np.uint64(pool[k])
        outside = np.uint32(0)
        lists = now * _MIX
        end = np.uint64(first[u])
        for i in span(first[u], last[u] - ONE_32):
            e = np.uint64(near[i])
            # what e has outside c; Amestoy's bound adds these up as if they did not overlap
            rest = size[e] - np.uint32(shared[e])
            good = np.uint64(rest != 0)
            if rest == 0 and alive[e]:
                alive[e] = 0
                _absorb(c, e, after, chains)
            near[end] = e
            end += good
            outside += rest
            mixed = (e + ONE) * _MIX
            # a sum: the hash doesn't depend on the order of the lists
            lists += (mixed ^ (mixed >> _HALF)) * _MIX * good
        near[end] = c
        last[u] = end + ONE
        slot = (lists >> _HALF) & mask
        if end == first[u]:
            if interior == NONE:
                end_of_interior = tail[u]
            after[tail[u]] = interior
            interior = head[u]
            total -= weight[u]
            weight[u] = 0
        elif key[slot] == lists:  # if they differ after all, that costs a little fill
            v = np.uint64(holder[slot])
            after[tail[v]] = head[u]
            tail[v] = tail[u]
            degree[v] -= weight[u]
            weight[v] += weight[u]
            weight[u] = 0
        else:
            key[slot], holder[slot] = lists, u
            degree[u] = outside + total - weight[u]
            pool[keep] = u
            keep += ONE
    stop[c], size[c] = keep, total
    alive[c] = keep > start[c]
    return interior, end_of_interior


@subroutine
def _compress(elements, fresh, pool, weight):  # type: ignore[no-untyped-def]
    """Copy what lives to a new pool."""
    start, stop, alive, _, _ = elements
    longer = np.empty_like(pool)
    end = np.uint64(0)
    for e in range(fresh):
        if alive[e]:
            lo, hi, start[e] = start[e], stop[e], end
            for k in span(lo, hi):
                longer[end] = pool[k]
                end += np.uint64(weight[pool[k]] != 0)
            stop[e] = end
    return longer, end


@compiled
def minimum_degree(ptr, column):  # type: ignore[no-untyped-def]
    """Return in what order to eliminate the rows of a symmetric matrix, shape (n,).

    It is a postorder of the elimination tree, but for rows with hardly any or very many
    entries.  It suits neither trees, of which an independent set makes chains of fill, nor
    matrices with tens of entries in a row.

    Parameters
    ----------
    ptr, column : ndarray of uint32
        Off-diagonal entries by rows, in any order; some may be there several times.
    """
    n = len(ptr) - 1
    order = np.empty(n, dtype=np.uint32)
    done, pool, ends, centre, rows, degree, head = independent(ptr, column, order)
    live = np.arange(len(head)).astype(np.uint32)
    count, fresh = np.uint64(len(head)), np.uint64(len(ends) - 1)
    most = fresh + count
    start, stop = np.empty(most, dtype=np.uint32), np.empty(most, dtype=np.uint32)
    size, alive = np.empty(most, dtype=np.uint32), np.zeros(most, dtype=np.uint8)
    shared = np.zeros(most, dtype=np.uint64)
    after = np.full(n, NONE)
    members = head, head.copy(), after
    # rows eliminated with each element and those in it
    chains = np.full(most, NONE), np.empty(most, dtype=np.uint32)
    for e in range(fresh):
        start[e], stop[e], size[e], alive[e] = ends[e], ends[e + ONE], ends[e + ONE] - ends[e], 1
        _append(e, centre[e], centre[e], after, chains)
    elements = start, stop, alive, size, shared
    weight, mark = np.ones(count, dtype=np.uint32), np.zeros(count, dtype=np.uint32)
    slots = _SPARSE * _SPARSE
    while slots < _SPARSE * count:
        slots += slots
    known = np.zeros(slots, dtype=np.uint64), np.empty(slots, dtype=np.uint32)
    chosen = np.empty(count, dtype=np.uint32)
    fill = np.empty(CLASSES + 1, dtype=np.uint32)
    used = end = np.uint64(ends[-1])
    stamp = np.uint32(0)
    first, last, near = rows
    while count > 0:
        # room for as much as lives, which is the most that a round appends
        if end + used > len(pool):
            pool, end = _compress(elements, fresh, pool, weight)
        old = fresh
        for i in range(lowest(live, count, degree, OTHERS, fill, chosen)):
            p = np.uint64(chosen[i])
            # the newest element comes last
            if weight[p] == 0 or (last[p] > first[p] and near[last[p] - ONE_32] >= old):
                continue
            weight[p] = 0
            stamp += ONE_32
            start[fresh] = end
            stop[fresh] = _unite(
                p, fresh, rows, elements, pool, end, weight, mark, stamp, after, chains
            )
            top, bottom = _update(
                fresh, rows, elements, pool, weight, stamp, degree, members, known, chains
            )
            _append(fresh, head[p], members[1][p], after, chains)
            _append(fresh, top, bottom, after, chains)
            end = np.uint64(stop[fresh])
            fresh += ONE
        rest = np.uint64(0)
        for i in range(count):
            live[rest] = live[i]
            rest += np.uint64(weight[live[i]] != 0)
        count = rest
    for e in range(fresh):
        row = chains[0][e]
        while row != NONE:
            order[done] = row
            done += ONE
            row = after[row]
    return order
