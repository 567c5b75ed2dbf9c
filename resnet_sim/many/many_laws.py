"""Smooth laws at many points, and Newton steps of dense matrices, all points at once.

Each point goes its own way, and rests once it has settled: its digits do not depend on with whom
it is solved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from ..arrays import Bools, Floats
from ..graph.law_problem import terms
from ..graph.mixed import Entries
from ..model.devices.characteristic import Characteristic
from ..point.branches import Laws

#: Newton steps.
STEPS = 60
#: Change of the voltages across laws, relative to the largest, at which tangents are laws.
SETTLED = 1e-9

NOTHING: Mapping[int, Characteristic] = MappingProxyType({})


class ManyLaws:
    """Laws whose voltages and currents have shape (P, laws).

    Parameters
    ----------
    laws : Laws
    own : dict of int to Characteristic
        Numbers of functions that differ from point to point, and what they are then: of all points
        of the first device, then of the second.
    """

    def __init__(self, laws: Laws, own: Mapping[int, Characteristic] = NOTHING) -> None:
        self.laws, self.own = laws, own

    def __len__(self) -> int:
        return len(self.laws)

    def start(self, points: int) -> Floats:
        """Return the voltages from which a search begins."""
        return np.tile(self.laws.start(), (points, 1))

    def evaluate(self, volts: Floats) -> tuple[Floats, Floats]:
        """Return the currents, and the derivatives by pairs of `Laws.pattern`, shape (P, pairs)."""
        current, slopes = np.zeros_like(volts), [np.zeros((len(volts), 0))]
        for rows, shape, function in self._functions(len(volts)):
            i, s = function.evaluate(_by_device(volts[:, rows], shape))
            current[:, rows] = _by_point(i, shape)
            slopes.append(_by_point(s, (shape[0], shape[1] ** 2)))
        return current, np.concatenate(slopes, axis=1)

    def limit(self, new: Floats, old: Floats) -> Floats:
        """Return how far the tangents at `old` may be trusted on the way to `new`."""
        found = new.copy()
        for rows, shape, function in self._functions(len(new)):
            ends = (_by_device(volts[:, rows], shape) for volts in (new, old))
            found[:, rows] = _by_point(function.limit(*ends), shape)
        return found

    def _functions(self, points: int) -> list[tuple[slice, tuple[int, int], Characteristic]]:
        """Return the functions for so many points: those of a device one after the other."""
        if points not in self._copies:
            self._copies[points] = [
                (rows, shape, self.own[k] if k in self.own else
                 function.some(np.repeat(np.arange(shape[0]), points)))
                for k, (rows, shape, function) in enumerate(self.laws.functions)
            ]  # fmt: skip
        return self._copies[points]

    @cached_property
    def _copies(self) -> dict[int, list[tuple[slice, tuple[int, int], Characteristic]]]:
        return {}


def _by_device(values: Floats, shape: tuple[int, int]) -> Floats:
    """Return values of points as rows of a function: all points of a device, then of the next."""
    return values.reshape(-1, *shape).transpose(1, 0, 2).reshape(-1, shape[1])


def _by_point(values: Floats, shape: tuple[int, int]) -> Floats:
    """Return what a function gives as values of points, shape (P, rows)."""
    devices, branches = shape
    return values.reshape(devices, -1, branches).transpose(1, 0, 2).reshape(-1, devices * branches)


class LawSystem:
    """Equations ``matrix x + feed f(sense x + offset) = load`` of many points.

    Parameters
    ----------
    laws : Laws
    matrix : ndarray, shape (n, n)
    feed, sense : Entries
        Of matrices of shapes (n, laws) and (laws, n).
    """

    def __init__(self, laws: Laws, matrix: Floats, feed: Entries, sense: Entries) -> None:
        self.matrix = matrix
        # by columns: laws that feed what they sense have a transpose, in memory, too
        self.feed = feed.dense(len(matrix), len(laws)).astype(float, order="F")
        self.sense = sense.dense(len(laws), len(matrix)).astype(float)
        row, column, factor, which = terms(laws, feed, sense)
        place = row * len(matrix) + column
        order = np.argsort(place, kind="stable")
        self._first = np.flatnonzero(np.diff(place[order], prepend=-1))
        self._place = place[order][self._first]
        self._factor, self._which = factor[order].astype(float), which[order]
        self._row, self._column = laws.pattern
        self._of_row = np.flatnonzero(np.diff(self._row, prepend=-1))

    def holding(self, matrix: Floats) -> LawSystem:
        """Return the same laws with another matrix."""
        other = copy(self)
        other.matrix = matrix
        return other

    def jacobian(self, slopes: Floats) -> Floats:
        """Return the derivatives of the equations, shape (P, n, n), by those of the laws."""
        whole = np.repeat(self.matrix[None], len(slopes), axis=0)
        if len(self._first):
            sums = np.add.reduceat(self._factor * slopes[:, self._which], self._first, axis=1)
            whole.reshape(len(slopes), -1)[:, self._place] += sums
        return whole

    def spread(self, slopes: Floats, change: Floats) -> Floats:
        """Return what currents change by with the voltages, shape (P, laws)."""
        found = np.zeros_like(change)
        if len(self._of_row):
            parts = slopes * change[:, self._column]
            found[:, self._row[self._of_row]] = np.add.reduceat(parts, self._of_row, axis=1)
        return found

    def settle(
        self, laws: ManyLaws, load: Floats, offset: Floats, volts: Floats, polish: int,
        solve: Callable[[Floats, Floats], Floats],
    ) -> tuple[Floats, Floats, Bools]:  # fmt: skip
        """Take Newton steps from voltages across the laws until these settle.

        Parameters
        ----------
        laws : ManyLaws
        load, offset, volts : ndarray, shapes (P, n), (P, laws) and (P, laws)
        polish : int
            Steps after they have settled, each of which squares what is left.
        solve : callable
            Solves linear equations of each point: of matrices, shape (P, n, n), and loads.  More
            unknowns than n may follow these in what it returns.

        Returns
        -------
        volts, x : ndarray, shapes (P, laws) and (P, n)
        fine : ndarray of bool, shape (P,)
            Points that have settled.
        """
        left, x = np.full(len(load), STEPS), None
        for _ in range(STEPS):
            current, slopes = laws.evaluate(volts)
            rest = current + self.spread(slopes, offset - volts)
            found = solve(self.jacobian(slopes), load - each(self.feed, rest))
            new = each(self.sense, found[:, : len(self.matrix)]) + offset
            trusted = laws.limit(new, volts)
            size = np.abs(new).max(axis=1, initial=1e-300)
            still = np.abs(new - volts).max(axis=1, initial=0.0) <= SETTLED * size
            moves = left > 0
            x = found if x is None else np.where(moves[:, None], found, x)
            trusted = np.where(np.isfinite(trusted), trusted, 0.0)
            volts = np.where(moves[:, None], trusted, volts)
            left = np.where(still & moves, np.minimum(left, polish + 1) - 1, left)
            if (left <= 0).all():
                break
        assert x is not None
        return volts, x, left <= polish


def solved(matrix: Floats, load: Floats) -> Floats:
    """Return what solves linear equations of each point, NaN where none is to be believed.

    Rows are scaled, so that pivots are compared with their equations.
    """
    size = np.abs(matrix).max(axis=2, initial=0.0)
    size = np.where((size > 0) & np.isfinite(size), size, 1.0)
    scaled, right = matrix / size[..., None], (load / size)[..., None]
    try:
        return np.asarray(np.linalg.solve(scaled, right)[..., 0])
    except np.linalg.LinAlgError:
        found = np.full_like(load, np.nan)
        for k, (one, b) in enumerate(zip(scaled, right, strict=True)):
            try:
                found[k] = np.linalg.solve(one, b)[..., 0]
            except np.linalg.LinAlgError:
                continue
        return found


def each(factor: Any, values: Any) -> Any:
    """Return a matrix times the values of each point, one point after the other.

    All in one product digits depend on how many there are.
    """
    return np.asarray(factor @ values[..., None])[..., 0]
