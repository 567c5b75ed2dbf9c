"""``resnet-sim validate``: a second opinion from ngspice."""

from __future__ import annotations

import argparse
import sys

from .common import load, show_diagnostics
from .options import add_format, positive


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    parser.add_argument(
        "--against",
        metavar="OUTPUT",
        help="raw file, wrdata or print listing, or CSV to compare with instead of running ngspice",
    )
    parser.add_argument(
        "--columns", default="", metavar="NAMES", help="v(out),i(v1) if OUTPUT has no header"
    )
    parser.add_argument(
        "--rtol", type=positive, default=1e-6, help="of the largest value, default %(default)g"
    )
    parser.add_argument(
        "--time-limit", type=positive, default=600.0, metavar="S", help="for each ngspice run"
    )
    add_format(parser, "table", reports=True)


def run(options: argparse.Namespace) -> int:
    """Compare our solution with that of ngspice."""
    from .. import ngspice

    circuit = load(options)
    report = ngspice.compare(
        circuit,
        against=options.against,
        columns=options.columns,
        rtol=options.rtol,
        time_limit=options.time_limit,
    )
    show_diagnostics(d for part in report.comparisons for d in part.op.diagnostics)
    form = ngspice.format_json if options.format == "json" else ngspice.format_report
    sys.stdout.write(form(report))
    return ngspice.exit_status(report)
