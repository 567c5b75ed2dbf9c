"""What all problems of `tiles` in one circuit have in common, and room to solve them in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..arrays import Bools, Ints
from ..compiled.registers import aligned


def fours(new: Bools) -> Ints:
    """Return how many rows from each on are taken together, where `new` tells which differ."""
    from ._box_sweeps import TOGETHER

    found = np.ones(len(new), dtype=np.int64)
    start, *ends = [*np.flatnonzero(new).tolist(), len(new)]
    for end in ends:
        whole = (end - start) // TOGETHER
        found[start : start + TOGETHER * whole : TOGETHER] = TOGETHER
        start = end
    return found


class Entries:
    """Where K, of shape (n, n), has entries: first its diagonal, then the others row by row.

    Attributes
    ----------
    n, size : int
    row, node : ndarray of int
        Of those off the diagonal.
    first : ndarray of int, shape (n + 1,)
        Where each row of these begins.
    alike : ndarray of int, shape (n,)
        See `_box_kernels`.
    """

    def __init__(self, row: Ints, column: Ints, n: int) -> None:
        self._keys = np.unique(row * n + column)
        self._keys = self._keys[self._keys % (n + 1) > 0]
        self.n, self.size = n, n + len(self._keys)
        self.row, self.node = self._keys // n, self._keys % n
        self.first = np.searchsorted(self.row, np.arange(n + 1))
        self.alike = self._alike()
        self._at: dict[int, Ints] = {}

    def _alike(self) -> Ints:
        """Return how many rows from each on have their entries in the same columns, up to a few.

        Such nodes are no neighbours of each other: none is one of its own.
        """
        length = np.diff(self.first)
        follows = np.arange(len(self.row)) + length[self.row]
        differs = self.node != self.node[np.minimum(follows, len(self.node) - 1)]
        other = np.bincount(self.row[differs], minlength=len(length)) > 0
        other[:-1] |= length[:-1] != length[1:]
        return fours(np.concatenate(([True], other[:-1])))

    def at(self, width: int) -> Ints:
        """Return where the row of each entry's node begins in tiles of a width."""
        if width not in self._at:
            self._at[width] = self.node * width
        return self._at[width]

    def places(self, row: Ints, column: Ints) -> Ints:
        """Return the number of some entries."""
        off = self.n + np.searchsorted(self._keys, row * self.n + column)
        return np.asarray(np.where(row == column, row, off))


@dataclass(frozen=True)
class Boxes:
    """Which coordinates have bounds: `row` of each in the bounds (-1: none), and the inverse."""

    row: Ints
    coordinate: Ints
    #: arrays for threads that solve, as `Tiles` lays them out
    rooms: list[Room] = field(default_factory=list, repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        # what vectors are loaded from would not be aligned in another process
        return Boxes, (self.row, self.coordinate)

    @contextmanager
    def room(self, width: int) -> Iterator[Room]:
        """Lend what a thread works with: to find memory for it takes as long as some sweeps."""
        room = self.rooms.pop() if self.rooms else None
        if room is None or room.width != width:
            room = Room(len(self.row), len(self.coordinate), width)
        yield room
        self.rooms.append(room)


class Room:
    """The arrays that `_box_kernels.settle` works with, for tiles of a width."""

    def __init__(self, nodes: int, boxes: int, width: int) -> None:
        from ._box_sweeps import TOGETHER

        self.width = width
        missing = tuple(aligned((rows, width), zero=False) for rows in (nodes, boxes, boxes))
        notes = aligned((3, width), np.float64)
        totals = aligned((TOGETHER, width), np.float64)
        change = aligned((nodes, width), zero=False)
        self.scratch = missing, change, aligned((2, width)), notes, totals
