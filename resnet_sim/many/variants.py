"""What differs between the points of a job: grids of swept values, Monte Carlo samples.

A set of variants is small and picklable: any worker computes the values of any range of
points from it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from ..arrays import Floats, Ints
from ..errors import UsageError
from ..model.names import whole
from ..model.requests import Sweep
from .threads import spread, threads

#: Samples that share a random generator.
DRAW = 64


@dataclass(frozen=True)
class Distribution:
    """How values are distributed around the nominal one.

    Attributes
    ----------
    description : str
    draw : callable
        ``draw(rng, z)``: sets numbers z.
    at : callable
        ``at(nominal, spread, z)``: the values that they stand for, in place of `z`.
    limited : bool
        A spread of 1 or more may make values negative.
    """

    description: str
    draw: Callable[[np.random.Generator, Floats], Any]
    at: Callable[[Floats, Floats, Floats], Floats]
    limited: bool = True


def _added(nominal: Floats, spread: Floats, z: Floats) -> Floats:
    # in place: with many values fresh memory takes longer than the sums
    z *= nominal * spread
    z += nominal
    return z


def _multiplied(nominal: Floats, spread: Floats, z: Floats) -> Floats:
    np.power(1.0 + spread, z, out=z)
    z *= nominal
    return z


def _uniform(rng: np.random.Generator, z: Floats) -> None:
    rng.random(out=z)
    z *= 2.0
    z -= 1.0


def _third(rng: np.random.Generator, z: Floats) -> None:
    """Draw normal numbers of which 1 is three standard deviations; they are not cut off."""
    rng.standard_normal(out=z)
    z /= 3.0


DISTRIBUTIONS = {
    "uniform": Distribution("between the limits", _uniform, _added),
    "normal": Distribution("the spread is three standard deviations", _third, _added),
    "lognormal": Distribution(
        "three standard deviations are a factor of 1 + spread", _third, _multiplied, limited=False
    ),
}


class Variants(Protocol):
    """Points that differ in the values of named quantities.

    `of` tells what each of `names` is, as in `Sweep`.
    """

    @property
    def names(self) -> tuple[str, ...]:
        """Names of what differs."""

    @property
    def of(self) -> tuple[str, ...]:
        """What each of them is."""

    @property
    def count(self) -> int:
        """Number of points."""

    def values(self, first: int, last: int) -> Floats:
        """Return the values at points first to last - 1, shape (points, names)."""

    def axes(self) -> dict[str, Floats]:
        """Return what a result says of its points: name -> array of shape (count,)."""

    def sampled(self) -> Mapping[str, Floats]:
        """Return what was drawn at random: name -> array of shape (count,)."""


@dataclass(frozen=True)
class Grid:
    """Every combination of swept values, the first of `sweeps` varying fastest."""

    sweeps: tuple[Sweep, ...]

    def __post_init__(self) -> None:
        names = self.names
        if len(set(names)) < len(names):
            raise UsageError(f"a quantity is swept twice: {', '.join(names)}")
        if not names or not all(s.values for s in self.sweeps):
            raise UsageError("a sweep needs at least one quantity, each with at least one value")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of what is swept, the innermost first."""
        return tuple(q.name for s in self.sweeps for q in s.quantities)

    @property
    def of(self) -> tuple[str, ...]:
        """What each of them is."""
        return tuple(q.of for s in self.sweeps for q in s.quantities)

    @property
    def count(self) -> int:
        """Number of points."""
        return math.prod(len(s.values) for s in self.sweeps)

    def values(self, first: int, last: int) -> Floats:
        """Return the values at points first to last - 1, shape (points, names)."""
        columns = [
            np.array(quantity.values)[rows] * quantity.factor
            for sweep, rows in self._rows(first, last)
            for quantity in sweep.quantities
        ]
        return np.column_stack(columns)

    def _rows(self, first: int, last: int) -> Iterator[tuple[Sweep, Ints]]:
        """Yield each sweep, and which of its values counts at points first to last - 1."""
        place = np.arange(first, last)
        for sweep in self.sweeps:
            yield sweep, place % len(sweep.values)
            place = place // len(sweep.values)

    def axes(self) -> dict[str, Floats]:
        """Return the swept quantities at each point, the innermost first, before their factors."""
        return {
            axis.name: np.array(axis.values)[rows]
            for sweep, rows in self._rows(0, self.count)
            for axis in (sweep, *sweep.columns)
        }

    def sampled(self) -> Mapping[str, Floats]:
        """Nothing is."""
        return {}


