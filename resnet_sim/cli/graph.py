"""``resnet-sim graph``: the circuit as a picture."""

from __future__ import annotations

import argparse

from ..errors import ConvergenceError, TopologyError
from .common import SOLVED, check_output, complain, load, show_diagnostics


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="PICTURE",
        help="file to write; the ending says what: .svg, .png or .pdf",
    )


def run(options: argparse.Namespace) -> int:
    """Draw the circuit, with its operating point if it has one."""
    from ..analyses.solve import solve
    from ..plotting import draw_circuit, save

    circuit = load(options)
    check_output(options, circuit)
    show_diagnostics(circuit.diagnostics)
    op = None
    try:
        op = solve(circuit)
    except (TopologyError, ConvergenceError) as error:
        complain(f"drawn without voltages: {error}")
    save(draw_circuit(circuit, op), options.output)
    return SOLVED
