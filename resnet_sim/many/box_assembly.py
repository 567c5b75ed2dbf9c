"""K and c of a problem of boxes from what learns, and derivatives back to it, in tiles.

Both are linear in the conductances g, and c is linear in the inputs, so the co-content
``1/2 x'K x - c'x`` of a state has the derivative ``1/2 x'K_g x - x'c_g`` by g.  Between two states
that differ by d, with the mean m, that is ``d'K_g m - d'c_g``: products at the entries of K and c,
summed over the samples, and then what makes K and c of g, transposed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Floats, Ints, different, ranked
from .assembly import Assembly, Pattern
from .drive import Drive, Map
from .structure import Structure
from .tiles import Tiles
from .trainable import Ties


class Linear:
    """Entries of a pattern as a linear function of the conductances that learn, or their values.

    Where these are tied, so are entries: only different ones are computed.

    Attributes
    ----------
    pattern : Pattern
    which : ndarray of int, shape (entries,)
        Of the different entries.
    count : int
        Of these.
    """

    def __init__(self, pattern: Pattern, siemens: Floats, learning: Ints, ties: Ties | None):
        sums, still = pattern.sums, siemens.copy()
        still[learning] = 0.0
        own, rest = sums[:, learning].tocsr(), sums @ still
        if ties is not None:
            own = _tied(own, ties)
        first, self.which = _different(own, rest)
        self.pattern, self.count = pattern, len(first)
        self._own, self._rest = own[first], rest[first]
        self._back = self._own.T.tocsr()

    def __call__(self, g: Floats) -> Floats:
        """Return the different entries."""
        found: Floats = self._own @ g
        found += self._rest
        return found

    def back(self, by_entry: Floats) -> Floats:
        """Return derivatives by the different conductances of those by different entries."""
        found: Floats = self._back @ by_entry
        return found


def _tied(sums: Any, ties: Ties) -> Any:
    """Return entries per unit of each value of conductances of those per unit of each of them."""
    from scipy.sparse import csr_array

    n = len(ties.which)
    values = csr_array((np.ones(n), ties.which, np.arange(n + 1)), shape=(n, len(ties.first)))
    return sums @ values


def _different(own: Any, rest: Floats) -> tuple[Ints, Ints]:
    """Return where different rows of a sparse matrix and `rest` come first, and which each is."""
    own.sum_duplicates()
    length = np.diff(own.indptr)
    alike = np.empty(len(length), dtype=np.int64)
    for n in np.unique(length).tolist():
        rows = np.flatnonzero(length == n)
        at = own.indptr[rows] + np.arange(n)[:, None]
        first, which = different([rest[rows], *own.indices[at], *own.data[at]])
        alike[rows] = rows[first][which]
    return ranked(alike)


#: of two states, or the like
Pair = tuple[Floats, Floats]


@dataclass(frozen=True)
class Some:
    """Some entries of a pattern: where they are, and which of the different ones each is.

    Attributes
    ----------
    row, column, which : ndarray of int
        Of each.
    first : ndarray of int, shape (n + 1,)
        Where those of each row begin.
    """

    row: Ints
    column: Ints
    which: Ints
    first: Ints

    @classmethod
    def of(cls, linear: Linear, chosen: Any = slice(None)) -> Some:
        """Return the entries that are chosen, by default all."""
        row = linear.pattern.row[chosen]
        first = np.searchsorted(row, np.arange(linear.pattern.shape[0] + 1))
        column, which = linear.pattern.column[chosen], linear.which[chosen]
        # they are many: half as many bytes take less time
        return cls(row, column.astype(np.int32), which.astype(np.int32), first)

    def products(self, states: Pair, other: Floats | None, count: int) -> tuple[Floats, Floats]:
        """Return sums over samples of how much two states differ in rows, times other columns.

        There is one for each of the `count` different entries; other columns are by default those
        of the sum of both states.  And by how much each row differs, shape (n,).
        """
        from ..compiled.vectors import DOUBLES, aligned
        from ._box_sums import add_products

        rows, width = states[0].shape[1:]
        lanes, found, change = (
            aligned((count, DOUBLES), np.float64),
            np.empty(count),
            np.zeros(rows),
        )
        add_products(
            self.first, self.column, self.which, states,
            np.zeros((0, 0, width)) if other is None else other, lanes, found, change,
            (0,) * (width // DOUBLES),
        )  # fmt: skip
        return found, change


class BoxAssembly:
    """What learns and what drives, as the problem wants it.

    Attributes
    ----------
    stiffness, load : Linear
        K, and c per unit of each column of u.
    """

    def __init__(
        self, structure: Structure, assembly: Assembly, learning: Ints, ties: Ties | None
    ) -> None:
        siemens = structure.reduction.conductors.siemens
        self._injection = Map(structure.injection)
        self.stiffness = Linear(assembly.stiffness, siemens, learning, ties)
        self.load = Linear(assembly.load, siemens, learning, ties)
        self._whole = Some.of(self.stiffness)
        self._splits: dict[int, tuple[Some, Some]] = {}

    def _split(self, drive: Drive) -> tuple[Some, Some]:
        """Return entries of c in columns that samples have of their own, and in others."""
        columns = drive.x.shape[1]
        if columns not in self._splits:
            own = self.load.pattern.column < columns
            common = Some.of(self.load, ~own)
            common.column[:] -= columns
            self._splits[columns] = Some.of(self.load, own), common
        return self._splits[columns]

    def fed(self, g: Floats, drive: Drive, tiles: Tiles, u: Floats) -> Floats:
        """Return c in tiles, of a drive whose own columns are the tiles u."""
        from ..compiled.vectors import aligned
        from ._box_sums import feed

        (own, common), values = self._split(drive), self.load(g)
        start = self._injection(drive)[1:]
        if len(common.row):
            flow = values[common.which] * drive.common[common.column]
            start = start + np.bincount(common.row, flow, len(start))[:, None]
        if start.shape[1] == 1:
            load = aligned((tiles.count, len(start), tiles.width), np.float64, zero=False)
            load[...] = start
        else:
            load = tiles.pack(start)
        feed(own.first, own.column, own.which, values, u, load, tiles.doubles)
        return load

    def contrast(self, drive: Drive, u: Floats, states: Pair) -> Pair:
        """Return by how much two states differ, and ``d'K_g m - d'c_g``, summed over the samples.

        The former has shape (n,), the latter is there for each different conductance.

        Parameters
        ----------
        u : ndarray
            Tiles of the drive's own columns.
        states : (ndarray, ndarray)
            In tiles; lanes without a sample are zero.
        """
        products, change = self._whole.products(states, None, self.stiffness.count)
        found = self.stiffness.back(0.5 * products)
        (own, common), count = self._split(drive), self.load.count
        by_entry, _ = own.products(states, u, count)
        if len(common.row):
            flow = change[common.row] * drive.common[common.column]
            by_entry += np.bincount(common.which, flow, count)
        found -= self.load.back(by_entry)
        return change, found
