"""``resnet-sim explain``: what the code of a message means."""

from __future__ import annotations

import argparse
import re

from ..diagnostics import CODES
from ..errors import UsageError, did_you_mean
from .common import SOLVED
from .examples import shipped

DECKS = "none"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    parser.add_argument("code", metavar="CODE", nargs="?", help="such as E107; without it, all")


def run(options: argparse.Namespace) -> int:
    """Print the section of the documents about a code, or one line for each code."""
    if options.code is None:
        print("\n".join(f"{code}  {meaning}" for code, meaning in CODES.items()))
        return SOLVED
    code = options.code.strip().upper()
    if code not in CODES:
        meant = did_you_mean(code, CODES)
        raise UsageError(f"no message has the code {options.code}" + (meant and f": {meant}"))
    text = shipped("docs/diagnostics.md").read_text(encoding="utf-8")
    section = re.search(rf"^### ({code} .*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL)
    assert section is not None  # the tests of the documents hold that there is one
    print(section[1].strip())
    return SOLVED
