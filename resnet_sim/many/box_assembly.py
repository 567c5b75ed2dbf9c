"""K and c of a problem of boxes from what learns, and derivatives back to it, in tiles.

Both are linear in the conductances g, and c is linear in the inputs, so the co-content
``1/2 x'K x - c'x`` of a state has the derivative ``1/2 x'K_g x - x'c_g`` by g.  Between two states
that differ by d, with the mean m, that is ``d'K_g m - d'c_g``: products at the entries of K and c,
summed over the samples, and then what makes K and c of g, transposed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Floats, Ints
from .assembly import Pattern
from .drive import Drive, Map
from .structure import Structure
from .tiles import Tiles


class Linear:
    """Entries of a pattern as a linear function of the conductances that learn."""

    def __init__(self, pattern: Pattern, siemens: Floats, learning: Ints) -> None:
        sums, still = pattern.sums, siemens.copy()
        still[learning] = 0.0
        self.pattern, self._rest = pattern, sums @ still
        self._own = sums[:, learning].tocsr()
        self._back = self._own.T.tocsr()

    def __call__(self, g: Floats) -> Floats:
        """Return the entries, shape (entries,)."""
        found: Floats = self._own @ g
        found += self._rest
        return found

    def back(self, by_entry: Floats) -> Floats:
        """Return derivatives by g of those by the entries."""
        found: Floats = self._back @ by_entry
        return found


@dataclass(frozen=True)
class Split:
    """Entries of c: places of those of columns that samples have of their own, and of others.

    Attributes
    ----------
    own, common : ndarray of int
        Places among all entries.
    first : ndarray of int, shape (n + 1,)
        Where the own of each row begin.
    """

    own: Ints
    common: Ints
    first: Ints

    @classmethod
    def at(cls, pattern: Pattern, columns: int) -> Split:
        """Split a pattern where columns of the samples end."""
        own = np.flatnonzero(pattern.column < columns)
        first = np.searchsorted(pattern.row[own], np.arange(pattern.shape[0] + 1))
        return cls(own, np.flatnonzero(pattern.column >= columns), first)


class BoxAssembly:
    """What learns and what drives, as the problem wants it.

    Attributes
    ----------
    stiffness, load : Linear
        K, and c per unit of each column of u.
    """

    def __init__(self, structure: Structure, stiffness: Pattern, load: Pattern, learning: Ints):
        siemens = structure.reduction.conductors.siemens
        self._injection = Map(structure.injection)
        self.stiffness = Linear(stiffness, siemens, learning)
        self.load = Linear(load, siemens, learning)
        self._splits: dict[int, Split] = {}

    def _split(self, drive: Drive) -> Split:
        columns = drive.x.shape[1]
        if columns not in self._splits:
            self._splits[columns] = Split.at(self.load.pattern, columns)
        return self._splits[columns]

    def fed(self, g: Floats, drive: Drive, tiles: Tiles, u: Floats) -> Floats:
        """Return c in tiles, of a drive whose own columns are the tiles u."""
        from ..compiled.vectors import aligned
        from ._box_sums import feed

        pattern, split, values = self.load.pattern, self._split(drive), self.load(g)
        start = self._injection(drive)[1:]
        if len(split.common):
            row, column = pattern.row[split.common], pattern.column[split.common]
            flow = values[split.common] * drive.common[column - drive.x.shape[1]]
            start = start + np.bincount(row, flow, len(start))[:, None]
        if start.shape[1] == 1:
            load = aligned((tiles.count, len(start), tiles.width), np.float64, zero=False)
            load[...] = start
        else:
            load = tiles.pack(start)
        at, own = pattern.column[split.own] * tiles.width, values[split.own]
        for tile, inputs in zip(load, u, strict=True):
            feed(split.first, at, own, inputs, tile, tiles.doubles)
        return load

    def contrast(
        self, drive: Drive, tiles: Tiles, u: Floats, change: Floats, level: Floats
    ) -> Floats:
        """Return the sums over samples of ``d'K_g m - d'c_g``, shape (len(g),).

        Parameters
        ----------
        u, change, level : ndarray
            Tiles of the drive's own columns, of d and of m; d is zero where no sample is.
        """
        from ._box_sums import add_products

        pattern, split = self.stiffness.pattern, self._split(drive)
        products = np.zeros(len(pattern.row))
        for d, m in zip(change, level, strict=True):
            add_products(pattern.first, pattern.column * tiles.width, d, m, products, tiles.doubles)
        found = self.stiffness.back(products)
        pattern = self.load.pattern
        products, own = np.zeros(len(pattern.row)), np.zeros(len(split.own))
        at = pattern.column[split.own] * tiles.width
        for d, inputs in zip(change, u, strict=True):
            add_products(split.first, at, d, inputs, own, tiles.doubles)
        products[split.own] = own
        if len(split.common):
            row, column = pattern.row[split.common], pattern.column[split.common]
            total = change.sum(axis=(0, 2))
            products[split.common] = total[row] * drive.common[column - drive.x.shape[1]]
        found -= self.load.back(products)
        return found
