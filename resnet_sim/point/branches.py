"""From devices to branches of five kinds, which is where a device becomes mathematics.

With the switches in given states a circuit consists of

- *ties*, which fix a voltage: sources V, L, 0-ohm resistors, closed ideal switches, and
  controlled voltage sources;
- *conductors*, ``i = g v``;
- *rectifiers*, ``i >= 0``, ``v - r i <= drop``, complementary;
- *injections*: current sources, controlled or not;
- *curves*, ``i = f(v)`` with increasing f.
- *laws*: currents that are smooth functions of several voltages, as transistors have.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self, TypeVar, cast

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..curves import Curve, joined
from ..model.circuit import Circuit
from ..model.devices.characteristic import Characteristic
from ..model.devices.pieces import Pieces
from .curve_law import CurveLaw


@dataclass(frozen=True, eq=False)
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
        return getattr(self, self.holds)

    def row_of(self, elements: int) -> Ints:
        """Return the row of each of so many elements: the first of several, -1 for none."""
        row = np.full(elements, -1)
        row[self.element[::-1]] = np.arange(len(self))[::-1]
        return row

    def rise(self, potential: Any, rows: Ints | slice = slice(None)) -> Any:
        """Return what potentials of nodes put across all or some branches."""
        return potential[self.p[rows]] - potential[self.q[rows]]

    def holding(self, numbers: Floats) -> Self:
        """Return the branches with other numbers."""
        changes: dict[str, Any] = {self.holds: numbers}
        return dataclasses.replace(self, **changes)


@dataclass(frozen=True, eq=False)
class Ties(Branches):
    """``v = volts``; `source` is the row of the control that adds to it, else -1."""

    holds = "volts"

    volts: Floats
    source: Ints


@dataclass(frozen=True, eq=False)
class Conductors(Branches):
    """``i = siemens v``."""

    holds = "siemens"

    siemens: Floats


@dataclass(frozen=True, eq=False)
class Rectifiers(Branches):
    """``i >= 0``, ``v - resistance i <= drop``, complementary."""

    holds = "drop"

    drop: Floats
    resistance: Floats


@dataclass(frozen=True, eq=False)
class Injections(Branches):
    """``i = amps``; `source` is the row of the control that adds to it, else -1."""

    holds = "amps"

    amps: Floats
    source: Ints


@dataclass(frozen=True, eq=False)
class Curves(Branches):
    """``i = f(v)``; `law` has a row for each, and is None if there are none."""

    holds = "law"

    law: Curve | None


@dataclass(frozen=True, eq=False)
class Laws(Branches):
    """``i = f(v)`` of the voltages of all branches of a device.

    Attributes
    ----------
    functions : tuple of (slice, (int, int), Characteristic)
        Rows that belong to it, and how many devices of how many branches these are.
    """

    holds = "sign"

    functions: tuple[tuple[slice, tuple[int, int], Characteristic], ...] = ()

    def each(self, values: Any) -> Iterator[tuple[slice, Any, Characteristic]]:
        """Yield the values of the rows of each function, by device and branch."""
        for rows, shape, function in self.functions:
            yield rows, values[rows].reshape(shape), function

    @property
    def curve(self) -> Curve | None:
        """All laws as curves, None if any of them is none."""
        curves = [f.curve for _, _, f in self.functions if isinstance(f, CurveLaw)]
        return joined(curves) if curves and len(curves) == len(self.functions) else None

    @cached_property
    def pattern(self) -> tuple[Ints, Ints]:
        """Rows whose currents depend on the voltages of rows: all of a device on each other."""
        none = np.zeros(0, dtype=np.int64)
        parts = [(none, none)]
        for _, row, _ in self.each(np.arange(len(self))):
            shape = (*row.shape, row.shape[1])
            pair = np.broadcast_to(row[:, :, None], shape), np.broadcast_to(row[:, None], shape)
            parts.append((pair[0].ravel(), pair[1].ravel()))
        row, column = (np.concatenate(kind) for kind in zip(*parts, strict=True))
        return row, column

    def evaluate(self, v: Floats) -> tuple[Floats, Floats]:
        """Return the currents at given voltages, and the derivatives by pairs of `pattern`."""
        current, slopes = np.zeros(len(self)), [np.zeros(0)]
        for rows, part, function in self.each(v):
            i, slope = function.evaluate(part)
            current[rows] = i.ravel()
            slopes.append(slope.ravel())
        return current, np.concatenate(slopes)

    def start(self) -> Floats:
        """Return the voltages from which a search begins."""
        parts = [function.start().ravel() for _, _, function in self.functions]
        return np.concatenate([*parts, np.zeros(0)])

    def limit(self, new: Floats, old: Floats) -> Floats:
        """Return how far the tangents at `old` may be trusted on the way to `new`."""
        limited = new.copy()
        for rows, part, function in self.each(new):
            limited[rows] = function.limit(part, old[rows].reshape(part.shape)).ravel()
        return limited

    def some(self, rows: Ints) -> Laws:
        """Return the laws of the devices that some rows belong to, given all rows of each."""
        chosen = np.zeros(len(self), dtype=np.bool_)
        chosen[rows] = True
        functions, end = [], 0
        for _, part, function in self.each(chosen):
            devices = part[:, 0].nonzero()[0]
            shape = len(devices), part.shape[1]
            if len(devices):
                size = shape[0] * shape[1]
                functions.append((slice(end, end + size), shape, function.some(devices)))
                end += size
        return Laws(
            self.element[rows], self.p[rows], self.q[rows], self.sign[rows], tuple(functions)
        )

    def beside(self, curves: Curves, rows: Ints) -> Laws:
        """Return the laws with some curves after them, each a device with one branch."""
        if not len(rows) or curves.law is None:
            return self
        size = len(self)
        function = CurveLaw(curves.law.take(rows))
        entry = (slice(size, size + len(rows)), (len(rows), 1), function)
        return Laws(
            np.concatenate((self.element, curves.element[rows])),
            np.concatenate((self.p, curves.p[rows])), np.concatenate((self.q, curves.q[rows])),
            np.concatenate((self.sign, curves.sign[rows])), (*self.functions, entry),
        )  # fmt: skip

    def anchors(self, of_node: Ints) -> Ints:
        """Return for each row the largest number that a node of its device has."""
        largest = np.maximum(of_node[self.p], of_node[self.q])
        for rows, part, _ in self.each(largest):
            largest[rows] = np.repeat(part.max(axis=1), part.shape[1])
        return largest


Kind = TypeVar("Kind", bound=Branches)


def _joined(kind: type[Kind], parts: list[tuple[Any, ...]]) -> Kind:
    """Return pieces of one kind as branches."""
    if not parts:
        return cast("Kind", _EMPTY[kind])
    if len(parts) == 1:
        return kind(*parts[0])
    columns: list[Any] = list(zip(*parts, strict=True))
    last: Any = joined(columns[-1]) if kind is Curves else np.concatenate(columns[-1])
    whole: list[Any] = [*map(np.concatenate, columns[:-1]), last]
    return kind(*whole)


@dataclass(frozen=True, eq=False)
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

    @cached_property
    def owner(self) -> Ints:
        """The row of each term, shape (terms,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.ptr))

    @classmethod
    def joined(cls, parts: list[tuple[Any, ...]], ties: Ties, injections: Injections) -> Controls:
        """Return the controls of devices, and what they control."""
        columns = [np.concatenate(c) for c in zip(*parts, strict=True)] if parts else _NO_CONTROLS
        element, count, rest, of_current, index, gain = columns
        n = len(element)
        is_voltage = np.zeros(n, dtype=np.bool_)
        p, q = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
        constant: Any = np.zeros((n, *ties.volts.shape[1:]))
        for branch in (ties, injections) if parts else ():
            own = (branch.source >= 0).nonzero()[0]
            row = branch.source[own]
            p[row], q[row], constant[row] = branch.p[own], branch.q[own], branch.held[own]
            is_voltage[row] = branch is ties
        ptr = np.cumsum([0, *count.tolist()], dtype=np.int64)
        return cls(element, is_voltage, p, q, constant, rest, ptr, of_current, index, gain)


