"""``resnet-sim sweep``: many variants of a deck, on as many workers as there are."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..errors import UsageError
from .common import (
    check_output,
    deliver_results,
    explain,
    load,
    show_diagnostics,
    verdict,
)
from .options import add_numbers, count, natural, number, positive

if TYPE_CHECKING:
    from ..model.circuit import Circuit
    from ..results.operating_point import OperatingPoint


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    add_spread(parser)
    add_numbers(parser, "csv", _tolerance)
    parser.add_argument("--accuracy", help=argparse.SUPPRESS)
    running = parser.add_argument_group("running")
    running.add_argument(
        "--executor", default="threads", metavar="WHERE",
        help="serial, threads[:N], processes[:N], dask[:N] or dask:tcp://host:port",
    )  # fmt: skip
    running.add_argument(
        "--journal",
        metavar="FILE",
        help="keep finished points here; the same command then goes on where it stopped",
    )
    running.add_argument("--chunk", type=count, default=256, help="points per task")


def add_spread(parser: argparse.ArgumentParser) -> None:
    """Declare what varies at random, and how."""
    parser.add_argument(
        "--spread", action="append", default=[], type=_spread, metavar="NAME=SHARE",
        help="an element, or glob, and what its value may be off by: 'r*=5%%'; 'd*:vfwd=10%%' for "
        "a parameter of models (repeatable; default: what tol= in the deck says)",
    )  # fmt: skip
    parser.add_argument("--samples", type=count, help="default 1000")
    parser.add_argument("--seed", type=natural, default=0, help="default %(default)s")
    parser.add_argument(
        "--distribution", choices=("uniform", "normal", "lognormal"), default="uniform",
        help="normal: the spread is three standard deviations; lognormal: they are a factor of "
        "1 + spread (default: %(default)s)",
    )  # fmt: skip


def _tolerance(text: str) -> float | str:
    """Read a tolerance; `run` refuses what was one before 0.2."""
    return text if "=" in text else positive(text)


def _spread(text: str) -> tuple[str, float]:
    """Read ``NAME=5%`` or ``NAME=0.05``."""
    name, equals, share = text.rpartition("=")
    if not equals or not name.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=5%")
    share = share.strip()
    if share.endswith("%"):
        return name.strip().lower(), number(share[:-1]) / 100.0
    return name.strip().lower(), number(share)


def run(options: argparse.Namespace) -> int:
    """Solve all variants and print them."""
    if isinstance(options.tolerance, str):
        raise UsageError(
            "--tolerance is the accuracy of results; for the spread of components write "
            f"--spread {options.tolerance}"
        )
    if options.accuracy is not None:
        raise UsageError(f"--accuracy is called --tolerance now: --tolerance {options.accuracy}")
    circuit = load(options)
    check_output(options, circuit)
    again = f"; the same command goes on from {options.journal}" if options.journal else ""
    options.farewell = lambda: f"interrupted{again}"
    op = _solve(circuit, options)
    explain(options, op.solver.backend)
    show_diagnostics(op.diagnostics)
    deliver_results([op], options)
    return verdict([op])


def _solve(circuit: Circuit, options: argparse.Namespace) -> OperatingPoint:
    from ..analyses.monte_carlo import monte_carlo
    from ..analyses.sweep import sweep

    running = {
        "method": options.method, "executor": options.executor, "journal": options.journal,
        "chunk": options.chunk,
    }  # fmt: skip
    sweeps = [analysis.sweeps for analysis in circuit.analyses if analysis.sweeps]
    if len(sweeps) > 1:
        raise UsageError(f"the deck has {len(sweeps)} sweeps; resnet-sim solve does several")
    swept = {quantity.name for one in sweeps for axis in one for quantity in axis.quantities}
    for name, _ in options.set:
        if name in swept:
            raise UsageError(f"--set {name} does nothing: the deck sweeps {name}; leave it out")
    random = circuit.spread or circuit.is_random
    if options.spread or (random and (options.samples or not sweeps)):
        return monte_carlo(
            circuit, dict(options.spread), options.samples or 1000, seed=options.seed,
            sweep=sweeps[0] if sweeps else (), distribution=options.distribution,
            tolerance=options.tolerance, **running,
        )  # fmt: skip
    if not sweeps:
        raise UsageError("nothing to vary: the deck has no .dc or .step, and no --spread is given")
    return sweep(circuit, sweeps[0], tolerance=options.tolerance, **running)
