"""Maps of supply nets: how far each place is from the voltage of the supply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..analyses.supply import SupplyNet, supply_nets
from ..arrays import Floats
from ..errors import UsageError
from ..results.operating_point import OperatingPoint
from .charts import Axis, metric
from .figures import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 5.4, 4.4  # inches, of one map
#: so many nets are drawn
MOST_NETS = 6
#: edge of the squares of a net, in points, at the least and at the most
_SMALLEST, _LARGEST = 0.8, 40.0
_SIDE = 72 * 3.4  # of the axes in points, roughly
_OVERLAP = 0.7  # of squares in points: rounded to pixels they would leave lines between them


def draw_drops(op: OperatingPoint) -> Figure:
    r"""Draw a map of the drop, or the bounce of ground, for each supply net.

    Nodes stand where their names say, ``n1_x_y`` or ``n1_m4_x_y``; of several layers at one
    place the worst is seen.  A cross marks the worst node.

    Parameters
    ----------
    op : OperatingPoint
        Of a single point.

    Raises
    ------
    UsageError
        If matplotlib is missing, there are several points, or no supply net has nodes with
        coordinates in their names.

    Examples
    --------
    >>> from resnet_sim import plotting
    >>> op = rs.solve(rs.generators.power_grid(10, 10, pads=4))
    >>> [axes.get_title() for axes in plotting.draw_drops(op).axes[:2]]
    ['1.8 V: drop up to 1.7 mV at nd1_9_5', 'ground: bounce up to 1.5 mV at ng1_9_1']
    """
    placed = [net for net in supply_nets(op) if any(net.places)][:MOST_NETS]
    if not placed:
        raise UsageError(
            "no net at a voltage source has nodes with coordinates in their names, as in n1_x_y"
        )
    figure = new_figure(WIDTH * len(placed), HEIGHT)
    grid = figure.subplots(1, len(placed), squeeze=False)
    if op.circuit.title:
        figure.suptitle(op.circuit.title, fontsize=9)
    for axes, net in zip(grid[0], placed, strict=True):
        _draw(axes, net)
    return figure


def _draw(axes: Axes, net: SupplyNet) -> None:
    known = [(place[1], place[2], k) for k, place in enumerate(net.places) if place]
    x, y, rows = (np.array(column) for column in zip(*known, strict=True))
    drops = net.drops[rows]
    edge = _edge(x, y)
    scale, prefix = metric(float(np.abs(drops).max()))
    # the worst node comes first, and must be drawn last
    dots = axes.scatter(
        x[::-1], y[::-1], s=edge**2, c=drops[::-1] / scale, marker="s", cmap="inferno_r",
        linewidths=0, rasterized=True,
    )  # fmt: skip
    axes.plot(x[:1], y[:1], "x", color="tab:cyan", markersize=9, markeredgewidth=2)
    axes.set_aspect("equal")
    axes.margins(0.03 + 0.7 * edge / _SIDE)
    axes.set_xlabel("x")
    axes.set_ylabel("y")
    what, name = ("drop", f"{net.volts:g} V") if net.volts else ("bounce", "ground")
    worst = Axis("", "V").say(float(drops[0]), 2)
    axes.set_title(f"{name}: {what} up to {worst} at {net.names[rows[0]]}", fontsize=9)
    figure: Any = axes.get_figure()
    figure.colorbar(dots, ax=axes, label=f"{what} ({prefix}V)")


def _edge(x: Floats, y: Floats) -> float:
    """Return the edge of a square, in points, so that those of a full grid just touch."""
    extent = max(np.ptp(x), np.ptp(y)) or 1
    across = max(len(np.unique(x)), len(np.unique(y)))
    area = _SIDE**2 * max(np.ptp(x) / extent, 1 / across) * max(np.ptp(y) / extent, 1 / across)
    places = len(np.unique(np.column_stack((x, y)), axis=0))
    return float(np.clip(np.sqrt(area / places) + _OVERLAP, _SMALLEST, _LARGEST))
