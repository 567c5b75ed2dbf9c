"""Curves in series and in parallel are curves: voltages, or currents, add up."""

from __future__ import annotations

from typing import Self

import numpy as np

from ..arrays import Floats, Ints
from .curve import Curve, Points
from .resolvent import meeting

#: Most steps; Newton's method takes three to six.
STEPS = 200
#: Steps after which every other one halves the bounds.
PATIENCE = 20
#: Relative step that ends Newton's method: the next one would be its square.
CLOSE = 1e-8
#: The smallest number that has all its digits, and the largest exponent.
TINY, MOST = 1e-290, 690.0
EPS = 2.0**-52


class _Compound(Curve):
    """Each row is some parts, a curve each.

    Parameters
    ----------
    parts : Curve
    owner : ndarray of int, shape (parts,)
        The row that each part belongs to.
    sense : ndarray of float, shape (parts,)
        1, or -1 for parts that stand the other way round.
    scale : ndarray of float, shape (parts,)
        The current of a part at a voltage v across it is ``f(scale * v) / scale``.
    count : int
        Rows.
    """

    def __init__(self, parts: Curve, owner: Ints, sense: Floats, scale: Floats, count: int) -> None:
        self.parts, self.owner, self.sense, self.scale = parts, owner, sense, scale
        self.count = count

    def __len__(self) -> int:
        return self.count

    @property
    def size(self) -> int:
        """The parts are evaluated."""
        return self.parts.size

    def take(self, rows: Ints) -> Self:
        """Return some rows, none of them twice."""
        number = np.full(self.count, -1)
        number[rows] = np.arange(len(rows))
        chosen = np.flatnonzero(number[self.owner] >= 0)
        return type(self)(
            self.parts.take(chosen), number[self.owner[chosen]], self.sense[chosen],
            self.scale[chosen], len(rows),
        )  # fmt: skip

    def alone(self, s: Floats, r: Floats) -> Points:
        """Return where each part meets the line of its row, in its own sense and scale."""
        found = self.parts.point(self.sense * s[self.owner] * self.scale, r[self.owner])
        return Points(found.v / self.scale, found.i / self.scale, found.slope)

    def total(self, values: Floats) -> Floats:
        """Return sums over the parts of each row."""
        return np.asarray(np.bincount(self.owner, values, self.count), dtype=float)

    def limited(self) -> tuple[Floats, Floats]:
        """Return the limits of the parts in the sense of their rows."""
        low, high = self.parts.limits
        turned = self.sense < 0
        return (
            np.where(turned, -high, low) / self.scale, np.where(turned, -low, high) / self.scale
        )  # fmt: skip


