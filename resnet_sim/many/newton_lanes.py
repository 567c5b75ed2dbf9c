"""Many problems on one graph at once, in lanes.

The problems differ in conductances, sources and drops, not in what is joined to what.
Active-set Newton as in `newton`, all problems side by side: the order of elimination and
the pattern of the factor are found once, one vector operation serves `LANES` problems, and
problems drop out as they settle.  What does not settle is left to the caller.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..graph.problem import Problem, node_sums_abs
from ..solvers.linear.elimination import eliminate

#: Newton steps, and steps without fewer contradictions, after which a problem is given up.
MOST_STEPS, GIVE_UP_AFTER = 40, 6
#: Conductance of a conducting rectifier beside those at its ends.
STIFFNESS = 1e7
PASSES = 3
#: Relative rounding error of voltages and currents.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Data:
    """What differs between S problems; a column each.

    Attributes
    ----------
    conductance, emf : ndarray of float, shape (e, S)
    injection : ndarray of float, shape (n, S)
    drop : ndarray of float, shape (m, S)
        See `Problem`.
    """

    conductance: Floats
    emf: Floats
    injection: Floats
    drop: Floats

    def columns(self, chosen: Ints) -> Data:
        """Return some of the problems."""
        return Data(
            self.conductance[:, chosen], self.emf[:, chosen],
            self.injection[:, chosen], self.drop[:, chosen],
        )  # fmt: skip


@dataclass(frozen=True)
class Answers:
    """Coordinates (n, S), rectifier currents (m, S), steps taken, and what settled (S,)."""

    x: Floats
    current: Floats
    steps: int
    settled: Bools


class NewtonLanes:
    """Solves problems that share the graph of `problem`, and its rectifiers' resistances.

    Attributes
    ----------
    possible : bool
        False where elimination would take too much memory: then nothing can be solved here.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        p = np.concatenate((problem.edge_p, problem.diode_p))
        q = np.concatenate((problem.edge_q, problem.diode_q))
        self._pattern = eliminate(problem.n, p, q)
        self.possible = self._pattern is not None
        if self._pattern is None:
            return
        slots, place = self._pattern.slots(p, q), self._pattern.place
        edges = len(problem.edge_p)
        self._edges = slots[:edges], place[problem.edge_p], place[problem.edge_q]
        self._diodes = slots[edges:], place[problem.diode_p], place[problem.diode_q]
        at = node_sums_abs(problem.n, problem.edge_p, problem.edge_q, problem.conductance)
        at[0] = 0.0  # there is no other side to the reference
        #: conductance at the ends of each rectifier, S
        self._around = at[problem.diode_p] + at[problem.diode_q]
        self._around[self._around == 0] = float(np.median(problem.conductance))
        self._stiff = 1.0 / (problem.resistance + 1.0 / (STIFFNESS * self._around))

    def solve(self, data: Data, on: Bools) -> Answers:
        """Solve S problems.

        Parameters
        ----------
        data : Data
        on : ndarray of bool, shape (m,)
            Rectifiers to start with as conducting.
        """
        count = data.conductance.shape[1]
        x, current = np.zeros((self.problem.n, count)), np.zeros((len(on), count))
        settled = np.zeros(count, dtype=np.bool_)
        fewest, waited = np.full(count, len(on) + 1), np.zeros(count, dtype=np.int64)
        guess = np.repeat(on[:, None], count, axis=1)
        left, steps = np.arange(count), 0
        for _ in range(MOST_STEPS):
            some = data if len(left) == count else data.columns(left)
            found_x, found_current, singular = self._linear(some, guess)
            steps += len(left)
            wrong = self._contradictions(some, guess, found_x, found_current)
            number = wrong.sum(axis=0)
            done = (number == 0) & ~singular
            x[:, left[done]] = found_x[:, done]
            current[:, left[done]] = np.maximum(found_current[:, done], 0.0)
            settled[left[done]] = True
            better = number < fewest[left]
            fewest[left] = np.where(better, number, fewest[left])
            waited[left] = np.where(better, 0, waited[left] + 1)
            keep = ~done & ~singular & (waited[left] < GIVE_UP_AFTER)
            guess = (guess ^ wrong)[:, keep]
            left = left[keep]
            if not len(left):
                break
        return Answers(x, current, steps, settled)

    def _linear(self, data: Data, on: Bools) -> tuple[Floats, Floats, Bools]:
        """Solve the linear networks of guesses, shape (m, S)."""
        from ._newton_lanes import LANES, solve_lanes

        pattern = self._pattern
        assert pattern is not None
        count = on.shape[1]
        fill = np.minimum(np.arange(-(-count // LANES) * LANES), count - 1)
        if len(fill) > count:  # the last problem fills what is left of a vector
            data, on = data.columns(fill), on[:, fill]
        node = np.argsort(pattern.place)
        x, current, singular = solve_lanes.compiled(
            pattern.ptr, pattern.row, pattern.target, *self._edges, *self._diodes,
            data.conductance, data.emf, data.injection[node],
            np.where(on, self._stiff[:, None], 0.0), data.drop,
            self.problem.resistance, PASSES,
        )  # fmt: skip
        return x[pattern.place, :count], current[:, :count], singular[:count]

    def _contradictions(self, data: Data, on: Bools, x: Floats, current: Floats) -> Bools:
        """Tell which rectifiers contradict their guess by more than rounding, shape (m, S)."""
        volts = np.abs(x).max(axis=0, initial=0.0)
        above = x[self.problem.diode_p] - x[self.problem.diode_q] - data.drop
        high = above > ROUNDING * (volts + np.abs(data.drop))
        backward = current < -ROUNDING * self._around[:, None] * volts
        wrong: Bools = np.where(on, backward, high)
        return wrong
