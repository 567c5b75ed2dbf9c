"""What symbols a circuit consists of, each in all positions in which a person would draw it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from ...arrays import Bools, Floats
from ...model.circuit import Circuit
from ...model.devices import BehaviouralSources, ControlledSources
from ...model.devices.multipole import Multipole
from ...model.spelling import spelled
from ..charts import UNITS, Axis
from .geometry import LINE, Box, Point, Shape, Symbol, Text, turned
from .structure import insides, rails
from .symbols import TRANSISTORS, TWO_POLES, Finisher, amplifier, area, line

if TYPE_CHECKING:
    from ...results.operating_point import OperatingPoint

#: breakdown voltages above this are the limits of rectifiers, not the purpose of Zener diodes
ZENER = 40.0
#: share of the largest current from which on a diode is said to conduct
CONDUCTS = 1e-6
#: letters of a formula that are shown
FORMULA = 18

_DOWN = (0.0, -1.0)
_ARROWS = "→↓←↑"


@dataclass(frozen=True)
class Part:
    """A device of a circuit: the nodes it stands between, and its possible symbols."""

    name: str
    nets: tuple[str, ...]
    choices: tuple[Symbol, ...]
    kind: str


class PartMaker(Finisher):
    """Makes the parts of a circuit, with the currents of an operating point if there is one."""

    def __init__(self, circuit: Circuit, op: OperatingPoint | None, boxes: bool = False) -> None:
        super().__init__(rails(circuit))
        self.circuit, self.boxes = circuit, boxes
        self.amps: Floats = np.full(circuit.n_elements, np.nan)
        self.closed: Bools = circuit.switches.closed
        if op is not None:
            self.amps = op.element_currents.reshape(-1, circuit.n_elements)[0]
            self.closed = np.atleast_2d(op.closed)[0]
        self.largest = float(np.nanmax(np.abs(self.amps), initial=0.0))

    def parts(self) -> Iterator[Part]:
        """Yield all parts, in the order of the elements, subcircuits that stay closed at last."""
        if self.circuit.crossbars.devices:
            yield from map(self._crossbar, self.circuit.crossbars.devices)
        for plural, table in self.circuit.tables.items():
            if plural == "crossbars" or not len(table):
                continue
            for row in range(0, len(table), getattr(table, "width", 1)):
                if self.boxes and "." in table.names[row]:
                    continue
                if isinstance(table, Multipole):
                    yield self._transistor(table, row // table.width)
                else:
                    yield self._element(table, row)
        if self.boxes:
            for name, (count, nets) in insides(self.circuit).items():
                yield self._closed(name, count, nets)

    # ---- devices of two terminals ----

    def _element(self, table: Any, row: int) -> Part:
        number = self.circuit.first[table.plural] + row
        nodes = self.circuit.nodes
        p, q = nodes[table.p[row]], nodes[table.q[row]]
        amps = float(self.amps[number])
        shape, value, on = self.look(table, row, amps)
        name = table.names[row]
        hint = f"{name}: {table.kind} {value}".strip()
        hint += f", {said('A', amps)} from {p} to {q}" if np.isfinite(amps) else ""
        if isinstance(table, ControlledSources) and (
            found := self._amplifier(table, row, hint, on)
        ):
            return found
        choices = tuple(
            self._two_pole(name, (p, q), shape, value, amps, quarter, hint, on)
            for quarter in self._quarters(p, q)
        )
        return Part(name, (p, q), choices, table.kind)

    def look(self, table: Any, row: int, amps: float) -> tuple[str, str, bool]:
        """Return which of `TWO_POLES` an element is, its value, and whether it conducts."""
        if isinstance(table, Multipole):  # what is between two of its terminals
            return "device", "", False
        flows = abs(amps) > CONDUCTS * self.largest if np.isfinite(amps) else False
        plural = table.plural
        if plural in ("diodes", "junctions", "segmented_diodes"):
            breakdown = float((table.v_reverse if plural == "diodes" else table.breakdown)[row])
            zener = breakdown <= ZENER or (flows and amps < 0 and np.isfinite(breakdown))
            return ("zener" if zener else "diode"), "", flows
        if plural == "switches":
            closed = bool(self.closed[row])
            return ("closed switch" if closed else "open switch"), "", closed and flows
        if isinstance(table, ControlledSources | BehaviouralSources):
            shape = "controlled voltage" if table.is_voltage[row] else "controlled current"
            return shape, self._formula(table, row), False
        column = str(table.value)
        value = float(getattr(table, column)[row]) if hasattr(table, column) else np.nan
        shown = "" if np.isnan(value) else said(UNITS.get(column, ""), value)
        return (
            (table.kind if table.kind in TWO_POLES else "device"),
            shown.replace("inf", "∞"),
            False,
        )

    def _formula(self, table: Any, row: int) -> str:
        """Return what a source is controlled by, cut if it is long."""
        node, name = self.circuit.nodes.__getitem__, self.circuit.element_names.__getitem__
        if isinstance(table, BehaviouralSources):
            text = spelled(table.formulas[row], node, name).strip("{}")
        else:
            terms = table.terms(row)
            text = "" if terms and not table.constant[row] else f"{table.constant[row]:g}"
            if table.letter(row) in "eg":
                terms = [(False, terms[0][1], terms[0][2])] + [
                    term for term in terms[1:] if term[1] != 0
                ]
            for of_current, index, gain in terms:
                if of_current or index:
                    what = f"i({name(index)})" if of_current else f"v({node(index)})"
                    text += f"{gain:+g} {what}"
            text = text.removeprefix("+")
        return text if len(text) <= FORMULA else text[: FORMULA - 1] + "…"

    def _quarters(self, p: str, q: str) -> list[int]:
        """Return the turns in which ground is below and supplies are above or below."""
        down = {"0": -1, **self.rails}
        if p in down or q in down:
            first, second = down.get(p, 0), down.get(q, 0)
            if first == second:
                return [1]
            return [1] if first > second else [3]
        return [0, 1, 2, 3]

    def _two_pole(
        self,
        name: str,
        nets: tuple[str, str],
        shape: str,
        value: str,
        amps: float,
        quarter: int,
        hint: str,
        on: bool,
    ) -> Symbol:
        """Return a symbol of two pins after some quarter turns."""
        pins = [
            self._pin(net, turned(place, quarter))
            for net, place in zip(nets, ((-2, 0), (2, 0)), strict=True)
        ]
        current = self._current(amps, quarter)
        upright = quarter % 2 == 1
        if upright:
            lines = [text for text in (name, value, current) if text]
            top = (len(lines) - 1) * LINE / 2
            x = 0.7 if shape in ("resistor", "device", "limiter") else 1.15
            texts = [
                Text((x, top - k * LINE), text, "left", _kind(text, name, current))
                for k, text in enumerate(lines)
            ]
            body = Box(-0.95, -1.1, 0.95, 1.1)
        else:
            above = f"{name} {value}".strip()
            texts = [Text((0, 1.35), above, "center", "name")]
            texts += [Text((0, -1.4), current, "center", "current")] if current else []
            body = Box(-1.1, -0.95, 1.1, 0.95)
        shapes = [_turned(s, quarter) for s in TWO_POLES[shape]]
        return self._finished(name, pins, body, shapes, texts, hint, on, 0.0, shape)

    def _current(self, amps: float, quarter: int) -> str:
        """Return a current with an arrow that shows where it flows."""
        if not np.isfinite(amps) or not self.amps.size:
            return ""
        if abs(amps) <= 1e-12 * self.largest:
            return "0 A"
        way = quarter if amps > 0 else quarter + 2
        return f"{_ARROWS[way % 4]} {said('A', abs(amps), 3)}"

    # ---- others ----

    def _amplifier(self, table: ControlledSources, row: int, hint: str, on: bool) -> Part | None:
        """Return the triangle of a voltage source between ground and its output."""
        if table.letter(row) != "e" or table.q[row] != 0 or table.p[row] == 0:
            return None
        nodes, (first, second) = self.circuit.nodes, table.terms(row)
        plus, minus, gain = nodes[first[1]], nodes[second[1]], first[2]
        out, name = nodes[table.p[row]], table.names[row]
        number = self.circuit.first[table.plural] + row
        current = self._current(-float(self.amps[number]), 0)
        inputs = [plus] if minus == "0" else [plus, minus]
        choices = []
        # a sign of the ground hangs below: it must not be in the way of the other input
        for above in (True, False)[: 1 if plus == "0" else len(inputs)]:
            places: list[Point] = [(-3, 0)] if len(inputs) == 1 else [(-3, -1), (-3, 1)]
            if not above:
                places.reverse()
            pins = [self._pin(net, place) for net, place in zip(inputs, places, strict=True)]
            pins.append(self._pin(out, (3, 0)))
            texts = [
                Text((0.3, 2.35), name),
                Text((0.3, 1.45), f"×{gain:g}".replace("e+0", "e"), "left", "value"),
            ]
            texts += [Text((0.8, -1.5), current, "left", "current")] if current else []
            shapes = amplifier(len(inputs), above)
            body = Box(-2, -2, 2, 2)
            choices.append(
                self._finished(name, pins, body, shapes, texts, hint, on, 0.0, "amplifier")
            )
        return Part(name, (*inputs, out), tuple(choices), "amplifier")

    def _transistor(self, table: Multipole, device: int) -> Part:
        """Return a transistor, its control at the left or at the right."""
        number = self.circuit.first[table.plural] + device * table.width
        name = table.names[device * table.width]
        letters = table.terminals
        up, control, down = ("c", "b", "e") if "c" in letters else ("d", "g", "s")
        nets = {x: self.circuit.nodes[table.ends(x)[device]] for x in letters}
        negative = table.parameter("polarity")[device] < 0
        kind = {"c": ("npn", "pnp"), "d": ("nmos", "pmos")}[letters[0]][int(negative)]
        if "b" not in letters:
            kind = "pjf" if negative else "njf"
        amps = float(self.amps[number])
        hint = f"{name}: {kind}"
        hint += f", {said('A', amps)} into {nets[up]}" if np.isfinite(amps) else ""
        on = bool(np.isfinite(amps) and abs(amps) > CONDUCTS * self.largest)
        extra = "s" if "c" in letters else "b" if letters == "dgbs" else ""
        quiet = ("0", "") if extra == "s" else (nets[down],)
        choices = []
        for mirrored in (False, True):
            side = -1.0 if mirrored else 1.0
            ends = [(control, (-2.0, 0.0)), (up, (1.0, -2.0 if negative else 2.0))]
            ends.append((down, (1.0, 2.0 if negative else -2.0)))
            if extra and nets.get(extra, "") not in quiet:
                ends.append((extra, (2.0, 0.0)))
            pins = [self._pin(nets[x], (side * place[0], place[1])) for x, place in ends]
            shapes = list(TRANSISTORS[kind])
            if len(ends) == 4:
                shapes.append(line((-0.2, 0), (2, 0)))
            shapes = [_flipped(s, negative, mirrored) for s in shapes]
            current = self._current(amps, 1)
            texts = [Text((side * 1.75, 1.4), name, "right" if mirrored else "left")]
            if current:
                texts.append(Text((side * 1.75, -1.4), current, texts[0].align, "current"))
            body = Box(-1.6, -1.3, 1.0, 1.3) if mirrored else Box(-1.0, -1.3, 1.6, 1.3)
            choices.append(
                self._finished(name, pins, body, shapes, texts, hint, on, 0.3 * mirrored, kind)
            )
        used = tuple(dict.fromkeys(nets[x] for x, _ in ends))
        return Part(name, used, tuple(choices), "transistor")

    def _crossbar(self, device: Any) -> Part:
        """Return an array: rows at the left, columns at the bottom."""
        rows = [self.circuit.nodes[k] for k in device.rows]
        columns = [self.circuit.nodes[k] for k in device.columns]
        width, height = 2 * len(columns), 2 * len(rows)
        pins = [self._pin(net, (-2, height - 2 * k)) for k, net in enumerate(rows)]
        pins += [self._pin(net, (2 + 2 * k, -2), _DOWN) for k, net in enumerate(columns)]
        shapes = [line((-2, height - 2 * k), (width, height - 2 * k)) for k in range(len(rows))]
        shapes += [line((2 + 2 * k, -2), (2 + 2 * k, height)) for k in range(len(columns))]
        for x, y in product(range(2, width + 1, 2), range(2, height + 1, 2)):
            shapes.append(line((x - 0.9, y - 0.25), (x - 0.25, y - 0.9)))
        body = Box(-1.5, -1.5, width + 0.5, height + 0.5)
        texts = [Text((0, height + 1.1), f"{device.name} {len(rows)}×{len(columns)}")]
        hint = f"{device.name}: crossbar of {len(rows)} by {len(columns)} conductances"
        symbol = self._finished(
            device.name, pins, body, shapes, texts, hint, False, 0.0, "crossbar"
        )
        return Part(device.name, (*rows, *columns), (symbol,), "crossbar")

    def _closed(self, name: str, count: int, nets: Sequence[str]) -> Part:
        """Return a subcircuit as a box, its first nodes at the left, the others at the right."""
        half = -(-len(nets) // 2)
        height = 2 * max(half, 1)
        hint = f"{name}: subcircuit of {count} elements"
        choices = []
        for side in (-1.0, 1.0):
            places = [(4 * side, height - 1.0 - 2 * k) for k in range(half)]
            places += [(-4 * side, height - 1.0 - 2 * k) for k in range(len(nets) - half)]
            pins = [
                self._pin(net, place, (1.0 if place[0] > 0 else -1.0, 0.0))
                for net, place in zip(nets, places, strict=True)
            ]
            shapes = [area((-3, 0), (-3, height), (3, height), (3, 0))]
            shapes += [line((3 * x / 4, y), (x, y)) for x, y in places]
            texts = [Text((0, height + 0.6), name, "center")]
            body = Box(-3, 0, 3, height)
            choices.append(
                self._finished(
                    name, pins, body, shapes, texts, hint, False, 0.3 * (side > 0), "box"
                )
            )
        return Part(name, tuple(nets), tuple(choices), "box")


def said(unit: str, value: float, digits: int = 4) -> str:
    """Return a value with its unit."""
    return Axis("", unit).say(value, digits).replace(" u", " µ")


def _kind(text: str, name: str, current: str) -> str:
    return "name" if text == name else "current" if text == current else "value"


def _turned(shape: Shape, quarter: int) -> Shape:
    points = [turned(point, quarter) for point in shape.points]
    if shape.sign and quarter % 2 == 0:  # drawn for symbols that stand upright
        x, y = np.mean(points, axis=0).tolist()
        points = [(x + py - y, y + px - x) for px, py in points]
    return replace(shape, points=tuple(points))


def _flipped(shape: Shape, down: bool, left: bool) -> Shape:
    points = tuple((-x if left else x, -y if down else y) for x, y in shape.points)
    return Shape(points, shape.radius, shape.closed, shape.fill)
