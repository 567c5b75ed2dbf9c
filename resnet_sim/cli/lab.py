"""``resnet-sim lab``: a page in the browser, for this machine alone."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import UsageError
from .common import SOLVED
from .examples import decks, shipped
from .options import add_reading, count, natural, positive, reading

DECKS = "none"
#: where links point to, if the port is free
PORT = 8137

#: runs to watch: file of the deck, and of the table; a source gets a column, or that turned ("-a")
TRAININGS: Sequence[dict[str, Any]] = (
    {
        "name": "xor-pair", "title": "XOR, by a pair of outputs", "table": "xor", "epochs": 200,
        "inputs": {"va": "a", "vb": "b"}, "outputs": [["o1", "o2"]],
        "sources": ["a", "b"], "watched": ["o1", "o2"],
    },
    {
        "name": "xor-inverted", "title": "XOR, with inverted inputs", "table": "xor", "epochs": 200,
        "inputs": {"va": "a", "vb": "b", "vna": "-a", "vnb": "-b"}, "outputs": ["n1"],
        "sources": [], "watched": ["n1"],
    },
    {
        "name": "regression", "title": "|x|, a function of one variable", "table": "abs",
        "epochs": 400, "inputs": {"vx": "x", "vnx": "-x"}, "outputs": ["o"],
        "sources": [], "watched": ["o"],
    },
)  # fmt: skip


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    parser.add_argument(
        "deck", metavar="DECK", nargs="?", help="netlist to open, or a link to one (#lab=...)"
    )
    parser.add_argument(
        "--port", type=natural, metavar="N", help=f"default: {PORT}, or any if that is taken"
    )
    parser.add_argument(
        "--no-browser", action="store_true", help="print the address, and open nothing"
    )
    add_reading(parser)
    parser.add_argument(
        "--allow-includes", action="append", default=[], metavar="FOLDER",
        help="let decks include files from there (repeatable; default: from nowhere)",
    )  # fmt: skip
    parser.add_argument(
        "--time-limit", type=positive, default=10.0, metavar="S",
        help="stop what takes longer, default %(default)g",
    )  # fmt: skip
    parser.add_argument(
        "--memory-limit", type=count, default=1024, metavar="MB",
        help="stop what takes more memory, default %(default)s",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C."""
    from ..lab import Lab
    from ..lab.workshop import Limits

    lab = partial(
        Lab,
        {name: path.read_text(encoding="utf-8") for name, path in decks().items()},
        _trainings(),
        first=_first(options.deck),
        folders=[_folder(name) for name in options.allow_includes],
        how=reading(options),
        limits=Limits(seconds=options.time_limit, bytes=options.memory_limit << 20),
    )
    try:
        served = lab(port=PORT if options.port is None else options.port)
    except UsageError:
        if options.port is not None:
            raise
        served = lab(port=0)
    with served:
        print(f"The lab is at {served.address}\nCtrl-C ends it.", flush=True)
        if not options.no_browser:
            import webbrowser

            webbrowser.open(served.address)
        with suppress(KeyboardInterrupt):  # how it is meant to end
            served.serve()
    return SOLVED


def _folder(name: str) -> Path:
    if not Path(name).is_dir():
        raise UsageError(f"--allow-includes {name}: no such folder")
    return Path(name).resolve()


def _first(deck: str | None) -> dict[str, Any]:
    """Return what the page shows first: a deck, or what a link holds."""
    from ..lab.state import MARK, state_of

    if deck is None:
        return {}
    if f"#{MARK}" in deck:
        state = state_of(deck)
        return {
            "deck": state.deck, "values": state.values, "switches": state.switches,
            "name": "linked.net",
        }  # fmt: skip
    from ..netlist.source import Unreadable, read_text

    try:
        text, _ = read_text(deck)
    except Unreadable as error:
        raise UsageError(f"can't read {deck}: {error}") from None
    return {"deck": text, "name": "deck.net" if deck == "-" else Path(deck).name}


def _trainings() -> list[dict[str, Any]]:
    """Return the runs with their decks and samples."""
    folder = shipped("examples/training")
    found = []
    for training in TRAININGS:
        with (folder / f"{training['table']}.csv").open(encoding="utf-8", newline="") as stream:
            rows = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(stream)]
        *columns, target = rows[0]
        columns_of = training["inputs"].values()
        found.append(
            training
            | {
                "deck": (folder / f"{training['name']}.net").read_text(encoding="utf-8"),
                "inputs": list(training["inputs"]),
                "columns": columns,
                "X": [[_column(row, column) for column in columns_of] for row in rows],
                "Y": [[row[target]] for row in rows],
            }
        )
    return found


def _column(row: dict[str, float], column: str) -> float:
    return -row[column[1:]] if column.startswith("-") else row[column]
