"""Value variants of one circuit, many at once.

Variants share nodes, elements and what is connected to what.  Where the circuit is one convex
problem its structure is analysed once and `solvers.many` solves the variants side by side;
the certificate judges each.  A variant that does not settle or does not pass, and any variant
of any other circuit, is solved by `operating_point.Engine`.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from .certificate import certify_points
from .circuit import TABLES, Circuit
from .cocontent import Compiled, State
from .diagnostics import Diagnostic
from .elements import Bools, Floats, Ints
from .errors import ConvergenceError, TopologyError, UsageError
from .findings import nonunique
from .graphs import spanning_forest
from .operating_point import Engine, Point
from .points import join, stack
from .problem import difference
from .results import OperatingPoint, SolverInfo
from .solvers.many import Answers, Data, Lanes

#: Variants times size of the problem (plus what any takes) from which it pays to import numba.
WORTH, ANY = 30_000, 50
#: Variants solved side by side: more would not stay in the cache.
BLOCK = 64
#: What counts as touching the drop, relative.
TIGHT = 1e-9


class Batch:
    """Solves variants of a circuit in which the values of some elements differ.

    Parameters
    ----------
    circuit : Circuit
    names : sequence of str
        The elements.
    method, tolerance
        See `analysis.solve`; only ``"auto"`` solves variants together.
    start : ndarray of float, shape (n_nodes,), optional
        V; only used for variants that are solved one by one.
    expected : int
        How many variants there will be in all.

    Raises
    ------
    UsageError
        If a name is unknown or has no value.
    """

    def __init__(
        self,
        circuit: Circuit,
        names: Sequence[str],
        method: str = "auto",
        tolerance: float = 1e-9,
        start: Floats | None = None,
        expected: int = 1,
    ) -> None:
        self.circuit, self.names, self.tolerance = circuit, tuple(names), tolerance
        self.method, self.start, self.expected = method, start, expected
        places = [circuit.locate(circuit.element(name)) for name in names]
        for name, (table, _) in zip(names, places, strict=True):
            if TABLES[table] is None:
                raise UsageError(
                    f"{name} is a {getattr(circuit, table).kind}: it has no value to set"
                )
        self.tables = np.array([table for table, _ in places], dtype=np.str_)
        self.rows = np.array([row for _, row in places], dtype=np.int64)

    @cached_property
    def together(self) -> _Together | None:
        """What solves variants side by side, None if the circuit is not one convex problem."""
        if self.method != "auto" or len(self.circuit.controlled_sources):
            return None
        if not self.circuit.switches.fixed.all() or not len(self.names):
            return None
        if self.expected * (len(self.circuit.nodes) + ANY) < WORTH:
            return None
        together = _Together(self)
        return together if together.possible else None

    def solve(self, values: Floats) -> OperatingPoint:
        """Solve variants.

        Parameters
        ----------
        values : ndarray of float, shape (points, names)
            Ohms, volts, amps: what `Circuit.with_values` takes.

        Returns
        -------
        OperatingPoint
            With a leading axis of points.  Points without a solution are in ``unsolved``.
        """
        blocks = [self._block(values[k : k + BLOCK]) for k in range(0, len(values), BLOCK)]
        return join(self.circuit, blocks, {}, 0.0)

    def _block(self, values: Floats) -> OperatingPoint:
        if self.together is None:
            return self._one_by_one(values)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            result, good = self.together.solve(values)
        rest = np.flatnonzero(~good)
        if not len(rest):
            return result
        return _merge(result, np.flatnonzero(good), self._one_by_one(values[rest]), rest)

    def engine(self) -> Engine:
        """Return an engine that knows nothing of other points: results don't depend on them."""
        return Engine(self.circuit, self.method, self.tolerance, self.start)

    def _one_by_one(self, values: Floats) -> OperatingPoint:
        points: list[Point | None] = []
        unsolved: dict[int, str] = {}
        notices: dict[str, Diagnostic] = {}
        engine = self.engine()
        for number, row in enumerate(values.tolist()):
            variant = self.circuit.with_values(dict(zip(self.names, row, strict=True)))
            try:
                points.append(engine.solve(variant))
            except (TopologyError, ConvergenceError) as error:
                points.append(None)
                unsolved[number] = str(error)
                for diagnostic in getattr(error, "diagnostics", ()):
                    notices.setdefault(diagnostic.code, diagnostic)
        return stack(
            self.circuit, points, {}, unsolved, 0.0, self.tolerance, tuple(notices.values())
        )

    def variants(self, values: Floats) -> Circuit:
        """Return the circuit with columns of values of shape (points, rows)."""
        columns: dict[str, dict[str, Any]] = {}
        for table in np.unique(self.tables).tolist():
            mine = self.tables == table
            name = str(TABLES[table])
            column = getattr(getattr(self.circuit, table), name)
            many = np.repeat(column[None, :], len(values), axis=0)
            many[:, self.rows[mine]] = values[:, mine]
            columns[table] = {name: many}
        return self.circuit._with_columns(columns)


def _merge(one: OperatingPoint, rows: Ints, other: OperatingPoint, others: Ints) -> OperatingPoint:
    """Put chosen points of one result and all points of another at their places."""
    order = np.argsort(np.concatenate((rows, others)))
    return join(one.circuit, (one.pick(rows), other), {}, 0.0).pick(order)


class _Together:
    """The common structure; arrays of numbers have shape (entries, points)."""

    def __init__(self, batch: Batch) -> None:
        self.batch, self.engine, circuit = batch, batch.engine(), batch.circuit
        compiled = Compiled(circuit, circuit.switches.closed)
        self.reduction = red = compiled.reduction
        self.possible = len(compiled.plans) == 1 and bool(red.forest.in_tree.all())
        if not self.possible:
            return
        (self.plan,) = compiled.plans
        self.state = State(compiled)
        self.problem = self.state.problem(self.plan)
        self.possible = self.plan.n > 1 and self.problem.positive and self._find_rows()
        if not self.possible:
            return
        self.lanes = Lanes(self.problem)
        self.possible = self.lanes.possible
        self.fixed_conductors = compiled.fixed_conductors
        self.fixed_rectifiers = compiled.fixed_rectifiers
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
        kinds = {
            "resistors": red.conductors, "voltage_sources": red.ties,
            "current_sources": red.injections, "diodes": red.rectifiers,
        }  # fmt: skip
        for table in np.unique(batch.tables).tolist():
            if table not in kinds:
                return False
            branch = kinds[table]
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
        batch, plan, red = self.batch, self.plan, self.reduction
        numbers = _Numbers(self, values)
        data = numbers.data()
        answers = self.lanes.solve(data, self.on)
        x = np.zeros((len(red.part), len(values)))
        x[plan.coordinates] = answers.x[1:]
        voltages = np.ascontiguousarray((x[red.coordinate] + numbers.offset).T)
        currents = np.ascontiguousarray(numbers.currents(answers, data).T)
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
        names, warnings = self._nonunique(numbers, answers, data)
        result = OperatingPoint(
            batch.circuit, voltages, currents, certificate,
            SolverInfo("newton", answers.steps, 0.0),
            (*self.engine.structure, *warnings),
            nonunique=names,
            closed=np.repeat(closed[None, :], len(values), axis=0),
        )  # fmt: skip
        return result, good

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
        self, numbers: _Numbers, answers: Answers, data: Data
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
                self._known_loops[key] = nonunique(numbers.state(k, answers))
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


class _Numbers:
    """The numbers of some variants."""

    def __init__(self, together: _Together, values: Floats) -> None:
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
