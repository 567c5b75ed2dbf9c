"""Supply nets and their drops: what the engineers of power grids ask of a solution."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..errors import UsageError
from ..graph.graphs import components
from ..model.circuit import Circuit
from ..model.names import whole
from ..results.operating_point import OperatingPoint

_PLACE = re.compile(r"(.*)_(-?\d+)_(-?\d+)", re.DOTALL)


def place_in(name: str) -> tuple[str, int, int] | None:
    """Return layer, x and y of a node called ``layer_x_y``; None if the name has no place.

    The layer is all that stands before: ``n1`` in the decks of IBM, ``n1_m4`` in those of ICCAD.

    Examples
    --------
    >>> place_in("n1_m4_108000_62400"), place_in("pad_3")
    (('n1_m4', 108000, 62400), None)
    """
    found = _PLACE.fullmatch(name)
    return (found[1], int(found[2]), int(found[3])) if found else None


@dataclass(frozen=True, repr=False)
class SupplyNet:
    """A net and how far its nodes are from the voltage of its supply.

    Attributes
    ----------
    volts : float
        Of its supply, V; 0 for a net of ground.
    sources : tuple of str
        The voltage sources between the net and ground.
    names : tuple of str
        Nodes of the net that no source holds, the worst first.
    voltages, drops : ndarray, shape (len(names),)
        V; how much smaller than that of the supply a node's voltage is, in the direction of
        ground; in a net of ground the voltage itself (bounce).
    size : int
        How many nodes the net has that no source holds, `names` or not.

    Examples
    --------
    >>> op = rs.solve("load\\nVdd pad 0 1\\nR1 pad n1_0_0 1\\nR2 n1_0_0 n1_5_0 1\\nI1 n1_5_0 0 1m")
    >>> (net,) = rs.supply_nets(op)
    >>> net.names, net.sources
    (('n1_5_0', 'n1_0_0'), ('vdd',))
    >>> net.places[0], round(float(net.drops[0]), 9)
    (('n1', 5, 0), 0.002)
    """

    volts: float
    sources: tuple[str, ...]
    names: tuple[str, ...]
    voltages: Floats
    drops: Floats
    size: int

    @cached_property
    def places(self) -> tuple[tuple[str, int, int] | None, ...]:
        """Layer, x and y of each node, as far as names tell them."""
        return tuple(map(place_in, self.names))

    def __repr__(self) -> str:
        head = f"{self.volts:g} V at {self.sources[0]}, {self.size} nodes"
        return f"<SupplyNet {head}: worst {self.names[0]}, {self.drops[0]:.4g} V>"


def supply_nets(op: OperatingPoint, worst: int | None = None) -> list[SupplyNet]:
    r"""Return the supply nets of a circuit, the one with the largest drop first.

    A net is what resistors and shorts (inductors, closed switches, sources of 0 V) connect
    without passing through ground.  It is a supply net if an independent voltage source joins it
    to ground; of several, the one of the largest magnitude says what its voltage should be.

    Parameters
    ----------
    op : OperatingPoint
        Of a single point.
    worst : int, optional
        So many nodes of each net; by default all.

    Raises
    ------
    UsageError
        If there are several points.

    Examples
    --------
    >>> op = rs.solve(rs.generators.power_grid(10, 10, pads=4))
    >>> [(net.volts, len(net.sources), net.size) for net in rs.supply_nets(op)]
    [(1.8, 4, 200), (0.0, 4, 200)]
    """
    if not isinstance(op, OperatingPoint):
        raise UsageError(f"drops are those of a result of rs.solve, not of {type(op).__name__}")
    worst = worst if worst is None else whole(worst, "worst", 1)
    if op.node_voltages.ndim > 1:
        raise UsageError("drops are those of one operating point, not of a sweep")
    circuit = op.circuit
    n = len(circuit.nodes)
    _, label = components(n, *_joints(circuit, np.asarray(op.closed, dtype=np.bool_)))
    table = circuit.voltage_sources
    grounded = np.flatnonzero((table.p == 0) != (table.q == 0))
    ends = (table.p + table.q)[grounded]
    signed = np.where(table.q == 0, table.volts, -table.volts)[grounded]
    by_size = np.argsort(-np.abs(signed), kind="stable")
    nominal = np.full(n, np.nan)
    nominal[label[ends[by_size[::-1]]]] = signed[by_size[::-1]]  # the largest is written last
    supply = nominal[label]
    drops = np.where(supply < 0, -1.0, 1.0) * (supply - op.node_voltages)
    drops = np.where(supply == 0, op.node_voltages, drops)
    free = np.isfinite(drops)
    free[0] = False
    free[ends] = False
    rows = np.flatnonzero(free)
    rows = rows[np.argsort(-drops[rows], kind="stable")]
    return [
        SupplyNet(
            volts=float(nominal[label[own[0]]]),
            sources=tuple(table.names[k] for k in grounded[label[ends] == label[own[0]]].tolist()),
            names=tuple(circuit.nodes[k] for k in own[:worst].tolist()),
            voltages=op.node_voltages[own[:worst]],
            drops=drops[own[:worst]],
            size=len(own),
        )
        for own in _by_label(rows, label)
    ]


def _joints(circuit: Circuit, closed: Bools) -> tuple[Ints, Ints]:
    """Return the ends of what joins nodes to nets, shape (joints,) each; ground joins nothing."""
    resistors, sources, switches = circuit.resistors, circuit.voltage_sources, circuit.switches
    kept = (
        (resistors, np.isfinite(resistors.ohms)),
        (sources, sources.volts == 0),
        (circuit.inductors, np.ones(len(circuit.inductors), dtype=np.bool_)),
        (switches, closed),
    )
    p = np.concatenate([table.p[which] for table, which in kept])
    q = np.concatenate([table.q[which] for table, which in kept])
    apart = (p != 0) & (q != 0)
    return p[apart], q[apart]


def _by_label(rows: Ints, label: Ints) -> Sequence[Ints]:
    """Split nodes, the worst first, into those of each net; the worst net comes first."""
    if not len(rows):
        return []
    together = rows[np.argsort(label[rows], kind="stable")]
    nets = np.split(together, np.flatnonzero(np.diff(label[together])) + 1)
    rank = np.empty(len(label), dtype=np.int64)
    rank[rows] = np.arange(len(rows))
    return sorted(nets, key=lambda own: int(rank[own[0]]))
