"""The report of a comparison, for people and for programs."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..laws.strangers import Stranger
from ..model.circuit import Circuit
from ..model.display import aligned, how_many, printable
from ..results.formats.json import plain
from ..results.formats.table import engineering
from .as_written import AsWritten
from .comparison import Comparison, Verdict
from .deviations import Deviation
from .oracle import ELSEWHERE
from .validation import Report

#: of what could not be compared, so many lines are shown
MAX_LISTED = 12

_EXIT_STATUS = {
    "agree": 0, "disagree": 1, "not confirmed": 1, "no solution": 3, "ngspice failed": 4
}  # fmt: skip
_WORDS = {
    "agree": "agrees with {source}",
    "disagree": "DISAGREES with {source}",
    "no solution": "agrees with {source}, as far as there is a solution",
    "ngspice failed": "not validated: {source} failed or contradicts itself",
    "not confirmed": "not confirmed by {source}",
    "not compared": "not compared",
    "no deck": "not compared",
}
_BELIEVE = {
    "ours": "believe resnet-sim: its voltages obey the laws better",
    "theirs": "believe {source}: its voltages obey the laws better; please report this",
    "both": "both obey the laws to a millionth",
    "neither": "neither obeys the laws well, or both as badly",
}


def exit_status(report: Report) -> int:
    r"""Return the exit status that a `report` of `compare` stands for.

    0: agree, 1: disagree or not confirmed, 3: no solution, 4: the other simulator failed.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("bench.csv").write_text("v(n0),v(n1)\n1,0.5\n")
    >>> rs.ngspice.exit_status(rs.ngspice.compare(rs.generators.ladder(1), against="bench.csv"))
    0
    """
    return _EXIT_STATUS[report.status]


# ---- for people ----


def format_report(report: Report) -> str:
    r"""Return a comparison as text: the verdict, what differs most, what was compared.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("bench.csv").write_text("v(n0),v(n1)\n1,0.6\n")
    >>> report = rs.ngspice.compare(rs.generators.ladder(1), against="bench.csv")
    >>> print(rs.ngspice.format_report(report))
    ladder of 1: DISAGREES with bench.csv
    ...
      believe resnet-sim: its voltages obey the laws better
    ...
    """
    title = printable(report.title).strip()
    head = _WORDS[report.status].format(source=report.source)
    blocks = [f"{title or 'the circuit'}: {head}"]
    if report.as_solved is None:
        return "\n\n".join(blocks + _as_written(report)) + "\n"
    blocks[0] += f"\n  as written: {_summary(report.as_written, report.source)}"
    words = _WORDS[report.as_solved.status].format(source=report.source)
    blocks[0] += f"\n  as solved:  {words}"
    # what agrees twice is shown once
    if report.as_written.status != "agree":
        blocks += _as_written(report)
    if report.as_written.status != "disagree" or report.as_solved.status != "agree":
        blocks += _analyses(report.as_solved.comparisons, report)
    return "\n\n".join(blocks) + "\n"


def _summary(written: AsWritten, source: str) -> str:
    """Return in a line what became of the deck as it was written."""
    words = _WORDS[written.status].format(source=source)
    if written.why:
        words += f": {written.why}"
    count = len(written.stand_ins)
    if written.stand_ins and written.comparisons:
        words += f" ({how_many(count, 'card')} replaced: ideal devices, in the limit)"
    return words


def _as_written(report: Report) -> list[str]:
    """Return the blocks about the user's deck, or about a file."""
    written = report.as_written
    if not written.comparisons:
        return []
    blocks = _analyses(written.comparisons, report, doubts=not written.strangers)
    blocks += _strange(written, report)
    blocks += _listed("replaced, as ngspice has no such devices:", written.stand_ins)
    return blocks + ["\n".join(written.notes)] * bool(written.notes)


