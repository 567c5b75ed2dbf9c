"""Currents that never fall as their own voltage rises: which formulas are such.

A source of current whose formula reads nothing but the voltage across itself is a resistor, and
if that formula never falls its co-content is convex: it is a curve, as a junction is.
Piecewise-linear formulas are multiplied out, which tells for sure.  Of others it is known how each
function moves with what it is of; where that says nothing, they are not taken for curves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..arrays import Floats
from .clamps import Clamp, Clamped
from .formula import Call, Formula, Sum

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

    calls = (Call(call.name, tuple(map(own, call.arguments))) for call in formula.calls)
    return Formula(own(formula.value), tuple(calls))


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


# ---- what else there is ----


class Trend(NamedTuple):
    """How a value moves with the voltage x.

    Attributes
    ----------
    up, down : bool
        It never falls, or never rises; both for a constant.
    odd, even : int
        Times this sign the value is 0 at x = 0, has the sign of x elsewhere and a size that grows
        with that of x; or it is 0 or more everywhere and grows with the size of x.
    """

    up: bool = False
    down: bool = False
    odd: int = 0
    even: int = 0

    def times(self, factor: float) -> Trend:
        """Return that of a multiple."""
        if factor == 0:
            return constant(0.0)
        sign = 1 if factor > 0 else -1
        up, down = (self.up, self.down) if sign > 0 else (self.down, self.up)
        return Trend(up, down, sign * self.odd, sign * self.even)

    def plus(self, other: Trend) -> Trend:
        """Return that of a sum."""
        odd = self.odd if self.odd == other.odd else 0
        even = self.even if self.even == other.even else 0
        return Trend(self.up and other.up, self.down and other.down, odd, even)


def constant(value: float) -> Trend:
    """Return the trend of a number; zero counts as odd where it is added, see `_trend`."""
    return Trend(True, True, 0, 1 if value > 0 else -1 if value < 0 else 0)


def rises(formula: Formula) -> bool:
    """Tell whether a formula of input 0 is known never to fall, and defined everywhere."""
    found: list[Trend] = []
    for call in formula.calls:
        arguments = [_trend(some, found) for some in call.arguments]
        rule = _RULES.get(call.name)
        found.append(Trend() if rule is None else rule(call, arguments))
    return _trend(formula.value, found).up


def _trend(some: Sum, found: list[Trend]) -> Trend:
    terms = [Trend(True, False, 1).times(gain) for _, gain in some.voltages if gain]
    terms += [found[k].times(gain) for k, gain in some.calls if gain]
    if some.constant or not terms:
        terms.append(constant(some.constant))
    total = terms[0]
    for term in terms[1:]:
        total = total.plus(term)
    return total


def _increasing(call: Call, arguments: list[Trend]) -> Trend:
    """Functions that rise and pass through the origin."""
    return arguments[0]


def _exponential(call: Call, arguments: list[Trend]) -> Trend:
    of = arguments[0]
    return Trend(of.up, of.down, 0, 1 if of.even > 0 else 0)


def _even(call: Call, arguments: list[Trend]) -> Trend:
    """Functions that are 0 or more and grow with the size of what they are of."""
    of = arguments[0]
    if of.up and of.down:
        return constant(1.0)
    return Trend(even=1) if of.odd or of.even else Trend()


def _product(call: Call, arguments: list[Trend]) -> Trend:
    one, other = arguments
    if one.odd and other.odd:
        return Trend(even=one.odd * other.odd)
    if one.even and other.even:
        flat = one.up and one.down and other.up and other.down
        return Trend(flat, flat, 0, one.even * other.even)
    for odd, even in ((one, other), (other, one)):
        if odd.odd and even.even:
            sign = odd.odd * even.even
            return Trend(sign > 0, sign < 0, sign)
        if even.up and even.down and even.even:  # a number
            return odd.times(even.even)
    return Trend()


def _power(call: Call, arguments: list[Trend]) -> Trend:
    base, exponent = arguments[0], call.arguments[1]
    if not exponent.is_constant or exponent.constant < 1:
        return Trend()
    n = exponent.constant
    if n % 2 == 1 and base.odd:
        return Trend(base.up, base.down, base.odd)
    if base.even > 0 or (n % 2 == 0 and (base.odd or base.even)):
        return Trend(even=1)
    return Trend()


def _size_power(call: Call, arguments: list[Trend]) -> Trend:
    exponent = call.arguments[1]
    grows = exponent.is_constant and exponent.constant >= 1
    return _even(call, arguments) if grows else Trend()


def _signed_power(call: Call, arguments: list[Trend]) -> Trend:
    exponent = call.arguments[1]
    return arguments[0] if exponent.is_constant and exponent.constant >= 1 else Trend()


def _clamp(call: Call, arguments: list[Trend]) -> Trend:
    if not all(some.is_constant for some in call.arguments[1:]):
        return Trend()
    return Trend(arguments[0].up, arguments[0].down)


def _extreme(call: Call, arguments: list[Trend]) -> Trend:
    return Trend(all(a.up for a in arguments), all(a.down for a in arguments))


def _given_by_points(call: Call, arguments: list[Trend]) -> Trend:
    points = call.arguments[1:]
    if not all(point.is_constant for point in points):
        return Trend()
    x, y = (np.array([point.constant for point in points[k::2]]) for k in (0, 1))
    if not (np.diff(x) > 0).all():
        return Trend()
    up, down = bool((np.diff(y) >= 0).all()), bool((np.diff(y) <= 0).all())
    of = arguments[0]
    return Trend((of.up and up) or (of.down and down), (of.up and down) or (of.down and up))


_RULES: dict[str, Callable[[Call, list[Trend]], Trend]] = {
    **dict.fromkeys(("sinh", "tanh", "atan", "asinh", "cbrt", "sqrts"), _increasing),
    **dict.fromkeys(("abs", "cosh", "sqr"), _even),
    **dict.fromkeys(("limit", "uramp", "u2"), _clamp),
    **dict.fromkeys(("min", "max"), _extreme),
    **dict.fromkeys(("table", "pwl"), _given_by_points),
    **dict.fromkeys(("**", "pow", "powi"), _power),
    "exp": _exponential,
    "*": _product,
    "pwr": _size_power,
    "pwrs": _signed_power,
}
