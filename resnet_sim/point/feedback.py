"""Stages with feedback: the equations of parts and controlled sources that need each other.

Unknowns are the stage's coordinates and the values of its controlled sources; each node
voltage, branch current and tie current is affine in them.  The equations are KCL at the
coordinates and the laws of the sources.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..compiled import policy
from ..diagnostics import Diagnostic
from ..errors import ConvergenceError, TopologyError
from ..graph.balance import blur, corrections
from ..graph.graphs import bincount
from ..graph.problem import EPS, Extended, LawProblem, MixedProblem, MixedSolution
from ..solvers import complementarity
from ..solvers.freedom import NOISE
from .branches import Branches
from .cascade import Stage
from .infeasible import names_of
from .plan import Plan
from .reduction import Reduction
from .state import State

_OTHERS = "not all states of a circuit with feedback were tried: others may exist"
#: conductance that holds nodes where a search is to start, S
HOLD = 1e6


@dataclass(frozen=True)
class Outcome:
    """How a stage was solved."""

    method: str
    tried: int
    notes: tuple[str, ...]
    diagnostics: tuple[Diagnostic, ...]
    law_voltages: Floats | None = None


def solve(
    state: State, stage: Stage, plan: Plan, start: Floats | None, last: Floats | None = None
) -> Outcome:
    """Solve a stage and take its solution over into the state.

    `start` are node voltages to start from, `last` the voltages of the laws at a point nearby.

    Raises
    ------
    TopologyError
        If it was proved that there is no solution.
    ConvergenceError
        If none was found.
    """
    state.mark_lost(plan)
    lost = state.controls_undefined(stage) or bool(state.lost_parts[stage.parts].any())
    equations = _Equations(state, stage, plan)
    if start is not None:  # there is no start within devices
        start = np.append(start, np.full(len(equations.offset) - len(start), np.nan))
    problem = equations.problem()
    if len(equations.laws):
        return _smooth(equations, problem, start, last, lost)
    guess = None if start is None else equations.conducting(start)
    outcome = complementarity.solve(problem, guess, float(np.abs(state.offset).max()))
    if lost:
        state.undefined_sources[stage.sources] = True
        state.lost_parts[stage.parts] = True
    if not outcome.groups:
        # what is undefined may have another value than the one tried
        raise _none_found(state, stage, outcome.exhaustive and not lost)
    distance = equations.distance(start)
    order = sorted(range(len(outcome.groups)), key=lambda k: distance(outcome.groups[k][0]))
    groups = [outcome.groups[k] for k in order]
    equations.absorb(groups[0][0])
    if not lost:
        equations.mark_free(outcome.directions(order[0]))
    diagnostics: tuple[Diagnostic, ...] = ()
    if len(groups) > 1:
        diagnostics = (_several(state, stage, equations, [group[0] for group in groups]),)
    method = f"feedback ({outcome.method})"
    notes = () if outcome.exhaustive else (_OTHERS,)
    return Outcome(method, outcome.tried, notes, diagnostics)


class _Equations:
    """Affine forms of everything in a stage; columns are coordinates, then sources."""

    def __init__(self, state: State, stage: Stage, plan: Plan) -> None:
        self.state, self.stage, self.plan = state, stage, plan
        red = self.red = state.reduction
        self.sources = stage.sources[~state.compiled.paired[stage.sources]]
        self.n_coordinates = len(plan.coordinates)
        self.loops = stage.loops
        self.n = self.n_coordinates + len(self.sources) + len(self.loops)
        if self.n > policy.POLICY.feedback:
            most = policy.POLICY.feedback
            message = f"a feedback loop of {self.n} unknowns; at most {most} can be solved"
            raise ConvergenceError(message)
        self.column = {int(row): self.n_coordinates + k for k, row in enumerate(self.sources)}
        state.set_sources(self.sources, np.zeros(len(self.sources)))
        self.nodes = self._node_forms()
        later = ~state.known_sources
        later[self.sources] = False
        #: nodes whose voltages depend on sources that later stages find
        self.later = red.moved(later)
        self.offset = state.offset.copy()
        self.rectifiers = self._own(red.rectifiers)
        self.conductors = self._own(red.conductors)
        self._hang()
        self.law_rows = self._own_laws()
        self.curve_rows = self._own(red.curves)
        self.laws = red.laws.some(self.law_rows).beside(red.curves, self.curve_rows)
        self.outflow, self.constant_outflow, self.outflow_of_current = self._outflow()
        self.outflow_of_law = self._incidence(self.laws)

    def _own(self, branches: Branches) -> Ints:
        """Return the branches of the stage's parts, and those between nodes that it fixes.

        What leads from nodes that it fixes into parts solved later belongs to those.
        """
        moved = np.abs(self.nodes).max(axis=1, initial=0.0) > 0
        parts = self.red.branch_parts(branches)
        fixed = (parts < 0) & (moved[branches.p] | moved[branches.q])
        fixed &= ~(self.later[branches.p] | self.later[branches.q])
        chosen = np.zeros(self.red.n_parts + 1, dtype=np.bool_)
        chosen[self.stage.parts] = True  # index -1, for no part, stays False
        return np.flatnonzero(chosen[parts] | fixed)

    def _hang(self) -> None:
        """Let the unknown of a node behind a resistance of a device be the voltage across that.

        What a small resistance carries would be lost in the difference of two voltages.
        """
        red = self.red
        branches = [red.conductors, red.laws]
        hung = [np.flatnonzero((b.sign == 0) & (b.q >= len(red.circuit.nodes))) for b in branches]
        inner, outer = (
            np.concatenate([ends[rows] for ends, rows in zip(each, hung, strict=True)])
            for each in ([b.q for b in branches], [b.p for b in branches])
        )
        self.hung = inner
        self.nodes[inner] += self.nodes[outer]
        self.offset[inner] = self.offset[outer]

    def _own_laws(self) -> Ints:
        """Return the rows of the laws of the stage's devices, and of those whose nodes it fixes."""
        red = self.red
        parts, laws = red.law_parts, red.laws
        moved, later = (
            laws.anchors(some.astype(np.int64)) > 0
            for some in (np.abs(self.nodes).max(axis=1, initial=0.0) > 0, self.later)
        )
        fixed = (parts < 0) & moved & ~later
        return np.flatnonzero(np.isin(parts, self.stage.parts) | fixed)

    def _node_forms(self) -> Floats:
        """Return node voltages per unit of each unknown, shape (n_nodes, n)."""
        red, plan = self.red, self.plan
        forms = np.zeros((len(red.coordinate), self.n))
        local = np.zeros(len(red.part), dtype=np.int64)
        local[plan.coordinates] = 1 + np.arange(self.n_coordinates)
        at = local[red.coordinate]
        own = np.flatnonzero(at)
        forms[own, at[own] - 1] = red.scale[own]
        for tie in np.flatnonzero(red.ties.source >= 0):
            column = self.column.get(int(red.ties.source[tie]))
            if column is not None and red.forest.in_tree[tie]:
                unit = np.zeros(len(red.ties))
                unit[tie] = 1.0
                forms[:, column] = red.forest.offsets(red.ties.p, unit)
        return forms

    def _outflow(self) -> tuple[Extended, Extended, Floats]:
        """Return what leaves each node through all but ties: linear, constant, per rectifier."""
        red, state = self.red, self.state
        n_nodes = len(red.coordinate)
        linear = np.zeros((n_nodes, self.n), dtype=np.longdouble)
        constant = np.zeros(n_nodes, dtype=np.longdouble)

        branch = red.conductors
        rows = self.conductors
        p, q, g = branch.p[rows], branch.q[rows], branch.siemens[rows]
        form = g[:, None] * (self.nodes[p] - self.nodes[q])
        _spread(linear, p, q, form)
        self.turnover = np.zeros(linear.shape)
        _spread(self.turnover, p, q, np.abs(form), 1.0)
        _spread(constant, p, q, g * (self.offset[p] - self.offset[q]))
        still = _others(branch, rows)
        _spread(constant, branch.p[still], branch.q[still], state.conductor_current[still])

        feeds = red.injections
        _spread(constant, feeds.p, feeds.q, state.injection_value)
        for k in np.flatnonzero(feeds.source >= 0):
            column = self.column.get(int(feeds.source[k]))
            if column is not None:
                linear[feeds.p[k], column] += 1.0
                linear[feeds.q[k], column] -= 1.0

        first = self.n - len(self.loops)
        for unknown, loop in enumerate(self.loops.tolist(), start=first):
            linear[red.ties.p[loop], unknown] += 1.0
            linear[red.ties.q[loop], unknown] -= 1.0

        rect = red.rectifiers
        still = _others(rect, self.rectifiers)
        _spread(constant, rect.p[still], rect.q[still], state.rectifier_current[still])
        still = _others(red.curves, self.curve_rows)
        _spread(constant, red.curves.p[still], red.curves.q[still], state.curve_current[still])
        still = _others(red.laws, self.law_rows)
        _spread(constant, red.laws.p[still], red.laws.q[still], state.law_current[still])
        return linear, constant, self._incidence(rect, self.rectifiers)

    def _incidence(self, branches: Branches, rows: Ints | slice = slice(None)) -> Floats:
        """Return what leaves each node per unit of the current of each branch."""
        p, q = branches.p[rows], branches.q[rows]
        result, columns = np.zeros((len(self.red.coordinate), len(p))), np.arange(len(p))
        np.add.at(result, (p, columns), 1.0)
        np.add.at(result, (q, columns), -1.0)
        return result

    def problem(self) -> MixedProblem:
        """Return KCL at the coordinates and the laws of the sources as one problem."""
        red, plan = self.red, self.plan
        matrix = np.zeros((self.n, self.n), dtype=np.longdouble)
        size = np.zeros((self.n, self.n))
        of_current = np.hstack((self.outflow_of_current, self.outflow_of_law))
        feed = np.zeros((self.n, of_current.shape[1]))
        rhs = np.zeros(self.n, dtype=np.longdouble)
        local = np.full(len(red.part), -1)
        local[plan.coordinates] = np.arange(self.n_coordinates)
        row_of_node = local[red.coordinate]
        own = np.flatnonzero(row_of_node >= 0)
        weight = 1.0 / red.scale[own]
        np.add.at(matrix, row_of_node[own], weight[:, None] * self.outflow[own])
        np.add.at(size, row_of_node[own], np.abs(weight)[:, None] * self.turnover[own])
        np.add.at(feed, row_of_node[own], weight[:, None] * of_current[own])
        np.add.at(rhs, row_of_node[own], -weight * self.constant_outflow[own])
        for row in self.sources:
            self._source_law(int(row), matrix, size, feed, rhs)
        for row, loop in enumerate(self.loops.tolist(), start=self.n - len(self.loops)):
            self._loop_law(loop, row, matrix, rhs)
        # where all cancels rounding must not decide how much of nothing is left
        matrix[np.abs(matrix) <= 4 * EPS * size] = 0.0
        branch = red.rectifiers
        p, q = branch.p[self.rectifiers], branch.q[self.rectifiers]
        sense = self.nodes[p] - self.nodes[q]
        drop = branch.drop[self.rectifiers] - (self.offset[p] - self.offset[q])
        ohms = branch.resistance[self.rectifiers]
        self.feed_of_law = feed[:, len(ohms) :]
        return MixedProblem(matrix, feed[:, : len(ohms)], rhs, sense, drop, ohms)

    def smooth(self, linear: MixedProblem) -> LawProblem:
        """Return the problem with its laws."""
        laws = self.laws
        own = np.zeros(self.n, dtype=np.bool_)
        own[[self.column[int(row)] for row in self.sources]] = True
        return LawProblem(
            linear, self.feed_of_law, self.nodes[laws.p] - self.nodes[laws.q],
            self.offset[laws.p] - self.offset[laws.q], laws, own,
        )  # fmt: skip

    def held(self, problem: LawProblem, start: Floats) -> LawProblem:
        """Return the problem with some nodes held where one is to start, as far as sources let."""
        red, linear = self.red, problem.linear
        local = np.full(len(red.part), -1)
        local[self.plan.coordinates] = np.arange(self.n_coordinates)
        rows = local[red.coordinate]
        nodes = np.flatnonzero(np.isfinite(start) & (rows >= 0))
        matrix, rhs, pull = linear.matrix.copy(), linear.rhs.copy(), HOLD / red.scale[nodes]
        np.add.at(matrix, rows[nodes], pull[:, None] * self.nodes[nodes])
        np.add.at(rhs, rows[nodes], pull * (start - self.offset)[nodes])
        return dataclasses.replace(
            problem, linear=dataclasses.replace(linear, matrix=matrix, rhs=rhs)
        )

    def _source_law(
        self, row: int, matrix: Extended, size: Floats, feed: Floats, rhs: Extended
    ) -> None:
        """Write ``s - sum gain * control = constant`` into the row of a source."""
        table = self.red.controls
        k = self.column[row]
        matrix[k, k] += 1.0
        size[k, k] += 1.0
        rhs[k] += table.constant[row]
        for term in range(table.ptr[row], table.ptr[row + 1]):
            index, gain = int(table.index[term]), float(table.gain[term])
            if table.of_current[term]:
                linear, turnover, constant, of_current = self._tie_current(index)
                matrix[k] -= gain * linear
                size[k] += abs(gain) * turnover
                rhs[k] += gain * constant
                feed[k] -= gain * of_current
            else:
                known = self.state.node_voltage(index)  # coordinates of the stage are zero yet
                matrix[k] -= gain * self.nodes[index]
                size[k] += np.abs(gain * self.nodes[index])
                rhs[k] += gain * known

    def _loop_law(self, tie: int, row: int, matrix: Extended, rhs: Extended) -> None:
        """Write that the voltages around a loop of ties fit."""
        ties = self.red.ties
        p, q = int(ties.p[tie]), int(ties.q[tie])
        matrix[row] = self.nodes[p] - self.nodes[q]
        rhs[row] = self.state.tie_value[tie] - (self.offset[p] - self.offset[q])
        column = self.column.get(int(ties.source[tie]))
        if column is not None:
            matrix[row, column] -= 1.0

    def _tie_current(self, element: int) -> tuple[Extended, Floats, float, Floats]:
        """Return the current of a tie as an affine form, with what its factors are made of."""
        red: Reduction = self.red
        tie = red.tie_of[element]
        if not red.forest.in_tree[tie]:
            linear = np.zeros(self.n, dtype=np.longdouble)
            own = np.flatnonzero(self.loops == tie)
            linear[self.n - len(self.loops) + own] = 1.0
            columns = len(self.rectifiers) + len(self.laws)
            return linear, np.zeros(self.n), 0.0, np.zeros(columns)
        side = red.below(tie)
        sign = -1.0 if side[red.ties.p[tie]] else 1.0
        linear = sign * self.outflow[side].sum(axis=0)
        of_current = sign * np.concatenate(
            (self.outflow_of_current[side].sum(axis=0), self.outflow_of_law[side].sum(axis=0))
        )
        constant = sign * float(self.constant_outflow[side].sum())
        return linear, self.turnover[side].sum(axis=0), constant, of_current

    # ---- start and result ----

    def conducting(self, start: Floats) -> Bools:
        """Return the rectifiers that given node voltages would make conduct."""
        branch = self.red.rectifiers
        v = np.where(np.isfinite(start), start, 0.0)
        p, q = branch.p[self.rectifiers], branch.q[self.rectifiers]
        on: Bools = v[p] - v[q] - branch.drop[self.rectifiers] >= 0
        return on

    def voltages(self, solution: MixedSolution) -> Floats:
        """Return the voltages of all nodes that the stage moves."""
        result: Floats = self.offset + self.nodes @ solution.z
        return result

    def distance(self, start: Floats | None):  # type: ignore[no-untyped-def]
        """Return a sort key: how far a solution's voltages are from where one starts."""

        def key(solution: MixedSolution) -> float:
            if start is None:
                return 0.0
            off = np.abs(self.voltages(solution) - start)
            return float(np.nan_to_num(off).sum())

        return key

    def absorb(self, solution: MixedSolution) -> None:
        """Write a solution into the state."""
        state, plan, red = self.state, self.plan, self.red
        first = self.n - len(self.loops)
        state.loop_current[self.loops] = solution.z[first:]
        state.loop_determined[self.loops] = True
        state.set_sources(self.sources, solution.z[self.n_coordinates : first])
        state.known_sources[self.sources] = True
        z = solution.z.astype(np.longdouble) + solution.low
        x = z[: self.n_coordinates].copy()
        at = np.searchsorted(plan.coordinates, red.coordinate[self.hung])
        own = np.isin(red.coordinate[self.hung], plan.coordinates)
        x[at[own]] = self.nodes[self.hung[own]] @ z + self.offset[self.hung[own]]
        state.x[plan.coordinates] = x
        state.low[plan.coordinates] = (x - state.x[plan.coordinates]).astype(float)
        branch = red.conductors
        rows = self.conductors
        form = self.nodes[branch.p[rows]] - self.nodes[branch.q[rows]]
        rise = self.offset[branch.p[rows]] - self.offset[branch.q[rows]]
        state.conductor_current[rows] = branch.siemens[rows] * (form @ z + rise)
        state.rectifier_current[self.rectifiers] = solution.current
        self._balance(z)

    def _balance(self, z: Extended) -> None:
        """Take what rounding has left over at the coordinates out of the conductors' currents."""
        red, rows, state = self.red, self.conductors, self.state
        local = np.zeros(len(red.part), dtype=np.int64)
        local[self.plan.coordinates] = 1 + np.arange(self.n_coordinates)
        at = local[red.coordinate]
        branch = red.conductors
        p, q = branch.p[rows], branch.q[rows]
        if not (red.scale[at > 0] == 1).all():
            return  # the parts of scaled amplifiers weigh their currents
        volts = (self.offset + self.nodes @ z).astype(float)
        open_ = blur(volts, p, q)
        for _ in range(2):  # the second takes away the rounding of the first
            leaving = bincount(at, state.outflow(), 1 + self.n_coordinates)
            state.conductor_current[rows] += corrections(
                len(leaving), at[p], at[q], branch.siemens[rows], leaving, open_
            )

    def absorb_laws(self, voltages: Floats, current: Floats) -> None:
        """Write the currents of the laws into the state."""
        state, count = self.state, len(self.law_rows)
        self.law_slopes = self.laws.evaluate(voltages)[1]
        state.law_current[self.law_rows] = current[:count]
        if len(self.curve_rows):
            state.curve_current[self.curve_rows] = current[count:]
            state.curve_slope[self.curve_rows] = self.law_slopes[-1][:, 0, 0]

    def mark_free(self, directions: Floats) -> None:
        """Note how the stage may change, and that nothing else in it does."""
        state, red, n = self.state, self.red, self.n
        free = (directions != 0.0).any(axis=0)
        part = red.part[self.plan.coordinates]
        # pieces of one part are not told apart
        state.mark_floating(self.plan, np.where(free[: self.n_coordinates], part + 1, 0))
        state.undefined_sources[self.sources] = free[self.n_coordinates : n - len(self.loops)]
        state.loop_determined[self.loops] = ~free[n - len(self.loops) : n]
        for kind, rows in (
            (red.conductors, self.conductors),
            (red.rectifiers, self.rectifiers),
            (red.curves, self.curve_rows),
            (red.laws, self.law_rows),
            (red.controls, self.sources),
        ):
            np.subtract.at(state.uncharted, kind.element[rows], 1)
        state.charted_nodes |= (self.nodes != 0.0).any(axis=1) & ~self.later
        state.drifts += [self._drift(direction) for direction in directions]

    def _drift(self, direction: Floats) -> State:
        """Return how everything changes along a direction of the solution set."""
        n, first, fresh = self.n, self.n - len(self.loops), self.state.at_rest()
        fresh.set_sources(self.sources, direction[self.n_coordinates : first])
        fresh.x[self.plan.coordinates] = direction[: self.n_coordinates]
        fresh.loop_current[self.loops] = direction[first:n]
        branch, rows = self.red.conductors, self.conductors
        form = self.nodes[branch.p[rows]] - self.nodes[branch.q[rows]]
        rise = form @ direction[:n]
        rise[np.abs(rise) <= NOISE * (np.abs(form) @ np.abs(direction[:n]))] = 0.0
        fresh.conductor_current[:] = 0.0
        fresh.conductor_current[rows] = branch.siemens[rows] * rise
        fresh.rectifier_current[:] = 0.0
        fresh.rectifier_current[self.rectifiers] = direction[n:]
        fresh.law_current[:], fresh.curve_current[:] = 0.0, 0.0
        if len(self.laws):
            form = self.nodes[self.laws.p] - self.nodes[self.laws.q]
            change = self.laws.spread(self.law_slopes, form @ direction[:n])
            fresh.law_current[self.law_rows] = change[: len(self.law_rows)]
            fresh.curve_current[self.curve_rows] = change[len(self.law_rows) :]
        return fresh


