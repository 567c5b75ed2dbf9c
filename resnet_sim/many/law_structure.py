"""What points of a circuit with smooth laws share: its equations, all stages in one.

Sources are right sides of them.  Resistors whose values differ are laws like others, whose numbers
each point has by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..arrays import Bools, Floats
from ..compiled import policy
from ..curves.straight import StraightCurve
from ..errors import ResnetSimError
from ..graph.mixed import Entries, Extended, MixedSolution
from ..graph.topology import MOST_AMPS
from ..laws.certificate import certify_found, certify_points
from ..laws.stability import stable
from ..model.devices import Junctions
from ..point.absorbed import absorb
from ..point.branches import Laws
from ..point.curve_law import CurveLaw
from ..point.equations import Equations
from ..point.plan import Compiled
from ..point.state import State
from ..results.proof import Certificate
from .many_laws import LawSystem, ManyLaws, solved
from .nodal import SOURCES
from .one_by_one import OneByOne
from .question import Question

#: tables of what may differ, and the branches that carry it
KINDS = {**SOURCES, "resistors": "conductors"}
#: Row sum of the inverse of a scaled matrix up to which it is regular for sure.
LARGEST = 1e12
#: Steps of what is left over in extended precision: tangents lose the current of a law whose
#: voltage is a small difference of large ones.
DIGITS = 2
#: Numbers in the matrices of points that are solved at a time: what stays in the cache.
ROOM = 500_000


@dataclass(frozen=True)
class Batch:
    """Equations of some points.

    Attributes
    ----------
    equations : Equations
        With an axis of points.
    values : ndarray, shape (P, names)
    load : ndarray of longdouble, shape (P, n)
        Right sides.
    offset : ndarray, shape (P, laws)
        Voltages across the laws where all unknowns are zero.
    laws : ManyLaws
    """

    equations: Equations
    laws: ManyLaws
    values: Floats
    load: Extended
    offset: Floats


class Solved(NamedTuple):
    """Voltages across the laws, unknowns, and which points have settled.

    Shapes are (P, laws), (P, n) and (P,).
    """

    volts: Floats
    x: Floats
    fine: Bools


class LawStructure:
    """Equations that differ in their right sides only.

    Attributes
    ----------
    reason : str or None
        Why points can't be solved together; then nothing else is there.
    most : int
        Points of a batch at most.
    alone : bool
        Whether matrices are so large that BLAS would share each among threads.
    """

    def __init__(self, question: Question) -> None:
        self.question, self.circuit = question, question.circuit
        self.reason = self._unfit()

    def _unfit(self) -> str | None:
        compiled = self.question.compiled
        self.red = red = compiled.reduction
        if not (len(red.laws) or len(red.curves)):
            return "there are no smooth laws"
        junctions, convex = self.circuit.tables.get("junctions"), not len(red.laws)
        if convex and isinstance(junctions, Junctions) and junctions.steps.any():
            return "currents of diodes fall in steps"
        if len(red.rectifiers):
            return "there are rectifiers beside the laws"
        if (without := self._find_rows()) is not None:
            return f"{without} is neither a resistor nor an independent source"
        self.compiled = self._with_resistors(compiled).joint()
        # all laws are within the equations: nothing is known of any beforehand
        self.compiled.fixed_laws = compiled.fixed_laws[:0]
        self.compiled.fixed_curves = compiled.fixed_curves[:0]
        (self.plan,) = self.compiled.plans
        equations = Equations(State(self.compiled), self.plan.stage, self.plan)
        n, count = equations.n, len(equations.laws)
        if n > policy.POLICY.dense_points:
            return f"more than {policy.POLICY.dense_points} unknowns"
        problem = equations.with_laws(equations.problem())
        self.laws = ManyLaws(equations.laws)
        matrices = (
            _dense(problem.linear.entries, n, n),
            _dense(problem.feed, n, count), _dense(problem.sense, count, n),
        )  # fmt: skip
        self.system = LawSystem(equations.laws, *matrices)
        self.exact = [matrix.astype(np.longdouble) for matrix in matrices]
        self.alone = n >= policy.POLICY.shared
        self.most = int(max(8, min(256, ROOM // max(1, n * (n + count)))))
        return self._unclear()

    def _find_rows(self) -> str | None:
        """Find which row of the branches each varied value is; return a name that has none."""
        circuit, tables = self.circuit, self.question.places[0].tolist()
        self.rows: dict[str, list[tuple[int, int]]] = {kind: [] for kind in KINDS.values()}
        row_of = {kind: getattr(self.red, kind).row_of(circuit.n_elements) for kind in self.rows}
        for k, name in enumerate(self.question.varied):
            kind = KINDS.get(tables[k])
            row = -1 if kind is None else int(row_of[kind][circuit.element(name)])
            if kind is None or row < 0:
                return name
            self.rows[kind].append((row, k))
        return None

    def _with_resistors(self, compiled: Compiled) -> Compiled:
        """Return a circuit's branches with those resistors among the laws that differ."""
        rows = np.array([row for row, _ in self.rows["conductors"]], dtype=np.int64)
        if not len(rows):
            return compiled
        branch, laws = self.red.conductors, self.red.laws
        siemens = branch.siemens.copy()
        siemens[rows] = 0.0
        entry = (
            slice(len(laws), len(laws) + len(rows)),
            (len(rows), 1),
            _lines(branch.siemens[rows]),
        )
        element, p, q, sign = (
            np.concatenate((getattr(laws, name), getattr(branch, name)[rows]))
            for name in ("element", "p", "q", "sign")
        )
        more = Laws(element, p, q, sign, (*laws.functions, entry))
        return compiled.replace(conductors=branch.holding(siemens), laws=more)

    def _unclear(self) -> str | None:
        """Solve the circuit as it is; return a reason if nothing else is as clear as there."""
        question = self.question
        unclear = "the circuit as it is has no one solution"
        self.solver = OneByOne(question).solver(self.circuit)
        try:
            point = self.solver.solve(self.circuit)
        except ResnetSimError:
            return unclear
        told = set(point.diagnostics) - set(self.solver.structure)
        if told or point.floating.any() or point.undefined_currents.any() or point.nonunique:
            return unclear
        proof = certify_found(
            self.circuit, point.voltages, point.currents, point.closed, question.tolerance
        )
        volts = self.across(point.state.node_voltages())
        regular, sign = self._determinant(self.laws, volts[None])
        #: that of the determinant where a disturbance fades
        self.sign = sign[0]
        return None if proof.ok and regular[0] else unclear

    def across(self, voltages: Floats) -> Floats:
        """Return the voltages across the laws at those of all nodes, shape (laws,)."""
        return np.asarray(self.laws.laws.rise(voltages))

    def batch(self, values: Floats) -> Batch:
        """Return the equations of points at values of what varies, shape (P, names)."""
        changes = {}
        for kind in SOURCES.values():
            rows, branch = self.rows[kind], getattr(self.red, kind)
            held = np.repeat(branch.held[:, None], len(values), axis=1)
            for row, k in rows:
                held[row] = values[:, k]
            changes[kind] = branch.holding(held)
        state = State(self.compiled.replace(**changes))
        equations = Equations(state, self.plan.stage, self.plan)
        load, offset = equations.problem().rhs.T, equations.laws.rise(equations.offset).T
        return Batch(equations, self._laws_at(values), values, load, offset)

    def _laws_at(self, values: Floats) -> ManyLaws:
        """Return the laws, with the resistors of each point."""
        chosen = [k for _, k in self.rows["conductors"]]
        if not chosen:
            return self.laws
        # they come after all others but the curves
        number = len(self.red.laws.functions)
        return ManyLaws(self.laws.laws, {number: _lines((1.0 / values[:, chosen]).T.ravel())})

    def allowed(self, values: Floats) -> Bools:
        """Tell at which points values leave the structure as it is."""
        chosen = [k for _, k in self.rows["conductors"]]
        return np.asarray(np.isfinite(values).all(axis=1) & (values[:, chosen] > 0).all(axis=1))

    def solve(self, batch: Batch, volts: Floats) -> Solved:
        """Solve from voltages across the laws, shape (P, laws) or (laws,)."""
        start = np.broadcast_to(volts, batch.offset.shape)
        load = batch.load.astype(float)
        return Solved(*self.system.settle(batch.laws, load, batch.offset, start, 0, solved))

    def _to_last_digits(self, batch: Batch, z: Extended) -> tuple[Extended, Floats, Floats]:
        """Return unknowns, voltages across the laws and their currents."""
        for _ in range(DIGITS):
            _, current, slopes = self._flowing(batch, z)
            left = batch.load - _each(self.exact[0], z) - _each(self.exact[1], current)
            z = z + solved(self.system.jacobian(slopes), left.astype(float))
        volts, current, _ = self._flowing(batch, z)
        return z, volts, current

    def _flowing(self, batch: Batch, z: Extended) -> tuple[Floats, Floats, Floats]:
        """Return voltages across the laws, and currents with the digits that these do not have."""
        exact = _each(self.exact[2], z) + batch.offset
        volts = np.asarray(exact, dtype=float)
        current, slopes = batch.laws.evaluate(volts)
        more = self.system.spread(slopes, (exact - volts).astype(float))
        return volts, current + more, slopes

    def _determinant(self, laws: ManyLaws, volts: Floats) -> tuple[Bools, Floats]:
        """Tell at which points the tangents' equations are regular; and the determinant's sign."""
        tangents = self.system.jacobian(laws.evaluate(volts)[1])
        for axis in (2, 1):
            size = np.abs(tangents).max(axis=axis, initial=0.0, keepdims=True)
            tangents = tangents / np.where((size > 0) & np.isfinite(size), size, 1.0)
        finite = np.asarray(np.isfinite(tangents).all(axis=(1, 2)))
        tangents = np.where(finite[:, None, None], tangents, 0.0)
        sign = np.linalg.slogdet(tangents)[0]
        regular: Bools = np.array(finite & (sign != 0), dtype=np.bool_)
        inverse = np.linalg.inv(tangents[regular])
        regular[regular] = np.abs(inverse).sum(axis=2).max(axis=1, initial=0.0) < LARGEST
        return regular, sign

    def told(self, batch: Batch, found: Solved) -> tuple[Floats, Floats, Bools]:
        """Return voltages of nodes and currents of elements, and which points are well-defined.

        Shapes are (P, n_nodes), (P, n_elements) and (P,).
        """
        z, volts, current = self._to_last_digits(batch, found.x.astype(np.longdouble))
        state = _state(batch.equations, z, current)
        regular, sign = self._determinant(batch.laws, volts)
        good = found.fine & regular & (sign == self.sign) & self.allowed(batch.values)
        good &= (np.abs(current) <= MOST_AMPS).all(axis=1)
        v = state.node_voltages()[: len(self.circuit.nodes)]
        return v.T, state.currents().T, good

    def certified(self, values: Floats, v: Floats, i: Floats) -> tuple[Certificate, Bools]:
        """Return the certificate of points, and which of them fulfil every law."""
        circuit = self.circuit._with_columns(self.question.columns(values))
        closed, tolerance = self.circuit.switches.closed, self.question.tolerance
        return certify_points(circuit, v, i, closed, tolerance)

    def lasting(self, v: Floats, i: Floats) -> bool | None:
        """Tell whether all points last, as far as the laws tell."""
        verdicts = {stable(self.circuit, *both) for both in zip(v, i, strict=True)}
        return False if False in verdicts else None if None in verdicts else True


def _state(equations: Equations, z: Extended, current: Floats) -> State:
    """Return points as one state: unknowns, shape (P, n), and currents of the laws, (P, laws)."""
    state, none = equations.state, np.zeros(0, dtype=np.bool_)
    x = np.asarray(z, dtype=float)
    low = np.asarray(z - x, dtype=float)
    count = len(equations.law_rows)
    state.law_current[equations.law_rows] = current[:, :count].T
    state.curve_current[equations.curve_rows] = current[:, count:].T
    absorb(equations, MixedSolution(x.T, low.T, np.zeros((0, len(z))), none, none))
    return state


def _lines(siemens: Floats) -> CurveLaw:
    """Return conductances as laws."""
    zero = np.zeros((len(siemens), 1))
    return CurveLaw(StraightCurve(zero, zero, siemens, siemens))


def _each(factor: Extended, values: Floats | Extended) -> Extended:
    """Return a matrix times the values of each point, in extended precision."""
    return np.asarray(values @ factor.T)


def _dense(entries: Entries, rows: int, columns: int) -> Floats:
    """Return entries as a matrix."""
    whole = np.zeros((rows, columns))
    whole[entries.row, entries.column] = entries.value
    return whole
