"""Sources of current that never fall as their own voltage rises, as curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...arrays import Floats, Ints
from ...curves import Curve
from ...curves.function import FunctionCurve
from ...curves.straight import StraightCurve
from ..alike import shape, stacked
from ..derivatives import FUNCTIONS, Program, evaluate
from ..formula import Formula
from ..own_voltage import Lines, lines_of, of_own_voltage
from ..trends import rises
from ..units import Clamped

#: V and A: a current that is not larger at so high a voltage never will be
FAR, LARGE = 1e300, 1e30


class Rising(NamedTuple):
    """A formula of input 0, as lines where it is piecewise linear, and its value at 0 V."""

    formula: Formula
    lines: Lines | None
    rest: float


def rising(formula: Formula, clamped: Clamped, p: int, q: int) -> Rising | None:
    """Return what a current is of its own voltage, None where it is not known to rise with it.

    `clamped` is the formula as sums of clamps, see `clamps`.
    """
    own = of_own_voltage(formula, p, q)
    if own is None or clamped.steps:
        return None
    if not clamped.smooth:
        from ..clamps import clamped as rewritten

        lines = lines_of(rewritten(own))
        if lines is None or not lines.rises:
            return None
        lines = _spelled_out(own, lines)
        rest = float(lines.at(np.zeros(1))[0])
        return Rising(own, lines, rest) if np.isfinite(rest) else None
    value, slope = evaluate(own, np.zeros((1, 1)))
    if not (np.isfinite(value[0]) and np.isfinite(slope[0, 0]) and rises(own)):
        return None
    return Rising(own, None, float(value[0]))


def _spelled_out(formula: Formula, lines: Lines) -> Lines:
    """Return lines as the formula itself has them between and beyond its bends.

    A sum of clamps has lost 1e-20 S beside a slope of 1 kS.
    """
    if not {call.name for call in formula.calls} <= {*FUNCTIONS}:
        return lines
    ends = lines.x[[0, -1]] + np.array([-1.0, 1.0]) * (1.0 + np.abs(lines.x[[0, -1]]))
    value, slope = evaluate(formula, np.append(lines.x, ends)[:, None])
    before, after = np.maximum(slope[-2:, 0], 0.0)
    return Lines(lines.x, value[:-2], float(before), float(after))


def curves_of(every: Sequence[Rising]) -> list[tuple[list[int], Curve]]:
    """Return curves, each with the numbers of what it is of; they pass through the origin."""
    straight = [k for k, some in enumerate(every) if some.lines is not None]
    alike: dict[Any, list[int]] = {}
    for k, some in enumerate(every):
        if some.lines is None:
            alike.setdefault(shape(some.formula), []).append(k)
    found: list[tuple[list[int], Curve]] = []
    if straight:
        found.append((straight, _straight([every[k] for k in straight])))
    found += [(rows, _smooth([every[k] for k in rows])) for rows in alike.values()]
    return found


def _straight(some: Sequence[Rising]) -> Curve:
    lines = [each.lines for each in some if each.lines is not None]
    most = max(len(each.x) for each in lines)
    x, y = (
        np.array([np.pad(getattr(k, name), (0, most - len(k.x)), "edge") for k in lines])
        for name in ("x", "y")
    )
    y = np.maximum.accumulate(y - np.array([each.rest for each in some])[:, None], axis=1)
    before, after = (np.maximum([getattr(k, n) for k in lines], 0.0) for n in ("before", "after"))
    return StraightCurve(x, y, before, after)


def _smooth(some: Sequence[Rising]) -> Curve:
    whole = Program(stacked([each.formula for each in some]))
    rest = np.array([each.rest for each in some])

    def at(v: Floats, rows: Ints) -> tuple[Floats, Floats]:
        value, slope = whole.some(rows).evaluate(v[:, None])
        return value - rest[rows], slope[:, 0]

    every = np.arange(len(some))
    ends = []
    for sign in (-1.0, 1.0):
        amps, _ = at(np.full(len(some), sign * FAR), every)
        ends.append(np.where(np.abs(amps) < LARGE, amps, sign * np.inf))
    return FunctionCurve(at, every, (ends[0], ends[1]))
