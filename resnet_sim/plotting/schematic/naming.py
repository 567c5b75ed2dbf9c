"""Names of nodes, with their voltages, where there is room beside their wires."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from .geometry import LETTER, Box, Point, Symbol, Text
from .routing import Cell, Segment

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
