"""``resnet-sim predict``: what a trained deck answers to a table of samples."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from .common import SOLVED, check_output, deliver_results, load, show_diagnostics
from .options import add_format
from .samples import Meaning, add_data_options, protect

if TYPE_CHECKING:
    from ..arrays import Floats
    from ..model.circuit import Circuit
    from ..results.predictions import Predictions


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    parser.add_argument(
        "-o", dest="output", metavar="OUT", help="predictions (default: standard output)"
    )
    add_format(parser, "csv")
    add_data_options(parser)


def run(options: argparse.Namespace) -> int:
    """Predict, and judge the predictions where there are targets."""
    from ..training import Network
    from ..training.evaluate import predict

    circuit = load(options)
    meaning = Meaning(options, circuit)
    check_output(options, circuit)
    protect(options.output, {options.data: "the data"}, "the output")
    samples = meaning.read(options.data, targets=False)
    net = Network(circuit, meaning.sources, meaning.outputs, (), g_min=0.0)
    show_diagnostics(circuit.diagnostics)
    with samples.named():
        outputs = predict(net, samples.X)
    deliver_results([_predictions(circuit, meaning, outputs)], options)
    if samples.Y is not None:
        stream = sys.stderr if options.output in (None, "-") else sys.stdout
        print(samples.verdict(meaning.squared_error(), outputs), file=stream)
    return SOLVED


def _predictions(circuit: Circuit, meaning: Meaning, outputs: Floats) -> Predictions:
    """Return the outputs in V, and the class where there are classes."""
    import numpy as np

    from ..results.predictions import Predictions

    if not meaning.labelled:
        return Predictions(circuit, meaning.titles, outputs, {})
    numbers = meaning.squared_error().decode(outputs)
    known = meaning.classes or [str(k) for k in range(max(2, len(meaning.titles)))]
    columns = np.column_stack([outputs, numbers])
    return Predictions(circuit, (*meaning.titles, "class"), columns, {"class": known})
