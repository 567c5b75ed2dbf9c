"""The decks that come with the package: ``resnet-sim examples``, and where such files are."""

from __future__ import annotations

import argparse
import sysconfig
from pathlib import Path

from ..errors import UsageError, did_you_mean
from .common import SOLVED, check_output, deliver
from .options import add_output

DECKS = "none"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    parser.add_argument("name", metavar="NAME", nargs="?", help="which one; without it, a list")
    add_output(parser)


def run(options: argparse.Namespace) -> int:
    """Print a deck, or the names and titles of all."""
    known = decks()
    if options.name is None:
        width = max(map(len, known), default=0)
        print("\n".join(f"{name:<{width}}  {_title(path)}" for name, path in known.items()))
        return SOLVED
    name = Path(options.name).stem.lower()
    if name not in known:
        meant = did_you_mean(name, known, quoted=True)
        raise UsageError(f"no example {name!r}" + (meant and f": {meant}"))
    check_output(options)
    deliver(known[name].read_text(encoding="utf-8"), options)
    return SOLVED


def _title(path: Path) -> str:
    """Return the first line of a deck."""
    with path.open(encoding="utf-8") as deck:
        return deck.readline().strip()


def decks() -> dict[str, Path]:
    """Return the example decks by name."""
    return {path.stem: path for path in sorted(shipped("examples/netlists").glob("*.net"))}


def shipped(place: str) -> Path:
    """Return a file or folder of the repository, which an installation has under ``share``.

    Raises
    ------
    UsageError
        If it has been left out of the installation.
    """
    repository = Path(__file__).parents[2] / place
    installed = Path(sysconfig.get_path("data")) / "share" / "resnet_sim" / Path(place).name
    for path in (repository, installed):
        if path.exists():
            return path
    raise UsageError(f"{installed} is missing: it was not installed with the package")
