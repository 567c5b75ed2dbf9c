"""``resnet-sim manual``: the man page, made of what the commands say about their options."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from .. import __version__
from .common import SOLVED
from .subcommands import COMMANDS

DECKS = "none"

_FILES = """A deck is a netlist of SPICE; the file - is standard input. resnet\\-sim examples lists
decks that come with the program, and resnet\\-sim explain CODE says what a message means."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """There are none."""


def run(options: argparse.Namespace) -> int:
    """Print the page."""
    print(page(), end="")
    return SOLVED


def page() -> str:
    """Return the page in the language of man."""
    from .command import build_parser, commands

    parser = build_parser()
    parsers = commands(parser)
    lines = [
        f'.TH RESNET\\-SIM 1 "" "resnet\\-sim {__version__}"',
        ".SH NAME", f"resnet\\-sim \\- {_text(parser.description)}",
        ".SH SYNOPSIS", ".B resnet\\-sim", "COMMAND [OPTIONS] ...",
        ".SH DESCRIPTION", _FILES, ".SH COMMANDS",
    ]  # fmt: skip
    for name, purpose in COMMANDS.items():
        lines += [f".SS resnet\\-sim {_text(name)}", f"{_text(purpose.capitalize())}."]
        lines += _options(parsers[name])
    lines += [".SH EXIT STATUS", _text(parser.epilog).removeprefix("Exit status: ")]
    return "\n".join(lines) + "\n"


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if action.help == argparse.SUPPRESS or action.dest == "help":
            continue
        words = [", ".join(action.option_strings)] if action.option_strings else []
        if action.choices:
            words.append("|".join(map(str, action.choices)))
        elif action.nargs != 0:
            words.append(str(action.metavar or action.dest.upper()))
        yield ".TP"
        yield f".B {_text(' '.join(words))}"
        yield _text((action.help or "") % (vars(action) | {"prog": parser.prog}))


def _text(text: str | None) -> str:
    """Return a text without what man takes for commands."""
    words = " ".join((text or "").split()).replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{words}" if words[:1] in (".", "'") else words
