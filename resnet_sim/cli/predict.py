"""``resnet-sim predict``: what a trained deck answers to a table of samples."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from typing import TYPE_CHECKING

from .common import SOLVED, check_output, deliver, load, show_diagnostics
from .samples import Meaning, add_data_options, protect

if TYPE_CHECKING:
    from ..arrays import Floats

HELP = "print what a circuit gives out for a table of inputs"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    parser.add_argument(
        "-o", dest="output", metavar="CSV", help="predictions (default: standard output)"
    )
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
    deliver(_table(meaning, outputs), options)
    if samples.Y is not None:
        stream = sys.stderr if options.output in (None, "-") else sys.stdout
        print(samples.verdict(meaning.squared_error(), outputs), file=stream)
    return SOLVED


def _table(meaning: Meaning, outputs: Floats) -> str:
    """Return predictions as CSV: the outputs in V, and the class where there are classes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    titles = list(meaning.titles)
    rows: list[list[object]] = [list(row) for row in outputs.tolist()]
    if meaning.labelled:
        titles.append("class")
        decoded = meaning.squared_error().decode(outputs).tolist()
        for row, number in zip(rows, decoded, strict=True):
            row.append(meaning.classes[number] if meaning.classes else number)
    writer.writerow(titles)
    writer.writerows(rows)
    return text.getvalue()