def _smooth(
    equations: _Equations,
    linear: MixedProblem,
    start: Floats | None,
    last: Floats | None,
    lost: bool,
) -> Outcome:
    """Solve a stage that has laws."""
    from ..solvers import tangents

    state, stage = equations.state, equations.stage
    problem = equations.smooth(linear)
    u, on = last, None
    if u is None and start is not None:
        held = tangents.solve(equations.held(problem, start))
        u, on = held.voltages, equations.conducting(start)
    found = tangents.solve(problem, u, on)
    if found.solution is None:
        raise _no_convergence(equations, found.steps)
    equations.absorb_laws(found.voltages, found.current)
    equations.absorb(found.solution)
    if lost:
        state.undefined_sources[stage.sources] = True
        state.lost_parts[stage.parts] = True
    else:
        equations.mark_free(found.directions)
    diagnostics = (_metastable(equations),) if found.turned else ()
    method = f"tangents ({found.way})"
    return Outcome(method, found.steps, (), diagnostics, found.voltages)


def _others(branches: Branches, rows: Ints) -> Ints:
    rest = np.ones(len(branches), dtype=np.bool_)
    rest[rows] = False
    return np.flatnonzero(rest)


def _spread(total: Floats | Extended, p: Ints, q: Ints, flow: Floats, sign: float = -1.0) -> None:
    np.add.at(total, p, flow)
    np.add.at(total, q, sign * flow)


