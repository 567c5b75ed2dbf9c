"""``resnet-sim plot``: curves of what a deck asks for, histograms of samples, learning runs."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from .common import SOLVED, check_output, deliver, load, show_diagnostics, verdict
from .options import add_output, add_print, add_solver
from .sweep import add_spread
from .tolerances import add_limits

if TYPE_CHECKING:
    from ..model.circuit import Circuit
    from ..plotting.charts import Panel
    from ..results.operating_point import OperatingPoint


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    add_output(parser)
    parser.add_argument(
        "--text", action="store_true", help="as text; so is what has no -o, or one ending in .txt"
    )
    add_print(parser)
    parser.add_argument(
        "--against", default="", metavar="NAME", help="an output for the x axis: v(in)"
    )
    add_spread(parser)
    add_limits(parser)
    add_solver(parser)


def run(options: argparse.Namespace) -> int:
    """Draw what the deck asks for, or a learning run."""
    history = _history(options.file)
    if history is not None:
        from ..plotting.learning import learning_panels

        check_output(options)
        _deliver(learning_panels(history), options)
        return SOLVED
    circuit = load(options)
    check_output(options, circuit)
    ops = _solve(circuit, options)
    show_diagnostics(d for op in ops for d in op.diagnostics)
    from ..plotting.results import panels_of

    names = options.print
    limits = dict(options.limits)
    panels = [p for op in ops for p in panels_of(op, names, options.against, limits)]
    _deliver(panels, options)
    return verdict(ops)


def _solve(circuit: Circuit, options: argparse.Namespace) -> list[OperatingPoint]:
    from ..analyses.monte_carlo import monte_carlo
    from ..analyses.sweep import run

    how = {"method": options.method, "tolerance": options.tolerance}
    if options.spread or options.samples:
        drawn = {"seed": options.seed, "distribution": options.distribution, **how}
        return [monte_carlo(circuit, dict(options.spread), options.samples or 1000, **drawn)]
    ops = run(circuit, **how)
    # beside a sweep an operating point is what .op prints, not a curve
    return [op for op in ops if op.sweep] or ops


def _deliver(panels: Sequence[Panel], options: argparse.Namespace) -> None:
    target = options.output
    if options.text or target in (None, "-") or Path(target).suffix.lower() == ".txt":
        from ..plotting.text import plot_text

        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 80
        deliver(plot_text(panels, min(width, 160)) + "\n", options)
        return
    from ..plotting import save
    from ..plotting.curves import draw_panels

    save(draw_panels(panels), target)


def _history(name: str) -> list[dict[str, Any]] | None:
    """Return the epochs of a file that ``train --metrics`` has written, None if it is another."""
    if name == "-":
        return None
    try:
        with Path(name).open(encoding="utf-8", errors="replace") as stream:
            first = stream.readline(100_000)
            if not first.startswith('{"') or '"epoch"' not in first:
                return None
            return [json.loads(line) for line in [first, *stream] if line.strip()]
    except OSError:
        return None  # reading it as a deck says why
    except ValueError as error:
        raise UsageError(f"{name}: a line of this learning run is damaged: {error}") from None
