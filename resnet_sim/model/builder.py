"""Building a `Circuit`, by element or by column; the netlist reader and Python users share it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..arrays import Ints
from ..errors import UsageError, did_you_mean
from .circuit import Circuit
from .collector import NOWHERE, Collector, Place
from .devices import DEVICES, Crossbars, Table
from .devices.crossbar import Crossbar
from .devices.device import number
from .formula import Formula
from .names import spelled

#: in SI units, or as SPICE writes it: ``"4.7k"``
Value = float | str


class CircuitBuilder(Collector):
    """Collects elements, then makes the frozen circuit.

    Names of nodes and elements are case-insensitive; ``"0"`` and ``"gnd"`` are ground.
    All values are in SI units (ohm, V, A, S), or texts that SPICE would read: ``"4.7k"``.

    ``resistor`` and its like add one element between named nodes; ``resistors`` and its
    like add whole columns between node numbers, see `Collector`.  All of the former have the
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

    def resistor(self, name: str, p: str, q: str, ohms: Value, *, at: Place = NOWHERE) -> None:
        """Add a resistor; 0 is a short, infinity is open, negative values are allowed."""
        self.add_row("resistors", name, p, q, at, number(name, ohms, infinite=True))

    def capacitor(
        self, name: str, p: str, q: str, farads: Value = 0.0, *, at: Place = NOWHERE
    ) -> None:
        """Add a capacitor (open)."""
        self.add_row("capacitors", name, p, q, at, number(name, farads))

    def inductor(
        self, name: str, p: str, q: str, henries: Value = 0.0, *, at: Place = NOWHERE
    ) -> None:
        """Add an inductor (short)."""
        self.add_row("inductors", name, p, q, at, number(name, henries))

    def voltage_source(
        self, name: str, p: str, q: str, volts: Value = 0.0, *, at: Place = NOWHERE
    ) -> None:
        """Add a voltage source, ``v(p) - v(q) = volts``."""
        self.add_row("voltage_sources", name, p, q, at, number(name, volts))

    def current_source(
        self, name: str, p: str, q: str, amps: Value = 0.0, *, at: Place = NOWHERE
    ) -> None:
        """Add a current source, `amps` flow from p through the source to q."""
        self.add_row("current_sources", name, p, q, at, number(name, amps))

    @spelled
    def diode(
        self,
        name: str,
        p: str,
        q: str,
        *,
        v_forward: Value = 0.0,
        r_on: Value = 0.0,
        r_off: Value = math.inf,
        v_reverse: Value = math.inf,
        r_reverse: Value = 0.0,
        at: Place = NOWHERE,
    ) -> None:
        """Add a diode with anode p and cathode q; ideal unless told otherwise.

        Parameters
        ----------
        v_forward, v_reverse : float or str
            V at which it conducts forward, and breaks down.
        r_on, r_off, r_reverse : float or str
            Resistances (ohm) beyond the forward knee, between the knees, beyond breakdown.

        Raises
        ------
        UsageError
            Unless ``0 <= r_on, r_reverse <= r_off`` and ``-v_reverse <= v_forward``.
        """
        v_forward, r_on = number(name, v_forward), number(name, r_on)
        limits = (r_off, v_reverse, r_reverse)
        r_off, v_reverse, r_reverse = (number(name, x, infinite=True) for x in limits)
        if not (0 <= r_on <= r_off and 0 <= r_reverse <= r_off and r_off > 0):
            raise UsageError(f"{name}: needs 0 <= r_on, r_reverse <= r_off and r_off > 0")
        if not -v_reverse <= v_forward:
            raise UsageError(f"{name}: needs -v_reverse <= v_forward")
        self.add_row("diodes", name, p, q, at, v_forward, r_on, r_off, v_reverse, r_reverse)

    @spelled
    def switch(
        self,
        name: str,
        p: str,
        q: str,
        *,
        control: Sequence[str] | None = None,
        threshold: Value = 0.0,
        hysteresis: Value = 0.0,
        r_on: Value = 0.0,
        r_off: Value = math.inf,
        closed: bool = False,
        at: Place = NOWHERE,
    ) -> None:
        """Add a switch.

        Parameters
        ----------
        control : sequence of two str, or str, optional
            A pair of nodes (a voltage controls), or the name of a voltage source,
            inductor or voltage-output controlled source (its current controls).  None: it
            stays as `closed` says.
        threshold : float or str
            V or A of the control above which it closes.
        r_on, r_off : float or str
            Resistances when closed and open, ohm.
        closed : bool
            State from which it starts.
        hysteresis : float
            Negative: between its states it moves smoothly, see `Switches`.
        """
        cp = cn = -1
        element: str | None = None
        if isinstance(control, str):
            element = control.lower()
        elif control is not None:
            if len(control) != 2:
                raise UsageError(f"{name}: two nodes, or an element, control a switch")
            cp, cn = (self.node(node) for node in control)
        limits = (number(name, threshold), number(name, hysteresis))
        resistances = (number(name, r_on), number(name, r_off, infinite=True))
        if closed not in (0, 1):
            raise UsageError(f"{name}: closed is True or False, not {closed!r}")
        if min(resistances) < 0:
            raise UsageError(f"{name}: r_on and r_off can't be negative")
        self.add_row(
            "switches", name, p, q, at,
            *resistances, cp, cn, element, *limits, closed, control is None,
        )  # fmt: skip

    def controlled_source(
        self,
        name: str,
        p: str,
        q: str,
        *,
        is_voltage: bool,
        voltages: Sequence[tuple[str, Value]] = (),
        currents: Sequence[tuple[str, Value]] = (),
        constant: Value = 0.0,
        at: Place = NOWHERE,
    ) -> None:
        """Add a source whose voltage (or current) is affine in voltages and currents.

        Parameters
        ----------
        is_voltage : bool
            Whether its voltage is set (V), or its current (A).
        constant : float or str
            What is added to the terms, V or A.
        voltages : sequence of (node name, gain)
        currents : sequence of (element name, gain)
            Elements as in `switch`: those that fix a voltage.
        """
        gains = [number(name, gain) for _, gain in (*voltages, *currents)]
        terms: list[tuple[str | int, float]] = []
        self.add_row(
            "controlled_sources", name, p, q, at, bool(is_voltage), number(name, constant), terms
        )
        # the element's own nodes are numbered first
        controls: list[str | int] = [self.node(node) for node, _ in voltages]
        controls += [element.lower() for element, _ in currents]
        terms += zip(controls, gains, strict=True)

    def behavioural_source(
        self,
        name: str,
        p: str,
        q: str,
        *,
        is_voltage: bool,
        formula: Formula,
        at: Place = NOWHERE,
    ) -> None:
        """Add a source whose voltage (or current) is a formula of voltages and currents.

        Parameters
        ----------
        is_voltage : bool
            Whether its voltage is set (V), or its current (A).
        formula : Formula
            Of nodes and elements by name; elements as in `switch`.
        """
        row: list[Formula] = []
        self.add_row("behavioural_sources", name, p, q, at, bool(is_voltage), row)
        # the element's own nodes are numbered first
        row.append(formula.renamed(lambda node: self.node(str(node)), lambda e: str(e).lower()))

    def vcvs(
        self, name: str, p: str, q: str, cp: str, cn: str, gain: Value, *, at: Place = NOWHERE
    ) -> None:
        """Add a voltage-controlled voltage source (E): v is `gain` times v(cp) - v(cn)."""
        pair = _between(name, cp, cn, gain)
        self.controlled_source(name, p, q, is_voltage=True, voltages=pair, at=at)

    def vccs(
        self, name: str, p: str, q: str, cp: str, cn: str, gain: Value, *, at: Place = NOWHERE
    ) -> None:
        """Add a voltage-controlled current source (G): i is `gain` (S) times v(cp) - v(cn)."""
        pair = _between(name, cp, cn, gain)
        self.controlled_source(name, p, q, is_voltage=False, voltages=pair, at=at)

    def cccs(
        self, name: str, p: str, q: str, control: str, gain: Value, *, at: Place = NOWHERE
    ) -> None:
        """Add a current-controlled current source (F): i is `gain` times that of `control`."""
        self.controlled_source(name, p, q, is_voltage=False, currents=((control, gain),), at=at)

    def ccvs(
        self, name: str, p: str, q: str, control: str, gain: Value, *, at: Place = NOWHERE
    ) -> None:
        """Add a current-controlled voltage source (H): v is `gain` (ohm) times i of `control`."""
        self.controlled_source(name, p, q, is_voltage=True, currents=((control, gain),), at=at)

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
        table = Crossbars(tuple(self._crossbars))
        for name in self._element_names if self._crossbars else ():
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
            if name not in numbers:
                raise UsageError(
                    f"{name!r}, whose current controls, is not an element that fixes a voltage"
                )
            return numbers[name]

        tables: dict[str, Table | Crossbars] = {"crossbars": self._crossbar_table()}
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
                column = 5 + [f.name for f in fields(device)[5:]].index(tells)
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


def _between(name: str, cp: str, cn: str, gain: Value) -> tuple[tuple[str, float], ...]:
    """Return the terms of a control by the voltage between two nodes."""
    value = number(name, gain)
    return (cp, value), (cn, 0.0 - value)


_NONE = np.zeros((0, 0))
