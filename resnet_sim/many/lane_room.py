"""The arrays that a thread needs while it solves eight points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Floats, Ints, plain
from ..compiled.registers import aligned
from ..solvers.linear.fronts import Fronts
from .lane_data import Network

#: States of reactions that there is room for at first: more than small nudges need.
FEW = 3


class Kept(NamedTuple):
    """Points, eight at a time, and the factors with which these settled, if there are any.

    Attributes
    ----------
    sample : ndarray of int, shape (groups, 8)
        -1 for none.
    factor, pivot : ndarray, shapes (groups, entries, 8) and (groups, n, 8), or empty
    """

    sample: Ints
    factor: Floats
    pivot: Floats

    @classmethod
    def rooms(cls, f: Fronts, groups: list[int], before: list[Kept]) -> list[Kept]:
        """Return room for some factors of each part: that of those `before`, if there was as much.

        To get megabytes of memory from the system takes longer than to fill them.
        """
        if [len(kept.sample) for kept in before] != groups:
            before.clear()  # makes room
            before = [cls._room(f, count) for count in groups]
        for kept in before:
            kept.sample[:] = -1
        return before

    @classmethod
    def _room(cls, f: Fronts, groups: int) -> Kept:
        if not groups:
            return cls.without(np.zeros(0, int))
        shapes = (groups, f.size + 4, 8), (groups, f.n, 8)
        factors = (aligned(shape, np.float64, zero=False) for shape in shapes)
        return cls(np.empty((groups, 8), int), *factors)

    @classmethod
    def without(cls, queue: Ints) -> Kept:
        """Return points without factors."""
        sample = np.full(-(-len(queue) // 8) * 8, -1)
        sample[: len(queue)] = queue
        return cls(sample.reshape(-1, 8), *np.zeros((2, 0, 0, 8)))

    def groups(self) -> list[Kept]:
        """Return those that have points, each by itself: what threads share out."""
        rows = np.flatnonzero((self.sample >= 0).any(axis=1)).tolist()
        each = [slice(k, k + 1) for k in rows]
        return [Kept(self.sample[k], self.factor[k], self.pivot[k]) for k in each]


def chosen(every: list[Kept], count: int, price: float) -> list[Kept]:
    """Return what saves time for `count` points: factors of few of eight make more groups.

    `price` is that of a factor beside all else that a group takes.
    """
    lanes = [(kept.sample >= 0).sum(axis=1) for kept in every]
    most = np.concatenate((*lanes, np.zeros(0, dtype=np.int64)))
    if np.count_nonzero(most) == -(-count // 8) and most.sum() == count:
        return every  # the least there can be
    most = np.sort(most)[::-1]
    covered = np.concatenate(([0], np.cumsum(most)))
    cost = np.arange(len(covered)) - (covered - count) // 8 * (1.0 + price)
    best = int(cost.argmin())
    least = most[best - 1] if best else 9
    return [
        kept._replace(sample=np.where(size[:, None] >= least, kept.sample, -1))
        for kept, size in zip(every, lanes, strict=True)
    ]


#: where compiled functions begin
_ENTRIES: dict[Any, Any] = {}


class Room:
    """Arrays that eight points need while they are solved.

    Attributes
    ----------
    pack : Pack
        All of them, and the system and the outputs of `lanes.Lanes`.
    """

    def __init__(
        self, network: Network, f: Fronts, system: tuple[Any, ...], outputs: tuple[Any, ...]
    ) -> None:
        def room(*shape: int) -> Floats:
            return aligned((*shape, 8), np.float64)

        self.new = room
        n, m = self.n, self.m = f.n, len(network.diode_p)
        self.system, self.outputs = system, outputs
        self.work = room(n + 1), room(n + 1), room(m), room(m), room(m), room(1)
        self.factors = room(f.size + 4), room(n)
        self.room = room(f.front), room(f.stack)
        self.lanes = (
            room(n + 1), room(m), np.zeros((m, 8), bool), room(m),
            room(n + 1),
        )  # fmt: skip
        # of each lane: its sample, what `settle` knows of it, and what contradicts it
        self.notes = (
            *np.zeros((5, 8), int), *room(2), *np.zeros((3, 8), bool),
            np.zeros((m, 8), bool),
        )  # fmt: skip
        self._edges = len(network.edge_p)
        self._values: Floats | None = None
        self._reacting, self._states, self._kept = -1, -1, 0
        self.react(0)

    def entries(self, of: Callable[..., Any], values: Floats, *arguments: Any) -> Any:
        """Return what tells entries of compiled functions, asked once for what has these types."""
        key = of, self.pack.kind.name, values.ndim  # a string has its hash at hand
        if key not in _ENTRIES:
            _ENTRIES[key] = of(self.pack, values, *arguments)
        return _ENTRIES[key]

    @property
    def scratch(self) -> tuple[Floats, ...]:
        """Arrays that are free between calls: three of nodes, one of rectifiers, and a zero."""
        x, y, current, *_ = self.work
        return x, y, self.lanes[0], current, self.work[5]

    def clean(self) -> None:
        """Put the reference back where it is."""
        self.work[0][-1] = 0.0

    def react(self, outputs: int, pulled: bool = False) -> None:
        """Make room for a basis of vectors for as many outputs, and for the states of some.

        Where outputs are `pulled` what was found before is kept meanwhile.
        """
        if outputs > self._reacting:
            self._reacting, self._states = outputs, min(outputs, FEW)
        elif pulled <= self._kept:
            return
        self._kept = max(self._kept, pulled)
        self._make()

    def widen(self) -> None:
        """Make room for half as many states more than there were too few."""
        self._states = min(self._states + max(1, self._states // 2), self._reacting)
        self._make()

    def _make(self) -> None:
        from ..compiled.packs import Pack

        outputs, states, room, n, m = self._reacting, self._states, self.new, self.n, self.m
        basis = (
            room(outputs, outputs), room(states, n + 1), room(states, m), room(outputs),
            room(outputs), np.zeros(8, int), np.zeros(8), room(n + 1), room(m), room(outputs),
            room(outputs), np.zeros(outputs), room(outputs),
            room(self._kept * (n + 1)), room(self._kept * m),
        )  # fmt: skip
        self.pack = Pack(
            self.system, self.outputs, self.work, self.factors, self.room, self.lanes, self.notes,
            basis,
        )  # fmt: skip

    def values(self, conductance: Floats) -> Floats:
        """Return the conductances, or room for those of eight points."""
        if conductance.ndim == 1:
            return plain(conductance)
        if self._values is None:
            self._values = self.new(self._edges)
        return self._values
