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
from typing import Any, ClassVar, Self, TypeVar

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..model.circuit import Circuit
from ..model.devices.pieces import Pieces


@dataclass(frozen=True)
class Branches:
    """Parts of elements that share a law; a row belongs to an element.

    The current of row k counts `sign` times into that of its element.  `holds` names the
    field with the numbers of the law: one for each row, or one for each row and point.
    """

    holds: ClassVar[str]

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

    amps: Floats
    source: Ints


Kind = TypeVar("Kind", bound=Branches)


def _joined(kind: type[Kind], parts: list[tuple[Any, ...]]) -> Kind:
    """Return pieces of one kind as branches."""
    if not parts:
        types = [field.type for field in dataclasses.fields(kind)]
        return kind(*(np.zeros(0, int if name == "Ints" else float) for name in types))
    if len(parts) == 1:
        return kind(*parts[0])
    return kind(*(np.concatenate(column) for column in zip(*parts, strict=True)))


Kinds = tuple[Ties, Conductors, Rectifiers, Injections]


def decompose(circuit: Circuit, closed: Bools) -> Kinds:
    """Split every element into ties, conductors, rectifiers and injections.

    Ties come in the order in which trees prefer them.
    """
    return take_apart(circuit, closed)[0]


def take_apart(circuit: Circuit, closed: Bools) -> tuple[Kinds, int]:
    """Return what `decompose` does, and the number of nodes: those within devices come last."""
    out = Pieces(len(circuit.nodes), closed)
    for name, device in sorted(circuit.tables.items(), key=lambda item: item[1].rank):
        if len(device):
            device.pieces(out, circuit.first[name])
    kinds = (
        _joined(Ties, out.ties), _joined(Conductors, out.conductors),
        _joined(Rectifiers, out.rectifiers), _joined(Injections, out.injections),
    )  # fmt: skip
    return kinds, out.nodes
