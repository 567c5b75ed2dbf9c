"""Large problems of feedback: sparse equations, and the small problem left of the rectifiers.

One sparse LU factorisation solves the equations of a conducting set, in extended precision by
refinement.  Which set is right a few flips tell, each with a factorisation of its own; with few
rectifiers the equations are solved for their voltages and currents first, which leaves a problem
of these alone that can be searched like any small one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..graph.graphs import bincount, components
from ..graph.mixed import Entries, Extended, MixedProblem
from ..graph.problem import EPS
from .singular import LARGEST

#: Rounding of extended precision.
FINEST = float(np.finfo(np.longdouble).eps)
#: Resistance of ideal rectifiers where they are softened, in scaled units.
SOFT = 1e-8
#: Steps of inverse iteration, and the share of what it finds that counts as moved.
ITERATIONS, MOVED = 6, 1e-4
#: Solves after which the estimate of the inverse's norm is good enough (Hager).
ESTIMATES = 5


class Singular(Exception):
    """The equations of a conducting set are singular, or too near to it."""


class Factored:
    """The equations of one conducting set, factored.

    Rows and columns are scaled by powers of two.  Columns are ordered for the structure of an
    unsymmetric matrix (COLAMD): amplifiers spoil the symmetry that minimum degree relies on.

    Raises
    ------
    Singular
        If the equations are; if not `rough`, also if rounding may hide that they are.
    """

    def __init__(self, problem: MixedProblem, on: Bools, rough: bool = False) -> None:
        from scipy.sparse import csc_array
        from scipy.sparse.linalg import splu

        self.kept = np.concatenate((np.ones(problem.n, dtype=np.bool_), on))
        self.size = int(self.kept.sum())
        place = np.cumsum(self.kept) - 1
        entries = problem.entries
        entries = entries.where(self.kept[entries.row] & self.kept[entries.column])
        row, column = place[entries.row], place[entries.column]
        self.rows = _powers(row, np.abs(entries.value).astype(float), self.size)
        value = entries.value / self.rows[row]
        self.columns = _powers(column, np.abs(value).astype(float), self.size)
        self.scaled = Entries(row, column, value / self.columns[column])
        self.plain = self.scaled.value.astype(float)
        shape = (self.size, self.size)
        matrix = csc_array((self.plain, (row, column)), shape=shape)
        #: ideal rectifiers have a resistance, as a loop of them would be singular
        self.softened = False
        try:
            self._factor: Any = splu(matrix, permc_spec="COLAMD")
            self.softened = not rough and not self.inverse_norm(np.ones(self.size)) <= LARGEST
        except RuntimeError as error:
            if rough:
                raise Singular from error
            self.softened = True
        if self.softened:
            ideal = problem.n + np.flatnonzero(problem.resistance[on] == 0)
            ohms = csc_array((np.full(len(ideal), -SOFT), (ideal, ideal)), shape=shape)
            self._soften(matrix + ohms)

    def _soften(self, matrix: Any) -> None:
        from scipy.sparse.linalg import splu

        try:
            self._factor = splu(matrix, permc_spec="COLAMD")
        except RuntimeError as error:
            raise Singular from error
        if not self.inverse_norm(np.ones(self.size)) <= LARGEST:
            raise Singular

    def moves(self, n: int) -> bool:
        """Tell whether the equations leave any of the first n components open.

        Inverse iteration goes to what is open: currents of rectifiers alone, or more than that.
        """
        if not self.softened:
            return False
        x = np.sqrt(2.0 + np.arange(self.size))  # nothing is orthogonal to it by chance
        for _ in range(ITERATIONS):
            x = self.inverse(x)
            x /= np.abs(x).max()
        return bool(np.abs(x[:n]).max(initial=0.0) > MOVED)

    def inverse(self, b: Floats) -> Floats:
        """Return the solution of the scaled equations in plain doubles."""
        x: Floats = self._factor.solve(b)
        return x

    def roughly(self, rhs: Extended) -> Floats:
        """Return the solution to some digits."""
        x: Floats = self.inverse((rhs / self.rows).astype(float)) / self.columns
        return x

    def sign(self) -> float:
        """Return the sign of the determinant, that of the lower factor being 1."""
        turns = [
            components(self.size, np.arange(self.size), order)[0] - self.size
            for order in (self._factor.perm_r, self._factor.perm_c)
        ]
        negative = int((self._factor.U.diagonal() < 0).sum())
        return -1.0 if (negative + sum(turns)) % 2 else 1.0

    def inverse_norm(self, weight: Floats) -> float:
        """Return about the largest row sum of ``|A^-1| diag(weight)`` (Hager 1984; Higham 1988).

        It is the largest column sum of the transposed one, which this climbs to.
        """
        x = np.full(self.size, 1.0 / self.size)
        best = 0.0
        for _ in range(ESTIMATES):
            y = weight * self._factor.solve(x, "T")
            best = max(best, float(np.abs(y).sum()))
            slope = self._factor.solve(weight * np.where(y < 0, -1.0, 1.0))
            top = int(np.abs(slope).argmax())
            if not np.isfinite(best) or np.abs(slope[top]) <= slope @ x:
                break
            x = np.zeros(self.size)
            x[top] = 1.0
        return best

    def solve(self, rhs: Extended, lenient: bool = False) -> tuple[Floats, Floats, Floats]:
        """Return the solution, its digits beyond doubles, and a bound of its error.

        The bound is of the rounding in extended precision, in which what is left over is
        computed, or, if `lenient`, of that of the equations' values themselves.
        """
        b = rhs / self.rows
        x = np.zeros(self.size, dtype=np.longdouble)
        for _ in range(8 if self.softened else 4):
            rest = b - self.scaled.times(x, self.size)
            step = self.inverse(rest.astype(float))
            x += step
        size = np.abs(b).astype(float)
        terms = np.abs(self.plain * x.astype(float)[self.scaled.column])
        size += bincount(self.scaled.row, terms, self.size)
        finest = EPS if lenient else FINEST
        error = 4 * finest * self.inverse_norm(size) + np.abs(step)
        x /= self.columns
        z = x.astype(float)
        return z, (x - z).astype(float), error / self.columns


def _powers(place: Ints, size: Floats, count: int) -> Floats:
    """Return powers of two above the largest sizes at each place, 1 where there are none."""
    largest = np.zeros(count)
    np.maximum.at(largest, place, size)
    power: Floats = np.ldexp(1.0, np.frexp(largest)[1])
    return power
