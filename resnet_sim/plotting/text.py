"""Charts as text, for terminals; needs no matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ..arrays import Floats
from ..model.display import printable
from .charts import Axis, Panel, telling

WIDTH, HEIGHT = 80, 18
#: one sign a curve; a place that several pass has the sign of the last
SIGNS = "*o+x#@%&=$"
MARK = "^"


def plot_text(panels: Sequence[Panel], width: int = WIDTH) -> str:
    """Return charts as text, `width` characters wide.

    Examples
    --------
    >>> from resnet_sim.plotting.results import panels_of
    >>> op = rs.solve(rs.parse_netlist("divider\\nV1 in 0 4\\nR1 in out 1k\\nR2 out 0 1k"))
    >>> print(plot_text(panels_of(op, ["v(in)", "v(out)"]), 30))
    divider
    <BLANKLINE>
    v(in)  |############### 4 V
    v(out) |#######         2 V
    """
    blocks, title = [], ""
    for panel in panels:
        if panel.title != title:
            title = panel.title
            blocks.append(printable(title))
        draw = {"lines": _lines, "bars": _bars, "histogram": _histogram}[panel.kind]
        blocks.append("\n".join([*draw(panel, max(width, 30)), *map(str, panel.notes)]))
    return "\n\n".join(blocks)


# ---- curves ----


def _lines(panel: Panel, width: int) -> list[str]:
    """Return a frame with curves, and a line for each sign."""
    xs = np.concatenate([curve.x for curve in panel.curves])
    ys = np.concatenate([curve.y for curve in panel.curves])
    ys = ys[np.isfinite(ys)]
    if not len(ys):
        return [f"{panel.y.label}: no point has a value"]
    bottom, top = _range(ys)
    left, right = _range(_scaled(xs[np.isfinite(xs)], panel.x))
    ticks = {0: top, HEIGHT // 2: (top + bottom) / 2, HEIGHT - 1: bottom}
    said = {row: panel.y.say(value, telling(bottom, top, 4)) for row, value in ticks.items()}
    margin = max(map(len, said.values())) + 1
    sheet = np.full((HEIGHT, width - margin - 2), " ")

    def cell(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        across = (_scaled(x, panel.x) - left) / (right - left) * (sheet.shape[1] - 1)
        return across, (top - y) / (top - bottom) * (HEIGHT - 1)

    for k, curve in enumerate(panel.curves):
        _stroke(sheet, *cell(curve.x, curve.y), SIGNS[k % len(SIGNS)])
    for mark in panel.marks:
        across, down = cell(np.array([mark.x]), np.array([mark.y]))
        rows = range(HEIGHT) if np.isnan(down[0]) else [round(float(down[0]))]
        for row in rows:
            if 0 <= row < HEIGHT and 0 <= across[0] <= sheet.shape[1] - 1:
                sheet[row, round(float(across[0]))] = MARK if np.isfinite(down[0]) else ":"
    lines = [f"{said.get(k, ''):>{margin}} |{''.join(row)}".rstrip() for k, row in enumerate(sheet)]
    lines += _below(panel.x, left, right, margin, sheet.shape[1])
    lines += [f"  {SIGNS[k % len(SIGNS)]} {c.label}" for k, c in enumerate(panel.curves)]
    return lines + [f"  {MARK if np.isfinite(m.y) else ':'} {m.label}" for m in panel.marks]


def _stroke(
    sheet: np.ndarray[tuple[int, int], np.dtype[np.str_]], x: Floats, y: Floats, sign: str
) -> None:
    """Draw straight lines between points, a gap where one has no value."""
    points = np.column_stack((x, y))
    for point in points[np.isfinite(points).all(axis=1)]:
        sheet[round(float(point[1])), round(float(point[0]))] = sign
    for a, b in pairwise(points):
        if np.isfinite((a, b)).all():
            steps = int(np.abs(b - a).max()) + 1
            for column, row in np.rint(np.linspace(a, b, steps + 1)).astype(int).tolist():
                sheet[row, column] = sign


def _below(axis: Axis, left: float, right: float, margin: int, width: int) -> list[str]:
    """Return the line below a frame, and its ends and its name."""
    digits = 4 if axis.log else telling(left, right, 4)
    ends = [axis.say(10.0**end if axis.log else end, digits) for end in (left, right)]
    room = width - sum(map(len, ends))
    middle = f"{axis.label:^{max(room, 0)}}" if len(axis.label) + 2 <= room else " " * max(room, 1)
    rows = [
        " " * (margin + 1) + "+" + "-" * width,
        " " * (margin + 2) + f"{ends[0]}{middle}{ends[1]}",
    ]
    return rows if len(axis.label) + 2 <= room else [*rows, f"{axis.label:>{margin + width}}"]


def _range(values: Floats) -> tuple[float, float]:
    """Return what an axis spans: never nothing."""
    low, high = float(values.min()), float(values.max())
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        width = 0.5 * abs(low) or 1.0
        return low - width, high + width
    return low, high


def _scaled(values: Floats, axis: Axis) -> Floats:
    return np.log10(values) if axis.log else values


# ---- bars ----


def _bars(panel: Panel, width: int) -> list[str]:
    """Return a bar for each value, from zero to either side."""
    values = np.array([curve.y[0] for curve in panel.curves])
    said = [panel.x.say(v) if np.isfinite(v) else "undefined" for v in values.tolist()]
    names = [curve.label for curve in panel.curves]
    known = np.nan_to_num(values)
    low, high = min(0.0, float(known.min())), max(0.0, float(known.max()))
    margin = max(map(len, names))
    room = max(width - margin - 3 - max(map(len, said)) - 1, 8)
    scale = room / (high - low or 1.0)
    zero = round(-low * scale)
    lines = []
    for name, value, text in zip(names, known.tolist(), said, strict=True):
        end = min(room, round((value - low) * scale))
        bar = " " * min(zero, end) + "#" * abs(end - zero)
        bar = f"{bar:<{zero}}|{''}" if zero and value < 0 else bar
        body = bar if value < 0 or not zero else f"{' ' * zero}|{'#' * (end - zero)}"
        lines.append(f"{name:<{margin}} {'' if zero else '|'}{body:<{room + bool(zero)}} {text}")
    return lines


def _histogram(panel: Panel, width: int) -> list[str]:
    """Return a bar for each interval, with lines where limits lie."""
    counts, edges = panel.bins()
    if len(counts) > HEIGHT:  # a terminal has fewer lines than a picture
        values = panel.curves[0].y
        found = np.histogram(values[np.isfinite(values)], HEIGHT, (edges[0], edges[-1]))
        counts, edges = found[0].astype(float), found[1]
    middles = (edges[:-1] + edges[1:]) / 2
    said = [panel.x.say(x, telling(middles[0], middles[-1], 5)) for x in middles.tolist()]
    margin = max(map(len, said))
    scale = (width - margin - 10) / max(float(counts.max()), 1.0)
    lines = [f"{panel.x.label} ({panel.x.unit})" if panel.x.unit else panel.x.label]
    for k, (text, count) in enumerate(zip(said, counts.tolist(), strict=True)):
        crossed = [x for x in panel.limits or () if edges[k] <= x < edges[k + 1]]
        lines += [f"{panel.x.say(x):>{margin}} +{'-' * 12} limit" for x in crossed]
        bar = "#" * round(count * scale)
        lines.append(f"{text:>{margin}} |{bar} {count:.0f}".rstrip())
    return lines
