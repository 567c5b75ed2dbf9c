"""What is found at many points, judged by the network alone; threads share the points out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays import Bools, Floats, Ints, plain
from ..graph.graphs import bincount
from .lane_data import Answers, Data, Network
from .threads import spread, threads

#: Some states: the first, the last, and that at which their points begin.
Rows = tuple[int, int, int]
#: What a law may leave over, what touches, and what contradicts, relative to the largest.
Limits = tuple[float, float, float]


def _each(task: Callable[[Ints], None], points: Ints, size: int) -> None:
    """Let threads do a task with some points each, all in all of a size."""
    most = threads(size)
    part = max(1, -(-len(points) // most))
    spread(task, [points[k : k + part] for k in range(0, len(points), part)], most, size)


class Judge:
    """What judges points of a network."""

    def __init__(self, network: Network) -> None:
        self.network = network
        #: rooms that no thread is in
        self._spare: list[Any] = []
        self._around: tuple[Any, Any] = None, None

    def around(self, conductance: Floats) -> Floats:
        """Return the conductance at the ends of each rectifier, S, of a typical point."""
        known, found = self._around
        if known is not conductance:
            found = self._found_around(conductance)
            # as one: another thread may look
            self._around = conductance, found
        return found

    def _found_around(self, conductance: Floats) -> Floats:
        net = self.network
        if not len(net.diode_p):
            return np.zeros(0)
        typical = conductance if conductance.ndim == 1 else np.abs(conductance).mean(axis=0)
        size = np.abs(typical)
        at = bincount(net.edge_p, size, net.n) + bincount(net.edge_q, size, net.n)
        at[0] = 0.0  # there is no other side to the reference
        around: Floats = at[net.diode_p] + at[net.diode_q]
        if not around.all():
            around[around == 0] = float(np.median(size)) if len(size) else 1.0
        return around

    def imbalance(
        self, data: Data, load: Floats, x: Floats, current: Floats, size: Floats | None = None
    ) -> Floats:
        """Return what KCL leaves over at most, relative, shape (S,); see `audit`.

        `size` is what the load was summed from, by default itself.
        """
        none = np.zeros(current.shape, dtype=np.bool_)
        return self.judged(data, load, x, current, none, (0.0, 0.0, 0.0), size)[3]

    def judged(
        self, data: Data, load: Floats, x: Floats, current: Floats, on: Bools,
        limits: Limits, size: Floats | None = None, force: Floats | None = None,
    ) -> tuple[Bools, Bools, Bools, Floats]:  # fmt: skip
        """Return what `audit.judge` finds of states; there may be several of each point.

        Lawful and touching ones, wrong rectifiers, and what KCL leaves over.  A `force` is fed into
        the outputs, A.
        """
        found, task = self._judging(data, load, (x, current, on), limits, size, force)
        spread(task, *self.ranges(len(x), len(load), 2 * (x.size + current.size)))
        return found

    def judging(
        self, data: Data, found: Answers, limits: Limits, force: bool
    ) -> Callable[[Rows], None]:
        """Return what judges some answers: which have settled and obey all laws, and which touch.

        With a `force` theirs is fed into the outputs.
        """
        state, fed = (found.x, found.current, found.on), found.force if force else None
        (lawful, touching, _, left), judge = self._judging(
            data, data.load, state, limits, None, fed
        )  # fmt: skip

        def task(rows: Rows) -> None:
            judge(rows)
            own = slice(*rows[:2])
            found.settled[own] &= lawful[own] & (left[own] <= limits[0])
            found.touching[own] = touching[own]

        return task

    def _judging(
        self, data: Data, load: Floats, state: tuple[Floats, Floats, Bools],
        limits: Limits, size: Floats | None, force: Floats | None,
    ) -> tuple[tuple[Bools, Bools, Bools, Floats], Callable[[Rows], None]]:  # fmt: skip
        """Return arrays for what is found of states, and what finds it of some."""
        from .audit import judge

        net, count, on = self.network, len(state[0]), state[2]
        found = (
            np.ones(count, bool), np.zeros(count, bool), np.zeros(on.shape, bool), np.empty(count)
        )  # fmt: skip
        tables = tuple(map(plain, (load, load if size is None else size, data.drop)))
        states = tuple(map(plain, (*state, np.zeros((count, 0)) if force is None else force)))
        outputs = net.output_p, net.output_q, net.scale_p, net.scale_q
        diodes = (net.diode_p, net.diode_q), plain(net.resistance), self.around(data.conductance)
        conductance, edges = plain(data.conductance), (net.edge_p, net.edge_q)

        def task(rows: Rows) -> None:
            room = self._enter()
            judge(
                edges, diodes, outputs, tables, states, conductance, room.scratch, limits, rows,
                found,
            )  # fmt: skip
            self._leave(room)

        return found, task

    def added(
        self, data: Data, state: tuple[Floats, Floats, Bools], change: tuple[Floats, Floats],
        sign: float, fine: float,
    ) -> tuple[Floats, Floats, Bools, Bools]:  # fmt: skip
        """Return states plus `sign` times a change, or several, as `audit.shifted` finds them."""
        found = tuple(map(np.empty_like, change))
        on, settled, task = self.adding(data, state, change, sign, fine, found)
        _each(task, np.arange(len(data.drop)), sum(part.size for part in change))
        return found[0], found[1], on, settled

    def adding(
        self, data: Data, state: tuple[Floats, Floats, Bools], change: tuple[Floats, Floats],
        sign: float, fine: float, found: tuple[Floats, ...],
    ) -> tuple[Bools, Bools, Callable[[Ints], None]]:  # fmt: skip
        """Return sets and what has settled, and what adds a change at some points, see `added`.

        Voltages and currents are put into `found`, which may be the change itself.
        """
        from .audit import shifted

        net, (x, current) = self.network, found
        on, settled = np.empty(current.shape, bool), np.ones(len(x), bool)
        ends, around = (net.diode_p, net.diode_q), self.around(data.conductance)
        before, more = tuple(map(plain, state)), tuple(map(plain, change))
        drop = plain(data.drop)

        def task(points: Ints) -> None:
            shifted(
                ends, around, drop, before, more, sign, fine, points, (x, current, on, settled)
            )  # fmt: skip

        return on, settled, task

    def on_knees(self, data: Data, x: Floats, current: Floats, points: Ints, near: float) -> Ints:
        """Return for each point a rectifier on its knee, -1 for none and where it isn't asked."""
        from .audit import on_knees

        net, found = self.network, np.full(len(x), -1)
        diodes = (net.diode_p, net.diode_q), plain(net.resistance), self.around(data.conductance)
        tables = tuple(map(plain, (data.drop, x, current)))

        def task(some: Ints) -> None:
            on_knees(diodes, *tables, near, some, np.empty(net.n, dtype=np.int64), found)

        _each(task, points, 2 * len(points) * net.n)
        return found

    def ranges(self, count: int, points: int, size: int) -> tuple[list[Rows], int, int]:
        """Return states of so many points, all in all, as threads share them out, and how many."""
        most = threads(size)
        part = 8 * max(1, -(-count // (8 * most)))
        rows = [
            (k, min(k + part, base + points), base)
            for base in range(0, count, max(points, 1))
            for k in range(base, base + points, part)
        ]
        return rows, most, size

    def _room(self) -> Any:
        """Return what a thread works in."""
        raise NotImplementedError

    def _enter(self) -> Any:
        """Return a room that no other thread is in."""
        try:
            return self._spare.pop()
        except IndexError:
            return self._room()

    def _leave(self, room: Any) -> None:
        room.clean()
        self._spare.append(room)
