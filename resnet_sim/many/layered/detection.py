"""Finding layers: free nodes in classes that are joined to their neighbours in a chain.

A crossbar counts as joined throughout, whatever its conductances are; single resistors
make the blocks that they fill well enough.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...arrays import Bools, Floats, Ints
from ...model.circuit import Circuit
from ...model.devices.crossbar import Crossbar, Crossbars
from ...point.plan import Compiled
from ...point.reduction import Reduction
from ..affine_inputs import imposed
from ..trainable import Selection, select
from .assembly import Joint, Singles, block
from .potentials import NotLayered, Potentials
from .structure import Block, Inputs, Layers, Leaks, Units

#: Layers up to which a circuit is taken for a chain of them.
MOST_LAYERS = 32

Output = str | tuple[str, str]
Pairs = tuple[Ints, Ints]


def find_layers(
    circuit: Circuit,
    inputs: Sequence[str],
    outputs: Sequence[Output],
    trainable: str | Sequence[str] | Selection = (),
    biases: Sequence[str] = (),
    *,
    sparse: bool = False,
) -> Layers:
    """Return a circuit as a chain of layers.

    Parameters
    ----------
    circuit : Circuit
        Any circuit.
    inputs : sequence of str
        Voltage sources that are set for each sample; controlled sources that depend on
        them alone make potentials of their own.
    outputs : sequence of str or (str, str)
        Nodes, or pairs whose difference is measured.
    trainable : str, sequence of str, or Selection
        Resistors and crossbars whose conductances are the parameters: names or globs.
    biases : sequence of str
        Current sources that are parameters.
    sparse : bool
        Whether neighbouring layers may have few of their pairs joined.

    Raises
    ------
    NotLayered
        With the reason, if it is none.
    """
    if not isinstance(trainable, Selection):
        trainable = select(circuit, trainable)
    return _Finder(circuit, inputs, trainable, biases, sparse).layers(outputs)


class _Finder:
    """What is known of a circuit while its layers are looked for."""

    def __init__(
        self,
        circuit: Circuit,
        inputs: Sequence[str],
        trainable: Selection,
        biases: Sequence[str],
        sparse: bool,
    ) -> None:
        self.circuit, self.trainable, self.sparse = circuit, trainable, sparse
        self.n_inputs, self.n_biases = len(inputs), len(biases)
        # controls by current would need the numbers of elements, which change without crossbars
        sensed = any(d.amplifies and len(d.controls()[1]) for d in circuit.tables.values())
        if not circuit.switches.fixed.all() or sensed:
            raise NotLayered("switches, or sources that a current controls")
        if circuit.smooth:
            raise NotLayered("smooth laws")
        bare = circuit.with_tables(crossbars=Crossbars())
        compiled = Compiled(bare, bare.switches.closed)
        self.red: Reduction = compiled.reduction
        if self.red.pairs or not self.red.forest.in_tree.all():
            raise NotLayered("amplifiers, or loops of sources")
        sources, one_way = imposed(compiled, (*inputs, *biases))
        if len(one_way):
            raise NotLayered("controlled sources")
        #: coordinate of each node: 0 is given, others are units
        self.coordinate = self.red.coordinate
        self.count = len(self.red.part)
        self.potentials = Potentials.read(sources.offset, self.coordinate)
        self.currents = sources.injection_value.tocoo()
        self.driven: Bools = (self.coordinate == 0) & (self.potentials.column >= 0)
        self.singles, self.joints = self._conductors()

    def _conductors(self) -> tuple[Singles, list[Joint]]:
        """Return single conductors and whole crossbars; those of mixed ends count as single."""
        rows = self.red.conductors
        place = np.append(self.trainable.of_resistors(), -1)
        index = place[np.minimum(rows.element, len(place) - 1)]
        parts = [Singles(rows.p, rows.q, rows.siemens, index)]
        joints = []
        for k, device in enumerate(self.circuit.crossbars.devices):
            if self._is_block(device):
                joints.append(Joint(device, self.trainable.of_crossbar(k)))
            else:
                parts.append(Singles.of_crossbar(device, self.trainable.of_crossbar(k)))
        return Singles.joined(parts), joints

    def _is_block(self, device: Crossbar) -> bool:
        """Tell whether a crossbar joins inputs to units or units to others, each of them once."""
        kinds = []
        for nodes in (device.rows, device.columns):
            own = self.coordinate[nodes]
            free = bool((own > 0).all()) and len(np.unique(own)) == len(own)
            driven = bool(self.driven[nodes].all()) and len(np.unique(nodes)) == len(nodes)
            kinds.append("free" if free else "driven" if driven else "mixed")
        return "free" in kinds and "mixed" not in kinds

    # ---- levels ----

    def levels(self, ends: Ints) -> Ints:
        """Return the layer of each coordinate from 0, shape (count,); -1 for the given ones.

        Either by the distance from the inputs, or, if that makes no chain since some inputs
        reach further than to the first layer, by that from the outputs `ends`.
        """
        edges, crossed, fed = self._neighbours()
        if not any(map(len, fed)):
            raise NotLayered("no inputs")
        # of a crossbar, one row and one column say as much as all
        checked = [edges, *(end for x, y in crossed for end in ((x[:1], y), (x, y[:1])))]
        for seeds, sign in ((np.concatenate(fed), 1), (ends[ends > 0], -1)):
            level = sign * _distances(self.count, seeds, edges, crossed)
            level -= level[1:].min()
            chain = all((np.abs(level[x] - level[y]) == 1).all() for x, y in checked)
            if chain and all((level[units] == 0).all() for units in fed[1:]):
                level[0] = -1
                return level
        raise NotLayered("units of one layer that are joined, or layers that are skipped")

    def _neighbours(self) -> tuple[Pairs, list[Pairs], list[Ints]]:
        """Return which units are joined, one by one and by crossbars, and which to inputs.

        The latter first one by one, then those of each crossbar.
        """
        a, b = self.singles.ends(self.coordinate)
        inner, outer = (a > 0) & (b > 0), (a > 0) ^ (b > 0)
        given = np.where(a > 0, self.singles.q, self.singles.p)
        fed = [np.maximum(a, b)[outer & self.driven[given]]]
        crossed = []
        for joint in self.joints:
            one, other = (self.coordinate[x] for x in (joint.device.rows, joint.device.columns))
            if one.all() and other.all():
                crossed.append((one, other))
            else:
                fed.append(one if one.all() else other)
        return (a[inner], b[inner]), crossed, fed

    # ---- the result ----

    def layers(self, outputs: Sequence[Output]) -> Layers:
        """Put everything together."""
        ends = self._outputs(outputs)
        level = self.levels(ends)
        if not (level[ends[ends > 0]] == level.max()).all():
            raise NotLayered("outputs that are not all in the last layer")
        node_of = np.zeros(self.count, dtype=np.int64)
        order = np.arange(len(self.coordinate))[::-1]
        node_of[self.coordinate[order]] = order  # the first node of each unit
        depth = int(level.max()) + 1
        members = [
            self._ordered(np.flatnonzero(level == k), node_of, ends if k == depth - 1 else None)
            for k in range(depth)
        ]
        place = np.full(self.count, -1)
        place[np.concatenate(members)] = np.arange(self.count - 1)
        local = np.full(self.count, -1)
        for units in members:
            local[units] = np.arange(len(units))
        inputs = self._inputs(level)
        blocks = self._blocks(level, local, members, inputs)
        layers = self._units(level, local, members, node_of)
        of_output = np.where(ends > 0, local[ends], -1)
        places = place[self.coordinate]
        given = self.potentials.at(np.flatnonzero(places < 0))
        return Layers(
            inputs, tuple(layers), tuple(blocks), self._leaks(level, local), of_output,
            len(self.trainable), self.n_biases, places, given,
        )  # fmt: skip

    def _outputs(self, outputs: Sequence[Output]) -> Ints:
        """Return the coordinates of the outputs, shape (n_outputs, 2)."""
        pairs = [(o, "0") if isinstance(o, str) else o for o in outputs]
        nodes = np.array([[self.circuit.node(p), self.circuit.node(q)] for p, q in pairs])
        nodes = nodes.reshape(-1, 2)
        ends = self.coordinate[nodes]
        zero = (self.potentials.column[nodes] == -1) & (self.potentials.offset[nodes] == 0)
        if not ((ends[:, 0] > 0) & ((ends[:, 1] > 0) | zero[:, 1])).all() or not len(ends):
            raise NotLayered("outputs with given potentials")
        return np.asarray(ends)

    def _ordered(self, units: Ints, node_of: Ints, ends: Ints | None) -> Ints:
        """Return the units of a layer as a crossbar has them, or the outputs, or as they came."""
        wanted = [self.coordinate[joint.device.columns] for joint in self.joints]
        wanted += [self.coordinate[joint.device.rows] for joint in self.joints]
        if ends is not None:
            wanted.append(ends[:, 0])
        for order in wanted:
            if len(order) == len(units) and np.array_equal(np.sort(order), units):
                return order
        return units[np.argsort(node_of[units], kind="stable")]

    def _inputs(self, level: Ints) -> Inputs:
        """Return the given potentials before the first layer, in halves if they are opposite."""
        singles, driven = self.singles, self.driven
        a, b = singles.ends(self.coordinate)
        first = level[np.maximum(a, b)] == 0
        found = [singles.q[first & (a > 0) & driven[singles.q]]]
        found.append(singles.p[first & (b > 0) & driven[singles.p]])
        sides = [s for joint in self.joints for s in (joint.device.rows, joint.device.columns)]
        sides = [nodes for nodes in sides if driven[nodes].all()]
        nodes = np.unique(np.concatenate([*found, *sides]))
        for side in sides:
            if len(side) == len(nodes):
                nodes = side
        if not sides:
            nodes = self.potentials.in_halves(nodes)
        return self.potentials.at(nodes)

    def _blocks(self, level: Ints, local: Ints, members: list[Ints], inputs: Inputs) -> list[Block]:
        n_inputs = len(inputs.nodes)
        blocks: list[Block] = []
        for k, units in enumerate(members):
            # places in the two layers, of nodes: -1 for all other nodes
            here = np.where(level == k, local, -1)[self.coordinate]
            if k:
                before = np.where(level == k - 1, local, -1)[self.coordinate]
            else:
                before = np.full(len(self.coordinate), -1)
                before[inputs.nodes] = np.arange(n_inputs)
            shape = (len(members[k - 1]) if k else n_inputs, len(units))
            found = block(shape, before, here, self.singles, self.joints, self.sparse)
            if found is None:
                raise NotLayered("sparse blocks, or resistors in parallel")
            blocks.append(found)
        return blocks

    def _leaks(self, level: Ints, local: Ints) -> Leaks:
        s = self.singles
        a, b = s.ends(self.coordinate)
        given, unit = np.where(a > 0, s.q, s.p), np.maximum(a, b)
        rows = ((a > 0) ^ (b > 0)) & ~(self.driven[given] & (level[unit] == 0))
        end, own = given[rows], unit[rows]
        far = self.potentials.at(end)
        return Leaks(level[own], local[own], s.g[rows], s.index[rows], far)

    # ---- what units have of their own ----

    def _units(self, level: Ints, local: Ints, members: list[Ints], node_of: Ints) -> list[Units]:
        lower, upper = self._boxes()
        constant, index, sign = self._biases()
        return [
            Units(
                node_of[units], lower[0][units], upper[0][units], constant[units],
                index[units], sign[units], lower[1][units], upper[1][units],
            )
            for units in members
        ]  # fmt: skip

    def _boxes(self) -> tuple[tuple[Floats, Ints], tuple[Floats, Ints]]:
        """Return lower and upper bounds of the coordinates, and the diodes that make them."""
        diodes = self.red.rectifiers
        p, q = self.coordinate[diodes.p], self.coordinate[diodes.q]
        given = np.where(p == 0, diodes.p, diodes.q)
        fit = ((p == 0) != (q == 0)) & (self.potentials.column[given] == -1)
        if not (fit & (diodes.resistance == 0)).all():
            raise NotLayered("diodes that are no bounds")
        level = self.potentials.offset[given]
        bounds = []
        for rows, unit, bound, sign in (
            (np.flatnonzero(p == 0), q, level - diodes.drop, 1.0),
            (np.flatnonzero(q == 0), p, level + diodes.drop, -1.0),
        ):
            value, element = np.full(self.count, -np.inf), np.full(self.count, -1)
            tightest = rows[np.argsort(sign * bound[rows], kind="stable")]
            value[unit[tightest]] = sign * bound[tightest]
            element[unit[tightest]] = self._number(diodes.element[tightest])
            bounds.append((sign * value, element))
        if (bounds[0][0] > bounds[1][0]).any():
            raise NotLayered("diodes that contradict each other")
        return bounds[0], bounds[1]

    def _number(self, bare: Ints) -> Ints:
        """Return the numbers that elements have in the circuit with its crossbars."""
        return np.where(
            bare < len(self.circuit.resistors), bare, bare + len(self.circuit.crossbars)
        )

    def _biases(self) -> tuple[Floats, Ints, Floats]:
        """Return constant currents into the coordinates, and numbers and signs of their biases."""
        constant, sign = np.zeros(self.count), np.zeros(self.count)
        index = np.full(self.count, -1)
        feeds, of = self.red.injections, self.currents
        for row, column, value in zip(of.row, of.col, of.data, strict=True):
            for node, into in ((feeds.p[row], -value), (feeds.q[row], value)):
                unit = self.coordinate[node]
                if column == self.n_inputs + self.n_biases:
                    constant[unit] += into
                elif column < self.n_inputs or (unit and index[unit] >= 0):
                    raise NotLayered("currents as inputs, or several biases of one unit")
                elif unit:
                    index[unit], sign[unit] = column - self.n_inputs, into
        return constant, index, sign


def _distances(count: int, seeds: Ints, edges: Pairs, crossed: list[Pairs]) -> Ints:
    """Return how far each coordinate is from the nearest seed.

    Raises
    ------
    NotLayered
        If there is none within `MOST_LAYERS`.
    """
    distance = np.full(count, -1)
    distance[seeds] = 0
    for depth in range(MOST_LAYERS):
        found = []
        for one, other in (edges, edges[::-1]):
            found.append(other[(distance[one] == depth) & (distance[other] < 0)])
        for one, other in [*crossed, *(pair[::-1] for pair in crossed)]:
            if (distance[one] == depth).any():
                found.append(other[distance[other] < 0])
        reached = np.concatenate(found)
        if not len(reached):
            break
        distance[reached] = depth + 1
    if (distance[1:] < 0).any():
        raise NotLayered("units that nothing reaches")
    return distance
