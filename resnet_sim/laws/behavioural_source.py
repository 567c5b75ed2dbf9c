"""Sources given by formulas: evaluated as they stand, with all that rounding leaves open.

Every value is an interval, from the voltages and currents with their roundings.  Where a step
lies within it, both ends and all between them are possible: ideal comparators rest there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..arrays import Floats
from ..model.devices import BehaviouralSources
from ..model.formula import Formula, Sum
from .check import EPS, ROUNDINGS, Check
from .law import Law

if TYPE_CHECKING:
    from .influence import Influence
    from .judged import Judged

#: share of the voltages by which they are moved to see what a formula makes of that
SMALL = 1e-6

#: lowest and highest value, shape (points,)
Interval = tuple[Floats, Floats]


class BehaviouralSourceLaw(Law[BehaviouralSources]):
    """The formula, as its functions are defined."""

    device = BehaviouralSources

    def certify(self, check: Check) -> None:
        """Judge against the interval of what the formula may be."""
        rows = range(self.rows.start, self.rows.stop)
        for k, (row, formula) in enumerate(zip(rows, self.table.formulas, strict=True)):
            low, high = _value(formula, check.v, check.i, check.node_blur)
            is_voltage = bool(self.table.is_voltage[k])
            actual = (check.drop if is_voltage else check.i)[:, row]
            error = np.maximum(np.maximum(low - actual, actual - high), 0.0)
            blur = check.blur[:, row] if is_voltage else np.zeros_like(error)
            columns = (error, np.abs(actual), blur)
            check.linear(self.table.names[k : k + 1], "formula", *(c[:, None] for c in columns))

    def openness(self, check: Check) -> Floats:
        """What is open in the currents that the formulas set."""
        found = np.zeros((len(check.v), len(self.table)))
        for k in np.flatnonzero(~self.table.is_voltage):
            low, high = _value(self.table.formulas[k], check.v, check.i, check.node_blur)
            found[:, k] = np.minimum(high - low, np.abs(low) + np.abs(high))
        return found

    def judge(self, judged: Judged) -> None:
        """The formula of the voltages; what currents control is left open."""
        nothing = np.zeros((1, judged.circuit.n_elements))
        v, near = judged.v[None], SMALL * (np.abs(judged.v) + judged.near)[None]
        for k, formula in enumerate(self.table.formulas):
            row = self.rows.start + k
            if formula.elements():
                judged.low[row], judged.high[row] = -np.inf, np.inf
                continue
            low, high = (float(x[0]) for x in _value(formula, v, nothing, 0.0 * v))
            if self.table.is_voltage[k]:
                judged.low[row], judged.high[row] = -np.inf, np.inf
                drop = float(judged.drop[row])
                judged.error[row] = max(low - drop, drop - high, 0.0)
            else:
                judged.known[row], judged.high[row] = low, high - low
                # what the terms are worth, as far as the formula is straight here
                width = np.subtract(*_value(formula, v, nothing, near)[::-1])
                judged.size[row] = abs(low) + float(width[0]) / SMALL

    def derive(self, at: Influence) -> None:
        """Formulas have no values."""


def _value(formula: Formula, v: Floats, i: Floats, blur: Floats) -> Interval:
    """Return what a formula may be, given voltages, currents, and how far the former are off."""
    found: list[Interval] = []
    for call in formula.calls:
        arguments = [_sum(some, v, i, blur, found) for some in call.arguments]
        found.append(_FUNCTIONS[call.name](arguments))
    return _sum(formula.value, v, i, blur, found)


def _sum(some: Sum, v: Floats, i: Floats, blur: Floats, found: Sequence[Interval]) -> Interval:
    middle = np.full(len(v), some.constant)
    size, width = np.abs(middle), np.zeros(len(v))
    for node, gain in some.voltages:
        term = gain * v[:, int(node)]
        middle, size = middle + term, size + np.abs(term)
        width = width + abs(gain) * blur[:, int(node)]
    for element, gain in some.currents:
        term = gain * i[:, int(element)]
        middle, size = middle + term, size + np.abs(term)
    low, high = middle - width, middle + width
    for number, gain in some.calls:
        ends = found[number] if gain >= 0 else found[number][::-1]
        low, high = low + gain * ends[0], high + gain * ends[1]
        size = size + np.abs(gain * ends[0]) + np.abs(gain * ends[1])
    rounding = ROUNDINGS * EPS * (size - np.abs(some.constant)) if some.size else 0.0 * size
    return low - rounding, high + rounding


# ---- functions of intervals ----


def _rising(function: Callable[..., Floats]) -> Callable[[Sequence[Interval]], Interval]:
    """Return what a function that falls in none of its arguments is on intervals."""

    def on(arguments: Sequence[Interval]) -> Interval:
        return function(*(a[0] for a in arguments)), function(*(a[1] for a in arguments))

    return on


def _maximum(*values: Floats) -> Floats:
    return np.asarray(np.max(values, axis=0))


def _minimum(*values: Floats) -> Floats:
    return np.asarray(np.min(values, axis=0))


def _middle(x: Floats, *ends: Floats) -> Floats:
    # of two, the second is the variation of a nominal value
    return np.asarray(np.median([x, *ends], axis=0)) if len(ends) == 2 else x


def _absolute(arguments: Sequence[Interval]) -> Interval:
    ((low, high),) = arguments
    through = (low <= 0) & (high >= 0)
    least = np.where(through, 0.0, np.minimum(np.abs(low), np.abs(high)))
    return least, np.maximum(np.abs(low), np.abs(high))


def _jump(below: float, above: float) -> Callable[[Sequence[Interval]], Interval]:
    def on(arguments: Sequence[Interval]) -> Interval:
        ((low, high),) = arguments
        return np.where(low > 0, above, below), np.where(high < 0, below, above)

    return on


def _over(arguments: Sequence[Interval]) -> Interval:
    """``a > b``."""
    (a, b), (c, d) = arguments
    return _jump(0.0, 1.0)([(a - d, b - c)])


def _under(arguments: Sequence[Interval]) -> Interval:
    return _over(arguments[::-1])


def _opposite(arguments: Sequence[Interval]) -> Interval:
    ((low, high),) = arguments
    return 1.0 - high, 1.0 - low


def _chosen(arguments: Sequence[Interval]) -> Interval:
    (never, always), yes, no = arguments
    surely, hardly = never >= 1.0, always <= 0.0
    low = np.where(surely, yes[0], np.where(hardly, no[0], np.minimum(yes[0], no[0])))
    return low, np.where(surely, yes[1], np.where(hardly, no[1], np.maximum(yes[1], no[1])))


def _product(arguments: Sequence[Interval]) -> Interval:
    (a, b), (c, d) = arguments
    ends = np.array([a * c, a * d, b * c, b * d])
    return ends.min(axis=0), ends.max(axis=0)


def _quotient(arguments: Sequence[Interval]) -> Interval:
    over, (low, high) = arguments
    none = (low <= 0) & (high >= 0)
    ends = (1.0 / np.where(none, 1.0, high), 1.0 / np.where(none, 1.0, low))
    found = _product([over, ends])
    return np.where(none, np.nan, found[0]), np.where(none, np.nan, found[1])


def _interpolated(held: bool) -> Callable[[Sequence[Interval]], Interval]:
    """Return a function given by points: its ends on an interval, and all points within."""

    def on(arguments: Sequence[Interval]) -> Interval:
        (low, high), *points = arguments
        at, values = (np.array([float(p[0][0]) for p in points[k::2]]) for k in (0, 1))
        ends = [_along(x, at, values, held) for x in (low, high)]
        inside = (at >= low[:, None]) & (at <= high[:, None])
        least = np.where(inside, values, np.inf).min(axis=1)
        most = np.where(inside, values, -np.inf).max(axis=1)
        return np.minimum(np.minimum(*ends), least), np.maximum(np.maximum(*ends), most)

    return on


def _along(x: Floats, at: Floats, values: Floats, held: bool) -> Floats:
    found = np.interp(x, at, values)
    if held or len(at) < 2:
        return found
    before = values[0] + (x - at[0]) * (values[1] - values[0]) / (at[1] - at[0])
    after = values[-1] + (x - at[-1]) * (values[-1] - values[-2]) / (at[-1] - at[-2])
    return np.where(x < at[0], before, np.where(x > at[-1], after, found))


_FUNCTIONS: dict[str, Callable[[Sequence[Interval]], Interval]] = {
    "max": _rising(_maximum),
    "min": _rising(_minimum),
    "limit": _rising(_middle),
    "uramp": _rising(lambda x: np.maximum(x, 0.0)),
    "u2": _rising(lambda x: np.clip(x, 0.0, 1.0)),
    "abs": _absolute,
    "u": _jump(0.0, 1.0),
    "sgn": _jump(-1.0, 1.0),
    ">": _over,
    ">=": _over,
    "<": _under,
    "<=": _under,
    "&&": _rising(_minimum),
    "||": _rising(_maximum),
    "!": _opposite,
    "if": _chosen,
    "*": _product,
    "/": _quotient,
    "table": _interpolated(True),
    "pwl": _interpolated(False),
}
