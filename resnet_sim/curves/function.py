"""Curves that are given by a function and its derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import numpy as np

from ..arrays import Floats, Ints
from .curve import Curve, Points
from .resolvent import meeting

#: currents and slopes of some rows at voltages
Evaluate = Callable[[Floats, Ints], tuple[Floats, Floats]]


class FunctionCurve(Curve):
    """Rows of a function that never falls and is 0 at 0 V.

    Parameters
    ----------
    evaluate : callable
        Takes voltages (V) and the numbers of their rows; returns currents (A) and slopes (S).
    rows : ndarray of int
        Numbers of the rows.
    limits : tuple of ndarray, shape (rows,)
        See `Curve.limits`.
    """

    def __init__(self, evaluate: Evaluate, rows: Ints, limits: tuple[Floats, Floats]) -> None:
        self.evaluate, self.rows, self._limits = evaluate, rows, limits

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, rows: Ints) -> Self:
        """Return some rows."""
        low, high = self._limits
        return type(self)(self.evaluate, self.rows[rows], (low[rows], high[rows]))

    @property
    def limits(self) -> tuple[Floats, Floats]:
        """Those that were given."""
        return self._limits

    def point(self, s: Floats, r: Floats) -> Points:
        """Return the points where ``v + r i = s``."""

        def some(v: Floats, rows: Ints) -> tuple[Floats, Floats]:
            return self.evaluate(v, self.rows[rows])

        with np.errstate(over="ignore", invalid="ignore"):  # far off everything is infinite
            _, start = self.evaluate(np.zeros(len(self)), self.rows)
            v = meeting(some, s, r, s / (1.0 + r * start))
            i, slope = self.evaluate(v, self.rows)
        # where the curve is steep the line tells the current, not the voltage
        steep = r * slope > 1.0
        return Points(v, np.where(steep, (s - v) / np.where(steep, r, 1.0), i), slope)
