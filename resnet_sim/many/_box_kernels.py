"""Compiled loops of `tiles`, and nothing else.  Importing this imports numba.

A tile holds ``width = 16 len(like)`` samples side by side; its arrays have shape
``(rows, width)``.  Node k obeys ``diagonal_k x_k = load_k + sum_e g_e x_j``, where the sum is
over the entries e of row k to nodes j, unless it is held at an end of its box.

What describes all tiles is a tuple: `system` has where the entries of each node begin, the node
of each entry and where its row of a float32 tile begins, its conductance, the same over the
diagonal in float32, the diagonal, and the row of each node's box (-1 for none).  What `prepare`
leaves for `relax` is another, in float32: the steps of Jacobi's method, and lower and upper
bounds.
"""

from __future__ import annotations

import numpy as np

from ..compiled.kernels import compiled
from ..compiled.vectors import bank, fma, load_bank, maximum, minimum, splat, store_bank, sub

#: sweeps from one look at the steps to the next
PERIOD = 4
#: over-relaxation to start with, and the square of Jacobi's rate that it is made for at most
OMEGA, SLOWEST = 1.2, 0.9999
#: what rounding in float64 leaves of a step, relative to the largest coordinate
ROUNDING = 16 * 2.0**-52


@compiled
def faster(omega, before, after):  # type: ignore[no-untyped-def]
    """Return the over-relaxation that suits steps of two lengths, `PERIOD` sweeps apart.

    Young's relation between the rate r of over-relaxation and rho of Jacobi's method,
    ``(r + omega - 1)^2 = r omega^2 rho^2``, and his best ``2 / (1 + sqrt(1 - rho^2))``.
    """
    rate = (after / before) ** (1.0 / PERIOD) if before > 0.0 else 0.0
    if not omega - 1.0 < rate < 1.0:
        return omega
    squared = min((rate + omega - 1.0) ** 2 / (rate * omega**2), SLOWEST)
    return max(omega, 2.0 / (1.0 + np.sqrt(1.0 - squared)))


@compiled
def relax(system, missing, x, looks, omega, tolerance, most, like):  # type: ignore[no-untyped-def]
    """Sweep until the steps of each sample are at most `tolerance` times its largest x.

    Projected Gauss-Seidel with over-relaxation, float32.  Returns the sweeps, and the
    over-relaxation, which grows while steps shrink too slowly.
    """
    first, _, at, _, weight, _, box = system
    rhs, below, above = missing
    width = 16 * len(like)
    none = bank(like)
    before = 0.0
    for sweep in range(1, most + 1):
        factor = splat(omega)
        look = sweep % PERIOD == 0
        furthest = none
        highest = none
        # nodes outside, lanes inside: an entry is read once for all samples.  As these never
        # meet, Gauss-Seidel needs no colouring: a node uses the ones before it at once.
        for k in range(len(box)):
            own = k * width
            new = load_bank(rhs, own, 16, like)
            for e in range(first[k], first[k + 1]):
                # `at` counts floats: no multiplication stands between an entry and its load
                new = fma(load_bank(x, at[e], 16, like), splat(weight[e]), new)
            old = load_bank(x, own, 16, like)
            new = fma(sub(new, old), factor, old)
            if box[k] >= 0:
                new = maximum(new, load_bank(below, box[k] * width, 16, like))
                new = minimum(new, load_bank(above, box[k] * width, 16, like))
            # this costs 5 to 15 % of a sweep
            if look:
                step = sub(new, old)
                furthest = maximum(furthest, maximum(step, sub(none, step)))
                highest = maximum(highest, maximum(new, sub(none, new)))
            store_bank(x, own, 16, new)
        if look:
            store_bank(looks, 0, 16, furthest)
            store_bank(looks, width, 16, highest)
            done = True
            longest = 0.0
            for lane in range(width):
                longest = max(longest, looks[0, lane])
                # false for NaN, which must end
                if looks[0, lane] > tolerance * looks[1, lane]:
                    done = False
            if done:
                return sweep, omega
            # the first looks see what errors of short range leave, not the rate
            if sweep > 2 * PERIOD:
                omega = faster(omega, before, longest)
            before = longest
    return most, omega


