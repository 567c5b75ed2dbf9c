"""Operating points as lanes: the structure that they share, and their results.

Points share nodes, elements and what is connected to what.  Where the circuit is one convex
problem its structure is analysed once, and `lanes` solves many points at a time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..arrays import Floats
from ..compiled import policy
from ..model.devices import Junctions
from ..point.certified import worst
from ..results.operating_point import OperatingPoint
from ..results.proof import STEPS, SolverInfo
from .one_by_one import OneByOne
from .question import Failed, Question
from .states import Backend
from .threads import slices, spread, threads
from .together import Solved, Together


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
        if (reason := question.apart or question.lawful) is not None:
            return reason
        fewest = policy.POLICY.fewest_points
        few = question.too_few(policy.POLICY.lanes if question.points >= fewest else np.inf)
        if few is not None:
            return few
        return question.once(Together).reason

    def points(self, values: Floats, failed: Failed | None = None) -> OperatingPoint:
        """Return the points at values of what varies, shape (points, names)."""
        together, circuit = self.together, self.together.circuit
        v = np.empty((len(values), len(circuit.nodes)))
        i = np.empty((len(values), circuit.n_elements))

        def task(part: slice) -> Solved:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                return together.solve(values[part], v[part], i[part])

        size = len(values) * together.size
        most = min(together.threads, threads(size))
        parts = slices(len(values), circuit.n_elements, most if together.straight else None)
        solved = spread(task, parts, most, size)
        result = self._result(solved, v, i)
        rest = np.flatnonzero(~np.concatenate([part.good for part in solved]))
        return self.rescue.completed(result, values, rest, failed)

    def _notes(self) -> tuple[str, ...]:
        """What is not asked of each point: whether steps of curves leave several solutions."""
        table = self.together.circuit.tables.get("junctions")
        return (STEPS,) if isinstance(table, Junctions) and table.steps.any() else ()

    def _result(self, solved: Sequence[Solved], v: Floats, i: Floats) -> OperatingPoint:
        together, circuit = self.together, self.together.circuit
        warnings = dict.fromkeys(warning for part in solved for warning in part.warnings)
        return OperatingPoint(
            circuit, v, i, worst([one for part in solved for one in part.proofs],
                                 self.question.tolerance),
            SolverInfo("newton", sum(part.steps for part in solved), 0.0, self._notes()),
            (*together.solver.structure, *warnings),
            nonunique=tuple(dict.fromkeys(name for part in solved for name in part.nonunique)),
            closed=np.repeat(circuit.switches.closed[None, :], len(v), axis=0),
        )  # fmt: skip
