"""Values as affine functions of parameters, or what has such a function as its reciprocal."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..arrays import Bools, Floats, Ints, different
from .circuit import Circuit

#: How far a value may be from where an affine function has it, relative.
NEAR = 1e-9


@dataclass(frozen=True)
class Affine:
    """Values of one column, or their reciprocals, as affine functions of the parameters.

    Attributes
    ----------
    table, column : str
    at : ndarray of int, shape (n,)
        Places in the column.
    inverse : bool
        Whether the reciprocals are meant.
    offset : ndarray, shape (n,)
    row, parameter : ndarray of int, shape (terms,)
    slope : ndarray, shape (terms,)
    """

    table: str
    column: str
    at: Ints
    inverse: bool
    offset: Floats
    row: Ints
    parameter: Ints
    slope: Floats

    def form(self, theta: Floats) -> Floats:
        """Return the affine forms, shape (n,), for parameters, shape (P,)."""
        terms: Floats = self.slope * theta[self.parameter]
        if not self._one_each:
            terms = np.bincount(self.row, terms, len(self.at)).astype(float)
        return np.asarray(self.offset + terms)

    @cached_property
    def _one_each(self) -> bool:
        """Whether every value has one term, in their order."""
        return np.array_equal(self.row, np.arange(len(self.at)))

    def __call__(self, theta: Floats) -> Floats:
        """Return the values, shape (n,), for parameters, shape (P,)."""
        with np.errstate(divide="ignore"):
            return 1.0 / self.form(theta) if self.inverse else self.form(theta)

    def agrees(self, theta: Floats, values: Floats) -> Bools:
        """Tell which values of the column are those that parameters make."""
        with np.errstate(divide="ignore", invalid="ignore"):
            wanted = 1.0 / values[self.at] if self.inverse else values[self.at]
            terms = np.abs(self.slope * theta[self.parameter])
            size = np.bincount(self.row, terms, len(self.at)) + np.abs(self.offset)
            return np.asarray(np.abs(self.form(theta) - wanted) <= NEAR * size)

    def only(self, rows: Bools) -> Affine:
        """Return some of the values."""
        terms, number = rows[self.row], np.cumsum(rows) - 1
        return dataclasses.replace(
            self, at=self.at[rows], offset=self.offset[rows], row=number[self.row[terms]],
            parameter=self.parameter[terms], slope=self.slope[terms],
        )  # fmt: skip

    def different(self) -> tuple[Affine, Ints]:
        """Return values that differ for some parameters, and which of them each value is.

        Those of several terms are not compared.
        """
        if not self._one_each:
            return self, np.arange(len(self.at))
        first, which = different((self.offset, self.slope, self.parameter))
        return dataclasses.replace(
            self, at=self.at[first], offset=self.offset[first], row=np.arange(len(first)),
            parameter=self.parameter[first], slope=self.slope[first],
        ), which  # fmt: skip

    def of(self, place: Ints, theta: Floats) -> Affine:
        """Return what follows some of the parameters, when the others stay where they are.

        Parameters
        ----------
        place : ndarray of int, shape (P,)
            Numbers of those that may change, -1 for the others.
        theta : ndarray, shape (P,)
        """
        moves = place[self.parameter] >= 0
        still = np.bincount(
            self.row[~moves], (self.slope * theta[self.parameter])[~moves], len(self.at)
        )
        whole = dataclasses.replace(
            self, offset=self.offset + still, row=self.row[moves],
            parameter=place[self.parameter[moves]], slope=self.slope[moves],
        )  # fmt: skip
        return whole.only(np.bincount(whole.row, minlength=len(self.at)) > 0)

    @cached_property
    def alone(self) -> Bools:
        """Tell of each term whether its value has no other."""
        found: Bools = np.bincount(self.row, minlength=len(self.at))[self.row] == 1
        return found

    def limits(self, low: float, high: float) -> tuple[float, float]:
        """Return the bounds of the forms, where conductances have some, S."""
        if self.table == "resistors":
            if self.inverse:
                return low, high
            if low >= 0:
                with np.errstate(divide="ignore"):
                    return float(np.divide(1.0, high)), float(np.divide(1.0, low))
        return (0.0 if self.column == "r_on" and not self.inverse else -math.inf), math.inf

    def pull(self, by_value: Floats, theta: Floats) -> Floats:
        """Return derivatives by the parameters, shape (P,), of those by the values, shape (n,)."""
        if self.inverse:  # d(1/y) = -(1/y)^2 dy
            by_value = -by_value * self(theta) ** 2
        return self.pull_form(by_value, len(theta))

    def pull_form(self, by_form: Floats, parameters: int) -> Floats:
        """Return derivatives by so many parameters of those by the forms, shape (n,)."""
        terms = self.slope * (by_form if self._one_each else by_form[self.row])
        return np.asarray(np.bincount(self.parameter, terms, parameters), dtype=float)


def applied(circuit: Circuit, parts: Iterable[Affine], theta: Floats) -> Circuit:
    """Return a circuit with the values that parameters make, shape (P,)."""
    columns: dict[str, dict[str, Floats]] = {}
    for part in parts:
        own = columns.setdefault(part.table, {})
        if part.column not in own:
            own[part.column] = getattr(circuit.tables[part.table], part.column).copy()
        own[part.column][part.at] = part(theta)
    return circuit._with_columns(columns)
