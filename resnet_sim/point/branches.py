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


class _Pieces:
    """Sorts the pieces of devices; see `devices.device.Pieces`."""

    def __init__(self, nodes: int, closed: Bools) -> None:
        self.closed, self.nodes = closed, nodes
        self.ties, self.conductors = _Rows(Ties), _Rows(Conductors)
        self.rectifiers, self.injections = _Rows(Rectifiers), _Rows(Injections)

    def tie(
        self, element: Ints, p: Ints, q: Ints, volts: Floats, source: Ints | None = None
    ) -> None:
        self.ties.add(element, p, q, volts, source)

    def conductor(self, element: Ints, p: Ints, q: Ints, siemens: Floats) -> None:
        self.conductors.add(element, p, q, siemens)

    def resistance(self, element: Ints, p: Ints, q: Ints, ohms: Floats) -> None:
        short = ohms == 0
        some = ~short & np.isfinite(ohms)
        if some.all():
            self.conductors.add(element, p, q, 1.0 / ohms)
            return
        self.ties.add(element[short], p[short], q[short], np.zeros(int(short.sum())))
        self.conductors.add(element[some], p[some], q[some], 1.0 / ohms[some])

    def rectifier(
        self, element: Ints, p: Ints, q: Ints, drop: Floats, ohms: Floats, sign: float = 1.0
    ) -> None:
        self.rectifiers.add(element, p, q, drop, sign=sign, resistance=ohms)

    def injection(
        self, element: Ints, p: Ints, q: Ints, amps: Floats,
        source: Ints | None = None, sign: float = 1.0,
    ) -> None:  # fmt: skip
        self.injections.add(element, p, q, amps, source, sign)

    def inner(self, count: int) -> Ints:
        self.nodes += count
        return self.nodes - count + np.arange(count)


Kinds = tuple[Ties, Conductors, Rectifiers, Injections]


def decompose(circuit: Circuit, closed: Bools) -> Kinds:
    """Split every element into ties, conductors, rectifiers and injections.

    Ties come in the order in which trees prefer them.
    """
    return take_apart(circuit, closed)[0]


def take_apart(circuit: Circuit, closed: Bools) -> tuple[Kinds, int]:
    """Return what `decompose` does, and the number of nodes: those within devices come last."""
    out = _Pieces(len(circuit.nodes), closed)
    for name, device in sorted(circuit.tables.items(), key=lambda item: item[1].rank):
        if len(device):
            device.pieces(out, circuit.first[name])
    kinds = out.ties.done(), out.conductors.done(), out.rectifiers.done(), out.injections.done()
    return kinds, out.nodes
