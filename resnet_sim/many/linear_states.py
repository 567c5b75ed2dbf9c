"""States of a linear circuit with controlled sources, whatever feeds back to what.

The equations are those of `nodal`, and one factor of them serves all samples and their adjoints.
What no numbers of samples change, that there is one state and that it is stable, is found out of
the first sample, by the solver of single points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Bools, Floats
from ..laws.certificate import certify_points
from ..model.circuit import Circuit
from .linearised import singular
from .nodal import Columns, Factored
from .one_by_one import OneByOne
from .question import Question
from .states import Backend, Nudge, States


@dataclass(frozen=True)
class Held:
    """What adjoints need: a factor, and states of the samples that were found by themselves.

    Attributes
    ----------
    factored : Factored
    alone : ndarray of bool, shape (B,)
    others : States, optional
    """

    factored: Factored
    alone: Bools
    others: States | None


class LinearStates(Backend):
    """States of a circuit without rectifiers, curves and laws."""

    def __init__(self, question: Question) -> None:
        super().__init__(question)
        self.rescue = OneByOne(question)

    @classmethod
    def fits(cls, question: Question) -> str | None:
        """Return why samples can't share a factor, None if they can."""
        if question.apart or question.unlearnable:
            return question.apart or question.unlearnable
        if question.signed:
            return "conductances may be negative: there may be several states"
        red = question.reduction
        if len(red.rectifiers) or len(red.curves):
            return "there are rectifiers, or curves"
        tables = {question.circuit.locate(question.circuit.element(n))[0] for n in question.sources}
        if not tables <= {"voltage_sources", "current_sources"}:
            return "inputs are no independent sources"
        return None

    @property
    def one_way(self) -> tuple[str, ...]:
        """Controlled sources that act one way: with them the circuit has no co-content."""
        return self.rescue.one_way

    def nudged(self, g: Any, u: Floats, nudge: Nudge, start: Any = None) -> States:
        """Return the states with additions at the outputs."""
        if not len(u):
            return self.rescue.nudged(g, u, nudge)
        one = np.zeros(1, dtype=np.int64)
        first = self.rescue.rows(g, u[:1], nudge.rows(one), one)
        state = first.detail[0]
        circuit = state.reduction.circuit
        try:
            factored = None if singular(state) else Factored(state.reduction)
        except np.linalg.LinAlgError:
            factored = None
        if factored is None:
            return self.rescue.nudged(g, u, nudge)
        columns = self._columns(circuit, u, nudge)
        volts, amps = factored.imposed(circuit, columns)
        z = factored.solve(volts, amps)
        good = certify_points(
            circuit._with_columns(columns), z[:, : len(circuit.nodes)],
            factored.currents(z, amps, circuit.n_elements), circuit.switches.closed,
            self.question.tolerance,
        )[1]  # fmt: skip
        voltages, bad, others = self._shown(circuit, z[:, : factored.n]), ~good, None
        if bad.any():
            rows = np.flatnonzero(bad)
            others = self.rescue.rows(g, u[rows], nudge.rows(rows), rows)
            voltages[rows] = others.voltages
        none, held = np.zeros((len(u), 0), dtype=np.bool_), Held(factored, bad, others)
        knee = np.full(len(u), -1)
        return States(self, voltages, self.outputs.measured(voltages), none, knee, held)

    def _columns(self, circuit: Circuit, u: Floats, nudge: Nudge) -> Columns:
        """Return the values of all sources, those of the nudge, which come last, included."""
        volts, amps = (
            np.repeat(held[None], len(u), axis=0)
            for held in (circuit.voltage_sources.volts, circuit.current_sources.amps)
        )
        many = {"voltage_sources": volts, "current_sources": amps}
        for name, column in zip(self.question.sources, u.T, strict=False):
            table, row = circuit.locate(circuit.element(name))
            many[table][:, row] = column
        count = len(self.outputs.p)
        if nudge.stiffness:
            volts[:, -count:] = nudge.target
        if nudge.force is not None:
            amps[:, -count:] = nudge.force * self.outputs.weight()
        return {"voltage_sources": {"volts": volts}, "current_sources": {"amps": amps}}

    def _shown(self, circuit: Circuit, by_node: Floats) -> Floats:
        """Return rows of the question's nodes and of those within devices, not of nudges."""
        nodes = len(self.question.circuit.nodes)
        return np.concatenate((by_node[:, :nodes], by_node[:, len(circuit.nodes) :]), axis=1)

    def adjoint(self, states: States, slope: Floats) -> Floats:
        """Return the adjoint of each node for slopes dC/do, shape (B, n_nodes)."""
        held: Held = states.detail
        of_node = np.zeros((len(slope), held.factored.n))
        np.add.at(of_node.T, self.outputs.p, slope.T)
        np.add.at(of_node.T, self.outputs.q, -slope.T)
        found = held.factored.multipliers(of_node)
        result = self._shown(held.factored.red.circuit, found)
        if held.others is not None:
            result[held.alone] = self.rescue.adjoint(held.others, slope[held.alone])
        return result
