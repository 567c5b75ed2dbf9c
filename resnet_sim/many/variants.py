"""What differs between the points of a job: grids of swept values, Monte Carlo samples.

A set of variants is small and picklable: any worker computes the values of any range of
points from it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import compress
from typing import Protocol

import numpy as np

from ..arrays import Floats
from ..errors import UsageError
from ..model.circuit import Circuit
from ..model.requests import Sweep

DISTRIBUTIONS = ("uniform", "normal")
#: Samples that share a random generator.
DRAW = 64


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


@dataclass(frozen=True)
class Grid:
    """Every combination of swept values, the first of `sweeps` varying fastest."""

    sweeps: tuple[Sweep, ...]

    def __post_init__(self) -> None:
        names = [s.name for s in self.sweeps]
        if len(set(names)) < len(names):
            raise UsageError(f"a quantity is swept twice: {', '.join(names)}")
        if not names or not all(s.values for s in self.sweeps):
            raise UsageError("a sweep needs at least one quantity, each with at least one value")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of what is swept, the innermost first."""
        return tuple(s.name for s in self.sweeps)

    @property
    def of(self) -> tuple[str, ...]:
        """What each of them is."""
        return tuple(s.of for s in self.sweeps)

    @property
    def count(self) -> int:
        """Number of points."""
        return math.prod(len(s.values) for s in self.sweeps)

    def values(self, first: int, last: int) -> Floats:
        """Return the values at points first to last - 1, shape (points, names)."""
        place = np.arange(first, last)
        columns = []
        for sweep in self.sweeps:
            columns.append(np.array(sweep.values)[place % len(sweep.values)])
            place = place // len(sweep.values)
        return np.column_stack(columns)

    def axes(self) -> dict[str, Floats]:
        """Return the swept quantities at each point, the innermost first."""
        return dict(zip(self.names, self.values(0, self.count).T.copy(), strict=True))


@dataclass(frozen=True)
class MonteCarlo:
    """Random samples of the values of elements.

    Attributes
    ----------
    names : tuple of str
    nominal, spread : tuple of float
        A value is ``nominal * (1 + spread * z)``.
    samples, seed : int
        Sample k is the same whatever the number of samples.
    distribution : {"uniform", "normal"}
        Of z: uniform on [-1, 1], or normal with standard deviation 1/3, so that the
        spread is three standard deviations; it is not cut off.
    """

    names: tuple[str, ...]
    nominal: tuple[float, ...]
    spread: tuple[float, ...]
    samples: int
    seed: int = 0
    distribution: str = "uniform"

    def __post_init__(self) -> None:
        if self.distribution not in DISTRIBUTIONS:
            known = " and ".join(DISTRIBUTIONS)
            raise UsageError(f"unknown distribution {self.distribution!r}; there are {known}")
        if self.samples < 1:
            raise UsageError(f"{self.samples} samples; at least one is needed")
        if self.seed < 0:
            raise UsageError(f"the seed {self.seed} is negative")

    @property
    def of(self) -> tuple[str, ...]:
        """All are elements."""
        return ("element",) * len(self.names)

    @property
    def count(self) -> int:
        """Number of samples."""
        return self.samples

    @cached_property
    def _scale(self) -> tuple[Floats, Floats]:
        nominal = np.array(self.nominal)
        return nominal, nominal * np.array(self.spread)

    def values(self, first: int, last: int) -> Floats:
        """Return the values of samples first to last - 1, shape (samples, names)."""
        begin = first - first % DRAW
        blocks = [self._draw(k) for k in range(begin // DRAW, -(-last // DRAW))]
        nominal, scale = self._scale
        values: Floats = nominal + scale * np.concatenate(blocks)[first - begin : last - begin]
        return values

    def _draw(self, block: int) -> Floats:
        rng = np.random.default_rng([self.seed, block])
        shape = (DRAW, len(self.names))
        if self.distribution == "uniform":
            return rng.uniform(-1.0, 1.0, shape)
        return rng.standard_normal(shape) / 3.0

    def axes(self) -> dict[str, Floats]:
        """Return the number of each sample, from 0."""
        return {"sample": np.arange(self.samples, dtype=float)}


def monte_carlo(
    circuit: Circuit,
    spread: Mapping[str, float],
    samples: int,
    seed: int = 0,
    distribution: str = "uniform",
) -> MonteCarlo:
    """Return samples of a circuit's values with given relative spreads.

    Parameters
    ----------
    spread : mapping of str to float
        Name of an element, or glob such as ``r*``, to what its value may be off by,
        relative; where several match, the last counts.  Resistors, independent sources, the
        forward drop of diodes and the like have a spread.

    Raises
    ------
    UsageError
        If nothing matches, or a spread is negative or makes resistances negative.
    """
    values = dict(_values(circuit))
    chosen: dict[str, float] = {}
    for pattern, share in spread.items():
        matching = _matching(circuit, values, pattern)
        if not 0 <= share < 1:
            raise UsageError(f"the spread {share:g} of {pattern} is not between 0 and 1")
        chosen |= dict.fromkeys(matching, float(share))
    if not chosen:
        raise UsageError("no spread is given: nothing varies")
    names = tuple(chosen)
    nominal = tuple(values[name] for name in names)
    return MonteCarlo(names, nominal, tuple(chosen.values()), samples, seed, distribution)


def _values(circuit: Circuit) -> list[tuple[str, float]]:
    """Return names and values of the elements that can have a spread."""
    found: list[tuple[str, float]] = []
    for device in circuit.tables.values():
        if device.varies and len(device):
            values = getattr(device, str(device.value)).tolist()
            which = device.varying().tolist()
            found += compress(zip(device.names, values, strict=True), which)
    return found


def _matching(circuit: Circuit, values: Mapping[str, float], pattern: str) -> Sequence[str]:
    folded = pattern.strip().lower()
    if folded in values:
        return [folded]
    if not any(c in folded for c in "*?["):
        number = circuit.element(folded)
        raise UsageError(f"{folded} is a {circuit.kind(number)} without a value to vary")
    found = [name for name in values if fnmatchcase(name, folded)]
    if not found:
        raise UsageError(f"no element with a value matches {pattern!r}")
    return found
