"""Sources given by formulas: evaluated as they stand, with all that rounding leaves open.

Every value is an interval, from the voltages and currents with their roundings.  Where a step
lies within it, both ends and all between them are possible: ideal comparators rest there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..arrays import Bools, Floats
from ..model.devices import BehaviouralSources
from ..model.formula import Formula, Sum
from ..model.numbers import LARGEST
from .check import EPS, ROUNDINGS, Check, largest
from .intervals import FUNCTIONS, Interval
from .law import Law

if TYPE_CHECKING:
    from .influence import Influence
    from .judged import Judged

#: share of the voltages by which they are moved to see what a formula makes of that
SMALL = 1e-6


class BehaviouralSourceLaw(Law[BehaviouralSources]):
    """The formula, as its functions are defined."""

    device = BehaviouralSources
    curved = True

    def certify(self, check: Check) -> None:
        """Judge against the interval of what the formula may be."""
        rows = range(self.rows.start, self.rows.stop)
        for k, (row, formula) in enumerate(zip(rows, self.table.formulas, strict=True)):
            low, high = _value(formula, check.v, check.i, check.node_blur)
            is_voltage = bool(self.table.is_voltage[k])
            actual = (check.drop if is_voltage else check.i)[:, row]
            error = np.maximum(np.maximum(low - actual, actual - high), 0.0)
            # beside such voltages rounding would excuse everything
            error = np.where(np.abs(actual) > LARGEST, np.inf, error)
            # as in voltages, rounding of the highest may be all that there is
            least = np.ravel(check.nothing + 4 * EPS * largest(np.abs(check.i)))
            blur = check.blur[:, row] if is_voltage else least + 0.0 * error
            columns = (error, np.abs(actual), blur)
            check.linear(self.table.names[k : k + 1], "formula", *(c[:, None] for c in columns))

    def growth(self, v: Floats) -> Floats | None:
        """By the formulas, a little to either side."""
        table = self.table
        found = np.zeros(len(table))
        for k, formula in enumerate(table.formulas):
            p, q = int(table.p[k]), int(table.q[k])
            if table.is_voltage[k] or formula.elements() or not {*formula.nodes()} <= {0, p, q}:
                return None
            step = SMALL * (1.0 + abs(v[p]) + abs(v[q]))
            moved = np.tile(v, (6, 1))
            for row, sign in ((1, 1.0), (3, -1.0)):
                moved[row, p] += sign * step
                moved[row + 1, q] -= sign * step
            moved[5, [p, q]] += 0.0 if 0 in (p, q) else step
            moved[:, 0] = v[0]
            nothing = np.zeros((6, 0))
            low, high = _value(formula, moved, nothing, 0.0 * moved)
            ends = np.array([end for end, node in ((0, p), (1, q)) if node], dtype=int)
            above, below = low[1 + ends] - high[0], low[0] - high[3 + ends]
            if (high[1 + ends] < low[0]).any() or high[5] < low[0] or low[5] > high[0]:
                return None
            least = np.concatenate((above, below)).min() if len(ends) else 0.0
            found[k] = max(float(least), 0.0) / step
        return found

    def ties(self, closed: Bools) -> Bools:
        """Those of voltage."""
        return self.table.is_voltage

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
        """By what is added to the formula, whose value is what it amounts to."""
        v, i = at.v[None], at.i[None]
        for k, (name, formula) in enumerate(
            zip(self.table.names, self.table.formulas, strict=True)
        ):
            by = at.by_volts if self.table.is_voltage[k] else at.by_amps
            low, high = (float(end[0]) for end in _value(formula, v, i, 0.0 * v))
            at.note(f"{name}:formula", 0.5 * (low + high), by[self.rows.start + k])


def _value(formula: Formula, v: Floats, i: Floats, blur: Floats) -> Interval:
    """Return what a formula may be, given voltages, currents, and how far the former are off."""
    found: list[Interval] = []
    for call in formula.calls:
        arguments = [_sum(some, v, i, blur, found) for some in call.arguments]
        value = FUNCTIONS[call.name](arguments)
        found.append(_rounded(value))
    return _sum(formula.value, v, i, blur, found)


def _rounded(value: Interval) -> Interval:
    """Return an interval with what rounding of the function leaves open."""
    blur = 4 * EPS * np.nan_to_num(np.maximum(*np.abs(value)), posinf=0.0)
    return value[0] - blur, value[1] + blur


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
        width = width + abs(gain) * ROUNDINGS * EPS * np.abs(i).max(axis=-1)
    low, high = middle - width, middle + width
    for number, gain in some.calls:
        ends = found[number] if gain >= 0 else found[number][::-1]
        low, high = low + gain * ends[0], high + gain * ends[1]
        size = size + np.abs(gain * ends[0]) + np.abs(gain * ends[1])
    # what is beyond all numbers, as exp(1000), has no rounding
    rounding = ROUNDINGS * EPS * np.where(size < np.inf, size - abs(some.constant), 0.0)
    if not some.size:
        rounding = np.zeros(len(v))
    return low - rounding, high + rounding
