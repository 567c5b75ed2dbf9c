"""Operating points against what another simulator says: what differs, and who is right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..laws.foreign import Violation, violation
from ..model.circuit import Circuit
from ..model.display import few
from ..results.operating_point import OperatingPoint
from .deviations import Deviation, Measured
from .oracle import held
from .readings import Reading

#: what is reported of each analysis: so many quantities, the worst first
MAX_WORST = 10
#: nodes that another simulator says nothing of: so many are named
MAX_NAMED = 6


@dataclass(frozen=True)
class Verdict:
    r"""Whose voltages obey the laws at the point where they differ most.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("bench.csv").write_text("v(n0),v(n1)\n1,0.6\n")
    >>> report = rs.ngspice.compare(rs.generators.ladder(1), against="bench.csv")
    >>> verdict = report.comparisons[0].verdict
    >>> verdict.believe, verdict.ours.amps < 1e-9 < verdict.theirs.amps  # A missing from KCL
    ('ours', True)
    """

    point: int
    ours: Violation
    theirs: Violation

    @property
    def believe(self) -> str:
        """``"ours"``, ``"theirs"``, ``"both"`` or ``"neither"``."""
        if self.ours.obeys and self.theirs.obeys:
            return "both"
        if self.ours.score < 0.1 * self.theirs.score:
            return "ours"
        return "theirs" if self.theirs.score < 0.1 * self.ours.score else "neither"


@dataclass(frozen=True)
class Comparison:
    r"""One analysis compared.

    Attributes
    ----------
    op : OperatingPoint
    reading : Reading
    worst : tuple of Deviation
        Those that differ most, those that disagree first; one per quantity.
    compared : dict of str to int
        How many ``"voltages"`` and ``"currents"`` were compared, at how many ``"points"``.
    disagreeing : tuple of str
        All quantities that differ by more than is allowed somewhere.
    skipped : dict of str to str
        Quantity -> why it was not compared.
    unresolved : dict of str to str
        Quantity -> how the other simulator contradicts itself about it.
    verdict : Verdict, optional
        If something disagrees.
    notes : tuple of str
        What else there is to say.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("bench.csv").write_text("v(n0),v(n1)\n1,0.6\n")
    >>> (found,) = rs.ngspice.compare(rs.generators.ladder(1), against="bench.csv").comparisons
    >>> found.compared, found.disagreeing
    ({'voltages': 2, 'currents': 0, 'points': 1}, ('v(n1)',))
    """

    op: OperatingPoint
    reading: Reading
    worst: tuple[Deviation, ...]
    compared: Mapping[str, int]
    disagreeing: tuple[str, ...]
    skipped: Mapping[str, str]
    unresolved: Mapping[str, str]
    notes: tuple[str, ...] = ()
    verdict: Verdict | None = None


def judged(
    circuit: Circuit, op: OperatingPoint, reading: Reading, rtol: float, notes: tuple[str, ...]
) -> Comparison:
    """Compare one analysis with what another simulator says about it."""
    measured = Measured(circuit, op, reading, rtol)
    deviations, points = measured.deviations(), measured.points()
    voltages = sum(d.name.startswith("v") for d in deviations)
    if 2 * reading.resolution > rtol:
        notes += (f"the numbers are rounded: compared to {2 * reading.resolution:.1g}",)
    notes += (*measured.rounded(), *measured.dwarfed(), *_missing(op, reading))
    return Comparison(
        op=op,
        reading=reading,
        worst=tuple(deviations[:MAX_WORST]),
        compared={
            "voltages": voltages,
            "currents": len(deviations) - voltages,
            "points": len(reading.values) - len({*op.unsolved, *reading.failures}),
        },
        disagreeing=tuple(d.name for d in deviations if not d.agrees),
        skipped=_skipped(op, reading),
        unresolved=measured.unresolved(),
        notes=(*reading.notes, *notes),
        verdict=_verdict(circuit, op, reading, points[0]) if points else None,
    )


def _missing(op: OperatingPoint, reading: Reading) -> tuple[str, ...]:
    """Return a note on nodes that the other simulator says nothing of."""
    named = {int(node) for node in reading.first[~reading.is_current]}
    named |= {int(node) for node in reading.second[~reading.is_current]}
    nodes = [n for k, n in enumerate(op.circuit.nodes) if k and n not in op.floating]
    lost = [n for n in nodes if op.circuit.node(n) not in named]
    if not lost:
        return ()
    some = few([f"v({node})" for node in lost], MAX_NAMED)
    return (f"{len(lost)} of {len(nodes)} nodes are not in {reading.source}: {some}",)


def _skipped(op: OperatingPoint, reading: Reading) -> dict[str, str]:
    """Return what was not compared, and why."""
    skipped = {f"v({node})": "it floats" for node in op.floating}
    skipped |= {
        f"i({name})": "it is one of many possible currents (a loop of shorts or ideal diodes)"
        for name in op.nonunique
        if f"i({name})" in reading.names
    }
    for name, why in reading.omitted.items():
        skipped.setdefault(f"i({name})", why)
    for name in reading.unmatched:
        skipped[name] = "no node or element has this name"
    for point in op.unsolved:
        skipped[f"point {point}"] = "it has no solution"
    for point, why in reading.failures.items():
        skipped[f"point {point}"] = why
    return skipped


def _verdict(circuit: Circuit, op: OperatingPoint, reading: Reading, point: int) -> Verdict | None:
    """Judge both sets of node voltages, if the other set is complete."""
    ours = np.atleast_2d(op.node_voltages)[point]
    theirs = reading.node_voltages(point, len(circuit.nodes))
    theirs[np.isnan(ours)] = np.nan
    if np.isnan(theirs[~np.isnan(ours)]).any():
        return None
    still = held(circuit, op, point)
    return Verdict(point, violation(still, ours), violation(still, theirs))
