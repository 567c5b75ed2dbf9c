"""Compiled loops of `tiles`, and nothing else.  Importing this imports numba.

A tile holds ``width = 16 len(like)`` samples side by side; its arrays have shape
``(rows, width)``.  Node k obeys ``diagonal_k x_k = load_k + sum_e g_e x_j``, where the sum is
over the entries e of row k to nodes j, unless it is held at an end of its box.

What describes all tiles is a tuple: `system` has where the entries of each node begin, where the
row in a tile of each entry's node begins, its conductance, the same over the diagonal in float32,
the diagonal, its reciprocal, how many nodes from each on have the same neighbours if their sums are
taken together, and the row of each node's box (-1 for none).  What `prepare` leaves
for `relax` is another, in float32: the steps of Jacobi's method, and lower and upper bounds.
Arrays that vectors are loaded from are `aligned`.
"""

from __future__ import annotations

import numpy as np

from ..compiled.kernels import compiled, inlined
from ..compiled.vectors import (
    DOUBLES,
    add,
    bank,
    broadcast,
    fma,
    load_bank,
    load_wide,
    maximum,
    minimum,
    mul,
    reaching,
    splat,
    store_bank,
    store_narrow,
    sub,
)

#: sweeps from one look at the steps to the next, and those whose steps errors of short range make
PERIOD, SHORT = 2, 8
#: nodes with the same neighbours whose sums are taken at once: these are read once for all of them
TOGETHER = 4
#: the square of Jacobi's rate that over-relaxation is made for at most
SLOWEST = 0.9999
#: what rounding in float64 leaves of a step, relative to the largest coordinate
ROUNDING = 16 * 2.0**-52


@compiled
def suited(squared):  # type: ignore[no-untyped-def]
    """Return the over-relaxation that suits a square of the rate of Jacobi's method (Young)."""
    return 2.0 / (1.0 + np.sqrt(1.0 - min(squared, SLOWEST)))


@compiled
def faster(omega, before, after):  # type: ignore[no-untyped-def]
    """Return the over-relaxation that suits steps of two lengths, `PERIOD` sweeps apart.

    Young's relation between the rate r of over-relaxation and rho of Jacobi's method,
    ``(r + omega - 1)^2 = r omega^2 rho^2``.
    """
    rate = (after / before) ** (1.0 / PERIOD) if before > 0.0 else 0.0
    if not omega - 1.0 < rate < 1.0:
        return omega
    return max(omega, suited((rate + omega - 1.0) ** 2 / (rate * omega**2)))


@inlined
def _move(k, new, x, missing, box, factor, look, furthest, highest, like):  # type: ignore[no-untyped-def]
    """Move node k to where its neighbours want it, `new`; note the step and where it is."""
    _, below, above = missing
    width = 16 * len(like)
    none = bank(like)
    old = load_bank(x, k * width, 16, like)
    new = fma(sub(new, old), factor, old)
    if box[k] >= 0:
        new = maximum(new, load_bank(below, box[k] * width, 16, like))
        new = minimum(new, load_bank(above, box[k] * width, 16, like))
    # this costs 5 to 15 % of a sweep
    if look:
        step = sub(new, old)
        furthest = maximum(furthest, maximum(step, sub(none, step)))
        highest = maximum(highest, maximum(new, sub(none, new)))
    store_bank(x, k * width, 16, new)
    return furthest, highest


@compiled
def relax(system, missing, x, looks, omega, tolerance, most, like):  # type: ignore[no-untyped-def]
    """Sweep until the steps of each sample are at most `tolerance` times its largest x.

    Projected Gauss-Seidel with over-relaxation, float32.  Returns the sweeps, and the
    over-relaxation, which grows while steps shrink too slowly.
    """
    first, at, _, weight, _, _, alike, box = system
    rhs = missing[0]
    width = 16 * len(like)
    none = bank(like)
    before = 0.0
    for sweep in range(1, most + 1):
        factor = splat(omega)
        look = sweep % PERIOD == 0
        far, high = none, none
        # nodes outside, lanes inside: an entry is read once for all samples.  As these never
        # meet, Gauss-Seidel needs no colouring: a node uses the ones before it at once.
        k = 0
        while k < len(box):
            own, start, count = k * width, first[k], first[k + 1] - first[k]
            a = load_bank(rhs, own, 16, like)
            if alike[k] < TOGETHER:
                for e in range(start, start + count):
                    # `at` counts floats: no multiplication stands between an entry and its load
                    a = fma(load_bank(x, at[e], 16, like), splat(weight[e]), a)
                far, high = _move(k, a, x, missing, box, factor, look, far, high, like)
                k += 1
                continue
            b = load_bank(rhs, own + width, 16, like)
            c = load_bank(rhs, own + 2 * width, 16, like)
            d = load_bank(rhs, own + 3 * width, 16, like)
            for e in range(start, start + count):
                v = load_bank(x, at[e], 16, like)
                a = fma(v, splat(weight[e]), a)
                b = fma(v, splat(weight[e + count]), b)
                c = fma(v, splat(weight[e + 2 * count]), c)
                d = fma(v, splat(weight[e + 3 * count]), d)
            far, high = _move(k, a, x, missing, box, factor, look, far, high, like)
            far, high = _move(k + 1, b, x, missing, box, factor, look, far, high, like)
            far, high = _move(k + 2, c, x, missing, box, factor, look, far, high, like)
            far, high = _move(k + 3, d, x, missing, box, factor, look, far, high, like)
            k += TOGETHER
        if look:
            store_bank(looks, 0, 16, far)
            store_bank(looks, width, 16, high)
            done = True
            longest = 0.0
            for lane in range(width):
                longest = max(longest, looks[0, lane])
                # false for NaN, which must end
                if looks[0, lane] > tolerance * looks[1, lane]:
                    done = False
            if done:
                return sweep, omega
            # before that, steps don't tell the rate
            if sweep > SHORT:
                omega = faster(omega, before, longest)
            before = longest
    return most, omega


