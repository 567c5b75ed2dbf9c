"""Files that change while a command watches them."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

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
