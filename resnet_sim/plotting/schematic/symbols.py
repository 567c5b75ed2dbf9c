"""The symbols: lines in a frame whose pins lie at (-2, 0) and (2, 0), after IEC 60617."""

from __future__ import annotations

from dataclasses import replace
from math import cos, pi, sin

from .geometry import Point, Shape


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
