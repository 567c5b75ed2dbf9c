"""The numbers of variants: from values to problems, and from solutions to currents.

Arrays have shape (entries, points).
"""

from __future__ import annotations

import copy
import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Floats
from ..graph.problem import difference
from ..point.state import State
from .newton_lanes import Answers, Data

if TYPE_CHECKING:
    from .side_by_side import Together


class Numbers:
    """The numbers of some variants."""

    def __init__(self, together: Together, values: Floats) -> None:
        self.together, self.count = together, len(values)
        red = together.reduction
        self.conductance = self._column(red.conductors.value)
        self.tie, self.injection = self._column(red.ties.value), self._column(red.injections.value)
        self.drop = self._column(red.rectifiers.value)
        target = {"resistors": self.conductance, "voltage_sources": self.tie,
                  "current_sources": self.injection, "diodes": self.drop}  # fmt: skip
        for table, (mine, rows) in together.varied.items():
            chosen = values[:, mine].T
            target[table][rows] = 1.0 / chosen if table == "resistors" else chosen
        #: voltages of the nodes where their coordinate is zero
        self.offset = self._column(together.state.offset)
        for row in together.varied.get("voltage_sources", ((), ()))[1]:
            below = red.nodes_below(int(row))
            sign = 1.0 if red.forest.edge[red.ties.p[row]] == row else -1.0
            self.offset[below] += sign * (self.tie[row] - red.ties.value[row])

    def _column(self, values: Floats) -> Floats:
        return np.repeat(values[:, None], self.count, axis=1)

    def data(self) -> Data:
        """Return what differs between the problems."""
        plan, red = self.together.plan, self.together.reduction
        p, q = red.conductors.p[plan.conductors], red.conductors.q[plan.conductors]
        a, b = red.rectifiers.p[plan.rectifiers], red.rectifiers.q[plan.rectifiers]
        injection = self._column(self.together.problem.injection)
        feed = {int(row): k for k, row in enumerate(plan.injections)}
        for row in self.together.varied.get("current_sources", ((), ()))[1]:
            k = feed.get(int(row))
            if k is not None:
                change = self.injection[row] - red.injections.value[row]
                injection[plan.feed_q[k]] += change
                injection[plan.feed_p[k]] -= change
        return Data(
            self.conductance[plan.conductors],
            self.offset[q] - self.offset[p],
            injection,
            self.drop[plan.rectifiers] - (self.offset[a] - self.offset[b]),
        )

    def state(self, point: int, answers: Answers) -> State:
        """Return one variant as `findings` wants it."""
        together = self.together
        red = together.reduction
        rectifiers = dataclasses.replace(red.rectifiers, value=self.drop[:, point])
        state = copy.copy(together.state)
        state.reduction = dataclasses.replace(red, rectifiers=rectifiers)
        state.x = np.zeros(len(red.part))
        state.x[together.plan.coordinates] = answers.x[1:, point]
        state.offset = self.offset[:, point]
        state.rectifier_current = np.zeros(len(red.rectifiers))
        state.rectifier_current[together.plan.rectifiers] = answers.current[:, point]
        return state

    def currents(self, answers: Answers, data: Data) -> Floats:
        """Return the currents of all elements, shape (n_elements, points)."""
        together = self.together
        plan, red, prob = together.plan, together.reduction, together.problem
        flow = np.zeros_like(self.conductance)
        rise = difference(answers.x, np.zeros_like(answers.x), prob.edge_p, prob.edge_q, data.emf)
        flow[plan.conductors] = data.conductance * rise
        rows, branch = together.fixed_conductors, red.conductors
        fixed = self.offset[branch.p[rows]] - self.offset[branch.q[rows]]
        flow[rows] = self.conductance[rows] * fixed
        rectified = np.zeros_like(self.drop)
        rectified[plan.rectifiers] = answers.current
        rows, branch = together.fixed_rectifiers, red.rectifiers
        above = self.offset[branch.p[rows]] - self.offset[branch.q[rows]] - self.drop[rows]
        ohms = branch.resistance[rows][:, None]
        rectified[rows] = np.where(ohms > 0, np.maximum(above, 0.0) / ohms, 0.0)
        total = np.zeros((red.circuit.n_elements, self.count))
        kinds = (
            (red.conductors, flow),
            (red.rectifiers, rectified),
            (red.injections, self.injection),
        )
        for branch, current in kinds:
            for sign in (1.0, -1.0):  # no element has two branches of one sign and kind
                rows = np.flatnonzero(branch.sign == sign)
                total[branch.element[rows]] += sign * current[rows]
        total[red.ties.element] = self._tie_currents(kinds)
        return total

    def _tie_currents(self, kinds: tuple[tuple[Any, Floats], ...]) -> Floats:
        """Return what KCL leaves for the ties, shape (n_ties, points)."""
        red = self.together.reduction
        forest, ties = red.forest, red.ties
        result = np.zeros((len(ties), self.count))
        tied = np.flatnonzero(forest.parent >= 0)
        if not len(tied):
            return result
        leaving = np.zeros((len(red.coordinate), self.count))
        near = np.zeros(len(red.coordinate), dtype=np.bool_)
        near[tied] = True
        for branch, current in kinds:
            for end, sign in ((branch.p, 1.0), (branch.q, -1.0)):
                rows = np.flatnonzero(near[end])
                np.add.at(leaving, end[rows], sign * current[rows])
        for node in forest.order[::-1].tolist():
            if near[node]:
                tie, parent = forest.edge[node], forest.parent[node]
                result[tie] = leaving[node] if ties.p[tie] != node else -leaving[node]
                if near[parent]:
                    leaving[parent] += leaving[node]
        return result
