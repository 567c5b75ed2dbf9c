"""The problems of `boxes`: K, c and bounds of batches, from conductances and what drives them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..arrays import Bools, Floats, Ints
from .box_assembly import BoxAssembly, Pair
from .box_layout import Boxes, Entries
from .drive import Drive, Map
from .lane_states import LaneStates
from .states import Nudge
from .structure import dense
from .tiles import Bounds, Laplacian, Tiles


@dataclass(frozen=True)
class Batch:
    """Samples at some conductances g and inputs, as all their states need them.

    Attributes
    ----------
    g : ndarray
    drive : Drive
    tiles : Tiles
    u : ndarray, shape (tiles, columns, width)
        `Drive.own`.
    load : ndarray, shape (tiles, n, width)
        c without a nudge, A.
    drop : ndarray, shape (m, B) or (m, 1)
        Of the rectifiers, V.
    ends : (ndarray, ndarray), shape (boxes, B) or (boxes, 1)
        Of the boxes, V; `bounds` are the same in tiles.
    at_zero : ndarray, shape (n_outputs, B) or (n_outputs, 1)
        What outputs are where coordinates are zero, V.
    possible : ndarray of bool, shape (B,)
    """

    g: Floats
    drive: Drive
    tiles: Tiles
    u: Floats
    load: Floats
    drop: Floats
    ends: tuple[Floats, Floats]
    bounds: Bounds
    at_zero: Floats
    possible: Bools

    def of(self, g: Floats, drive: Drive) -> bool:
        """Tell whether these are the samples."""
        return (self.g is g or np.array_equal(self.g, g)) and self.drive.like(drive)

    def like(self, other: Batch) -> bool:
        """Tell whether another has the same samples."""
        return self is other or self.of(other.g, other.drive)


class BoxProblem:
    """Problems of a circuit whose rectifiers each bound one coordinate.

    Attributes
    ----------
    boxes : Boxes
    box : ndarray of int, shape (m,)
        Of each rectifier.
    upper : ndarray of bool, shape (m,)
        Rectifiers that bound from above.
    """

    def __init__(self, precise: LaneStates) -> None:
        self._precise = precise
        s = self.structure = precise.structure
        bounded, self.box = np.unique(s.diode_p + s.diode_q - 1, return_inverse=True)
        row = np.full(s.n, -1)
        row[bounded] = np.arange(len(bounded))
        self.boxes = Boxes(row, bounded)
        self.upper: Bools = s.diode_q == 0
        self._offset = Map(precise.ends.offset)
        #: the last conductances, different entries of K there, and K by the nudge
        self._laplacians: tuple[Floats, Floats, dict[float, Laplacian]]
        self._laplacians = np.zeros(0), np.zeros(0), {}
        #: what `_bounded` returns where no input moves bounds
        self._still: tuple[Floats, Pair, Bounds] | None = None
        #: that of the last call: nudged states follow
        self._batch: Batch | None = None

    def __getstate__(self) -> dict[str, Any]:
        # tiles would not be aligned in another process
        return {**self.__dict__, "_batch": None}

    def laplacian(self, g: Floats, stiffness: float) -> Laplacian:
        """Return K of conductances and of a nudge; those of the last conductances are kept."""
        known, own, found = self._laplacians
        if not (known is g or np.array_equal(known, g)):
            own, found = self.assembly.stiffness(g), {}
            self._laplacians = _kept(g), own, found
        if stiffness not in found:
            # not that of the conductances before: what comes out must not depend on the past
            near = self.laplacian(g, 0.0) if stiffness else self._first
            row, column, weight = self._pulls
            if stiffness and np.array_equal(row, column):
                found[stiffness] = near.grounded(row, stiffness * weight)
            else:
                found[stiffness] = self._nudged(own, stiffness, near)
        return found[stiffness]

    def _nudged(self, own: Floats, stiffness: float, near: Laplacian | None) -> Laplacian:
        """Return K with a nudge, of its different entries without."""
        entries, which = self._entries[stiffness != 0.0]
        values = np.append(own, 0.0)[which]
        if stiffness:
            row, column, weight = self._pulls
            values[entries.places(row, column)] += stiffness * weight
        return Laplacian(entries, values, near)

    @cached_property
    def assembly(self) -> BoxAssembly:
        """K and c as linear functions of what learns."""
        precise = self._precise
        return BoxAssembly(
            self.structure, precise.assembly, precise.learning, precise.question.ties
        )

    @cached_property
    def _first(self) -> Laplacian:
        """K of the conductances that the circuit has: its z will often do for what is learned."""
        question = self._precise.question
        g = question.learned
        g = g if question.ties is None else g[question.ties.first]
        return self._nudged(self.assembly.stiffness(g), 0.0, None)

    @cached_property
    def _entries(self) -> tuple[tuple[Entries, Ints], tuple[Entries, Ints]]:
        """Where K has entries without a nudge, and with one, and which of the different ones.

        Those that only nudges have are the last of these, zero.
        """
        linear, found = self.assembly.stiffness, []
        pattern = linear.pattern
        for more in (np.zeros((2, 0), dtype=np.int64), np.array(self._pulls[:2])):
            at = np.hstack(((pattern.row, pattern.column), more))
            entries = Entries(at[0], at[1], self.structure.n)
            which = np.full(entries.size, linear.count)
            which[entries.places(pattern.row, pattern.column)] = linear.which
            found.append((entries, which))
        return found[0], found[1]

    @cached_property
    def _pulls(self) -> tuple[Ints, Ints, Floats]:
        """Rows and columns of the entries of a nudge, and these per S of it."""
        from scipy.sparse import csr_array

        outputs = csr_array(self._precise.ends.matrix)
        pulled = (outputs.T @ outputs).tocoo()
        return pulled.row.astype(np.int64), pulled.col.astype(np.int64), pulled.data

    def fed(self, batch: Batch, nudge: Nudge) -> tuple[Ints, Floats]:
        """Return what a nudge adds to c, see `Posed`."""
        if not nudge:
            return np.full(len(self.boxes.row), -1), np.zeros((1, 0, 1))
        force = np.zeros((len(batch.at_zero), len(batch.drive)))
        if nudge.force is not None:
            force += nudge.force.T
        if nudge.target is not None:
            force += nudge.stiffness * (nudge.target.T - batch.at_zero)
        return self.into(force, batch.tiles)

    def into(self, force: Floats, tiles: Tiles) -> tuple[Ints, Floats]:
        """Return what currents into the outputs, shape (n_outputs, B), add to c."""
        rows, outputs = self.pulled
        row = np.full(len(self.boxes.row), -1)
        row[rows] = np.arange(len(rows))
        return row, tiles.pack(outputs.T @ force)

    @cached_property
    def pulled(self) -> tuple[Ints, Floats]:
        """Coordinates that outputs depend on, and outputs per unit of each of these."""
        outputs = dense(self._precise.ends.matrix)
        rows = np.flatnonzero(outputs.any(axis=0))
        return rows, outputs[:, rows]

    def batch(self, g: Floats, u: Floats | Drive) -> Batch:
        """Return what states of samples have in common; that of the last call is kept."""
        known, drive = self._batch, Drive.of(u)
        if known is not None and known.of(g, drive):
            return known
        drive = Drive(drive.x.copy(), drive.common.copy())
        tiles = Tiles.of(len(drive))
        own = tiles.pack(drive.own.T)
        drop, ends, bounds = self._bounded(drive, tiles)
        load = self.assembly.fed(g, drive, tiles, own)
        self._batch = found = Batch(
            _kept(g), drive, tiles, own, load, drop, ends, bounds,
            self._offset(drive), self._possible(drive, ends),
        )  # fmt: skip
        return found

    def _possible(self, drive: Drive, ends: tuple[Floats, Floats]) -> Bools:
        """Tell for which samples sources contradict neither each other nor diodes."""
        s, possible = self.structure, np.ones(len(drive), dtype=np.bool_)
        possible &= (ends[0] <= ends[1]).all(axis=0)
        if s.loops.shape[0] or s.above.shape[0]:
            possible &= self._precise.possible(drive.whole)
        return possible

    def _bounded(self, drive: Drive, tiles: Tiles) -> tuple[Floats, Pair, Bounds]:
        """Return drops of rectifiers, the ends of boxes, and these in tiles."""
        if self._resting is None:
            drop = np.asarray(self.structure.drop @ drive.whole.T)
            ends = self._bounds(drop)
            return drop, ends, Bounds(tiles.pack(ends[0]), tiles.pack(ends[1]))
        if self._still is None:
            low, high = self._bounds(self._resting)
            self._still = self._resting, (low, high), Bounds(low[None], high[None])
        return self._still

    @cached_property
    def _resting(self) -> Floats | None:
        """Drops of the rectifiers, shape (m, 1), None if they depend on inputs."""
        drop = self.structure.drop
        moved = drop[:, :-1].size and abs(drop[:, :-1]).max() > 0
        return None if moved else dense(drop[:, -1:])

    def _bounds(self, drop: Floats) -> tuple[Floats, Floats]:
        """Return the bounds of the boxes, each of shape (boxes, B) or (boxes, 1)."""
        low = np.full((len(self.boxes.coordinate), drop.shape[1]), -np.inf)
        high = -low
        np.maximum.at(low, self.box[~self.upper], -drop[~self.upper])
        np.minimum.at(high, self.box[self.upper], drop[self.upper])
        return low, high

    def contrast(self, batch: Batch, one: Floats, other: Floats, width: float) -> Pair:
        """Return means over samples of the change between two states, over `width`.

        Of that of each coordinate, shape (n,), and of what it says of the conductances that learn.
        """
        change, by_g = self.assembly.contrast(batch.drive, batch.u, (one, other))
        over = width * batch.tiles.samples
        return change / over, by_g / over


def _kept(g: Floats) -> Floats:
    """Return conductances that nobody changes later on."""
    return g.copy() if g.flags.writeable else g
