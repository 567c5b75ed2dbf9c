"""``resnet-sim check``: diagnostics only; what floats and what is impossible shows in solving."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING

from .common import (
    NO_SOLUTION,
    SOLVED,
    add_format,
    add_strict,
    add_time_limit,
    load,
    show_diagnostics,
)

if TYPE_CHECKING:
    from ..diagnostics import Diagnostic

DECKS = "several"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    add_strict(parser)
    add_time_limit(parser)
    add_format(parser, "table", reports=True)


def run(options: argparse.Namespace) -> int:
    """Print all diagnostics of the deck and of its structure."""
    from ..analyses.solve import check
    from ..results.formats.json import diagnostic_record

    circuit = load(options)
    diagnostics = tuple(dict.fromkeys((*circuit.diagnostics, *check(circuit))))
    show_diagnostics(diagnostics)
    errors = sum(d.severity == "error" for d in diagnostics)
    warnings = sum(d.severity == "warning" for d in diagnostics)
    spoken = _dialect(options.dialect, diagnostics)
    floats = any(d.code == "W201" for d in diagnostics)
    if options.format == "json":
        import json

        record = {
            "title": circuit.title,
            "status": "no solution" if errors else "ok",
            "dialect": spoken,
            "diagnostics": [diagnostic_record(d) for d in diagnostics],
        }
        print(json.dumps(record, allow_nan=False))
    else:
        print(f"{options.file}: {_count(errors, 'error')}, {_count(warnings, 'warning')}")
        print(f"{options.file}: dialect: {spoken}")
    return NO_SOLUTION if errors or (options.strict and floats) else SOLVED


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
