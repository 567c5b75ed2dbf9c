"""Compiled inner loops, and nothing else."""

from __future__ import annotations

import numpy as np

from ..compiled.kernels import kernel

#: Steps without fewer contradictions after which a random half of them flips, and after which
#: only the last of them does (Murty).
HALVE_AFTER, MURTY_AFTER = 3, 60
#: Contradictions from which sweeps pay, and how many sweeps.
FEW, SWEEPS = 4, 10
#: Resistance that tells apart what ideal rectifiers around a loop carry, relative.
SOFT = 1e-10
#: Half the range of the random numbers.
HALF = 2**30


@kernel
def complementary(weight, gap, on, cap, slack):  # type: ignore[no-untyped-def]
    """Solve ``w = gap + weight i, w >= 0, i >= 0, i w = 0`` for each row of `gap`.

    The rectifiers that contradict their state most flip together; where that makes no
    progress, a random half of them, and after `MURTY_AFTER` steps only the last one (Murty).
    Around loops of ideal rectifiers, where `weight` is singular, currents spread as if each
    had a tiny resistance; iterative refinement takes it back.  `on` is where to start and
    what was found.  Returns currents, gaps, and which rows have settled.

    With ``cap = 0`` states stay what they are: ``w = 0`` where `on`, ``i = 0`` elsewhere.
    """
    batch, m = gap.shape
    current = np.zeros((batch, m))
    left = np.empty((batch, m))
    settled = np.zeros(batch, dtype=np.bool_)
    block = np.empty((m, m))
    order = np.empty(m, dtype=np.int64)
    flow = np.empty(m)
    wrong = np.empty(m)
    for b in range(batch):
        high = 0.0
        for j in range(m):
            high = max(high, abs(gap[b, j]))
        limit = slack * high
        # the same dice in each row: no result depends on which rows come together
        fewest, waited, dice = m + 1, 0, 1
        for _step in range(max(cap, 1)):
            size = 0
            for j in range(m):
                left[b, j] = gap[b, j]
                current[b, j] = 0.0
                if on[b, j]:
                    order[size] = j
                    size += 1
            # factor the block that conducts
            # (upper triangle, no pivoting: it is symmetric and positive semidefinite, and the
            # softness makes it definite)
            for r in range(size):
                row = weight[order[r]]
                for c in range(r, size):
                    block[r, c] = row[order[c]]
                block[r, r] *= 1.0 + SOFT
            for r in range(size):
                top = block[r, r:size]  # slices, so that the innermost loop is vectorised
                inverse = 1.0 / top[0]
                for s in range(1, len(top)):
                    factor = top[s] * inverse
                    below, rest = block[r + s, r + s : size], top[s:]
                    for c in range(len(below)):
                        below[c] -= factor * rest[c]
            # the second pass takes back what the softness has changed
            for _refinement in range(2):
                for r in range(size):
                    flow[r] = -left[b, order[r]]
                for r in range(size):
                    share = flow[r] / block[r, r]
                    for c in range(r + 1, size):
                        flow[c] -= share * block[r, c]
                for r in range(size - 1, -1, -1):
                    total = flow[r]
                    for c in range(r + 1, size):
                        total -= block[r, c] * flow[c]
                    flow[r] = total / block[r, r]
                for r in range(size):
                    current[b, order[r]] += flow[r]
                    # weight is symmetric: a row in place of the column, contiguous
                    row = weight[order[r]]
                    for j in range(m):
                        left[b, j] += row[j] * flow[r]
            if cap == 0:
                break
            # what contradicts its state, and how much, in volts
            count, last, worst = 0, -1, 0.0
            for j in range(m):
                wrong[j] = -current[b, j] * weight[j, j] if on[b, j] else -left[b, j]
                if wrong[j] > limit:
                    worst = max(worst, wrong[j])
                    count += 1
                    last = j
            if count == 0:
                settled[b] = True
                break
            if count < fewest:
                fewest, waited = count, 0
            else:
                waited += 1
            if _step == 0 and count > FEW:
                # far off: sweeps of coordinate descent on the currents find most of the set
                for j in range(m):
                    left[b, j] = gap[b, j]
                for j in range(m):
                    current[b, j] = max(current[b, j], 0.0)
                    row = weight[j]
                    if current[b, j] > 0.0:
                        for c in range(m):
                            left[b, c] += row[c] * current[b, j]
                for _sweep in range(SWEEPS):
                    for j in range(m):
                        change = max(-current[b, j], -left[b, j] / weight[j, j])
                        row = weight[j]
                        if change != 0.0:
                            current[b, j] += change
                            for c in range(m):
                                left[b, c] += row[c] * change
                for j in range(m):
                    on[b, j] = current[b, j] > 0.0
                continue
            for j in range(m):
                if wrong[j] > limit:
                    dice = (1103515245 * dice + 12345) % (2 * HALF)
                    some = waited < MURTY_AFTER and dice < HALF
                    many = waited < HALVE_AFTER and wrong[j] >= 0.1 * worst
                    if many or (waited >= HALVE_AFTER and (some or j == last)):
                        on[b, j] = not on[b, j]
        if cap > 0:
            for j in range(m):
                current[b, j] = max(current[b, j], 0.0)
    return current, left, settled
