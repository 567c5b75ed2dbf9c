"""The report of a comparison, for people and for programs."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any

from ..results.formats.table import engineering
from .comparison import Comparison, Report, Verdict
from .deviations import Deviation

#: of what could not be compared, so many lines are shown
MAX_LISTED = 12

#: voltages that obey the laws and are this far apart are different solutions
ELSEWHERE = 1e-3

_EXIT_STATUS = {"agree": 0, "disagree": 1, "no solution": 3, "ngspice failed": 4}
_BELIEVE = {
    "ours": "believe resnet-sim: its voltages obey the laws better",
    "theirs": "believe {source}: its voltages obey the laws better; please report this",
    "both": "both obey the laws to a millionth",
    "neither": "neither obeys the laws well, or both as badly",
}


def exit_status(report: Report) -> int:
    r"""Return the exit status: 0 agree, 1 disagree, 3 no solution, 4 ngspice failed.

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
    verdicts = {
        "agree": f"agrees with {report.source}",
        "disagree": f"DISAGREES with {report.source}",
        "no solution": f"agrees with {report.source}, as far as there is a solution",
        "ngspice failed": f"not validated: {report.source} failed or contradicts itself",
    }
    title = "".join(c if c.isprintable() else " " for c in report.title).strip()
    blocks = [f"{title or 'the circuit'}: {verdicts[report.status]}"]
    for number, comparison in enumerate(report.comparisons, 1):
        if len(report.comparisons) > 1:
            kind = "sweep" if comparison.op.sweep else "operating point"
            blocks.append(f"analysis {number}: {kind}")
        blocks += _blocks(comparison, report)
    return "\n\n".join(blocks) + "\n"


def _blocks(comparison: Comparison, report: Report) -> list[str]:
    lines = _table(comparison, report.source)
    count = comparison.compared
    points = count["points"]
    summary = [
        f"compared: {_count(count['voltages'], 'voltage')}, "
        f"{_count(count['currents'], 'current')}, at {_count(points, 'point')}; "
        f"tolerance {report.rtol:g} of the largest",
    ]
    summary += [f"  {note}" for note in comparison.notes]
    blocks = ["\n".join(lines)] if lines else []
    if comparison.verdict:
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


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


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
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for name, *cells in rows:
        text = [f"{cell:>{width}}" for cell, width in zip(cells, widths[1:], strict=True)]
        lines.append(f"  {name:<{widths[0]}}  {'  '.join(text)}".rstrip())
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
    return {
        "title": report.title,
        "status": report.status,
        "agrees": report.agrees,
        "source": report.source,
        "rtol": report.rtol,
        "analyses": [_record(comparison) for comparison in report.comparisons],
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
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in record.items()
    }
