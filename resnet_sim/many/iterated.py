"""One network problem at many points, where factors would be full: sixteen points iterate at once.

The same question as in `lanes`, for random graphs and solids.  What is missing is solved for by
conjugate gradients in float32, preconditioned by the diagonal and all rectifiers that conduct
(`solvers.linear.stiff`), to a few digits; what is still missing then is found in float64, and so
on.  A conducting rectifier, and an output that is pulled, is a stiff conductance whose excess the
next round takes back (method of multipliers).  Rectifiers flip between rounds, as soon as what
contradicts them is more than the round may have left.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..compiled import policy
from ..graph.graphs import bincount, components, spread
from ..solvers.linear.stiff import Stiff, stiff
from .judge import Limits
from .lane_data import Answers, Data, Network
from .lanes import Begin, Lanes, shifts
from .rounds import Group, Room, System, W


class IteratedLanes(Lanes):
    """Solves problems on one graph by iterating."""

    def __init__(self, network: Network) -> None:
        super().__init__(network)
        net = network
        self._p = np.concatenate((net.diode_p, net.output_p))
        self._q = np.concatenate((net.diode_q, net.output_q))
        ones = np.ones(len(net.diode_p))
        self._at_p = np.concatenate((ones, net.scale_p))
        self._at_q = np.concatenate((ones, net.scale_q))

    @cached_property
    def stiff(self) -> Stiff | None:
        """What the branches with multipliers, rectifiers and outputs, are preconditioned by."""
        net = self.network
        most = policy.POLICY.branchy * (net.n + len(net.edge_p))
        return stiff(net.n, self._p, self._q, self._at_p, self._at_q, most)

    @property
    def unfit(self) -> str | None:
        """Why iterating is not possible, None if it is."""
        count, _ = components(self.network.n, self.network.edge_p, self.network.edge_q)
        if count > 1:
            return "parts hang on rectifiers alone, and elimination would take too much memory"
        if self.stiff is None:
            return "elimination would take too much memory, even of the rectifiers alone"
        return None

    @cached_property
    def _rows(self) -> tuple[Ints, Ints, Ints]:
        """Where the edges of each node begin, their other ends, and which they are."""
        net, place = self.network, self._plan.place
        p, q = place[net.edge_p], place[net.edge_q]
        ends, others = np.concatenate((p, q)), np.concatenate((q, p))
        branch = np.tile(np.arange(len(p)), 2)
        order = np.lexsort((branch, ends))
        first = np.searchsorted(ends[order], np.arange(net.n))
        count = int(first[-1])
        return first, others[order][:count], branch[order][:count]

    @property
    def _plan(self) -> Stiff:
        assert self.stiff is not None
        return self.stiff

    @property
    def entries(self) -> int:
        """About as many as factors would have that take as long."""
        return len(self._plan.row) + 8 * self.network.n

    def part(self, count: int, most: int) -> int:
        """Return how many points a thread does at a time: those that are side by side."""
        return W

    def _room(self) -> Room:
        return Room(self._plan)

    @cached_property
    def _feeds(self) -> Any:
        """Injections, by place, of currents against the branches: sparse, shape (n - 1, k)."""
        from scipy.sparse import csr_array

        k, plan = len(self._p), self._plan
        value = np.concatenate((self._at_p, -self._at_q))
        rows, columns = np.concatenate((plan.p, plan.q)), np.tile(np.arange(k), 2)
        n = self.network.n
        return csr_array(csr_array((value, (rows, columns)), shape=(n, k))[: n - 1])

    def settle(
        self, data: Data, on: Bools, pull: float | Floats = np.nan, aim: Floats | None = None,
        following: bool = False, slack: float = 1e-12, keep: bool = False, alike: bool = False,
        limits: Limits | None = None,
    ) -> Answers:  # fmt: skip
        """Solve all points, see `Lanes.settle`; all begin with the sets that are given."""
        count, m, outputs = len(data.load), len(self.network.diode_p), len(self.network.output_p)
        found = Answers.none(data, on, outputs)
        system = self._system(data.conductance)
        shift = shifts(pull, aim)

        def work(room: Room, queue: Ints) -> None:
            group = self._group(system, room, data, on, queue)
            if aim is not None:
                group.pull(_columns(shift[queue]), _columns(aim[queue]))
            group.solve(flips=True)
            group.read(queue, found.x, found.current, found.force)
            found.on[queue] = group.on[:m, : len(queue)].T
            found.steps[queue] = group.rounds[: len(queue)]
            found.settled[queue] = group.done[: len(queue)]
            found.current[queue] = np.maximum(found.current[queue], 0.0)

        then = self._judged(data, found, limits, aim)
        self._share(work, self.parts(np.arange(count)), count, then)
        return found

    def steady(self, data: Data, on: Bools, passes: int = 2) -> tuple[Floats, Floats, Bools]:
        """Solve all points with rectifiers as they are, see `Lanes.steady`."""
        count, n, m = len(on), self.network.n - 1, len(self.network.diode_p)
        x, current, fine = np.zeros((count, n)), np.zeros((count, m)), np.zeros(count, bool)
        system = self._system(data.conductance)

        def work(room: Room, queue: Ints) -> None:
            group = self._group(system, room, data, on, queue)
            group.solve(flips=False)
            group.read(queue, x, current, np.zeros((count, len(self.network.output_p))))
            fine[queue] = group.done[: len(queue)]

        self._share(work, self.parts(np.arange(count)), count)
        return x, current, fine

    def respond(
        self, conductance: Floats, on: Bools, aim: Floats, pulls: tuple[float, ...],
        begin: Begin | None = None,
    ) -> tuple[Floats, Floats, Floats, Bools]:  # fmt: skip
        """Return how states change where outputs are pulled, see `Lanes.respond`."""
        count, n, m = len(on), self.network.n - 1, len(self.network.diode_p)
        shape = (len(pulls), count)
        x, current = np.zeros((*shape, n)), np.zeros((*shape, m))
        force, fine = np.zeros((*shape, aim.shape[1])), np.zeros(shape, bool)
        system = self._system(conductance)
        data = Data(conductance, np.zeros((count, n)), np.zeros((count, m)))

        def work(room: Room, queue: Ints) -> None:
            group = self._group(system, room, data, on, queue)
            for k in range(len(x)):
                group.pull(1.0 / pulls[k], _columns(aim[queue]))
                # what the opposite pull does is not far from the opposite
                group.x *= -1.0
                group.current *= -1.0
                group.solve(flips=False)
                group.read(queue, x[k], current[k], force[k])
                fine[k, queue] = group.done[: len(queue)]

        then = begin and begin(x, current)
        self._share(work, self.parts(np.arange(count)), count, then)
        return x, current, force, fine

    def _group(self, system: System, room: Room, data: Data, on: Bools, queue: Ints) -> Group:
        """Return some of the points side by side, before they are solved."""
        group, m = Group(system, room, len(queue)), len(self.network.diode_p)
        group.load[:-1] = _columns(data.load[queue])[self._order]
        group.drop[:m], group.on[:m] = _columns(data.drop[queue]), _columns(on[queue])
        return group

    @cached_property
    def _order(self) -> Ints:
        """The nodes by place, from 0 for the first beside the reference."""
        return np.argsort(self._plan.place[1:])

    def _system(self, conductance: Floats) -> System:
        """Return the network at common conductances."""
        net, branch = self.network, self._rows[2]
        n, m = net.n, len(net.diode_p)
        size = bincount(net.edge_p, conductance, n) + bincount(net.edge_q, conductance, n)
        size[0] = 0.0
        diagonal = size[1:][self._order]
        unit = float(np.median(diagonal))
        ends_p, ends_q = size[net.output_p], size[net.output_q]
        around = np.concatenate((
            self.around(conductance), ends_p / net.scale_p**2 + ends_q / net.scale_q**2
        ))[:, None]  # fmt: skip
        ohms = np.concatenate((net.resistance, np.zeros(len(around) - m)))[:, None]
        return System(
            self._plan, self._at_p, self._at_q, self._feeds, m, self._rows,
            np.ascontiguousarray(conductance), -(conductance[branch] / unit).astype(np.float32),
            (diagonal / unit).astype(np.float32), unit, around, ohms,
        )  # fmt: skip


def fitting(network: Network) -> Lanes:
    """Return what solves points on a graph in less time: with factors of it, or without."""
    iterated, lanes, limits = IteratedLanes(network), Lanes(network), policy.POLICY
    # the order of elimination, too, takes long where nothing separates a graph
    full = spread(network.n, network.edge_p, network.edge_q) > limits.wide or (
        lanes.fronts.size > min(limits.crowded * network.n, limits.most_entries)
    )
    return iterated if full and iterated.unfit is None else lanes


def _columns(rows: Any) -> Any:
    """Return the rows of up to sixteen points as columns, the last one repeated."""
    return rows[np.minimum(np.arange(W), len(rows) - 1)].T
