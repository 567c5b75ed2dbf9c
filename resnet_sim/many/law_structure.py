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
from ..graph.mixed import Extended, MixedSolution
from ..graph.topology import MOST_AMPS
from ..laws.certificate import certify_points
from ..laws.stability import stable
from ..model.devices import Junctions
from ..model.display import few
from ..point.absorbed import absorb
from ..point.branches import Laws
from ..point.certified import unanimous
from ..point.curve_law import CurveLaw
from ..point.equations import Equations
from ..point.plan import Compiled
from ..point.state import State
from ..results.proof import Certificate
from .many_laws import LawSystem, ManyLaws, each, solved
from .one_by_one import UNCLEAR, OneByOne
from .question import Question
from .varied_rows import VariedRows

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
    system : LawSystem
    exact : tuple of ndarray
        Its matrices in extended precision.
    most : int
        Points of a batch at most.
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
        self.varied = VariedRows(self.question)
        if self.varied.without:
            return f"{few(self.varied.without)}: neither resistors nor independent sources"
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
        matrix, feed, sense = problem.linear.equations, problem.feed, problem.sense
        self.system = LawSystem(equations.laws, matrix.astype(float), feed, sense)
        self.exact = matrix, feed.dense(n, count), sense.dense(count, n)
        self.most = int(max(8, min(256, ROOM // max(1, n * (n + count)))))
        return self._unclear()

    def _with_resistors(self, compiled: Compiled) -> Compiled:
        """Return a circuit's branches with those resistors among the laws that differ."""
        if "resistors" not in self.varied.of:
            return compiled
        branch, laws = self.red.conductors, self.red.laws
        rows = np.arange(len(branch))[self.varied.of["resistors"][1]]
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
        alone = OneByOne(self.question)
        self.solver = alone.solver(self.circuit)
        if (plain := alone.plainly(self.solver)) is None or not plain[1].ok:
            return UNCLEAR
        volts = self.across(plain[0].state.node_voltages())
        regular, sign = self._determinant(self.laws, volts[None])
        #: that of the determinant where a disturbance fades
        self.sign = sign[0]
        return None if regular[0] else UNCLEAR

    def across(self, voltages: Floats) -> Floats:
        """Return the voltages across the laws at those of all nodes, shape (laws,)."""
        return np.asarray(self.laws.laws.rise(voltages))

    def batch(self, values: Floats) -> Batch:
        """Return the equations of points at values of what varies, shape (P, names)."""
        branches = self.varied.branches(values, ("ties", "injections"))
        state = State(self.compiled.replace(**branches))
        equations = Equations(state, self.plan.stage, self.plan)
        load, offset = equations.problem().rhs.T, equations.laws.rise(equations.offset).T
        return Batch(equations, self._laws_at(values), values, load, offset)

    def _laws_at(self, values: Floats) -> ManyLaws:
        """Return the laws, with the resistors of each point."""
        if "resistors" not in self.varied.of:
            return self.laws
        # they come after all others but the curves
        number, chosen = len(self.red.laws.functions), values[:, self.varied.of["resistors"][0]]
        return ManyLaws(self.laws.laws, {number: _lines((1.0 / chosen).T.ravel())})

    def solve(self, batch: Batch, volts: Floats) -> Solved:
        """Solve from voltages across the laws, shape (P, laws) or (laws,)."""
        start = np.broadcast_to(volts, batch.offset.shape)
        load = batch.load.astype(float)
        return Solved(*self.system.settle(batch.laws, load, batch.offset, start, 0, solved))

    def _to_last_digits(self, batch: Batch, z: Extended) -> tuple[Extended, Floats, Floats]:
        """Return unknowns, voltages across the laws and their currents."""
        for _ in range(DIGITS):
            _, current, slopes = self._flowing(batch, z)
            left = batch.load - each(self.exact[0], z) - each(self.exact[1], current)
            z = z + solved(self.system.jacobian(slopes), left.astype(float))
        volts, current, _ = self._flowing(batch, z)
        return z, volts, current

    def _flowing(self, batch: Batch, z: Extended) -> tuple[Floats, Floats, Floats]:
        """Return voltages across the laws, and currents with the digits that these do not have."""
        exact = each(self.exact[2], z) + batch.offset
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
        good = found.fine & regular & (sign == self.sign) & self.varied.allowed(batch.values)
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
        return unanimous(stable(self.circuit, *both) for both in zip(v, i, strict=True))


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
