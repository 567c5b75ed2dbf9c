"""The ``resnet-sim`` command.

Exit status: 0 solved and certified; 1 the tolerance was not met; 2 bad usage or bad
netlist; 3 the circuit has no solution; 4 ngspice is missing or failed; 5 workers are
lost; 70 internal error; 130 interrupted.

Each subcommand is a module beside this one.
"""

from __future__ import annotations

import argparse
import errno
import io
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from .. import __version__
from ..errors import (
    ConvergenceError,
    ExecutorError,
    NetlistError,
    ResnetSimError,
    SimulatorError,
    TopologyError,
    did_you_mean,
)
from ..results.formats.registry import FORMATS
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
    show_diagnostics,
    silence,
)
from .interrupt import watched
from .options import add_deck, settle_format
from .subcommands import COMMANDS, load

if TYPE_CHECKING:
    from ..diagnostics import Diagnostic


#: what a write meets that is nobody's fault here: no room, a quota, a limit of size, a bad disk
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status; `arguments` default to ``sys.argv[1:]``."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # it was closed before the command began
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a C locale must not stop a result
    arguments = sys.argv[1:] if arguments is None else arguments
    given = next((word for word in arguments if not word.startswith("-")), "")
    options = build_parser(given).parse_args(arguments)
    try:
        status = max(_run(options, file) for file in _files(options))
        sys.stdout.flush()
        if getattr(options, "watch", False):
            _watch(options)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            status = BROKEN_PIPE
        elif error.errno in NO_ROOM:
            where = getattr(options, "output", None) or "standard output"
            complain(f"error: can't write {where}: {error.strerror}")
            status = BAD_INPUT
        else:
            raise
        # Python flushes stdout once more when it exits: give it somewhere to go
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        complain(getattr(options, "farewell", lambda: "interrupted")())
        return INTERRUPTED
    return status


class _Parser(argparse.ArgumentParser):
    """A parser that guesses what a misspelt command or option was meant to be."""

    def __init__(self, **options: Any) -> None:
        # each option that is added makes one, which would ask shutil for the terminal's width
        super().__init__(formatter_class=partial(argparse.HelpFormatter, width=80), **options)

    def format_help(self) -> str:
        self.formatter_class = argparse.HelpFormatter
        return super().format_help()

    def format_usage(self) -> str:
        self.formatter_class = argparse.HelpFormatter
        return super().format_usage()

    def error(self, message: str) -> NoReturn:
        wrong = re.search(r"invalid choice: '([^']*)'|unrecognized arguments: ([^\s=]+)", message)
        meant = did_you_mean(wrong[1] or wrong[2], self.words()) if wrong else ""
        if wrong and (wrong[2] or "").removeprefix("--") in FORMATS:
            meant = f"did you mean --format {wrong[2][2:]}?"
        if wrong and wrong[1] and Path(wrong[1]).is_file():
            meant = f"a command comes first: {self.prog} solve {wrong[1]}"
        super().error(f"{message}; {meant}" if meant else message)

    def words(self) -> Iterator[str]:
        """Yield everything that can be said: commands, options, and what these can be."""
        for action in self._actions:
            yield from action.option_strings
            for choice in action.choices or ():
                yield str(choice)
                if isinstance(action.choices, dict):  # of commands, to their parsers
                    yield from action.choices[choice].words()


def _files(options: argparse.Namespace) -> Sequence[str]:
    """Return the decks to be read, one after the other; one empty name if none is."""
    files: Sequence[str] = getattr(options, "files", None) or [getattr(options, "file", "")]
    if len(files) > 1 and getattr(options, "output", None) not in (None, "-"):
        complain(f"error: {len(files)} decks can't be written to one file {options.output}")
        raise SystemExit(BAD_INPUT)
    if getattr(options, "watch", False) and "-" in files:
        complain("error: --watch needs files: standard input does not change")
        raise SystemExit(BAD_INPUT)
    return files


def _watch(options: argparse.Namespace) -> NoReturn:
    """Run the command again whenever a deck, or what it includes, has changed."""

    for file in changes(options):
        print(f"---- {file} has changed ----", flush=True)
        for each in _files(options):
            _run(options, each)
        sys.stdout.flush()
    raise AssertionError("watching ends by an interrupt")


def build_parser(given: str | None = None) -> argparse.ArgumentParser:
    """Return the parser of the command line, with the options of one command or of all."""
    parser = _Parser(
        prog="resnet-sim",
        description="Exact operating points of resistive circuits given as SPICE netlists.",
        epilog="Exit status: 0 solved and certified, 1 tolerance not met, 2 bad usage or "
        "netlist, 3 no solution, 4 ngspice is missing or failed.",
    )
    parser.add_argument("-V", "--version", action="version", version=f"resnet-sim {__version__}")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, purpose in COMMANDS.items():
        if given in (None, name):
            command = load(name)
            subparser = subparsers.add_parser(name, help=purpose)
            if (decks := getattr(command, "DECKS", "one")) != "none":
                add_deck(subparser, decks == "several")
            command.add_options(subparser)
            subparser.set_defaults(run=command.run)
        else:
            subparsers.add_parser(name, help=purpose)
    return parser


def commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return the parsers of the commands by name, in their order."""
    (found,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return dict(found.choices)


def _run(options: argparse.Namespace, file: str) -> int:
    options.file, options.circuit = file, None
    silence(options)
    try:
        settle_format(options)
        with shown(getattr(options, "progress", False)), watched(getattr(options, "limit", None)):
            status: int = options.run(options)
    except Exception as error:
        if isinstance(error, BrokenPipeError) or getattr(error, "errno", None) in NO_ROOM:
            raise
        return _report_failure(error, options)
    return status


def _report_failure(error: Exception, options: argparse.Namespace) -> int:
    """Say on stderr, and in JSON if that was wanted, why there is no result."""
    exit_status, status, message = _explain(error)
    if exit_status == INTERNAL_ERROR and getattr(options, "debug", False):
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


#: seconds between two looks
PAUSE = 0.2


def changes(options: argparse.Namespace) -> Iterator[str]:
    """Yield the name of a file that has changed, for ever: a deck, or what it includes."""
    files = list(options.files)
    before = _times([*files, *_included(options)])
    while True:
        time.sleep(PAUSE)
        now = _times(before)
        changed = [file for file in before if now[file] != before[file]]
        if changed:
            yield changed[0]
            before = _times([*files, *_included(options)])


def _included(options: argparse.Namespace) -> list[str]:
    """Return the files of the circuit that was read last, if it could be."""
    circuit = getattr(options, "circuit", None)
    found: list[Path] = []
    for source in () if circuit is None else circuit.sources:
        # names are relative to the file that includes
        places = [Path(), *(path.parent for path in found)]
        found += [place / source.name for place in places if (place / source.name).is_file()][:1]
    return [str(path) for path in found]


def _times(files: Iterator[str] | list[str] | dict[str, float]) -> dict[str, float]:
    """Return when each file was written last, 0 for one that is not there."""
    times = {}
    for file in files:
        try:
            times[file] = Path(file).stat().st_mtime_ns / 1e9
        except OSError:  # while an editor replaces it
            times[file] = 0.0
    return times
