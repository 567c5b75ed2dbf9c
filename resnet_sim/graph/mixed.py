"""The mixed problem of feedback, where no co-content exists: linear equations and rectifiers.

    matrix z + feed i = rhs
    i >= 0,  sense z - resistance i <= drop,  complementary

for n unknowns z and the currents i of m rectifiers.  The equations are held as entries of one
matrix, that of all unknowns and of rectifiers that all conduct:

    [ matrix       feed      ]
    [ sense   -diag(resistance) ]
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..arrays import Bools, Floats, Ints
from .graphs import bincount, ranges
from .problem import EPS

#: What large and small conductances, or such that cancel, are added up in: of what one of them
#: is the small rest, a double would keep few digits.
Extended = npt.NDArray[np.longdouble]


def first_of_each(*keys: Ints) -> Ints:
    """Return where sorted keys, one or several side by side, change."""
    fresh = np.zeros(max(len(keys[0]) - 1, 0), dtype=np.bool_)
    for key in keys:
        fresh |= key[1:] != key[:-1]
    return np.append(0, 1 + np.flatnonzero(fresh))[: len(keys[0])]


def matches(keys: Ints, ordered: Ints) -> tuple[Ints, Ints]:
    """Return all pairs of places at which keys, and ordered keys, are the same."""
    first = np.searchsorted(ordered, keys)
    count = np.searchsorted(ordered, keys, side="right") - first
    return np.repeat(np.arange(len(keys)), count), ranges(first, count)


@dataclass(frozen=True, eq=False)
class Entries:
    """Entries of a matrix, in order of rows and columns, each place once."""

    row: Ints
    column: Ints
    value: Extended

    @classmethod
    def added(cls, row: Ints, column: Ints, value: Extended, size: Floats | None = None) -> Entries:
        """Return entries with those at the same place added up.

        `size` are the sizes of what the values were made from: where all cancels, rounding must
        not decide how much of nothing is left.
        """
        order = np.lexsort((column, row))
        row, column, value = row[order], column[order], value[order]
        start = first_of_each(row, column)
        value = np.add.reduceat(value, start) if len(start) < len(row) else value
        kept = value != 0
        if size is not None:
            kept &= np.abs(value) > 4 * EPS * np.add.reduceat(size[order], start)
        return cls(row[start[kept]], column[start[kept]], value[kept])

    @classmethod
    def of(cls, matrix: Floats | Extended) -> Entries:
        """Return what is not zero in a matrix."""
        row, column = np.nonzero(matrix)
        return cls(row, column, matrix[row, column].astype(np.longdouble))

    def dense(self, rows: int, columns: int) -> Extended:
        """Return the matrix."""
        whole = np.zeros((rows, columns), dtype=np.longdouble)
        whole[self.row, self.column] = self.value
        return whole

    @cached_property
    def _first(self) -> Ints:
        """The first entry of each row that has any."""
        return first_of_each(self.row)

    def times(self, x: Floats | Extended, count: int) -> Extended:
        """Return the product with a vector, or with columns, in extended precision."""
        total = np.zeros((count, *x.shape[1:]), dtype=np.longdouble)
        value = self.value if x.ndim == 1 else self.value[:, None]
        terms = value * x[self.column]
        total[self.row[self._first]] = np.add.reduceat(terms, self._first)
        return total

    def off(self, x: Floats | Extended, right: Extended) -> tuple[Extended, Extended]:
        """Return what the equations with a right side are off by, and the sizes of their terms."""
        sizes = Entries(self.row, self.column, np.abs(self.value)).times(np.abs(x), len(right))
        return np.abs(right - self.times(x, len(right))), np.abs(right) + sizes

    def where(self, chosen: Bools) -> Entries:
        """Return some of the entries."""
        return Entries(self.row[chosen], self.column[chosen], self.value[chosen])


@dataclass(frozen=True, eq=False)
class MixedProblem:
    """Mixed linear complementarity problem of n unknowns and m rectifiers.

    Attributes
    ----------
    entries : Entries
        Of the matrix above, shape (n + m, n + m).
    rhs : ndarray of longdouble, shape (n,)
    drop, resistance : ndarray of float, shape (m,)
    """

    entries: Entries
    rhs: Extended
    drop: Floats
    resistance: Floats

    @classmethod
    def dense(
        cls, matrix: Floats, feed: Floats, rhs: Floats, sense: Floats, drop: Floats,
        resistance: Floats,
    ) -> MixedProblem:  # fmt: skip
        """Return the problem of given matrices."""
        whole = np.block([[matrix, feed], [sense, -np.diag(resistance)]]).astype(np.longdouble)
        return cls(Entries.of(whole), rhs.astype(np.longdouble), drop, resistance)

    @property
    def n(self) -> int:
        """Number of unknowns."""
        return len(self.rhs)

    @property
    def m(self) -> int:
        """Number of rectifiers."""
        return len(self.drop)

    def passive(self, own: Bools, lift: Entries) -> MixedProblem:
        """Return the problem without any gain in the sources, whose rows are `own`.

        `lift` is what its negative conductances lack of being positive.  What nothing else holds
        then, as what jumps, a conductance does.
        """
        n, entries = self.n, self.entries
        lost = np.append(own, np.zeros(self.m, dtype=np.bool_))[entries.row]
        kept = entries.where(~(lost & (entries.column < n)))
        bare = np.ones(n, dtype=np.bool_)
        bare[kept.column[(kept.row < n) & (kept.column < n)]] = False
        held = np.flatnonzero(own | bare)
        one = np.ones(len(held), dtype=np.longdouble)
        entries = Entries.added(
            np.concatenate((kept.row, held, lift.row)),
            np.concatenate((kept.column, held, lift.column)),
            np.concatenate((kept.value, one, lift.value)),
        )  # fmt: skip
        return MixedProblem(entries, self.rhs, self.drop, self.resistance)

    @cached_property
    def equations(self) -> Extended:
        """The matrix if all rectifiers conduct, shape (n + m, n + m)."""
        return self.entries.dense(self.n + self.m, self.n + self.m)

    @cached_property
    def sense(self) -> Floats:
        """What the rectifiers see of each unknown, dense, shape (m, n)."""
        return np.asarray(self.equations[self.n :, : self.n], dtype=float)

    @cached_property
    def feed(self) -> Floats:
        """What the rectifiers' currents do in the equations, dense, shape (n, m)."""
        return np.asarray(self.equations[: self.n, self.n :], dtype=float)

    @cached_property
    def _seen(self) -> tuple[Ints, Ints, Floats]:
        """The same as entries."""
        seen = self.entries.where((self.entries.row >= self.n) & (self.entries.column < self.n))
        return seen.row - self.n, seen.column, seen.value.astype(float)

    def across(self, z: Floats, size: bool = False) -> Floats:
        """Return what unknowns put across the rectifiers, V, or the sum of the sizes of that."""
        if not self.m:
            return np.zeros(0)
        row, column, value = self._seen
        terms = value * z[column]
        return bincount(row, np.abs(terms) if size else terms, self.m)

    def gap(self, solution: MixedSolution) -> Floats:
        """Return how far each rectifier is from conducting, V."""
        return self.drop + self.resistance * solution.current - self.across(solution.z)

    def touching(self, solution: MixedSolution) -> Bools:
        """Tell which rectifiers have no gap but for rounding."""
        reach = np.abs(self.drop) + self.across(solution.z, size=True)
        noise = 16 * EPS * float(np.abs(solution.z).max(initial=0.0))
        return np.abs(self.gap(solution)) <= 1e-11 * reach + noise

    def carrying(self, solution: MixedSolution) -> Bools:
        """Tell which rectifiers carry current, more than rounding."""
        return solution.current > 1e-12 * np.abs(solution.current).max(initial=0.0)


@dataclass(frozen=True, eq=False)
class MixedSolution:
    """Unknowns and rectifier currents that solve a `MixedProblem`.

    ``z + low`` has the digits that extended precision gives beyond a double.  `free` tells
    which unknowns, and `free_current` which currents, are not determined: they have a part
    in the null space of the equations.
    """

    z: Floats
    low: Floats
    current: Floats
    free: Bools
    free_current: Bools