@compiled
def prepare(system, load, low, high, x, base, missing, push, left):  # type: ignore[no-untyped-def]
    """State what is missing from x as a problem for `relax`; return the largest error.

    ``left`` is how far each sample's nodes would still move in one step, relative to how far
    they are from `base`; ``push`` the current that holds each box where it is, from outside.
    """
    first, node, _, conductance, _, diagonal, box = system
    rhs, below, above = missing
    width = x.shape[1]
    total = np.empty(width)
    far, moved, size = np.zeros(width), np.zeros(width), np.zeros(width)
    for k in range(len(box)):
        for lane in range(width):
            total[lane] = load[k, lane] - diagonal[k] * x[k, lane]
        # innermost loops run over contiguous lanes, which LLVM vectorises by itself
        for e in range(first[k], first[k + 1]):
            g, other = conductance[e], x[node[e]]
            for lane in range(width):
                total[lane] += g * other[lane]
        inverse = 1.0 / diagonal[k]
        b = box[k]
        if b >= 0:
            for lane in range(width):
                push[b, lane] = -total[lane]
                below[b, lane] = low[b, lane] - x[k, lane]
                above[b, lane] = high[b, lane] - x[k, lane]
        for lane in range(width):
            step = total[lane] * inverse
            rhs[k, lane] = step
            if b >= 0:
                step = min(max(step, low[b, lane] - x[k, lane]), high[b, lane] - x[k, lane])
            far[lane] = max(far[lane], abs(step))
            moved[lane] = max(moved[lane], abs(x[k, lane] - base[k, lane]))
            size[lane] = max(size[lane], abs(x[k, lane]))
    worst = 0.0
    for lane in range(width):
        rest = max(far[lane] - ROUNDING * size[lane], 0.0)
        left[lane] = rest / moved[lane] if moved[lane] > 0.0 else (np.inf if rest > 0.0 else 0.0)
        worst = max(worst, left[lane])
    return worst


@compiled
def advance(box, change, missing, low, high, x):  # type: ignore[no-untyped-def]
    """Add a change to x; what it puts on an end of a box is there exactly."""
    _, below, above = missing
    for k in range(len(box)):
        b = box[k]
        for lane in range(x.shape[1]):
            moved = x[k, lane] + change[k, lane]
            if b >= 0:
                moved = min(max(moved, low[b, lane]), high[b, lane])
                # rounded to float32, the way to an end of the box doesn't lead there exactly
                if change[k, lane] >= above[b, lane]:
                    moved = high[b, lane]
                if change[k, lane] <= below[b, lane]:
                    moved = low[b, lane]
            x[k, lane] = moved


@compiled
def settle(  # type: ignore[no-untyped-def]
    tiles, system, load, bounds, x, base, scratch, push, left, sweeps, accuracy, limits, like
):
    """Solve some tiles: sweeps in float32, and what they leave in float64, in turn.

    Changes x, from which it starts; `push` and `left` are as `prepare` leaves them.
    `accuracy` has what may be left in the end and in each round, `limits` the most rounds and
    sweeps in each.
    """
    missing, change, looks = scratch
    for t in tiles:
        low, high = bounds[0][t % len(bounds[0])], bounds[1][t % len(bounds[1])]
        before = base[t % len(base)]
        omega = OMEGA
        for turn in range(limits[0] + 1):
            worst = prepare(system, load[t], low, high, x[t], before, missing, push[t], left[t])
            # false for NaN, which must end
            if turn == limits[0] or not worst > accuracy[0]:
                break
            # sweeps solve for what is missing, so that float32 need not hold the whole voltage
            change[:] = np.float32(0.0)
            count, omega = relax(
                system, missing, change, looks, omega, accuracy[1], limits[1], like
            )
            sweeps[t] += count
            advance(system[-1], change, missing, low, high, x[t])
