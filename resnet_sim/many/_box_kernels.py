"""Compiled loops of `tiles`, and nothing else.  Importing this imports numba.

A tile holds ``width = 16 len(like)`` samples side by side; its arrays have shape
``(rows, width)``.  Node k obeys ``diagonal_k x_k = load_k + sum_e g_e x_j``, where the sum is
over the entries e of row k to nodes j, unless it is held at an end of its box.

What describes all tiles is a tuple: `system` has where the entries of each node begin, where the
row in a tile of each entry's node begins, its conductance, the same over the diagonal in float32,
the diagonal, its reciprocal, how many nodes from each on have the same neighbours if their sums are
taken together, the rows of what is `fed` into each node beside its load and of its box (-1 for
none), and which boxes have one end only.  What `prepare` leaves for `_box_sweeps` is another, in
float32: the steps of Jacobi's method, and lower and upper bounds.
Arrays that vectors are loaded from are `aligned`.
"""

from __future__ import annotations

import numpy as np

from ..compiled.kernels import compiled, inlined
from ..compiled.registers import DOUBLES
from ..compiled.vectors import (
    add,
    bank_of,
    broadcast,
    broadcast_bank,
    fma,
    load_bank,
    load_wide,
    magnitude,
    maximum,
    minimum,
    mul,
    reaching,
    store_bank,
    store_narrow,
    sub,
)
from ._box_sweeps import LOWER, TOGETHER, UPPER, relax

#: what rounding in float64 leaves of a step, relative to the largest coordinate
ROUNDING = 16 * 2.0**-52


@compiled
def stepped(first, node, conductance, diagonal, x, found):  # type: ignore[no-untyped-def]
    """Find what a step of Jacobi's method makes of one x without a load."""
    for k in range(len(x)):
        flow = 0.0
        for e in range(first[k], first[k + 1]):
            flow += conductance[e] * x[node[e]]
        found[k] = flow / diagonal[k]


@compiled
def scale(first, conductance, diagonal, weight):  # type: ignore[no-untyped-def]
    """Note conductances over the diagonal, in float32."""
    for k in range(len(diagonal)):
        # a division takes as long as some entries
        each = 1.0 / diagonal[k]
        for e in range(first[k], first[k + 1]):
            weight[e] = conductance[e] * each


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


@inlined
def _ends(low, high, b, width, half):  # type: ignore[no-untyped-def]
    """Return both ends of a box; samples that share them have one number each."""
    if low.shape[1] == 1:
        return broadcast_bank(low, b, 0, half), broadcast_bank(high, b, 0, half)
    own = b * width
    return load_bank(low, own, DOUBLES, half), load_bank(high, own, DOUBLES, half)


@compiled
def begin(box, low, high, base, other, x, half):  # type: ignore[no-untyped-def]
    """Put x where `base` is, or as far from it as `other` on the other side, within the boxes.

    A base without rows is zero.
    """
    width = x.shape[1]
    zero = bank_of(x, half)
    for k in range(len(box)):
        own, here = k * width, zero
        if len(base):
            here = load_bank(base, own, DOUBLES, half)
            if len(other):
                here = add(here, sub(here, load_bank(other, own, DOUBLES, half)))
        if box[k] >= 0:
            bottom, top = _ends(low, high, box[k], width, half)
            here = minimum(maximum(here, bottom), top)
        store_bank(x, own, DOUBLES, here)


@compiled
def prepare(  # type: ignore[no-untyped-def]
    system, load, fed, low, high, x, base, missing, left, size, notes, totals, half
):
    """State what is missing from x as a problem for `relax`; return the largest error.

    ``left`` is how far each sample's nodes would still move in one step, relative to how far
    they are from `base`, and `size` where the farthest node is; `notes` has rows for such
    lengths, and currents go to `totals`.
    """
    first, at, conductance, _, diagonal, inverse, alike, row, box, ends = system
    rhs, below, above = missing
    width = x.shape[1]
    # the same lanes as in `relax`, in twice as many registers
    none = bank_of(x, half)
    far, moved, highest, lost = none, none, none, none
    k = 0
    while k < len(box):
        count = TOGETHER if alike[k] >= TOGETHER else 1
        _currents(first, at, conductance, k, count, load, x, totals, half)
        for j in range(k, k + count):
            own = j * width
            here = load_bank(x, own, DOUBLES, half)
            total = load_bank(totals, (j - k) * width, DOUBLES, half)
            if row[j] >= 0:
                total = add(total, load_bank(fed, row[j] * width, DOUBLES, half))
            step = mul(sub(total, mul(here, broadcast(diagonal, j))), broadcast(inverse, j))
            store_narrow(rhs, own, step)
            # the greater of two forgets a NaN, which must end
            lost = add(lost, step)
            if box[j] >= 0:
                bottom, top = _ends(low, high, box[j], width, half)
                down, up = sub(bottom, here), sub(top, here)
                if ends[box[j]] != UPPER:
                    store_narrow(below, box[j] * width, down)
                if ends[box[j]] != LOWER:
                    store_narrow(above, box[j] * width, up)
                step = minimum(maximum(step, down), up)
            if len(base):
                moved = maximum(moved, magnitude(sub(here, load_bank(base, own, DOUBLES, half))))
            far = maximum(far, magnitude(step))
            highest = maximum(highest, magnitude(here))
        k += count
    store_bank(notes, 0, DOUBLES, add(far, sub(lost, lost)))
    store_bank(notes, width, DOUBLES, moved if len(base) else highest)
    store_bank(notes, 2 * width, DOUBLES, highest)
    worst = 0.0
    for lane in range(width):
        size[lane] = notes[2, lane]
        rest, gone = notes[0, lane] - ROUNDING * size[lane], notes[1, lane]
        # true for NaN
        rest = rest if not rest <= 0.0 else 0.0
        left[lane] = rest / gone if gone > 0.0 else (np.inf if rest != 0.0 else 0.0)
        worst = max(worst, left[lane])
    return worst


