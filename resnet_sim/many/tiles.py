"""Linear systems with bounds, for many right-hand sides in tiles of lanes (see `boxes`)."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import Bools, Floats, Ints
from .threads import spread

#: samples in a tile: those of a small batch, and of others.  Sums of few samples wait for each
#: other: a tile of sixteen takes as long as one of 32.
NARROW, WIDE = 32, 64
#: what one round of sweeps may leave at least, most rounds, most sweeps in each
COARSE, ROUNDS, SWEEPS = 1e-5, 10, 400
#: over-relaxation to begin with at most: bounds of rates may be far off
OMEGA = 1.2
#: error of z at the first attempt, relative to the largest; how often z is tried
ROUGH, ATTEMPTS = 1e-3, 4


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

    def _alike(self) -> Ints:
        """Return how many rows from each on have their entries in the same columns, up to a few.

        Such nodes are no neighbours of each other: none is one of its own.
        """
        from ._box_kernels import TOGETHER

        length = np.diff(self.first)
        follows = np.arange(len(self.row)) + length[self.row]
        differs = self.node != self.node[np.minimum(follows, len(self.node) - 1)]
        other = np.bincount(self.row[differs], minlength=len(length)) > 0
        other[:-1] |= length[:-1] != length[1:]
        found, start = np.ones(len(length), dtype=np.int64), 0
        for end in (np.flatnonzero(other[:-1]) + 1).tolist() + [len(length)]:
            whole = (end - start) // TOGETHER
            found[start : start + TOGETHER * whole : TOGETHER] = TOGETHER
            start = end
        return found

    @cached_property
    def pattern(self) -> Any:
        """Those off the diagonal as a sparse matrix, of any values."""
        from scipy.sparse import csr_array

        return csr_array((np.zeros(len(self.node)), self.node, self.first), shape=(self.n, self.n))

    def places(self, row: Ints, column: Ints) -> Ints:
        """Return the number of some entries."""
        off = self.n + np.searchsorted(self._keys, row * self.n + column)
        return np.asarray(np.where(row == column, row, off))


class Laplacian:
    """K as rows of entries, and the proof that goes with it.

    Parameters
    ----------
    entries : Entries
    values : ndarray
        S.
    z : ndarray, shape (n,), optional
        That of a similar matrix.

    Attributes
    ----------
    proved : bool
        Whether there is a z > 0 with ``<K> z >= s D 1``.
    amplification : float
        ``max(z) / s``, the largest ratio of a voltage's error to the longest step.
    omega : float
        Over-relaxation to begin with.
    """

    def __init__(self, entries: Entries, values: Floats, z: Floats | None = None) -> None:
        self.entries, self.values = entries, values
        self.diagonal, self.conductance = values[: entries.n], -values[entries.n :]
        self.proved, self.amplification, self.omega, self.z = False, 1.0, OMEGA, z
        if not (self.diagonal > 0).all():
            return
        self.weight = (self.conductance / self.diagonal[entries.row]).astype(np.float32)
        if (self.conductance >= 0).all():
            self._prove()
            return
        # a nudge of a pair of outputs may leave a negative conductance
        comparison = values.copy()
        comparison[entries.n :] = -np.abs(self.conductance)
        proof = Laplacian(entries, comparison, z)
        self.proved, self.amplification, self.z = proof.proved, proof.amplification, proof.z
        self.omega = proof.omega

    def rows(self, width: int) -> tuple[Any, ...]:
        """Return the entries as the kernels want them for tiles of a width."""
        first, at = self.entries.first, self.entries.node * width
        alike = self.entries.alike
        return first, at, self.conductance, self.weight, self.diagonal, 1.0 / self.diagonal, alike

    def _stepped(self, x: Floats) -> Floats:
        """Return what Jacobi's method makes of x without a load, shape (n,)."""
        flow: Floats = self._others @ x
        flow /= self.diagonal
        return flow

    @cached_property
    def _others(self) -> Any:
        """Conductances between nodes, sparse."""
        matrix = copy(self.entries.pattern)
        matrix.data = self.conductance
        return matrix

    def _prove(self) -> None:
        """Look for z: a rough solution of ``K z = D 1`` will do, often that of another K."""
        n, z = len(self.diagonal), self.z
        if z is None:
            # what balances the currents to ground: the slowest part of z
            grounded = float(self.values.sum())
            z = np.full(n, self.diagonal.sum() / grounded if grounded > 0 else 0.0)
        tolerance = ROUGH
        for _ in range(ATTEMPTS):
            step = self._stepped(z)
            share = z - step
            if z.min() > 0 and share.min() > 0.5:
                self.proved, self.z = True, z
                self.amplification = float(z.max() / share.min())
                # what two steps of Jacobi's method leave of z at most bounds the square of its rate
                self.omega = self._suited(float((self._stepped(step) / z).max()))
                return
            z = self._balanced(z, tolerance)
            if not np.isfinite(z).all():
                return
            tolerance = min(ROUGH, 0.2 / max(float(z.max()), 1.0))

    def _balanced(self, z: Floats, tolerance: float) -> Floats:
        """Return a rough solution of ``K z = D 1``, from another one."""
        start, load, none = *np.zeros((2, 1, len(z), NARROW)), np.zeros((1, 0, NARROW))
        start[0, :, 0], load[0, :, 0] = z, self.diagonal
        free = Boxes(np.full(len(z), -1), np.zeros(0, dtype=np.int64))
        found = Tiles(1, NARROW, 1).solve(self, free, load, (none, none), start, tolerance)
        return found.x[0, :, 0].copy()

    def _suited(self, squared: float) -> float:
        """Return the over-relaxation to begin with where Jacobi's rate is at most this, squared."""
        from ._box_kernels import suited

        return min(OMEGA, float(suited(squared)))


