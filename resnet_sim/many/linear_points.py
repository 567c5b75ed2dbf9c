"""Operating points of a linear circuit, whatever feeds back to what, at values of its sources.

The equations are those of `nodal`: one factor serves all points.  What floats, and what has many
solutions, does so at all points or at none; the solver of single points tells.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..arrays import Bools, Floats
from ..compiled import policy
from ..laws.certificate import certify_points
from ..laws.points import certify_many
from ..point.certified import worst
from ..results.operating_point import OperatingPoint
from ..results.proof import Certificate, SolverInfo
from .nodal import SOURCES, Factored
from .one_by_one import UNCLEAR, OneByOne
from .question import Failed, Question
from .states import Backend
from .threads import slices, spread, threads


class LinearPoints(Backend):
    """Points of a circuit without rectifiers and curves, at values of its independent sources."""

    def __init__(self, question: Question) -> None:
        super().__init__(question)
        self.linear, self.rescue = question.once(Linear), OneByOne(question)

    @classmethod
    def fits(cls, question: Question) -> str | None:
        """Return why points can't share a factor, or why that does not pay."""
        if (reason := question.apart or question.lawful) is not None:
            return reason
        few = question.too_few(policy.POLICY.factor)
        if few is not None:
            return few
        tables = set(question.places[0].tolist())
        if not tables <= set(SOURCES):
            return "the values of " + ", ".join(sorted(tables - set(SOURCES))) + " differ"
        return question.once(Linear).reason

    def points(self, values: Floats, failed: Failed | None = None) -> OperatingPoint:
        """Return the points at values of what varies, shape (points, names)."""
        linear, circuit = self.linear, self.question.circuit
        v = np.empty((len(values), len(circuit.nodes)))
        i = np.empty((len(values), circuit.n_elements))

        def task(part: slice) -> tuple[list[Certificate], Bools]:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                return linear.solve(values[part], v[part], i[part])

        size = len(values) * linear.factored.size
        parts = slices(len(values), circuit.n_elements, threads(size))
        solved = spread(task, parts, threads(), size)
        proofs = [proof for found, _ in solved for proof in found]
        certificate = worst(proofs, self.question.tolerance)
        result = OperatingPoint(
            circuit, v, i, replace(certificate, stable=linear.stable),
            SolverInfo("linear", len(values), 0.0), linear.solver.structure,
            closed=np.repeat(circuit.switches.closed[None, :], len(v), axis=0),
        )  # fmt: skip
        rest = np.flatnonzero(~np.concatenate([good for _, good in solved]))
        return self.rescue.completed(result, values, rest, failed)


class Linear:
    """What all points share.

    Attributes
    ----------
    reason : str or None
        Why points can't be solved together; then nothing else is there.
    """

    def __init__(self, question: Question) -> None:
        self.question = question
        self.reason = self._unfit()

    def _unfit(self) -> str | None:
        question = self.question
        compiled, red = question.compiled, question.compiled.reduction
        if len(red.rectifiers) or len(red.curves) or len(red.laws):
            return "there are rectifiers, or curves"
        alone = OneByOne(question)
        self.solver = alone.solver(question.circuit)
        self.solver.share(compiled)
        if (plain := alone.plainly(self.solver)) is None:
            return UNCLEAR
        self.stable = plain[1].stable
        try:
            self.factored = Factored(red)
        except np.linalg.LinAlgError:
            return UNCLEAR
        return None

    def solve(self, values: Floats, v: Floats, i: Floats) -> tuple[list[Certificate], Bools]:
        """Solve some points; return certificates, and which points are certified.

        `v` and `i` are set, shapes (points, n_nodes) and (points, n_elements).
        """
        question = self.question
        columns = question.columns(values)
        volts, amps = self.factored.imposed(question.circuit, columns)
        z = self.factored.solve(volts, amps)
        v[:] = z[:, : v.shape[1]]
        i[:] = self.factored.currents(z, amps, i.shape[1])
        closed, tolerance = question.circuit.switches.closed, question.tolerance
        if question.too_few(policy.POLICY.lanes) is None:
            return certify_many(question.circuit, columns, v, i, closed, tolerance)
        proof, good = certify_points(
            question.circuit._with_columns(columns), v, i, closed, tolerance
        )
        return [proof] if good.all() else [], good
