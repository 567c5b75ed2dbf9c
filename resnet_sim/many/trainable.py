"""Which conductances of a circuit change: resistors, and conductances of crossbars."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import translate
from functools import cached_property

import numpy as np

from ..arrays import Floats, Ints
from ..errors import UsageError
from ..model.circuit import Circuit
from ..model.devices.crossbar import Crossbar, JoinedNames, Names
from ..model.display import few
from ..model.names import several


class PickedNames(Names):
    """Some of other names, by their numbers."""

    def __init__(self, names: Sequence[str], numbers: range | Ints) -> None:
        self._names, self._numbers = names, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def at(self, number: int) -> str:
        """Return one name."""
        return self._names[int(self._numbers[number])]


@dataclass(frozen=True)
class Selection:
    """Conductances in the order in which the circuit numbers its elements.

    Attributes
    ----------
    circuit : Circuit
    resistors : ndarray of int
        Rows of ``circuit.resistors``.
    cells : tuple of (range or ndarray of int)
        Rows of ``circuit.crossbars``, one entry for each crossbar; a range if all of its.
    """

    circuit: Circuit
    resistors: Ints
    cells: tuple[range | Ints, ...]

    def __len__(self) -> int:
        return len(self.resistors) + sum(map(len, self.cells))

    @cached_property
    def names(self) -> Sequence[str]:
        """Names of the elements; those of crossbars are computed when asked for."""
        own = tuple(self.circuit.resistors.names[k] for k in self.resistors.tolist())
        if not self.circuit.crossbars.devices:
            return own
        names = self.circuit.crossbars.names
        return JoinedNames([own, *(PickedNames(names, rows) for rows in self.cells)])

    def elements(self) -> Ints:
        """Return the numbers of the elements, shape (n,)."""
        first = self.circuit.first["crossbars"]
        cells = (first + np.asarray(c, dtype=np.int64) for c in self.cells)
        return np.concatenate([self.resistors, *cells])

    def conductances(self) -> Floats:
        """Return the conductances, S, shape (n,); infinite for a short."""
        with np.errstate(divide="ignore"):
            whole = np.empty(len(self))
            whole[: len(self.resistors)] = 1.0 / self.circuit.resistors.ohms[self.resistors]
        for device, part, rows, start in self._parts():
            whole[part] = device.conductances.ravel()[_within(rows, start)]
        return whole

    def extremes(self) -> tuple[float, float]:
        """Return the smallest and the largest conductance, S; (inf, 0) if there is none."""
        parts = [1.0 / self.circuit.resistors.ohms[self.resistors]]
        parts += [
            device.conductances.ravel()[_within(rows, start)]
            for device, _, rows, start in self._parts()
        ]
        low = min(float(part.min(initial=np.inf)) for part in parts)
        return low, max(float(part.max(initial=0.0)) for part in parts)

    def applied(self, g: Floats) -> Circuit:
        """Return the circuit with other conductances (S), shape (n,)."""
        ohms = self.circuit.resistors.ohms.copy()
        with np.errstate(divide="ignore"):
            ohms[self.resistors] = 1.0 / g[: len(self.resistors)]
        circuit = self.circuit._with_columns({"resistors": {"ohms": ohms}})
        arrays = {}
        for device, part, rows, start in self._parts():
            array = device.conductances.astype(np.float64).ravel()
            array[_within(rows, start)] = g[part]
            arrays[device.name] = array.reshape(device.conductances.shape)
        return circuit.with_conductances(arrays) if arrays else circuit

    def _parts(self) -> Iterator[tuple[Crossbar, slice, range | Ints, int]]:
        """Yield crossbars with selected conductances: their place here, rows, and first row."""
        crossbars = self.circuit.crossbars
        for device, rows, place, start in zip(
            crossbars.devices, self.cells, self.starts, crossbars.starts, strict=False
        ):
            if len(rows):
                yield device, slice(place, place + len(rows)), rows, start

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Place in the selection where the conductances of each crossbar begin."""
        sizes = [len(self.resistors), *map(len, self.cells)]
        return tuple(np.cumsum(sizes)[:-1].tolist())

    def of_resistors(self) -> Ints:
        """Return the place of each resistor of the circuit, -1 where it is not selected."""
        place = np.full(len(self.circuit.resistors), -1)
        place[self.resistors] = np.arange(len(self.resistors))
        return place

    def of_crossbar(self, k: int) -> int | Ints:
        """Return the places of a crossbar's conductances, shape (R, C).

        Where all are selected, that of the first stands for all; -1 where none is.
        """
        rows = self.cells[k]
        if isinstance(rows, range):
            return self.starts[k] if len(rows) else -1
        device = self.circuit.crossbars.devices[k]
        place = np.full(len(device), -1)
        place[rows - self.circuit.crossbars.starts[k]] = self.starts[k] + np.arange(len(rows))
        return place.reshape(device.conductances.shape)


@dataclass(frozen=True)
class Ties:
    """Which of fewer values each conductance of a selection has.

    Attributes
    ----------
    which : ndarray of int, shape (n,)
    """

    which: Ints

    @cached_property
    def first(self) -> Ints:
        """A conductance that has each value."""
        return np.unique(self.which, return_index=True)[1]

    def total(self, by_g: Floats) -> Floats:
        """Return derivatives by the values of those by the conductances."""
        return np.bincount(self.which, by_g, len(self.first)).astype(float)


def _within(rows: range | Ints, start: int) -> slice | Ints:
    """Return where rows of the table of crossbars are in the crossbar that begins at `start`."""
    return slice(None) if isinstance(rows, range) else rows - start


def select(circuit: Circuit, wanted: str | Sequence[str]) -> Selection:
    """Return the resistors and conductances of crossbars that names and globs mean.

    Parameters
    ----------
    wanted : str or sequence of str
        The name of a crossbar means all of its conductances.

    Raises
    ------
    UsageError
        If one of them means nothing.
    """
    patterns = [pattern.lower() for pattern in several(wanted)]
    resistors = np.zeros(len(circuit.resistors), dtype=np.bool_)
    count = len(circuit.crossbars.devices)
    cells: list[list[range | Ints]] = [[] for _ in range(count)]
    for pattern in patterns:
        rows = _matching(circuit, pattern)
        resistors[rows] = True
        found = circuit.crossbars.select(pattern)
        if not rows and not any(map(len, found)):
            known = f"; there are {few(names)}" if (names := circuit.resistors.names) else ""
            raise UsageError(f"no resistor is called {pattern!r}{known}")
        for k, part in enumerate(found):
            cells[k].append(part)
    return Selection(circuit, np.flatnonzero(resistors), tuple(map(_merged, cells)))


def _matching(circuit: Circuit, pattern: str) -> list[int]:
    """Return the rows of the resistors that have a name or match a glob."""
    number = circuit.find(pattern)
    found = [] if number is None or number >= len(circuit.resistors) else [number]
    if set(pattern) & set("*?["):
        matches = re.compile(translate(pattern)).match
        found += [k for k, name in enumerate(circuit.resistors.names) if matches(name)]
    return found


def _merged(parts: list[range | Ints]) -> range | Ints:
    for part in parts:
        if isinstance(part, range) and len(part):
            return part
    some = [np.asarray(part, dtype=np.int64) for part in parts if len(part)]
    return np.unique(np.concatenate(some)) if some else range(0)
