"""Linear systems with bounds, for many right-hand sides in tiles of lanes (see `boxes`)."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import Bools, Floats, Ints
from ..compiled.registers import ALIGNMENT, DOUBLES, LANES, aligned
from .box_layout import Boxes, Entries
from .threads import spread, threads

#: samples in a tile: those of a small batch, and of others.  Sums of few samples wait for each
#: other: a tile of sixteen takes as long as one of 32.
NARROW, WIDE = 32, 64
#: what one round of sweeps may leave at least, most rounds, most sweeps in each
COARSE, ROUNDS, SWEEPS = 1e-5, 10, 400
#: over-relaxation to begin with at most: bounds of rates may be far off
OMEGA = 1.2
#: error of z at the first attempt, relative to the largest; how often z is tried; the least s
ROUGH, ATTEMPTS, ENOUGH = 1e-3, 4, 0.5


class Laplacian:
    """K as rows of entries, and the proof that goes with it.

    Parameters
    ----------
    entries : Entries
    values : ndarray
        S.
    near : Laplacian, optional
        A similar one, whose z may do.

    Attributes
    ----------
    proved : bool
        Whether there is a z > 0 with ``<K> z >= s D 1``.
    amplification : float
        ``max(z) / s``, the largest ratio of a voltage's error to the longest step.
    z, share : ndarray, shape (n,)
        Such a z, and ``<K> z`` over the diagonal.
    omega : float
        Over-relaxation to begin with.
    """

    def __init__(self, entries: Entries, values: Floats, near: Laplacian | None = None) -> None:
        from . import _box_kernels as kernels

        self.entries = entries
        self.diagonal, self.conductance = values[: entries.n], -values[entries.n :]
        self.proved, self.amplification, self.omega = False, 1.0, OMEGA
        self.z: Floats | None = None if near is None else near.z
        self.share = np.zeros(entries.n)
        if not (self.diagonal > 0).all():
            return
        self.weight = np.empty(len(self.conductance), dtype=np.float32)
        kernels.scale(entries.first, self.conductance, self.diagonal, self.weight)
        if (self.conductance >= 0).all():
            self._prove()
            return
        # a nudge of a pair of outputs may leave a negative conductance
        comparison = values.copy()
        comparison[entries.n :] = -np.abs(self.conductance)
        proof = Laplacian(entries, comparison, near)
        self.omega, self.z = proof.omega, proof.z
        if proof.proved and proof.z is not None:
            self._proved(proof.z, proof.share)

    def grounded(self, rows: Ints, siemens: Floats) -> Laplacian:
        """Return K with more conductance (S) between some coordinates and the reference."""
        z, share, diagonal = self.z, self.share.copy(), self.diagonal.copy()
        diagonal[rows] += siemens
        if not self.proved or z is None or not (diagonal[rows] > 0).all():
            return self._anew(diagonal)
        # what comes from neighbours is the same
        flow = (z[rows] - share[rows]) * self.diagonal[rows]
        share[rows] = z[rows] - flow / diagonal[rows]
        if share.min() <= ENOUGH:
            return self._anew(diagonal)
        other = copy(self)
        other.diagonal, other.weight = diagonal, self.weight.copy()
        for k in rows.tolist():
            own = slice(*self.entries.first[k : k + 2])
            other.weight[own] = self.conductance[own] / diagonal[k]
        other._proved(z, share)
        return other

    def _anew(self, diagonal: Floats) -> Laplacian:
        """Return K with another diagonal, proved by itself."""
        return Laplacian(self.entries, np.concatenate((diagonal, -self.conductance)), self)

    def _proved(self, z: Floats, share: Floats) -> None:
        """Take a proof: z, and ``<K> z`` over the diagonal."""
        self.proved, self.z, self.share = True, z, share
        self.amplification = float(z.max() / share.min())

    def rows(self, width: int) -> tuple[Any, ...]:
        """Return the entries as the kernels want them for tiles of a width."""
        entries = self.entries
        return (
            entries.first, entries.at(width), self.conductance, self.weight, self.diagonal,
            1.0 / self.diagonal, entries.alike,
        )  # fmt: skip

    def _stepped(self, x: Floats) -> Floats:
        """Return what Jacobi's method makes of x without a load, shape (n,)."""
        from ._box_kernels import stepped

        found = np.empty(len(x))
        stepped(self.entries.first, self.entries.node, self.conductance, self.diagonal, x, found)
        return found

    def _prove(self) -> None:
        """Look for z: a rough solution of ``K z = D 1`` will do, often that of another K."""
        from ._box_sweeps import suited

        n, z = len(self.diagonal), self.z
        if z is None:
            # what balances the currents to ground: the slowest part of z
            grounded = float(self.diagonal.sum() - self.conductance.sum())
            z = np.full(n, self.diagonal.sum() / grounded if grounded > 0 else 0.0)
        tolerance = ROUGH
        for _ in range(ATTEMPTS):
            step = self._stepped(z)
            share = z - step
            if z.min() > 0 and share.min() > ENOUGH:
                self._proved(z, share)
                # what two steps of Jacobi's method leave of z at most bounds the square of its rate
                squared = float((self._stepped(step) / z).max())
                self.omega = min(OMEGA, float(suited(squared)))
                return
            z = self._balanced(z, tolerance)
            if not np.isfinite(z).all():
                return
            tolerance = min(ROUGH, 0.2 / max(float(z.max()), 1.0))

    def _balanced(self, z: Floats, tolerance: float) -> Floats:
        """Return a rough solution of ``K z = D 1``, from another one."""
        start, load = (aligned((1, len(z), NARROW), np.float64) for _ in range(2))
        start[0, :, 0], load[0, :, 0], none = z, self.diagonal, np.zeros((1, 0, 1))
        free = Boxes(np.full(len(z), -1), np.zeros(0, dtype=np.int64))
        posed = Posed(self, free, load, (free.row, none), Bounds(none, none), tolerance)
        found = Tiles(1, NARROW).solve(posed, start)
        return found.x[0, :, 0].copy()