def _elements(state: State, stage: Stage) -> list[int]:
    """Return the controlled sources of a stage, or else what has negative resistance."""
    controls = state.reduction.controls
    if len(stage.sources):
        return list(dict.fromkeys(controls.element[stage.sources].tolist()))
    conductors = state.reduction.conductors
    return list(dict.fromkeys(conductors.element[conductors.siemens < 0].tolist()))


def _none_found(state: State, stage: Stage, exhaustive: bool) -> TopologyError | ConvergenceError:
    circuit = state.reduction.circuit
    elements = _elements(state, stage)
    names = names_of(circuit, elements)
    if not exhaustive:
        return ConvergenceError(f"found no solution of the feedback through {names}; one may exist")
    message = f"the feedback through {names} has no solution: every state of the diodes was tried"
    hint = "check the sign of the feedback and what limits the amplifier's output"
    span = circuit.span(elements[0]) if elements else None
    return TopologyError(
        (Diagnostic("E206", message, span, hint),),
        [circuit.element_names[k] for k in elements],
        (),
        [circuit.line(k) for k in elements],
    )


def _no_convergence(equations: _Equations, steps: int) -> ConvergenceError:
    circuit = equations.red.circuit
    names = names_of(circuit, dict.fromkeys(equations.laws.element.tolist()))
    return ConvergenceError(
        f"found no operating point of {names} in {steps} steps; one may exist: .nodeset v(...)=... "
        "says where to look"
    )


