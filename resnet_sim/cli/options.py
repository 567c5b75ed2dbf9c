"""The options that subcommands share, and how the values of options are read."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import UsageError, nearest
from ..results.formats.registry import FORMATS
from ..solvers.registry import METHODS


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
        "--set", action="append", default=[], type=assignment, metavar="NAME=VALUE",
        help="value of an element or .param, such as r1=4.7k (repeatable)",
    )  # fmt: skip
    for verb in ("close", "open"):
        parser.add_argument(
            f"--{verb}", action="append", default=[], type=str.lower, metavar="SWITCH",
            help=f"hold a switch {'closed' if verb == 'close' else 'open'} (repeatable)",
        )  # fmt: skip
    add_reading(parser)
    _add_messages(parser)


def _add_messages(parser: argparse.ArgumentParser) -> None:
    """Declare what is said on the way."""
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
        "--silence", action="extend", default=[], type=_codes, metavar="CODES",
        help="don't show these warnings and notes: W101,N103 (repeatable)",
    )  # fmt: skip


def add_reading(parser: argparse.ArgumentParser) -> None:
    """Declare how decks are read; see `reading`."""
    parser.add_argument(
        "--forward-drop", type=number, metavar="V",
        help="forward voltage of piecewise-linear diodes whose model gives none",
    )  # fmt: skip
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
        "--no-title", dest="title", action="store_false", default=None,
        help="the deck has no title: its first line is a card",
    )  # fmt: skip
    parser.add_argument(
        "--builtin-parts", action="store_true", default=None,
        help="let ideal amplifiers and diodes stand in for those that the deck does not define",
    )  # fmt: skip


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
        "--print", type=_outputs, action="extend", default=[], metavar="NAMES",
        help="what to write: v(out) v(a,b) i(r1) ..., or all (default: what .print names, or all)",
    )  # fmt: skip


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
        "--tolerance", type=tolerance or positive, default=1e-9, metavar="T",
        help="of results, relative, default %(default)g",
    )  # fmt: skip


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


def ends(low: str, high: str) -> tuple[float, float]:
    """Read the ends of a range; what is left out is infinite."""
    return (
        number(low) if low.strip() else -math.inf, number(high) if high.strip() else math.inf
    )  # fmt: skip


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
    return tuple(re.findall(r"[^\s,()]+\((?:[^()]|\([^()]*\))*\)|[^\s,]+", text))
