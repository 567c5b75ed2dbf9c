"""Physical lines to logical cards: comments go, ``+`` lines join, case is folded."""

from __future__ import annotations

import re

from .report import Report
from .source import Card, SourceFile

_COMMENT = re.compile(r";|//|(?:^|[ \t,])\$")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz.")


def fold(text: str) -> str:
    """Return `text` in lower case, with every character at its old place."""
    folded = text.lower()
    if len(folded) == len(text):
        return folded
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def read_cards(source: SourceFile, report: Report, *, titled: bool) -> list[Card]:
    """Return the cards of a file in their order, the title (the first line) excepted."""
    _check_characters(source, report)
    lines = fold(source.text).split("\n")
    commented = any(mark in source.text for mark in (";", "$", "//"))
    index = source.index
    cards: list[Card] = []
    for number, line in enumerate(lines, 1):
        if commented and (match := _COMMENT.search(line)):
            line = line[: match.start()]
        if line[:1] not in _LETTERS:
            # the rare ones: blank, comment, indented, continuation, junk
            head = line.lstrip()[:1]
            if head in ("", "*"):
                continue
            if head == "+" and (number > 1 or not titled):
                _continue(source, report, cards, number, line)
                continue
        if titled and number == 1:
            continue
        cards.append((index, number, line))
    return _joined(source, cards)


def _check_characters(source: SourceFile, report: Report) -> None:
    match = _CONTROL.search(source.text)
    if match is None:
        return
    line = source.text.count("\n", 0, match.start()) + 1
    column = match.start() - (source.text.rfind("\n", 0, match.start()) + 1)
    what = "a NUL byte" if match.group() == "\0" else f"control character {match.group()!r}"
    card = (source.index, line, "")
    report.add(
        "E102",
        f"{source.name} contains {what}: this is no text file",
        card,
        column,
        hint="give the netlist itself, not a compiled or compressed file",
    )


def _continue(
    source: SourceFile, report: Report, cards: list[Card], number: int, line: str
) -> None:
    column = line.index("+") + 1
    if not cards:
        report.add(
            "E103",
            "nothing to continue: a '+' line must follow a card",
            (source.index, number, line),
            column - 1,
            hint="the first line of the file is its title and can't be continued",
        )
        return
    first = cards[-1][1]
    source.pieces.setdefault(first, [(0, first, 0)]).append((0, number, column))
    source.continuations.setdefault(first, [cards[-1][2]]).append(line[column:])


def _joined(source: SourceFile, cards: list[Card]) -> list[Card]:
    """Return the cards with their continuations, whose offsets are now known."""
    if not source.pieces:
        return cards
    joined = []
    for card in cards:
        texts = source.continuations.get(card[1])
        if texts is not None:
            offset, pieces = 0, []
            for text, (_, line, column) in zip(texts, source.pieces[card[1]], strict=True):
                pieces.append((offset, line, column))
                offset += len(text) + 1
            source.pieces[card[1]] = pieces
            card = (card[0], card[1], " ".join(texts))
        joined.append(card)
    return joined
