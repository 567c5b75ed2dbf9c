"""Compiled loops of `tiles`, and nothing else.  Importing this imports numba.

A tile holds ``width = 16 len(like)`` samples side by side; its arrays have shape
``(rows, width)``.  Node k obeys ``diagonal_k x_k = load_k + sum_e g_e x_j``, where the sum is
over the entries e of row k to nodes j, unless it is held at an end of its box.

What describes all tiles is a tuple: `system` has where the entries of each node begin, where the
row in a tile of each entry's node begins, its conductance, the same over the diagonal in float32,
the diagonal, its reciprocal, and the row of each node's box (-1 for none).  What `prepare` leaves
for `relax` is another, in float32: the steps of Jacobi's method, and lower and upper bounds.
Arrays that vectors are loaded from are `aligned`.
"""

from __future__ import annotations

import numpy as np

from ..compiled.kernels import compiled
from ..compiled.vectors import (
    DOUBLES,
    add,
    bank,
    broadcast,
    fma,
    load_bank,
    maximum,
    minimum,
    mul,
    splat,
    store_bank,
    store_narrow,
    sub,
)

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
    first, at, _, weight, _, _, box = system
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
def prepare(  # type: ignore[no-untyped-def]
    system, load, low, high, x, base, missing, push, left, notes, half
):
    """State what is missing from x as a problem for `relax`; return the largest error.

    ``left`` is how far each sample's nodes would still move in one step, relative to how far
    they are from `base`; ``push`` the current that holds each box where it is, from outside.
    ``notes`` has a row of zeros, and those where such lengths are noted.
    """
    first, at, conductance, _, diagonal, inverse, box = system
    rhs, below, above = missing
    width = x.shape[1]
    # the same lanes as in `relax`, in twice as many registers
    none = load_bank(notes, 0, DOUBLES, half)
    far, moved, size, lost = none, none, none, none
    for k in range(len(box)):
        own = k * width
        here = load_bank(x, own, DOUBLES, half)
        total = load_bank(load, own, DOUBLES, half)
        total = sub(total, mul(here, broadcast(diagonal, k)))
        for e in range(first[k], first[k + 1]):
            other = load_bank(x, at[e], DOUBLES, half)
            total = fma(other, broadcast(conductance, e), total)
        step = mul(total, broadcast(inverse, k))
        store_narrow(rhs, own, step)
        # the greater of two forgets a NaN, which must end
        lost = add(lost, sub(step, step))
        if box[k] >= 0:
            b = box[k] * width
            down = sub(load_bank(low, b, DOUBLES, half), here)
            up = sub(load_bank(high, b, DOUBLES, half), here)
            store_bank(push, b, DOUBLES, sub(none, total))
            store_narrow(below, b, down)
            store_narrow(above, b, up)
            step = minimum(maximum(step, down), up)
        away = sub(here, load_bank(base, own, DOUBLES, half))
        far = maximum(far, maximum(step, sub(none, step)))
        moved = maximum(moved, maximum(away, sub(none, away)))
        size = maximum(size, maximum(here, sub(none, here)))
    store_bank(notes, width, DOUBLES, add(far, lost))
    store_bank(notes, 2 * width, DOUBLES, moved)
    store_bank(notes, 3 * width, DOUBLES, size)
    worst = 0.0
    for lane in range(width):
        rest, gone = notes[1, lane] - ROUNDING * notes[3, lane], notes[2, lane]
        # true for NaN
        rest = rest if not rest <= 0.0 else 0.0
        left[lane] = rest / gone if gone > 0.0 else (np.inf if rest != 0.0 else 0.0)
        worst = max(worst, left[lane])
    return worst


@compiled
def advance(box, change, missing, low, high, x):  # type: ignore[no-untyped-def]
    """Add a change to x; what it puts on an end of a box is there exactly."""
    _, below, above = missing
    for k in range(len(box)):
        b = box[k]
        if b < 0:
            for lane in range(x.shape[1]):
                x[k, lane] += change[k, lane]
            continue
        for lane in range(x.shape[1]):
            step = change[k, lane]
            moved = min(max(x[k, lane] + step, low[b, lane]), high[b, lane])
            # rounded to float32, the way to an end of the box doesn't lead there exactly
            moved = high[b, lane] if step >= above[b, lane] else moved
            x[k, lane] = low[b, lane] if step <= below[b, lane] else moved


@compiled
def clip(box, low, high, x):  # type: ignore[no-untyped-def]
    """Put x within the boxes."""
    for k in range(len(box)):
        b = box[k]
        if b >= 0:
            for lane in range(x.shape[1]):
                x[k, lane] = min(max(x[k, lane], low[b, lane]), high[b, lane])


@compiled
def judge(system, low, high, x, push, size, tolerance, side, near):  # type: ignore[no-untyped-def]
    """Tell at which end, -1 or 1, each box is held, 0 at none, and which touch one unheld.

    What is less than `tolerance` times the largest voltage, `size`, counts for nothing there.
    """
    diagonal, box = system[4], system[-1]
    for k in range(len(box)):
        b = box[k]
        if b < 0:
            continue
        for lane in range(x.shape[1]):
            v, i = x[k, lane], push[b, lane]
            below, above = v <= low[b, lane] and i > 0, v >= high[b, lane] and i < 0
            side[b, lane] = above - below
            limit = tolerance * size[lane]
            touches = v <= low[b, lane] + limit or v >= high[b, lane] - limit
            near[b, lane] = touches and abs(i) <= limit * diagonal[k]


@compiled
def settle(  # type: ignore[no-untyped-def]
    tiles,
    system,
    load,
    bounds,
    x,
    base,
    scratch,
    push,
    left,
    side,
    near,
    sweeps,
    accuracy,
    limits,
    like,
    half,
):
    """Solve some tiles: sweeps in float32, and what they leave in float64, in turn.

    Changes x, from which it starts; `push` and `left` are as `prepare` leaves them, `side` and
    `near` as `judge` does.  `accuracy` has what may be left in the end and in each round, and the
    tolerance; `limits` the most rounds and sweeps in each.
    """
    missing, change, looks, notes = scratch
    for t in tiles:
        low, high = bounds[0][t % len(bounds[0])], bounds[1][t % len(bounds[1])]
        before = base[t % len(base)]
        clip(system[-1], low, high, x[t])
        omega = OMEGA
        for turn in range(limits[0] + 1):
            worst = prepare(
                system, load[t], low, high, x[t], before, missing, push[t], left[t], notes, half
            )
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
        judge(system, low, high, x[t], push[t], notes[3], accuracy[2], side[t], near[t])