@dataclass(frozen=True)
class Boxes:
    """Which coordinates have bounds: `row` of each in the bounds (-1: none), and the inverse."""

    row: Ints
    coordinate: Ints


@dataclass(frozen=True)
class Outcome:
    """Solutions in tiles.

    Attributes
    ----------
    x : ndarray, shape (tiles, n, width)
    side : ndarray of int, shape (tiles, boxes, width)
        -1 or 1 where a current holds a box at its lower or upper end, else 0.
    near : ndarray of bool, shape (tiles, boxes, width)
        Boxes that touch an end without current.
    error : ndarray, shape (tiles, width)
        Largest error that x may have, relative to the tolerance.
    sweeps : ndarray of int, shape (tiles,)
    """

    x: Floats
    side: npt.NDArray[np.int8]
    near: Bools
    error: Floats
    sweeps: Ints

    def good(self, tiles: Tiles) -> Bools:
        """Tell which samples are proved to be within the tolerance, shape (B,)."""
        return np.asarray(tiles.unpack(self.error[:, None])[:, 0] <= 1)


@dataclass(frozen=True)
class Tiles:
    """Samples in tiles; arrays have shape (tiles, rows, width)."""

    samples: int
    width: int
    threads: int

    @classmethod
    def of(cls, samples: int, threads: int) -> Tiles:
        """Return the tiles that so many samples are solved in."""
        return cls(samples, NARROW if samples <= NARROW else WIDE, threads)

    @property
    def count(self) -> int:
        """Return how many tiles there are."""
        return -(-self.samples // self.width)

    @property
    def doubles(self) -> tuple[int, ...]:
        """Return what loops know the width by: a number for each vector of float64."""
        from ..compiled.vectors import DOUBLES

        return (0,) * (self.width // DOUBLES)

    def pack(self, columns: Floats) -> Floats:
        """Return tiles of an array of shape (rows, B); lanes without a sample are zero."""
        from ..compiled.vectors import aligned

        tiles = aligned((self.count, len(columns), self.width), np.float64)
        for tile, start in zip(tiles, range(0, self.samples, self.width), strict=True):
            part = columns[:, start : start + self.width]
            tile[:, : part.shape[1]] = part
        return tiles

    def pack_bounds(self, columns: Floats) -> Floats:
        """Return tiles of bounds; a single column, for all samples, gives a single tile."""
        if columns.shape[1] == 1:
            return _aligned(np.repeat(columns[None], self.width, axis=2))
        return self.pack(columns)

    def columns(self, tiles: Floats) -> Floats:
        """Return an array of shape (rows, B)."""
        return np.concatenate(list(tiles), axis=1)[:, : self.samples]

    def unpack(self, tiles: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return an array of shape (B, rows)."""
        count, rows, width = tiles.shape
        return tiles.transpose(0, 2, 1).reshape(count * width, rows)[: self.samples]

    def solve(
        self,
        laplacian: Laplacian,
        boxes: Boxes,
        load: Floats,
        bounds: tuple[Floats, Floats],
        start: Floats,
        tolerance: float,
    ) -> Outcome:
        """Solve for x, to a tolerance that is relative to the largest of ``x - start``.

        A `start` or bounds of a single tile are those of all.
        """
        from ..compiled.vectors import LANES, aligned
        from . import _box_kernels as kernels

        n, m, width = len(laplacian.diagonal), len(boxes.coordinate), self.width
        load, start, low, high = map(_aligned, (load, start, *bounds))
        x = aligned(load.shape, np.float64, zero=False)
        x[...] = start
        limit = tolerance / laplacian.amplification
        # two rounds if all goes well
        accuracy = (limit, max(COARSE, 0.3 * limit**0.5), tolerance)
        push = aligned((self.count, m, width), np.float64, zero=False)
        side, near = np.empty(push.shape, dtype=np.int8), np.empty(push.shape, dtype=np.bool_)
        left = np.zeros((self.count, width))
        sweeps = np.zeros(self.count, dtype=np.int64)
        registers = (0,) * (width // LANES), self.doubles

        def settle(tiles: Ints) -> None:
            missing = tuple(aligned((rows, width), zero=False) for rows in (n, m, m))
            change, notes = aligned((n, width), zero=False), aligned((4, width), np.float64)
            totals = aligned((kernels.TOGETHER, width), np.float64, zero=False)
            scratch = (missing, change, aligned((2, width)), notes, totals)
            kernels.settle(
                tiles, (*laplacian.rows(width), boxes.row), load, (low, high), x, start, scratch,
                push, left, side, near, sweeps, accuracy, (ROUNDS, SWEEPS), laplacian.omega,
                *registers,
            )  # fmt: skip

        # short jobs: some tiles take more sweeps than others
        jobs = max(1, min(self.count, 1 if self.threads == 1 else 8 * self.threads))
        parts = np.array_split(np.arange(self.count), jobs)
        spread(settle, parts, self.threads, len(laplacian.conductance) * self.samples)
        return Outcome(x, side, near, left / limit, sweeps)


def _aligned(tiles: Floats) -> Floats:
    """Return tiles as vectors can be loaded from them."""
    from ..compiled.vectors import ALIGNMENT, aligned

    if tiles.ctypes.data % ALIGNMENT == 0 and tiles.flags.c_contiguous:
        return tiles
    found = aligned(tiles.shape, np.float64, zero=False)
    found[...] = tiles
    return found
