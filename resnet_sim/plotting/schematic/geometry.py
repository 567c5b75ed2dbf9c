"""Boxes, turns and what pictures consist of.  The unit is one step of the grid; y points up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

Point = tuple[float, float]

#: height of letters and the room that a letter and a line take
LETTER, ADVANCE, LINE = 0.62, 0.40, 0.95


class Box(NamedTuple):
    """A rectangle."""

    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: Box, gap: float = 0.0) -> bool:
        """Tell whether two boxes overlap, or come closer than `gap`."""
        return (
            self.left < other.right + gap
            and other.left < self.right + gap
            and self.bottom < other.top + gap
            and other.bottom < self.top + gap
        )

    def moved(self, x: float, y: float) -> Box:
        """Return the box at another place."""
        return Box(self.left + x, self.bottom + y, self.right + x, self.top + y)

    @classmethod
    def around(cls, boxes: Iterable[Box]) -> Box:
        """Return the smallest box around some."""
        left, bottom, right, top = zip(*boxes, strict=True)
        return cls(min(left), min(bottom), max(right), max(top))


@dataclass(frozen=True)
class Shape:
    """A line through points, closed and filled or not, or a circle.

    `fill` is ``""`` (none), ``"symbol"`` or ``"tint"`` (red or pale red while it conducts), or
    ``"ink"``.  What is a `sign` lies flat however its symbol is turned.
    """

    points: tuple[Point, ...]
    radius: float = 0.0
    closed: bool = False
    fill: str = ""
    sign: bool = False


@dataclass(frozen=True)
class Text:
    """One line of text; `place` is the middle of its left, right or centre.

    It has room for `room` letters at least.
    """

    place: Point
    text: str
    align: str = "left"
    kind: str = "name"
    room: int = 0

    @property
    def box(self) -> Box:
        """The room it takes."""
        width = ADVANCE * max(len(self.text), self.room)
        shift = {"left": 0.0, "center": -width / 2, "right": -width}[self.align]
        x, y = self.place[0] + shift, self.place[1]
        return Box(x, y - LETTER / 2, x + width, y + LETTER / 2)

    def moved(self, x: float, y: float) -> Text:
        """Return the text at another place."""
        return replace(self, place=(self.place[0] + x, self.place[1] + y))


class Pin(NamedTuple):
    """Where wires of a node end; `side` is the direction that it points to."""

    net: str
    x: int
    y: int
    side: Point


@dataclass(frozen=True)
class Symbol:
    """A symbol in one of its positions, or at its place.

    Attributes
    ----------
    name : str
    pins : tuple of Pin
        Those that wires lead to; ground and supplies have symbols of their own.
    bodies : tuple of Box
        What nothing may touch: the symbol, its stubs.
    shapes, texts : sequence
        What is drawn.
    hint : str
        What is told on hover.
    on : bool
        It conducts.
    penalty : float
        How odd the position looks.
    """

    name: str
    pins: tuple[Pin, ...]
    bodies: tuple[Box, ...]
    shapes: Sequence[Shape]
    texts: Sequence[Text] = ()
    hint: str = ""
    on: bool = False
    penalty: float = 0.0
    kind: str = field(default="")

    @property
    def box(self) -> Box:
        """All of it, with its texts."""
        return Box.around([*self.bodies, *(text.box for text in self.texts)])

    def moved(self, x: int, y: int) -> Symbol:
        """Return the symbol at another place."""
        shapes = [
            replace(s, points=tuple((px + x, py + y) for px, py in s.points)) for s in self.shapes
        ]
        return replace(
            self,
            pins=tuple(pin._replace(x=pin.x + x, y=pin.y + y) for pin in self.pins),
            bodies=tuple(box.moved(x, y) for box in self.bodies),
            shapes=shapes,
            texts=[text.moved(x, y) for text in self.texts],
        )


def turned(point: Point, quarter: int) -> Point:
    """Return a point after so many quarter turns clockwise."""
    x, y = point
    for _ in range(quarter % 4):
        x, y = y, -x
    return x, y
