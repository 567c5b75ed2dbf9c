"""``resnet-sim tolerances``: how far outputs move when components are off."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..errors import UsageError
from .common import (
    NO_SOLUTION,
    SOLVED,
    check_output,
    complain,
    deliver_results,
    load,
    show_diagnostics,
)
from .options import add_numbers, count, ends
from .sweep import add_spread

if TYPE_CHECKING:
    from ..analyses.tolerances import Statistics, WorstCase
    from ..model.circuit import Circuit
    from ..results.predictions import Predictions

STATISTICS = ("output", "mean", "sigma", "least", "greatest", "yield")
EXTREMES = ("nominal", "worst low", "worst high")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    add_spread(parser)
    add_limits(parser)
    parser.add_argument(
        "--vertices", type=count, default=12, metavar="N",
        help="solve all corners for up to N values that vary, default %(default)s; for more, "
        "those that sensitivities point to",
    )  # fmt: skip
    add_numbers(parser, "table")


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Declare between which values outputs are good."""
    parser.add_argument(
        "--limits", action="append", default=[], type=_limits, metavar="OUTPUT=LOW,HIGH",
        help="what counts for the yield: 'v(out)=4.9,5.1'; either may be left out (repeatable)",
    )  # fmt: skip


def _limits(text: str) -> tuple[str, tuple[float, float]]:
    """Read ``v(out)=4.9,5.1``."""
    output, equals, limits = text.rpartition("=")
    low, comma, high = limits.partition(",")
    if not equals or not comma or not output.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form OUTPUT=LOW,HIGH")
    return output.strip().lower(), ends(low, high)


def run(options: argparse.Namespace) -> int:
    """Print worst case, statistics and yield of each output."""
    from ..analyses.monte_carlo import monte_carlo
    from ..analyses.tolerances import statistics, worst_case

    circuit = load(options)
    check_output(options, circuit)
    limits = dict(options.limits)
    wanted = [*dict.fromkeys([*(options.print or circuit.outputs), *limits])]
    if not wanted or "all" in wanted:
        raise UsageError("which outputs? name them with --print or --limits, or in .print")
    spread = dict(options.spread)
    drawn = {"distribution": options.distribution, "method": options.method,
             "tolerance": options.tolerance}  # fmt: skip
    worst: list[WorstCase] = []
    if circuit.is_random:
        complain("no worst case: random functions of the deck have no limits")
    else:
        worst = worst_case(circuit, spread, wanted, vertices=options.vertices, **drawn)
    size = options.samples or 1000
    samples = monte_carlo(circuit, spread, size, seed=options.seed, **drawn)
    found = statistics(samples, {name: limits.get(name, (None, None)) for name in wanted})
    show_diagnostics(samples.diagnostics)
    options.print = ()
    deliver_results([_table(circuit, worst, found)], options)
    corners = 2 ** len(samples.sampled)
    for by in {w.by for w in worst}:
        ways = {"vertices": f"all {corners} corners", "sensitivities": "sensitivities"}
        complain(f"worst case by {ways[by]}")
    complain(f"{size} samples ({options.distribution})")
    unsolved = len(samples.unsolved) + sum(w.unsolved for w in worst[:1])
    if unsolved:
        complain(f"{unsolved} samples and corners have no solution")
    return NO_SOLUTION if unsolved else SOLVED


def _table(circuit: Circuit, worst: list[WorstCase], found: list[Statistics]) -> Predictions:
    """Return a row for each output."""
    import numpy as np

    from ..results.predictions import Predictions

    rows = [[k, s.mean, s.sigma, s.least, s.greatest, s.inside] for k, s in enumerate(found)]
    names, table = STATISTICS + (EXTREMES if worst else ()), np.array(rows)
    if worst:
        table = np.hstack([table, [[w.nominal, w.low, w.high] for w in worst]])
    return Predictions(circuit, names, table, {"output": [s.output for s in found]})