@dataclass(frozen=True)
class Bounds:
    """Ends of boxes in tiles.

    Attributes
    ----------
    low, high : ndarray, shape (tiles, boxes, width)
        Those of one tile are those of all, and of one lane those of all samples; `aligned`.
    """

    low: Floats
    high: Floats

    def __post_init__(self) -> None:
        # once for all states of a batch
        object.__setattr__(self, "low", _aligned(self.low))
        object.__setattr__(self, "high", _aligned(self.high))

    @cached_property
    def ends(self) -> Ints:
        """Which boxes have one end only, as `_box_kernels` knows them."""
        from ._box_sweeps import LOWER, UPPER

        low, high = (np.isinf(ends).all(axis=(0, 2)) for ends in (self.low, self.high))
        return np.asarray(LOWER * (high & ~low) + UPPER * (low & ~high), dtype=np.int64)


@dataclass(frozen=True)
class Posed:
    """Problems in tiles: those of `_box_kernels` for one K.

    Attributes
    ----------
    laplacian : Laplacian
    boxes : Boxes
    load : ndarray, shape (tiles, n, width)
    fed : (ndarray of int, ndarray), shapes (n,) and (tiles, rows, width)
        The row of each coordinate in what is added to its load, -1 for none; and these.
    bounds : Bounds
    tolerance : float
    """

    laplacian: Laplacian
    boxes: Boxes
    load: Floats
    fed: tuple[Ints, Floats]
    bounds: Bounds
    tolerance: float

    def system(self, width: int) -> tuple[Any, ...]:
        """Return what describes all tiles of a width, as the kernels want it."""
        return *self.laplacian.rows(width), self.fed[0], self.boxes.row, self.bounds.ends


