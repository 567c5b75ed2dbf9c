"""From devices to branches of four kinds, which is where a device becomes mathematics.

With the switches in given states a circuit consists of

- *ties*, which fix a voltage: sources V, L, 0-ohm resistors, closed ideal switches, and
  controlled voltage sources;
- *conductors*, ``i = g v``;
- *rectifiers*, ``i >= 0``, ``v - r i <= drop``, complementary;
- *injections*: current sources, controlled or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..model.circuit import Circuit


@dataclass(frozen=True)
class Branches:
    """Parts of elements that share a law; a row belongs to an element.

    `value` is the volts of a tie, the siemens of a conductor, the amps of an injection,
    the drop of a rectifier; `source` is the row of the controlled source that sets it, -1
    if none does.  The current of row k counts `sign` times into that of its element.
    """

    element: Ints
    p: Ints
    q: Ints
    value: Floats
    source: Ints
    sign: Floats
    resistance: Floats

    def __len__(self) -> int:
        return len(self.element)


class _Rows:
    """Collects rows of `Branches`."""

    def __init__(self) -> None:
        self.parts: list[tuple[Any, ...]] = []

    def add(
        self,
        element: Ints,
        p: Ints,
        q: Ints,
        value: Floats,
        source: Ints | None = None,
        sign: float = 1.0,
        resistance: Floats | None = None,
    ) -> None:
        if not len(element):
            return
        shape = element.shape  # constants take no memory in large circuits
        source = np.broadcast_to(-1, shape) if source is None else source
        resistance = np.broadcast_to(0.0, shape) if resistance is None else resistance
        signs = np.broadcast_to(sign, shape)
        self.parts.append((element, p, q, value, source, signs, resistance))

    def done(self) -> Branches:
        if not self.parts:
            none = np.zeros(0, dtype=np.int64)
            return Branches(none, none, none, np.zeros(0), none, np.zeros(0), np.zeros(0))
        if len(self.parts) == 1:
            return Branches(*self.parts[0])
        return Branches(*(np.concatenate(column) for column in zip(*self.parts, strict=True)))


def decompose(circuit: Circuit, closed: Bools) -> tuple[Branches, Branches, Branches, Branches]:
    """Split every element into ties, conductors, rectifiers and injections.

    Ties come in the order in which trees prefer them.
    """
    ties, conductors, rectifiers, injections = _Rows(), _Rows(), _Rows(), _Rows()
    first = circuit.first

    volts = circuit.voltage_sources
    ties.add(first["voltage_sources"] + np.arange(len(volts)), volts.p, volts.q, volts.volts)
    controlled = circuit.controlled_sources
    rows = np.flatnonzero(controlled.is_voltage)
    number = first["controlled_sources"] + rows
    ties.add(number, controlled.p[rows], controlled.q[rows], controlled.constant[rows], rows)
    rows = np.flatnonzero(~controlled.is_voltage)
    number = first["controlled_sources"] + rows
    injections.add(number, controlled.p[rows], controlled.q[rows], controlled.constant[rows], rows)
    amps = circuit.current_sources
    injections.add(first["current_sources"] + np.arange(len(amps)), amps.p, amps.q, amps.amps)

    coils = circuit.inductors
    number = first["inductors"] + np.arange(len(coils))
    ties.add(number, coils.p, coils.q, np.zeros(len(coils)))
    table = circuit.resistors
    _linear(ties, conductors, np.arange(len(table)), table.p, table.q, table.ohms)
    crossbars = circuit.crossbars
    if crossbars.devices:
        some = np.flatnonzero(crossbars.siemens)
        number = first["crossbars"] + some
        conductors.add(number, crossbars.p[some], crossbars.q[some], crossbars.siemens[some])
    switches = circuit.switches
    number = first["switches"] + np.arange(len(switches))
    ohms = np.where(closed, switches.r_on, switches.r_off)
    _linear(ties, conductors, number, switches.p, switches.q, ohms)
    _rectify(circuit, conductors, rectifiers)
    return ties.done(), conductors.done(), rectifiers.done(), injections.done()


def _linear(ties: _Rows, conductors: _Rows, number: Ints, p: Ints, q: Ints, ohms: Floats) -> None:
    """Add resistances: zero is a tie, infinity nothing."""
    short = ohms == 0
    some = ~short & np.isfinite(ohms)
    if some.all():
        conductors.add(number, p, q, 1.0 / ohms)
        return
    ties.add(number[short], p[short], q[short], np.zeros(int(short.sum())))
    conductors.add(number[some], p[some], q[some], 1.0 / ohms[some])


def _rectify(circuit: Circuit, conductors: _Rows, rectifiers: _Rows) -> None:
    """Add diodes: the slope between the knees, and what is beyond each knee on top of it."""
    table = circuit.diodes
    number = circuit.first["diodes"] + np.arange(len(table))
    leak = 1.0 / table.r_off
    leaky = leak > 0
    conductors.add(number[leaky], table.p[leaky], table.q[leaky], leak[leaky])
    for on, drop, p, q, sign in (
        (table.r_on, table.v_forward, table.p, table.q, 1.0),
        (table.r_reverse, table.v_reverse, table.q, table.p, -1.0),
    ):
        bends = (on < table.r_off) & np.isfinite(drop)
        # beyond the knee the slope is 1/on in all, of which 1/r_off is there already
        beyond = on[bends] / (1.0 - on[bends] * leak[bends])
        columns = (number[bends], p[bends], q[bends], drop[bends])
        rectifiers.add(*columns, sign=sign, resistance=beyond)
