"""``resnet-sim gradcheck``: our derivatives beside those of ngspice and finite differences."""

from __future__ import annotations

import argparse

from ..errors import UsageError
from .common import SOLVED, TOLERANCE, load, show_diagnostics
from .learning import add_learning_options, check, cost, network
from .options import count, positive
from .samples import Meaning, add_data_options

#: Samples that are looked at unless more are asked for.
SAMPLES = 4


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    add_data_options(parser)
    add_learning_options(parser)
    parser.add_argument(
        "--samples", type=count, default=SAMPLES, metavar="N",
        help="so many samples of the table, the first ones (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--rtol", type=positive, default=1e-5, metavar="R",
        help="deviation that passes, relative to the largest derivative (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--no-ngspice", action="store_true", help="finite differences only")


def run(options: argparse.Namespace) -> int:
    """Print the table; status 1 if the opinions differ."""
    import numpy as np

    from ..ngspice import run as simulate
    from ..training import gradcheck

    check(options)
    if options.biases:
        raise UsageError("gradcheck compares conductances and parameters: --biases is not for it")
    circuit = load(options)
    meaning = Meaning(options, circuit)
    samples = meaning.read(options.data)
    rows = samples.rows(np.arange(min(options.samples, len(samples.X))))
    net = network(options, circuit, meaning)
    show_diagnostics(circuit.diagnostics)
    with rows.named():
        judged = cost(options, meaning, net)
        found = gradcheck(net, rows.X, rows.Y, judged, None if options.no_ngspice else simulate)
    print(found)
    worst = found.worst()
    passed = worst <= options.rtol
    print(
        f"largest deviation {worst:.2g} of the largest derivative: {'ok' if passed else 'FAILED'}"
    )
    return SOLVED if passed else TOLERANCE
