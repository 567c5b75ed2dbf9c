"""``resnet-sim graph``: the circuit as a picture."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import ConvergenceError, TopologyError, UsageError
from .common import SOLVED, check_output, complain, load, show_diagnostics


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    parser.add_argument(
        "-o", "--output", required=True, metavar="PICTURE",
        help="file to write; the ending says what: .svg, .html, .png or .pdf",
    )  # fmt: skip
    parser.add_argument(
        "--boxes", action="store_true", help="leave subcircuits closed: a box each in a schematic"
    )
    parser.add_argument(
        "--drops",
        action="store_true",
        help="a map of the drop of each supply net, where nodes are called layer_x_y",
    )


def run(options: argparse.Namespace) -> int:
    """Draw the circuit, with its operating point if it has one."""
    from ..analyses.solve import solve
    from ..plotting.circuits import write_circuit

    circuit = load(options)
    check_output(options, circuit)
    if Path(options.output).suffix.lower() not in (".svg", ".html", ".png", ".pdf"):
        name = Path(options.output).name
        raise UsageError(f"{name} is no name of a picture: .svg, .html, .png and .pdf are")
    show_diagnostics(circuit.diagnostics)
    if options.drops:
        from ..plotting import draw_drops, save

        save(draw_drops(solve(circuit)), options.output)
        return SOLVED
    op = None
    try:
        op = solve(circuit)
    except (TopologyError, ConvergenceError) as error:
        complain(f"drawn without voltages: {error}")
    write_circuit(circuit, op, options.output, options.boxes)
    return SOLVED
