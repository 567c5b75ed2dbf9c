"""From circuit to coordinates: ideal sources and shorts out, what is left in order.

With the switches in given states a circuit consists of

- *ties*, which fix a voltage: sources V, L, 0-ohm resistors, closed ideal switches, and
  controlled voltage sources;
- *conductors*, ``i = g v``;
- *rectifiers*, ``i >= 0``, ``v - r i <= drop``, complementary;
- *injections*: current sources, controlled or not.

A spanning forest of the ties leaves one coordinate per tree; the tree of ground has
none.  Every node's voltage is ``scale * x[coordinate] + offset``.  `Reduction` holds
this, and finds in which order the connected parts can be solved.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .circuit import Circuit
from .elements import Bools, Floats, Ints
from .graphs import Forest, components, spanning_forest


@dataclass(frozen=True)
class Branches:
    """Parts of elements that share a law; a row belongs to an element.

    `value` is the volts of a tie, the siemens of a conductor, the amps of an injection,
    the drop of a rectifier; `source` is the row of the controlled source that sets it, -1
    if none does.  The current of row k counts `sign` times into that of its element.
    """

    element: Ints
    p: Ints
    q: Ints
    value: Floats
    source: Ints
    sign: Floats
    resistance: Floats

    def __len__(self) -> int:
        return len(self.element)


class _Rows:
    """Collects rows of `Branches`."""

    def __init__(self) -> None:
        self.parts: list[tuple[Any, ...]] = []

    def add(
        self,
        element: Ints,
        p: Ints,
        q: Ints,
        value: Floats,
        source: Ints | None = None,
        sign: float = 1.0,
        resistance: Floats | None = None,
    ) -> None:
        if not len(element):
            return
        shape = element.shape  # constants take no memory in large circuits
        source = np.broadcast_to(-1, shape) if source is None else source
        resistance = np.broadcast_to(0.0, shape) if resistance is None else resistance
        signs = np.broadcast_to(sign, shape)
        self.parts.append((element, p, q, value, source, signs, resistance))

    def done(self) -> Branches:
        if not self.parts:
            none = np.zeros(0, dtype=np.int64)
            return Branches(none, none, none, np.zeros(0), none, np.zeros(0), np.zeros(0))
        if len(self.parts) == 1:
            return Branches(*self.parts[0])
        return Branches(*(np.concatenate(column) for column in zip(*self.parts, strict=True)))


def decompose(circuit: Circuit, closed: Bools) -> tuple[Branches, Branches, Branches, Branches]:
    """Split every element into ties, conductors, rectifiers and injections.

    Ties come in the order in which trees prefer them.
    """
    ties, conductors, rectifiers, injections = _Rows(), _Rows(), _Rows(), _Rows()
    first = circuit.first

    volts = circuit.voltage_sources
    ties.add(first["voltage_sources"] + np.arange(len(volts)), volts.p, volts.q, volts.volts)
    controlled = circuit.controlled_sources
    rows = np.flatnonzero(controlled.is_voltage)
    number = first["controlled_sources"] + rows
    ties.add(number, controlled.p[rows], controlled.q[rows], controlled.constant[rows], rows)
    rows = np.flatnonzero(~controlled.is_voltage)
    number = first["controlled_sources"] + rows
    injections.add(number, controlled.p[rows], controlled.q[rows], controlled.constant[rows], rows)
    amps = circuit.current_sources
    injections.add(first["current_sources"] + np.arange(len(amps)), amps.p, amps.q, amps.amps)

    coils = circuit.inductors
    number = first["inductors"] + np.arange(len(coils))
    ties.add(number, coils.p, coils.q, np.zeros(len(coils)))
    table = circuit.resistors
    _linear(ties, conductors, np.arange(len(table)), table.p, table.q, table.ohms)
    crossbars = circuit.crossbars
    if crossbars.devices:
        some = np.flatnonzero(crossbars.siemens)
        number = first["crossbars"] + some
        conductors.add(number, crossbars.p[some], crossbars.q[some], crossbars.siemens[some])
    switches = circuit.switches
    number = first["switches"] + np.arange(len(switches))
    ohms = np.where(closed, switches.r_on, switches.r_off)
    _linear(ties, conductors, number, switches.p, switches.q, ohms)
    _rectify(circuit, conductors, rectifiers)
    return ties.done(), conductors.done(), rectifiers.done(), injections.done()


def _linear(ties: _Rows, conductors: _Rows, number: Ints, p: Ints, q: Ints, ohms: Floats) -> None:
    """Add resistances: zero is a tie, infinity nothing."""
    short = ohms == 0
    some = ~short & np.isfinite(ohms)
    if some.all():
        conductors.add(number, p, q, 1.0 / ohms)
        return
    ties.add(number[short], p[short], q[short], np.zeros(int(short.sum())))
    conductors.add(number[some], p[some], q[some], 1.0 / ohms[some])


def _rectify(circuit: Circuit, conductors: _Rows, rectifiers: _Rows) -> None:
    """Add diodes: the slope between the knees, and what is beyond each knee on top of it."""
    table = circuit.diodes
    number = circuit.first["diodes"] + np.arange(len(table))
    leak = 1.0 / table.r_off
    leaky = leak > 0
    conductors.add(number[leaky], table.p[leaky], table.q[leaky], leak[leaky])
    for on, drop, p, q, sign in (
        (table.r_on, table.v_forward, table.p, table.q, 1.0),
        (table.r_reverse, table.v_reverse, table.q, table.p, -1.0),
    ):
        bends = (on < table.r_off) & np.isfinite(drop)
        # beyond the knee the slope is 1/on in all, of which 1/r_off is there already
        beyond = on[bends] / (1.0 - on[bends] * leak[bends])
        columns = (number[bends], p[bends], q[bends], drop[bends])
        rectifiers.add(*columns, sign=sign, resistance=beyond)


@dataclass(frozen=True)
class Reduction:
    """Coordinates of a circuit whose switches have given states.

    Attributes
    ----------
    closed : ndarray of bool, shape (n_switches,)
    ties, conductors, rectifiers, injections : Branches
    forest : Forest
        Spanning forest of the nodes by ties; tree 0 is ground's.
    coordinate : ndarray of int, shape (n_nodes,)
        Coordinate that a node's voltage depends on: its tree of the forest, or what an
        amplifier puts there instead; 0 for none.
    scale : ndarray of float, shape (n_nodes,)
        Voltage of a node per unit of its coordinate.
    part : ndarray of int, shape (n_coordinates,)
        Connected part of each coordinate; -1 for coordinate 0.
    n_parts : int
    pairs : tuple of Pair
        Amplifiers that make the circuit reciprocal after scaling; see `amplifiers`.
    """

    circuit: Circuit
    closed: Bools
    ties: Branches
    conductors: Branches
    rectifiers: Branches
    injections: Branches
    forest: Forest
    coordinate: Ints
    scale: Floats
    part: Ints
    n_parts: int
    pairs: tuple[Pair, ...] = ()

    @cached_property
    def above(self) -> Ints:
        """Controlled source of the nearest controlled tie between node and root, -1 if none."""
        source = np.full(len(self.coordinate), -1)
        if not (self.ties.source >= 0).any():
            return source
        for node in self.forest.order:
            edge = self.forest.edge[node]
            if edge >= 0:
                own = self.ties.source[edge]
                source[node] = own if own >= 0 else source[self.forest.parent[node]]
        return source

    @cached_property
    def _preorder(self) -> tuple[Ints, Ints, Ints]:
        """Nodes so that every subtree is contiguous; place and subtree size of each node."""
        forest = self.forest
        size = forest.subtree_sums(np.ones(len(forest.order))).astype(np.int64)
        place = np.zeros(len(size), dtype=np.int64)
        free = np.zeros(len(size), dtype=np.int64)  # next free place among a node's children
        next_root = 0
        for node in forest.order.tolist():
            parent = forest.parent[node]
            if parent < 0:
                place[node] = next_root
                next_root += size[node]
            else:
                place[node] = free[parent]
                free[parent] += size[node]
            free[node] = place[node] + 1
        nodes = np.empty(len(size), dtype=np.int64)
        nodes[place] = np.arange(len(size))
        return nodes, place, size

    def nodes_below(self, tie: int) -> Ints:
        """Return the nodes that are separated from their root by a tie of the forest."""
        nodes, place, size = self._preorder
        p, q = int(self.ties.p[tie]), int(self.ties.q[tie])
        top = p if self.forest.edge[p] == tie else q
        return nodes[place[top] : place[top] + size[top]]

    def below(self, tie: int) -> Bools:
        """Tell which nodes are separated from their root by a tie of the forest."""
        side = np.zeros(len(self.coordinate), dtype=np.bool_)
        side[self.nodes_below(tie)] = True
        return side

    @cached_property
    def tie_of(self) -> dict[int, int]:
        """The tie of each element that is one."""
        return {element: tie for tie, element in enumerate(self.ties.element.tolist())}

    @cached_property
    def ties_at(self) -> dict[int, list[int]]:
        """Ties at each node that has any."""
        found: dict[int, list[int]] = {}
        for tie, ends in enumerate(zip(self.ties.p.tolist(), self.ties.q.tolist(), strict=True)):
            for node in set(ends):
                found.setdefault(node, []).append(tie)
        return found

    def path(self, p: int, q: int) -> list[int]:
        """Return the ties that lead from one node of a tree to another."""
        forest = self.forest
        up: dict[int, list[int]] = {}
        trail: list[int] = []
        node = p
        while node not in up:
            up[node] = list(trail)
            if forest.parent[node] >= 0:
                trail.append(int(forest.edge[node]))
                node = int(forest.parent[node])
        down: list[int] = []
        node = q
        while node not in up:
            down.append(int(forest.edge[node]))
            node = int(forest.parent[node])
        return up[node] + down[::-1]

    def branch_parts(self, branches: Branches) -> Ints:
        """Return the part that each branch belongs to; -1 if both its voltages are given.

        Branches between nodes of one coordinate belong to none either.
        """
        a, b = self.coordinate[branches.p], self.coordinate[branches.q]
        parts = np.maximum(self.part[a], self.part[b])
        return np.where(a == b, -1, parts)

    def branch_scale(self, branches: Branches, rows: Ints) -> Floats:
        """Return the scale of branches; nodes without coordinate take that of the other end."""
        if not self.pairs:
            return np.broadcast_to(1.0, rows.shape)
        p, q = branches.p[rows], branches.q[rows]
        return np.where(self.coordinate[p] != 0, self.scale[p], self.scale[q])


@dataclass(frozen=True)
class Pair:
    """Amplifier that is reciprocal after scaling.

    Rows of ``circuit.controlled_sources``, the controlling node, the forward source's gain,
    the nodes whose voltage is the amplifier's output plus a constant, and what that output
    is per volt of control (the gain, or its negative if the source stands upside down).
    """

    forward: int
    backward: int
    control: int
    gain: float
    outputs: Ints
    ratio: float


def reduce(circuit: Circuit, closed: Bools) -> Reduction:
    """Find the coordinates of a circuit whose switches are `closed` or not.

    Controlled sources are all taken as one-way; see `amplifiers.scale_pairs`.
    """
    ties, conductors, rectifiers, injections = decompose(circuit, closed)
    n = len(circuit.nodes)
    forest = spanning_forest(n, ties.p, ties.q, ties.value)
    coordinate, scale = forest.label, np.ones(n)
    part, n_parts = connect(forest.count, coordinate, (conductors, rectifiers))
    return Reduction(
        circuit, closed, ties, conductors, rectifiers, injections,
        forest, coordinate, scale, part, n_parts,
    )  # fmt: skip


def connect(count: int, coordinate: Ints, kinds: tuple[Branches, ...]) -> tuple[Ints, int]:
    """Return the connected part of each coordinate, -1 for coordinate 0, and their number."""
    p = np.concatenate([coordinate[kind.p] for kind in kinds])
    q = np.concatenate([coordinate[kind.q] for kind in kinds])
    inner = (p != 0) & (q != 0)
    n_parts, part = components(count, p[inner], q[inner])
    return part - 1, n_parts - 1