@dataclass(frozen=True)
class MonteCarlo:
    """Random samples of values of elements, and of parameters of their models.

    Attributes
    ----------
    varied : tuple of str
        Elements, and ``d1:n`` for a parameter of a model.
    kinds : tuple of str
        What each of them is: ``"element"`` or ``"model"``.
    nominal, spread : tuple of float
    samples, seed : int
        Sample k is the same whatever the number of samples.
    distribution : str
        One of `DISTRIBUTIONS`.
    draws : bool
        Whether random functions of the deck draw, too.
    """

    varied: tuple[str, ...]
    kinds: tuple[str, ...]
    nominal: tuple[float, ...]
    spread: tuple[float, ...]
    samples: int
    seed: int = 0
    distribution: str = "uniform"
    draws: bool = False

    def __post_init__(self) -> None:
        if self.distribution not in DISTRIBUTIONS:
            known = ", ".join(DISTRIBUTIONS)
            raise UsageError(f"unknown distribution {self.distribution!r}; there are {known}")
        whole(self.samples, "the number of samples", 1)
        whole(self.seed, "the seed")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of what differs; the seed stands for what random functions draw."""
        return (*self.varied, str(self.seed)) if self.draws else self.varied

    @property
    def of(self) -> tuple[str, ...]:
        """What each of them is."""
        return (*self.kinds, "draw") if self.draws else self.kinds

    @property
    def count(self) -> int:
        """Number of samples."""
        return self.samples

    def values(self, first: int, last: int) -> Floats:
        """Return the values of samples first to last - 1, shape (samples, names)."""
        values = np.empty((last - first, len(self.varied)))
        nominal, at = np.array(self.nominal), DISTRIBUTIONS[self.distribution].at

        def block(k: int) -> None:
            rows = slice(max(first, k * DRAW) - first, min(last, (k + 1) * DRAW) - first)
            self._draw(k, first, values[rows])
            at(nominal, self._shares, values[rows])

        spread(block, range(first // DRAW, -(-last // DRAW)), threads(), values.size)
        if self.draws:
            return np.column_stack([values, np.arange(first, last, dtype=float)])
        return values

    @cached_property
    def _shares(self) -> Floats:
        return np.array(self.spread)

    def _draw(self, block: int, first: int, z: Floats) -> None:
        """Set the numbers of the samples of a block from sample `first` on."""
        rng, draw = np.random.default_rng([self.seed, block]), DISTRIBUTIONS[self.distribution].draw
        begin = max(first - block * DRAW, 0)
        if begin == 0:
            draw(rng, z)
            return
        every = np.empty((begin + len(z), z.shape[1]))
        draw(rng, every)
        z[:] = every[begin:]

    def axes(self) -> dict[str, Floats]:
        """Return the number of each sample, from 0."""
        return {"sample": np.arange(self.samples, dtype=float)}

    def sampled(self) -> Mapping[str, Floats]:
        """Return what is drawn, without what only random functions of the deck know."""
        return Drawn(self)


@dataclass(frozen=True)
class Crossed:
    """Every sample at every point of a grid; the point varies fastest."""

    grid: Grid
    samples: MonteCarlo

    def __post_init__(self) -> None:
        both = [name for name in self.grid.names if name in self.samples.varied]
        if both:
            raise UsageError(f"{', '.join(both)} can't be swept and have a spread")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of what differs, swept quantities first."""
        return self.grid.names + self.samples.names

    @property
    def of(self) -> tuple[str, ...]:
        """What each of them is."""
        return self.grid.of + self.samples.of

    @property
    def count(self) -> int:
        """Number of points."""
        return self.grid.count * self.samples.count

    def values(self, first: int, last: int) -> Floats:
        """Return the values at points first to last - 1, shape (points, names)."""
        sample = np.arange(first, last) // self.grid.count
        drawn = self.samples.values(int(sample[0]), int(sample[-1]) + 1)
        # a grid begins again where it ends
        return np.hstack([self.grid.values(first, last), drawn[sample - sample[0]]])

    def axes(self) -> dict[str, Floats]:
        """Return the swept quantities and the number of the sample at each point."""
        axes = {name: np.tile(x, self.samples.count) for name, x in self.grid.axes().items()}
        return axes | {"sample": np.repeat(self.samples.axes()["sample"], self.grid.count)}

    def sampled(self) -> Mapping[str, Floats]:
        """Return what is drawn at each point."""
        return Drawn(self.samples, self.grid.count)


class Drawn(Mapping[str, Floats]):
    """What samples are of, by name, each `times` in a row.  It is drawn again once asked for."""

    def __init__(self, samples: MonteCarlo, times: int = 1) -> None:
        self.samples, self.times = samples, times

    def __getitem__(self, name: str) -> Floats:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.samples.varied)

    def __len__(self) -> int:
        return len(self.samples.varied)

    @cached_property
    def _columns(self) -> dict[str, Floats]:
        columns = self.samples.values(0, self.samples.count).T
        return {
            name: np.repeat(column, self.times)
            for name, column in zip(self.samples.varied, columns, strict=False)
        }
