"""One point after the other, through the solver of operating points: slow, for any circuit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..diagnostics import Diagnostic
from ..errors import ConvergenceError, ResnetSimError, TopologyError, UsageError
from ..laws.certificate import certify_found
from ..model.circuit import Circuit
from ..point.certified import join, stack
from ..point.engine import PointSolver
from ..point.solved import Point
from ..point.state import State
from ..results.operating_point import OperatingPoint
from ..results.proof import Certificate
from .linearised import adjoint, flowing
from .nudges import nudged, unclamped
from .question import Failed, Question
from .states import Backend, Nudge, States, knees

#: A circuit, and what solves those of its structure.
Task = tuple[PointSolver, Circuit]
_NONE = np.zeros(0)
#: why points can't be solved together where `OneByOne.plainly` finds nothing
UNCLEAR = "the circuit as it is has no one solution"


def walk(
    tasks: Iterable[Task],
    failed: Failed,
    following: bool = False,
    check: Callable[[Circuit, Point], None] | None = None,
) -> Iterator[Point | None]:
    """Solve one point after the other; this is the only loop that does.

    Parameters
    ----------
    tasks : iterable of (PointSolver, Circuit)
    failed : callable
        Told of points without solution; unless it raises, they are None.
    following : bool
        Switches and laws start from where the last solved point left them.
    check : callable, optional
        Raises if a point is not good enough.
    """
    closed: Bools | None = None
    for number, (solver, circuit) in enumerate(tasks):
        point = None
        if not following:
            solver.forget()
        try:
            point = solver.solve(circuit, closed)
            if check is not None:
                check(circuit, point)
        except (TopologyError, ConvergenceError, UsageError) as error:
            point = None
            failed(number, error)
        if following and point is not None:
            closed = point.closed
        yield point


class Unsolved:
    """Notes which points have no solution, and what is to be said about it."""

    def __init__(self) -> None:
        self.reasons: dict[int, str] = {}
        self.notices: dict[str, Diagnostic] = {}

    def __call__(self, number: int, error: ResnetSimError) -> None:
        """Note a point; of diagnostics, the first of each code.  Bad usage is no point's matter."""
        if isinstance(error, UsageError):
            raise error
        self.reasons[number] = str(error)
        for diagnostic in getattr(error, "diagnostics", ()):
            self.notices.setdefault(diagnostic.code, diagnostic)


