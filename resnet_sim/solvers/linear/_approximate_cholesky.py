"""Compiled loops of approximate Cholesky factorisation, and nothing else.

Each conductance is a record in the list of either of its ends; records 2k and 2k + 1 are one
conductance, and that of weight 0 is gone.  A row that is eliminated leaves a random tree between
its neighbours, whose records are those of its own conductances: the pool never grows.
Indices are unsigned, as in `_sparse_rows`.
"""

from __future__ import annotations

import numpy as np

from ...compiled.kernels import compiled, inlined, subloops, subroutine
from ._sparse_rows import longer

#: End of a list.
NONE = np.uint32(2**32 - 1)
#: Degrees from this on are not told apart.
CLASSES = np.uint64(64)
#: Start of the random numbers: the same network has the same factor.
SEED = np.uint64(88172645463325252)

_ONE, _ONE_32 = np.uint64(1), np.uint32(1)


@subroutine
def _records(n, p, q, conductance):  # type: ignore[no-untyped-def]
    """Return the lists of all nodes: head, and of records other end, next and weight; degrees."""
    head = np.full(n, NONE)
    other = np.empty(2 * len(p), dtype=np.uint32)
    link = np.empty(2 * len(p), dtype=np.uint32)
    weight = np.empty(2 * len(p))
    degree = np.zeros(n, dtype=np.uint32)
    end = np.uint64(0)
    for k in range(len(p)):
        a, b = np.uint64(p[k]), np.uint64(q[k])
        if a == b:
            continue
        for here, there in ((a, b), (b, a)):
            other[end], weight[end] = there, conductance[k]
            link[end], head[here] = head[here], end
            degree[here] += _ONE_32
            end += _ONE
    return head, other, link, weight, degree


@subloops
def _leave(a, classes):  # type: ignore[no-untyped-def]
    """Take row a out of the list of its degree."""
    first, after, before, degree_class = classes
    if before[a] == NONE:
        first[degree_class[a]] = after[a]
    else:
        after[before[a]] = after[a]
    if after[a] != NONE:
        before[after[a]] = before[a]


@subloops
def _enter(a, c, classes):  # type: ignore[no-untyped-def]
    """Put row a in front of list c: what changed last goes first, and is near in memory."""
    first, after, before, degree_class = classes
    degree_class[a], after[a], before[a] = c, first[c], NONE
    if first[c] != NONE:
        before[first[c]] = a
    first[c] = a


@subloops
def _gather(a, lists, mark, near, amount):  # type: ignore[no-untyped-def]
    """Collect the records of row a; those to one neighbour become one.  Returns how many."""
    head, other, link, weight, degree = lists
    count, record = np.uint64(0), head[a]
    while record != NONE:
        here = np.uint64(record)
        record, w, u = link[here], weight[here], np.uint64(other[here])
        if w == 0.0:
            continue
        known = np.uint64(mark[u])
        # never cleared: a mark is good if the record that it leads to says so
        if known < count and other[near[known]] == u:
            amount[known] += w
            weight[here ^ _ONE] = 0.0
            degree[u] -= _ONE_32
        else:
            mark[u], near[count], amount[count] = count, here, w
            count += _ONE
    return count


@subloops
def _sort(near, amount, count):  # type: ignore[no-untyped-def]
    """Sort by amount, ascending (Shell 1959): few are the rule, and many must not take squares."""
    gap = np.uint64(1)
    while np.uint64(3) * gap < count:
        gap = np.uint64(3) * gap + _ONE
    while gap > 0:
        for i in range(gap, count):
            w, record, j = amount[i], near[i], np.uint64(i)
            while j >= gap and amount[j - gap] > w:
                amount[j], near[j] = amount[j - gap], near[j - gap]
                j -= gap
            amount[j], near[j] = w, record
        gap //= np.uint64(3)


@subloops
def _partner(z, behind, i, count):  # type: ignore[no-untyped-def]
    """Return the first j > i with ``behind[j] <= z``: it is drawn in proportion to its amount."""
    low, high = i + _ONE, count - _ONE
    while low < high:
        middle = (low + high) >> _ONE
        if behind[middle] <= z:
            high = middle
        else:
            low = middle + _ONE
    return low


@subloops
def _join(near, amount, behind, count, lists, state):  # type: ignore[no-untyped-def]
    """Join neighbours by a random tree, whose mean is the network that elimination leaves.

    Each is joined to one with more, drawn in proportion to the amounts.  Returns the state of
    the random numbers (Marsaglia, "Xorshift RNGs", 2003).
    """
    head, other, link, weight, degree = lists
    total = behind[0] + amount[0]
    for i in range(count - _ONE):
        here = np.uint64(near[i])
        state ^= state << np.uint64(13)
        state ^= state >> np.uint64(7)
        state ^= state << np.uint64(17)
        z = np.float64(state >> np.uint64(11)) * 2.0**-53 * behind[i]
        j = np.uint64(other[near[_partner(z, behind, np.uint64(i), count)]])
        w = amount[i] * (behind[i] / total)
        # the record at the neighbour leads to its partner now; ours moves to the partner's list
        weight[here] = weight[here ^ _ONE] = w
        other[here ^ _ONE] = j
        link[here], head[j] = head[j], here
        degree[j] += _ONE_32
    last = np.uint64(near[count - _ONE])
    weight[last ^ _ONE] = 0.0
    degree[other[last]] -= _ONE_32
    return state


