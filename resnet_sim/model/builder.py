"""Building a `Circuit`; the netlist reader and Python users share it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..arrays import Ints
from ..errors import UsageError, did_you_mean
from .circuit import Circuit
from .collector import NOWHERE, Place
from .devices import DEVICES, Table
from .elements import Elements

if TYPE_CHECKING:
    from .devices import Crossbars
    from .devices.crossbar import Crossbar


class CircuitBuilder(Elements):
    """Collects elements, then makes the frozen circuit.

    Names of nodes and elements are case-insensitive; ``"0"`` and ``"gnd"`` are ground.
    All values are in SI units (ohm, V, A, S), or texts that SPICE would read: ``"4.7k"``.

    ``resistor`` and its like add one element between named nodes; ``resistors`` and its
    like add whole columns between node numbers, see `Elements`.  All of the former have the
    parameters

    - `name`, unlike that of any other element;
    - `p` and `q`, the nodes from and to which voltage and current count;
    - `at`, file and line of the sources where messages show it, for those who read decks.

    Parameters
    ----------
    title : str

    Examples
    --------
    >>> b = rs.CircuitBuilder("divider")
    >>> b.voltage_source("v1", "in", "0", 1.0)
    >>> b.resistor("r1", "in", "out", 1e3)
    >>> b.resistor("r2", "out", "0", "1k")
    >>> rs.solve(b.build()).voltage("out")
    0.5

    A ladder of 1000 steps; its resistors are called ``rs0``, ``rs1``, ... :

    >>> b = rs.CircuitBuilder("ladder")
    >>> n = b.nodes("n", 1001)
    >>> b.resistors("rs", n[:-1], n[1:], 1e3)
    >>> b.resistors("rp", n[1:], 0, 2e3)
    """

    def __init__(self, title: str = "") -> None:
        super().__init__()
        self.title = title
        self._crossbars: list[Crossbar] = []
        #: element -> the source in series that tells its current
        self._meters: dict[str, str] = {}

    def measure(self, wanted: Collection[str]) -> None:
        """Let currents of elements control others: each has a source of 0 V put in series.

        None of them fixes a voltage.  What flows into a terminal of a transistor is called
        ``q1:b``, that into the first one ``q1``, too.
        """
        for table in {**self._rows, **self._blocks} if wanted else ():
            letters = getattr(DEVICES[table], "terminals", "")
            for letter in ("", *letters):
                for name, p, *at in self.moved_ends(table, wanted, letter, letters):
                    meter = self._meters[name] = f"{name}#i"
                    self.add("voltage_sources", meter, p, meter, 0.0, at=(at[0], at[1]))

    def is_measured(self, name: str) -> bool:
        """Tell whether there is a source that tells the current of an element."""
        return name in self._meters

    def add(self, table: str, name: str, p: str, q: str, *values: Any, at: Place = NOWHERE,
            **more: Any) -> None:  # fmt: skip
        """Add an element of any device that is registered, by the name of its table."""
        device = _device(table)
        assert issubclass(device, Table)
        self.add_row(table, name, p, q, at, *device.row(name, *values, **more))

    def multipole(
        self, table: str, name: str, nodes: Sequence[str], given: Mapping[str, float] | None = None,
        *, at: Place = NOWHERE,
    ) -> None:  # fmt: skip
        """Add a device of more than two terminals.

        Parameters
        ----------
        table : str
            ``"bipolars"``, ``"mosfets"`` or ``"jfets"``.
        nodes : sequence of str
            In the order of its card, such as collector, base, emitter, substrate.
        given : mapping of str to float
            Parameters of its model and its own; ``polarity`` is -1 for PNP and the like.

        Raises
        ------
        UsageError
        """
        from .devices.multipole import Multipole

        device = _device(table)
        if not issubclass(device, Multipole):
            raise UsageError(f"{table} have two terminals: use add")
        ends = [*nodes, *["0"] * device.optional][: len(device.order)]
        if len(ends) < len(device.order):
            least = len(device.order) - device.optional
            raise UsageError(f"{name} needs {least} nodes: {device.cards[0].usage}")
        named = dict(zip(device.order, ends, strict=True))
        numbers = {letter: self.node(node) for letter, node in named.items()}
        first, *between, last = list(device.terminals)
        row = device.row(name, [numbers[letter] for letter in between], given or {})
        self.add_row(table, name, named[first], named[last], at, *row)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            # a method for devices that have none below
            for table, device in DEVICES.items():
                if device.kind.lower().replace(" ", "_") == name.lower():
                    several = hasattr(device, "terminals")
                    return partial(self.multipole if several else self.add, table)
            meant = did_you_mean(name, dir(type(self)))
            hint = f": {meant}" if meant else ""
            raise AttributeError(f"a CircuitBuilder has no attribute {name!r}{hint}")

    def crossbar(
        self,
        name: str,
        rows: Sequence[str] | Ints,
        columns: Sequence[str] | Ints,
        conductances: npt.ArrayLike,
    ) -> None:
        """Add a crossbar: a conductance from each row to each column.

        Parameters
        ----------
        rows, columns : sequence of str or ndarray of int, shape (R,) and (C,)
            Nodes, by name or by number as `nodes` returns them.
        conductances : array_like, shape (R, C)
            S, finite and not negative; 0 is open.  Arrays of float32 or float64 are kept as
            they are, not copied, and must not change afterwards.  A single one is called
            ``<name>_<row>_<column>``, rows and columns counted from 0.
        """
        from .devices.crossbar import Crossbar

        ends = [
            self.nodes(ends) if isinstance(ends[:1], list | tuple) else np.asarray(ends)
            for ends in (rows, columns)
        ]
        for numbers in ends:
            self._check_terminals(numbers, numbers)
        new = Crossbar(name.lower(), ends[0].astype(np.int64), ends[1].astype(np.int64), _NONE)
        new = new.with_conductances(conductances)
        self._claim([new.name])
        self._crossbars.append(new)

    def _crossbar_table(self) -> Crossbars:
        """Return the crossbars; `UsageError` if another element has a conductance's name."""
        from .devices import Crossbars

        table = Crossbars(tuple(self._crossbars))
        for name in self._element_names:
            if table.find(name) is not None:
                raise UsageError(f"{name} is also the name of a conductance of a crossbar")
        return table

    def build(self, **attributes: Any) -> Circuit:
        """Return the circuit; `attributes` are further fields of `Circuit`.

        Raises
        ------
        UsageError
            If a control names an element that does not exist or fixes no voltage.
        """
        numbers: dict[str, int] = {}

        def branch(name: str) -> int:
            if not numbers:
                numbers.update(self._branch_numbers())
            name = self._meters.get(name, name)
            if name not in numbers:
                raise UsageError(
                    f"{name!r}, whose current controls, is not an element that fixes a voltage"
                )
            return numbers[name]

        tables: dict[str, Table | Crossbars] = {}
        if self._crossbars:
            tables["crossbars"] = self._crossbar_table()
        for table in DEVICES:
            if self._rows.get(table) or self._blocks.get(table):
                device = DEVICES[table]
                assert issubclass(device, Table)
                tables[table] = device.made(self.columns(table), branch)
        return Circuit(title=self.title, nodes=self.node_names(), tables=tables, **attributes)

    def _branch_numbers(self) -> Mapping[str, int]:
        """Number the elements that fix a voltage, hence have a current to control with."""
        numbers: dict[str, int] = {}
        start = 0
        for table in DEVICES:
            if table == "crossbars":
                start += sum(map(len, self._crossbars))
                continue
            names = self._names(table)
            if not names:
                continue
            device = DEVICES[table]
            tells = device.fixes_voltage
            if isinstance(tells, str):
                column = [f.name for f in fields(device)].index(tells)
                rows = enumerate(self._rows.get(table, []))
                numbers |= {row[0]: start + k for k, row in rows if row[column]}
            elif tells:
                numbers |= {name: start + k for k, name in enumerate(names)}
            start += len(names)
        return numbers


def _device(table: str) -> type[Table | Crossbars]:
    """Return the device of a table by name."""
    if table not in DEVICES:
        meant = did_you_mean(table, list(DEVICES)) or f"there are {', '.join(DEVICES)}"
        raise UsageError(f"no table of devices is called {table!r}: {meant}")
    return DEVICES[table]


_NONE = np.zeros((0, 0))
