"""``resnet-sim export``: the deck in another dialect."""

from __future__ import annotations

import argparse

from .common import SOLVED, check_output, deliver, load, show_diagnostics
from .options import add_output


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    parser.add_argument("--to", choices=("ngspice", "ltspice"), required=True)
    add_output(parser)


def run(options: argparse.Namespace) -> int:
    """Write the circuit for another simulator."""
    from ..netlist import format_netlist

    circuit = load(options)
    check_output(options, circuit)
    text = format_netlist(circuit, dialect=options.to)
    show_diagnostics(circuit.diagnostics)
    deliver(text, options)
    return SOLVED
