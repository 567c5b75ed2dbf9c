"""What is asked of a curve, and several kinds of curves as one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np

from ..arrays import Bools, Floats, Ints

#: Resistance that is so large that what is in series with it carries a given current, ohm.
OPEN = 1e30


class Points(NamedTuple):
    """Points of curves: voltage (V), current (A) and slope (S) there, shape (rows,)."""

    v: Floats
    i: Floats
    slope: Floats

    def take(self, rows: Ints) -> Points:
        """Return those of some rows."""
        return Points(self.v[rows], self.i[rows], self.slope[rows])


class Steps(NamedTuple):
    """Laws that are increasing but for a step back, shape (rows,).

    Attributes
    ----------
    away : ndarray of float
        How far points are above the step, V.
    fall : ndarray of float
        By how much less flows above it, A, 0 for none.
    series : ndarray of float
        Resistance within the device, ohm.
    wrong : ndarray of bool
        Which points are of the law's other branch than the curve.
    """

    away: Floats
    fall: Floats
    series: Floats
    wrong: Bools


class Curve:
    """Curves ``i = f(v)`` with f increasing, a row each; all pass through the origin or nearly.

    Whatever is asked of a curve follows from its resolvent (Minty, "Monotone (nonlinear)
    operators in Hilbert space", 1962): the point where it meets a line that falls.
    """

    def __len__(self) -> int:
        raise NotImplementedError

    @property
    def size(self) -> int:
        """How many curves are evaluated for all rows."""
        return len(self)

    def take(self, rows: Ints) -> Self:
        """Return some rows: of kinds of which all attributes are columns, with a row for each."""
        kind: Any = type(self)
        return kind(*(getattr(self, name)[rows] for name in kind.__match_args__))

    def point(self, s: Floats, r: Floats) -> Points:
        """Return the points where ``v + r i = s``; each row has exactly one.

        Parameters
        ----------
        s : ndarray of float, shape (rows,)
            V.
        r : ndarray of float, shape (rows,)
            Ohm, 0 or more.
        """
        raise NotImplementedError

    @property
    def limits(self) -> tuple[Floats, Floats]:
        """The currents (A) that are approached but never reached, infinite if there are none."""
        raise NotImplementedError

    def steps(self, points: Points) -> Steps:
        """Return where the laws, of which each curve is a monotone branch, fall with a step."""
        none = np.zeros(len(self))
        return Steps(points.v, none, none, none > 0)

    def switched(self, rows: Bools) -> Curve:
        """Return the curves with some rows on the other branch of their laws."""
        return self

    @property
    def exponentials(self) -> Floats:
        """Saturation current, emission, breakdown, its emission, leak and series resistance.

        Shape (rows, 6), of junctions without effects of second order; NaN for all else.
        """
        return np.full((len(self), 6), np.nan)

    def at_voltage(self, v: Floats) -> Points:
        """Return the points of the laws at given voltages, V; currents may overflow to infinity."""
        found = self.point(v, np.zeros(len(self)))
        wrong = self.steps(found).wrong
        return self.switched(wrong).point(v, np.zeros(len(self))) if wrong.any() else found

    def at_current(self, i: Floats) -> Points:
        """Return the points at given currents, A, or at huge voltages if none flows there."""
        return self.point(OPEN * i, np.full(len(self), OPEN))


class _Joined(Curve):
    """Curves of several kinds, one after the other."""

    def __init__(self, parts: Sequence[Curve]) -> None:
        self.parts = tuple(parts)

    @cached_property
    def _ends(self) -> Ints:
        return np.cumsum([len(part) for part in self.parts])

    def __len__(self) -> int:
        return int(self._ends[-1])

    @property
    def size(self) -> int:
        """Those of all parts."""
        return sum(part.size for part in self.parts)

    def take(self, rows: Ints) -> Curve:  # type: ignore[override]
        """Return some rows, of which those of a kind must be together."""
        starts = self._ends - [len(part) for part in self.parts]
        kind = np.searchsorted(self._ends, rows, side="right")
        chosen = [rows[kind == k] - starts[k] for k in range(len(self.parts))]
        some = [part.take(c) for part, c in zip(self.parts, chosen, strict=True) if len(c)]
        return joined(some) if some else self.parts[0].take(rows)

    def point(self, s: Floats, r: Floats) -> Points:
        """Return what the parts do."""
        at = self._ends[:-1]
        parts = zip(self.parts, np.split(s, at), np.split(r, at), strict=True)
        found = [part.point(*line) for part, *line in parts]
        return Points(*(np.concatenate(column) for column in zip(*found, strict=True)))

    def steps(self, points: Points) -> Steps:
        """Return what the parts do."""
        parts = zip(self.parts, *(np.split(c, self._ends[:-1]) for c in points), strict=True)
        found = [part.steps(Points(*columns)) for part, *columns in parts]
        return Steps(*(np.concatenate(column) for column in zip(*found, strict=True)))

    def switched(self, rows: Bools) -> Curve:
        """Return the same of the parts."""
        parts = zip(self.parts, np.split(rows, self._ends[:-1]), strict=True)
        return _Joined([part.switched(some) for part, some in parts])

    @property
    def exponentials(self) -> Floats:
        """Return what the parts do."""
        return np.concatenate([part.exponentials for part in self.parts])

    @property
    def limits(self) -> tuple[Floats, Floats]:
        """Return what the parts do."""
        low, high = zip(*(part.limits for part in self.parts), strict=True)
        return np.concatenate(low), np.concatenate(high)


def joined(parts: Sequence[Curve]) -> Curve:
    """Return curves one after the other."""
    return parts[0] if len(parts) == 1 else _Joined(parts)
