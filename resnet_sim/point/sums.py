"""Sums of unknowns: what equations are made of, row by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Ints
from ..graph.graphs import ranges
from ..graph.mixed import Entries, Extended

#: Rows, columns and factors, kind by kind.
Terms = list[tuple[Any, Any, Any]]


@dataclass(frozen=True)
class Sums:
    """Rows of sums of unknowns: ``value[k]`` times ``column[k]`` for k in ``ptr[r]:ptr[r+1]``."""

    ptr: Ints
    column: Ints
    value: Extended

    @classmethod
    def of(cls, rows: int, parts: Terms) -> Sums:
        """Return sums of terms, each a row, a column and a factor."""
        row, column, value = (np.concatenate(kind) for kind in zip(*parts, strict=True))
        order = np.argsort(row, kind="stable")
        ptr = np.append(0, np.cumsum(np.bincount(row, minlength=rows)))
        return cls(ptr, column[order], value[order].astype(np.longdouble))

    def take(self, rows: Ints) -> tuple[Ints, Ints, Extended]:
        """Return the terms of some rows: the place of the row among them, column, factor."""
        count = self.ptr[rows + 1] - self.ptr[rows]
        term = ranges(self.ptr[rows], count)
        return np.repeat(np.arange(len(rows)), count), self.column[term], self.value[term]

    def raised(self, rows: Ints, by: Ints) -> Sums:
        """Return the sums with some rows raised by others."""
        every = np.arange(len(self.ptr) - 1)
        place, column, value = self.take(np.append(every, by))
        row = np.append(every, rows)[place]
        return Sums.of(len(every), [(row, column, value)])

    def differences(self, p: Ints, q: Ints) -> Entries:
        """Return rows p less rows q, in which what is the same in both is gone."""
        count = len(p)
        if not count:
            return Entries(p, p, np.zeros(0, dtype=np.longdouble))
        place, column, value = self.take(np.concatenate((p, q)))
        sign = np.where(place < count, 1.0, -1.0)
        return Entries.added(place % count, column, sign * value)
