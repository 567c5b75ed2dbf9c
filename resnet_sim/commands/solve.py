"""``resnet-sim solve``: voltages and currents of a deck."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .common import (
    NO_SOLUTION,
    SOLVED,
    TOLERANCE,
    add_output,
    add_strict,
    check_output,
    complain,
    deliver,
    load,
    positive,
    show_diagnostics,
)

if TYPE_CHECKING:
    from ..results import OperatingPoint

HELP = "print voltages and currents"

#: so many points of a sweep without solution are explained on stderr
MAX_POINTS_EXPLAINED = 5

_EXIT_STATUS = {"solved": SOLVED, "not converged": TOLERANCE, "no solution": NO_SOLUTION}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    add_strict(parser)
    parser.add_argument("--format", choices=("table", "json", "csv", "raw"), default="table")
    add_output(parser)
    parser.add_argument("--method", choices=("auto", "cd", "newton"), default="auto")
    parser.add_argument(
        "--tolerance", type=positive, default=1e-9, help="relative, default %(default)g"
    )


def run(options: argparse.Namespace) -> int:
    """Solve what the deck asks for and print it."""
    from ..analysis import run

    circuit = load(options)
    check_output(options, circuit)
    ops = run(circuit, method=options.method, tolerance=options.tolerance)
    show_diagnostics(d for op in ops for d in op.diagnostics)
    deliver(_format(ops, options.format), options)
    status = max((_EXIT_STATUS[op.status] for op in ops), default=SOLVED)
    for op in ops:
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


def _format(ops: Sequence[OperatingPoint], form: str) -> str:
    if form == "table":
        from ..table import format_table

        return format_table(ops)
    from .. import output

    return {"json": output.format_json, "csv": output.format_csv, "raw": output.format_raw}[form](
        ops
    )