def _strange(written: AsWritten, report: Report) -> list[str]:
    """Return what the other simulator takes for something else, and how far that goes."""
    if not written.strangers:
        return []
    circuit = written.comparisons[0].op.circuit
    reasons = {s.name: stranger_words(circuit, s, report.source) for s in written.strangers}
    worst = written.worst
    unit = "V" if worst.name.startswith("v") else "A"
    move = f"{engineering(abs(worst.difference), unit, 3)} ({worst.relative:.2g} of the largest)"
    head = f"read otherwise by {report.source}, which moves {worst.name} by {move}:"
    return _listed(head, reasons)


def stranger_words(circuit: Circuit, stranger: Stranger, source: str) -> str:
    """Return what is strange about a device or a node, in words."""
    name, off = stranger.name, engineering(stranger.off, stranger.unit, 3)
    if name.startswith("v("):
        return f"the currents of all elements there add up to {off}: they are not the same ones"
    element = circuit.element(name)
    line = circuit.line(element)
    place = f", line {line}" if line else ""
    there = " and ".join(
        engineering(x, unit, 3) for x, unit in ((stranger.volts, "V"), (stranger.amps, "A"))
        if math.isfinite(x)
    )  # fmt: skip
    ideal = circuit.locate(element)[0] == "diodes"
    how = "idealised" if ideal else "another law"
    return f"{how} ({circuit.kind(element)}{place}): {there} in {source}, off our law by {off}"


def _analyses(
    comparisons: Sequence[Comparison], report: Report, *, doubts: bool = True
) -> list[str]:
    """Return the blocks of each analysis."""
    blocks = []
    for number, comparison in enumerate(comparisons, 1):
        if len(comparisons) > 1:
            kind = "sweep" if comparison.op.sweep else "operating point"
            blocks.append(f"analysis {number}: {kind}")
        blocks += _blocks(comparison, report, doubts)
    return blocks


def _blocks(comparison: Comparison, report: Report, doubts: bool) -> list[str]:
    lines = _table(comparison, report.source)
    count = comparison.compared
    points = count["points"]
    summary = [
        f"compared: {how_many(count['voltages'], 'voltage')}, "
        f"{how_many(count['currents'], 'current')}, at {how_many(points, 'point')}; "
        f"tolerance {report.rtol:g} of the largest",
    ]
    summary += [f"  {note}" for note in comparison.notes]
    blocks = ["\n".join(lines)] if lines else []
    if comparison.verdict and doubts:
        far = comparison.worst[0].relative > ELSEWHERE
        blocks.append(_opinion(comparison.verdict, report.source, far))
    blocks.append("\n".join(summary))
    blocks += _listed("not compared:", comparison.skipped)
    blocks += _listed(f"{report.source} contradicts itself:", comparison.unresolved)
    return blocks


def _listed(head: str, reasons: Mapping[str, str]) -> list[str]:
    lines = [f"  {name}: {why}" for name, why in list(reasons.items())[:MAX_LISTED]]
    if len(reasons) > MAX_LISTED:
        lines.append(f"  ({len(reasons) - MAX_LISTED} more: --format json shows everything)")
    return ["\n".join([head, *lines])] if lines else []


def _table(comparison: Comparison, source: str) -> list[str]:
    """Return the worst quantities, aligned."""
    if not comparison.worst:
        return []
    sweep = comparison.op.sweep
    rows = [["quantity", *sweep, "resnet-sim", "other" if len(source) > 12 else source]]
    rows[0] += ["deviation", "relative", ""]
    for d in comparison.worst:
        unit = "V" if d.name.startswith("v") else "A"
        where = [f"{values[d.point]:.6g}" for values in sweep.values()]
        numbers = [engineering(x, unit) for x in (d.ours, d.theirs)]
        numbers += [engineering(d.difference, unit, 3), f"{d.relative:.1e}"]
        rows.append([d.name, *where, *numbers, "" if d.agrees else "<--"])
    lines = [f"  {line}" for line in aligned(rows)]
    more = len(comparison.disagreeing) - len(comparison.worst)
    if more > 0:
        lines.append(f"  ({more} more that disagree: --format json names them)")
    return lines