@dataclass(frozen=True)
class Outcome:
    """Solutions in tiles.

    Attributes
    ----------
    x : ndarray, shape (tiles, n, width)
        Zero where there is no sample.
    size : ndarray, shape (tiles, width)
        The largest of them.
    error : ndarray, shape (tiles, width)
        Largest error that x may have, relative to the tolerance.
    sweeps : ndarray of int, shape (tiles,)
    """

    x: Floats
    size: Floats
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

    @classmethod
    def of(cls, samples: int) -> Tiles:
        """Return the tiles that so many samples are solved in."""
        return cls(samples, NARROW if samples <= NARROW else WIDE)

    @property
    def count(self) -> int:
        """Return how many tiles there are."""
        return -(-self.samples // self.width)

    @property
    def doubles(self) -> tuple[int, ...]:
        """Return what loops know the width by: a number for each vector of float64."""
        return (0,) * (self.width // DOUBLES)

    def pack(self, columns: Floats) -> Floats:
        """Return tiles of an array of shape (rows, B); lanes without a sample are zero."""
        tiles = aligned((self.count, len(columns), self.width), np.float64)
        for tile, start in zip(tiles, range(0, self.samples, self.width), strict=True):
            part = columns[:, start : start + self.width]
            tile[:, : part.shape[1]] = part
        return tiles

    def columns(self, tiles: Floats) -> Floats:
        """Return an array of shape (rows, B)."""
        return np.concatenate(list(tiles), axis=1)[:, : self.samples]

    def unpack(self, tiles: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return an array of shape (B, rows)."""
        count, rows, width = tiles.shape
        return tiles.transpose(0, 2, 1).reshape(count * width, rows)[: self.samples]

    def solve(
        self, posed: Posed, base: Floats | None = None, other: Floats | None = None
    ) -> Outcome:
        """Solve for x, to a tolerance that is relative to the largest of ``x - base``.

        It starts at `base`, by default zero, or on the other side of it than `other`.
        """
        from . import _box_kernels as kernels

        laplacian, load = posed.laplacian, _aligned(posed.load)
        bounds = posed.bounds.low, posed.bounds.high
        none = np.zeros((1, 0, self.width))
        base, other = (none if start is None else start for start in (base, other))
        x = aligned(load.shape, np.float64, zero=False)
        limit = posed.tolerance / laplacian.amplification
        # two rounds if all goes well
        accuracy = limit, COARSE, max(COARSE, 0.7 * limit**0.5)
        left, size = np.zeros((2, self.count, self.width))
        sweeps = np.zeros(self.count, dtype=np.int64)
        registers = (0,) * (self.width // LANES), self.doubles

        def settle(tiles: Ints) -> None:
            with posed.boxes.room(self.width) as room:
                kernels.settle(
                    tiles, posed.system(self.width), load, posed.fed[1], bounds, x, base, other,
                    room.scratch, left, size, sweeps, accuracy, (ROUNDS, SWEEPS), laplacian.omega,
                    *registers,
                )  # fmt: skip

        self._spread(settle, posed)
        x[-1, :, self.samples - (self.count - 1) * self.width :] = 0.0
        return Outcome(x, size, left / limit, sweeps)

    def judge(self, posed: Posed, outcome: Outcome) -> tuple[npt.NDArray[np.int8], Ints]:
        """Tell at which ends boxes are held, and which touch an end without current.

        Returns
        -------
        side : ndarray of int, shape (tiles, boxes, width)
            -1 or 1 where a current holds a box at its lower or upper end, else 0.
        touching : ndarray of int, shape (tiles, width)
            The first box that touches an end without current, -1 for none.
        """
        from . import _box_kernels as kernels

        load, boxes = _aligned(posed.load), posed.boxes
        bounds = posed.bounds.low, posed.bounds.high
        side = np.empty((self.count, len(boxes.coordinate), self.width), dtype=np.int8)
        touching = np.empty((self.count, self.width), dtype=np.int64)

        def judge(tiles: Ints) -> None:
            with boxes.room(self.width) as room:
                kernels.judge(
                    tiles, posed.system(self.width), load, posed.fed[1], bounds, outcome.x,
                    outcome.size, posed.tolerance, *room.scratch[3:], side, touching, self.doubles,
                )  # fmt: skip

        self._spread(judge, posed)
        return side, touching

    def _spread(self, task: Callable[[Ints], None], posed: Posed) -> None:
        """Do a task with all tiles, in threads."""
        # short jobs: some tiles take more sweeps than others
        most = threads()
        jobs = min(self.count, 1 if most == 1 else 8 * most)
        tiles = np.arange(self.count)
        parts = np.array_split(tiles, jobs) if jobs > 1 else [tiles]
        spread(task, parts, most, len(posed.laplacian.conductance) * self.samples)


def _aligned(tiles: Floats) -> Floats:
    """Return tiles as vectors can be loaded from them."""
    if tiles.size == 0 or (tiles.ctypes.data % ALIGNMENT == 0 and tiles.flags.c_contiguous):
        return tiles
    found = aligned(tiles.shape, np.float64, zero=False)
    found[...] = tiles
    return found
