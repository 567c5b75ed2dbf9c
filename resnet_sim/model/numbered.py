"""Nodes and elements are numbered.

Node 0 is ground.  Elements are numbered through the tables in the order of `DEVICES`, all resistors
first; arrays of currents have that order.  The conductances of crossbars count one by one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import chain
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar, overload

import numpy as np

from ..arrays import Ints
from ..errors import UsageError, did_you_mean
from .devices import DEVICES, Device, Table
from .names import folded

if TYPE_CHECKING:
    from .devices import (
        Capacitors,
        ControlledSources,
        Crossbars,
        CurrentSources,
        Diodes,
        Inductors,
        Resistors,
        Switches,
        VoltageSources,
    )

_Table = TypeVar("_Table", bound=Device)


class _TableOf(Generic[_Table]):
    """Makes ``circuit.resistors`` of ``circuit.tables["resistors"]``, for type checkers too."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._plural = name

    @overload
    def __get__(self, circuit: None, owner: type) -> _TableOf[_Table]: ...
    @overload
    def __get__(self, circuit: Numbered, owner: type) -> _Table: ...
    def __get__(self, circuit: Numbered | None, owner: type) -> _Table | _TableOf[_Table]:
        return self if circuit is None else circuit.tables[self._plural]  # type: ignore[return-value]


class _Tables(dict[str, "Table | Crossbars"]):
    """Tables by name, in the order of `DEVICES`; what a circuit has none of is empty."""

    def __missing__(self, name: str) -> Table | Crossbars:
        return _empty(name)


@cache
def _empty(name: str) -> Table | Crossbars:
    """Return a table without rows, whose device nothing may have needed before."""
    return DEVICES[name]()


@dataclass(frozen=True, repr=False, eq=False)
class Numbered:
    """Tables of elements, and which numbers these and their nodes have; see `Circuit`."""

    title: str = ""
    nodes: tuple[str, ...] = ("0",)
    tables: dict[str, Table | Crossbars] = field(default_factory=dict)

    resistors: ClassVar[_TableOf[Resistors]] = _TableOf()
    crossbars: ClassVar[_TableOf[Crossbars]] = _TableOf()
    capacitors: ClassVar[_TableOf[Capacitors]] = _TableOf()
    inductors: ClassVar[_TableOf[Inductors]] = _TableOf()
    voltage_sources: ClassVar[_TableOf[VoltageSources]] = _TableOf()
    current_sources: ClassVar[_TableOf[CurrentSources]] = _TableOf()
    diodes: ClassVar[_TableOf[Diodes]] = _TableOf()
    switches: ClassVar[_TableOf[Switches]] = _TableOf()
    controlled_sources: ClassVar[_TableOf[ControlledSources]] = _TableOf()

    def __post_init__(self) -> None:
        given = self.tables
        tables = _Tables((name, given[name]) for name in DEVICES if len(given.get(name, ())))
        # there is always one to join the columns of
        object.__setattr__(self, "tables", tables or _Tables(resistors=_empty("resistors")))

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Table:
            # tables of devices that are not named above; a circuit that is unpickled has none yet
            try:
                return self.__dict__["tables"][name]
            except KeyError:
                raise AttributeError(f"a circuit has no attribute {name!r}") from None

    @cached_property
    def first(self) -> dict[str, int]:
        """Number of the first element of each table, or what it would be."""
        starts, total = {}, 0
        for name in DEVICES:
            starts[name] = total
            total += len(self.tables.get(name, ()))
        return starts

    @cached_property
    def present(self) -> dict[str, Table | Crossbars]:
        """The tables that are not empty: what most questions about a circuit are put to."""
        return {name: table for name, table in self.tables.items() if len(table)}

    @cached_property
    def n_elements(self) -> int:
        """How many elements there are."""
        return sum(len(table) for table in self.tables.values())

    @cached_property
    def element_names(self) -> Sequence[str]:
        """Names of all elements in the order of their numbers; a tuple if there is no crossbar."""
        if "crossbars" in self.tables:
            from .devices.crossbar import JoinedNames

            return JoinedNames(table.names for table in self.tables.values())
        return tuple(chain.from_iterable(table.names for table in self.tables.values()))

    @cached_property
    def terminals(self) -> tuple[Ints, Ints]:
        """Node numbers (p, q) of all elements, two arrays of shape (n_elements,)."""
        p = np.concatenate([table.p for table in self.tables.values()])
        q = np.concatenate([table.q for table in self.tables.values()])
        return p, q

    @cached_property
    def _element_number(self) -> dict[str, int]:
        numbers: dict[str, int] = {}
        for name, table in self.tables.items():
            if isinstance(table, Table):  # the names of crossbars tell their numbers
                start = self.first[name]
                numbers |= zip(table.names, range(start, start + len(table)), strict=True)
        return numbers

    @cached_property
    def _node_number(self) -> dict[str, int]:
        return {name: k for k, name in enumerate(self.nodes)}

    @cached_property
    def smooth(self) -> tuple[str, ...]:
        """Names of the devices whose currents are smooth functions of several voltages."""
        return tuple(name for t in self.tables.values() for name in t.smooth_elements())

    def element(self, name: str) -> int:
        """Return the number of an element; `UsageError` if there is none of that name."""
        number = self.find(name)
        return _find(folded(name), self._element_number, "element") if number is None else number

    def find(self, name: str) -> int | None:
        """Return the number of an element, None if there is none of that name."""
        name = folded(name)
        if "crossbars" in self.tables and (cell := self.crossbars.find(name)) is not None:
            return self.first["crossbars"] + cell
        return self._element_number.get(name)

    def node(self, name: str) -> int:
        """Return the number of a node; `UsageError` if there is none of that name."""
        known = folded(name)
        return _find("0" if known == "gnd" else known, self._node_number, "node")

    def has_node(self, name: str) -> bool:
        """Tell whether there is a node of a name."""
        return name in self._node_number

    def locate(self, element: int) -> tuple[str, int]:
        """Return the table's name and the row of an element number."""
        if not 0 <= element < self.n_elements:
            raise IndexError(element)
        names, starts = self._starts
        # of tables that begin there only the last is not empty
        place = bisect_right(starts, element) - 1
        return names[place], element - starts[place]

    def name_of(self, element: int) -> str:
        """Return the name of one element: those of all are put together when many are asked for."""
        table, row = self.locate(element)
        name: str = self.tables[table].names[row]
        return name

    @cached_property
    def _starts(self) -> tuple[list[str], list[int]]:
        return list(self.first), list(self.first.values())

    def kind(self, element: int) -> str:
        """Return what an element is, in words: ``"voltage source"``."""
        return self.tables[self.locate(element)[0]].kind

    def line(self, element: int) -> int:
        """Return the source line of an element, 0 if it has none."""
        table, row = self.locate(element)
        lines = self.tables[table].line
        return int(lines[row]) if len(lines) else 0


def _find(name: str, numbers: Mapping[str, int], what: str) -> int:
    number = numbers.get(name)
    if number is None:
        meant = did_you_mean(name, numbers, quoted=True)
        raise UsageError(f"no {what} {name!r}" + (meant and f": {meant}"))
    return number
