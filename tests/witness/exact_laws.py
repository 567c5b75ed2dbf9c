"""Every law of a circuit as exact linear equations (modified nodal analysis).

Written down from scratch from the tables of a circuit, for the witness.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

from rationals import ONE, Expression, add, exact

ZERO, UNIT = Fraction(0), Fraction(1)


class Piece(NamedTuple):
    """A straight piece of a diode's characteristic: v = v0 + a t, i = i0 + b t, lo <= t <= hi."""

    v0: Fraction
    a: Fraction
    i0: Fraction
    b: Fraction
    low: Fraction | None
    high: Fraction | None


def conductance(ohms: float) -> Fraction:
    return ZERO if math.isinf(ohms) else 1 / exact(ohms)


def pieces(circuit, row: int) -> list[Piece]:
    """The characteristic of a diode; it passes through the origin with slope 1 / r_off."""
    table = circuit.diodes
    leak, drop = conductance(table.r_off[row]), exact(table.v_forward[row])
    reverse = None if math.isinf(table.v_reverse[row]) else -exact(table.v_reverse[row])
    out = [Piece(ZERO, UNIT, ZERO, leak, reverse, drop)]
    out.append(Piece(drop, exact(table.r_on[row]), drop * leak, UNIT, ZERO, None))
    if reverse is not None:
        slope = exact(table.r_reverse[row])
        out.append(Piece(reverse, slope, reverse * leak, UNIT, None, ZERO))
    return out


class Laws:
    """Every law of a circuit but the diodes', for given switch states.

    Unknowns are ``("v", node)``, ``("i", element)`` where an element fixes a voltage, and
    ``("vd", row)`` and ``("id", row)`` of diodes.
    """

    def __init__(self, circuit, closed: tuple[bool, ...]) -> None:
        self.circuit = circuit
        self.current: list[Expression] = []
        self.equations: list[Expression] = []
        for kind in ("resistors", "capacitors", "inductors", "voltage_sources"):
            table = getattr(circuit, kind)
            for row in range(len(table)):
                getattr(self, "_" + kind)(table, row)
        self._rest(closed)
        self._kirchhoff()

    def voltage(self, p: int, q: int) -> Expression:
        out: Expression = {}
        for node, sign in ((int(p), 1), (int(q), -1)):
            if node:
                add(out, {("v", node): UNIT}, Fraction(sign))
        return out

    def _ohmic(self, table, row: int, siemens: Fraction) -> None:
        out: Expression = {}
        add(out, self.voltage(table.p[row], table.q[row]), siemens)
        self.current.append(out)

    def _rigid(self, table, row: int, volts: Expression) -> None:
        self.current.append({("i", len(self.current)): UNIT})
        equation = self.voltage(table.p[row], table.q[row])
        add(equation, volts, Fraction(-1))
        self.equations.append(equation)

    def _resistors(self, table, row: int) -> None:
        if table.ohms[row] == 0:
            self._rigid(table, row, {})
        else:
            self._ohmic(table, row, conductance(table.ohms[row]))

    def _capacitors(self, table, row: int) -> None:
        self.current.append({})

    def _inductors(self, table, row: int) -> None:
        self._rigid(table, row, {})

    def _voltage_sources(self, table, row: int) -> None:
        self._rigid(table, row, constant(exact(table.volts[row])))

    def _rest(self, closed: tuple[bool, ...]) -> None:
        for amps in self.circuit.current_sources.amps:
            self.current.append(constant(exact(amps)))
        table = self.circuit.diodes
        for row in range(len(table)):
            self.current.append({("id", row): UNIT})
            equation = self.voltage(table.p[row], table.q[row])
            add(equation, {("vd", row): UNIT}, Fraction(-1))
            self.equations.append(equation)
        table = self.circuit.switches
        for row, shut in enumerate(closed):
            ohms = table.r_on[row] if shut else table.r_off[row]
            self._resistors_like(table, row, ohms)
        self._controlled()

    def _resistors_like(self, table, row: int, ohms: float) -> None:
        if ohms == 0:
            self._rigid(table, row, {})
        else:
            self._ohmic(table, row, conductance(ohms))

    def _controlled(self) -> None:
        table = self.circuit.controlled_sources
        start = len(self.current)
        # a current may control a source that comes later in the table
        for row in range(len(table)):
            fixes = {("i", start + row): UNIT} if table.is_voltage[row] else {}
            self.current.append(fixes)
        for row in range(len(table)):
            value = constant(exact(table.constant[row]))
            for k in range(table.ptr[row], table.ptr[row + 1]):
                index = int(table.index[k])
                of = self.current[index] if table.of_current[k] else self.voltage(index, 0)
                add(value, of, exact(table.gain[k]))
            if table.is_voltage[row]:
                equation = self.voltage(table.p[row], table.q[row])
                add(equation, value, Fraction(-1))
                self.equations.append(equation)
            else:
                self.current[start + row] = value

    def _kirchhoff(self) -> None:
        balance: list[Expression] = [{} for _ in self.circuit.nodes]
        for current, p, q in zip(self.current, *self.circuit.terminals, strict=True):
            add(balance[p], current, UNIT)
            add(balance[q], current, Fraction(-1))
        self.equations += balance[1:]


def constant(value: Fraction) -> Expression:
    return {ONE: value} if value else {}