@subroutine
def _classes(degree):  # type: ignore[no-untyped-def]
    """Return the lists of rows by their degrees, the first row in front."""
    n = len(degree)
    classes = (np.full(CLASSES + _ONE, NONE), np.empty(n, dtype=np.uint32),
               np.empty(n, dtype=np.uint32), np.zeros(n, dtype=np.uint8))  # fmt: skip
    for back in range(1, n):
        a = np.uint64(n - back)
        _enter(a, min(np.uint64(degree[a]), CLASSES), classes)
    return classes


@inlined
def _move(row, begin, end, degree, classes):  # type: ignore[no-untyped-def]
    """Put rows into the lists of their new degrees; return the lowest of these."""
    lowest = CLASSES
    for j in range(begin, end):
        u = np.uint64(row[j])
        c = min(np.uint64(degree[u]), CLASSES)
        if u != 0 and c != classes[3][u]:
            _leave(u, classes)
            _enter(u, c, classes)
            lowest = min(lowest, c)
    return lowest


@compiled
def factor(n, p, q, conductance):  # type: ignore[no-untyped-def]
    """Factor a Laplacian approximately, rows of lowest degree first, node 0 being held.

    Returns
    -------
    order : ndarray of uint32, shape (n - 1,)
        Nodes as they are eliminated.
    ptr, row, share : ndarray
        Neighbours of the k-th at that time, ``row[ptr[k] : ptr[k + 1]]`` by place in the order
        (n - 1 is node 0), and the share that each has of the conductances there.
    inverse : ndarray of float32, shape (n - 1,)
        One over the sum of these conductances.
    """
    lists = _records(n, p, q, conductance)
    _, other, _, _, degree = lists
    classes = _classes(degree)
    order, ptr = np.empty(n - 1, dtype=np.uint32), np.zeros(n, dtype=np.uint32)
    row = np.empty(len(p) + n, dtype=np.uint32)
    share = np.empty(len(row), dtype=np.float32)
    inverse = np.empty(n - 1, dtype=np.float32)
    mark = np.full(n, NONE)
    near = np.empty(64, dtype=np.uint32)
    amount, behind = np.empty(64), np.empty(64)
    lowest, end, state = np.uint64(0), np.uint64(0), SEED
    for k in range(np.uint64(n - 1)):
        while classes[0][lowest] == NONE:
            lowest += _ONE
        a = np.uint64(classes[0][lowest])
        _leave(a, classes)
        order[k] = a
        if degree[a] > len(near):
            near = np.empty(2 * degree[a], dtype=np.uint32)
            amount, behind = np.empty(len(near)), np.empty(len(near))
        count = _gather(a, lists, mark, near, amount)
        _sort(near, amount, count)
        total = 0.0
        for back in range(_ONE, count + _ONE):
            behind[count - back] = total
            total += amount[count - back]
        inverse[k] = 1.0 / total
        if end + count > len(row):
            row, share = longer(row, end + count), longer(share, end + count)
        for i in range(count):
            row[end], share[end] = other[near[i]], amount[i] / total
            end += _ONE
        ptr[k + _ONE] = end
        if count > 0:
            state = _join(near, amount, behind, count, lists, state)
        lowest = min(lowest, _move(row, np.uint64(ptr[k]), end, degree, classes))
    place = mark  # of no more use
    place[0] = n - 1
    for k in range(n - 1):
        place[order[k]] = k
    for j in range(end):
        row[j] = place[row[j]]
    return order, ptr, row[:end].copy(), share[:end].copy(), inverse


@compiled
def apply(order, ptr, row, share, inverse, b, x):  # type: ignore[no-untyped-def]
    """Set x, shape (n - 1,), to the inverse of the factored matrix times b."""
    n = np.uint64(len(order))
    y = np.empty(n + _ONE, dtype=np.float32)
    for k in range(n):
        y[k] = b[order[k] - _ONE_32]
    y[n] = 0.0
    for k in range(n):
        total = y[k]
        for j in range(np.uint64(ptr[k]), np.uint64(ptr[k + _ONE])):
            y[row[j]] += share[j] * total
    y[n] = 0.0
    for back in range(_ONE, n + _ONE):
        here = n - back
        total = y[here] * inverse[here]
        for j in range(np.uint64(ptr[here]), np.uint64(ptr[here + _ONE])):
            total += share[j] * y[row[j]]
        y[here] = total
        x[order[here] - _ONE_32] = total
