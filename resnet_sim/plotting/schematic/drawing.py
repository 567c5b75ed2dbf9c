"""A schematic as data: symbols at their places, wires, dots and names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ...model.circuit import Circuit
from .geometry import LETTER, Box, Point, Symbol, Text
from .parts import Part, PartMaker, said
from .placing import Placer
from .routing import Cell, Router, Segment

if TYPE_CHECKING:
    from ...results.operating_point import OperatingPoint


#: room around symbols, from the first try to the last
GAPS = (1, 2, 3)
#: letters of a current or a voltage, and by which other texts may grow, where there is room
READING, MORE = 9, 5


@dataclass(frozen=True)
class Schematic:
    """What a schematic consists of, in steps of a grid; y points up.

    Attributes
    ----------
    title : str
    symbols : list of Symbol
        With pins, bodies and texts.
    wires : dict of str to list of ((x, y), (x, y))
        Node -> horizontal and vertical pieces.
    dots : list of (str, (x, y))
        Node and place of each junction.
    names : list of Text
        Names of nodes with their voltages.
    unnamed, broken : list of str
        Nodes for whose name there was no room; nodes that are not wired throughout.
    """

    title: str
    symbols: Sequence[Symbol]
    wires: Mapping[str, Sequence[Segment]]
    dots: Sequence[tuple[str, Point]]
    names: Sequence[tuple[str, Text]]
    unnamed: Sequence[str]
    broken: Sequence[str]

    @property
    def box(self) -> Box:
        """All of it."""
        boxes = [s.box for s in self.symbols] + [text.box for _, text in self.names]
        for segments in self.wires.values():
            boxes += [Box(*map(min, *s), *map(max, *s)) for s in segments]
        return Box.around(boxes)

    def texts(self) -> Iterator[Text]:
        """Yield all texts."""
        for symbol in self.symbols:
            yield from symbol.texts
        yield from (text for _, text in self.names)


def schematic(
    circuit: Circuit,
    op: OperatingPoint | None = None,
    *,
    boxes: bool = False,
    roomy: bool = False,
) -> Schematic:
    r"""Lay out a circuit as a schematic.

    Parameters
    ----------
    circuit : Circuit
    op : OperatingPoint, optional
        Its voltages, currents and states are told; of several points the first.
    boxes : bool
        Subcircuits stay closed: a box each.
    roomy : bool
        Values, currents and voltages get room for more letters; see `redrawn`.

    Examples
    --------
    >>> from resnet_sim.plotting.schematic import schematic
    >>> drawn = schematic(rs.parse_netlist("divider\nV1 in 0 1\nR1 in out 1k\nR2 out 0 1k"))
    >>> sorted(drawn.wires), [symbol.kind for symbol in drawn.symbols]
    (['in', 'out'], ['resistor', 'resistor', 'voltage source'])
    """
    maker = PartMaker(circuit, op, boxes)
    parts = [_roomy(part) if roomy else part for part in maker.parts()]
    best: Schematic | None = None
    for gap in GAPS:
        symbols = Placer(parts, maker.rails, gap).place()
        found = _joined(circuit, op, symbols, roomy)
        if best is None or _lacks(found) < _lacks(best):
            best = found
        if not _lacks(best):
            break
    assert best is not None
    return best


def redrawn(drawn: Schematic, circuit: Circuit, op: OperatingPoint | None) -> Schematic | None:
    r"""Return a schematic with other values in the same places, None if they don't fit there.

    Laying out takes a second for a hundred elements, this some milliseconds, and nothing moves
    while a value changes.

    Parameters
    ----------
    drawn : Schematic
        A `roomy` one of a circuit with the same elements between the same nodes.
    circuit : Circuit
    op : OperatingPoint, optional

    Examples
    --------
    >>> from resnet_sim.plotting.schematic import redrawn, schematic
    >>> circuit = rs.parse_netlist("divider\nV1 in 0 1\nR1 in out 1k\nR2 out 0 1k")
    >>> drawn = schematic(circuit, rs.solve(circuit), roomy=True)
    >>> other = circuit.with_values({"v1": 4.0})
    >>> [text.text for _, text in redrawn(drawn, other, rs.solve(other)).names]
    ['out 2 V', 'in 4 V']
    """
    parts = {part.name: part for part in PartMaker(circuit, op).parts()}
    if parts.keys() != {symbol.name for symbol in drawn.symbols}:
        return None
    found = [_replaced(symbol, parts[symbol.name].choices) for symbol in drawn.symbols]
    symbols = [symbol for symbol in found if symbol is not None]
    names = [(net, replace(text, text=_voltage(circuit, op, net))) for net, text in drawn.names]
    fits = all(_fits(new, old) for (_, new), (_, old) in zip(names, drawn.names, strict=True))
    if len(symbols) < len(found) or not fits:
        return None
    return replace(drawn, title=circuit.title, symbols=symbols, names=names)


def _replaced(placed: Symbol, choices: Sequence[Symbol]) -> Symbol | None:
    """Return the choice that covers and joins what a placed symbol does, in its place."""
    for choice in choices:
        x, y = (round(placed.bodies[0][k] - choice.bodies[0][k]) for k in (0, 1))
        moved = choice.moved(x, y)
        if (
            (moved.pins, moved.bodies) == (placed.pins, placed.bodies)
            and len(moved.texts) <= len(placed.texts)
            and all(map(_fits, moved.texts, placed.texts))
        ):
            return moved
    return None


def _fits(new: Text, old: Text) -> bool:
    return len(new.text) <= max(len(old.text), old.room)


def _roomy(part: Part) -> Part:
    """Return a part whose texts have room for more letters."""

    def widened(text: Text) -> Text:
        letters = len(text.text)
        return replace(text, room=READING if text.kind == "current" else letters + MORE)

    choices = [replace(s, texts=[widened(text) for text in s.texts]) for s in part.choices]
    return replace(part, choices=tuple(choices))


def _lacks(found: Schematic) -> int:
    return 10 * len(found.broken) + len(found.unnamed)


def _joined(
    circuit: Circuit, op: OperatingPoint | None, symbols: list[Symbol], roomy: bool
) -> Schematic:
    """Return placed symbols with wires and names."""
    router = Router(symbols)
    broken = router.route()
    wires = router.wires()
    namer = Namer(symbols, wires)
    names, unnamed = [], []
    pins: dict[str, list[tuple[int, int]]] = {}
    for symbol in symbols:
        for pin in symbol.pins:
            pins.setdefault(pin.net, []).append((pin.x, pin.y))
    for net in sorted(wires, key=lambda net: sum(map(len, wires[net]))):
        room = len(net) + 1 + READING if roomy else 0
        text = namer.name(_voltage(circuit, op, net), wires[net], pins[net], room)
        if text is None:
            unnamed.append(net)
        else:
            names.append((net, text))
    dots = [(net, (float(x), float(y))) for net, (x, y) in router.dots()]
    return Schematic(circuit.title, symbols, wires, dots, names, unnamed, broken)


def _voltage(circuit: Circuit, op: OperatingPoint | None, net: str) -> str:
    """Return the name of a node and its voltage."""
    if op is None:
        return net
    volts = float(op.node_voltages.reshape(-1, len(circuit.nodes))[0, circuit.node(net)])
    return f"{net} {said('V', volts, 3)}" if np.isfinite(volts) else f"{net} floats"


#: what is between a wire and a name, and how far from it a name is looked for
CLEAR, FARTHEST = 0.12, 5


class Namer:
    """Finds places for names; what is taken once is not given again."""

    def __init__(self, symbols: Sequence[Symbol], wires: Mapping[str, Sequence[Segment]]) -> None:
        self.taken = [box for symbol in symbols for box in symbol.bodies]
        self.taken += [text.box for symbol in symbols for text in symbol.texts]
        self.wires = [
            Box(*map(float, (*map(min, *segment), *map(max, *segment))))
            for some in wires.values()
            for segment in some
        ]

    def name(
        self, text: str, segments: Sequence[Segment], pins: Sequence[Cell], room: int = 0
    ) -> Text | None:
        """Return a free place for the name of a node, None if there is none."""
        for place, align in self._places(text, segments, pins):
            label = Text(place, text, align, "node", room)
            box = label.box
            if not any(box.meets(other, CLEAR) for other in self.taken) and not any(
                box.meets(wire, 0.05) for wire in self.wires
            ):
                self.taken.append(box)
                return label
        return None

    def _places(
        self, text: str, segments: Sequence[Segment], pins: Sequence[Cell]
    ) -> Iterator[tuple[Point, str]]:
        """Yield places, the best first: above long wires, below, beside, then farther away."""
        up = LETTER / 2 + 0.2
        ordered = sorted(segments, key=lambda s: (s[0][1] != s[1][1], -_length(s), s))
        for side in (up, -up):
            for (x0, y0), (x1, y1) in ordered:
                if y0 == y1:
                    yield ((x0 + x1) / 2, y0 + side), "center"
                    for k in range(2 * (x1 - x0) + 1):
                        yield (x0 + 0.25 + k / 2, y0 + side), "left"
                        yield (x1 - 0.25 - k / 2, y0 + side), "right"
        for (x0, y0), (x1, y1) in ordered:
            if x0 == x1:
                for k in range(2 * (y1 - y0) + 1):
                    yield (x0 + 0.3, y1 - k / 2), "left"
                    yield (x0 - 0.3, y1 - k / 2), "right"
        for far in range(FARTHEST):
            for x, y in [*pins, *(s[0] for s in ordered), *(s[1] for s in ordered)]:
                for dx, align in ((0.3, "left"), (-0.3, "right"), (0.0, "center")):
                    yield (x + dx, y + up + far * 0.5), align
                    yield (x + dx, y - up - far * 0.5), align
                    yield (x + dx * (1 + far), y), align


def _length(segment: Segment) -> int:
    (x0, y0), (x1, y1) = segment
    return abs(x1 - x0) + abs(y1 - y0)
