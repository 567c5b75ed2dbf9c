"""From devices to branches of five kinds, which is where a device becomes mathematics.

With the switches in given states a circuit consists of

- *ties*, which fix a voltage: sources V, L, 0-ohm resistors, closed ideal switches, and
  controlled voltage sources;
- *conductors*, ``i = g v``;
- *rectifiers*, ``i >= 0``, ``v - r i <= drop``, complementary;
- *injections*: current sources, controlled or not;
- *curves*, ``i = f(v)`` with increasing f.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeVar

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..curves import Curve, joined
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
    """``v = volts``; `source` is the row of the control that adds to it, else -1."""

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
    """``i = amps``; `source` is the row of the control that adds to it, else -1."""

    holds = "amps"

    amps: Floats
    source: Ints


@dataclass(frozen=True)
class Curves(Branches):
    """``i = f(v)``; `law` has a row for each, and is None if there are none."""

    holds = "law"

    law: Curve | None


Kind = TypeVar("Kind", bound=Branches)


def _joined(kind: type[Kind], parts: list[tuple[Any, ...]]) -> Kind:
    """Return pieces of one kind as branches."""
    if not parts:
        empty: list[Any] = [_NONE[str(field.type)] for field in dataclasses.fields(kind)]
        return kind(*empty)
    if len(parts) == 1:
        return kind(*parts[0])
    columns: list[Any] = list(zip(*parts, strict=True))
    last: Any = joined(columns[-1]) if kind is Curves else np.concatenate(columns[-1])
    whole: list[Any] = [*map(np.concatenate, columns[:-1]), last]
    return kind(*whole)


@dataclass(frozen=True)
class Controls:
    """Sums of voltages and currents, each of which sets the value of one tie or injection.

    Attributes
    ----------
    element : ndarray of int, shape (rows,)
        Whose they are.
    is_voltage : ndarray of bool, shape (rows,)
        It is a tie whose volts a row sets, not an injection.
    p, q : ndarray of int, shape (rows,)
        Ends of that.
    constant : ndarray of float, shape (rows,)
        What it holds beside the sum, V or A.
    rest : ndarray of float, shape (rows,)
        Voltage of q where an injection of zero leaves it open; NaN where nothing is said.
    ptr : ndarray of int, shape (rows + 1,)
        Terms of row k are ``ptr[k]:ptr[k+1]`` of the following three.
    of_current : ndarray of bool, shape (terms,)
    index : ndarray of int, shape (terms,)
        Node, or an element that is a tie where `of_current`.
    gain : ndarray of float, shape (terms,)
    """

    element: Ints
    is_voltage: Bools
    p: Ints
    q: Ints
    constant: Any
    rest: Floats
    ptr: Ints
    of_current: Bools
    index: Ints
    gain: Floats

    def __len__(self) -> int:
        return len(self.element)

    @classmethod
    def joined(cls, parts: list[tuple[Any, ...]], ties: Ties, injections: Injections) -> Controls:
        """Return the controls of devices, and what they control."""
        columns = [np.concatenate(c) for c in zip(*parts, strict=True)] if parts else _NO_CONTROLS
        element, count, rest, of_current, index, gain = columns
        n = len(element)
        is_voltage = np.zeros(n, dtype=np.bool_)
        p, q = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
        constant: Any = np.zeros((n, *ties.volts.shape[1:]))
        for branch in (ties, injections):
            own = np.flatnonzero(branch.source >= 0)
            row = branch.source[own]
            p[row], q[row], constant[row] = branch.p[own], branch.q[own], branch.held[own]
            is_voltage[row] = branch is ties
        ptr = np.cumsum([0, *count.tolist()], dtype=np.int64)
        return cls(element, is_voltage, p, q, constant, rest, ptr, of_current, index, gain)


_NO_CONTROLS = [np.zeros(0, t) for t in (int, int, float, bool, int, float)]

#: type of a column -> that of no rows
_NONE = {"Ints": np.zeros(0, dtype=np.int64), "Floats": np.zeros(0), "Curve | None": None}


Kinds = tuple[Ties, Conductors, Rectifiers, Injections, Curves]


def decompose(circuit: Circuit, closed: Bools) -> Kinds:
    """Split every element into ties, conductors, rectifiers, injections and curves.

    Ties come in the order in which trees prefer them.
    """
    return take_apart(circuit, closed)[0]


def take_apart(circuit: Circuit, closed: Bools) -> tuple[Kinds, Controls, int]:
    """Return what `decompose` does, what controls that, and the number of nodes.

    Those within devices come last.
    """
    out = Pieces(len(circuit.nodes), closed)
    for name, device in sorted(circuit.tables.items(), key=lambda item: item[1].rank):
        if len(device):
            device.pieces(out, circuit.first[name])
    kinds = (
        _joined(Ties, out.ties), _joined(Conductors, out.conductors),
        _joined(Rectifiers, out.rectifiers), _joined(Injections, out.injections),
        _joined(Curves, out.curves),
    )  # fmt: skip
    return kinds, Controls.joined(out.controls, kinds[0], kinds[3]), out.nodes
