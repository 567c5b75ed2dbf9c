"""Linear systems with bounds, for many right-hand sides in tiles of lanes (see `boxes`)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import Bools, Floats, Ints
from ..compiled import policy

#: what one round of sweeps may leave at least, most rounds, most sweeps in each
COARSE, ROUNDS, SWEEPS = 1e-5, 10, 400
#: error of z at the first attempt, relative to the largest; how often z is tried
ROUGH, ATTEMPTS = 1e-3, 4


class Laplacian:
    """K as rows of entries, and the proof that goes with it.

    Parameters
    ----------
    matrix : scipy.sparse.csr_array, shape (n, n)
    z : ndarray, shape (n,), optional
        That of a similar matrix.

    Attributes
    ----------
    proved : bool
        Whether there is a z > 0 with ``<K> z >= s D 1``.
    amplification : float
        ``max(z) / s``, the largest ratio of a voltage's error to the longest step.
    """

    def __init__(self, matrix: Any, z: Floats | None = None) -> None:
        self.matrix = matrix
        self.diagonal: Floats = matrix.diagonal()
        self.proved, self.amplification, self.z = False, 1.0, z
        row = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
        other = row != matrix.indices
        self.conductance = -matrix.data[other]
        if not (self.diagonal > 0).all():
            return
        self.node = matrix.indices[other].astype(np.int64)
        self.first = np.searchsorted(row[other], np.arange(matrix.shape[0] + 1))
        self.weight = (self.conductance / self.diagonal[row[other]]).astype(np.float32)
        if (self.conductance >= 0).all():
            self._prove()
            return
        # a nudge of a pair of outputs may leave a negative conductance
        comparison = matrix.copy()
        comparison.data[other] = -np.abs(self.conductance)
        proof = Laplacian(comparison, z)
        self.proved, self.amplification, self.z = proof.proved, proof.amplification, proof.z

    def rows(self, width: int) -> tuple[Any, ...]:
        """Return the entries as the kernels want them for tiles of a width."""
        at = self.node * width
        return self.first, self.node, at, self.conductance, self.weight, self.diagonal

    def _prove(self) -> None:
        """Look for z: a rough solution of ``K z = D 1`` will do, often that of another K."""
        n = len(self.diagonal)
        start, load = np.zeros((1, n, 16)), np.zeros((1, n, 16))
        load[0, :, 0] = self.diagonal
        grounded = float(self.matrix.sum())
        if self.z is not None:
            start[0, :, 0] = self.z
        elif grounded > 0:  # what balances the currents to ground: the slowest part of z
            start[0, :, 0] = self.diagonal.sum() / grounded
        none = np.zeros((1, 0, 16))
        free = Boxes(np.full(n, -1), np.zeros(0, dtype=np.int64))
        tolerance = ROUGH
        for _ in range(ATTEMPTS):
            z: Floats = start[0, :, 0].copy()
            share = self.matrix @ z / self.diagonal
            if z.min() > 0 and share.min() > 0.5:
                self.proved, self.z = True, z
                self.amplification = float(z.max() / share.min())
                return
            start = Tiles(1, 16, 1).solve(self, free, load, (none, none), start, tolerance).x
            if not np.isfinite(start).all():
                return
            tolerance = min(ROUGH, 0.2 / max(float(start.max()), 1.0))


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
    push : ndarray, shape (tiles, boxes, width)
        Currents from outside that hold boxes where they are.
    error : ndarray, shape (tiles, width)
        Largest error that x may have, relative to the tolerance.
    sweeps : ndarray of int, shape (tiles,)
    """

    x: Floats
    push: Floats
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

    @property
    def count(self) -> int:
        """Return how many tiles there are."""
        return -(-self.samples // self.width)

    def pack(self, columns: Floats) -> Floats:
        """Return tiles of an array of shape (rows, B); lanes without a sample are zero."""
        tiles = np.zeros((self.count, len(columns), self.width))
        for tile, start in zip(tiles, range(0, self.samples, self.width), strict=True):
            part = columns[:, start : start + self.width]
            tile[:, : part.shape[1]] = part
        return tiles

    def pack_bounds(self, columns: Floats) -> Floats:
        """Return tiles of bounds; a single column, for all samples, gives a single tile."""
        if columns.shape[1] == 1:
            return np.repeat(columns[None], self.width, axis=2)
        return self.pack(columns)

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
        from ..compiled.vectors import aligned
        from . import _box_kernels as kernels

        n, m, width = len(laplacian.diagonal), len(boxes.coordinate), self.width
        x = np.array(np.broadcast_to(start, load.shape), order="C")
        x[:, boxes.coordinate] = np.clip(x[:, boxes.coordinate], *bounds)
        limit = tolerance / laplacian.amplification
        accuracy = (limit, max(COARSE, 0.3 * limit**0.5))  # two rounds if all goes well
        push, left = np.zeros((self.count, m, width)), np.zeros((self.count, width))
        sweeps = np.zeros(self.count, dtype=np.int64)

        def settle(tiles: Ints) -> None:
            missing = (aligned((n, width)), aligned((m, width)), aligned((m, width)))
            scratch = (missing, aligned((n, width)), aligned((2, width)))
            kernels.settle(
                tiles, (*laplacian.rows(width), boxes.row), load, bounds, x, start, scratch,
                push, left, sweeps, accuracy, (ROUNDS, SWEEPS), (0,) * (width // 16),
            )  # fmt: skip

        tiles = np.arange(self.count)
        small = len(laplacian.node) * self.samples < policy.POLICY.tiles
        if self.threads == 1 or small or len(tiles) == 1:
            settle(tiles)
        else:
            # short jobs: some tiles take more sweeps than others
            with ThreadPoolExecutor(self.threads) as pool:
                list(pool.map(settle, np.array_split(tiles, min(len(tiles), 8 * self.threads))))
        return Outcome(x, push, left / limit, sweeps)
