"""Large problems of feedback: the sparse equations of one conducting set.

Rectifiers that conduct are eliminated before the rest is factored, as if they had a small
resistance: then one set's matrix is as large as any other's, and a loop of ideal rectifiers, whose
share of the current nothing tells, is no singular one.  What that adds goes with refinement, whose
residuals are those of the equations themselves, in extended precision.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..graph.graphs import bincount, components
from ..graph.mixed import Entries, Extended, MixedProblem
from ..graph.problem import EPS
from .linear import superlu

#: Rounding of extended precision.
FINEST = float(np.finfo(np.longdouble).eps)
#: Least resistance that rectifiers are eliminated with, in scaled units.
SOFT = 1e-8
#: Steps of refinement at most, and the change below which the equations count as solved.
REFINEMENTS, SETTLED = 12, 1e-6
#: The same below which factors of another set, with which refinement may end early, will do.
STEADY = 1e-10
#: Steps after which a look is good enough for what is wrong by more than `WRONG`.
LOOKS, WRONG = 3, 1e-7
#: Difference to a known solution that shows that there are others.
OPEN = 1e-4
#: Solves after which the estimate of the inverse's norm is good enough (Hager).
ESTIMATES = 5


class Singular(Exception):
    """The equations of a conducting set are singular, or too near to it."""


class Factored:
    """The equations of one conducting set, factored.

    Rows and columns are scaled by powers of two.  Pivots stay on the diagonal, in an order of
    minimum degree, where it has no small entry; where high gains make some, columns are ordered
    for whatever rows may be chosen (COLAMD): the fill of the former order would be far off.

    Parameters
    ----------
    problem : MixedProblem
    on : ndarray of bool, shape (m,)
        Rectifiers that conduct.
    like : Factored, optional
        The same of a set that differs in few rectifiers, whose factor serves this one too.

    Raises
    ------
    Singular
        If a pivot is zero.
    """

    def __init__(self, problem: MixedProblem, on: Bools, like: Factored | None = None) -> None:
        from scipy.sparse import coo_array

        self.n, self.on, self.is_own = problem.n, on.copy(), like is None
        self.kept = np.concatenate((np.ones(problem.n, dtype=np.bool_), on))
        self.size = int(self.kept.sum())
        place = np.cumsum(self.kept) - 1
        entries = problem.entries
        entries = entries.where(self.kept[entries.row] & self.kept[entries.column])
        row, column = place[entries.row], place[entries.column]
        self.rows = _powers(row, np.abs(entries.value).astype(float), self.size)
        if like is not None:  # else what both have in common would be scaled otherwise
            self.rows[: self.n] = like.rows[: self.n]
        value = entries.value / self.rows[row]
        self.columns = _powers(column, np.abs(value).astype(float), self.size)
        if like is not None:
            self.columns[: self.n] = like.columns[: self.n]
        self.scaled = Entries(row, column, value / self.columns[column])
        shape = (self.size, self.size)
        matrix = coo_array((self.scaled.value.astype(float), (row, column)), shape=shape).tocsr()
        n, ohms = self.n, -matrix.diagonal()[self.n :]
        self.feed, self.sense = matrix[:n, n:], matrix[n:, :n]
        self.siemens = 1.0 / np.maximum(ohms, SOFT)
        try:
            if like is not None:
                self._factor: Any = self._updated(like)
                return
            rest = matrix[:n, :n] + self.feed @ (self.sense * self.siemens[:, None])
            self._factor = superlu.general(rest.tocsc())
        except (RuntimeError, np.linalg.LinAlgError) as error:
            raise Singular from error

    def _updated(self, like: Factored) -> Updated:
        """Return the factor of another set, corrected by the rectifiers that differ."""
        from scipy.sparse import hstack, vstack

        parts = []
        for one, other, sign in ((self, like, 1.0), (like, self, -1.0)):
            own = np.flatnonzero(~other.on[one.on])
            parts.append((one.feed[:, own], sign * one.siemens[own], one.sense[own]))
        left, siemens, right = zip(*parts, strict=True)
        return Updated(like._factor, hstack(left), np.concatenate(siemens), vstack(right))

    def inverse(self, b: Floats, transposed: bool = False) -> Floats:
        """Return the solution of the scaled equations, roughly and in plain doubles."""
        feed, sense = (self.sense.T, self.feed.T) if transposed else (self.feed, self.sense)
        source = self.siemens * b[self.n :]
        z = self._factor.solve(b[: self.n] + feed @ source, "T" if transposed else "N")
        return np.concatenate((z, self.siemens * (sense @ z) - source))

    def inverse_norm(self, weight: Floats) -> float:
        """Return about the largest row sum of ``|A^-1| diag(weight)`` (Hager 1984; Higham 1988).

        It is the largest column sum of the transposed one, which this climbs to.
        """
        x = np.full(self.size, 1.0 / self.size)
        best = 0.0
        for _ in range(ESTIMATES):
            y = weight * self.inverse(x, transposed=True)
            best = max(best, float(np.abs(y).sum()))
            slope = self.inverse(weight * np.where(y < 0, -1.0, 1.0))
            top = int(np.abs(slope).argmax())
            if not np.isfinite(best) or np.abs(slope[top]) <= (slope * x).sum():
                break
            x = np.zeros(self.size)
            x[top] = 1.0
        return best

    def solve(
        self, rhs: Extended, steps: int = REFINEMENTS, start: Extended | None = None
    ) -> tuple[Extended, Floats]:
        """Return the solution, and by how much the last step of refinement has changed it."""
        b = rhs / self.rows
        x = np.zeros(self.size, dtype=np.longdouble)
        if start is not None:
            x += start * self.columns
        change, last, idle = np.full(self.size, np.inf), np.inf, False
        for _ in range(steps):
            step = self.inverse((b - self.scaled.times(x, self.size)).astype(float))
            moved = float(np.abs(step).max(initial=0.0))
            # corrected factors may leave one step without gain, behind which there is more
            if not moved < (2 if not idle and not self.is_own else 0.5) * last:
                break
            x += step
            change, idle, last = np.abs(step), not moved < last / 2, moved
            if moved <= 2 * FINEST * np.abs(x).max():
                break
        return x / self.columns, change / self.columns

    def settled(self, x: Extended, change: Floats, most: float = SETTLED) -> bool:
        """Tell whether refinement came to an end: the equations have a solution."""
        size = np.abs(x * self.columns).max(initial=0.0)
        return bool((change * self.columns).max(initial=0.0) <= most * size)

    def error(self, rhs: Extended, x: Extended, change: Floats, lenient: bool) -> Floats:
        """Return a bound of the error of a solution.

        It is of the rounding in extended precision, in which what is left over is computed, or,
        if `lenient`, of that of the equations' values themselves.
        """
        scaled, row = np.abs(x * self.columns).astype(float), self.scaled.row
        size = np.abs(rhs / self.rows).astype(float)
        terms = np.abs(self.scaled.value).astype(float) * scaled[self.scaled.column]
        size += bincount(row, terms, self.size)
        finest = EPS if lenient else FINEST
        return 4 * finest * self.inverse_norm(size) / self.columns + change

    @cached_property
    def open(self) -> Bools:
        """Tell which components the equations leave open: what solves them is not got back."""
        known = np.sqrt(2.0 + np.arange(self.size)) / np.sqrt(2.0 + self.size)
        found, _ = self.solve(self.scaled.times(known, self.size) * self.rows)
        found *= self.columns
        return ~(np.abs(found - known) <= OPEN * np.abs(found).max(initial=1.0))

    def sign(self) -> float:
        """Return the sign of the determinant, that of the lower factor being 1."""
        every = np.arange(self.n)
        orders = self._factor.perm_r, self._factor.perm_c
        turns = sum(self.n - components(self.n, every, order)[0] for order in orders)
        negative = int((self._factor.U.diagonal() < 0).sum()) + self.size - self.n
        return -1.0 if (negative + turns) % 2 else 1.0


class Updated:
    """Solves for ``A + left diag(factors) right`` with the factors of A (Woodbury)."""

    def __init__(self, factor: Any, left: Any, factors: Floats, right: Any) -> None:
        self._factor, self._left, self._right = factor, left.toarray(), right.toarray()
        self._solved = factor.solve(self._left)
        self._small = np.linalg.inv(np.diag(1.0 / factors) + self._right @ self._solved)

    def solve(self, b: Floats, way: str = "N") -> Floats:
        """Return the solution, that of the transposed matrix if `way` is "T"."""
        x: Floats = self._factor.solve(b, way)
        if way == "N":
            x -= self._solved @ (self._small @ (self._right @ x))
        else:
            x -= self._factor.solve(self._right.T @ (self._small.T @ (self._left.T @ x)), way)
        return x


def _powers(place: Ints, size: Floats, count: int) -> Floats:
    """Return powers of two above the largest sizes at each place, 1 where there are none."""
    largest = np.zeros(count)
    np.maximum.at(largest, place, size)
    return np.ldexp(1.0, np.frexp(largest)[1])
