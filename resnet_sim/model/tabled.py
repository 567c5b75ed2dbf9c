"""Currents of elements that are given by points, as formulas of their voltage.

Straight lines between the points, or the cubic of Fritsch and Carlson, "Monotone piecewise cubic
interpolation", SIAM J. Numer. Anal. 17 (1980) 238, which never falls where the points don't.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from .formula import Call, Formula, Sum
from .softened import P, Q

_ACROSS = Sum(voltages=((P, 1.0), (Q, -1.0)))


def straight(v: Sequence[float], i: Sequence[float]) -> Formula:
    """Return lines through points (V, A), which go on beyond the first and the last."""
    points = (Sum(x) for point in zip(v, i, strict=True) for x in point)
    return Formula(_call(0), (Call("pwl", (_ACROSS, *points)),))


def cubic(v: Sequence[float], i: Sequence[float]) -> Formula:
    """Return a smooth curve through points whose currents never fall, straight beyond the ends.

    Each interval adds a polynomial of ``t``, the voltage from its beginning and no more than its
    width.
    """
    widths = [b - a for a, b in pairwise(v)]
    chords = [(b - a) / w for (a, b), w in zip(pairwise(i), widths, strict=True)]
    slopes = _slopes(widths, chords)
    calls: list[Call] = []
    total = Sum(i[0])
    for k, (width, chord) in enumerate(zip(widths, chords, strict=True)):
        one, other = slopes[k], slopes[k + 1]
        t = len(calls)
        calls.append(Call("limit", (_ACROSS.plus(Sum(-v[k])), Sum(), Sum(width))))
        calls.append(Call("*", (_call(t), _call(t))))
        calls.append(Call("*", (_call(t), _call(t + 1))))
        square = (3.0 * chord - 2.0 * one - other) / width
        cube = (one + other - 2.0 * chord) / (width * width)
        for power, factor in enumerate((one, square, cube)):
            total = total.plus(_call(t + power), factor)
    for end, slope, sign in ((v[0], slopes[0], -1.0), (v[-1], slopes[-1], 1.0)):
        calls.append(Call("uramp", (_ACROSS.plus(Sum(-end)).scaled(sign),)))
        total = total.plus(_call(len(calls) - 1), sign * slope)
    return Formula(total, tuple(calls))


def _slopes(widths: Sequence[float], chords: Sequence[float]) -> list[float]:
    """Return slopes at the points: means of those beside them, drawn in where they overshoot."""
    slopes = [chords[0]]
    for k in range(1, len(chords)):
        before, after = chords[k - 1], chords[k]
        weight = widths[k - 1] + widths[k]
        mean = (widths[k] * before + widths[k - 1] * after) / weight
        slopes.append(mean if before * after > 0 else 0.0)
    slopes.append(chords[-1])
    for k, chord in enumerate(chords):
        if chord == 0:
            slopes[k] = slopes[k + 1] = 0.0
            continue
        size = math.hypot(slopes[k] / chord, slopes[k + 1] / chord)
        if size > 3.0:
            slopes[k] *= 3.0 / size
            slopes[k + 1] *= 3.0 / size
    return slopes


def _call(number: int) -> Sum:
    return Sum(calls=((number, 1.0),))
