"""From devices to branches of four kinds, which is where a device becomes mathematics.

With the switches in given states a circuit consists of

- *ties*, which fix a voltage: sources V, L, 0-ohm resistors, closed ideal switches, and
  controlled voltage sources;
- *conductors*, ``i = g v``;
- *rectifiers*, ``i >= 0``, ``v - r i <= drop``, complementary;
- *injections*: current sources, controlled or not.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..model.circuit import Circuit


@dataclass(frozen=True)
class Branches:
    """Parts of elements that share a law; a row belongs to an element.

    The current of row k counts `sign` times into that of its element.  `holds` names the
    field with the numbers of the law: one for each row, or one for each row and point.
    """

    holds: ClassVar[str]
    controlled: ClassVar[bool] = False

    element: Ints
    p: Ints
    q: Ints
    sign: Floats

    def __len__(self) -> int:
        return len(self.element)

    @property
    def held(self) -> Floats:
        """The numbers of the law, whatever they are called."""
        numbers: Floats = getattr(self, self.holds)
        return numbers

    def holding(self, numbers: Floats) -> Self:
        """Return the branches with other numbers."""
        changes: dict[str, Any] = {self.holds: numbers}
        return dataclasses.replace(self, **changes)


@dataclass(frozen=True)
class Ties(Branches):
    """``v = volts``; `source` is the row of the controlled source that sets it, else -1."""

    holds = "volts"
    controlled = True

    volts: Floats
    source: Ints


@dataclass(frozen=True)
class Conductors(Branches):
    """``i = siemens v``."""

    holds = "siemens"

    siemens: Floats


@dataclass(frozen=True)
class Rectifiers(Branches):
    """``i >= 0``, ``v - resistance i <= drop``, complementary."""

    holds = "drop"

    drop: Floats
    resistance: Floats


@dataclass(frozen=True)
class Injections(Branches):
    """``i = amps``; `source` is the row of the controlled source that sets it, else -1."""

    holds = "amps"
    controlled = True

    amps: Floats
    source: Ints


Kind = TypeVar("Kind", bound=Branches)


class _Rows(Generic[Kind]):
    """Collects rows of branches of one kind."""

    def __init__(self, kind: type[Kind]) -> None:
        self.kind = kind
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
        own: tuple[Any, ...] = () if resistance is None else (resistance,)
        if self.kind.controlled:
            own = (np.broadcast_to(-1, shape) if source is None else source,)
        self.parts.append((element, p, q, np.broadcast_to(sign, shape), value, *own))

    def done(self) -> Kind:
        if not self.parts:
            kinds = [field.type for field in dataclasses.fields(self.kind)]
            return self.kind(*(np.zeros(0, int if kind == "Ints" else float) for kind in kinds))
        if len(self.parts) == 1:
            return self.kind(*self.parts[0])
        return self.kind(*(np.concatenate(column) for column in zip(*self.parts, strict=True)))


def decompose(circuit: Circuit, closed: Bools) -> tuple[Ties, Conductors, Rectifiers, Injections]:
    """Split every element into ties, conductors, rectifiers and injections.

    Ties come in the order in which trees prefer them.
    """
    ties, conductors = _Rows(Ties), _Rows(Conductors)
    rectifiers, injections = _Rows(Rectifiers), _Rows(Injections)
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


def _linear(
    ties: _Rows[Ties], conductors: _Rows[Conductors], number: Ints, p: Ints, q: Ints, ohms: Floats
) -> None:
    """Add resistances: zero is a tie, infinity nothing."""
    short = ohms == 0
    some = ~short & np.isfinite(ohms)
    if some.all():
        conductors.add(number, p, q, 1.0 / ohms)
        return
    ties.add(number[short], p[short], q[short], np.zeros(int(short.sum())))
    conductors.add(number[some], p[some], q[some], 1.0 / ohms[some])


def _rectify(
    circuit: Circuit, conductors: _Rows[Conductors], rectifiers: _Rows[Rectifiers]
) -> None:
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
