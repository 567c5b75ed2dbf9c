"""Mixed problems with smooth laws beside, and the mixed problem of their tangents."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..curves import Curve
from .graphs import bincount
from .mixed import Entries, Extended, MixedProblem, first_of_each, matches


class SmoothLaws(Protocol):
    """Currents as functions of voltages, shape (laws,)."""

    def __len__(self) -> int:
        """Return the number of currents."""

    @property
    def pattern(self) -> tuple[Ints, Ints]:
        """Whose current depends on whose voltage, in order of the former."""

    @property
    def curve(self) -> Curve | None:
        """The laws if each current is an increasing function of its own voltage, else None."""

    def evaluate(self, v: Floats) -> tuple[Floats, Floats]:
        """Return the currents, and the derivatives by pairs of `pattern`."""

    def start(self) -> Floats:
        """Return the voltages from which a search begins."""

    def limit(self, new: Floats, old: Floats) -> Floats:
        """Return how far the tangents at `old` may be trusted on the way to `new`."""


def spread(laws: SmoothLaws, slopes: Floats, change: Floats) -> Floats:
    """Return derivatives times what the voltages change by, shape (laws,)."""
    row, column = laws.pattern
    return bincount(row, slopes * change[column], len(laws))


def terms(laws: SmoothLaws, feed: Entries, sense: Entries) -> tuple[Ints, Ints, Extended, Ints]:
    """Return rows, columns and factors of derivatives in equations, and which derivatives.

    Parameters
    ----------
    feed, sense : Entries
        As in `LawProblem`.
    """
    row, column = laws.pattern
    fed, slope = matches(feed.column, row)
    term, seen = matches(column[slope], sense.row)
    fed, slope = fed[term], slope[term]
    return feed.row[fed], sense.column[seen], feed.value[fed] * sense.value[seen], slope


@dataclass(frozen=True)
class LawProblem:
    """Mixed problem of n unknowns and m rectifiers with smooth laws beside.

        matrix z + linear.feed i + feed f(u) = rhs,   u = sense z + offset

    and the rectifiers as in `MixedProblem`.

    Attributes
    ----------
    linear : MixedProblem
    feed : Entries
        Shape (n, laws).
    sense : Entries
        Shape (laws, n).
    offset : ndarray of float, shape (laws,)
    laws : SmoothLaws
    own : ndarray of bool, shape (n,)
        Equations of controlled sources, which set the unknown of their row.
    lift : Entries
        What negative conductances lack of being positive.
    """

    linear: MixedProblem
    feed: Entries
    sense: Entries
    offset: Floats
    laws: SmoothLaws
    own: Bools
    lift: Entries

    @cached_property
    def _terms(self) -> tuple[Ints, Ints, Extended, Ints]:
        """Rows, columns and factors of derivatives in the equations, and which derivatives."""
        return terms(self.laws, self.feed, self.sense)

    @cached_property
    def _places(self) -> tuple[Ints, Ints, Ints]:
        """The order in which entries and terms go by place, and the first of each of these."""
        entries, (row, column, _, _) = self.linear.entries, self._terms
        row = np.concatenate((entries.row, row))
        order = np.lexsort((np.concatenate((entries.column, column)), row))
        column = np.concatenate((entries.column, column))[order]
        return order, first_of_each(row[order], column), row

    def _with_slopes(self, slopes: Floats) -> Entries:
        """Return the entries of the linear problem with tangents of given derivatives."""
        entries, (_, column, factor, which) = self.linear.entries, self._terms
        order, first, row = self._places
        value = np.concatenate((entries.value, factor * slopes[which]))[order]
        place = order[first]
        column = np.concatenate((entries.column, column))[place]
        value = np.add.reduceat(value, first) if len(first) else value
        return Entries(row[place], column, value)

    def tangent(
        self, u: Floats, shunt: float = 0.0, towards: Floats | float = 0.0, share: float = 1.0
    ) -> MixedProblem:
        """Return the problem with the tangents of the laws at voltages u.

        A conductance `shunt` is added across each law, with a source of `towards` volts in
        series; all other sources have a `share` of their values.
        """
        current, slopes = self.laws.evaluate(u)
        linear, offset = self.linear, share * self.offset
        constant = current + spread(self.laws, slopes, offset - u) + shunt * (offset - towards)
        row, column = self.laws.pattern
        entries = self._with_slopes(slopes + shunt * (row == column))
        rhs = share * linear.rhs - self.feed.times(constant, linear.n)
        return MixedProblem(entries, rhs, share * linear.drop, linear.resistance)

    @property
    def with_ports(self) -> MixedProblem:
        """The problem with a rectifier where each law is, whose gap is less the law's voltage."""
        linear, first = self.linear, self.linear.n + self.linear.m
        entries, seen, fed = linear.entries, self.sense, self.feed
        entries = Entries.added(
            np.concatenate((entries.row, first + seen.row, fed.row)),
            np.concatenate((entries.column, seen.column, first + fed.column)),
            np.concatenate((entries.value, seen.value, fed.value)),
        )
        drop = np.append(linear.drop, -self.offset)
        resistance = np.append(linear.resistance, np.zeros(len(self.offset)))
        return MixedProblem(entries, linear.rhs, drop, resistance)

    @cached_property
    def passive(self) -> MixedProblem:
        """The problem with laws that are conductances, and no gain in any source."""
        linear, (row, column) = self.linear, self.laws.pattern
        entries = self._with_slopes((row == column).astype(float))
        return dataclasses.replace(linear, entries=entries).passive(self.own, self.lift)

    def across(self, z: Floats | Extended, share: float = 1.0) -> Extended:
        """Return the voltages across the laws at some unknowns, in extended precision."""
        return self.sense.times(z, len(self.offset)) + share * self.offset

    def flowing(self, z: Extended) -> tuple[Floats, Floats]:
        """Return voltages and currents of the laws at unknowns of extended precision."""
        exact = self.across(z)
        u = exact.astype(np.float64)
        current, slopes = self.laws.evaluate(u)
        return u, current + spread(self.laws, slopes, (exact - u).astype(np.float64))

    def left(self, z: Extended, current: Extended) -> tuple[Extended, Floats]:
        """Return what the equations of all rectifiers are off by, and the voltages of the laws."""
        linear = self.linear
        u, flowing = self.flowing(z)
        left = np.concatenate((linear.rhs, linear.drop), dtype=np.longdouble)
        left -= linear.entries.times(np.concatenate((z, current)), len(left))
        left[: linear.n] -= self.feed.times(flowing, linear.n)
        return left, u
