"""Networks with smooth laws between few nodes, whose conductances change from call to call."""

from __future__ import annotations

from copy import copy

import numpy as np

from ..arrays import Bools, Floats
from ..graph.mixed import Entries
from ..point.plan import Compiled
from .many_laws import LawSystem, ManyLaws, solved
from .states import Nudge, Terminals

#: Newton steps after voltages have settled.
POLISH = 2


class LawNetwork:
    """Conductances and laws between nodes whose coordinates are unknown.

    Attributes
    ----------
    of_node : ndarray, shape (n_nodes, n)
        1 where a node has a coordinate.
    by_node, by_coordinate : LawSystem
        What laws do in the balance of nodes, and of coordinates.
    siemens : ndarray, shape (conductors,)
    matrix : ndarray, shape (n_nodes, n_nodes)
        Conductances between nodes.
    """

    def __init__(self, compiled: Compiled) -> None:
        self.red = red = compiled.reduction
        self.laws = ManyLaws(red.laws)
        self.of_node = np.eye(len(red.part))[red.coordinate][:, 1:]
        self.by_node, self.by_coordinate = (
            LawSystem(
                red.laws, np.zeros((seen.shape[1],) * 2), Entries.of(seen.T), Entries.of(seen)
            )
            for seen in (self._incidence(), self._incidence() @ self.of_node)
        )
        #: none yet
        self.siemens, self.matrix = np.zeros(len(red.conductors)), self.by_node.matrix

    def at(self, siemens: Floats) -> LawNetwork:
        """Return the network with other conductances."""
        other, branch, n = copy(self), self.red.conductors, len(self.of_node)
        other.siemens, other.matrix = siemens, np.zeros((n, n))
        for one, far in ((branch.p, branch.q), (branch.q, branch.p)):
            np.add.at(other.matrix, (one, one), siemens)
            np.add.at(other.matrix, (one, far), -siemens)
        return other

    def _incidence(self) -> Floats:
        """Return +1 at the first, -1 at the second node of each law, shape (laws, n_nodes)."""
        laws = self.red.laws
        found = np.zeros((len(laws), len(self.of_node)))
        rows = np.arange(len(found))
        np.add.at(found, (rows, laws.p), 1.0)
        np.add.at(found, (rows, laws.q), -1.0)
        return found

    def across(self, voltages: Floats) -> Floats:
        """Return the voltages across the laws, shape (P, laws)."""
        return np.asarray(self.red.laws.rise(voltages.T).T)

    def coordinates(self, voltages: Floats, offset: Floats) -> Floats:
        """Return coordinates, shape (P, n), of node voltages."""
        node = self.of_node.argmax(axis=0)
        return voltages[:, node] - offset[:, node]

    def law_currents(self, voltages: Floats) -> Floats:
        """Return the currents of the laws at node voltages, shape (P, laws)."""
        return self.laws.evaluate(self.across(voltages))[0]

    def node_jacobian(self, voltages: Floats) -> Floats:
        """Return the derivatives of the balance of nodes by their voltages, shape (P, n, n)."""
        slopes = self.laws.evaluate(self.across(voltages))[1]
        return self.by_node.holding(self.matrix).jacobian(slopes)


class LawSamples:
    """Samples of a network: what sources impose on each of them."""

    def __init__(self, net: LawNetwork, outputs: Terminals, offset: Floats, amps: Floats) -> None:
        self.net, self.offset = net, offset
        #: outputs where all coordinates are zero, shape (P, outputs)
        self.at_zero = offset[:, outputs.p] - offset[:, outputs.q]
        feeds = net.red.injections
        drawn = np.zeros_like(offset)
        np.add.at(drawn.T, feeds.p, amps.T)
        np.add.at(drawn.T, feeds.q, -amps.T)
        self.load = -(drawn + offset @ net.matrix) @ net.of_node
        self.system = net.by_coordinate.holding(net.of_node.T @ net.matrix @ net.of_node)
        self.across = net.across(offset)

    def settled(
        self, nudge: Nudge, ends: Floats, near: Floats | None
    ) -> tuple[Floats, Floats, Floats, Bools]:
        """Return voltages across laws, coordinates, what nudges feed in, and where it settled."""
        laws, n = self.net.laws, self.load.shape[1]
        volts = laws.start(len(self.load)) if near is None else near

        def solve(matrix: Floats, load: Floats) -> Floats:
            return (
                self._nudged(matrix, load, nudge, ends) if nudge.stiffness else solved(matrix, load)
            )

        volts, x, fine = self.system.settle(laws, self.load, self.across, volts, POLISH, solve)
        feed = x[:, n:] if nudge.stiffness else np.zeros((len(x), len(ends)))
        return volts, x[:, :n], feed, fine

    def _nudged(self, matrix: Floats, load: Floats, nudge: Nudge, ends: Floats) -> Floats:
        """Return coordinates, and then what stiff nudges feed into the outputs."""
        assert nudge.target is not None
        # o + feed / stiffness = target, with the feed an unknown
        (points, n), count = load.shape, len(ends)
        whole = np.zeros((points, n + count, n + count))
        whole[:, :n, :n], whole[:, :n, n:], whole[:, n:, :n] = matrix, -ends.T, ends
        whole[:, n:, n:] = np.eye(count) / nudge.stiffness
        return solved(whole, np.concatenate((load, nudge.target - self.at_zero), axis=1))