def _opinion(verdict: Verdict, source: str, far: bool) -> str:
    lines = [f"whose voltages obey the laws (point {verdict.point})?"]
    for who, violation in (("resnet-sim", verdict.ours), (source, verdict.theirs)):
        lines.append(
            f"  {who}: KCL {engineering(violation.amps, 'A', 3)} at {violation.node} "
            f"({violation.amps_relative:.1e} of the currents there), "
            f"fixed voltages {engineering(violation.volts, 'V', 3)}"
            + (f" at {violation.element}" if violation.volts else "")
        )
    lines.append("  " + _BELIEVE[verdict.believe].format(source=source))
    if verdict.believe == "both" and far:
        lines[-1] += ": the circuit has several solutions, of which each found one"
    return "\n".join(lines)


# ---- for programs ----


def to_json(report: Report) -> dict[str, Any]:
    r"""Return a report as JSON data, without NaN and infinity.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("bench.csv").write_text("v(n0),v(n1)\n1,0.6\n")
    >>> report = rs.ngspice.compare(rs.generators.ladder(1), against="bench.csv")
    >>> rs.ngspice.to_json(report)["analyses"][0]["disagreeing"]
    ['v(n1)']
    """
    solved = report.as_solved
    return {
        "title": report.title,
        "status": report.status,
        "agrees": report.agrees,
        "source": report.source,
        "rtol": report.rtol,
        "as_written": _written(report),
        "as_solved": None
        if solved is None
        else {"status": solved.status, "agrees": solved.status == "agree"},
        "analyses": [_record(comparison) for comparison in report.comparisons],
    }


def _written(report: Report) -> dict[str, Any]:
    written = report.as_written
    circuit = written.comparisons[0].op.circuit if written.comparisons else None
    return {
        "status": written.status,
        "agrees": written.status == "agree",
        "reason": written.why,
        "devices": [
            _finite(dataclasses.asdict(s))
            | {"reason": stranger_words(circuit, s, report.source) if circuit else ""}
            for s in written.strangers
        ],
        "worst": _deviation(written.worst, {}) if written.comparisons else None,
        "replaced": [{"card": card, "by": by} for card, by in written.stand_ins.items()],
        "analyses": [_record(comparison) for comparison in written.comparisons],
        "notes": list(written.notes),
    }


def format_json(report: Report) -> str:
    r"""Return a report as one line of JSON.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("bench.csv").write_text("v(n0),v(n1)\n1,0.5\n")
    >>> report = rs.ngspice.compare(rs.generators.ladder(1), against="bench.csv")
    >>> print(rs.ngspice.format_json(report))
    {"title": "ladder of 1", "status": "agree", ...
    """
    return json.dumps(to_json(report), allow_nan=False) + "\n"


def _record(comparison: Comparison) -> dict[str, Any]:
    op = comparison.op
    verdict = comparison.verdict
    return {
        "analysis": "dc" if op.sweep else "op",
        "compared": dict(comparison.compared),
        "worst": [_deviation(d, op.sweep) for d in comparison.worst],
        "disagreeing": list(comparison.disagreeing),
        "not_compared": [{"name": name, "reason": why} for name, why in comparison.skipped.items()],
        "residuals": None
        if verdict is None
        else {
            "point": verdict.point,
            "resnet_sim": _finite(dataclasses.asdict(verdict.ours)),
            "other": _finite(dataclasses.asdict(verdict.theirs)),
            "believe": verdict.believe,
        },
        "seconds": comparison.reading.seconds,
        "notes": list(comparison.notes),
    }


def _deviation(d: Deviation, sweep: Mapping[str, Any]) -> dict[str, Any]:
    return _finite(
        {
            "quantity": d.name,
            "point": d.point,
            "sweep": {name: float(values[d.point]) for name, values in sweep.items()},
            "resnet_sim": d.ours,
            "other": d.theirs,
            "difference": d.difference,
            "relative": d.relative,
            "agrees": d.agrees,
        }
    )


def _finite(record: dict[str, Any]) -> dict[str, Any]:
    return {
        key: plain(value) if isinstance(value, float) else value for key, value in record.items()
    }
