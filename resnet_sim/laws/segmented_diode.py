"""The law of diodes of straight pieces: the highest of the lines through neighbouring knots."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ..arrays import Floats
from ..model.devices import SegmentedDiodes
from .check import Check
from .junction import STEP, THERMAL
from .law import Law

if TYPE_CHECKING:
    from .influence import Influence
    from .judged import Judged

#: The largest current of a knot over the smallest.
RANGE = 1e5


def current(table: SegmentedDiodes, v: Floats) -> Floats:
    """Return the current (A) at voltages v (V), shape (points, rows)."""
    ahead = _side(table, v, np.zeros(len(table)), table.emission)
    back = _side(table, -v, table.breakdown, table.breakdown_emission)
    return np.asarray(table.leak * v + ahead - back)


def _side(table: SegmentedDiodes, v: Floats, begin: Floats, steep: Floats) -> Floats:
    """Return what flows in one direction beyond the leak: a convex function is its lines' highest.

    A line through knots at i and j is ``i + (j - i) (v - v_i) / (v_j - v_i)``.
    """
    some, result = np.isfinite(begin), np.zeros(v.shape)
    most = int(table.count.max(initial=0.0))
    for k in range(most if some.any() else 0):
        rows = np.flatnonzero(some & (k < table.count))
        ratio = RANGE ** (1.0 / table.count[rows])
        i = table.least[rows] * RANGE ** (k / table.count[rows])
        j, unit = i * ratio, table.saturation[rows]
        n = THERMAL * steep[rows]
        at = begin[rows] + n * np.log1p(i / unit) + table.series[rows] * i
        # the difference of two logarithms, without cancellation
        rise = n * np.log1p((j - i) / (unit + i)) + table.series[rows] * (j - i)
        line = i + (j - i) * (v[..., rows] - at) / rise
        result[..., rows] = np.maximum(result[..., rows], line)
    return result


class SegmentedDiodeLaw(Law[SegmentedDiodes]):
    """Chords of an exponential in series with a resistance, which increase."""

    device = SegmentedDiodes
    monotone = True

    def certify(self, check: Check) -> None:
        """Judge whether the lines pass by closely enough."""
        v, i, blur = (some[:, self.rows] for some in (check.drop, check.i, check.blur))
        noise = check.few
        wide = check.tolerance * np.abs(v) + blur
        error = self._off(v, i, wide)
        check.judge(self.table.names, f"{self.table.kind} (A)", error,
                    check.tolerance * np.abs(i) + noise)  # fmt: skip
        error = np.maximum(self._off(v, i, blur) - noise, 0.0)
        rise = (current(self.table, v + wide) - current(self.table, v - wide)) / (2 * wide)
        with np.errstate(invalid="ignore", divide="ignore"):
            relative = error / (np.abs(i) + rise * np.abs(v))
            check.law = max(check.law, float(np.nan_to_num(relative).max(initial=0.0)))
            # content and co-content exceed v i by no more than the rectangle
            check.gap += np.nan_to_num(error * (error / rise)).sum(axis=-1)

    def _off(self, v: Floats, i: Floats, blur: Floats) -> Floats:
        """Return by how much currents are off what flows at voltages within a blur."""
        high, low = current(self.table, v + blur), current(self.table, v - blur)
        return np.asarray(np.maximum(np.maximum(i - high, low - i), 0.0))

    def openness(self, check: Check) -> Floats:
        """What flows more at voltages that differ by rounding."""
        v, blur = check.drop[:, self.rows], check.blur[:, self.rows]
        return np.asarray(current(self.table, v + blur) - current(self.table, v - blur))

    def judge(self, judged: Judged) -> None:
        """What flows at a voltage."""
        v, ends = judged.drop[self.rows], judged.ends[self.rows]
        i, rise = current(self.table, v), self._rise(v)
        judged.known[self.rows] = i
        judged.size[self.rows] = np.abs(i) + rise * ends

    def _rise(self, v: Floats) -> Floats:
        """Return slopes, S."""
        step = 1e-9 * (1.0 + np.abs(v))
        return np.asarray(
            (current(self.table, v + step) - current(self.table, v - step)) / step / 2
        )

    def derive(self, at: Influence) -> None:
        """By each parameter that has a value: what the current does at the same voltage."""
        table, v, push = self.table, at.drop[self.rows], at.by_amps[self.rows]
        for column, key in PARAMETERS.items():
            values = getattr(table, column)
            above, below = (
                current(dataclasses.replace(table, **{column: values * (1 + s)}), v)
                for s in (STEP, -STEP)
            )
            for k, name in enumerate(table.names):
                # what is absent has no derivative: zero is none, as infinity is
                if values[k] and np.isfinite(values[k]):
                    slope = (above[k] - below[k]) / (2 * STEP * values[k])
                    at.note(name + key, values[k], push[k] * slope)


#: column -> what is behind the name of an element where its derivative stands
PARAMETERS = {
    "saturation": "", "emission": ":n", "series": ":rs", "leak": ":gmin", "breakdown": ":bv",
    "breakdown_emission": ":nbv", "least": ":ipieces",
}  # fmt: skip
