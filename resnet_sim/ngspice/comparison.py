"""Operating points against what another simulator says: what differs, and who is right."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..analyses.sweep import run as run_analyses
from ..arrays import Bools
from ..errors import UsageError
from ..laws.foreign import Violation, violation
from ..model.circuit import Circuit
from ..results.operating_point import OperatingPoint
from .deviations import Deviation, Measured
from .listings import read_output
from .oracle import Oracle, variants
from .process import TIME_LIMIT, find, version
from .readings import Reading, from_plots

#: largest deviation that passes, relative to the largest voltage or current of the point
TOLERANCE = 1e-6
#: what is reported of each analysis: so many quantities, the worst first
MAX_WORST = 10
#: so many points that differ are asked for again with other on-resistances
MAX_REPEATED = 20


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


@dataclass(frozen=True)
class Report:
    r"""A circuit compared: all its analyses.

    Attributes
    ----------
    title, source : str
        Of the circuit; who it was compared with.
    rtol : float
    comparisons : tuple of Comparison

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("bench.csv").write_text("v(n0),v(n1)\n1,0.6\n")
    >>> report = rs.ngspice.compare(rs.generators.ladder(1), against="bench.csv")
    >>> report.source, report.status, report.agrees
    ('bench.csv', 'disagree', False)
    """

    title: str
    source: str
    rtol: float
    comparisons: tuple[Comparison, ...] = field(repr=False)

    @property
    def status(self) -> str:
        """``"agree"``, ``"disagree"``, ``"no solution"`` or ``"ngspice failed"``.

        The last also where ngspice contradicts itself: that is no agreement.
        """
        if any(c.disagreeing for c in self.comparisons):
            return "disagree"
        if any(c.reading.failures or c.unresolved for c in self.comparisons):
            return "ngspice failed"
        return "no solution" if any(c.op.unsolved for c in self.comparisons) else "agree"

    @property
    def agrees(self) -> bool:
        """Whether every quantity that could be compared agrees."""
        return self.status == "agree"


def compare(
    circuit: Circuit,
    ops: Sequence[OperatingPoint] | OperatingPoint | None = None,
    *,
    against: str | os.PathLike[str] | None = None,
    columns: str = "",
    rtol: float = TOLERANCE,
    time_limit: float = TIME_LIMIT,
) -> Report:
    r"""Compare every node voltage and source current with those of ngspice, or of a file.

    Parameters
    ----------
    circuit : Circuit
    ops : OperatingPoint or sequence of them, optional
        Results of the circuit's analyses, by default those of `resnet_sim.run`.
    against : path, optional
        Output of a simulator to compare with (see `listings.read_output`); by default
        ngspice is run.
    columns : str
        Names of the vectors in the file if it has none.
    rtol : float
        Largest deviation that passes, relative to the largest voltage or current of a
        point.  A file that holds fewer digits is compared to these.
    time_limit : float
        Seconds that one run of ngspice may take.

    Raises
    ------
    SimulatorError
        If ngspice is missing.  Where it fails, the report says so.
    UsageError
        If the file can't be read, or nothing in it belongs to the circuit.

    Examples
    --------
    >>> circuit = rs.parse_netlist("clamp\nV1 a 0 3\nR1 a b 1k\nD1 b 0 di\n.model di d(vfwd=1)")
    >>> rs.ngspice.compare(circuit).agrees
    True
    """
    if not 0 < rtol < 1:
        raise UsageError(f"the tolerance {rtol} is not between 0 and 1")
    plots = None if against is None else read_output(os.fspath(against), columns)
    if plots is None:
        find()
    if ops is None:
        ops = run_analyses(circuit)
    ops = [ops] if isinstance(ops, OperatingPoint) else ops
    comparisons = []
    for op in ops:
        if plots is None:
            comparisons.append(_with_ngspice(circuit, op, rtol, time_limit))
        else:
            reading = from_plots(circuit, op, plots, os.fspath(against or ""))
            comparisons.append(_judged(circuit, op, reading, rtol, ()))
    source = version() if plots is None else os.fspath(against or "")
    return Report(circuit.title, source, rtol, tuple(comparisons))


def _with_ngspice(
    circuit: Circuit, op: OperatingPoint, rtol: float, time_limit: float
) -> Comparison:
    oracle = Oracle(circuit, op, time_limit)
    reading = oracle.reading()
    notes = []
    doubtful = sorted({*Measured(circuit, op, reading, rtol).points(), *reading.failures})
    for point in doubtful[:MAX_REPEATED]:
        settled = oracle.settled(point)
        if settled is not None:
            reading = reading.with_point(point, settled.values, settled.spread)
            notes.append(f"point {point}: {settled.note}")
    return _judged(circuit, op, reading, rtol, tuple(notes))


def _judged(
    circuit: Circuit, op: OperatingPoint, reading: Reading, rtol: float, notes: tuple[str, ...]
) -> Comparison:
    measured = Measured(circuit, op, reading, rtol)
    deviations, points = measured.deviations(), measured.points()
    voltages = sum(d.name.startswith("v") for d in deviations)
    if 2 * reading.resolution > rtol:
        notes += (f"the numbers are rounded: compared to {2 * reading.resolution:.1g}",)
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
    closed: Bools = np.asarray(op.closed).reshape(len(reading.values), -1)[point]
    held = variants(circuit, op)[point].with_switches(
        dict(zip(circuit.switches.names, closed.tolist(), strict=True))
    )
    return Verdict(point, violation(held, ours), violation(held, theirs))
