"""From branches to coordinates: ideal sources and shorts out, what is left in order.

A spanning forest of the ties leaves one coordinate per tree; the tree of ground has
none.  Every node's voltage is ``scale * x[coordinate] + offset``.  `Reduction` holds
this, and finds in which order the connected parts can be solved.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..arrays import Bools, Floats, Ints, repeated
from ..graph.forests import Forest, spanning_forest
from ..graph.graphs import components
from ..model.circuit import Circuit
from .branches import (
    Branches,
    Conductors,
    Controls,
    Curves,
    Injections,
    Laws,
    Rectifiers,
    Ties,
    decompose,
)
from .reciprocal import merged


@dataclass(frozen=True, eq=False)
class Reduction:
    """Coordinates of a circuit whose switches have given states.

    Nodes within devices come after those of the circuit and count as nodes here.

    Attributes
    ----------
    closed : ndarray of bool, shape (n_switches,)
    ties, conductors, rectifiers, injections, curves, laws : Ties, Conductors, ...
    controls : Controls
        What sets the values of some ties and injections.
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
    ties: Ties
    conductors: Conductors
    rectifiers: Rectifiers
    injections: Injections
    curves: Curves
    laws: Laws
    controls: Controls
    forest: Forest
    coordinate: Ints
    scale: Floats
    part: Ints
    n_parts: int
    pairs: tuple[Pair, ...] = ()

    @property
    def joining(self) -> tuple[Branches, ...]:
        """The branches whose currents depend on their voltages; they make parts of coordinates."""
        return self.conductors, self.rectifiers, self.curves

    @cached_property
    def above(self) -> Ints:
        """Control of the nearest controlled tie between node and root, -1 if none."""
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
    def pieces(self) -> npt.NDArray[np.int32]:
        """The number of joining branches, laws and controls of each element."""
        kinds: tuple[Branches | Controls, ...] = (*self.joining, self.laws, self.controls)
        element = np.concatenate([kind.element for kind in kinds])
        return np.bincount(element, minlength=self.circuit.n_elements).astype(np.int32)

    def moved(self, sources: Bools) -> Bools:
        """Tell which nodes' offsets depend on some of the controls, shape (n_nodes,)."""
        if not sources.any():
            return np.zeros(len(self.coordinate), dtype=np.bool_)
        source = self.ties.source
        rise = np.where((source >= 0) & sources[source], np.nan, 0.0)
        return np.asarray(np.isnan(self.forest.offsets(self.ties.p, rise)))

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

    @cached_property
    def law_parts(self) -> Ints:
        """The part of each row of the laws, -1 if all voltages of its device are given."""
        return self.part[self.laws.anchors(self.coordinate)]

    def branch_scale(self, branches: Branches, rows: Ints) -> Floats:
        """Return the scale of branches; nodes without coordinate take that of the other end."""
        if not self.pairs:
            return repeated(1.0, len(rows))
        p, q = branches.p[rows], branches.q[rows]
        return np.where(self.coordinate[p] != 0, self.scale[p], self.scale[q])


class Pair(NamedTuple):
    """Amplifier that is reciprocal after scaling.

    Rows of the controls, the controlling node, the forward source's gain,
    the nodes whose voltage is the amplifier's output plus a constant, and what that output
    is per volt of control (the gain, or its negative if the source stands upside down), and what
    the backward source draws per ampere of that output: the inverse of the ratio, or nearly so.
    """

    forward: int
    backward: int
    control: int
    gain: float
    outputs: Ints
    ratio: float
    drawn: float


def reduce(circuit: Circuit, closed: Bools) -> Reduction:
    """Find the coordinates of a circuit whose switches are `closed` or not.

    Controlled sources are all taken as one-way; see `amplifiers.scale_pairs`.
    """
    kinds, controls, n = decompose(circuit, closed)
    kinds, controls = merged(kinds, controls)
    ties, conductors, rectifiers, _, curves, laws = kinds
    forest = spanning_forest(n, ties.p, ties.q, ties.volts)
    coordinate, scale = forest.label, np.ones(n)
    part, n_parts = connect(forest.count, coordinate, (conductors, rectifiers, curves), laws)
    return Reduction(
        circuit, closed, *kinds, controls, forest, coordinate, scale, part, n_parts,
    )  # fmt: skip


def connect(
    count: int, coordinate: Ints, kinds: tuple[Branches, ...], laws: Laws
) -> tuple[Ints, int]:
    """Return the connected part of each coordinate, -1 for coordinate 0, and their number.

    What a law needs to know at once is one part, gates included.
    """
    anchor = laws.anchors(coordinate)
    p = np.concatenate([*(coordinate[kind.p] for kind in (*kinds, laws)), anchor])
    q = np.concatenate([*(coordinate[kind.q] for kind in kinds), anchor, coordinate[laws.q]])
    inner = (p != 0) & (q != 0)
    n_parts, part = components(count, p[inner], q[inner])
    return part - 1, n_parts - 1
