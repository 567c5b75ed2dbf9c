"""A path through the pieces of a piecewise-linear circuit: Lemke's and Katzenelson's in one.

    w = q + M x + d t,    w >= 0, x >= 0, one of each pair zero,    x = i(-w) for curves

The equations are linear as long as nothing reaches the end of its piece: w or x its zero, the
voltage of a curve, ``u = -w``, a point where the curve bends.  There the path turns into the next
piece, in which that quantity goes on, and drives all others; whether t falls or rises on the way
is not asked (Lemke, "Bimatrix equilibrium points and mathematical programming", 1965; Katzenelson,
"An algorithm for solving nonlinear resistor networks", Bell System Technical Journal 44, 1965).
It can't come back to where it was, and has only one other end.

With gains of a million what is updated piece after piece loses its digits, so each solution is
corrected by what it leaves over.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..curves import Curve
from ..curves.chords import Chords, split

#: How often a pair may turn, and a curve pass all its pieces, until a path is given up.
TURNS, PASSES = 40, 3
#: Pieces into which one is split.
SPLIT = 8
#: What moves by less than this, relative to the terms that it is the sum of, does not.
SMALLEST = 1e-11
#: Share of an update or of a solution from which an inverse is made anew.
FORGETS = 1e-6


class Path:
    """A place on a path, with the pieces that it is in.

    Parameters
    ----------
    M : ndarray of longdouble, shape (m + c, m + c)
    q : ndarray of longdouble, shape (m + c,)
    d : ndarray of float, shape (m + c,)
    chords : Chords
        Of the last c rows.
    piece : ndarray of int, shape (c,), optional
        In which piece each curve is; by default that which holds 0 V.
    positive : ndarray of bool, shape (m,), optional
        Which x are positive; by default none.
    """

    def __init__(
        self, M: Any, q: Any, d: Floats, chords: Chords, piece: Ints | None = None,
        positive: Bools | None = None,
    ) -> None:  # fmt: skip
        self.M, self.q, self.d, self.chords = M, q, d, chords
        self.c = len(chords.v)
        self.m = len(q) - self.c
        none = np.zeros(self.m, dtype=np.bool_)
        self.positive = none if positive is None else positive.copy()
        self.piece = (chords.v < 0).sum(axis=1) if piece is None else piece
        self.rows = np.arange(self.c)
        open_ = np.full((self.c, 1), np.inf)
        self._bends = np.hstack((-open_, chords.v, open_))
        #: rows by their largest entries: volts stand beside amperes
        size = np.abs(M).max(axis=1, initial=0.0).astype(float)
        self.scale = np.ldexp(1.0, np.frexp(np.maximum(size, 1.0))[1])
        self.matrix = np.zeros_like(M)
        for k in range(len(q)):
            self.matrix[:, k] = self._column(k)
        self.inverse: Floats | None = None

    def _column(self, k: int) -> Any:
        """Return what an unknown does in the equations, as far as its piece goes."""
        unit = np.zeros(len(self.q), dtype=np.longdouble)
        unit[k] = 1.0
        if k >= self.m:
            slope = self.chords.slope[k - self.m, self.piece[k - self.m]]
            return (-unit - self.M[:, k] * slope) / self.scale
        return (-self.M[:, k] if self.positive[k] else unit) / self.scale

    @property
    def _ends(self) -> tuple[Floats, Floats]:
        """The bounds of all unknowns in their pieces."""
        low, high = np.zeros(len(self.q)), np.full(len(self.q), np.inf)
        low[self.m :] = self._bends[self.rows, self.piece]
        high[self.m :] = self._bends[self.rows, self.piece + 1]
        return low, high

    @property
    def resting(self) -> Floats:
        """What w is without any x but the currents of the curves."""
        found = self._solution(self._right, 0.0 * self.d)
        return np.full(len(self.q), np.nan) if found is None else found[0].astype(float)

    def follow(self, t: float, end: float) -> Floats | None:
        """Follow the path from t on until `end` is reached; None if it leads elsewhere.

        Returns what the unknowns are there: w or x of pairs, u of curves.
        """
        n = len(self.q)
        # t drives at first; then an unknown, in whose place t is one
        ahead, k, begin, sign = (1.0 if end > t else -1.0), -1, t, 0.0
        for _ in range(1 + TURNS * self.m + PASSES * self.chords.slope.size):
            driven = self.d / self.scale * ahead if k < 0 else -sign * self._column(k)
            right = self._right + (self.d / self.scale * t if k < 0 else 0.0)
            found = self._solution(right if k < 0 else right - begin * self._column(k), driven)
            if found is None:
                return None
            value, rate, noise = found
            low, high = self._ends
            own = np.inf  # what drives has a piece of its own to pass
            if k >= 0:
                own = float(high[k] - begin if sign > 0 else begin - low[k])
                # t is bounded by its end alone, on the side that it comes from
                low[k], high[k] = (end, np.inf) if ahead < 0 else (-np.inf, end)
            bound = np.where(rate > 0, high, low)
            off = np.maximum(np.where(rate > 0, bound - value, value - bound), 0.0)
            moving = np.abs(rate) > noise
            steps = np.where(moving, off / np.where(moving, np.abs(rate), 1.0), np.inf)
            out = int(steps.argmin()) if n else -1
            if k < 0 and not (n and steps[out] < abs(end - t)):
                return np.asarray(value + rate * abs(end - t), dtype=float)
            if not np.isfinite(min(steps[out], own)):
                return None
            if own < steps[out]:
                begin += sign * own
                self._turn(k, sign > 0)
                continue
            if out == k:
                value = value + rate * steps[out]
                value[k] = begin + sign * steps[out]
                return np.asarray(value, dtype=float)
            rising = bool(rate[out] > 0)
            begin = 0.0 if out < self.m else float(bound[out])
            sign = 1.0 if rising or out < self.m else -1.0
            self._turn(out, rising)
            if k >= 0:
                self._exchange(k, self._column(k))
            self._exchange(out, -self.d / self.scale)
            k = out
        return None

    def finer(self, curve: Curve, y: Floats) -> tuple[Path, Floats] | None:
        """Return the path with finer chords where it ended, and its end.

        There the old end solves other equations, which turn into the given ones.
        """
        chords = split(curve, self.chords, self.piece, SPLIT)
        piece = (chords.v <= y[self.m :, None]).sum(axis=1)
        finer = Path(self.M, self.q, self.d, chords, piece, self.positive)
        finer.d = ((finer.matrix @ y - finer._right) * finer.scale).astype(float)
        end = finer.follow(1.0, 0.0)
        return None if end is None else (finer, end)

    def _turn(self, k: int, rising: bool) -> None:
        """Go over into the piece in which an unknown goes on."""
        if k < self.m:
            self.positive[k] = not self.positive[k]
        else:
            self.piece[k - self.m] += 1 if rising else -1

    def _exchange(self, k: int, column: Any) -> None:
        """Put another column in the place of one."""
        self.matrix[:, k] = column
        if self.inverse is None:
            return
        along = self.inverse @ column.astype(float)
        if abs(along[k]) <= FORGETS * np.abs(along).max():
            self.inverse = None
            return
        pivot = self.inverse[k] / along[k]
        along[k] -= 1.0
        self.inverse -= np.outer(along, pivot)

    @property
    def _right(self) -> Any:
        """The right side of the equations in the pieces of the curves."""
        return (self.q + self.M[:, self.m :] @ self.chords.i[self.rows, self.piece]) / self.scale

    def _solution(self, right: Any, driven: Any) -> tuple[Any, Any, Floats] | None:
        """Return the unknowns at the last turn, how they move on, and the rounding of that."""
        both = np.stack((right, driven), axis=1)
        inverse = self.inverse
        for fresh in (inverse is None, True):
            if fresh:
                inverse = self.inverse = _inverse(self.matrix.astype(float))
            if inverse is None:
                return None
            x = (inverse @ both.astype(float)).astype(np.longdouble)
            first = inverse @ (both - self.matrix @ x).astype(float)
            x += first
            if (np.abs(first).max(axis=0) <= FORGETS * np.abs(x).max(axis=0)).all():
                break
        assert inverse is not None
        x += inverse @ (both - self.matrix @ x).astype(float)
        noise = SMALLEST * (np.abs(inverse) @ np.abs(driven).astype(float))
        return x[:, 0], x[:, 1], noise


def _inverse(matrix: Floats) -> Floats | None:
    try:
        inverse = np.asarray(np.linalg.inv(matrix), dtype=float)
    except np.linalg.LinAlgError:
        return None
    return inverse if np.isfinite(inverse).all() else None
