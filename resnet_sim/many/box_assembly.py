"""K and c of a problem of boxes from what learns, and derivatives back to it, in tiles.

Both are linear in the conductances g, and c is linear in the inputs, so the co-content
``1/2 x'K x - c'x`` of a state has the derivative ``1/2 x'K_g x - x'c_g`` by g.  Between two states
that differ by d, with the mean m, that is ``d'K_g m - d'c_g``: products at the entries of K and c,
summed over the samples, and then what makes K and c of g, transposed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Floats, Ints, different, ranked
from ..compiled.registers import DOUBLES, aligned
from .assembly import Assembly, Pattern
from .box_layout import fours
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
    return ranked(_alike(own.indptr, (own.indices, own.data), rest))


def _alike(first: Ints, keys: Sequence[Any], rest: Any) -> Ints:
    """Return for each row the first one with the same keys, of its own and of its entries."""
    length = np.diff(first)
    alike = np.empty(len(length), dtype=np.int64)
    for n in np.unique(length).tolist():
        rows = np.flatnonzero(length == n)
        at = first[rows] + np.arange(n)[:, None]
        found, which = different([rest[rows], *(own for key in keys for own in key[at])])
        alike[rows] = rows[found][which]
    return alike


#: of two states, or the like
Pair = tuple[Floats, Floats]


@dataclass(frozen=True)
class Some:
    """Some entries of a pattern: where they are, and which of the different ones each is.

    Attributes
    ----------
    order : ndarray of int, shape (n,)
        Of the rows: those with the same columns follow each other.
    alike : ndarray of int, shape (n,)
        So many from each place there on are taken together.
    first : ndarray of int, shape (n + 1,)
        Where the entries of each place there begin.
    row, column, which : ndarray of int
        Of each entry.
    """

    order: Ints
    alike: Ints
    first: Ints
    row: Ints
    column: Ints
    which: Ints

    @classmethod
    def of(cls, linear: Linear, chosen: Any = slice(None)) -> Some:
        """Return the entries that are chosen, by default all."""
        row, column = linear.pattern.row[chosen], linear.pattern.column[chosen]
        n = linear.pattern.shape[0]
        first = np.searchsorted(row, np.arange(n + 1))
        alike = _alike(first, (column,), np.zeros(n))
        order = np.argsort(alike, kind="stable")
        place = np.argsort(order)
        # they are many: half as many bytes take less time
        by = np.argsort(place[row], kind="stable")
        column, which = (a[by].astype(np.int32) for a in (column, linear.which[chosen]))
        new = np.diff(alike[order], prepend=-1) != 0
        count = np.diff(first)[order]
        first = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(count)))
        return cls(order, fours(new), first, row[by], column, which)

    @property
    def entries(self) -> tuple[Ints, ...]:
        """What loops know them by."""
        return self.order, self.alike, self.first, self.column, self.which

    def products(self, states: Pair, other: Floats | None, count: int) -> tuple[Floats, Floats]:
        """Return sums over samples of how much two states differ in rows, times other columns.

        There is one for each of the `count` different entries; other columns are by default those
        of the sum of both states.  And by how much each row differs, shape (n,).
        """
        from ._box_sums import add_products

        rows, width = states[0].shape[1:]
        lanes = aligned((count, DOUBLES), np.float64)
        found, change = np.empty(count), np.zeros(rows)
        other = np.zeros((0, 0, width)) if other is None else other
        half = (0,) * (width // DOUBLES)
        add_products(self.entries, states, other, lanes, found, change, half)
        return found, change


class BoxAssembly:
    """What learns and what drives, as the problem wants it.

    Attributes
    ----------
    stiffness : Linear
        K.
    """

    def __init__(
        self, structure: Structure, assembly: Assembly, learning: Ints, ties: Ties | None
    ) -> None:
        self._injection = Map(structure.injection)
        self._load = assembly.load
        self._learns = structure.reduction.conductors.siemens, learning, ties
        self.stiffness = Linear(assembly.stiffness, *self._learns)
        self._whole = Some.of(self.stiffness)
        self._loads: dict[tuple[int, bool], tuple[Linear, Some, Some]] = {}

    def load(self, drive: Drive) -> tuple[Linear, Some, Some]:
        """Return c per unit of each column of u, its entries in `Drive.own`, and others."""
        columns = drive.x.shape[1]
        kind = columns, drive.mirrored
        if kind not in self._loads:
            pattern = self._load.folded(columns // 2) if drive.mirrored else self._load
            linear = Linear(pattern, *self._learns)
            own = pattern.column < columns
            common = Some.of(linear, ~own)
            common.column[:] -= columns
            self._loads[kind] = linear, Some.of(linear, own), common
        return self._loads[kind]

    def fed(self, g: Floats, drive: Drive, tiles: Tiles, u: Floats) -> Floats:
        """Return c in tiles, of a drive; tiles u are of `Drive.own`."""
        from ._box_sums import feed

        linear, own, common = self.load(drive)
        values = linear(g)
        start = self._injection(drive)[1:]
        if len(common.row):
            flow = values[common.which] * drive.common[common.column]
            start = start + np.bincount(common.row, flow, len(start))[:, None]
        if start.shape[1] == 1:
            load = aligned((tiles.count, len(start), tiles.width), np.float64, zero=False)
            load[...] = start
        else:
            load = tiles.pack(start)
        feed(own.entries, values, u, load, tiles.doubles)
        return load

    def contrast(self, drive: Drive, u: Floats, states: Pair) -> Pair:
        """Return by how much two states differ, and ``d'K_g m - d'c_g``, summed over the samples.

        The former has shape (n,), the latter is there for each different conductance.

        Parameters
        ----------
        u : ndarray
            Tiles of `Drive.own`.
        states : (ndarray, ndarray)
            In tiles; lanes without a sample are zero.
        """
        products, change = self._whole.products(states, None, self.stiffness.count)
        found = self.stiffness.back(0.5 * products)
        linear, own, common = self.load(drive)
        by_entry, _ = own.products(states, u, linear.count)
        if len(common.row):
            flow = change[common.row] * drive.common[common.column]
            by_entry += np.bincount(common.which, flow, linear.count)
        found -= linear.back(by_entry)
        return change, found
