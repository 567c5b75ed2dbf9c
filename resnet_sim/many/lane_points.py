"""Operating points as lanes: the structure that they share, and their results.

Points share nodes, elements and what is connected to what.  Where the circuit is one convex
problem its structure is analysed once, and `lanes` solves many points at a time.
"""

from __future__ import annotations

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..compiled import policy
from ..diagnostics import Diagnostic
from ..errors import ConvergenceError, ResnetSimError, TopologyError
from ..graph.graphs import bincount, spanning_forest
from ..graph.problem import EPS, Problem, Solution
from ..laws.points import certify_many
from ..model.devices import DEVICES
from ..point.certified import join, worst
from ..point.plan import Compiled, Plan
from ..point.state import State
from ..point.warnings import nonunique
from ..results.operating_point import Certificate, OperatingPoint, SolverInfo
from .lanes import Answers, Data, Lanes, Network
from .one_by_one import OneByOne
from .question import Failed, Question, some
from .states import Backend, held

#: Points solved side by side: more would not stay in the cache.
BLOCK = 64
#: What counts as touching the drop, relative.
TIGHT = 1e-9
#: A current that may be none, over the largest voltage times the conductances around.
FAINT = 1e-12
#: The branches that carry the values of tables.
KINDS = {name: device.sets for name, device in DEVICES.items() if device.sets}


class LanePoints(Backend):
    """Operating points of one convex problem whose data differ, as lanes of one elimination.

    The certificate judges each point.  One that does not settle or does not pass goes to
    `OneByOne`.
    """

    def __init__(self, question: Question) -> None:
        super().__init__(question)
        self.together, self.rescue = question.once(Together), OneByOne(question)

    @classmethod
    def fits(cls, question: Question) -> str | None:
        """Return why points can't be solved side by side, or why that does not pay."""
        circuit, count = question.circuit, question.points
        if question.method != "auto":
            return f"the method {question.method} is asked for"
        if circuit.smooth:
            return f"there are smooth laws: {some(circuit.smooth)}"
        if not circuit.switches.fixed.all():
            names = np.array(circuit.switches.names)[~circuit.switches.fixed].tolist()
            return f"the state of {some(names)} depends on the solution"
        if not question.varied:
            return "nothing differs from point to point"
        if count < policy.POLICY.fewest_points or (
            count * (len(circuit.nodes) + policy.POLICY.any_point) < policy.POLICY.lanes
        ):
            return f"{count} points of {len(circuit.nodes)} nodes are too few to pay"
        return question.once(Together).reason

    def points(self, values: Floats, failed: Failed | None = None) -> OperatingPoint:
        """Return the points at values of what varies, shape (points, names)."""
        first = range(0, len(values), BLOCK)
        blocks = [self._block(values[k : k + BLOCK], k, failed) for k in first]
        return join(self.together.circuit, blocks, {}, 0.0)

    def _block(self, values: Floats, first: int, failed: Failed | None) -> OperatingPoint:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            result, good = self.together.solve(values)
        rest = np.flatnonzero(~good)
        if not len(rest):
            return result

        def renumbered(number: int, error: ResnetSimError) -> None:
            assert failed is not None
            failed(first + int(rest[number]), error)

        others = self.rescue.points(values[rest], failed and renumbered)
        rows = np.flatnonzero(good)
        order = np.argsort(np.concatenate((rows, rest)))
        return join(result.circuit, (result.pick(rows), others), {}, 0.0).pick(order)


