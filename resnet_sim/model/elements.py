"""Adding elements of every kind: one between named nodes, or whole columns of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..errors import UsageError
from .collector import NOWHERE, Collector, Place, numbered
from .devices.device import number
from .names import numbers, spelled
from .numbers import are_in_range, out_of_range

if TYPE_CHECKING:
    from .formula import Formula

#: in SI units, or as SPICE writes it: ``"4.7k"``
Value = float | str


class Elements(Collector):
    """Adds elements, whose values it checks; `CircuitBuilder` says what they have in common.

    The methods for whole columns take

    names : str or sequence of str
        A prefix gives ``r0``, ``r1``, ... for ``"r"``.
    p, q : array_like of int, shape (n,)
        Node numbers, as `nodes` and `node` return them; one number stands for all rows.

    and values of shape (n,) or scalars.  The longest of all these arguments determines n.
    Names and values are checked as they are one by one.
    """

    # ---- one by one ----

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
        _check_diodes(name, v_forward, r_on, r_off, v_reverse, r_reverse)
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

    # ---- whole columns ----

    def resistors(
        self, names: str | Sequence[str], p: npt.ArrayLike, q: npt.ArrayLike, ohms: npt.ArrayLike
    ) -> None:
        """Add resistors: 0 ohm is a short, infinity is open, negative values are allowed."""
        self._add_columns("resistors", names, p, q, ohms, may_be_inf=(0,))

    def voltage_sources(
        self,
        names: str | Sequence[str],
        p: npt.ArrayLike,
        q: npt.ArrayLike,
        volts: npt.ArrayLike = 0.0,
    ) -> None:
        """Add voltage sources, ``v(p) - v(q) = volts``."""
        self._add_columns("voltage_sources", names, p, q, volts)

    def current_sources(
        self,
        names: str | Sequence[str],
        p: npt.ArrayLike,
        q: npt.ArrayLike,
        amps: npt.ArrayLike = 0.0,
    ) -> None:
        """Add current sources, `amps` flow from p through the source to q."""
        self._add_columns("current_sources", names, p, q, amps)

    def diodes(
        self,
        names: str | Sequence[str],
        p: npt.ArrayLike,
        q: npt.ArrayLike,
        *,
        v_forward: npt.ArrayLike = 0.0,
        r_on: npt.ArrayLike = 0.0,
        r_off: npt.ArrayLike = math.inf,
        v_reverse: npt.ArrayLike = math.inf,
        r_reverse: npt.ArrayLike = 0.0,
    ) -> None:
        """Add diodes with anodes p and cathodes q; ideal unless told otherwise."""
        values = (v_forward, r_on, r_off, v_reverse, r_reverse)
        _check_diodes(_some(names), *map(np.asarray, values))
        self._add_columns("diodes", names, p, q, *values, may_be_inf=(2, 3, 4))

    def _add_columns(
        self,
        table: str,
        names: str | Sequence[str],
        p: npt.ArrayLike,
        q: npt.ArrayLike,
        *values: npt.ArrayLike,
        may_be_inf: Sequence[int] = (),
    ) -> None:
        """Check columns and add them to a table whose values are all float."""
        given = [np.asarray(p), np.asarray(q), *(numbers(_some(names), x) for x in values)]
        count = max((x.size for x in given if x.ndim), default=1)
        names = numbered(names, count) if isinstance(names, str) else list(map(str.lower, names))
        columns = [_column(x, len(names), table) for x in given]
        self._check_terminals(columns[0], columns[1])
        for k, column in enumerate(columns[2:]):
            wrong = ~are_in_range(column)
            if k in may_be_inf:
                wrong &= column != np.inf
            if wrong.any():
                value, name = column[wrong][0], names[int(np.argmax(wrong))]
                raise UsageError(f"the value {value} of {name} {out_of_range(value)}")
        self._claim(names)
        place = [np.broadcast_to(np.int64(x), len(names)) for x in NOWHERE]
        p, q, *columns = columns
        self.add_columns(table, names, p.astype(np.int64), q.astype(np.int64), *place, *columns)


def _check_diodes(names: str, drop: Any, on: Any, off: Any, breakdown: Any, reverse: Any) -> None:
    """Refuse what no diode has: numbers of one, or columns."""
    ranges = (on >= 0) & (on <= off) & (reverse >= 0) & (reverse <= off) & (off > 0)
    if ranges is not True and not np.all(ranges):
        raise UsageError(f"{names}: needs 0 <= r_on, r_reverse <= r_off and r_off > 0")
    above = -breakdown <= drop
    if above is not True and not np.all(above):
        raise UsageError(f"{names}: needs -v_reverse <= v_forward")


def _between(name: str, cp: str, cn: str, gain: Value) -> tuple[tuple[str, float], ...]:
    """Return the terms of a control by the voltage between two nodes."""
    value = number(name, gain)
    return (cp, value), (cn, 0.0 - value)


def _column(values: npt.NDArray[Any], count: int, table: str) -> npt.NDArray[Any]:
    """Return a column of its own: a circuit locks its arrays, not those of the caller."""
    if values.ndim > 1 or values.size not in (1, count):
        raise UsageError(f"{table}: {count} names, but a column of shape {values.shape}")
    return np.broadcast_to(values.reshape(-1), count).copy()


def _some(names: str | Sequence[str]) -> str:
    return names if isinstance(names, str) else ", ".join(names[:3])