@compiled
def advance(box, ends, change, missing, low, high, x, half):  # type: ignore[no-untyped-def]
    """Add a change to x; what it puts on an end of a box is there exactly."""
    _, below, above = missing
    width = x.shape[1]
    for k in range(len(box)):
        own = k * width
        step = load_wide(change, own, half)
        moved = add(load_bank(x, own, DOUBLES, half), step)
        if box[k] >= 0:
            b = box[k] * width
            bottom, top = _ends(low, high, box[k], width, half)
            moved = minimum(maximum(moved, bottom), top)
            # rounded to float32, the way to an end of the box doesn't lead there exactly
            if ends[box[k]] != LOWER:
                moved = reaching(step, load_wide(above, b, half), top, moved)
            if ends[box[k]] != UPPER:
                moved = reaching(load_wide(below, b, half), step, bottom, moved)
        store_bank(x, own, DOUBLES, moved)


@compiled
def judge(  # type: ignore[no-untyped-def]
    tiles, system, load, fed, bounds, x, size, tolerance, notes, totals, side, touching, half
):
    """Tell at which end, -1 or 1, each box is held, 0 at none, and one that touches one unheld.

    What is less than `tolerance` times the largest voltage, `size`, counts for nothing there.
    """
    first, at, conductance, _, diagonal, _, alike, row, box, _ = system
    width = x.shape[2]
    for t in tiles:
        low, high = bounds[0][t % len(bounds[0])], bounds[1][t % len(bounds[1])]
        touching[t] = -1
        k = 0
        while k < len(box):
            count = TOGETHER if alike[k] >= TOGETHER else 1
            if count > 1 or box[k] >= 0:
                _currents(first, at, conductance, k, count, load[t], x[t], totals, half)
            for j in range(k, k + count):
                b = box[j]
                if b < 0:
                    continue
                if row[j] >= 0:
                    totals[j - k] += fed[t, row[j]]
                lower, upper = _ends(low, high, b, width, half)
                store_bank(notes, 0, DOUBLES, lower)
                store_bank(notes, width, DOUBLES, upper)
                touches = False
                for lane in range(width):
                    bottom, top, v = notes[0, lane], notes[1, lane], x[t, j, lane]
                    # the current that holds the box where it is, from outside
                    i = diagonal[j] * v - totals[j - k, lane]
                    side[t, b, lane] = ((v >= top) & (i < 0)) - ((v <= bottom) & (i > 0))
                    limit = tolerance * size[t, lane]
                    near = (v <= bottom + limit) | (v >= top - limit)
                    notes[2, lane] = near & (abs(i) <= limit * diagonal[j])
                    touches |= notes[2, lane] > 0
                if touches:
                    for lane in range(width):
                        if notes[2, lane] > 0 and touching[t, lane] < 0:
                            touching[t, lane] = b
            k += count


@compiled
def settle(  # type: ignore[no-untyped-def]
    tiles,
    system,
    load,
    fed,
    bounds,
    x,
    base,
    other,
    scratch,
    left,
    size,
    sweeps,
    accuracy,
    limits,
    start,
    like,
    half,
):
    """Solve some tiles: sweeps in float32, and what they leave in float64, in turn.

    They begin where `begin` puts x; `left` and `size` are as `prepare` leaves them.  `accuracy` has
    what may be left in the end, what float32 can leave of one round, and what rounds before the
    last leave; `limits` the most rounds and sweeps in each; `start` is the over-relaxation to begin
    with.
    """
    missing, change, looks, notes, totals = scratch
    for t in tiles:
        low, high = bounds[0][t % len(bounds[0])], bounds[1][t % len(bounds[1])]
        before = base[t % len(base)]
        begin(system[-2], low, high, before, other[t % len(other)], x[t], half)
        omega = start
        for turn in range(limits[0] + 1):
            worst = prepare(
                system, load[t], fed[t % len(fed)], low, high, x[t], before, missing, left[t],
                size[t], notes, totals, half,
            )  # fmt: skip
            # false for NaN, which must end
            if turn == limits[0] or not worst > accuracy[0]:
                break
            # sweeps solve for what is missing, so that float32 need not hold the whole voltage
            change[:] = np.float32(0.0)
            # the last round leaves a tenth of what it may: gradients are small differences
            enough = 0.1 * accuracy[0] / worst
            if enough < accuracy[1]:
                enough = accuracy[2]
            count, omega = relax(system, missing, change, looks, omega, enough, limits[1], like)
            sweeps[t] += count
            advance(*system[-2:], change, missing, low, high, x[t], half)
