"""Symbols with their pins, and with the signs of ground and supplies where these end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .geometry import Box, Pin, Point, Shape, Symbol, Text
from .symbols import ground, line


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