class Together:
    """The structure that points share; arrays of numbers have shape (entries, points).

    Attributes
    ----------
    reason : str or None
        Why points can't be solved together; then nothing else is there.
    """

    def __init__(self, question: Question) -> None:
        self.question, self.circuit = question, question.circuit
        self.reason = self._unfit()
        if self.reason is not None:
            return
        self.solver = OneByOne(question).solver(self.circuit)
        self._note_conducting()
        self._known_loops: dict[bytes, tuple[tuple[str, ...], list[Diagnostic]]] = {}

    def _unfit(self) -> str | None:
        """Look for what points share; return a reason if that is not enough."""
        self.compiled = compiled = Compiled(self.circuit, self.circuit.switches.closed)
        self.reduction = red = compiled.reduction
        if not red.forest.in_tree.all():
            return "ideal sources and shorts form a loop"
        if any(plan.stage.feedback for plan in compiled.plans):
            return "controlled sources feed back to what controls them"
        if len(red.curves):
            return "there are smooth curves"
        state = State(compiled)
        self.stages = [Stage(plan, state.problem(plan)) for plan in compiled.plans]
        problems = [stage.problem for stage in self.stages if stage.plan.n > 1]
        if not problems or not all(one.positive and len(one.conductance) for one in problems):
            return "there are negative resistances, or none at all"
        fixed = self._find_rows()
        if fixed:
            return f"the values of {some(fixed)} tell what is connected, or are those of a crossbar"
        unfit = (stage.lanes.unfit for stage in self.stages if stage.plan.n > 1)
        return next((why for why in unfit if why), None)

    def _find_rows(self) -> list[str]:
        """Find which row of the branches each varied value belongs to; return names without."""
        red, circuit = self.reduction, self.circuit
        tables, places = self.question.places
        self.varied: dict[str, tuple[Ints, Ints]] = {}
        without = []
        for table in np.unique(tables).tolist():
            mine = np.flatnonzero(tables == table)
            row_of = np.full(circuit.n_elements, -1)
            if table in KINDS:
                branch = getattr(red, KINDS[table])
                forward = branch.sign > 0
                row_of[branch.element[forward]] = np.flatnonzero(forward)
            rows = row_of[circuit.first[table] + places[mine]]
            without += [self.question.varied[k] for k in mine[rows < 0].tolist()]
            self.varied[table] = mine, rows
        return without

    def _note_conducting(self) -> None:
        """Let points begin with the rectifiers that conduct in the circuit as it is."""
        if not any(len(stage.on) for stage in self.stages):
            return
        try:
            current = self.solver.solve(self.circuit).state.rectifier_current
        except (TopologyError, ConvergenceError):
            return
        for stage in self.stages:
            stage.on = current[stage.plan.rectifiers] > 0

    def solve(self, values: Floats) -> tuple[OperatingPoint, Bools]:
        """Return the points, and which of them are solved and certified."""
        state = self._state(values)
        settled, steps = np.ones(len(values), dtype=np.bool_), 0
        patterns: list[Bools] = []
        for stage in self.stages:
            if stage.plan.n > 1:
                answers = stage.solve(state, "resistors" not in self.varied)
                settled &= answers.settled
                steps += int(answers.steps.sum())
                patterns += stage.loops(state, answers.current.T)
            state.evaluate_sources(stage.plan.stage.sources)
        voltages = np.ascontiguousarray(state.node_voltages()[: len(self.circuit.nodes)].T)
        currents = np.ascontiguousarray(state.currents().T)
        closed = self.circuit.switches.closed
        settled &= self._allowed(values)
        # the others are solved again, one by one
        certificate, good = self._certify(values, voltages, currents, settled)
        names, warnings = self._nonunique(state, patterns)
        result = OperatingPoint(
            self.circuit, voltages, currents, certificate,
            SolverInfo("newton", steps, 0.0),
            (*self.solver.structure, *warnings),
            nonunique=names,
            closed=np.repeat(closed[None, :], len(values), axis=0),
        )  # fmt: skip
        return result, good

    def _certify(
        self, values: Floats, voltages: Floats, currents: Floats, settled: Bools
    ) -> tuple[Certificate, Bools]:
        """Judge those points that are settled."""
        rows = np.flatnonzero(settled) if not settled.all() else slice(None)
        good, tolerance = settled.copy(), self.question.tolerance
        proofs, good[rows] = certify_many(
            self.circuit, self._columns(values[rows]), voltages[rows], currents[rows],
            self.circuit.switches.closed, tolerance,
        )  # fmt: skip
        return worst(proofs, tolerance), good

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

    def _columns(self, values: Floats) -> dict[str, dict[str, Floats]]:
        """Return columns of values of shape (points, rows), where points differ in them."""
        rows = self.question.places[1]
        columns: dict[str, dict[str, Floats]] = {}
        for table, (mine, _) in self.varied.items():
            name = str(DEVICES[table].value)
            column = getattr(self.circuit.tables[table], name)
            many = np.repeat(column[None, :], len(values), axis=0)
            many[:, rows[mine]] = values[:, mine]
            columns[table] = {name: many}
        return columns

    def _allowed(self, values: Floats) -> Bools:
        """Tell which variants have values that leave the structure as it is."""
        allowed = np.asarray(np.isfinite(values).all(axis=1))
        if "resistors" in self.varied:
            allowed &= (values[:, self.varied["resistors"][0]] > 0).all(axis=1)
        if "diodes" in self.varied:
            mine = self.varied["diodes"][0]
            lowest = -self.circuit.diodes.v_reverse[self.question.places[1][mine]]
            allowed &= (values[:, mine] >= lowest).all(axis=1)
        return allowed

    def _nonunique(
        self, state: State, looping: list[Bools]
    ) -> tuple[tuple[str, ...], tuple[Diagnostic, ...]]:
        """Return elements whose current is one of many in some variant, and warnings."""
        names: dict[str, None] = {}
        found: dict[Diagnostic, None] = {}
        patterns: Bools = np.concatenate((*looping, self._shorted(state)))
        _, first = np.unique(np.packbits(patterns, axis=0), axis=1, return_index=True)
        for k in first[np.asarray(patterns.any(axis=0))[first]].tolist():
            key = patterns[:, k].tobytes()
            if key not in self._known_loops:
                self._known_loops[key] = nonunique(state.point(k))
            more, warnings = self._known_loops[key]
            names |= dict.fromkeys(more)
            found |= dict.fromkeys(warnings)
        return tuple(names), tuple(found)

    def _shorted(self, state: State) -> Bools:
        """Tell which ideal rectifiers between given potentials touch their drop, (fixed, S)."""
        branch, rows = state.reduction.rectifiers, self.compiled.fixed_rectifiers
        rows = rows[branch.resistance[rows] == 0]
        size = np.abs(state.offset[branch.p[rows]]) + np.abs(state.offset[branch.q[rows]])
        near: Bools = np.abs(state.above(rows)) <= TIGHT * (size + np.abs(branch.drop[rows]))
        return near


