"""Currents that never fall as their own voltage rises: which formulas are such.

A source of current whose formula reads nothing but the voltage across itself is a resistor, and
if that formula never falls its co-content is convex: it is a curve, as a junction is.
Piecewise-linear formulas are multiplied out, which tells for sure; for others see `trends`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..arrays import Floats
from .formula import Formula, Sum
from .units import Clamp, Clamped

#: Relative fall that is rounding.
ROUNDING = 1e-12


def of_own_voltage(formula: Formula, p: int, q: int) -> Formula | None:
    """Return a formula of nodes as one of input 0, the voltage from p to q; None if it is not.

    Examples
    --------
    >>> from resnet_sim.model.formula import Call, Formula, Sum
    >>> from resnet_sim.model.own_voltage import of_own_voltage
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