def _metastable(equations: _Equations) -> Diagnostic:
    """Return the warning that an operating point can't last."""
    circuit = equations.red.circuit
    elements = list(dict.fromkeys(equations.laws.element.tolist()))
    message = f"the operating point of {names_of(circuit, elements)} is metastable: the slightest "
    message += "disturbance leads to another one"
    hint = "select a stable one with .nodeset v(...)=..."
    return Diagnostic("W208", message, circuit.span(elements[0]), hint)


def _several(
    state: State, stage: Stage, equations: _Equations, solutions: list[MixedSolution]
) -> Diagnostic:
    """Return the warning that more than one solution exists, with the node that tells most."""
    circuit = state.reduction.circuit
    voltages = np.array([equations.voltages(s) for s in solutions])[:, : len(circuit.nodes)]
    node = int(np.ptp(voltages, axis=0).argmax())
    shown = ", ".join(f"{v:.6g} V" for v in voltages[:6, node])
    elements = _elements(state, stage)
    where = f"v({circuit.nodes[node]}) = {shown}"
    message = f"several solutions exist: with {where}; the first of these is given"
    hint = f"select one with .nodeset v({circuit.nodes[node]})=..."
    span = circuit.span(elements[0]) if elements else None
    return Diagnostic("W205", message, span, hint)
