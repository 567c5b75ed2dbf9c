"""``resnet-sim solve``: voltages and currents of a deck."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from .answers import answers, format_answers
from .common import (
    NO_SOLUTION,
    SOLVED,
    TOLERANCE,
    add_output,
    add_strict,
    add_watch,
    check_output,
    complain,
    deliver,
    explain,
    load,
    positive,
    show_diagnostics,
)

if TYPE_CHECKING:
    from ..results.operating_point import OperatingPoint

HELP = "print voltages and currents"

#: so many points of a sweep without solution are explained on stderr
MAX_POINTS_EXPLAINED = 5

_EXIT_STATUS = {"solved": SOLVED, "not converged": TOLERANCE, "no solution": NO_SOLUTION}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    add_strict(parser)
    add_watch(parser)
    parser.add_argument("--format", choices=("table", "json", "csv", "raw", "npz"), default="table")
    add_output(parser)
    parser.add_argument("--method", choices=("auto", "cd", "newton"), default="auto")
    parser.add_argument(
        "--tolerance", type=positive, default=1e-9, help="relative, default %(default)g"
    )


def run(options: argparse.Namespace) -> int:
    """Solve what the deck asks for and print it."""
    from ..analyses.sweep import run

    circuit = load(options)
    check_output(options, circuit)
    if options.format == "npz" and len(circuit.analyses) > 1:
        raise UsageError(f"npz holds one analysis; the deck asks for {len(circuit.analyses)}")
    ops = run(circuit, method=options.method, tolerance=options.tolerance)
    show_diagnostics(d for op in ops for d in op.diagnostics)
    found = answers(circuit, ops, options.tolerance)
    if found and options.format not in ("table", "json"):
        complain("what .sens, .tf and .meas ask for is in --format table and json")
    deliver(_format(ops, options.format, found), options)
    status = max((_EXIT_STATUS[op.status] for op in ops), default=SOLVED)
    for op in ops:
        explain(options, op.solver.backend)
        for point, reason in list(op.unsolved.items())[:MAX_POINTS_EXPLAINED]:
            complain(f"point {point} of the sweep (from 0) has no solution: {reason}")
        if (more := len(op.unsolved) - MAX_POINTS_EXPLAINED) > 0:
            complain(f"{more} more points have no solution: --format json explains each")
        if op.status == "not converged":
            complain("not converged: " + "; ".join(op.certificate.failures[:3]))
    if options.strict and status == SOLVED and any(op.floating for op in ops):
        complain("part of the circuit floats, which --strict does not accept")
        return NO_SOLUTION
    return status


def _format(ops: Sequence[OperatingPoint], form: str, found: dict[str, Any]) -> str | bytes:
    if form == "table":
        from ..results.formats.table import format_table

        return format_table(ops) + format_answers(found)
    from ..results.formats import output

    if form == "npz":
        return output.format_npz(ops[0])
    if form == "json":
        return output.format_json(ops, found)
    return output.format_csv(ops) if form == "csv" else output.format_raw(ops)
