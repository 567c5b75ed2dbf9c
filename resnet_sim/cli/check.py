"""``resnet-sim check``: diagnostics only, and the exit status of ``solve``.

What floats and what is impossible shows in solving, so all that the deck asks for is solved.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING

from .common import NO_SOLUTION, SOLVED, TOLERANCE, load, show_diagnostics, verdict
from .options import add_format, add_strict, add_time_limit

if TYPE_CHECKING:
    from ..diagnostics import Diagnostic
    from ..model.circuit import Circuit

DECKS = "several"
#: exit status -> how a report calls it
STATUSES = {SOLVED: "ok", NO_SOLUTION: "no solution", TOLERANCE: "not converged"}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    add_strict(parser)
    add_time_limit(parser)
    add_format(parser, "table", reports=True)


def run(options: argparse.Namespace) -> int:
    """Print all diagnostics of the deck and of its structure."""
    from ..results.formats.json import diagnostic_record

    circuit = load(options)
    found, status = _solved(circuit)
    diagnostics = tuple(dict.fromkeys((*circuit.diagnostics, *found)))
    show_diagnostics(diagnostics)
    errors = sum(d.severity == "error" for d in diagnostics)
    warnings = sum(d.severity == "warning" for d in diagnostics)
    spoken = _dialect(options.dialect, diagnostics)
    floats = any(d.code == "W201" for d in diagnostics)
    if options.format == "json":
        import json

        record = {
            "title": circuit.title,
            "status": STATUSES[status],
            "dialect": spoken,
            "diagnostics": [diagnostic_record(d) for d in diagnostics],
        }
        print(json.dumps(record, allow_nan=False))
    else:
        print(f"{options.file}: {_count(errors, 'error')}, {_count(warnings, 'warning')}")
        print(f"{options.file}: dialect: {spoken}")
    return NO_SOLUTION if status == SOLVED and options.strict and floats else status


def _solved(circuit: Circuit) -> tuple[tuple[Diagnostic, ...], int]:
    """Return what there is to say about all that a deck asks for, and how it ends."""
    from ..analyses.solve import check
    from ..analyses.sweep import run
    from ..errors import TopologyError

    try:
        ops = run(circuit)
    except TopologyError:
        return check(circuit), NO_SOLUTION
    return tuple(d for op in ops for d in op.diagnostics), verdict(ops)


def _dialect(asked: str | None, diagnostics: Iterable[Diagnostic]) -> str:
    """Return as whose deck it was read, and why."""
    if asked not in (None, "auto"):
        return f"{asked}, as --dialect says"
    for each in diagnostics:
        if each.code == "N110" and each.span is not None:
            return f"{each.message.split()[2]}, for line {each.span.line}: {each.span.text.strip()}"
    return "nothing recognised, so ngspice's with ideal elements"


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