class OneByOne(Backend):
    """Points and states of any circuit."""

    def __init__(self, question: Question) -> None:
        super().__init__(question)
        # one for each set of elements: what a solver keeps depends on them
        self._solvers: dict[tuple[bool, ...], PointSolver] = {}

    @classmethod
    def fits(cls, question: Question) -> str | None:
        """Return why a question can't be answered: hardly ever."""
        return question.unlearnable

    def solver(self, circuit: Circuit) -> PointSolver:
        """Return a new solver for a variant of the circuit: it knows nothing of other points."""
        question = self.question
        return PointSolver(circuit, question.method, question.tolerance, question.start)

    def plainly(self, solver: PointSolver) -> tuple[Point, Certificate] | None:
        """Solve the circuit as it is; return nothing if anything is open or odd there."""
        circuit, question = self.question.circuit, self.question
        try:
            point = solver.solve(circuit)
        except ResnetSimError:
            return None
        told = set(point.diagnostics) - set(solver.structure)
        if told or point.floating.any() or point.undefined_currents.any() or point.nonunique:
            return None
        return point, certify_found(
            circuit, point.voltages, point.currents, point.closed, question.tolerance
        )

    # ---- operating points ----

    def points(self, values: Floats, failed: Failed | None = None) -> OperatingPoint:
        """Return the points at values of what varies, shape (points, names)."""
        circuit, names = self.question.circuit, self.question.varied
        solver = self.solver(circuit)
        rows = (dict(zip(names, row, strict=True)) for row in values.tolist())
        return self.collect(((solver, circuit.with_values(row)) for row in rows), failed)

    def collect(self, tasks: Iterable[Task], failed: Failed | None = None) -> OperatingPoint:
        """Return the points of some tasks, certified."""
        question, unsolved = self.question, Unsolved()
        found = walk(tasks, failed or unsolved, question.following)
        return stack(
            question.circuit, found, question.tolerance, unsolved.reasons, unsolved.notices
        )

    def completed(
        self, result: OperatingPoint, values: Floats, rest: Ints, failed: Failed | None
    ) -> OperatingPoint:
        """Return a result with the points `rest`, which are not good, solved one by one."""
        if not len(rest):
            return result
        others = self.left(values, rest, failed)
        rows = np.setdiff1d(np.arange(len(values)), rest)
        order = np.argsort(np.concatenate((rows, rest)))
        return join(result.circuit, (result.pick(rows), others), {}, 0.0).pick(order)

    def left(self, values: Floats, rest: Ints, failed: Failed | None) -> OperatingPoint:
        """Return the points `rest`, which others could not solve."""

        def renumbered(number: int, error: ResnetSimError) -> None:
            assert failed is not None
            failed(int(rest[number]), error)

        return self.points(values[rest], failed and renumbered)

    # ---- states ----

    @property
    def one_way(self) -> tuple[str, ...]:
        """Controlled sources that act one way: with them the circuit has no co-content."""
        return getattr(self.question.structure, "one_way", ())

    def nudged(
        self, g: Floats, u: Floats, nudge: Nudge, start: Bools | Floats | None = None
    ) -> States:
        """Return the states with additions at the outputs.

        Of several states the one nearest to the voltages of `start` is meant; what conducts
        there is not needed, as the solver has its own memory.
        """
        near = None if start is None or start.dtype == np.bool_ else np.asarray(start, dtype=float)
        return self.rows(g, u, nudge, np.arange(len(u)), near)

    def rows(
        self, g: Floats, u: Floats, nudge: Nudge, numbers: Ints, near: Floats | None = None
    ) -> States:
        """Return the states of samples that are called by their `numbers` in messages."""

        def failed(row: int, error: ResnetSimError) -> None:
            told = unclamped(error, self.question.circuit, self.outputs, nudge, row)
            told.sample = int(numbers[row])
            raise told

        found = walk(self._tasks(g, u, nudge, near), failed, check=self._check)
        return self._states([point for point in found if point is not None])

    def _tasks(self, g: Floats, u: Floats, nudge: Nudge, near: Floats | None) -> Iterator[Task]:
        question = self.question
        base = question.selection.applied(g)
        kind = (nudge.force is None, nudge.stiffness == 0.0, np.isinf(nudge.stiffness))
        for row, values in enumerate(u[:, :-1].tolist()):
            circuit = base.with_values(dict(zip(question.sources, values, strict=True)))
            if nudge:
                circuit = nudged(circuit, self.outputs, nudge, row)
            if kind not in self._solvers:
                self._solvers[kind] = self.solver(circuit)
            solver = self._solvers[kind]
            if near is not None:
                solver.start = np.full(len(circuit.nodes), np.nan)
                known = len(self.question.circuit.nodes)
                solver.start[:known] = near[row, :known]
            yield solver, circuit

    def _check(self, circuit: Circuit, point: Point) -> None:
        """Refuse a point without certificate, or with outputs that float."""
        proof = certify_found(
            circuit, point.voltages, point.currents, point.closed, self.question.tolerance
        )
        if not proof.ok:
            raise ConvergenceError("; ".join(proof.failures[:3]))
        unknown = proof.stable is None and not point.convex and not self.question.signed
        if unknown and (circuit.resistors.ohms < 0).any():
            raise UsageError(
                "a negative conductance may make this circuit unstable, which can't be told "
                "here: nudge with currents, or choose the positive variant"
            )
        if proof.stable is False:
            raise ConvergenceError("the only state that was found is unstable: it would not last")
        state, outputs = point.state, self.outputs
        piece = state.piece[state.reduction.coordinate]
        for name, p, q in zip(outputs.names, outputs.p.tolist(), outputs.q.tolist(), strict=True):
            loose = point.floating[p] or point.floating[q]
            if loose and (piece[p] != piece[q] or piece[p] == 0):
                raise UsageError(f"nothing fixes the voltage of output {name}")

    def _states(self, points: list[Point]) -> States:
        nodes = len(self.question.circuit.nodes)
        known = [
            np.concatenate((self._known(point)[:nodes], point.inner_voltages, self._flows(point)))
            for point in points
        ]
        voltages = np.array(known).reshape(len(points), -1 if known else nodes)
        states = [point.state for point in points]
        count = max((len(state.rectifier_current) for state in states), default=0)
        on = np.zeros((len(points), count), dtype=np.bool_)
        for k, state in enumerate(states):
            on[k, : len(state.rectifier_current)] = state.rectifier_current > 0
        knee = np.array([_knee(state) for state in states], dtype=np.int64)
        measured = self.outputs.measured(voltages)
        several = self.question.signed or not all(point.convex for point in points)
        start = voltages if several else None
        return States(self, voltages, measured, on, knee, states, start)

    def _flows(self, point: Point) -> Floats:
        """Return the currents that the question asks for."""
        return flowing(point.state, self._numbers(point.state)) if self.question.flows else _NONE

    def _numbers(self, state: State) -> Ints:
        """Return the numbers of elements whose currents count; nudges may have moved them."""
        circuit = state.reduction.circuit
        return np.array([circuit.element(n) for n in self.question.flows], dtype=np.int64)

    def _known(self, point: Point) -> Floats:
        """Return node voltages, NaN where they float, but for what moves with the outputs."""
        piece = point.state.piece[point.state.reduction.coordinate[: len(point.floating)]]
        ends = np.concatenate((self.outputs.p, self.outputs.q))
        return np.where(point.floating & ~np.isin(piece, piece[ends]), np.nan, point.voltages)

    def adjoint(self, states: States, slope: Floats) -> Floats:
        """Return the adjoint of each node for slopes dC/do, shape (B, n_nodes)."""
        result = np.empty_like(states.voltages)
        for row, state in enumerate(states.detail):
            of_node = np.zeros(states.voltages.shape[1] - len(self.question.flows))
            np.add.at(of_node, self.outputs.p, slope[row])
            np.add.at(of_node, self.outputs.q, -slope[row])
            result[row] = adjoint(state, of_node, self._numbers(state))
        return result


def _knee(state: State) -> int:
    """Return the element of a rectifier on its knee, -1 if there is none."""
    red, branch = state.reduction, state.reduction.rectifiers
    rows = np.flatnonzero(red.branch_parts(branch) >= 0)
    p, q = red.coordinate[branch.p[rows]], red.coordinate[branch.q[rows]]
    current, gap = _relative(state)
    found = int(knees(current[None, rows], gap[None, rows], p, q)[0])
    return -1 if found < 0 else int(branch.element[rows[found]])


def _relative(state: State) -> tuple[Floats, Floats]:
    """Return currents of the rectifiers, and how far they are below their drop, both relative.

    To the largest current and voltage of the circuit, that is.
    """
    branch, v = state.reduction.rectifiers, state.node_voltages()
    current = state.rectifier_current
    gap = branch.drop + branch.resistance * current - (v[branch.p] - v[branch.q])
    flows = (state.conductor_current, current, state.injection_value)
    amps = max(float(np.abs(flow).max(initial=1e-300)) for flow in flows)
    volts = float(np.abs(v).max(initial=1e-300)) + float(np.abs(branch.drop).max(initial=0.0))
    return current / amps, gap / volts
