"""Variants side by side: the structure that they share, and their results."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..diagnostics import Diagnostic
from ..errors import ConvergenceError, TopologyError
from ..graph.graphs import spanning_forest
from ..graph.problem import Solution
from ..laws.certificate import certify_points
from ..point.plan import Compiled
from ..point.state import State
from ..point.warnings import nonunique
from ..results.operating_point import OperatingPoint, SolverInfo
from .newton_lanes import Answers, Data, Lanes

if TYPE_CHECKING:
    from .batch import Batch

#: What counts as touching the drop, relative.
TIGHT = 1e-9
#: The branches that carry the values of tables.
KINDS = {
    "resistors": "conductors", "voltage_sources": "ties",
    "current_sources": "injections", "diodes": "rectifiers",
}  # fmt: skip


class Together:
    """The common structure; arrays of numbers have shape (entries, points)."""

    def __init__(self, batch: Batch) -> None:
        self.batch, self.engine, circuit = batch, batch.engine(), batch.circuit
        self.compiled = compiled = Compiled(circuit, circuit.switches.closed)
        self.reduction = red = compiled.reduction
        self.possible = len(compiled.plans) == 1 and bool(red.forest.in_tree.all())
        if not self.possible:
            return
        (self.plan,) = compiled.plans
        self.problem = State(compiled).problem(self.plan)
        self.possible = self.plan.n > 1 and self.problem.positive and self._find_rows()
        if not self.possible:
            return
        self.lanes = Lanes(self.problem)
        self.possible = self.lanes.possible
        self.on = self._conducting()
        hard = np.flatnonzero(self.problem.hard)
        p, q = self.problem.diode_p[hard], self.problem.diode_q[hard]
        #: whether ideal rectifiers can form a loop, around which currents are not unique
        self.loops = not spanning_forest(self.problem.n, p, q).in_tree.all()
        self._known_loops: dict[bytes, tuple[tuple[str, ...], list[Diagnostic]]] = {}

    def _find_rows(self) -> bool:
        """Find which row of the branches each varied value belongs to."""
        red, batch = self.reduction, self.batch
        self.varied: dict[str, tuple[Ints, Ints]] = {}
        for table in np.unique(batch.tables).tolist():
            if table not in KINDS:
                return False
            branch = getattr(red, KINDS[table])
            row_of = np.full(batch.circuit.n_elements, -1)
            forward = branch.sign > 0
            row_of[branch.element[forward]] = np.flatnonzero(forward)
            mine = np.flatnonzero(batch.tables == table)
            rows = row_of[batch.circuit.first[table] + batch.rows[mine]]
            if (rows < 0).any():
                return False
            self.varied[table] = mine, rows
        return True

    def _conducting(self) -> Bools:
        """Return the rectifiers that conduct in the circuit as it is, none if that fails."""
        try:
            point = self.engine.solve(self.batch.circuit)
        except (TopologyError, ConvergenceError):
            return np.zeros(len(self.problem.drop), dtype=np.bool_)
        conducting: Bools = point.state.rectifier_current[self.plan.rectifiers] > 0
        return conducting

    def solve(self, values: Floats) -> tuple[OperatingPoint, Bools]:
        """Return the points, and which of them are solved and certified."""
        batch, state = self.batch, self._state(values)
        problem = state.problem(self.plan)
        data = Data(problem.conductance, problem.emf, problem.injection, problem.drop)
        answers = self.lanes.solve(data, self.on)
        state.absorb(self.plan, Solution(
            problem, answers.x, np.zeros_like(answers.x), answers.current,
            answers.steps, True, "newton",
        ))  # fmt: skip
        voltages = np.ascontiguousarray(state.node_voltages().T)
        currents = np.ascontiguousarray(state.currents().T)
        closed = batch.circuit.switches.closed
        certificate, good = certify_points(
            batch.variants(values), voltages, currents, closed, batch.tolerance
        )
        allowed = answers.settled & self._allowed(values)
        if not (good & allowed).all():  # the others are solved again, one by one
            good &= allowed
            certificate, _ = certify_points(
                batch.variants(values[good]), voltages[good], currents[good], closed,
                batch.tolerance,
            )  # fmt: skip
        names, warnings = self._nonunique(state, answers, data)
        result = OperatingPoint(
            batch.circuit, voltages, currents, certificate,
            SolverInfo("newton", answers.steps, 0.0),
            (*self.engine.structure, *warnings),
            nonunique=names,
            closed=np.repeat(closed[None, :], len(values), axis=0),
        )  # fmt: skip
        return result, good

    def _state(self, values: Floats) -> State:
        """Return the points before they are solved."""
        red, count = self.reduction, len(values)
        branches = {
            "conductors": red.conductors, "ties": red.ties,
            "injections": red.injections, "rectifiers": red.rectifiers,
        }  # fmt: skip
        columns = {kind: np.repeat(b.held[:, None], count, 1) for kind, b in branches.items()}
        for table, (mine, rows) in self.varied.items():
            chosen = values[:, mine].T
            columns[KINDS[table]][rows] = 1.0 / chosen if table == "resistors" else chosen
        return State(self.compiled.replace(
            **{kind: b.holding(columns[kind]) for kind, b in branches.items()}
        ))  # fmt: skip

    def _allowed(self, values: Floats) -> Bools:
        """Tell which variants have values that leave the structure as it is."""
        allowed = np.asarray(np.isfinite(values).all(axis=1))
        if "resistors" in self.varied:
            allowed &= (values[:, self.varied["resistors"][0]] > 0).all(axis=1)
        if "diodes" in self.varied:
            mine = self.varied["diodes"][0]
            lowest = -self.batch.circuit.diodes.v_reverse[self.batch.rows[mine]]
            allowed &= (values[:, mine] >= lowest).all(axis=1)
        return allowed

    def _nonunique(
        self, state: State, answers: Answers, data: Data
    ) -> tuple[tuple[str, ...], tuple[Diagnostic, ...]]:
        """Return elements whose current is one of many in some variant, and warnings."""
        prob, on = self.problem, answers.current > 0
        gap = data.drop - (answers.x[prob.diode_p] - answers.x[prob.diode_q])
        volts = np.abs(answers.x).max(axis=0, initial=0.0) + np.abs(data.drop)
        tight: Bools = (on | (gap <= TIGHT * volts)) & prob.hard[:, None]
        looping = self._pruned(tight)
        names: dict[str, None] = {}
        found: dict[Diagnostic, None] = {}
        patterns: Bools = np.concatenate((looping & on, looping))
        _, first = np.unique(np.packbits(patterns, axis=0), axis=1, return_index=True)
        for k in first[np.asarray(looping.any(axis=0))[first]].tolist():
            key = patterns[:, k].tobytes()
            if key not in self._known_loops:
                self._known_loops[key] = nonunique(state.point(k))
            more, warnings = self._known_loops[key]
            names |= dict.fromkeys(more)
            found |= dict.fromkeys(warnings)
        return tuple(names), tuple(found)

    def _pruned(self, edges: Bools) -> Bools:
        """Return what is left of sets of rectifiers, (m, S), without those that end nowhere.

        What is on a loop stays.
        """
        if not self.loops or not edges.any():
            return np.zeros_like(edges)
        from scipy.sparse import csr_array

        prob, m = self.problem, len(edges)
        ends = np.concatenate((prob.diode_p, prob.diode_q))
        rectifier = np.concatenate((np.arange(m), np.arange(m)))
        at = csr_array((np.ones(2 * m, dtype=np.int64), (ends, rectifier)), shape=(prob.n, m))
        while True:
            degree = at @ edges.astype(np.int64)
            fewer = edges & (degree[prob.diode_p] > 1) & (degree[prob.diode_q] > 1)
            if np.array_equal(fewer, edges):
                return edges
            edges = fewer
