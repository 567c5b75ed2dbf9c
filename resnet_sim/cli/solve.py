"""``resnet-sim solve``: voltages and currents of a deck."""

from __future__ import annotations

import argparse
from dataclasses import replace

from .answers import answers, supply_answers
from .common import (
    NO_SOLUTION,
    SOLVED,
    check_output,
    complain,
    deliver_results,
    explain,
    load,
    show_diagnostics,
    verdict,
)
from .options import add_numbers, add_strict, add_time_limit, count

DECKS = "several"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    add_strict(parser)
    add_time_limit(parser)
    add_numbers(parser, "table")
    parser.add_argument(
        "--worst", type=count, default=0, metavar="N",
        help="show of each supply net the N nodes with the largest drop, or bounce of ground",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Solve what the deck asks for and print it."""
    from ..analyses.sweep import run

    circuit = load(options)
    check_output(options, circuit)
    ops = run(circuit, method=options.method, tolerance=options.tolerance)
    found, unanswered = answers(circuit, ops, options.tolerance)
    if options.worst:
        found["supply_nets"] = supply_answers(ops, options.worst)
    if ops and unanswered:
        ops[0] = replace(ops[0], diagnostics=(*ops[0].diagnostics, *unanswered))
    show_diagnostics(d for op in ops for d in op.diagnostics)
    for op in ops:
        explain(options, op.solver.backend)
    deliver_results(ops, options, found)
    status = verdict(ops)
    if options.strict and status == SOLVED and any(op.floating for op in ops):
        complain("part of the circuit floats, which --strict does not accept")
        return NO_SOLUTION
    return status
