"""A path through the pieces of a piecewise-linear circuit: Lemke's and Katzenelson's in one.

    w = q + M x + d t,    x = i(-w) for curves, for others 0 <= x <= span
    and w >= 0 where x is 0, w <= 0 where it is its span, w = 0 between them

The equations are linear as long as nothing reaches the end of its piece: w its zero, x one of its
ends, the voltage of a curve, ``u = -w``, a point where the curve bends.  There the path turns into
the next piece, in which that quantity goes on, and drives all others; whether t falls or rises on
the way is not asked (Lemke, "Bimatrix equilibrium points and mathematical programming", 1965;
Katzenelson, "An algorithm for solving nonlinear resistor networks", Bell System Technical Journal
44, 1965).
It can't come back to where it was, and has only one other end.

With gains of a million what is updated piece after piece loses its digits, so each solution is
corrected by what it leaves over.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Floats, Ints
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
#: Share of a solution up to which a correction leaves less than its last digit to correct.
SETTLED = 1e-10


class Path:
    """A place on a path, with the pieces that it is in.

    Parameters
    ----------
    M : ndarray of longdouble, shape (m + c, m + c)
    q : ndarray of longdouble, shape (m + c,)
    d : ndarray of float, shape (m + c,)
    span : ndarray of float, shape (m + c,)
        The largest x, infinite where there is none, and of curves.
    chords : Chords
        Of the last c rows.
    piece : ndarray of int, shape (c,), optional
        In which piece each curve is; by default that which holds 0 V.
    state : ndarray of int, shape (m,), optional
        Whether x is 0 (0), between 0 and its span (1), or its span (2); by default all are 0.
    """

    def __init__(
        self, M: Any, q: Any, d: Floats, span: Floats, chords: Chords, piece: Ints | None = None,
        state: Ints | None = None,
    ) -> None:  # fmt: skip
        self.M, self.q, self.d, self.span, self.chords = M, q, d, span, chords
        self.c = len(chords.v)
        self.m = len(q) - self.c
        self.state = np.zeros(self.m, dtype=np.int64) if state is None else state.copy()
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
        #: the right side in this piece
        self._right = q + M[:, self.m :] @ chords.i[self.rows, self.piece]
        for k in np.flatnonzero(self.state == 2).tolist():
            self._right += M[:, k] * span[k]

    def _column(self, k: int) -> Any:
        """Return what an unknown does in the equations, as far as its piece goes."""
        unit = np.zeros(len(self.q), dtype=np.longdouble)
        unit[k] = 1.0
        if k >= self.m:
            slope = self.chords.slope[k - self.m, self.piece[k - self.m]]
            return (-unit - self.M[:, k] * slope) / self.scale
        return (-self.M[:, k] if self.state[k] == 1 else unit) / self.scale

    @property
    def _ends(self) -> tuple[Floats, Floats]:
        """The bounds of all unknowns in their pieces."""
        low, high = np.zeros(len(self.q)), np.full(len(self.q), np.inf)
        last, between = np.flatnonzero(self.state == 2), np.flatnonzero(self.state == 1)
        low[last], high[last], high[between] = -np.inf, 0.0, self.span[between]
        low[self.m :] = self._bends[self.rows, self.piece]
        high[self.m :] = self._bends[self.rows, self.piece + 1]
        return low, high

    @property
    def resting(self) -> Floats:
        """What w is without any x but the currents of the curves."""
        found = self._solution(self._right / self.scale, 0.0 * self.d)
        return np.full(len(self.q), np.nan) if found is None else found[0].astype(float)

    def follow(self, t: float, end: float) -> Floats | None:
        """Follow the path from t on until `end` is reached; None if it leads elsewhere.

        Returns what the unknowns are there: w or x of pairs, u of curves.
        """
        n = len(self.q)
        # t drives at first; then an unknown, in whose place t is one
        k, begin, sign = -1, t, 1.0 if end > t else -1.0
        falls = end < t
        for _ in range(1 + TURNS * self.m + PASSES * self.chords.slope.size):
            drive = self.d / self.scale if k < 0 else -self._column(k)
            found = self._solution(self._right / self.scale + begin * drive, sign * drive)
            if found is None:
                return None
            value, rate, noise = found
            low, high = self._ends
            own = np.inf  # what drives has a piece of its own to pass
            if k >= 0:
                own = float(high[k] - begin if sign > 0 else begin - low[k])
                # t is bounded by its end alone, on the side that it comes from
                low[k], high[k] = (end, np.inf) if falls else (-np.inf, end)
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
                begin, sign = self._turn(k, sign > 0)
                continue
            if out == k:
                value = value + rate * steps[out]
                value[k] = begin + sign * steps[out]
                return np.asarray(value, dtype=float)
            begin, sign = self._turn(out, bool(rate[out] > 0))
            if k < 0:
                self._exchange(out, -self.d / self.scale)
            else:  # t keeps its column, which stands for another unknown from now on
                self._exchange(out, self._column(k))
                self._swap(k, out)
            k = out
        return None

    def finer(self, curve: Curve, y: Floats) -> tuple[Path, Floats] | None:
        """Return the path with finer chords where it ended, and its end.

        There the old end solves other equations, which turn into the given ones.
        """
        chords = split(curve, self.chords, self.piece, SPLIT)
        piece = (chords.v <= y[self.m :, None]).sum(axis=1)
        finer = Path(self.M, self.q, self.d, self.span, chords, piece, self.state)
        finer.d = (finer.matrix @ y * finer.scale - finer._right).astype(float)
        end = finer.follow(1.0, 0.0)
        return None if end is None else (finer, end)

    def _turn(self, k: int, rising: bool) -> tuple[float, float]:
        """Go over into the piece in which an unknown goes on; return where, and which way."""
        if k >= self.m:
            row, way = k - self.m, 1 if rising else -1
            old = int(self.piece[row])
            self.piece[row] = new = old + way
            self._right += self.M[:, k] * (self.chords.i[row, new] - self.chords.i[row, old])
            return float(self._bends[row, old + rising]), float(way)
        before = int(self.state[k])
        self.state[k] = after = 1 if before != 1 else 2 if rising else 0
        if before == 2:
            self._right -= self.M[:, k] * self.span[k]
            return float(self.span[k]), -1.0
        if after == 2:
            self._right += self.M[:, k] * self.span[k]
            return 0.0, -1.0
        return 0.0, 1.0

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

    def _swap(self, k: int, other: int) -> None:
        """Let two columns change places."""
        places, turned = [k, other], [other, k]
        self.matrix[:, places] = self.matrix[:, turned]
        if self.inverse is not None:
            self.inverse[places] = self.inverse[turned]

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
        if (np.abs(first).max(axis=0) > SETTLED * np.abs(x).max(axis=0)).any():
            x += inverse @ (both - self.matrix @ x).astype(float)
        noise = SMALLEST * (np.abs(inverse) @ np.abs(driven).astype(float))
        return x[:, 0], x[:, 1], noise


def _inverse(matrix: Floats) -> Floats | None:
    try:
        inverse = np.asarray(np.linalg.inv(matrix), dtype=float)
    except np.linalg.LinAlgError:
        return None
    return inverse if np.isfinite(inverse).all() else None
