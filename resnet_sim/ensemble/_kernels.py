"""Compiled inner loops, and nothing else."""

from __future__ import annotations

import numpy as np

from ..kernels import kernel


@kernel
def product_sums(p, q, one, other):  # type: ignore[no-untyped-def]
    """Return ``sum_b (one[b, p] - one[b, q]) (other[b, p] - other[b, q])`` for each branch.

    Branches to something that floats, NaN, carry nothing.
    """
    total = np.zeros(len(p))
    for b in range(one.shape[0]):
        u = one[b]
        v = other[b]
        for k in range(len(p)):
            term = (u[p[k]] - u[q[k]]) * (v[p[k]] - v[q[k]])
            if term == term:
                total[k] += term
    return total


#: Steps without progress until only one rectifier flips at a time.
MOST = 60
#: Half the range of the random numbers.
HALF = 2**30


@kernel
def complementary(weight, gap, on, cap, patience, slack):  # type: ignore[no-untyped-def]
    """Solve ``w = gap + weight i, w >= 0, i >= 0, i w = 0`` for each row of `gap`.

    All rectifiers that contradict their state flip together; where that makes no progress,
    a random half of them, and after `MOST` steps only the last one (Murty).  Dependent rectifiers carry nothing.  `on` is where to
    start and what was found.  Returns currents, gaps, and which rows have settled.

    With ``cap = 0`` states stay what they are: ``w = 0`` where `on`, ``i = 0`` elsewhere.
    """
    batch, m = gap.shape
    current = np.zeros((batch, m))
    left = np.empty((batch, m))
    settled = np.zeros(batch, dtype=np.bool_)
    block = np.empty((m, m))
    order = np.empty(m, dtype=np.int64)
    flow = np.empty(m)
    urgent = np.empty(m, dtype=np.bool_)
    dependent = np.empty(m, dtype=np.bool_)
    wrong = np.empty(m, dtype=np.bool_)
    for b in range(batch):
        high = 0.0
        for j in range(m):
            high = max(high, abs(gap[b, j]))
        limit = slack * high
        fewest, waited, dice = m + 1, 0, 1
        urgent[:] = False
        for _step in range(max(cap, 1)):
            size = 0
            # what a dependent rectifier contradicted comes before what it depends on
            for j in range(m):
                if on[b, j] and urgent[j]:
                    order[size] = j
                    size += 1
            for j in range(m):
                if on[b, j] and not urgent[j]:
                    order[size] = j
                    size += 1
            # Cholesky, right-looking, of the block that conducts
            for r in range(size):
                for c in range(r, size):
                    block[r, c] = weight[order[r], order[c]]
                flow[r] = -gap[b, order[r]]
            for r in range(size):
                top = block[r, r:size]  # slices, so that the innermost loop is vectorised
                dependent[r] = not top[0] > 1e-11 * weight[order[r], order[r]]
                if dependent[r]:
                    continue
                inverse = 1.0 / top[0]
                for s in range(1, len(top)):
                    factor = top[s] * inverse
                    below, rest = block[r + s, r + s : size], top[s:]
                    for c in range(len(below)):
                        below[c] -= factor * rest[c]
                    flow[r + s] -= factor * flow[r]
            for r in range(size - 1, -1, -1):
                if dependent[r]:
                    flow[r] = 0.0
                    continue
                total = flow[r]
                for c in range(r + 1, size):
                    total -= block[r, c] * flow[c]
                flow[r] = total / block[r, r]
            for j in range(m):
                left[b, j] = gap[b, j]
                current[b, j] = 0.0
            for r in range(size):
                current[b, order[r]] = flow[r]
                if flow[r] != 0.0:
                    row = weight[order[r]]
                    for j in range(m):
                        left[b, j] += row[j] * flow[r]
            if cap == 0:
                break
            # what contradicts its state
            count, last = 0, -1
            for j in range(m):
                wrong[j] = False
            for r in range(size):
                j = order[r]
                if dependent[r]:
                    on[b, j] = False
                elif current[b, j] * weight[j, j] < -limit:
                    wrong[j] = True
            for j in range(m):
                if not on[b, j] and left[b, j] < -limit:
                    wrong[j] = True
                if wrong[j]:
                    count += 1
                    last = j
            if count == 0:
                settled[b] = True
                break
            if count < fewest:
                fewest, waited = count, 0
            else:
                waited += 1
            for j in range(m):
                urgent[j] = wrong[j]
                if wrong[j]:
                    dice = (1103515245 * dice + 12345) % (2 * HALF)
                    some = waited < MOST and dice < HALF
                    if waited < patience or some or j == last:
                        on[b, j] = not on[b, j]
        if cap > 0:
            for j in range(m):
                current[b, j] = max(current[b, j], 0.0)
    return current, left, settled