_NO_CONTROLS = [np.zeros(0, t) for t in (int, int, float, bool, int, float)]

#: type of a column -> that of no rows
_NONE = {"Ints": np.zeros(0, dtype=np.int64), "Floats": np.zeros(0), "Curve | None": None}
#: no branches of each kind
_EMPTY: dict[type[Branches], Branches] = {
    kind: kind(*(_NONE[str(field.type)] for field in dataclasses.fields(kind)))  # type: ignore[arg-type]
    for kind in (Ties, Conductors, Rectifiers, Injections, Curves)
}


def _laws(parts: list[tuple[Any, ...]]) -> Laws:
    """Return the laws of all devices, one after the other."""
    none = np.zeros(0, dtype=np.int64)
    if not parts:
        return Laws(none, none, none, np.zeros(0))
    ends = np.cumsum([0, *(p.size for _, p, *_ in parts)])
    functions = tuple(
        (slice(*ends[k : k + 2].tolist()), p.shape, function)
        for k, (_, p, _, _, function) in enumerate(parts)
    )
    element, p, q, sign = (
        np.concatenate([part[column].ravel() for part in parts]) for column in range(4)
    )
    return Laws(element, p, q, sign, functions)


Kinds = tuple[Ties, Conductors, Rectifiers, Injections, Curves, Laws]


def decompose(circuit: Circuit, closed: Bools) -> tuple[Kinds, Controls, int]:
    """Split every element into ties, conductors, rectifiers, injections, curves and laws.

    Ties come in the order in which trees prefer them.  Returned are also what controls them, and
    the number of nodes, of which those within devices come last.
    """
    out = Pieces(len(circuit.nodes), closed)
    for name, device in sorted(circuit.present.items(), key=lambda item: item[1].rank):
        device.pieces(out, circuit.first[name])
    kinds = (
        _joined(Ties, out.ties), _joined(Conductors, out.conductors),
        _joined(Rectifiers, out.rectifiers), _joined(Injections, out.injections),
        _joined(Curves, out.curves), _laws(out.laws),
    )  # fmt: skip
    return kinds, Controls.joined(out.controls, kinds[0], kinds[3]), out.nodes