class Stage:
    """What is solved at once of a cascade, for all points."""

    def __init__(self, plan: Plan, problem: Problem) -> None:
        self.plan, self.problem = plan, problem
        self.lanes = Lanes(Network.of(problem))
        self.on: Bools = np.zeros(len(problem.drop), dtype=np.bool_)
        hard = np.flatnonzero(problem.hard)
        p, q = problem.diode_p[hard], problem.diode_q[hard]
        #: whether ideal rectifiers can form a loop, around which currents are not unique
        self._looping = not spanning_forest(problem.n, p, q).in_tree.all()

    def solve(self, state: State, common: bool) -> Answers:
        """Solve the stage, with resistors `common` to all points; the state takes it over."""
        problem = state.problem(self.plan)
        n, p, q = problem.n, problem.edge_p, problem.edge_q
        fed = np.flatnonzero(problem.emf.any(axis=1))
        flow = problem.conductance[fed] * problem.emf[fed]
        load = problem.injection + bincount(p[fed], flow, n) - bincount(q[fed], flow, n)
        siemens = problem.conductance[:, 0] if common else problem.conductance
        columns = (siemens, load[1:], problem.drop)
        data = Data(*(np.ascontiguousarray(column.T) for column in columns))
        on = np.repeat(self.on[None], len(data.load), axis=0)
        answers = self.lanes.settle(data, on, following=True, slack=EPS)
        # what floats is told by the solver of single points
        volts = np.abs(answers.x).max(axis=1) + np.abs(data.drop).max(axis=1, initial=0.0)
        faint = FAINT * volts[:, None] * self.lanes.around(data.conductance)
        rectifiers = problem.diode_p, problem.diode_q
        answers.settled[:] &= held(n, (p, q), rectifiers, answers.current > faint).all(axis=1)
        x = np.concatenate((np.zeros((1, len(on))), answers.x.T))
        current = np.ascontiguousarray(answers.current.T)
        solution = Solution(problem, x, np.zeros_like(x), current, 0, True, "newton")
        state.absorb(self.plan, solution)
        return answers

    def loops(self, state: State, current: Floats) -> list[Bools]:
        """Tell which ideal rectifiers lie on loops of such, (m, S): what conducts, what touches."""
        prob, on = self.problem, current > 0
        if not self._looping:
            return []
        x, drop = state.x[self.plan.coordinates], state.drop(self.plan)
        x = np.concatenate((np.zeros_like(x[:1]), x))
        gap = drop - (x[prob.diode_p] - x[prob.diode_q])
        volts = np.abs(x).max(axis=0, initial=0.0) + np.abs(drop)
        looping = self._pruned((on | (gap <= TIGHT * volts)) & prob.hard[:, None])
        return [looping & on, looping]

    def _pruned(self, edges: Bools) -> Bools:
        """Return what is left of sets of rectifiers, (m, S), without those that end nowhere.

        What is on a loop stays.
        """
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
