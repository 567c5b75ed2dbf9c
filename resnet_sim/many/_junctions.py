"""Compiled resolvents of junctions without effects of second order, at many points.

What `curves.junction` finds for whole arrays, one junction after the other: most settle at once,
and only what a junction needs is computed.  Importing this imports numba.
"""

from __future__ import annotations

import math

from ..compiled.kernels import inlined, loops, subloops
from ..curves import OPEN
from ..curves.junction import MOST, SEAM
from ..graph.problem import EPS

#: Relative step of Newton's method after which the tangent tells the rest.
CLOSE = 1e-9
#: Step, relative to the emission voltage, beyond which the solution is sought from afar.
NEAR = 0.25
#: Most steps; one to three are usual.
STEPS = 200
#: What flows back at the seam, in saturation currents.
AT_SEAM = 1.0 - math.exp(SEAM)


@loops
def meet(law, scale, v, i, r, most, found_v, found_i, found_slope):  # type: ignore[no-untyped-def]
    """Set the points where junctions meet lines through points v, i that fall by r (ohm).

    A row of `law` is what `Curve.exponentials` says, and rows without a number are left alone.  No
    current exceeds that which is `most` at its point, A.
    """
    for s in range(len(v)):
        for k in range(len(law)):
            if law[k, 0] > 0.0:
                limit, volts, amps = most[s] * abs(scale[k]), v[s, k] * scale[k], i[s, k] * scale[k]
                # where the line meets the last tangent the curve often is near
                near = volts - law[k, 5] * amps
                volts, amps, slope = _point(law[k], volts + r[s, k] * amps, r[s, k], near)
                if abs(amps) > limit:
                    push = OPEN * math.copysign(limit, amps)
                    volts, amps, slope = _point(law[k], push, OPEN, near)
                found_v[s, k], found_i[s, k] = volts / scale[k], amps / scale[k]
                found_slope[s, k] = slope


@subloops
def _point(law, s, r, near):  # type: ignore[no-untyped-def]
    """Return the point where a junction with all that is in it meets a line."""
    leak, series = law[4], law[5]
    resistance = r + series
    # what leaks makes the line steeper
    share = 1.0 / (1.0 + resistance * leak)
    u, i, slope = _meeting(law, s * share, resistance * share, near)
    i += leak * u
    slope += leak
    return (u + series * i if series > 0.0 else u), i, slope / (1.0 + series * slope)


@subloops
def _meeting(law, s, r, near):  # type: ignore[no-untyped-def]
    """Return where ``u + r i = s`` for the junction alone, perhaps near some voltage."""
    a, n, b, nb = law[0], law[1], law[2], law[3]
    push, steep, u = r * a, n, near
    if not (push > 0.0 and 0.0 < abs(s) < math.inf):
        return s, *_flow(law, s)
    ahead, back = s >= SEAM * n - push * AT_SEAM, False
    if not ahead and s + push < -b:
        beyond, steep = -(s + b), nb
        w = _omega(beyond / nb + math.log(push / nb))
        u = -b - max(nb * math.log(w * nb / push) if w > 1.0 else beyond - nb * w, 0.0)
    elif not ahead:
        u, back = min(s + push, SEAM * n), True
    for _ in range(STEPS):
        i, slope = _flow(law, u)
        step = (u + r * i - s) / (1.0 + r * slope)
        if ahead and not abs(step) < NEAR * n:
            w, ahead = _omega((s + push) / n + math.log(push / n)), False
            u = n * math.log(w * n / push) if w > 1.0 else s + push - n * w
            continue
        after, ahead = u - step, False
        if back and after < -b:  # there the law steps, and the line tells
            return -b, (s + b) / r, slope
        if abs(step) <= CLOSE * min(steep, abs(after)) + 4.0 * EPS * abs(u):
            break
        u = after
    return after, i - slope * step, slope


@subloops
def _flow(law, u):  # type: ignore[no-untyped-def]
    """Return the current at a voltage across a junction alone, and its slope."""
    a, n, b, nb = law[0], law[1], law[2], law[3]
    if u >= SEAM * n:
        x = min(u / n, MOST)
        less = math.exp(x) - 1.0 if x > 1.0 else math.expm1(x)
        return a * less, a / n * (less + 1.0)
    if u < -b:
        avalanche = a * math.exp(min(-(b + u) / nb, MOST))
        return -avalanche, avalanche / nb
    ratio = 3.0 * n / (math.e * u)
    tail = ratio * ratio * ratio
    return -a * (1.0 + tail), 3.0 * a * tail / u


@inlined
def _omega(y):  # type: ignore[no-untyped-def]
    """Return w > 0 with ``w + ln w = y``, see `curves.junction`."""
    if y < -36.0:
        return math.exp(y)
    y = min(y, 1e300)
    w = y - math.log(y) if y > 1.0 else math.exp(y)
    for _ in range(2):
        rest, ahead = y - w - math.log(w), 1.0 + w
        q = 2.0 * ahead * (ahead + 2.0 / 3.0 * rest)
        w *= 1.0 + rest / ahead * (q - rest) / (q - 2.0 * rest)
    return w
