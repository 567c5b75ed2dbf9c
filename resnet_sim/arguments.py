"""The arguments of the ``resnet-sim`` command."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping
from typing import Any

from . import __version__

Command = Callable[[argparse.Namespace], int]


def build_parser(commands: Mapping[str, Command]) -> argparse.ArgumentParser:
    """Return the parser of the command line; `commands` does what each subcommand is to do."""
    parser = argparse.ArgumentParser(
        prog="resnet-sim",
        description="Exact operating points of resistive circuits given as SPICE netlists.",
        epilog="Exit status: 0 solved and certified, 1 tolerance not met, 2 bad usage or "
        "netlist, 3 no solution, 4 ngspice is missing or failed.",
    )
    parser.add_argument("--version", action="version", version=f"resnet-sim {__version__}")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    common = _common_options()
    strict = argparse.ArgumentParser(add_help=False)
    strict.add_argument(
        "--strict", action="store_true", help="status 3 if a part of the circuit floats"
    )

    _add_solve(subparsers, [common, strict]).set_defaults(command=commands["solve"])
    check = subparsers.add_parser(
        "check", parents=[common, strict], help="print every diagnostic, solve nothing"
    )
    check.add_argument("--format", choices=("text", "json"), default="text")
    check.set_defaults(command=commands["check"])

    _add_validate(subparsers, common).set_defaults(command=commands["validate"])

    export = subparsers.add_parser(
        "export", parents=[common], help="write the circuit for another simulator"
    )
    export.add_argument("--to", choices=("ngspice", "ltspice"), required=True)
    _add_output(export)
    export.set_defaults(command=commands["export"])
    return parser


def _add_solve(subparsers: Any, parents: list[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    solve: argparse.ArgumentParser = subparsers.add_parser(
        "solve", parents=parents, help="print voltages and currents"
    )
    solve.add_argument("--format", choices=("table", "json", "csv", "raw"), default="table")
    _add_output(solve)
    solve.add_argument("--method", choices=("auto", "cd", "newton"), default="auto")
    solve.add_argument(
        "--tolerance", type=_positive, default=1e-9, help="relative, default %(default)g"
    )
    return solve


def _add_validate(subparsers: Any, common: argparse.ArgumentParser) -> argparse.ArgumentParser:
    validate: argparse.ArgumentParser = subparsers.add_parser(
        "validate", parents=[common], help="compare with ngspice, or with what it has written"
    )
    validate.add_argument(
        "--against",
        metavar="OUTPUT",
        help="raw file, wrdata or print listing, or CSV to compare with instead of running ngspice",
    )
    validate.add_argument(
        "--columns", default="", metavar="NAMES", help="v(out),i(v1) if OUTPUT has no header"
    )
    validate.add_argument(
        "--rtol", type=_positive, default=1e-6, help="of the largest value, default %(default)g"
    )
    validate.add_argument(
        "--time-limit", type=_positive, default=600.0, metavar="S", help="for each ngspice run"
    )
    validate.add_argument("--format", choices=("table", "json"), default="table")
    return validate


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--output", metavar="OUT", help="file to write (default: standard output)"
    )


def _common_options() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("file", metavar="FILE", help="netlist, or - for standard input")
    common.add_argument(
        "--set",
        action="append",
        default=[],
        type=_assignment,
        metavar="NAME=VALUE",
        help="value of an element or .param, such as r1=4.7k (repeatable)",
    )
    for verb in ("close", "open"):
        common.add_argument(
            f"--{verb}",
            action="append",
            default=[],
            type=str.lower,
            metavar="SWITCH",
            help=f"hold a switch {'closed' if verb == 'close' else 'open'} (repeatable)",
        )
    common.add_argument(
        "--forward-drop",
        type=_number,
        metavar="V",
        help="forward voltage of diodes whose model is exponential",
    )
    common.add_argument("--debug", action="store_true", help="show tracebacks of internal errors")
    return common


def _number(text: str) -> float:
    from .netlist.numbers import read_number

    number = read_number(text.strip().lower())
    if number is None or number.is_rkm or not number.is_clean or not math.isfinite(number.value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number such as 4.7k, 1meg or -2.5m")
    return number.value


def _positive(text: str) -> float:
    value = _number(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not positive")
    return value


def _assignment(text: str) -> tuple[str, float]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    return name.strip().lower(), _number(value)