class SeriesCurve(_Compound):
    """Parts in series: one current, and voltages that add up."""

    @property
    def limits(self) -> tuple[Floats, Floats]:
        """Those of the part that lets least pass."""
        low, high = self.limited()
        least, most = np.full(self.count, -np.inf), np.full(self.count, np.inf)
        np.maximum.at(least, self.owner, low)
        np.minimum.at(most, self.owner, high)
        return least, most

    def shares(self, i: Floats) -> Points:
        """Return where the parts stand at given currents of the rows, in their own senses."""
        found = self.parts.at_current(self.sense * i[self.owner] * self.scale)
        return Points(found.v / self.scale, found.i / self.scale, found.slope)

    def at_current(self, i: Floats) -> Points:
        """Return the points at given currents: sums of voltages."""
        v, resistance = self._sums(i)
        return Points(v, i, 1.0 / resistance)

    def point(self, s: Floats, r: Floats) -> Points:
        """Return the points where ``v + r i = s``."""
        i = np.sign(s) * self._met(np.abs(s), r, np.sign(s))
        v, resistance = self._sums(i)
        flat = r <= resistance
        return Points(np.where(flat, s - r * i, v), i, 1.0 / resistance)

    def _sums(self, i: Floats) -> tuple[Floats, Floats]:
        """Return voltages at given currents, and how they rise with these, ohm."""
        parts = self.shares(i)
        with np.errstate(divide="ignore", over="ignore"):
            rise = np.minimum(1.0 / np.maximum(parts.slope, TINY), 1.0 / TINY)
        return self.total(self.sense * parts.v), self.total(rise)

    def _least(self, s: Floats, r: Floats) -> Floats:
        """Return the least current that a part of each row takes alone, A."""
        least = np.full(self.count, np.inf)
        np.minimum.at(least, self.owner, np.abs(self.alone(s, r).i))
        return np.asarray(np.clip(least, TINY, 1.0 / TINY))

    def _met(self, size: Floats, r: Floats, sign: Floats) -> Floats:
        """Return the sizes of the currents at which the voltages of a line fit.

        Newton's method in the logarithm of the current, in which exponentials are straight.  No
        row carries more than its most reluctant part would alone, nor less than that would with
        no more than an equal share of the voltage.
        """
        high = self._least(sign * size, r)
        share = size / (1.0 + np.bincount(self.owner, minlength=self.count))
        low = np.minimum(self._least(sign * share, r), high)
        now, some, rows = high.copy(), self, np.arange(self.count)
        for number in range(STEPS):
            at, ohms = now[rows], r[rows]
            v, rise = some._sums(sign[rows] * at)
            rest = np.abs(v) + ohms * at - size[rows]
            low[rows] = np.where(rest < 0, at, low[rows])
            high[rows] = np.where(rest > 0, at, high[rows])
            step = rest / (at * (ohms + rise))
            after = at * np.exp(np.clip(-step, -MOST, MOST))
            # where a part is level its voltage tells nothing
            outside = ~((after >= low[rows]) & (after <= high[rows])) | (rise >= 1.0 / TINY)
            if number >= PATIENCE and number % 2 == 1:
                outside[:] = True
            after = np.where(outside, np.sqrt(low[rows]) * np.sqrt(high[rows]), after)
            now[rows] = after = np.where(rest == 0, at, after)
            moving = np.abs(after - at) > np.where(outside, EPS, CLOSE) * at
            if not moving.any():
                break
            if 2 * moving.sum() < len(rows):
                rows = rows[moving]
                some = self.take(rows)
        return np.where(size > 0, now, 0.0)


class ParallelCurve(_Compound):
    """Parts in parallel: one voltage, and currents that add up."""

    @property
    def limits(self) -> tuple[Floats, Floats]:
        """What all parts let pass together."""
        low, high = self.limited()
        return self.total(low), self.total(high)

    def shares(self, v: Floats) -> Points:
        """Return where the parts stand at given voltages of the rows, in their own senses."""
        return self.alone(v, np.zeros(self.count))

    def at_voltage(self, v: Floats) -> Points:
        """Return the points at given voltages: sums of currents."""
        parts = self.shares(v)
        return Points(v, self.total(self.sense * parts.i), self.total(parts.slope))

    def point(self, s: Floats, r: Floats) -> Points:
        """Return the points where ``v + r i = s``."""
        some, last = self, Points(*np.full((3, self.count), np.nan))

        def evaluate(v: Floats, rows: Ints) -> tuple[Floats, Floats]:
            nonlocal some
            if len(rows) < len(some):
                some = self.take(rows)
            found = some.at_voltage(v)
            for column, values in zip(last, found, strict=True):
                column[rows] = values
            return found.i, found.slope

        # a row has no more voltage than its most willing part would leave alone
        least = np.abs(s)
        np.minimum.at(least, self.owner, np.abs(self.alone(s, r).v))
        with np.errstate(over="ignore", invalid="ignore"):  # far off everything is infinite
            v = meeting(evaluate, s, r, np.sign(s) * least)
            if len(rest := np.flatnonzero(np.isnan(last.v))):
                some = self
                evaluate(v[rest], rest)
        i = last.i + last.slope * (v - last.v)
        # where the curve is steep the line tells the current, not the voltage
        steep = r * last.slope > 1.0
        return Points(v, np.where(steep, (s - v) / np.where(steep, r, 1.0), i), last.slope)
