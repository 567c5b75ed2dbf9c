"""Schematics as SVG, and as a page that needs nothing else; without matplotlib."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from .drawing import Schematic
from .geometry import LETTER, Box, Shape, Text

#: pixels of a step of the grid
SCALE = 15.0
MARGIN = 1.2
COLOURS = {"name": "#222222", "value": "#222222", "current": "#2ca02c", "node": "#1f5fa8"}
RED, PALE, INK, WIRE = "#d62728", "#f6c9c9", "#222222", "#444444"

_STYLE = """
.symbol:hover path, .symbol:hover circle { stroke: #ff7f0e; stroke-width: 2.4 }
.wire:hover path { stroke: #ff7f0e; stroke-width: 3 }
"""


def colour_of(fill: str, on: bool) -> str:
    """Return the colour that a shape is filled with."""
    conducting = {"symbol": RED, "tint": PALE}
    return INK if fill == "ink" else "none" if not fill else conducting[fill] if on else "white"


def to_svg(drawn: Schematic) -> str:
    """Return a schematic as SVG; titles of its groups are shown on hover."""
    box = drawn.box
    top = box.top + MARGIN + (1.2 if drawn.title else 0.0)
    left = box.left - MARGIN
    width = max(box.right - box.left, 0.45 * len(drawn.title)) + 2 * MARGIN
    height = top - box.bottom + MARGIN
    w, h = width * SCALE, height * SCALE
    head = (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{w:.0f}" height="{h:.0f}" '
        f'viewBox="0 0 {w:.0f} {h:.0f}" font-family="DejaVu Sans, Verdana, sans-serif" '
        f'font-size="{LETTER * SCALE:.1f}">\n<style>{_STYLE}</style>\n'
        '<rect width="100%" height="100%" fill="white"/>\n'
    )
    pen = _Pen(left, top)
    lines = [*pen.title(drawn, box.left, box.top), *pen.wires(drawn), *pen.symbols(drawn)]
    lines += [pen.text(text) for _, text in drawn.names]
    return head + "\n".join(lines) + "\n</svg>\n"


def to_html(svg: str, title: str) -> str:
    """Return a page with a picture, which needs nothing else; values are shown on hover."""
    picture = svg[svg.index("<svg") :]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8">'
        f"<title>{escape(title or 'circuit')}</title>\n<style>body {{ margin: 2em }} "
        "svg { max-width: 100%; height: auto }</style></head>\n"
        f"<body>\n{picture}</body>\n</html>\n"
    )


class _Pen:
    """Writes elements of SVG, whose y axis points down."""

    def __init__(self, left: float, top: float) -> None:
        self.left, self.top = left, top

    def at(self, x: float, y: float) -> str:
        return f"{(x - self.left) * SCALE:.1f},{(self.top - y) * SCALE:.1f}"

    def title(self, drawn: Schematic, left: float, top: float) -> Iterator[str]:
        if drawn.title:
            yield self.text(Text((left, top + 1.3), drawn.title, "left", "name"))

    def wires(self, drawn: Schematic) -> Iterator[str]:
        names = {net: text.text for net, text in drawn.names}
        for net, segments in drawn.wires.items():
            paths = " ".join(f"M{self.at(*a)} L{self.at(*b)}" for a, b in segments)
            dots = "".join(
                self._circle(place, 0.16, WIRE) for node, place in drawn.dots if node == net
            )
            yield (
                f'<g class="wire" data-node="{escape(net)}">'
                f"<title>{escape(names.get(net, net))}</title>"
                f'<path d="{paths}" stroke="{WIRE}" stroke-width="1.2" fill="none"/>{dots}</g>'
            )

    def symbols(self, drawn: Schematic) -> Iterator[str]:
        for symbol in drawn.symbols:
            kind, name = escape(symbol.kind), escape(symbol.name)
            yield f'<g class="symbol" data-element="{name}" data-kind="{kind}">'
            yield f"<title>{escape(symbol.hint)}</title>{self._reach(symbol.bodies[0])}"
            yield from (self.shape(shape, symbol.on) for shape in symbol.shapes)
            yield from (self.text(text) for text in symbol.texts)
            yield "</g>"

    def _reach(self, body: Box) -> str:
        """Return an area that is not seen: who points between two lines means the symbol."""
        x, y = self.at(body.left, body.top).split(",")
        width, height = (body.right - body.left) * SCALE, (body.top - body.bottom) * SCALE
        size = f'x="{x}" y="{y}" width="{width:.1f}" height="{height:.1f}"'
        return f'<rect {size} fill="none" pointer-events="all"/>'

    def shape(self, shape: Shape, on: bool) -> str:
        fill = colour_of(shape.fill, on)
        if shape.radius:
            return self._circle(shape.points[0], shape.radius, fill)
        path = "M" + " L".join(self.at(*point) for point in shape.points)
        end = " Z" if shape.closed else ""
        return f'<path d="{path}{end}" stroke="{INK}" stroke-width="1.3" style="fill: {fill}"/>'

    def text(self, text: Text) -> str:
        anchor = {"left": "start", "center": "middle", "right": "end"}[text.align]
        x, y = self.at(text.place[0], text.place[1] - 0.22).split(",")
        colour = COLOURS[text.kind]
        look = f'x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}"'
        return f"<text {look}>{escape(text.text)}</text>"

    def _circle(self, place: tuple[float, float], radius: float, fill: str) -> str:
        x, y = self.at(*place).split(",")
        return (
            f'<circle cx="{x}" cy="{y}" r="{radius * SCALE:.1f}" stroke="{INK}" '
            f'stroke-width="1.3" style="fill: {fill}"/>'
        )
