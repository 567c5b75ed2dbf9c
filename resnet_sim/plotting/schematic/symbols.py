"""The symbols, after IEC 60617, and with their pins and the signs of ground and supplies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import cos, pi, sin

import numpy as np

from .geometry import Box, Pin, Point, Shape, Symbol, Text


def line(*points: Point) -> Shape:
    """Return a line."""
    return Shape(points)


def area(*points: Point, fill: str = "symbol") -> Shape:
    """Return a closed line."""
    return Shape(points, closed=True, fill=fill)


def circle(x: float, y: float, radius: float, fill: str = "symbol") -> Shape:
    """Return a circle."""
    return Shape(((x, y),), radius, True, fill)


def leads(reach: float) -> list[Shape]:
    """Return the lines from the pins to a body."""
    return [line((-2, 0), (-reach, 0)), line((reach, 0), (2, 0))]


def arrow(tip: Point, tail: Point, size: float = 0.35) -> Shape:
    """Return a head of an arrow."""
    dx, dy = tip[0] - tail[0], tip[1] - tail[1]
    length = (dx * dx + dy * dy) ** 0.5
    x, y = size * dx / length, size * dy / length
    back = tip[0] - x, tip[1] - y
    return area(
        tip, (back[0] - 0.5 * y, back[1] + 0.5 * x), (back[0] + 0.5 * y, back[1] - 0.5 * x),
        fill="ink",
    )  # fmt: skip


def _inductor() -> list[Shape]:
    arc = [(k / 2 - 0.75 - 0.25 * cos(a), 0.3 * sin(a))
           for k in range(4) for a in (pi * j / 8 for j in range(9))]  # fmt: skip
    return [*leads(1.0), line(*arc)]


_PLUS = [line((-0.65, 0), (-0.25, 0)), line((-0.45, -0.2), (-0.45, 0.2))]
_MINUS = [replace(line((0.45, -0.2), (0.45, 0.2)), sign=True)]
_FLOW = [line((-0.55, 0), (0.5, 0)), arrow((0.55, 0), (-0.55, 0))]
_DIAMOND = area((-0.9, 0), (0, 0.9), (0.9, 0), (0, -0.9))
_DIODE = [*leads(0.5), area((-0.5, 0.5), (-0.5, -0.5), (0.5, 0))]
_ENDS = [circle(-0.7, 0, 0.1, "ink"), circle(0.7, 0, 0.1, "ink")]

TWO_POLES: dict[str, list[Shape]] = {
    "resistor": [*leads(1.0), area((-1, -0.36), (-1, 0.36), (1, 0.36), (1, -0.36))],
    "capacitor": [*leads(0.2), line((-0.2, -0.7), (-0.2, 0.7)), line((0.2, -0.7), (0.2, 0.7))],
    "inductor": _inductor(),
    "voltage source": [*leads(0.85), circle(0, 0, 0.85), *_PLUS, *_MINUS],
    "current source": [*leads(0.85), circle(0, 0, 0.85), *_FLOW],
    "controlled voltage": [*leads(0.9), _DIAMOND, *_PLUS, *_MINUS],
    "controlled current": [*leads(0.9), _DIAMOND, *_FLOW],
    "diode": [*_DIODE, line((0.5, -0.5), (0.5, 0.5))],
    "zener": [*_DIODE, line((0.8, -0.5), (0.5, -0.5), (0.5, 0.5), (0.2, 0.5))],
    "open switch": [*leads(0.7), *_ENDS, line((-0.7, 0), (0.5, 0.6))],
    "closed switch": [*leads(0.7), *_ENDS, line((-0.7, 0.02), (0.7, 0.02))],
    "limiter": [
        *leads(1.0), area((-1, -0.5), (-1, 0.5), (1, 0.5), (1, -0.5)),
        line((-0.7, -0.25), (-0.25, -0.25), (0.25, 0.25), (0.7, 0.25)),
    ],
    "device": [*leads(1.0), area((-1, -0.5), (-1, 0.5), (1, 0.5), (1, -0.5))],
}  # fmt: skip

_BIPOLAR = [
    circle(0.35, 0, 1.2, "tint"), line((-2, 0), (-0.3, 0)), line((-0.3, -0.7), (-0.3, 0.7)),
    line((-0.3, 0.3), (1, 1), (1, 2)), line((-0.3, -0.3), (1, -1), (1, -2)),
]  # fmt: skip
_CHANNEL = [
    circle(0.35, 0, 1.2, "tint"), line((-0.2, -0.75), (-0.2, 0.75)),
    line((-0.2, 0.6), (1, 0.6), (1, 2)), line((-0.2, -0.6), (1, -0.6), (1, -2)),
]  # fmt: skip
_MOS = [*_CHANNEL, line((-2, 0), (-0.45, 0)), line((-0.45, -0.6), (-0.45, 0.6))]
_JFET = [*_CHANNEL, line((-2, 0), (-0.2, 0))]

#: transistors with their control at (-2, 0), the others at (1, 2) and (1, -2)
TRANSISTORS: dict[str, list[Shape]] = {
    "npn": [*_BIPOLAR, arrow((0.85, -0.92), (-0.3, -0.3))],
    "pnp": [*_BIPOLAR, arrow((-0.2, -0.35), (1, -1))],
    "nmos": [*_MOS, arrow((0.7, -0.6), (-0.2, -0.6))],
    "pmos": [*_MOS, arrow((0.1, -0.6), (1, -0.6))],
    "njf": [*_JFET, arrow((-0.25, 0), (-2, 0))],
    "pjf": [*_JFET, arrow((-0.75, 0), (0, 0))],
}


def amplifier(inputs: int, minus_above: bool) -> list[Shape]:
    """Return a triangle from inputs at (-3, 1) and (-3, -1), or (-3, 0), to (3, 0)."""
    shapes = [area((-2, 2), (-2, -2), (2, 0)), line((2, 0), (3, 0))]
    if inputs == 1:
        return [*shapes, line((-3, 0), (-2, 0))]
    minus, plus = (1, -1) if minus_above else (-1, 1)
    shapes += [line((-3, y), (-2, y)) for y in (1, -1)]
    shapes += [line((-1.7, minus), (-1.2, minus)), line((-1.7, plus), (-1.2, plus))]
    return [*shapes, line((-1.45, plus - 0.25), (-1.45, plus + 0.25))]


def ground(x: float, y: float) -> list[Shape]:
    """Return the sign of the ground below a point."""
    return [
        line((x - w, y - 0.5 - 0.2 * k), (x + w, y - 0.5 - 0.2 * k))
        for k, w in enumerate((0.6, 0.38, 0.16))
    ] + [line((x, y), (x, y - 0.5))]


class Finisher:
    """Finishes symbols.

    Parameters
    ----------
    rails : mapping of str to int
        Supplies, and whether they are drawn above (1) or below (-1).
    """

    def __init__(self, rails: Mapping[str, int]) -> None:
        self.rails = rails

    def _pin(self, net: str, place: Point, side: Point | None = None) -> Pin:
        x, y = place
        if side is None:
            side = (np.sign(x), 0.0) if abs(x) > abs(y) else (0.0, np.sign(y))
        return Pin(net, round(x), round(y), (float(side[0]), float(side[1])))

    def _finished(
        self,
        name: str,
        pins: Sequence[Pin],
        body: Box,
        shapes: Sequence[Shape],
        texts: Sequence[Text],
        hint: str,
        on: bool,
        penalty: float,
        kind: str,
    ) -> Symbol:
        """Return a symbol whose pins at ground and supplies end there."""
        bodies, shapes, texts, kept = [body], list(shapes), list(texts), []
        bodies += [_lead(pin, body) for pin in pins]
        for pin in pins:
            if pin.net == "0" or pin.net in self.rails:
                penalty += self._end(pin, bodies, shapes, texts)
            else:
                kept.append(pin)
        return Symbol(name, tuple(kept), tuple(bodies), shapes, texts, hint, on, penalty, kind)

    def _end(self, pin: Pin, bodies: list[Box], shapes: list[Shape], texts: list[Text]) -> float:
        """Add the sign of the ground, or of a supply, to a pin; return how odd it looks."""
        x, y, penalty = float(pin.x), float(pin.y), 0.0
        way = -1.0 if pin.net == "0" else float(self.rails[pin.net])
        if pin.side[1] and pin.net != "0" and pin.side[1] != way:
            way, penalty = pin.side[1], 3.0
        if pin.side[1] != way:  # a wire to the side first
            step = pin.side[0] or 1.0
            if pin.side[1]:
                shapes.append(line((x, y), (x, y - way)))
                bodies.append(Box(x - 0.1, min(y, y - way), x + 0.1, max(y, y - way)))
                y -= way
                penalty = 4.0
            shapes.append(line((x, y), (x + step, y), (x + step, y + way)))
            bodies.append(Box(min(x, x + step), min(y, y + way), max(x, x + step), max(y, y + way)))
            x, y = x + step, y + way
        if pin.net == "0":
            shapes += ground(x, y)
            bodies.append(Box(x - 0.65, y - 1, x + 0.65, y))
            return penalty
        shapes += [
            line((x, y), (x, y + 0.5 * way)),
            line((x - 0.6, y + 0.5 * way), (x + 0.6, y + 0.5 * way)),
        ]
        bodies.append(Box(x - 0.65, min(y, y + way), x + 0.65, max(y, y + way)))
        texts.append(Text((x, y + 1.05 * way), pin.net, "center", "node"))
        return penalty


def _lead(pin: Pin, body: Box) -> Box:
    """Return the room of the line from a pin to its symbol."""
    x, y = float(pin.x), float(pin.y)
    inner = max(body.left, min(x, body.right)), max(body.bottom, min(y, body.top))
    if pin.side[0]:
        return Box(min(x, inner[0]), y - 0.1, max(x, inner[0]), y + 0.1)
    return Box(x - 0.1, min(y, inner[1]), x + 0.1, max(y, inner[1]))
