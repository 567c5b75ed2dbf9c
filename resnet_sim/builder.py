"""Building a `Circuit` element by element; the netlist reader and Python users share it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .circuit import TABLES, Circuit
from .elements import (
    Capacitors,
    ControlledSources,
    CurrentSources,
    Diodes,
    Inductors,
    Resistors,
    Switches,
    VoltageSources,
)
from .errors import UsageError

#: a place in the sources: (index into ``Circuit.sources``, line from 1)
Place = tuple[int, int]
NOWHERE: Place = (-1, 0)


class CircuitBuilder:
    """Collects elements, then makes the frozen circuit.

    Names of nodes and elements are case-insensitive; ``"0"`` and ``"gnd"`` are ground.
    All values are in SI units: ohm, V, A, S.

    Examples
    --------
    >>> b = CircuitBuilder("divider")
    >>> b.voltage_source("v1", "in", "0", 1.0)
    >>> b.resistor("r1", "in", "out", 1e3)
    >>> b.resistor("r2", "out", "0", 1e3)
    >>> circuit = b.build()
    """

    def __init__(self, title: str = "") -> None:
        self.title = title
        self._nodes: dict[str, int] = {"0": 0, "gnd": 0}
        self._node_names: list[str] = ["0"]
        self._element_names: set[str] = set()
        # per table: rows that start with name, p, q, file, line
        self._rows: dict[str, list[tuple[Any, ...]]] = {}
        self._ptr: list[int] = [0]
        self._terms: list[tuple[bool, str | int, float]] = []

    def node(self, name: str) -> int:
        """Return the number of a node, which is made where it is new."""
        number = self._nodes.get(name)
        if number is None:
            folded = name.lower()
            number = self._nodes.get(folded)
            if number is None:
                number = len(self._node_names)
                self._nodes[folded] = number
                self._node_names.append(folded)
        return number

    def has_node(self, name: str) -> bool:
        """Tell whether a node of that name exists already; ground always does."""
        return name.lower() in self._nodes

    def __contains__(self, name: str) -> bool:
        """Tell whether an element of that name exists already."""
        return name.lower() in self._element_names

    def add_row(self, table: str, name: str, p: str, q: str, place: Place, *values: Any) -> None:
        """Add a row to a table of `Circuit`; unlike those below, this checks no values."""
        name = name.lower()
        if name in self._element_names:
            raise UsageError(f"there are two elements called {name}")
        self._element_names.add(name)
        # most nodes are known: a look-up here saves a call, which counts for a million elements
        known = self._nodes
        i, j = known.get(p), known.get(q)
        if i is None or j is None:
            i, j = self.node(p), self.node(q)
        rows = self._rows.get(table)
        if rows is None:
            rows = self._rows[table] = []
        rows.append((name, i, j, *place, *values))

    def resistor(self, name: str, p: str, q: str, ohms: float, *, at: Place = NOWHERE) -> None:
        """Add a resistor; 0 is a short, infinity is open, negative values are allowed."""
        self.add_row("resistors", name, p, q, at, _number(name, ohms, allow_inf=True))

    def capacitor(
        self, name: str, p: str, q: str, farads: float = 0.0, *, at: Place = NOWHERE
    ) -> None:
        """Add a capacitor (open)."""
        self.add_row("capacitors", name, p, q, at, _number(name, farads))

    def inductor(
        self, name: str, p: str, q: str, henries: float = 0.0, *, at: Place = NOWHERE
    ) -> None:
        """Add an inductor (short)."""
        self.add_row("inductors", name, p, q, at, _number(name, henries))

    def voltage_source(
        self, name: str, p: str, q: str, volts: float = 0.0, *, at: Place = NOWHERE
    ) -> None:
        """Add a voltage source, ``v(p) - v(q) = volts``."""
        self.add_row("voltage_sources", name, p, q, at, _number(name, volts))

    def current_source(
        self, name: str, p: str, q: str, amps: float = 0.0, *, at: Place = NOWHERE
    ) -> None:
        """Add a current source, `amps` flow from p through the source to q."""
        self.add_row("current_sources", name, p, q, at, _number(name, amps))

    def diode(
        self,
        name: str,
        p: str,
        q: str,
        *,
        v_forward: float = 0.0,
        r_on: float = 0.0,
        r_off: float = math.inf,
        v_reverse: float = math.inf,
        r_reverse: float = 0.0,
        at: Place = NOWHERE,
    ) -> None:
        """Add a diode with anode p and cathode q; ideal unless told otherwise."""
        if not (0 <= r_on <= r_off and 0 <= r_reverse <= r_off and r_off > 0):
            raise UsageError(f"{name}: needs 0 <= r_on, r_reverse <= r_off and r_off > 0")
        if not -v_reverse <= v_forward or math.isnan(v_reverse):
            raise UsageError(f"{name}: needs -v_reverse <= v_forward")
        values = (_number(name, v_forward), _number(name, r_on), r_off, v_reverse, r_reverse)
        self.add_row("diodes", name, p, q, at, *values)

    def switch(
        self,
        name: str,
        p: str,
        q: str,
        *,
        control: tuple[str, str] | str | None = None,
        threshold: float = 0.0,
        hysteresis: float = 0.0,
        r_on: float = 0.0,
        r_off: float = math.inf,
        closed: bool = False,
        at: Place = NOWHERE,
    ) -> None:
        """Add a switch.

        Parameters
        ----------
        control : (str, str) or str, optional
            A pair of nodes (a voltage controls), or the name of a voltage source,
            inductor or voltage-output controlled source (its current controls).  None: it
            stays as `closed` says.
        """
        cp = cn = -1
        element: str | None = None
        if isinstance(control, tuple):
            cp, cn = self.node(control[0]), self.node(control[1])
        elif control is not None:
            element = control.lower()
        limits = (_number(name, threshold), _number(name, hysteresis))
        resistances = (_number(name, r_on), _number(name, r_off, allow_inf=True))
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
        voltages: Sequence[tuple[str, float]] = (),
        currents: Sequence[tuple[str, float]] = (),
        constant: float = 0.0,
        at: Place = NOWHERE,
    ) -> None:
        """Add a source whose voltage (or current) is affine in voltages and currents.

        Parameters
        ----------
        voltages : sequence of (node name, gain)
        currents : sequence of (element name, gain)
            Elements as in `switch`: those that fix a voltage.
        """
        self.add_row(
            "controlled_sources", name, p, q, at, bool(is_voltage), _number(name, constant)
        )
        self._terms += [(False, self.node(n), _number(name, gain)) for n, gain in voltages]
        self._terms += [(True, e.lower(), _number(name, gain)) for e, gain in currents]
        self._ptr.append(len(self._terms))

    def vcvs(
        self, name: str, p: str, q: str, cp: str, cn: str, gain: float, *, at: Place = NOWHERE
    ) -> None:
        """Add a voltage-controlled voltage source (E)."""
        pair = ((cp, gain), (cn, -gain))
        self.controlled_source(name, p, q, is_voltage=True, voltages=pair, at=at)

    def vccs(
        self, name: str, p: str, q: str, cp: str, cn: str, gain: float, *, at: Place = NOWHERE
    ) -> None:
        """Add a voltage-controlled current source (G), gain in S."""
        pair = ((cp, gain), (cn, -gain))
        self.controlled_source(name, p, q, is_voltage=False, voltages=pair, at=at)

    def cccs(
        self, name: str, p: str, q: str, control: str, gain: float, *, at: Place = NOWHERE
    ) -> None:
        """Add a current-controlled current source (F)."""
        self.controlled_source(name, p, q, is_voltage=False, currents=((control, gain),), at=at)

    def ccvs(
        self, name: str, p: str, q: str, control: str, gain: float, *, at: Place = NOWHERE
    ) -> None:
        """Add a current-controlled voltage source (H), gain in ohm."""
        self.controlled_source(name, p, q, is_voltage=True, currents=((control, gain),), at=at)

    def build(self, **attributes: Any) -> Circuit:
        """Return the circuit; `attributes` are further fields of `Circuit`.

        Raises
        ------
        UsageError
            If a control names an element that does not exist or fixes no voltage.
        """
        numbers = self._branch_numbers()
        switches = [
            (*row[:9], -1 if row[9] is None else _branch(row[9], numbers), *row[10:])
            for row in self._rows.get("switches", [])
        ]
        terms = [
            (of_current, _branch(index, numbers) if isinstance(index, str) else index, gain)
            for of_current, index, gain in self._terms
        ]
        of_current, index, gain = zip(*terms, strict=True) if terms else ((), (), ())
        linear: list[Any] = [
            np.array(self._ptr, dtype=np.int64),
            np.array(of_current, dtype=np.bool_),
            np.array(index, dtype=np.int64),
            np.array(gain, dtype=np.float64),
        ]
        return Circuit(
            title=self.title,
            nodes=tuple(self._node_names),
            resistors=Resistors(*self._columns("resistors", "f")),
            capacitors=Capacitors(*self._columns("capacitors", "f")),
            inductors=Inductors(*self._columns("inductors", "f")),
            voltage_sources=VoltageSources(*self._columns("voltage_sources", "f")),
            current_sources=CurrentSources(*self._columns("current_sources", "f")),
            diodes=Diodes(*self._columns("diodes", "fffff")),
            switches=Switches(*_columns(switches, "ffiiiffbb")),
            controlled_sources=ControlledSources(
                *self._columns("controlled_sources", "bf"), *linear
            ),
            **attributes,
        )

    def _columns(self, table: str, types: str) -> list[Any]:
        return _columns(self._rows.get(table, []), types)

    def _branch_numbers(self) -> Mapping[str, int]:
        """Number the elements that fix a voltage, hence have a current to control with."""
        numbers: dict[str, int] = {}
        start = 0
        for table in TABLES:
            rows = self._rows.get(table, [])
            if table in ("inductors", "voltage_sources"):
                numbers |= {row[0]: start + k for k, row in enumerate(rows)}
            elif table == "controlled_sources":
                numbers |= {row[0]: start + k for k, row in enumerate(rows) if row[5]}
            start += len(rows)
        return numbers


def _columns(rows: list[tuple[Any, ...]], types: str) -> list[Any]:
    """Turn rows into columns: the names, then arrays, of which `types` are those after `line`."""
    dtypes = {"f": np.float64, "i": np.int64, "b": np.bool_}
    return [
        tuple([row[0] for row in rows]),
        *(
            np.array([row[k] for row in rows], dtype=dtypes[kind])
            for k, kind in enumerate("iiii" + types, start=1)
        ),
    ]


def _branch(name: str, numbers: Mapping[str, int]) -> int:
    if name not in numbers:
        raise UsageError(
            f"{name!r}, whose current controls, is not an element that fixes a voltage"
        )
    return numbers[name]


def _number(name: str, value: float, *, allow_inf: bool = False) -> float:
    value = float(value)
    # the difference is NaN for NaN and the infinities
    if value - value != 0.0 and not (allow_inf and value == math.inf):
        raise UsageError(f"the value {value} of {name} is not finite")
    return value
