"""Crossbars: every row of nodes joined to every column, with one array of conductances.

The single conductances are elements like all others, with numbers and names, but nothing
here makes an object of each: names are computed when asked for.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase, translate
from functools import cached_property
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt

from ...arrays import Floats, Ints
from ...errors import UsageError
from .device import Device
from .pieces import Pieces

if TYPE_CHECKING:
    import networkx

#: Conductances up to which crossbars are expanded; more take gigabytes, and hours to solve.
MOST_EXPANDED = 10_000_000

_CELL = re.compile(r"(.+)_(0|[1-9]\d*)_(0|[1-9]\d*)").fullmatch


@dataclass(frozen=True, eq=False)
class Crossbar:
    """One crossbar.

    Attributes
    ----------
    name : str
    rows, columns : ndarray of int, shape (R,) and (C,)
        Node numbers.
    conductances : ndarray of float32 or float64, shape (R, C)
        S, not negative; 0 is open.
    """

    name: str
    rows: Ints
    columns: Ints
    conductances: npt.NDArray[Any]

    def __len__(self) -> int:
        return int(self.conductances.size)

    def find(self, name: str) -> int | None:
        """Return the place of a conductance by its lower-case name, None if it is none here."""
        match = _CELL(name)
        if match is None or match[1] != self.name:
            return None
        i, j = int(match[2]), int(match[3])
        inside = i < len(self.rows) and j < len(self.columns)
        return i * len(self.columns) + j if inside else None

    def with_conductances(self, conductances: npt.ArrayLike) -> Crossbar:
        """Return the crossbar with other conductances, which are checked but not copied."""
        return Crossbar(self.name, self.rows, self.columns, self._checked(conductances))

    def _checked(self, conductances: npt.ArrayLike) -> npt.NDArray[Any]:
        array = np.asarray(conductances)
        if array.dtype not in (np.float32, np.float64):
            array = array.astype(np.float64)
        shape = (len(self.rows), len(self.columns))
        if array.shape != shape or not array.size:
            raise UsageError(
                f"{self.name}: {shape[0]} rows and {shape[1]} columns, at least one of each, "
                f"need conductances of that shape, not {array.shape}"
            )
        # NaN passes neither test; no temporary arrays, these may be large
        if not (array.min() >= 0 and array.max() < np.inf):
            raise UsageError(f"{self.name}: conductances must be finite and not negative")
        view = array.view()  # a circuit locks its arrays, not those of the caller
        view.setflags(write=False)
        return view


class Names(Sequence[str]):
    """Names that are computed when asked for."""

    def __repr__(self) -> str:
        return f"<{len(self)} names>"

    def at(self, number: int) -> str:
        """Return the name of a number from 0 to the length, exclusively."""
        raise NotImplementedError

    @overload
    def __getitem__(self, key: int) -> str: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[str, ...]: ...
    def __getitem__(self, key: int | slice) -> str | tuple[str, ...]:
        """Return a name, or a tuple of names."""
        numbers = range(len(self))[key]
        if isinstance(numbers, int):
            return self.at(numbers)
        return tuple(self.at(number) for number in numbers)


class CellNames(Names):
    """Names of the conductances of one crossbar, row by row."""

    def __init__(self, device: Crossbar) -> None:
        self._device = device

    def __len__(self) -> int:
        return len(self._device)

    def at(self, number: int) -> str:
        """Return the name of a conductance."""
        i, j = divmod(number, len(self._device.columns))
        return f"{self._device.name}_{i}_{j}"

    def __iter__(self) -> Iterator[str]:
        columns = range(len(self._device.columns))
        for i in range(len(self._device.rows)):
            head = f"{self._device.name}_{i}_"
            yield from (f"{head}{j}" for j in columns)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._device.find(name) is not None


class JoinedNames(Names):
    """Names of several tables, one after the other, without a copy."""

    def __init__(self, parts: Iterable[Sequence[str]]) -> None:
        self._parts = [part for part in parts if len(part)]
        self._starts = (0, *accumulate(len(part) for part in self._parts))

    def __len__(self) -> int:
        return self._starts[-1]

    def at(self, number: int) -> str:
        """Return the name of a number."""
        which = bisect_right(self._starts, number) - 1
        return self._parts[which][number - self._starts[which]]

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self._parts)

    def __contains__(self, name: object) -> bool:
        return any(name in part for part in self._parts)


@dataclass(frozen=True, eq=False)
class Crossbars(Device):
    """All crossbars of a circuit: a table whose rows are single conductances.

    ::

                    columns[0]  columns[1]
                        |           |
        rows[0] o---+---|-------+---|----
                    +-g00-+     +-g01-+        i = g v from the row to the column
                        |           |
        rows[1] o---+---|-------+---|----
                    +-g10-+     +-g11-+
                        |           |

    Content ``i**2 / (2 g)`` and co-content ``g v**2 / 2`` of each; where g is 0 there is
    nothing.  Conductances are numbered row by row, one crossbar after the other, and called
    ``<name>_<row>_<column>``.

    Attributes
    ----------
    devices : tuple of Crossbar
    """

    kind = "crossbar"
    plural = "crossbars"
    value = "ohms"
    varies = True
    infinite = frozenset({"ohms"})
    imposes = "joins {p} and {q} within a crossbar"
    rank = 5

    devices: tuple[Crossbar, ...] = ()

    def __len__(self) -> int:
        return self.starts[-1]

    @cached_property
    def names(self) -> JoinedNames:
        """Names of the conductances."""
        return JoinedNames(CellNames(device) for device in self.devices)

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Row of the first conductance of each crossbar, and the number of rows."""
        return (0, *accumulate(len(device) for device in self.devices))

    @property
    def file(self) -> Ints:
        """Nothing: crossbars have no card."""
        return np.zeros(0, dtype=np.int64)

    @property
    def line(self) -> Ints:
        """Nothing: crossbars have no card."""
        return np.zeros(0, dtype=np.int64)

    # ---- expanded ----

    @cached_property
    def p(self) -> Ints:
        """Node number of the row of each conductance, shape (n,)."""
        parts = [np.repeat(d.rows, len(d.columns)) for d in self._few()]
        return np.concatenate(parts or [np.zeros(0, dtype=np.int64)])

    @cached_property
    def q(self) -> Ints:
        """Node number of the column of each conductance, shape (n,)."""
        parts = [np.tile(d.columns, len(d.rows)) for d in self._few()]
        return np.concatenate(parts or [np.zeros(0, dtype=np.int64)])

    @cached_property
    def siemens(self) -> Floats:
        """All conductances in one array, S, shape (n,)."""
        parts = [d.conductances.ravel().astype(np.float64) for d in self._few()]
        return np.concatenate(parts or [np.zeros(0)])

    @cached_property
    def ohms(self) -> Floats:
        """All resistances, infinite where the conductance is 0, shape (n,)."""
        ohms = np.full(len(self), np.inf)
        np.divide(1.0, self.siemens, out=ohms, where=self.siemens > 0)
        return ohms

    def _few(self) -> tuple[Crossbar, ...]:
        if len(self) > MOST_EXPANDED:
            raise UsageError(
                f"crossbars of {len(self)} conductances are too many to be taken one by one; "
                "networks of that size must be layered, for resnet_sim.training"
            )
        return self.devices

    # ---- as a device ----

    def pieces(self, out: Pieces, first: int) -> None:
        """Conductors, where there is any conductance."""
        if self.devices:
            some = np.flatnonzero(self.siemens)
            out.conductor(first + some, self.p[some], self.q[some], self.siemens[some])

    def letter(self, row: int) -> str:
        """Each conductance is written as a resistor; there is no card for the whole."""
        return "r" if self.siemens[row] else ""

    def resistance(self) -> Floats:
        """Of each conductance."""
        return self.ohms

    # ---- by name ----

    def find(self, name: str) -> int | None:
        """Return the row of a conductance by its lower-case name, None if there is none."""
        for start, device in zip(self.starts, self.devices, strict=False):
            cell = device.find(name)
            if cell is not None:
                return start + cell
        return None

    def select(self, pattern: str) -> list[range | Ints]:
        """Return the rows that a name or glob selects, one entry for each crossbar.

        A range if all of its rows are selected, as the name of a crossbar does.
        """
        found: list[range | Ints] = []
        for start, device in zip(self.starts, self.devices, strict=False):
            rows = _select(device, pattern)
            if rows is None:
                found.append(range(start, start + len(device)))
            else:
                found.append(start + rows)
        return found

    def add_edges(self, graph: networkx.MultiGraph, nodes: Sequence[str]) -> None:
        """Add each conductance that is not 0 to a graph, as a resistor."""
        for row in np.flatnonzero(self.siemens).tolist():
            p, q = nodes[self.p[row]], nodes[self.q[row]]
            ohms = float(self.ohms[row])
            graph.add_edge(p, q, key=self.names[row], kind="resistor", p=p, q=q, ohms=ohms)

    # ---- variants ----

    def with_conductances(self, values: Mapping[str, npt.ArrayLike]) -> Crossbars:
        """Return the table with other arrays, by the lower-case names of the crossbars."""
        known = [device.name for device in self.devices]
        for name in values:
            if name not in known:
                raise UsageError(f"no crossbar {name!r}: there are {', '.join(known) or 'none'}")
        return Crossbars(
            tuple(
                device.with_conductances(values[device.name]) if device.name in values else device
                for device in self.devices
            )
        )

    def with_values(self, values: Mapping[int, float]) -> Crossbars:
        """Return the table with other resistances of some rows: positive, or infinite."""
        arrays: dict[str, npt.NDArray[Any]] = {}
        for row, value in values.items():
            self.check(row, value)
            if not value > 0:
                raise UsageError(
                    f"{self.names[row]} is part of a crossbar: its resistance can't be {value}"
                )
            which = bisect_right(self.starts, row) - 1
            device = self.devices[which]
            if device.name not in arrays:
                arrays[device.name] = device.conductances.copy()
            place = divmod(row - self.starts[which], len(device.columns))
            arrays[device.name][place] = 1.0 / value
        return self.with_conductances(arrays)


def _select(device: Crossbar, pattern: str) -> Ints | None:
    """Return the conductances that a pattern selects, counted row by row; None for all."""
    head = f"{device.name}_"
    if pattern == device.name or (pattern.endswith("*") and fnmatchcase(head, pattern)):
        return None
    literal = re.split(r"[*?\[]", pattern, maxsplit=1)[0]
    chosen: list[int] = []
    if literal.startswith(head) or head.startswith(literal):
        matches = re.compile(translate(pattern)).match
        chosen = [k for k, name in enumerate(CellNames(device)) if matches(name)]
    return np.array(chosen, dtype=np.int64)
