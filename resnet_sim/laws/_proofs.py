"""Compiled loops of `points`: certificates of many points.  Importing this imports numba.

They say what `check`, `certificate`, `resistor`, `voltage_source`, `current_source`, `diode` and
`junction` say, one point after the other, and mark those of which they are sure.  Arrays of numbers
have shape (points, entries).  In `node` are what rounding leaves open in each voltage, the sum of
the currents, the sum of their sizes, and what is open in them; in `whole` what the columns below
are.  Whether an unsigned number is negative the loops don't ask.

Nothing of other files is compiled in, not even constants: the cache looks at this file alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

#: columns of `whole`: power and its size, what complementarity leaves over, rounding of power,
#: what rounding leaves of the largest current, sum of the voltages
POWER, SIZE, GAP, NOISE, HUM, VOLTS = range(6)
#: the largest exponent
MOST = 690.0


def _compiled(function: Callable[..., Any], **options: Any) -> Any:
    # not by `compiled.kernels`, which compiles what is judged here
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy", **options)(function)
    except RuntimeError:  # no writable place for the cache
        return numba.njit(nogil=True, error_model="numpy", **options)(function)


def _inlined(function: Callable[..., Any]) -> Any:
    return _compiled(function, forceinline=True)


@_compiled
def begin(v, i, eps, roundings, node, whole):  # type: ignore[no-untyped-def]
    """Set what rounding leaves open in the voltages; nothing flows yet.

    `eps` and `roundings` are those of `check`.
    """
    blur, total, size, open_ = node
    for s in range(len(v)):
        high, volts, most = 0.0, 0.0, 0.0
        for k in range(v.shape[1]):
            high = max(high, abs(v[s, k]))
            volts += abs(v[s, k])
        for k in range(v.shape[1]):
            blur[s, k] = eps * (roundings * abs(v[s, k]) + 4.0 * high)
        for k in range(i.shape[1]):
            most = max(most, abs(i[s, k]))
        total[s], size[s], open_[s], whole[s] = 0.0, 0.0, 0.0, 0.0
        whole[s, HUM], whole[s, VOLTS] = roundings * eps * most, volts


@_inlined
def _flow(s, a, b, drop, blur, amps, floor, node, whole):  # type: ignore[no-untyped-def]
    _, total, size, open_ = node
    amount = abs(amps)
    total[s, a] += amps
    total[s, b] -= amps
    size[s, a] += amount
    size[s, b] += amount
    open_[s, a] += floor
    open_[s, b] += floor
    whole[s, POWER] += drop * amps
    whole[s, SIZE] += abs(drop * amps)
    whole[s, NOISE] += blur * amount


@_compiled
def lines(v, i, first, p, q, law, tolerance, node, floor, whole, sure, worst):  # type: ignore[no-untyped-def]
    """Judge ``v = ohms i + volts``, and ``i = amps`` where `ohms` is infinite.

    The three may be common to all points, of shape (1, rows).
    """
    ohms_of, volts_of, amps_of = law
    blur_of = node[0]
    for s in range(len(v)):
        r, u, f = s % len(ohms_of), s % len(volts_of), s % len(amps_of)
        good, off = True, worst[s, 0]
        for k in range(len(p)):
            a, b = np.uint64(p[k]), np.uint64(q[k])
            amps, ohms = i[s, first + k], ohms_of[r, k]
            drop, blur = v[s, a] - v[s, b], blur_of[s, a] + blur_of[s, b]
            left, large, open_, loose = abs(amps - amps_of[f, k]), 0.0, 0.0, 0.0
            if ohms < np.inf:
                rise = ohms * amps
                left, open_ = abs(rise + volts_of[u, k] - drop), blur
                large = max(abs(rise), abs(drop))
                loose = blur / abs(ohms) if ohms != 0.0 else 0.0
            good &= left <= tolerance * large + open_ < np.inf
            if left > open_:
                off = max(off, (left - open_) / (large if large > 0.0 else 1.0))
            floor[s, first + k] = loose
            _flow(s, a, b, drop, blur, amps, loose, node, whole)
        sure[s] &= good
        worst[s, 0] = off


@_compiled
def knees(v, i, first, p, q, law, tolerance, node, floor, whole, sure, worst):  # type: ignore[no-untyped-def]
    """Judge lines between two knees, and steeper ones beyond them."""
    leak_of, forward, on, backward, reverse = law
    blur_of = node[0]
    for s in range(len(v)):
        noise, f = whole[s, HUM], s % len(forward)
        good = True
        for k in range(len(p)):
            a, b = np.uint64(p[k]), np.uint64(q[k])
            amps, leak = i[s, first + k], leak_of[0, k]
            drop, blur = v[s, a] - v[s, b], blur_of[s, a] + blur_of[s, b]
            extra = amps - drop * leak
            few = noise + leak * blur + tolerance * abs(drop) * leak
            for side in range(2):
                sign = 1.0 - 2.0 * side
                knee = forward[f, k] if side == 0 else backward[0, k]
                ohms = on[0, k] if side == 0 else reverse[0, k]
                excess = max(sign * extra, 0.0)
                stray, over = excess, 0.0
                allowed = tolerance * abs(drop) + blur
                if ohms * leak < 1.0 and abs(knee) < np.inf:
                    beyond = sign * drop - knee - ohms / (1.0 - ohms * leak) * excess
                    allowed += tolerance * abs(knee)
                    over = max(beyond, 0.0)
                    stray = excess if beyond < -allowed else 0.0
                    if excess > few:
                        whole[s, GAP] += excess * abs(beyond)
                    good &= beyond == beyond
                good &= (over <= allowed) & (stray <= few)
                worst[s, 1], worst[s, 2] = max(worst[s, 1], over), max(worst[s, 2], stray)
            steep = min(on[0, k], reverse[0, k])
            loose = blur / steep if steep > 0.0 else blur * leak
            floor[s, first + k] = loose
            _flow(s, a, b, drop, blur, amps, loose, node, whole)
        sure[s] &= good


@_compiled
def junctions(v, i, first, p, q, law, tolerance, node, floor, whole, sure, worst):  # type: ignore[no-untyped-def]
    """Judge junctions, see `JunctionLaw.junctions`."""
    numbers_of, share, least = law
    blur_of = node[0]
    for s in range(len(v)):
        noise, numbers = whole[s, HUM], numbers_of[s % len(numbers_of)]
        good = True
        for k in range(len(p)):
            a, b, one = np.uint64(p[k]), np.uint64(q[k]), numbers[k]
            amps, inner = i[s, first + k], one[1] * i[s, first + k]
            drop, blur = v[s, a] - v[s, b], blur_of[s, a] + blur_of[s, b]
            u, open_ = drop - inner, blur + share[0, 0] * abs(inner)
            off = _off(one, amps, u, open_) - noise
            if not off <= 0.0:  # with what the tolerance grants, and as figures
                wide = max(tolerance * abs(drop) + open_, least[0, 0])
                good &= _off(one, amps, u, wide) <= tolerance * abs(amps) + noise < np.inf
                rise = (_current(one, u + wide) - _current(one, u - wide)) / (2.0 * wide)
                worst[s, 0] = max(worst[s, 0], off / (abs(amps) + rise * abs(drop)))
                whole[s, GAP] += off * (off / rise)
            floor[s, first + k] = share[0, 0] * (one[2] + one[6])
            _flow(s, a, b, drop, blur, amps, floor[s, first + k], node, whole)
        sure[s] &= good


@_compiled
def _off(one, amps, u, blur):  # type: ignore[no-untyped-def]
    """Return by how much a current is off what flows at voltages within a blur."""
    low, high, seam, off = u - blur, u + blur, -3.0 * one[3], np.inf
    amps, slack = amps - one[0] * u, one[0] * blur
    # each side of the seam by itself: where a step is, no current between is allowed
    if low < seam:
        least, most = _below(one, low), _below(one, min(high, seam))
        off = max(least - amps, amps - most) - slack
    if high >= seam:
        least, most = _above(one, max(low, seam)), _above(one, high)
        off = min(off, max(least - amps, amps - most) - slack)
    return off


@_compiled
def _current(one, u):  # type: ignore[no-untyped-def]
    return (_below(one, u) if u < -3.0 * one[3] else _above(one, u)) + one[0] * u


@_compiled
def _above(one, u):  # type: ignore[no-untyped-def]
    amps = one[2] * math.expm1(min(u / one[3], MOST))
    if one[6] > 0.0:
        away = 1.0 - u / one[8]
        depth = math.sqrt(away * away + 0.005) ** one[9]
        amps += one[6] * math.expm1(min(u / one[7], MOST)) * depth
    return amps / (1.0 + math.sqrt(amps / one[10])) if amps > 0.0 else amps


@_compiled
def _below(one, u):  # type: ignore[no-untyped-def]
    pull, deep = 3.0 * one[3] / (math.e * u), -u - one[4]
    amps = one[2] * (math.exp(min(deep / one[5], MOST)) if deep > 0.0 else 1.0 + pull * pull * pull)
    return -amps / (1.0 + math.sqrt(amps / one[11]))


@_compiled
def carry(v, i, first, p, q, node, floor, whole):  # type: ignore[no-untyped-def]
    """Add the currents of elements that others judge, in which `floor` is open."""
    for s in range(len(v)):
        for k in range(len(p)):
            a, b = np.uint64(p[k]), np.uint64(q[k])
            drop, blur = v[s, a] - v[s, b], node[0][s, a] + node[0][s, b]
            amps, loose = i[s, first + k], floor[s, first + k]
            _flow(s, a, b, drop, blur, amps, loose, node, whole)


@_compiled
def balance(p, q, tolerance, loudest, blur, node, floor, whole, sure, worst, room):  # type: ignore[no-untyped-def]
    """Judge the sums of currents at nodes, and at clusters of nodes, and that of all power.

    `blur` is what rounding leaves of a number.
    """
    _, total, size, open_ = node
    for s in range(len(sure)):
        # beside what is infinite all is small
        high, good = 0.0, whole[s, HUM] + whole[s, VOLTS] < np.inf
        for k in range(total.shape[1]):
            high = max(high, size[s, k])
        noise, most = blur * high, loudest * high
        for k in range(total.shape[1]):
            left, flow = abs(total[s, k]), size[s, k]
            good &= left <= tolerance * flow + noise + min(open_[s, k], most)
            worst[s, 3] = max(worst[s, 3], left)
            worst[s, 4] = max(worst[s, 4], left / flow if flow > 0.0 else left)
        if good:
            good = _clusters(s, p, q, tolerance, noise, node, floor, room)
        left, flow = abs(whole[s, POWER]) + whole[s, GAP], whole[s, SIZE]
        rounding = whole[s, NOISE] + whole[s, HUM] * whole[s, VOLTS]
        good &= left <= tolerance * flow + rounding
        worst[s, 5] = max(worst[s, 5], left / max(1.0, flow))
        sure[s] &= good


@_compiled
def _clusters(s, p, q, tolerance, noise, node, floor, room):  # type: ignore[no-untyped-def]
    """Tell whether what clusters exchange with the rest balances.

    They are made by the elements in whose currents rounding leaves more open than may be missing
    at an end.
    """
    _, total, size, _ = node
    root, left, allowed = room
    n, loud = len(root), False
    for k in range(len(p)):
        if floor[s, k] > tolerance * min(size[s, np.uint64(p[k])], size[s, np.uint64(q[k])]):
            if not loud:
                for a in range(n):
                    root[a] = a
                loud = True
            a, b = _root(root, p[k]), _root(root, q[k])
            root[max(a, b)] = min(a, b)
    if not loud:
        return True
    for k in range(n):
        left[k] = allowed[k] = 0.0
    for k in range(n):
        a = _root(root, k)
        left[a] += total[s, k]
        allowed[a] += tolerance * size[s, k]
    for k in range(len(p)):
        if not floor[s, k] > tolerance * min(size[s, p[k]], size[s, q[k]]):
            allowed[root[p[k]]] += floor[s, k]
            allowed[root[q[k]]] += floor[s, k]
    good = True
    for k in range(n):
        good &= abs(left[k]) <= allowed[k] + noise
    return good


@_compiled
def _root(root, k):  # type: ignore[no-untyped-def]
    while root[k] != k:
        root[k] = root[root[k]]
        k = root[k]
    return k
