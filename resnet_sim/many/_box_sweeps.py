"""Compiled sweeps of `_box_kernels`, in float32; it says how tiles look.

Importing this imports numba.
"""

from __future__ import annotations

import numpy as np

from ..compiled.kernels import compiled, inlined
from ..compiled.vectors import (
    bank,
    fma,
    load_bank,
    magnitude,
    maximum,
    minimum,
    splat,
    store_bank,
    sub,
)

#: sweeps from one look at the steps to the next, and those whose steps errors of short range make
PERIOD, SHORT = 2, 8
#: nodes with the same neighbours whose sums are taken at once: these are read once for all of them
TOGETHER = 4
#: the square of Jacobi's rate that over-relaxation is made for at most
SLOWEST = 0.9999
#: boxes with a lower end alone, and with an upper one
LOWER, UPPER = 1, 2


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
def _move(k, new, x, missing, box, ends, factor, look, furthest, highest, like):  # type: ignore[no-untyped-def]
    """Move node k to where its neighbours want it, `new`; note the step and where it is."""
    _, below, above = missing
    width = 16 * len(like)
    old = load_bank(x, k * width, 16, like)
    new = fma(sub(new, old), factor, old)
    if box[k] >= 0:
        # of an end that no sample has nothing is read
        if ends[box[k]] != UPPER:
            new = maximum(new, load_bank(below, box[k] * width, 16, like))
        if ends[box[k]] != LOWER:
            new = minimum(new, load_bank(above, box[k] * width, 16, like))
    # this costs 5 to 15 % of a sweep
    if look:
        furthest = maximum(furthest, magnitude(sub(new, old)))
        highest = maximum(highest, magnitude(new))
    store_bank(x, k * width, 16, new)
    return furthest, highest


@compiled
def relax(system, missing, x, looks, omega, tolerance, most, like):  # type: ignore[no-untyped-def]
    """Sweep until the steps of each sample are at most `tolerance` times its largest x.

    Projected Gauss-Seidel, float32, with over-relaxation from the second sweep on.  Returns the
    sweeps, and the over-relaxation, which grows while steps shrink too slowly.
    """
    first, at, _, weight, _, _, alike, _, box, ends = system
    rhs = missing[0]
    width = 16 * len(like)
    none = bank(like)
    before = 0.0
    for sweep in range(1, most + 1):
        # the longest steps come first: what they go too far takes a sweep to come back
        factor = splat(omega if sweep > 1 else 1.0)
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
                far, high = _move(k, a, x, missing, box, ends, factor, look, far, high, like)
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
            far, high = _move(k, a, x, missing, box, ends, factor, look, far, high, like)
            far, high = _move(k + 1, b, x, missing, box, ends, factor, look, far, high, like)
            far, high = _move(k + 2, c, x, missing, box, ends, factor, look, far, high, like)
            far, high = _move(k + 3, d, x, missing, box, ends, factor, look, far, high, like)
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
