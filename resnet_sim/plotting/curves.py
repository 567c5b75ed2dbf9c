"""Charts drawn with matplotlib: curves of sweeps, histograms of samples, bars of one point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import UsageError
from ..results.operating_point import OperatingPoint
from .charts import Axis, Panel, metric, telling
from .figures import new_figure
from .results import Limits, panels_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: so many curves have names of their own in a legend
MOST_NAMED = 12
WIDTH, HEIGHT = 6.4, 3.6  # inches, of one chart


def plot(
    op: OperatingPoint,
    outputs: Sequence[str] = (),
    *,
    against: str = "",
    limits: Limits | None = None,
    ax: Axes | None = None,
) -> Figure:
    r"""Draw a result: curves of a sweep, histograms of samples, bars of an operating point.

    Parameters
    ----------
    op : OperatingPoint
    outputs : sequence of str
        Such as ``v(out)``, ``v(a,b)``, ``i(r1)``, ``p(r1)``; by default what ``.plot`` or
        ``.print`` names, or else the voltages that vary.
    against : str
        An output for the horizontal axis, in place of the swept quantity: a transfer curve.
    limits : mapping of str to (float, float), optional
        Between which values (V, A, W) samples of an output are good; the yield is told.
    ax : matplotlib Axes, optional
        Where to draw a single chart; by default a new figure has as many as are needed.

    Returns
    -------
    Figure
        A chart for each unit; what `measure` finds is marked.

    Raises
    ------
    UsageError
        If matplotlib is missing, an output is unknown, or `ax` can't hold all charts.

    Examples
    --------
    >>> from resnet_sim import plotting
    >>> clamp = "clamp\nV1 a 0 1\nR1 a b 1k\nD1 b 0\n"
    >>> figure = plotting.plot(rs.sweep(clamp, v1=[-1, 0, 1], r1=[1e3, 2e3]), ["i(d1)"])
    >>> [line.get_label() for line in figure.axes[0].lines]
    ['r1 = 1 kΩ', 'r1 = 2 kΩ']
    """
    return draw_panels(panels_of(op, outputs, against, limits), ax)


def draw_panels(panels: Sequence[Panel], ax: Axes | None = None) -> Figure:
    """Draw charts one below the other, or a single one into given axes."""
    if ax is not None:
        if len(panels) != 1:
            raise UsageError(f"{len(panels)} charts are needed: name outputs of one unit, or no ax")
        _draw(ax, panels[0])
        figure: Any = ax.get_figure()
        return figure
    heights = [_height(panel) for panel in panels]
    figure = new_figure(WIDTH, sum(heights))
    grid = figure.subplots(len(panels), 1, squeeze=False, gridspec_kw={"height_ratios": heights})
    titles = [panel.title for panel in panels]
    for k, (axes, panel) in enumerate(zip(grid[:, 0], panels, strict=True)):
        _draw(axes, replace(panel, title="") if titles[k] in titles[:k] else panel)
    return figure


def _height(panel: Panel) -> float:
    """Return the height of a chart in inches."""
    return 0.9 + 0.22 * len(panel.curves) if panel.kind == "bars" else HEIGHT


def _draw(axes: Axes, panel: Panel) -> None:
    {"lines": _lines, "bars": _bars, "histogram": _histogram}[panel.kind](axes, panel)
    _label(axes.xaxis, panel.x)
    if panel.y.label:
        _label(axes.yaxis, panel.y)
    title = [panel.title, *([", ".join(panel.notes)] if panel.notes else [])]
    axes.set_title("\n".join(filter(None, title)), fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)


def _label(side: Any, axis: Axis) -> None:
    """Name an axis; its numbers share one metric prefix, which stands with the unit."""
    from matplotlib.ticker import EngFormatter, FuncFormatter

    unit = axis.unit
    if axis.log:
        side.set_major_formatter(EngFormatter(sep=" "))
    elif unit and unit != "°C":
        low, high = side.get_view_interval().tolist()
        scale, prefix = metric(max(abs(low), abs(high)))
        unit, digits = prefix + unit, telling(low, high, 6)
        side.set_major_formatter(FuncFormatter(lambda value, _: f"{value / scale:.{digits}g}"))
    side.set_label_text(f"{axis.label} ({unit})" if unit else axis.label)


def _lines(axes: Axes, panel: Panel) -> None:
    import matplotlib

    families = sorted({curve.family for curve in panel.curves})
    members = {k: [c for c in panel.curves if c.family == k] for k in families}
    shades = matplotlib.colormaps["viridis"]
    for family, curves in members.items():
        for k, curve in enumerate(curves):
            share = k / max(len(curves) - 1, 1)
            alone = len(families) == 1 and len(curves) > 1
            colour = shades(0.9 * share) if alone else f"C{family % 10}"
            alpha = 1.0 if alone or len(curves) == 1 else 1.0 - 0.7 * share
            few = np.isfinite(curve.y).sum() <= 30
            axes.plot(
                curve.x, curve.y, label=curve.label, color=colour, alpha=alpha, linewidth=1.4,
                marker="o" if few else "", markersize=2.5,
            )  # fmt: skip
    if panel.x.log:
        axes.set_xscale("log")
    for mark in panel.marks:
        _mark(axes, mark.label, mark.x, mark.y)
    if len(panel.curves) > 1:
        shown = axes.lines[: len(panel.curves)]
        step = -(-len(shown) // MOST_NAMED)
        axes.legend(handles=shown[::step], fontsize=7, frameon=False)
    elif panel.curves and panel.curves[0].label != panel.y.label:
        axes.legend(fontsize=7, frameon=False)


def _mark(axes: Axes, label: str, x: float, y: float) -> None:
    """Mark a place on a curve, or a value of x alone."""
    left = x <= sum(axes.get_xlim()) / 2
    place, side = (6 if left else -6, 6), "left" if left else "right"
    if np.isfinite(y):
        axes.plot([x], [y], "D", color="tab:red", markersize=4, label=f"_{label}")
        low = y <= sum(axes.get_ylim()) / 2
        axes.annotate(
            label, (x, y), (place[0], 6 if low else -12), textcoords="offset points",
            fontsize=7, color="tab:red", ha=side,
        )  # fmt: skip
    else:
        axes.axvline(x, color="tab:red", linewidth=0.8, linestyle="--", label=f"_{label}")
        where: Any = (x, 0.02)
        axes.annotate(
            label, where, (place[0], 2), xycoords=axes.get_xaxis_transform(),
            textcoords="offset points", fontsize=7, color="tab:red", ha=side,
        )  # fmt: skip


def _histogram(axes: Axes, panel: Panel) -> None:
    counts, edges = panel.bins()
    axes.stairs(counts, edges, fill=True, color="C0", alpha=0.7)
    axes.set_ylim(bottom=0)
    for limit in panel.limits or ():
        if np.isfinite(limit):
            axes.axvline(limit, color="tab:red", linewidth=1.0, linestyle="--")


def _bars(axes: Axes, panel: Panel) -> None:
    values = [float(curve.y[0]) for curve in panel.curves]
    places = np.arange(len(values))
    bars = axes.barh(places, np.nan_to_num(values), height=0.6, color="C0")
    axes.set_yticks(places, [curve.label for curve in panel.curves], fontsize=8)
    axes.set_ylim(len(values) - 0.4, -0.6)
    said = [panel.x.say(value) if np.isfinite(value) else "undefined" for value in values]
    axes.bar_label(bars, said, fontsize=7, padding=3)
    axes.margins(x=0.18)
    axes.axvline(0.0, color="0.3", linewidth=0.8)
