"""What the subcommands share: exit status, options, reading the deck, delivering results."""

from __future__ import annotations

import argparse
import math
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import NetlistError, UsageError, nearest
from ..results.formats.registry import FORMATS
from ..solvers.registry import METHODS
from ..workers.progress import report

if TYPE_CHECKING:
    from ..diagnostics import Diagnostic
    from ..model.circuit import Circuit
    from ..results.operating_point import OperatingPoint
    from ..results.predictions import Result

SOLVED, TOLERANCE, BAD_INPUT, NO_SOLUTION, NO_SIMULATOR, NO_WORKERS = 0, 1, 2, 3, 4, 5
INTERNAL_ERROR, INTERRUPTED, BROKEN_PIPE = 70, 130, 141

#: so many points without solution are explained on stderr
MOST_EXPLAINED = 5


# ---- options ----


def add_deck(parser: argparse.ArgumentParser, several: bool) -> None:
    """Declare the options of every command that reads a deck, or several."""
    if several:
        parser.add_argument("files", metavar="FILE", nargs="+", help="netlists, or -")
        parser.add_argument(
            "--watch", action="store_true", help="do it again whenever a file has changed"
        )
    else:
        parser.add_argument("file", metavar="FILE", help="netlist, or - for standard input")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=assignment,
        metavar="NAME=VALUE",
        help="value of an element or .param, such as r1=4.7k (repeatable)",
    )
    for verb in ("close", "open"):
        parser.add_argument(
            f"--{verb}",
            action="append",
            default=[],
            type=str.lower,
            metavar="SWITCH",
            help=f"hold a switch {'closed' if verb == 'close' else 'open'} (repeatable)",
        )
    add_reading(parser)
    parser.add_argument(
        "--progress",
        action="store_true",
        help="say on stderr what is being done, and how far it is",
    )
    parser.add_argument(
        "--debug",
        action="store_true",
        help="say what solves many points, and show tracebacks of internal errors",
    )
    parser.add_argument(
        "-q", "--quiet", action="store_true", help="show errors, but neither warnings nor notes"
    )
    parser.add_argument(
        "--silence",
        action="extend",
        default=[],
        type=_codes,
        metavar="CODES",
        help="don't show these warnings and notes: W101,N103 (repeatable)",
    )


def add_reading(parser: argparse.ArgumentParser) -> None:
    """Declare how decks are read; see `reading`."""
    parser.add_argument(
        "--forward-drop",
        type=number,
        metavar="V",
        help="forward voltage of piecewise-linear diodes whose model gives none",
    )
    parser.add_argument(
        "--diodes",
        metavar="{real,ideal,pieces:K}",
        help="read models of junction diodes as they stand, as ideal, or as K straight pieces",
    )
    parser.add_argument(
        "--dialect",
        choices=("auto", "ngspice", "ltspice", "pspice", "xyce", "hspice"),
        help="as which simulator reads the deck, where they differ (default: the one it is for)",
    )
    parser.add_argument(
        "--no-title",
        dest="title",
        action="store_false",
        default=None,
        help="the deck has no title: its first line is a card",
    )
    parser.add_argument(
        "--builtin-parts",
        action="store_true",
        default=None,
        help="let ideal amplifiers and diodes stand in for those that the deck does not define",
    )


def reading(options: argparse.Namespace) -> dict[str, Any]:
    """Return how decks are read, as arguments of `read_netlist`; what is not said is left out."""
    names = ("forward_drop", "diodes", "dialect", "title", "builtin_parts")
    given = {name: getattr(options, name) for name in names}
    return {name: value for name, value in given.items() if value is not None}


def add_output(parser: argparse.ArgumentParser) -> None:
    """Declare ``-o``; see `check_output` and `deliver`."""
    parser.add_argument(
        "-o", "--output", metavar="OUT", help="file to write (default: standard output)"
    )


def add_format(parser: argparse.ArgumentParser, default: str, reports: bool = False) -> None:
    """Declare ``--format``, of `reports` or of numbers."""
    forms = {name: form for name, form in FORMATS.items() if form.reports or not reports}
    parser.add_argument(
        "--format",
        choices=list(forms),
        help=f"{listed(forms)} (default: what the ending of OUT says, or {default})",
    )
    parser.set_defaults(usual_format=default, formats=tuple(forms))


