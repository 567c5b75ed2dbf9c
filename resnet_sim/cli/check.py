"""``resnet-sim check``: diagnostics only; what floats and what is impossible shows in solving."""

from __future__ import annotations

import argparse

from .common import (
    NO_SOLUTION,
    SOLVED,
    add_format,
    add_strict,
    add_time_limit,
    load,
    show_diagnostics,
)

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
    floats = any(d.code == "W201" for d in diagnostics)
    if options.format == "json":
        import json

        record = {
            "title": circuit.title,
            "status": "no solution" if errors else "ok",
            "diagnostics": [diagnostic_record(d) for d in diagnostics],
        }
        print(json.dumps(record, allow_nan=False))
    else:
        print(f"{options.file}: {_count(errors, 'error')}, {_count(warnings, 'warning')}")
    return NO_SOLUTION if errors or (options.strict and floats) else SOLVED


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
