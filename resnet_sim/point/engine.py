"""One operating point: switch states, stages in order, and what the structure has to say.

The `PointSolver` keeps what points of the same circuit share: the reduction for each
combination of switch states, and which rectifiers conducted last.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from .. import solvers
from ..arrays import Bools, Floats
from ..compiled import policy
from ..diagnostics import Diagnostic
from ..errors import ConvergenceError, TopologyError
from ..graph.problem import Problem, Solution
from ..graph.steps import unsettled
from ..graph.topology import negative_cycle, unroutable
from ..model.circuit import Circuit
from ..results.proof import LATER, OTHERS, STEPS
from ..solvers.linear.laplacian import convex
from ..workers.progress import report
from . import infeasible, warnings
from .plan import Compiled, Plan, compiled
from .rounding import Noise
from .solved import Point
from .state import State


@dataclass(eq=False)
class _Log:
    """What happens while a point is solved."""

    iterations: int = 0
    methods: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    convex: bool = True


class PointSolver:
    """Solves points of one circuit whose values, but not whose structure, change."""

    def __init__(
        self, circuit: Circuit, method: str, tolerance: float, start: Floats | None
    ) -> None:
        self.circuit, self.method, self.tolerance, self.start = circuit, method, tolerance, start
        self._compiled: dict[bytes, Compiled] = {}
        self._conducting: dict[tuple[bytes, int], Bools] = {}
        self._last: dict[tuple[bytes, int], Floats] = {}

    def share(self, compiled: Compiled) -> None:
        """Take over what another has found out that never changes."""
        self._compiled[compiled.reduction.closed.tobytes()] = compiled

    def follow(self, other: PointSolver) -> None:
        """Go on from the last point of a solver of nearly the same circuit."""
        self._last |= other._last

    def forget(self) -> None:
        """Let the next point be found without knowledge of the last one, where several exist."""
        self._last.clear()

    @cached_property
    def structure(self) -> tuple[Diagnostic, ...]:
        """Warnings that need no solution."""
        return (*self.circuit.diagnostics, *warnings.structure(self.circuit))

    def solve(self, circuit: Circuit, closed: Bools | None = None) -> Point:
        """Solve a variant of the circuit; switches start from `closed`.

        Numbers that overflow give a result that the certificate rejects, not a warning.
        """
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return self._solve(circuit, closed)

    def _solve(self, circuit: Circuit, closed: Bools | None) -> Point:
        if "switches" not in circuit.tables:
            return self._solve_with(circuit, np.zeros(0, dtype=np.bool_))
        switches = circuit.switches
        states = (
            switches.closed if closed is None else np.where(switches.fixed, switches.closed, closed)
        )
        if switches.fixed.all():
            return self._solve_with(circuit, states)
        return self._settle(circuit, states)

    # ---- switches ----

    def _settle(self, circuit: Circuit, states: Bools) -> Point:
        """Follow the switches until they agree with their controls."""
        seen: set[bytes] = set()
        current, failure = states, None
        halfway = np.zeros(len(states), dtype=np.bool_)
        # of a chain each may wait for the one before it
        while current.tobytes() not in seen and len(seen) < 40 + len(states):
            seen.add(current.tobytes())
            try:
                point = self._solve_with(circuit, current)
            except (TopologyError, ConvergenceError) as error:
                failure = error
                break
            follows, between = point.switch_states(states)
            if np.array_equal(follows, current):
                if not between.any():
                    return point
                halfway |= between
            current = follows
        free = np.flatnonzero(~circuit.switches.fixed)
        if len(free) <= policy.POLICY.switches:
            found = self._try_all(circuit, states, free.tolist())
            if found is not None:
                return found
        if failure is not None:
            raise failure
        if halfway.any():
            raise warnings.between(circuit, halfway)
        raise warnings.unsettled(circuit, len(free) <= policy.POLICY.switches)

    def _try_all(self, circuit: Circuit, states: Bools, free: list[int]) -> Point | None:
        """Look for consistent states among all combinations, those nearest `states` first."""
        for count in range(len(free) + 1):
            for flipped in itertools.combinations(free, count):
                trial = states.copy()
                trial[list(flipped)] ^= True
                try:
                    point = self._solve_with(circuit, trial)
                except (TopologyError, ConvergenceError):
                    continue
                follows, between = point.switch_states(states)
                if np.array_equal(follows, trial) and not between.any():
                    return point
        return None

    # ---- stages ----

    def _solve_with(self, circuit: Circuit, closed: Bools) -> Point:
        """Solve with the switches in given states."""
        key = closed.tobytes()
        if key not in self._compiled:
            if len(self._compiled) > policy.POLICY.questions:
                self._compiled.clear()
            self._compiled[key] = compiled(circuit, closed)
        state, log = self._stages(self._compiled[key].variant(circuit), key)
        nodes = slice(len(circuit.nodes))  # what is within devices is nobody's business
        voltages, currents = state.node_voltages()[nodes], state.currents()
        floating, undefined = warnings.undefined(state)
        floating = floating[nodes]
        diagnostics = [*self.structure, *log.diagnostics]
        diagnostics += warnings.floating_parts(state, floating)
        nonunique, loops = warnings.nonunique(state)
        if "switches" in circuit.tables:
            loops += warnings.uncontrolled_switches(
                circuit,
                np.where(floating, np.nan, voltages),
                np.where(undefined, np.nan, currents),
            )
        return Point(
            circuit, state, closed, voltages, currents, floating, undefined,
            "+".join(dict.fromkeys(log.methods)) or "structure",
            log.iterations, tuple(dict.fromkeys(log.notes)),
            tuple(dict.fromkeys([*diagnostics, *loops])), nonunique, log.convex,
        )  # fmt: skip

    def _stages(self, compiled: Compiled, key: bytes) -> tuple[State, _Log]:
        """Solve stage by stage, or all in one where what comes later may narrow down the rest.

        That is where something is undefined, or where one of several solutions, or of the many
        currents of a loop without resistance, led nowhere.  Long rows of linear stages are tried
        as one first, which does if nothing in them is open.
        """
        together = compiled.together()
        if together is not None:
            state, log, failure = self._pass_through(together, key + b" together")
            if failure is None and not (log.diagnostics or state.drifts or state.lost_parts.any()):
                return state, log
        state, log, failure = self._pass_through(compiled, key)
        open_ = _left_open(state, log, failure)
        error: TopologyError | ConvergenceError | None = None
        if open_ and _is_small(state):
            whole, said, error = self._pass_through(compiled.joint(), key + b" at once")
            if error is None:
                return whole, said
        if failure is None:
            return state, log
        impossible = isinstance(failure, TopologyError)
        if isinstance(error, TopologyError) and not impossible:
            raise error
        if open_ and impossible and not isinstance(error, TopologyError):
            raise ConvergenceError(f"one of several solutions of a part led to: {failure}")
        raise failure

    def _pass_through(
        self, compiled: Compiled, key: bytes
    ) -> tuple[State, _Log, TopologyError | ConvergenceError | None]:
        """Solve stage after stage; return how far it went and what ended it early."""
        state, log = State(compiled), _Log()
        try:
            for number, plan in enumerate(compiled.plans):
                self._solve_stage(state, plan, (key, number), log)
            infeasible.check_loops(state)
            infeasible.check_fixed_rectifiers(state)
            infeasible.check_transistors(state)
        except (TopologyError, ConvergenceError) as error:
            return state, log, error
        return state, log, None

    def _solve_stage(self, state: State, plan: Plan, key: tuple[bytes, int], log: _Log) -> None:
        stage = plan.stage
        if stage.feedback:
            self._feedback(state, plan, key, log)
        elif plan.n > 1:
            self._minimise(state, plan, key, log)
        # what solved a stage like feedback knows its sources already
        state.evaluate_sources(stage.sources[~state.known_sources[stage.sources]])

    def _minimise(self, state: State, plan: Plan, key: tuple[bytes, int], log: _Log) -> None:
        """Solve a stage as a convex problem."""
        problem = state.problem(plan)
        if not problem.positive and not _is_convex(problem):
            if not self._descended(state, plan, problem, log):
                self._feedback(state, plan, key, log)
            return
        report(
            "%d unknowns, %d conductances, %d rectifiers: is there a solution?",
            problem.n - 1, len(problem.edge_p), len(problem.drop),
        )  # fmt: skip
        problem = _possible(state, plan, problem)
        x = None if self.start is None else state.start(plan, self.start)
        on = self._conducting.get(key)
        if on is not None and len(on) != len(problem.drop):
            on = None
        solution = solvers.solve(problem, self.method, self.tolerance, on, x)
        if solution.converged:
            self._conducting[key] = solution.current > 0
        _take(solution, state, plan, log)
        if len(problem.curves) and unsettled(solution).any():
            log.notes.append(STEPS)

    def _descended(self, state: State, plan: Plan, problem: Problem, log: _Log) -> bool:
        """Look for a stable state of a stage that may have many; all of few are tried elsewhere."""
        if len(problem.curves) or len(problem.drop) <= policy.POLICY.enumerated:
            return False
        if negative_cycle(problem):
            return False
        from ..solvers import stable

        x = None if self.start is None else state.start(plan, self.start)
        solution = stable.solve(problem, x)
        if solution is None:
            return False
        _take(solution, state, plan, log)
        log.convex = False
        log.notes.append(OTHERS)
        return True

    def _feedback(self, state: State, plan: Plan, key: tuple[bytes, int], log: _Log) -> None:
        """Solve a stage whose parts and sources depend on each other."""
        from . import feedback

        log.convex = False
        try:
            outcome = feedback.solve(state, plan.stage, plan, self.start, self._last.get(key))
        except ConvergenceError:
            if not len(plan.stage.sources):  # what they set would be unknown
                problem = Noise(state).cleared(state.problem(plan), plan)
                if cycle := negative_cycle(problem):
                    raise infeasible.contradiction(state, plan, cycle) from None
            raise
        if outcome.tried > 1 and any(d.code == "W205" for d in log.diagnostics):
            log.notes.append(LATER)
        if outcome.last is not None:
            self._last[key] = outcome.last
        log.methods.append(outcome.method)
        log.iterations += outcome.tried
        log.notes += outcome.notes
        log.diagnostics += outcome.diagnostics


def _take(solution: Solution, state: State, plan: Plan, log: _Log) -> None:
    """Write the solution of a stage into the state, and how it was found into the log."""
    state.absorb(plan, solution)
    state.mark_lost(plan)
    log.methods.append(solution.method)
    log.iterations += solution.iterations
    log.notes += solution.notes


def _left_open(state: State, log: _Log, failure: TopologyError | ConvergenceError | None) -> bool:
    """Tell whether what was found, or led nowhere, is one of many that matters elsewhere."""
    red = state.reduction
    if state.undefined_sources.any():
        return True
    if any(d.code == "W205" for d in log.diagnostics):
        # what stands between fixed nodes may leave fewer
        limited = len(state.compiled.fixed_rectifiers) > 0 or not red.forest.in_tree.all()
        return failure is not None or limited
    sensed = red.controls.index[red.controls.of_current].tolist() if failure else ()
    names = {red.circuit.element_names[k] for k in sensed}
    return bool(names) and not names.isdisjoint(warnings.nonunique(state)[0])


def _is_small(state: State) -> bool:
    """Tell whether all of a circuit can be searched for solutions at once."""
    red, limits = state.reduction, policy.POLICY
    return len(red.part) <= limits.joint and len(red.rectifiers) <= limits.enumerated


def _possible(state: State, plan: Plan, problem: Problem) -> Problem:
    """Return a stage's problem if it has a solution, or what of it is more than rounding.

    Raises
    ------
    TopologyError
        If it has none.
    """
    cycle, cut = negative_cycle(problem), unroutable(problem)
    if cycle or cut is not None:
        problem = Noise(state).cleared(problem, plan)
        cycle, cut = negative_cycle(problem), unroutable(problem)
    if cycle:
        raise infeasible.contradiction(state, plan, cycle)
    if cut is not None:
        raise infeasible.no_path(state, plan, cut)
    return problem


def _is_convex(problem: Problem) -> bool:
    """Tell whether negative conductances leave the co-content convex."""
    count, part = problem.parts
    if count == 1:
        return convex(problem.n, problem.edge_p, problem.edge_q, problem.conductance)
    pins = np.unique(part, return_index=True)[1][1:]
    size = float(np.abs(problem.conductance).max())
    return convex(
        problem.n,
        np.concatenate((problem.edge_p, pins)),
        np.concatenate((problem.edge_q, np.zeros(count - 1, dtype=np.int64))),
        np.concatenate((problem.conductance, np.full(count - 1, size))),
    )
