"""Which backend answers a question: the registry, and the one place that chooses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import import_module

from ..arrays import Floats
from ..errors import UsageError
from ..model.display import few
from ..results.operating_point import OperatingPoint
from .question import Failed, Question
from .states import Backend

__all__ = ["BACKENDS", "Choice", "Entry", "Question", "choose"]


@dataclass(frozen=True)
class Entry:
    """A backend that may be chosen; its module is imported when it is considered.

    Attributes
    ----------
    name : str
        What users read.
    module, kind : str
        Where its class is, and what that is called; see `states.Backend`.
    answers : tuple of str
        The kinds of question it knows, as in `Question.asks`.
    summary : str
        What it does.
    flows, single : bool
        Whether it tells the currents that a question wants, and works in single precision.
    """

    name: str
    module: str
    kind: str
    answers: tuple[str, ...]
    summary: str
    flows: bool = False
    single: bool = False

    def load(self) -> type[Backend]:
        """Return the class."""
        return getattr(import_module(f".{self.module}", __package__), self.kind)

    def fits(self, question: Question) -> str | None:
        """Return in words why a question can't be answered, or is better asked elsewhere."""
        if question.asks not in self.answers:
            kinds = {"points": "certified operating points", "states": "states to train with"}
            return f"it does not answer with {kinds[question.asks]}"
        if question.flows and not self.flows:
            return f"the currents of {few(question.flows)} count, which it does not tell"
        if question.precision == "single" and not self.single:
            return "it works in double precision only"
        return self.load().fits(question)


#: in the order in which they are considered: the first that fits is the fastest
BACKENDS = (
    Entry("layered", "layered.backend", "Layered", ("states",),
          "layer by layer, with matrix products"),
    Entry("boxes", "boxes", "BoxLanes", ("states",),
          "samples as lanes of vectors, by sweeps in single precision, with a proof", single=True),
    Entry("lanes", "lane_states", "LaneStates", ("states",),
          "samples as lanes of vectors, each with its own set of conducting rectifiers"),
    Entry("lanes", "lane_points", "LanePoints", ("points",),
          "points as lanes of vectors, each with its own set of conducting rectifiers"),
    Entry("tangents", "law_points", "LawPoints", ("points",),
          "points at once, smooth laws by tangents in dense matrices"),
    Entry("tangents", "law_states", "LawStates", ("states",),
          "samples at once, smooth laws by tangents in dense matrices", flows=True),
    Entry("linear", "linear_points", "LinearPoints", ("points",),
          "one factor for all points of a linear circuit"),
    Entry("linear", "linear_states", "LinearStates", ("states",),
          "one factor for all samples of a linear circuit"),
    Entry("one by one", "one_by_one", "OneByOne", ("points", "states"),
          "point after point, any circuit", flows=True),
)  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """A backend, made for a question, and why others were not taken.

    Attributes
    ----------
    backend : Backend
    entry : Entry
    reasons : dict of str to str
        Name of each entry before it that answers such questions to why it was not taken.
    """

    backend: Backend
    entry: Entry
    reasons: dict[str, str]

    def __str__(self) -> str:
        lines = [f"backend: {self.entry.name} ({self.entry.summary})"]
        lines += [f"  not {name}: {why}" for name, why in self.reasons.items()]
        return "\n".join(lines)

    def points(self, values: Floats, failed: Failed | None = None) -> OperatingPoint:
        """Return the points at values of what varies; the result tells who found them."""
        op = self.backend.points(values, failed)
        return replace(op, solver=replace(op.solver, backend=str(self)))


def choose(question: Question) -> Choice:
    """Return the first backend that fits a question.

    Raises
    ------
    UsageError
        If none does, which says why.
    """
    reasons: dict[str, str] = {}
    for entry in BACKENDS:
        if question.asks not in entry.answers:
            continue
        reason = entry.fits(question)
        if reason is None:
            return Choice(entry.load()(question), entry, reasons)
        reasons[entry.name] = reason
    if "boxes" in reasons and question.precision == "single":
        raise UsageError(f"single precision: {reasons['boxes']}")
    raise UsageError(next(reversed(reasons.values())))
