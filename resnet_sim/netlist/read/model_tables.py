"""Points of curves that models of resistors give: on the card, or in a file of two columns."""

from __future__ import annotations

import re
from pathlib import Path

from ..report import CardError, Report
from ..source import Card
from .cards import Assign, Braced, Word
from .items import read_items

_LIST = r"\([^()=]*\)"
_TABLE = re.compile(
    rf"""\btable\s*=\s*(?:"([^"]*)"|'([^']*)'|(\(\s*(?:{_LIST}[\s,]*)+\)|(?:{_LIST}[\s,]*)+))"""
)
_TYPE = re.compile(r"\s*\.model\s+\S+\s+(?:r|res)\b").match

Points = tuple[Word | Braced, ...]


def cut(card: Card, report: Report, *, quick: bool) -> tuple[Points, str]:
    """Return the points of a resistor's model, and the text of the card without them.

    Raises
    ------
    CardError
    """
    text = card[2]
    match = _TABLE.search(text) if _TYPE(text) else None
    if match is None:
        return (), text
    if match.lastindex == 3:
        start = match.start(3)
        points = _listed(" " * start + match[3], quick=quick)
    else:
        which = match.lastindex or 1
        start = match.start(which)
        original = report.files[card[0]].original(card)
        points = _filed(original[start : match.end(which)], card, start, report)
    blank = " " * (match.end() - match.start())
    return points, text[: match.start()] + blank + text[match.end() :]


def _listed(text: str, *, quick: bool) -> Points:
    items = read_items(text, quick=quick)
    if any(isinstance(item, Assign) for item in items):
        raise CardError("E106", "a table holds pairs of numbers", len(text) - len(text.lstrip()))
    return tuple(item for item in items if not isinstance(item, Assign))


def _filed(name: str, card: Card, start: int, report: Report) -> Points:
    """Read a file: a line each point, numbers apart by commas or blanks; a first line of words."""
    place = start, len(name)
    path = Path(report.files[card[0]].directory) / name
    text = report.data(name, path, card)
    points: list[Word | Braced] = []
    lines = enumerate(text.splitlines(), 1)
    rows = [(k, re.split(r"[\s,;]+", line.strip())) for k, line in lines if line.strip()]
    for position, (number, fields) in enumerate(rows):
        try:
            pair = [float(field) for field in fields if field]
        except ValueError:
            if position == 0 or fields[0][:1] in "#*":
                continue
            pair = []
        if len(pair) != 2:
            message = f"line {number} of {name} is no pair of a voltage and a current"
            raise CardError("E106", message, *place)
        points += (Word(repr(x), start) for x in pair)
    return tuple(points)