@inlined
def _currents(first, at, conductance, k, count, load, x, totals, half):  # type: ignore[no-untyped-def]
    """Note what flows to nodes at 0 V from k on, `count` or one, whose neighbours are the same."""
    width = x.shape[1]
    own, start, entries = k * width, first[k], first[k + 1] - first[k]
    a = load_bank(load, own, DOUBLES, half)
    if count < TOGETHER:
        for e in range(start, start + entries):
            a = fma(load_bank(x, at[e], DOUBLES, half), broadcast(conductance, e), a)
        store_bank(totals, 0, DOUBLES, a)
        return
    b = load_bank(load, own + width, DOUBLES, half)
    c = load_bank(load, own + 2 * width, DOUBLES, half)
    d = load_bank(load, own + 3 * width, DOUBLES, half)
    for e in range(start, start + entries):
        v = load_bank(x, at[e], DOUBLES, half)
        a = fma(v, broadcast(conductance, e), a)
        b = fma(v, broadcast(conductance, e + entries), b)
        c = fma(v, broadcast(conductance, e + 2 * entries), c)
        d = fma(v, broadcast(conductance, e + 3 * entries), d)
    store_bank(totals, 0, DOUBLES, a)
    store_bank(totals, width, DOUBLES, b)
    store_bank(totals, 2 * width, DOUBLES, c)
    store_bank(totals, 3 * width, DOUBLES, d)


@compiled
def prepare(  # type: ignore[no-untyped-def]
    system, load, low, high, x, base, missing, push, left, notes, totals, half
):
    """State what is missing from x as a problem for `relax`; return the largest error.

    ``left`` is how far each sample's nodes would still move in one step, relative to how far
    they are from `base`; ``push`` the current that holds each box where it is, from outside.
    ``notes`` has a row of zeros, and those where such lengths are noted; currents go to `totals`.
    """
    first, at, conductance, _, diagonal, inverse, alike, box = system
    rhs, below, above = missing
    width = x.shape[1]
    # the same lanes as in `relax`, in twice as many registers
    none = load_bank(notes, 0, DOUBLES, half)
    far, moved, size, lost = none, none, none, none
    k = 0
    while k < len(box):
        count = TOGETHER if alike[k] >= TOGETHER else 1
        _currents(first, at, conductance, k, count, load, x, totals, half)
        for j in range(k, k + count):
            own = j * width
            here = load_bank(x, own, DOUBLES, half)
            total = load_bank(totals, (j - k) * width, DOUBLES, half)
            total = sub(total, mul(here, broadcast(diagonal, j)))
            step = mul(total, broadcast(inverse, j))
            store_narrow(rhs, own, step)
            # the greater of two forgets a NaN, which must end
            lost = add(lost, sub(step, step))
            if box[j] >= 0:
                b = box[j] * width
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
        k += count
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
def advance(box, change, missing, low, high, x, half):  # type: ignore[no-untyped-def]
    """Add a change to x; what it puts on an end of a box is there exactly."""
    _, below, above = missing
    width = x.shape[1]
    for k in range(len(box)):
        own = k * width
        step = load_wide(change, own, half)
        moved = add(load_bank(x, own, DOUBLES, half), step)
        if box[k] >= 0:
            b = box[k] * width
            bottom, top = load_bank(low, b, DOUBLES, half), load_bank(high, b, DOUBLES, half)
            moved = minimum(maximum(moved, bottom), top)
            # rounded to float32, the way to an end of the box doesn't lead there exactly
            moved = reaching(step, load_wide(above, b, half), top, moved)
            moved = reaching(load_wide(below, b, half), step, bottom, moved)
        store_bank(x, own, DOUBLES, moved)


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
    start,
    like,
    half,
):
    """Solve some tiles: sweeps in float32, and what they leave in float64, in turn.

    Changes x, from which it starts; `push` and `left` are as `prepare` leaves them, `side` and
    `near` as `judge` does.  `accuracy` has what may be left in the end and in each round, and the
    tolerance; `limits` the most rounds and sweeps in each; `start` is the over-relaxation to begin
    with.
    """
    missing, change, looks, notes, totals = scratch
    for t in tiles:
        low, high = bounds[0][t % len(bounds[0])], bounds[1][t % len(bounds[1])]
        before = base[t % len(base)]
        clip(system[-1], low, high, x[t])
        omega = start
        for turn in range(limits[0] + 1):
            worst = prepare(
                system, load[t], low, high, x[t], before, missing, push[t], left[t], notes, totals,
                half,
            )  # fmt: skip
            # false for NaN, which must end
            if turn == limits[0] or not worst > accuracy[0]:
                break
            # sweeps solve for what is missing, so that float32 need not hold the whole voltage
            change[:] = np.float32(0.0)
            # a hundredth of what may be left: gradients are small differences
            enough = max(accuracy[1], 0.01 * accuracy[0] / worst)
            count, omega = relax(system, missing, change, looks, omega, enough, limits[1], like)
            sweeps[t] += count
            advance(system[-1], change, missing, low, high, x[t], half)
        judge(system, low, high, x[t], push[t], notes[3], accuracy[2], side[t], near[t])
