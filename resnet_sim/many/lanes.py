"""One network problem at many points, eight of them in the lanes of vectors.

The graph is analysed once: in which order nodes are eliminated, and in which dense fronts (see
`solvers.linear.fronts`).  A point has data of its own and its own set of conducting rectifiers,
which are stiff conductances on the same graph, their excess being taken back by further passes
(method of multipliers).  Active-set Newton as in `solvers.newton`: what contradicts its state
flips, after steps without fewer contradictions only one of them (Murty).  Lanes are refilled as
points settle.  What does not settle is left to the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

import numpy as np

from ..arrays import Bools, Floats, Ints, plain
from ..compiled import policy
from ..compiled.registers import DOUBLES
from ..solvers.linear.fronts import Fronts, fronts
from .borders import bordered, nothing, pays
from .judge import Judge, Limits
from .lane_data import Answers, Data, Network
from .lane_room import Kept, Room, chosen
from .threads import PART, spread, threads

#: What is done in a room at conductances of some points, with `ways` to solve and what they share.
Work = Callable[[Room, Floats, Kept, Any], None]
#: given arrays for voltages and currents, returns what is done once these are found of some points
Begin = Callable[[Floats, Floats], Callable[[Ints], None]]


class Lanes(Judge):
    """Solves problems on one graph."""

    def __init__(self, network: Network) -> None:
        super().__init__(network)
        #: conductances, sets and factors of the states found last, for what is asked of them next;
        #: nothing while a thread works with them
        self._kept: list[tuple[Any, Any, list[Kept]]] = []

    def __getstate__(self) -> dict[str, Any]:
        nothing: dict[str, Any] = {"_spare": [], "_around": (None, None), "_kept": []}
        return {**self.__dict__, **nothing}

    @cached_property
    def fronts(self) -> Fronts:
        """The order of elimination."""
        return fronts(self.network.n, *self._ends)

    @property
    def unfit(self) -> str | None:
        """Why there is no room for the factors of eight points, None if there is."""
        fits = self.fronts.size <= policy.POLICY.most_entries
        return None if fits else "elimination would take too much memory"

    @property
    def at_once(self) -> int:
        """How many threads there is room for: each has factors of its own."""
        room = int(policy.POLICY.most_entries / max(self.entries, 1))
        return max(min(threads(), room), 1)

    @cached_property
    def system(self) -> tuple[Any, ...]:
        """What loops must know of the graph, by place in the order of elimination."""
        net, f = self.network, self.fronts
        place = f.place
        p, q = (place[end].astype(np.int32) for end in (net.edge_p, net.edge_q))
        ends, others = np.concatenate((p, q)), np.concatenate((q, p))
        branch = np.tile(np.arange(len(p), dtype=np.int32), 2)
        order = np.lexsort((branch, ends))
        ptr = np.searchsorted(ends[order], np.arange(f.n + 1))
        return (
            f.plan, f.family, f.entries(net.edge_p, net.edge_q),
            f.entries(net.diode_p, net.diode_q), f.rows,
            (ptr, others[order], branch[order]),
            (place[net.diode_p], place[net.diode_q], plain(net.resistance)),
            plain(place[1:]), (p, q),
        )  # fmt: skip

    @cached_property
    def outputs(self) -> tuple[Any, ...]:
        """Places and scales of the outputs."""
        net, place = self.network, self.fronts.place
        return place[net.output_p], place[net.output_q], net.scale_p + 0.0, net.scale_q + 0.0

    def settle(
        self, data: Data, on: Bools, pull: float | Floats = np.nan, aim: Floats | None = None,
        following: bool = False, slack: float = 1e-12, keep: bool = False, alike: bool = False,
        limits: Limits | None = None,
    ) -> Answers:  # fmt: skip
        """Solve all points, from sets of conducting rectifiers, shape (S, m).

        With an `aim` outputs are pulled to it, V, by a `pull` (S, may be infinite), or by one for
        each point, of one size but of any sign.
        If points are `following` each other, only the first use these sets; if they are `alike`
        only the first eight, and the others, which threads share, those that these end with.
        What may be missing across conducting rectifiers is `slack` times the largest voltage.
        With `limits` whoever finds them judges them, too, see `judging`.  If there is room,
        factors are kept for what is asked of these states next.
        """
        from ..compiled.entries import NOWHERE
        from ._lanes import pulling, settle
        from ._passes import solving

        count, outputs = len(data.load), len(self.outputs[0])
        found = Answers.none(data, on, outputs)
        results = (found.x, found.current, found.on, found.steps, found.settled, found.force)
        shift, slots = shifts(pull, aim), self._slots if keep else 0
        # results of chained ones depend on it: it must not depend on the threads
        queue = np.arange(DOUBLES if alike else 0, count)
        parts = [queue] if following and count else self.parts(queue)
        if alike:
            on, parts = np.array(on), [np.arange(min(DOUBLES, count)), *parts]
        # before threads wait for the interpreter
        groups = [min(slots * len(queue) // count, len(queue) // 4 + 1) for queue in parts]
        every = Kept.rooms(self.fronts, groups, self._taken()[2] if keep else [])
        tables = self._tables(data, on, aim)

        def work(room: Room, part: tuple[Ints, Kept]) -> None:
            queue, kept = part
            values, others = room.values(data.conductance), (NOWHERE, NOWHERE)
            ways = room.entries(solving, values, nothing()), nothing()
            if len(shift):
                room.react(outputs, pulled=True)
                others = room.entries(pulling, values, *ways)
            while not settle(
                room.pack, values, *tables, queue, results,
                (shift, others), following, slack, tuple(kept), *ways,
            ):  # fmt: skip
                room.widen()

        todo, judge = list(zip(parts, every, strict=True)), self._judged(data, found, limits, aim)
        then = judge and (lambda part: judge(part[0]))
        if alike:
            self._share(work, todo[:1], count, then)
            first = np.arange(DOUBLES, count) % DOUBLES
            on[DOUBLES:] = np.where(found.settled[first, None], found.on[first], on[DOUBLES:])
        self._share(work, todo[alike:], count, then)
        if slots:
            self._kept[:] = [(data.conductance, found.on, every)]
        return found

    def _judged(
        self, data: Data, found: Answers, limits: Limits | None, aim: Floats | None
    ) -> Callable[[Ints], None] | None:
        """Return what judges points that follow each other, none without `limits`."""
        if limits is None:
            return None
        judge = self.judging(data, found, limits, aim is not None)
        return lambda queue: judge((int(queue[0]), int(queue[-1]) + 1, 0))

    def _taken(self) -> tuple[Any, Any, list[Kept]]:
        """Return what is kept, which no other thread gets to see from then on."""
        try:
            return self._kept.pop()
        except IndexError:
            return None, None, []

    @property
    def _slots(self) -> int:
        """How many factors of eight points there is room to keep, if those of a usual batch."""
        slots = int(policy.POLICY.kept / max(self.fronts.size, 1))
        return slots if len(self.network.diode_p) and 8 * slots >= PART else 0

    def steady(self, data: Data, on: Bools, passes: int = 2) -> tuple[Floats, Floats, Bools]:
        """Solve all points with rectifiers as they are, ``on``, shape (S, m).

        In one of the `passes` all but the currents is found, in less time unless factors are kept.

        Returns
        -------
        x, current : ndarray, shapes (S, n - 1) and (S, m)
        fine : ndarray of bool, shape (S,)
            Whether nothing floats.
        """
        from ._lanes import hold
        from ._passes import STIFFEST, STIFFNESS

        # bits don't depend on what is kept
        many = 2 if self._slots else passes
        found = np.empty((len(on), self.fronts.n)), np.empty(on.shape), np.zeros(len(on), bool)

        tables = self._tables(data, on, None)

        def work(room: Room, values: Floats, kept: Kept, ways: Any) -> None:
            hold(room.pack, values, *tables, tuple(kept), many, found, *ways)

        self._hold(work, data.conductance, on, STIFFEST if many == 1 else STIFFNESS)
        return found

    def respond(
        self, conductance: Floats, on: Bools, aim: Floats, pulls: tuple[float, ...],
        begin: Begin | None = None,
    ) -> tuple[Floats, Floats, Floats, Bools]:  # fmt: skip
        """Return how states change where outputs are pulled, rectifiers being as they are.

        For each of `pulls` (S), which have one size, to an `aim` in the outputs, V.  To `begin`,
        what will be found is shown; it returns what threads do with points that they have found.

        Returns
        -------
        x, current, force : ndarray, shapes (pulls, S, n - 1), (pulls, S, m), (pulls, S, outputs)
        fine : ndarray of bool, shape (pulls, S)
            Whether there is such a state, and a stable one.
        """
        from ._lanes import reacting, respond
        from ._passes import STIFFNESS

        n, m, outputs = self.fronts.n, len(self.network.diode_p), aim.shape[1]
        data = Data(conductance, np.zeros((len(on), 0)), np.zeros(on.shape))
        shape, shifts = (len(pulls), len(on)), 1.0 / np.array(pulls)
        found = (
            np.empty((*shape, n)), np.empty((*shape, m)), np.zeros((*shape, outputs)),
            np.zeros(shape, bool),
        )  # fmt: skip

        tables, then = self._tables(data, on, aim), begin and begin(found[0], found[1])

        def work(room: Room, values: Floats, kept: Kept, ways: Any) -> None:
            room.react(outputs)
            react = room.entries(reacting, values, *ways)
            while not respond(room.pack, values, *tables, tuple(kept), shifts, found, *ways, react):
                room.widen()

        self._hold(work, conductance, on, STIFFNESS, then)
        return found

    def _hold(
        self, work: Work, conductance: Floats, on: Bools, stiffness: float,
        then: Callable[[Ints], None] | None = None,
    ) -> None:  # fmt: skip
        """Let threads work on points of sets of rectifiers, with one factor where that pays.

        Else with one of each, where these are kept with those.
        """
        count, every, kept = len(on), [], self._taken()
        rest = np.ones(count, dtype=np.bool_)
        shared = self._bordered(conductance, on, stiffness)
        if shared is not None:
            every, rest[:] = [Kept.without(np.arange(count))], False
        elif kept[0] is conductance and kept[1] is on:
            every = chosen(kept[2], count, self.fronts.price)
            for some in every:
                rest[some.sample[some.sample >= 0]] = False
        if threads(count * self.entries) > 1:
            every = [group for some in every for group in some.groups()]
        # what has no factors yet takes longest
        todo = [*map(Kept.without, self.parts(np.flatnonzero(rest))), *every]
        done = None if then is None else lambda some: then(some.sample.ravel())
        self._share(partial(self._task, work, conductance, shared), todo, count, done)
        self._kept[:] = [kept]

    def _task(self, work: Work, conductance: Floats, shared: Any, room: Room, kept: Kept) -> None:
        """Let work be done in a room, with one factor for all points or with one of each."""
        from ._passes import solving

        values = room.values(conductance)
        common = nothing() if shared is None else shared
        ways = room.entries(solving, values, common)
        if shared is not None:
            from ._borders import sharing

            ways = *room.entries(sharing, values, ways, shared), ways[3]
        work(room, values, kept, (ways, common))

    def _bordered(self, conductance: Floats, on: Bools, stiffness: float) -> Any:
        """Return one factor for all points, if that pays: bits don't depend on what is kept."""
        if conductance.ndim > 1 or not on.size or self._slots or not pays(self.fronts, on):
            return None
        around, system = self.around(conductance), self.system
        stiff = 1.0 / (self.network.resistance + 1.0 / (stiffness * around))
        return bordered(
            self.fronts, system[6][:2], self._branches, (conductance, stiff), around, on
        )  # fmt: skip

    @cached_property
    def _branches(self) -> tuple[Any, ...]:
        """Where edges are in a factor, and then rectifiers."""
        return self.fronts.entries(*self._ends)

    @property
    def _ends(self) -> tuple[Ints, Ints]:
        """The ends of edges, and then of rectifiers."""
        net = self.network
        p, q = (net.edge_p, net.diode_p), (net.edge_q, net.diode_q)
        return np.concatenate(p), np.concatenate(q)

    def _tables(self, data: Data, on: Bools, aim: Floats | None) -> tuple[Any, ...]:
        table = data.conductance if data.conductance.ndim == 2 else np.zeros((0, 0))
        none = np.zeros((len(on), 0))
        return plain(table), (
            *map(plain, (data.load, data.drop, on)), self.around(data.conductance),
            none if aim is None else plain(aim),
        )  # fmt: skip

    def part(self, count: int, most: int) -> int:
        """Return how many of some points one of so many threads does at a time."""
        return min(PART, 8 * max(1, -(-count // (8 * most))))

    def _room(self) -> Any:
        """Return what a thread works in."""
        return Room(self.network, self.fronts, self.system, self.outputs)

    @property
    def entries(self) -> int:
        """Entries of the factors that a thread works with."""
        return self.fronts.size

    def parts(self, queue: Ints, most: int | None = None) -> list[Ints]:
        """Return the points that a thread does at a time, by default one of all."""
        part = self.part(len(queue), most or self.at_once)
        return [queue[k : k + part] for k in range(0, len(queue), part)]

    def _share(
        self, work: Callable[[Any, Any], None], parts: list[Any], count: int,
        then: Callable[[Any], None] | None = None,
    ) -> None:  # fmt: skip
        """Let threads work on all points; who does which does not matter to the bits.

        And do `then` with each part once they have left the room.
        """

        def task(part: Any) -> None:
            room = self._enter()
            work(room, part)
            self._leave(room)
            if then is not None:
                then(part)

        spread(task, parts, self.at_once, count * self.entries)


def shifts(pull: float | Floats, aim: Floats | None) -> Floats:
    """Return one over the pull of each point, ohm; none if there is nothing to pull to."""
    return np.zeros(0) if aim is None else np.full(len(aim), 1.0 / np.asarray(pull))
