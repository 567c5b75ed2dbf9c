"""Laws of other simulators that are formulas here: rounded knees, moving switches, tables.

Each is the current of an element as a formula of its voltage, and of what controls it.  Between
the points of a table lead straight lines, or the cubic of Fritsch and Carlson, "Monotone piecewise
cubic interpolation", SIAM J. Numer. Anal. 17 (1980) 238, which never falls where the points don't.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

from .formula import Call, Formula, Sum

#: the ends of an element, by names that no node has
P, Q = "\0p", "\0q"
_ACROSS = Sum(voltages=((P, 1.0), (Q, -1.0)))
_call = Sum.of_call


def switch(control: Sum, r_on: float, r_off: float, threshold: float, half: float) -> Formula:
    """Return the current of a switch that moves while its control is near the threshold.

    With ``t`` from -1 to 1 where the control is within `half` of the threshold, the logarithm of
    the resistance is that of ``sqrt(r_on r_off)``, plus ``ln(r_on / r_off) (3 t - t^3) / 4``
    (PSpice Reference Guide, voltage-controlled switch).
    """
    place = control.scaled(1.0 / half).plus(Sum(-threshold / half))
    ratio = math.log(r_on / r_off)
    calls = [Call("limit", (place, Sum(-1.0), Sum(1.0)))]
    for _ in range(2):
        calls.append(Call("*", (_call(0), _call(len(calls) - 1))))
    logarithm = Sum(
        -0.5 * (math.log(r_on) + math.log(r_off)), calls=((0, -0.75 * ratio), (2, 0.25 * ratio))
    )
    calls.append(Call("exp", (logarithm,)))
    calls.append(Call("*", (_ACROSS, _call(3))))
    return Formula(_call(4), tuple(calls))


def diode(values: Mapping[str, float]) -> Formula:
    """Return the current of a piecewise-linear diode whose knees are rounded or which is limited.

    From each knee on the slope grows over `epsilon` volts, so that the current is a parabola, and
    what more flows is ``A tanh(x / (r A))`` at x volts beyond, where A is what is left to the
    limit (LTspice's law: "tanh() fit to the slope of the on region").

    Parameters
    ----------
    values : mapping of str to float
        Columns of `Diodes`, and `epsilon`, `epsilon_reverse` (V), `limit`, `limit_reverse` (A).

    Raises
    ------
    ValueError
        If a limit is below the current at the knee.
    """
    leak = 1.0 / values["r_off"]
    ends, calls, total = [], [], Sum()
    for sign, knee, ohms, width, most in (
        (1.0, "v_forward", "r_on", "epsilon", "limit"),
        (-1.0, "v_reverse", "r_reverse", "epsilon_reverse", "limit_reverse"),
    ):
        volts, steep = values[knee], 1.0 / values[ohms]
        if not math.isfinite(volts):
            ends.append(sign * math.inf)
            continue
        begin = volts + values[width]
        ends.append(sign * begin)
        over = _ACROSS.scaled(sign).plus(Sum(-volts))
        if values[width]:
            calls.append(Call("limit", (over, Sum(), Sum(values[width]))))
            calls.append(Call("*", (_call(len(calls) - 1), _call(len(calls) - 1))))
            rounded = 0.5 * sign * (steep - leak) / values[width]
            total = total.plus(_call(len(calls) - 1), rounded)
        left = values[most] - leak * begin - 0.5 * (steep - leak) * values[width]
        if left <= 0:
            raise ValueError("a limit is below the current at the knee")
        calls.append(Call("uramp", (over.plus(Sum(-values[width])),)))
        beyond = _call(len(calls) - 1)
        if math.isfinite(left):
            calls.append(Call("tanh", (beyond.scaled(steep / left),)))
            beyond = _call(len(calls) - 1).scaled(left / steep)
        total = total.plus(beyond, sign * steep)
    if leak:
        bounds = (Sum(min(max(end, -1e300), 1e300)) for end in ends[::-1])
        calls.append(Call("limit", (_ACROSS, *bounds)))
        total = total.plus(_call(len(calls) - 1), leak)
    return Formula(total, tuple(calls))


def at(formula: Formula, p: str, q: str) -> Formula:
    """Return a formula with the names of the ends of an element."""
    ends: dict[str | int, str] = {P: p, Q: q}
    return formula.renamed(lambda node: ends.get(node, node), lambda element: element)


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
