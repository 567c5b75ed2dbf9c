"""Schematics drawn with matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .figures import new_figure
from .schematic import Schematic
from .schematic.geometry import LETTER, Shape, Text
from .schematic.svg import COLOURS, INK, MARGIN, WIRE, colour_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: inches of a step of the grid
STEP = 0.155


def draw_schematic(drawn: Schematic, ax: Axes | None = None) -> Figure:
    """Draw a schematic, into given axes or a figure of its size."""
    box = drawn.box
    width = max(box.right - box.left, 0.48 * len(drawn.title)) + 2 * MARGIN
    height = box.top - box.bottom + 2 * MARGIN + 1
    figure = new_figure(width * STEP, height * STEP) if ax is None else None
    if figure is not None:
        figure.set_layout_engine("none")
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        size = LETTER * STEP * 72
    else:
        assert ax is not None
        axes = ax
        shape = axes.get_window_extent()
        size = LETTER * 72 / axes.figure.dpi * min(shape.width / width, shape.height / height)
    axes.set_xlim(box.left - MARGIN, box.left - MARGIN + width)
    axes.set_ylim(box.bottom - MARGIN, box.bottom - MARGIN + height)
    axes.set_aspect("equal")
    axes.set_axis_off()
    if drawn.title:
        axes.text(box.left, box.top + MARGIN, drawn.title, fontsize=1.15 * size, va="center")
    _wires(axes, drawn)
    for symbol in drawn.symbols:
        for part in symbol.shapes:
            draw_shape(axes, part, symbol.on)
    for text in drawn.texts():
        _text(axes, text, size)
    return figure or axes.get_figure()  # type: ignore[return-value]


def _wires(axes: Axes, drawn: Schematic) -> None:
    from matplotlib.patches import Circle

    for segments in drawn.wires.values():
        for a, b in segments:
            axes.plot(*zip(a, b, strict=True), color=WIRE, linewidth=0.9, zorder=1)
    for _, place in drawn.dots:
        axes.add_patch(Circle(place, 0.17, facecolor=WIRE, edgecolor=WIRE, zorder=2))


def draw_shape(axes: Axes, shape: Shape, on: bool) -> None:
    """Draw a part of a symbol, which may be filled while it conducts."""
    from matplotlib.patches import Circle, Polygon

    look: dict[str, Any] = {
        "facecolor": colour_of(shape.fill, on),
        "edgecolor": INK,
        "linewidth": 0.9,
        "zorder": 3,
    }
    if shape.radius:
        axes.add_patch(Circle(shape.points[0], shape.radius, **look))
    elif shape.closed:
        axes.add_patch(Polygon(shape.points, **look))
    else:
        axes.plot(*zip(*shape.points, strict=True), color=INK, linewidth=0.9, zorder=3)


def _text(axes: Axes, text: Text, size: float) -> None:
    axes.text(
        *text.place, text.text, fontsize=size, color=COLOURS[text.kind], ha=text.align,
        va="center_baseline", zorder=4, parse_math=False,
    )  # fmt: skip
