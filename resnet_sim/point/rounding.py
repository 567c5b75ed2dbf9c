"""What only rounding lets differ from zero: no proof that a circuit has no solution.

A controlled source whose control is zero in exact arithmetic sets 1e-24 V, sources of 0.1 V and
0.2 V are not those of 0.3 V, and ideal diodes or a loop of sources would contradict that.  It is
asked only where something contradicts: else small values mean what they say.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from ..arrays import Floats, Ints
from ..graph.graphs import bincount
from ..graph.problem import EPS, Problem
from ..graph.topology import ROUNDING
from .plan import Plan
from .state import State


class Noise:
    """What of the values of controlled sources, and of the nodes' offsets, may be rounding.

    Attributes
    ----------
    of_sources : ndarray of float, shape (n_sources,)
        Volts or amps of those that only rounding lets differ from zero, 0 for others.
    of_nodes : ndarray of float, shape (n_nodes,)
        The sum of such volts, and of the rounding of all others, between each node and its root.
    """

    def __init__(self, state: State) -> None:
        self.state = state
        self.of_sources = np.zeros(len(state.reduction.controls))
        for row in np.flatnonzero(state.known_sources & ~state.compiled.paired).tolist():
            value = abs(self._value(row))
            if value <= 64 * EPS * self._terms(row):
                self.of_sources[row] = value
        noise = self._of(state.reduction.ties.source)
        self.of_nodes = self._from_roots(noise + 4 * EPS * np.abs(state.tie_value))

    def _value(self, row: int) -> float:
        state = self.state
        tie, feed = state.compiled.tie_of_source[row], state.compiled.injection_of_source[row]
        return float(state.tie_value[tie] if tie >= 0 else state.injection_value[feed])

    def _from_roots(self, size: Floats) -> Floats:
        """Return the sum over the ties between each node and its root, shape (n_nodes,)."""
        forest, ties = self.state.reduction.forest, self.state.reduction.ties
        tie, _, sign = forest.upward(ties.p)
        rise = size.copy()
        rise[tie] *= sign  # adds up away from the roots
        return forest.offsets(ties.p, rise)

    def _of(self, source: Ints) -> Floats:
        """Return the noise of the sources of branches, 0 for branches without one."""
        if not len(self.of_sources):
            return np.zeros(len(source))
        return np.where(source >= 0, self.of_sources[source], 0.0)

    def _terms(self, row: int) -> float:
        """Return what a source would be if its controls were the largest of their parts."""
        red, table = self.state.reduction, self.state.reduction.controls
        part = red.part[red.coordinate]
        size = abs(float(table.constant[row]))
        for k in range(table.ptr[row], table.ptr[row + 1]):
            index, gain = int(table.index[k]), abs(float(table.gain[k]))
            if table.of_current[k]:
                size += gain * self._largest_current(index)
            else:
                near = part == part[index] if part[index] >= 0 else np.array([index])
                size += gain * float(np.abs(self.state.node_voltages()[near]).max())
        return size

    def _largest_current(self, element: int) -> float:
        """Return the largest current in the parts that a tie's current comes from, A."""
        red = self.state.reduction
        tie = red.tie_of[element]
        if not red.forest.in_tree[tie]:
            return 0.0
        side = red.below(tie)
        parts = np.unique(red.part[red.coordinate[side]])
        largest = 0.0
        for branch, current in self.state.flows():
            near = np.isin(red.branch_parts(branch), parts[parts >= 0])
            near |= side[branch.p] | side[branch.q]
            largest = max(largest, float(np.abs(current[near]).max(initial=0.0)))
        return largest

    def cleared(self, problem: Problem, plan: Plan) -> Problem:
        """Return a stage's problem with drops of zero, and currents that need no way, for noise."""
        red = self.state.reduction
        branch, rows = red.rectifiers, plan.rectifiers
        blur = self.of_nodes[branch.p[rows]] + self.of_nodes[branch.q[rows]]
        blur = (blur + 4 * EPS * np.abs(branch.drop[rows])) / plan.diode_scale
        drop = np.where(np.abs(problem.drop) <= blur, 0.0, problem.drop)
        feeds, rows = red.injections, plan.injections
        lost = self._of(feeds.source[rows]) / ROUNDING
        turnover = problem.turnover.copy()
        for ends, local in ((feeds.p, plan.feed_p), (feeds.q, plan.feed_q)):
            turnover += bincount(local, np.abs(lost / red.scale[ends[rows]]), plan.n)
        return dataclasses.replace(problem, drop=drop, turnover=turnover)

    def of_loop(self, tie: int) -> float:
        """Return how far the voltages around the loop that a tie closes may be off, V."""
        ties = self.state.reduction.ties
        own = self._of(ties.source[[tie]])[0]
        return float(self.of_nodes[ties.p[tie]] + self.of_nodes[ties.q[tie]] + own)