def settle_format(options: argparse.Namespace) -> None:
    """Choose the format that was not: by the ending of the output file, or the usual one.

    Raises
    ------
    UsageError
        If the ending is that of a format but for a slip: a table is not what was meant.
    """
    if getattr(options, "format", "") is not None:
        return
    ending = Path(getattr(options, "output", None) or "").suffix[1:].lower()
    endings = {FORMATS[name].ending: name for name in options.formats}
    near = nearest(ending, endings) if ending not in endings else ""
    if near:
        usual = options.usual_format
        raise UsageError(f".{ending} is no format: did you mean .{near}? or say --format {usual}")
    options.format = endings.get(ending, options.usual_format)


def listed(entries: Mapping[str, Any]) -> str:
    """Return the entries of a registry, for the help of an option that chooses one."""
    return "; ".join(f"{name}: {entry.description}" for name, entry in entries.items())


def add_print(parser: argparse.ArgumentParser) -> None:
    """Declare ``--print``."""
    parser.add_argument(
        "--print",
        type=_outputs,
        default=(),
        metavar="NAMES",
        help="what to write: v(out) v(a,b) i(r1) ..., or all (default: what .print names, or all)",
    )


def add_time_limit(parser: argparse.ArgumentParser) -> None:
    """Declare ``--time-limit``; see `interrupt.watched`."""
    parser.add_argument(
        "--time-limit", dest="limit", type=positive, metavar="S", help="give up after S seconds"
    )


def add_solver(
    parser: argparse.ArgumentParser, tolerance: Callable[[str], float | str] | None = None
) -> None:
    """Declare ``--method`` and ``--tolerance``, which `tolerance` reads."""
    methods = f"{listed(METHODS)} (default: %(default)s)"
    parser.add_argument("--method", choices=list(METHODS), default="auto", help=methods)
    parser.add_argument(
        "--tolerance",
        type=tolerance or positive,
        default=1e-9,
        metavar="T",
        help="of results, relative, default %(default)g",
    )


def add_numbers(
    parser: argparse.ArgumentParser,
    usual: str,
    tolerance: Callable[[str], float | str] | None = None,
) -> None:
    """Declare which numbers are written where, in what format, and how they are found."""
    add_format(parser, usual)
    add_print(parser)
    add_output(parser)
    add_solver(parser, tolerance)


def add_strict(parser: argparse.ArgumentParser) -> None:
    """Declare ``--strict``."""
    parser.add_argument(
        "--strict", action="store_true", help="status 3 if a part of the circuit floats"
    )


