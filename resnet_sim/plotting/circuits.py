"""A circuit as a picture: elements as symbols, or resistors as wide as they conduct."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Floats
from ..errors import UsageError
from ..model.circuit import Circuit
from ..workers.atomic_file import replace_file
from .figures import new_figure, picture
from .schematic import schematic
from .schematic.parts import PartMaker
from .schematic.structure import count_parts
from .schematic.svg import to_html, to_svg
from .schematic.symbols import TWO_POLES
from .schematics import draw_schematic, draw_shape

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..results.operating_point import OperatingPoint

#: up to so many elements a schematic has room for all names and values
MOST_SYMBOLS = 60
#: circuits with more elements are no picture but a blot
MOST_ELEMENTS = 5_000
#: of symbols, relative to those of schematics
SIZE = 0.11
#: up to so many nodes the layout is the better and slower one, and there is room for names
FEW = 120

Place = tuple[float, float]


def is_schematic(circuit: Circuit, boxes: bool = False) -> bool:
    """Tell whether a circuit is small enough to be drawn as a schematic."""
    return count_parts(circuit, boxes) <= MOST_SYMBOLS


def draw_circuit(
    circuit: Circuit | OperatingPoint,
    op: OperatingPoint | None = None,
    *,
    boxes: bool = False,
    ax: Axes | None = None,
) -> Figure:
    r"""Draw a circuit: a schematic up to 60 elements, a graph beyond.

    Parameters
    ----------
    circuit : Circuit or OperatingPoint
        An operating point says its circuit, too.
    op : OperatingPoint, optional
        Its voltages and currents are told, and what conducts is red (of several points the first
        counts).  In graphs voltages colour the nodes; those that float stay white.
    boxes : bool
        Subcircuits stay closed: a box each in a schematic.
    ax : matplotlib Axes, optional
        Where to draw; by default a new figure.

    Raises
    ------
    UsageError
        If matplotlib is missing or the circuit is too large to be a picture.

    Examples
    --------
    >>> from resnet_sim import plotting
    >>> circuit = rs.parse_netlist("divider\nV1 in 0 1\nR1 in out 1k\nR2 out 0 1k")
    >>> figure = plotting.draw_circuit(circuit, rs.solve(circuit))
    >>> plotting.save(figure, "divider.png")
    """
    if not isinstance(circuit, Circuit):
        op = circuit
        circuit = op.circuit
    if is_schematic(circuit, boxes):
        return draw_schematic(schematic(circuit, op, boxes=boxes), ax)
    figure, axes = _figure(circuit, ax)
    branches = list(_branches(circuit, op))
    place = _layout(circuit, branches)
    named = len(circuit.nodes) <= FEW
    for branch in branches:
        _draw_branch(axes, branch, place, named)
    _draw_nodes(figure, axes, circuit, place, op)
    return figure


def write_circuit(
    circuit: Circuit, op: OperatingPoint | None, path: str | Path, boxes: bool = False
) -> None:
    """Write the picture of a circuit; the ending of the name says in which format.

    ``.svg`` and ``.html`` of schematics need no matplotlib; a page shows values on hover.
    """
    form = Path(path).suffix[1:].lower()
    if form not in ("svg", "html") or not is_schematic(circuit, boxes):
        figure = draw_circuit(circuit, op, boxes=boxes)
        content = picture(figure, "svg" if form == "html" else form)
    else:
        content = to_svg(schematic(circuit, op, boxes=boxes)).encode()
    if form == "html":
        content = to_html(content.decode(), circuit.title).encode()
    replace_file(Path(path), content)


def draw_conductances(circuit: Circuit) -> Figure:
    """Draw the resistors of a circuit as lines, the stronger the darker and wider.

    The scale is linear, up to the largest conductance.

    Examples
    --------
    >>> from resnet_sim import plotting
    >>> figure = plotting.draw_conductances(rs.generators.grid(3))
    >>> plotting.save(figure, "conductances.png")
    """
    figure, axes = _figure(circuit)
    branches = list(_branches(circuit))
    place = _layout(circuit, branches)
    resistors = circuit.resistors
    with np.errstate(divide="ignore"):
        siemens = dict(zip(resistors.names, 1.0 / resistors.ohms, strict=True))
    finite = [g for g in siemens.values() if np.isfinite(g)]
    largest = max(finite, default=1.0) or 1.0
    for branch in branches:
        if branch.name in siemens:
            share = min(siemens[branch.name] / largest, 1.0)
            path = np.array(list(branch.path(place)))
            axes.plot(
                *path.T, color=str(0.9 * (1.0 - share)), linewidth=0.3 + 3.0 * share, zorder=1
            )
        elif branch.symbol in ("diode", "zener"):
            _draw_branch(axes, branch, place, False)
    axes.set_title(f"largest conductance {largest:.3g} S", fontsize=8)
    _draw_nodes(figure, axes, circuit, place, None)
    return figure


# ---- what is drawn where ----


@dataclass(frozen=True)
class _Branch:
    """An element between two points; each connection to ground is a point of its own."""

    name: str
    p: str
    q: str
    #: which of `TWO_POLES` it is, and whether it conducts
    symbol: str
    on: bool
    #: which of the elements between the same points, from the middle: 0, or ..., -1, 1, ...
    side: float

    def path(self, place: Mapping[str, Place]) -> Iterator[Place]:
        """Yield points from p to q, bent aside where others run in parallel."""
        a, b = np.array(place[self.p]), np.array(place[self.q])
        along = b - a
        # the same side for elements that point the other way
        across = np.array([-along[1], along[0]]) * (1.0 if self.p < self.q else -1.0)
        for t in np.linspace(0.0, 1.0, 2 if self.side == 0 else 13):
            x, y = a + t * along + 0.7 * self.side * t * (1.0 - t) * across
            yield float(x), float(y)


def _branches(circuit: Circuit, op: OperatingPoint | None = None) -> Iterator[_Branch]:
    maker = PartMaker(circuit, op)
    p, q = circuit.terminals
    ends: list[tuple[str, str]] = []
    for k, pair in enumerate(zip(p.tolist(), q.tolist(), strict=True)):
        names = [circuit.nodes[node] if node else f"0#{k}" for node in pair]
        ends.append((names[0], names[1]))
    total = Counter(frozenset(pair) for pair in ends)
    seen: Counter[frozenset[str]] = Counter()
    rows = [(table, row) for table in circuit.tables.values() for row in range(len(table))]
    elements = zip(circuit.element_names, rows, ends, maker.amps.tolist(), strict=True)
    for name, own, pair, amps in elements:
        key = frozenset(pair)
        side = seen[key] - (total[key] - 1) / 2
        seen[key] += 1
        if pair[0] != pair[1]:
            symbol, _, on = maker.look(*own, amps)
            yield _Branch(name, *pair, symbol, on, side)


def _layout(circuit: Circuit, branches: Sequence[_Branch]) -> dict[str, Place]:
    """Return a place for each node and each connection to ground, by networkx."""
    import networkx

    graph: Any = networkx.Graph()
    graph.add_nodes_from(circuit.nodes[1:])
    graph.add_edges_from((branch.p, branch.q) for branch in branches)
    parts = [graph.subgraph(part) for part in networkx.connected_components(graph)]
    place: dict[str, Place] = {}
    left = 0.0
    for part in sorted(parts, key=len, reverse=True):
        few = len(part) <= FEW
        found = networkx.kamada_kawai_layout(part) if few else networkx.spring_layout(part, seed=0)
        spots = len(part) ** 0.5 * np.array([found[node] for node in part])
        spots[:, 0] += left - spots[:, 0].min()
        left = spots[:, 0].max() + 1.0
        place |= {node: (float(x), float(y)) for node, (x, y) in zip(part, spots, strict=True)}
    return place


# ---- drawing ----


def _draw_branch(axes: Axes, branch: _Branch, place: Mapping[str, Place], named: bool) -> None:
    points = np.array(list(branch.path(place)))
    axes.plot(*points.T, color="0.4", linewidth=0.8, zorder=1)
    middle = 0.5 * (points[(len(points) - 1) // 2] + points[len(points) // 2])
    along = points[-1] - points[0]
    x, y = along / max(float(np.hypot(*along)), 1e-12)
    turn = np.array([[x, y], [-y, x]])
    for shape in TWO_POLES[branch.symbol]:
        if all(abs(x) < 2 for x, _ in shape.points):  # the line is there already
            spots = (middle + SIZE * np.array(shape.points) @ turn).tolist()
            moved = replace(shape, points=tuple(map(tuple, spots)), radius=SIZE * shape.radius)
            draw_shape(axes, moved, branch.on)
    if named:
        beside = middle + 0.17 * np.array([-y, x])
        where = float(beside[0]), float(beside[1])
        axes.annotate(branch.name, where, fontsize=6, color="0.3", ha="center", va="center")
    for end, at in ((branch.p, points[0]), (branch.q, points[-1])):
        if end.startswith("0#"):
            _draw_ground(axes, at)


def _draw_ground(axes: Axes, at: Floats) -> None:
    for k, width in enumerate((0.12, 0.08, 0.04)):
        y = at[1] - 0.04 * k
        axes.plot([at[0] - width, at[0] + width], [y, y], color="0.2", linewidth=0.8, zorder=2)


def _draw_nodes(
    figure: Figure,
    axes: Axes,
    circuit: Circuit,
    place: Mapping[str, Place],
    op: OperatingPoint | None,
) -> None:
    names = circuit.nodes[1:]
    if not names:
        return
    spots = np.array([place[name] for name in names])
    few = len(circuit.nodes) <= FEW
    style: dict[str, Any] = {"s": 25 if few else 8, "zorder": 3, "linewidths": 0.6}
    axes.scatter(
        *spots.T, facecolors="black" if op is None else "white", edgecolors="black", **style
    )
    if op is not None:
        volts = op.node_voltages.reshape(-1, len(circuit.nodes))[0, 1:]
        known = np.isfinite(volts)
        if known.any():
            x, y = spots[known].T
            dots = axes.scatter(x, y, c=volts[known], cmap="coolwarm", edgecolors="black", **style)
            figure.colorbar(dots, ax=axes, label="V", shrink=0.6)
    if few:
        for name, (x, y) in zip(names, spots.tolist(), strict=True):
            axes.annotate(name, (x, y), (4, 4), textcoords="offset points", fontsize=7)


def _figure(circuit: Circuit, ax: Axes | None = None) -> tuple[Figure, Axes]:
    """Return an empty picture of a size that suits a circuit, or where it is to be drawn."""
    if circuit.n_elements > MOST_ELEMENTS:
        raise UsageError(
            f"{circuit.n_elements} elements are too many for a picture; "
            f"{MOST_ELEMENTS} are the most"
        )
    side = min(3.0 + 1.1 * len(circuit.nodes) ** 0.5, 24.0)
    figure: Any = new_figure(side, side) if ax is None else ax.get_figure()
    axes = figure.add_subplot() if ax is None else ax
    axes.set_aspect("equal")
    axes.set_axis_off()
    axes.set_title(circuit.title, fontsize=9)
    return figure, axes
