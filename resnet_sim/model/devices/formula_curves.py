"""Which sources of current never fall as their own voltage rises, and these as curves.

A source of current whose formula reads nothing but the voltage across itself is a resistor, and
if that formula never falls its co-content is convex: it is a curve, as a junction is.
Piecewise-linear formulas are multiplied out, which tells for sure; for others see `trends`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...arrays import Floats, Ints
from ...curves import Curve
from ...curves.function import FunctionCurve
from ...curves.straight import StraightCurve
from ..derivatives import FUNCTIONS, Program, evaluate
from ..formula import Formula, Sum, shape, stacked
from ..trends import rises
from ..units import Clamp, Clamped

#: Relative fall that is rounding.
ROUNDING = 1e-12


def of_own_voltage(formula: Formula, p: int, q: int) -> Formula | None:
    """Return a formula of nodes as one of input 0, the voltage from p to q; None if it is not.

    Examples
    --------
    >>> from resnet_sim.model.formula import Call, Formula, Sum
    >>> from resnet_sim.model.devices.formula_curves import of_own_voltage
    >>> sinh = Call("sinh", (Sum(0.0, ((1, 3.0), (2, -3.0))),))
    >>> of_own_voltage(Formula(Sum(calls=((0, 1e-4),)), (sinh,)), 1, 2).calls[0].arguments[0]
    Sum(constant=0.0, voltages=((0, 3.0),), currents=(), calls=())
    """
    if p == q or not formula.calls or formula.elements() or not set(formula.nodes()) <= {0, p, q}:
        return None
    if any(_across(some, p, q) is None for some in formula.sums()):
        return None

    def own(some: Sum) -> Sum:
        gain = _across(some, p, q)
        return some._replace(voltages=((0, gain),) if gain else ())

    return formula.mapped(own)


def _across(some: Sum, p: int, q: int) -> float | None:
    """Return by what a sum multiplies the voltage from p to q; None if it needs others."""
    gains = {0: 0.0, p: 0.0, q: 0.0}
    for node, gain in some.voltages:
        gains[int(node)] += gain
    ahead, back = gains[p] if p else -gains[q], -gains[q] if q else gains[p]
    return ahead if ahead == back else None


# ---- piecewise linear ----


class Lines(NamedTuple):
    """Lines through points, shape (knots,), which go on with slopes `before` and `after`."""

    x: Floats
    y: Floats
    before: float
    after: float

    def at(self, x: Floats) -> Floats:
        """Return values."""
        inside = np.interp(x, self.x, self.y)
        left, right = np.minimum(x - self.x[0], 0.0), np.maximum(x - self.x[-1], 0.0)
        return np.asarray(inside + self.before * left + self.after * right)

    @property
    def rises(self) -> bool:
        """Tell whether they fall nowhere, but for rounding."""
        steps = np.diff(self.y)
        blur = ROUNDING * float(np.abs(self.y).max())
        steep = ROUNDING * (abs(self.before) + abs(self.after))
        return bool((steps >= -blur).all() and min(self.before, self.after) >= -steep)

    def clamped(self, low: float, high: float) -> Lines:
        """Return ``min(max(y, low), high)``."""
        x = [self.x]
        for bound in (low, high):
            if np.isfinite(bound):
                x.append(self._crossings(bound))
        knots = np.unique(np.concatenate(x))
        knots = knots[np.append(True, np.diff(knots) > 4e-16 * np.abs(knots[1:]))]
        ends = []
        for slope, sign in ((self.before, -1.0), (self.after, 1.0)):
            bound = high if sign * slope > 0 else low
            ends.append(0.0 if slope == 0 or np.isfinite(bound) else slope)
        return Lines(knots, np.clip(self.at(knots), low, high), *ends)

    def _crossings(self, bound: float) -> Floats:
        """Return where the lines pass a value."""
        off = self.y - bound
        over = np.flatnonzero(off[1:] * off[:-1] < 0)
        share = off[over] / (off[over] - off[over + 1])
        found = list(self.x[over] + share * (self.x[over + 1] - self.x[over]))
        for k, slope, sign in ((0, self.before, -1.0), (-1, self.after, 1.0)):
            if slope * off[k] * sign < 0:
                found.append(self.x[k] - off[k] / slope)
        return np.array(found)


def lines_of(formula: Clamped) -> Lines | None:
    """Return a function of input 0 as lines, None where it jumps or bends otherwise."""
    if formula.smooth or formula.steps:
        return None
    units: list[Lines] = []
    for unit in formula.units:
        assert isinstance(unit, Clamp)
        units.append(_added(unit.argument, units).clamped(unit.low, unit.high))
    return _added(formula.value, units)


def _added(some: Sum, units: list[Lines]) -> Lines:
    """Return a sum of lines."""
    knots = np.unique(np.concatenate([np.zeros(1), *(units[k].x for k, _ in some.calls)]))
    knots = knots[np.append(True, np.diff(knots) > 4e-16 * np.abs(knots[1:]))]
    slope = sum(gain for _, gain in some.voltages)
    y, before, after = some.constant + slope * knots, slope, slope
    for k, gain in some.calls:
        y = y + gain * units[k].at(knots)
        before, after = before + gain * units[k].before, after + gain * units[k].after
    return Lines(knots, y, before, after)


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
