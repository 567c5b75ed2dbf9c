"""Curves of straight pieces that never fall, given by the points where they bend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Floats
from .curve import Curve, Points


@dataclass(frozen=True, eq=False)
class StraightCurve(Curve):
    """Lines through points, which go on beyond the first and the last with given slopes.

    Attributes
    ----------
    v, i : ndarray of float, shape (rows, knots)
        V and A, ascending; rows of fewer points repeat their last.
    before, after : ndarray of float, shape (rows,)
        Slopes beyond the ends, S, 0 or more.
    """

    v: Floats
    i: Floats
    before: Floats
    after: Floats

    def __len__(self) -> int:
        return len(self.v)

    @property
    def limits(self) -> tuple[Floats, Floats]:
        """Where the last piece is level no more flows than at its end."""
        low = np.where(self.before > 0, -np.inf, self.i[:, 0])
        return low, np.where(self.after > 0, np.inf, self.i[:, -1])

    def point(self, s: Floats, r: Floats) -> Points:
        """Return the points where ``v + r i = s``: of the piece that holds it."""
        at = self.v + r[:, None] * self.i
        piece = (at <= s[:, None]).sum(axis=1)
        rows, last = np.arange(len(self)), self.v.shape[1] - 1
        left, right = np.maximum(piece - 1, 0), np.minimum(piece, last)
        v, i = self.v[rows, left], self.i[rows, left]
        width, rise = self.v[rows, right] - v, self.i[rows, right] - i
        wide = width > 0
        slope = np.where(wide, rise / np.where(wide, width, 1.0), self.after)
        slope = np.where(piece == 0, self.before, slope)
        # from the knot along the piece: nothing cancels near it
        step = (s - at[rows, left]) / (1.0 + r * slope)
        return Points(v + step, i + slope * step, slope)
