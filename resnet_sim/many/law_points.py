"""Operating points of circuits with smooth laws, many at a time: Newton steps of dense matrices.

Transistors, formulas and real diodes, at values of resistors and independent sources.  Every point
is certified, and what does not settle, or what nothing holds, is left to `OneByOne`.

Points of a sweep follow each other: of several states each takes the one to which the state before
leads.  They are solved from where the first of them begins, and then each again from the one
before it: where that leads to what was found already, this is what going from point to point
finds.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..arrays import Floats
from ..compiled import policy
from ..errors import ResnetSimError
from ..point.certified import join, stack
from ..point.feedback import alone
from ..results.operating_point import OperatingPoint
from ..results.proof import Certificate, SolverInfo
from .law_structure import LawStructure
from .one_by_one import OneByOne, Unsolved, walk
from .question import Failed, Question
from .states import Backend

#: How often points of a sweep are solved anew, each from the one before it.
ROUNDS = 6
#: Difference of the voltages of two solutions, relative to the largest, up to which they are one.
ALIKE = 1e-6


class LawPoints(Backend):
    """Points of a circuit with laws, many at a time."""

    def __init__(self, question: Question) -> None:
        super().__init__(question)
        self.shared, self.rescue = question.once(LawStructure), OneByOne(question)

    @classmethod
    def fits(cls, question: Question) -> str | None:
        """Return why points can't be solved at once, or why that does not pay."""
        if question.apart is not None:
            return question.apart
        if question.start is not None and not question.following:
            return "each point starts from given voltages"
        if question.points < policy.POLICY.fewest_laws:
            return f"{question.points} points are too few to pay"
        return question.once(LawStructure).reason

    def points(self, values: Floats, failed: Failed | None = None) -> OperatingPoint:
        """Return the points at values of what varies, shape (points, names)."""
        quiet = np.errstate(over="ignore", invalid="ignore", divide="ignore")
        with quiet, alone(len(self.shared.system.matrix)):
            if self.question.following:
                return _Row(self, values, failed).solve()
            return self._each(values, failed)

    def _each(self, values: Floats, failed: Failed | None) -> OperatingPoint:
        """Solve points that know nothing of each other."""
        shared = self.shared
        parts, lawful = [], []
        for first in range(0, len(values), shared.most):
            batch = shared.batch(values[first : first + shared.most])
            v, i, good = shared.told(batch, shared.solve(batch, shared.laws.laws.start()))
            proof, fine = shared.certified(batch.values, v, i)
            good &= fine
            whole = proof if good.all() else None
            parts.append(self.result(batch.values[good], v[good], i[good], whole))
            lawful.append(good)
        good = np.concatenate(lawful)
        rest = np.flatnonzero(~good)
        if len(rest):
            parts.append(self.rescue.left(values, rest, failed))
        order = np.argsort(np.concatenate((np.flatnonzero(good), rest)))
        return join(shared.circuit, parts, {}, 0.0).pick(order)

    def result(
        self, values: Floats, v: Floats, i: Floats, proof: Certificate | None
    ) -> OperatingPoint:
        """Return points as a result, certified unless they are already."""
        shared, circuit, count = self.shared, self.shared.circuit, len(v)
        if proof is None:
            proof, _ = shared.certified(values, v, i)
        if not proof.stable:
            proof = replace(proof, stable=shared.lasting(v, i))
        return OperatingPoint(
            circuit, v, i, proof, SolverInfo("tangents", count, 0.0), shared.solver.structure,
            closed=np.repeat(circuit.switches.closed[None, :], count, axis=0),
        )  # fmt: skip


class _Row:
    """Points of which each begins where the one before it is.

    Attributes
    ----------
    last : tuple of ndarray, optional
        Voltages across the laws, and of the nodes, at the last point that was solved.
    """

    def __init__(self, backend: LawPoints, values: Floats, failed: Failed | None) -> None:
        self.backend, self.shared = backend, backend.shared
        self.values, self.failed = values, failed
        self.last: tuple[Floats, Floats] | None = None
        self.unsolved = Unsolved()

    def solve(self) -> OperatingPoint:
        """Return all points."""
        parts: list[OperatingPoint] = []
        first, few = 0, 1
        while first < len(self.values):
            part = self._together(first)
            if part is None:
                part, few = self._one_by_one(first, few), 2 * few
            else:
                few = 1
            parts.append(part)
            first += len(part.node_voltages)
        return join(self.shared.circuit, parts, {}, 0.0)

    def _together(self, first: int) -> OperatingPoint | None:
        """Return the next points as far as each follows from the one before it, None for none."""
        if self.last is None:
            return None
        shared, (near, _) = self.shared, self.last
        batch = shared.batch(self.values[first : first + shared.most])
        found = shared.solve(batch, near)
        for _ in range(ROUNDS):
            again = shared.solve(batch, np.concatenate((near[None], found.volts[:-1])))
            off = np.abs(again.volts - found.volts).max(axis=1)
            follows = again.fine & (off <= ALIKE * np.abs(again.volts).max(axis=1))
            found = again
            # the first that does not follow yet begins at the right place: if it has not settled
            # from there, it will not
            if follows.all() or not again.fine[int(follows.argmin())]:
                break
        v, i, good = shared.told(batch, found)
        proof, fine = shared.certified(batch.values, v, i)
        good &= follows & fine
        count = len(good) if good.all() else int(good.argmin())
        if not count:
            return None
        self.last = found.volts[count - 1], v[count - 1]
        whole = proof if count == len(good) else None
        return self.backend.result(batch.values[:count], v[:count], i[:count], whole)

    def _one_by_one(self, first: int, few: int) -> OperatingPoint:
        """Return the next few points, each solved by itself from the one before it."""
        question, circuit = self.backend.question, self.shared.circuit
        solver, begin = self.backend.rescue.solver(circuit), first
        if self.last is not None:
            # the last point is found again, to go on from
            solver.start, begin = self.last[1], first - 1
        rows = self.values[begin : first + few].tolist()
        tasks = (circuit.with_values(dict(zip(question.varied, row, strict=True))) for row in rows)

        def failing(number: int, error: ResnetSimError) -> None:
            if number >= first - begin:
                (self.failed or self.unsolved)(begin + number, error)

        found = list(walk(((solver, task) for task in tasks), failing, True))[first - begin :]
        solved = [point for point in found if point is not None]
        if solved:
            v = solved[-1].state.node_voltages()
            self.last = self.shared.across(v), v[: len(circuit.nodes)]
        reasons = self.unsolved.reasons
        here = {k - first: why for k, why in reasons.items() if k >= first}
        return stack(circuit, found, question.tolerance, here, self.unsolved.notices)
