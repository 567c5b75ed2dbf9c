"""The ``resnet-sim`` command.

Exit status: 0 solved and certified; 1 the tolerance was not met; 2 bad usage or bad
netlist; 3 the circuit has no solution; 4 ngspice is missing or failed; 5 workers are
lost; 70 internal error; 130 interrupted.

Each subcommand is a module beside this one.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import __version__
from ..errors import (
    ConvergenceError,
    ExecutorError,
    NetlistError,
    ResnetSimError,
    SimulatorError,
    TopologyError,
)
from ..workers.progress import shown
from .common import (
    BAD_INPUT,
    BROKEN_PIPE,
    INTERNAL_ERROR,
    INTERRUPTED,
    NO_SIMULATOR,
    NO_SOLUTION,
    NO_WORKERS,
    TOLERANCE,
    complain,
    deck_options,
    show_diagnostics,
)
from .interrupt import watched
from .subcommands import COMMANDS, load

if TYPE_CHECKING:
    from ..diagnostics import Diagnostic


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status; `arguments` default to ``sys.argv[1:]``."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a C locale must not stop a result
    arguments = sys.argv[1:] if arguments is None else arguments
    given = next((word for word in arguments if not word.startswith("-")), "")
    options = build_parser(given).parse_args(arguments)
    try:
        status = _run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes stdout once more when it exits: give it somewhere to go
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except KeyboardInterrupt:
        print("resnet-sim: interrupted", file=sys.stderr)
        return INTERRUPTED
    return status


def build_parser(given: str | None = None) -> argparse.ArgumentParser:
    """Return the parser of the command line, with the options of one command or of all."""
    parser = argparse.ArgumentParser(
        prog="resnet-sim",
        description="Exact operating points of resistive circuits given as SPICE netlists.",
        epilog="Exit status: 0 solved and certified, 1 tolerance not met, 2 bad usage or "
        "netlist, 3 no solution, 4 ngspice is missing or failed.",
    )
    parser.add_argument("--version", action="version", version=f"resnet-sim {__version__}")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    deck = deck_options()
    for name, purpose in COMMANDS.items():
        subparser = subparsers.add_parser(name, parents=[deck], help=purpose)
        if given in (None, name):
            command = load(name)
            command.add_options(subparser)
            subparser.set_defaults(run=command.run)
    return parser


def _run(options: argparse.Namespace) -> int:
    try:
        with shown(options.progress), watched(getattr(options, "limit", None)):
            status: int = options.run(options)
    except BrokenPipeError:
        raise
    except Exception as error:
        return _report_failure(error, options)
    return status


def _report_failure(error: Exception, options: argparse.Namespace) -> int:
    """Say on stderr, and in JSON if that was wanted, why there is no result."""
    exit_status, status, message = _explain(error)
    if exit_status == INTERNAL_ERROR and options.debug:
        import traceback

        traceback.print_exception(error)
    own: tuple[Diagnostic, ...] = getattr(error, "diagnostics", ())
    circuit = getattr(options, "circuit", None)  # if it got as far as that
    diagnostics = (*circuit.diagnostics, *own) if circuit is not None else own
    show_diagnostics(diagnostics)
    if not own:
        complain(message)
    if getattr(options, "format", None) == "json":
        import json

        from ..results.formats.json import diagnostic_record

        records = [diagnostic_record(d) for d in diagnostics]
        if not own:
            blank = dict.fromkeys(("file", "line", "column", "hint"))
            records.append({"code": None, "severity": "error", "message": message} | blank)
        title = None if circuit is None else circuit.title
        record = {"title": title, "status": status, "diagnostics": records}
        if isinstance(error, TopologyError):
            record |= {"elements": error.elements, "nodes": error.nodes, "lines": error.lines}
        print(json.dumps(record, allow_nan=False))
    return exit_status


def _explain(error: Exception) -> tuple[int, str, str]:
    """Return exit status, status word and message of an exception."""
    if isinstance(error, TopologyError):
        return NO_SOLUTION, "no solution", str(error)
    if isinstance(error, ConvergenceError):
        return TOLERANCE, "not converged", f"not converged: {error}"
    if isinstance(error, SimulatorError):
        return NO_SIMULATOR, "ngspice failed", f"error: {error}"
    if isinstance(error, ExecutorError):
        return NO_WORKERS, "workers lost", f"error: {error}"
    if isinstance(error, NetlistError | ResnetSimError):
        return BAD_INPUT, "error", f"error: {error}"
    if isinstance(error, OSError) and error.filename is not None:
        return BAD_INPUT, "error", f"error: {error.filename}: {error.strerror}"
    kind = type(error).__name__
    text = f"internal error: {kind}: {error}; --debug shows where; please report it"
    return INTERNAL_ERROR, "error", text
