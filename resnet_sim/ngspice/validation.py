"""Validation: results against ngspice, on the user's own deck and on our export, or a file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..analyses.given import Given, as_circuit
from ..analyses.sweep import run as run_analyses
from ..errors import UsageError
from ..model.circuit import Circuit
from ..results.operating_point import OperatingPoint
from .as_written import AsWritten, as_written, in_file
from .comparison import Comparison, judged
from .deviations import Measured
from .listings import read_output
from .oracle import Oracle
from .process import TIME_LIMIT, find, version

#: largest deviation that passes, relative to the largest voltage or current of the point
TOLERANCE = 1e-6
#: so many points that differ are asked for again with other on-resistances
MAX_REPEATED = 20


@dataclass(frozen=True)
class AsSolved:
    r"""The circuit as this package has read it, exported, against ngspice.

    Attributes
    ----------
    comparisons : tuple of Comparison
        One per analysis.

    Examples
    --------
    >>> report = rs.ngspice.compare(rs.generators.ladder(1))
    >>> report.as_solved.status, report.as_solved.comparisons[0].compared
    ('agree', {'voltages': 2, 'currents': 1, 'points': 1})
    """

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


@dataclass(frozen=True)
class Report:
    r"""A circuit compared: all its analyses.

    Attributes
    ----------
    title, source : str
        Of the circuit; who it was compared with.
    rtol : float
    as_written : AsWritten
        ngspice on the user's own deck, or the file that was named.
    as_solved : AsSolved, optional
        ngspice on our export; None beside a file.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("bench.csv").write_text("v(n0),v(n1)\n1,0.6\n")
    >>> report = rs.ngspice.compare(rs.generators.ladder(1), against="bench.csv")
    >>> report.source, report.status, report.agrees, report.as_solved
    ('bench.csv', 'disagree', False, None)
    """

    title: str
    source: str
    rtol: float
    as_written: AsWritten
    as_solved: AsSolved | None = None

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Those of our export, or with the file."""
        part = self.as_written if self.as_solved is None else self.as_solved
        return part.comparisons

    @property
    def status(self) -> str:
        """As of its parts, or ``"not confirmed"``.

        What the deck says counts.  Not confirmed: ngspice can't do the deck as it was written,
        and agrees with our reading of it.
        """
        written = self.as_written.status
        solved = "ngspice failed" if self.as_solved is None else self.as_solved.status
        if "disagree" in (written, solved):
            return "disagree"
        if written == "not compared":
            return "not confirmed" if solved == "agree" else solved
        return solved if written == "no deck" else written

    @property
    def agrees(self) -> bool:
        """Whether what the deck says was confirmed."""
        return self.status == "agree"


def compare(
    circuit: Given,
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
    circuit : Circuit, str or path-like
        Or the path of a deck, or its text.
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
    circuit = as_circuit(circuit)
    if not 0 < rtol < 1:
        raise UsageError(f"the tolerance {rtol} is not between 0 and 1")
    plots = None if against is None else read_output(os.fspath(against), columns)
    if plots is None:
        find()
    if ops is None:
        ops = run_analyses(circuit)
    ops = [ops] if isinstance(ops, OperatingPoint) else ops
    if plots is not None:
        source = os.fspath(against or "")
        return Report(circuit.title, source, rtol, in_file(circuit, ops, plots, source, rtol))
    written = as_written(circuit, ops, rtol, time_limit)
    solved = AsSolved(tuple(_with_ngspice(circuit, op, rtol, time_limit) for op in ops))
    return Report(circuit.title, version(), rtol, written, solved)


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
    return judged(circuit, op, reading, rtol, tuple(notes))