def number(text: str) -> float:
    """Read a SPICE number; for ``type=`` of an option."""
    from ..model.numbers import read_number

    read = read_number(text.strip().lower())
    if read is None or read.is_rkm or not read.is_clean or not math.isfinite(read.value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number such as 4.7k, 1meg or -2.5m")
    return read.value


def positive(text: str) -> float:
    """Read a positive SPICE number."""
    value = number(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not positive")
    return value


def natural(text: str) -> int:
    """Read a whole number."""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def count(text: str) -> int:
    """Read a whole number of at least 1."""
    if not natural(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def assignment(text: str) -> tuple[str, float]:
    """Read ``NAME=VALUE``."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    return name.strip().lower(), number(value)


def _codes(text: str) -> list[str]:
    """Read ``W101,N103``."""
    from ..diagnostics import CODES

    codes = re.split(r"[\s,]+", text.strip().upper())
    for code in codes:
        if code not in CODES or code[0] == "E":
            raise argparse.ArgumentTypeError(f"{code} is not the code of a warning or a note")
    return codes


def _outputs(text: str) -> tuple[str, ...]:
    """Return the names in ``v(a,b) i(r1),v(c)``."""
    return tuple(re.findall(r"[^\s,()]+\([^()]*\)|[^\s,]+", text))


# ---- the deck, results and messages ----


def load(options: argparse.Namespace) -> Circuit:
    """Read the deck and apply ``--set``, ``--close`` and ``--open``."""
    from ..diagnostics import Diagnostic
    from ..netlist import read_netlist

    report("reading %s", options.file)
    options.circuit = circuit = read_netlist(options.file, **reading(options))
    report("%d nodes, %d elements", len(circuit.nodes), circuit.n_elements)
    if not circuit.n_elements:
        message = "nothing to solve: the file holds no elements, only definitions"
        hint = "include it in a deck that has elements"
        raise NetlistError([*circuit.diagnostics, Diagnostic("E101", message, hint=hint)])
    circuit = circuit.with_settings(dict(options.set))
    switches = dict.fromkeys(options.open, False) | dict.fromkeys(options.close, True)
    if both := set(options.open) & set(options.close):
        raise UsageError(f"{min(both)} can't be both open and closed")
    return circuit.with_switches(switches) if switches else circuit


def check_output(options: argparse.Namespace, circuit: Circuit | None = None) -> None:
    """Refuse what can't be written, before time is spent on a result."""
    names = getattr(options, "print", None) or (circuit.outputs if circuit else ())
    for name in names:
        if circuit and name != "all":
            from ..results.operating_point import check_name

            check_name(circuit, name)
    if options.output in (None, "-"):
        form = getattr(options, "format", None)
        if form is not None and not FORMATS[form].text:
            raise UsageError(f"{form} is not text: name a file with -o")
        return
    target = Path(options.output).resolve()
    sources = circuit.sources if circuit else ()
    if any(Path(source.name).resolve() == target for source in sources):
        raise UsageError(f"the output {options.output} would overwrite the netlist")
    if target.is_dir():
        raise UsageError(f"the output {options.output} is a directory")
    if not os.access(target if target.exists() else target.parent, os.W_OK):
        raise UsageError(f"can't write {options.output}: no such directory, or read-only")


def deliver(content: str | bytes | Iterable[str | bytes], options: argparse.Namespace) -> None:
    """Print the text, maybe in parts, or replace the output file by it; bytes need a file."""
    if options.output in (None, "-"):
        parts = [content] if isinstance(content, str | bytes) else content
        sys.stdout.writelines(map(str, parts))
    else:
        from ..workers.atomic_file import replace_file

        replace_file(Path(options.output).resolve(), content)


def deliver_results(
    results: Sequence[Result], options: argparse.Namespace, answers: dict[str, Any] | None = None
) -> None:
    """Write results in the format and with the outputs that are asked for."""
    form = FORMATS[options.format]
    if answers and not form.reports:
        others = " and ".join(f.name for f in FORMATS.values() if f.reports)
        complain(f"what .sens, .tf, .meas and --worst ask for is in --format {others}")
    with _fitted(options):
        deliver(form.parts(results, getattr(options, "print", ()), answers), options)


@contextmanager
def _fitted(options: argparse.Namespace) -> Iterator[None]:
    """Make tables as wide as the terminal, if that is where they go."""
    if options.format != "table" or options.output is not None or not sys.stdout.isatty():
        yield
        return
    import shutil

    from ..results.formats.table import terminal

    token = terminal.set(shutil.get_terminal_size().columns)
    try:
        yield
    finally:
        terminal.reset(token)


def verdict(ops: Sequence[OperatingPoint]) -> int:
    """Return the exit status, and say on stderr what has no solution or is not exact."""
    for op in ops:
        for point, reason in list(op.unsolved.items())[:MOST_EXPLAINED]:
            complain(f"point {point} of the sweep (from 0) has no solution: {reason}")
        if (more := len(op.unsolved) - MOST_EXPLAINED) > 0:
            complain(f"{more} more points have no solution: --format json explains each")
        if op.status == "not converged":
            complain("not converged: " + "; ".join(op.certificate.failures[:3]))
    statuses = {op.status for op in ops}
    if "no solution" in statuses:
        return NO_SOLUTION
    return TOLERANCE if "not converged" in statuses else SOLVED


#: codes and severities that are not shown; what ``--silence`` and ``--quiet`` say
_silenced: set[str] = set()


def silence(options: argparse.Namespace) -> None:
    """Show no more of what ``--silence`` and ``--quiet`` name."""
    _silenced.clear()
    _silenced.update(getattr(options, "silence", ()))
    if getattr(options, "quiet", False):
        _silenced.update(("warning", "note"))


def show_diagnostics(diagnostics: Iterable[Diagnostic]) -> None:
    """Print each diagnostic once on stderr."""
    colour = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    for diagnostic in dict.fromkeys(diagnostics):
        if not _silenced.isdisjoint((diagnostic.code, diagnostic.severity)):
            continue
        head, *rest = diagnostic.render().split("\n")
        if colour:
            red, yellow, cyan = "\033[1;31m", "\033[1;33m", "\033[1;36m"
            paint = {"error": red, "warning": yellow}.get(diagnostic.severity, cyan)
            head = f"{paint}{head}\033[0m"
        print("\n".join([head, *rest]), file=sys.stderr)


def complain(message: str) -> None:
    """Print one line on stderr."""
    print(f"resnet-sim: {message}", file=sys.stderr)


def explain(options: argparse.Namespace, text: str) -> None:
    """With ``--debug``, print on stderr what solves many points, and why nothing faster does."""
    if options.debug and text:
        print(text, file=sys.stderr)
