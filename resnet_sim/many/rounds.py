"""Rounds of iterations for sixteen points side by side; see `iterated`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..compiled.registers import aligned
from ..solvers.linear.stiff import Stiff

#: Points side by side.
W = 16
#: Conductance of a conducting rectifier beside those at its ends; what a round of iterations
#: leaves, relative; rounds at most, and iterations in each.
STIFFNESS, LEAVES, ROUNDS, ITERATIONS = 1e4, 1e-4, 150, 2_000
#: What contradicts a rectifier: relative to the change of this round, and to the largest voltage.
ROUGH, FINE = 1e-2, 1e-12
#: Last change of a state, relative to the largest voltage, and of how it reacts: the next would
#: be a ten-thousandth of it.  KCL is judged by currents far below the largest.
LAST, REACTED = 1e-11, 1e-10
#: What KCL leaves over where more rounds don't help any longer, and how many of these are tried.
KCL, TRIES = 1e-10, 4
#: Rounds with flips but without fewer of them after which only the last rectifier flips (Murty).
MURTY_AFTER = 3
#: Share of the least limit so far from which on contradictions are counted anew.
CLOSER = 0.3


@dataclass(frozen=True)
class System:
    """A network at common conductances; branches are the rectifiers, then the outputs.

    Attributes
    ----------
    plan : Stiff
    at_p, at_q : ndarray, shape (branches,)
        What is across a branch is ``at_p x_p - at_q x_q``.
    feeds : sparse array, shape (n, branches)
        Injections, by place, of currents against the branches.
    rectifiers : int
    edges : tuple of ndarray
        Where the edges of each node begin, their other ends, and which they are.
    conductance : ndarray, shape (e,)
        S.
    weight, diagonal : ndarray of float32
        Minus the conductance of each of these edges, and their sum at each node, in `unit`.
    unit : float
        S.
    around, ohms : ndarray, shape (branches, 1)
        Conductance at the ends, S, and resistance.
    """

    plan: Stiff
    at_p: Floats
    at_q: Floats
    feeds: Any
    rectifiers: int
    edges: tuple[Ints, Ints, Ints]
    conductance: Floats
    weight: Any
    diagonal: Any
    unit: float
    around: Floats
    ohms: Floats

    def across(self, x: Any) -> Floats:
        """Return what is across the branches."""
        from ..solvers.linear.descent import across

        above = np.empty((len(self.ohms), W))
        across((self.plan.p, self.plan.q, self.at_p, self.at_q), x, above)
        return above


class Room:
    """Arrays of float32 that sixteen points need while they are solved."""

    def __init__(self, plan: Stiff) -> None:
        n, branches = len(plan.place), len(plan.p)
        self.factors = aligned((len(plan.row) + 1, W)), aligned((n, W))
        self.vectors = tuple(aligned((n, W)) for _ in range(5))
        self.siemens, self.looks = aligned((branches, W)), aligned((3, W))
        self._zero = aligned((1, W // 2), np.float64)

    @property
    def scratch(self) -> tuple[Floats, ...]:
        """Arrays of eight float64 that are free between calls, see `lanes`."""
        nodes = (vector.view(np.float64) for vector in self.vectors[:3])
        return *nodes, self.siemens.view(np.float64), self._zero

    def clean(self) -> None:
        """Put the reference back where it is."""
        for vector in self.vectors:
            vector[-1] = 0.0


class Group:
    """Sixteen points that are solved at once; arrays have a column for each."""

    def __init__(self, system: System, room: Room, count: int) -> None:
        self.system, self.room, self.m = system, room, system.rectifiers
        n, branches = len(system.plan.place), len(system.ohms)
        self.load, self.x, self.left, self.carried = (aligned((n, W), np.float64) for _ in range(4))
        self.drop, self.current = np.zeros((branches, W)), np.zeros((branches, W))
        self.on: Bools = np.zeros((branches, W), dtype=np.bool_)
        self.ohms = np.repeat(system.ohms, W, axis=1)
        #: points that were asked for, of them those found, and after how many rounds
        self.asked: Bools = np.arange(W) < count
        self.done: Bools = np.zeros(W, dtype=np.bool_)
        self.rounds = np.zeros(W, dtype=np.int64)

    def pull(self, shift: float | Floats, aim: Floats) -> None:
        """Pull the outputs to an aim with ``1 / shift`` S, of all or of each."""
        self.on[self.m :], self.ohms[self.m :], self.drop[self.m :] = True, shift, aim

    def solve(self, flips: bool) -> None:
        """Go on until all points are found, or can't be; rectifiers stay unless they may flip."""
        last, flipping = LAST if flips else REACTED, _Flipping(self.m)
        going, settled = self.asked.copy(), np.zeros(W, dtype=np.int64)
        self.done[:] = False
        self.current[~self.on] = 0.0
        siemens = self._factorise()
        for _ in range(ROUNDS):
            missing, gap = self._missing(siemens)
            if settled.any():
                judged = not flips or self._imbalance() <= KCL
                self.done |= (settled > 0) & judged | (settled > TRIES)
                going &= ~self.done
            if not going.any():
                break
            moved, broken = self._round(siemens, missing, gap, going)
            going &= ~broken
            self.rounds += going
            volts = np.abs(self.drop[: self.m]).max(axis=0, initial=0.0)
            volts = np.maximum(volts, np.abs(self.x).max(axis=0))
            wrong = np.zeros((self.m, W), dtype=np.bool_)
            if flips:
                limit = np.maximum(FINE * volts, ROUGH * moved)
                wrong = flipping.choose(self._contradictions(limit) & going, limit)
            settled = np.where(going & (moved <= last * volts), settled + 1, 0)
            if wrong.any():
                settled[wrong.any(axis=0)] = 0
                self.on[: self.m] ^= wrong
                self.current[: self.m][wrong] = 0.0
                siemens = self._factorise()

    def _factorise(self) -> Floats:
        """Return the conductances (S) of all branches that conduct, stiff at most, and factors."""
        from ..solvers.linear.descent import factorise

        s, room = self.system, self.room
        siemens = np.where(self.on, 1.0 / (self.ohms + 1.0 / (STIFFNESS * s.around)), 0.0)
        room.siemens[:] = siemens / s.unit
        factorise(s.plan.plan, s.diagonal, room.siemens, *room.factors)
        return siemens

    def _missing(self, siemens: Floats) -> tuple[Floats, Floats]:
        """Return what a round must solve for: currents at nodes (A), voltages of branches (V)."""
        from ..solvers.linear.descent import leave

        s, feeds = self.system, self.system.feeds
        leave(s.edges, s.conductance, self.load, self.x, self.left, self.carried)
        self.left[:-1] -= feeds @ self.current
        gap = self.drop + self.ohms * self.current - s.across(self.x)
        missing = self.left.copy()
        missing[:-1] += feeds @ (siemens * gap)
        return missing, gap

    def _imbalance(self) -> Floats:
        """Return what KCL leaves over at most, see `audit`."""
        carried = self.carried[:-1] + abs(self.system.feeds) @ np.abs(self.current)
        least = np.maximum(1e-6 * carried.max(axis=0), 1e-300)
        return (np.abs(self.left[:-1]) / (carried + least)).max(axis=0)

    def _round(
        self, siemens: Floats, missing: Floats, gap: Floats, going: Bools
    ) -> tuple[Floats, Bools]:
        """Solve for what is missing; return the largest change and where there is no minimum."""
        from ..solvers.linear.descent import descend

        s, room = self.system, self.room
        missing[:, ~going] = 0.0
        size = np.abs(missing).max(axis=0)
        size[size == 0.0] = 1.0
        step, left = room.vectors[:2]
        step[:] = 0.0
        np.divide(missing, size, out=left, casting="same_kind")
        left[-1] = 0.0
        descend(
            s.plan.plan, (*s.edges[:2], s.weight), s.diagonal, room.siemens, room.factors,
            room.vectors, room.looks, LEAVES, ITERATIONS,
        )  # fmt: skip
        change = step * (size / s.unit)
        self.x += change
        lacking = siemens * (s.across(change) - gap)
        self.current += np.where(going, lacking, 0.0)
        return np.abs(change).max(axis=0), room.looks[0] > 0

    def _contradictions(self, limit: Floats) -> Bools:
        """Tell which rectifiers contradict their state by more than `limit` (V)."""
        m = self.m
        above = self.system.across(self.x)[:m] - self.drop[:m]
        backward = -self.current[:m] / self.system.around[:m]
        return np.where(self.on[:m], backward, above) > limit

    def read(self, rows: Ints, x: Floats, current: Floats, force: Floats) -> None:
        """Write down what was found."""
        count, m = len(rows), self.m
        x[rows] = self.x[self.system.plan.place[1:], :count].T
        current[rows] = self.current[:m, :count].T
        force[rows] = -self.current[m:, :count].T


class _Flipping:
    """Decides which of the rectifiers flip that contradict their states.

    All do, but after rounds without fewer of them only the last (Murty).
    """

    def __init__(self, m: int) -> None:
        self.m = m
        self.fewest, self.waited = np.full(W, m + 1), np.zeros(W, dtype=np.int64)
        self.looked = np.full(W, np.inf)

    def choose(self, wrong: Bools, limit: Floats) -> Bools:
        """Return which of those that are wrong by more than a limit (V) flip."""
        # who looks closer sees more
        closer = limit < CLOSER * self.looked
        self.looked = np.where(closer, limit, self.looked)
        self.fewest[closer], self.waited[closer] = self.m + 1, 0
        count = wrong.sum(axis=0)
        fewer, any_wrong = count < self.fewest, count > 0
        self.waited = np.where(any_wrong, np.where(fewer, 0, self.waited + 1), self.waited)
        self.fewest = np.where(any_wrong & fewer, count, self.fewest)
        for lane in np.flatnonzero(any_wrong & (self.waited >= MURTY_AFTER)).tolist():
            wrong[: self.m - 1 - int(wrong[::-1, lane].argmax()), lane] = False
        return wrong
