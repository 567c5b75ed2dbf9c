"""Physical lines to logical cards: comments go, ``+`` lines join, case is folded."""

from __future__ import annotations

import re

from ...compiled import policy
from ...model.patterns import pattern
from ..dialects import COMMENT_MARKS
from ..report import Abandoned, Report
from ..source import Card, SourceFile
from .blocks import PLAIN, Block, fold, gathered, spans, split

_COMMENT = pattern(r";|//|(?:^|[ \t,])\$")
_CONTROL = pattern(r"[\x00-\x08\x0e-\x1f\x7f]")
# the same characters; to remove them all takes less time than to look for one
_CONTROLS = bytes((*range(9), *range(14, 32), 127))
#: with more of them, a file is no text with a slip
_MOST_CONTROLS = 20
#: what word processors make of minus signs and quotes
_TYPESET = {**dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2212"), "-"),
            **dict.fromkeys(map(ord, "\u2018\u2019"), "'"),
            **dict.fromkeys(map(ord, "\u201c\u201d"), '"')}  # fmt: skip
#: at its end, a line goes on in the next one: HSPICE's way
_GOES_ON = "\\\\"
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz.")


def read_cards(source: SourceFile, report: Report, *, quick: bool = True) -> list[Card | Block]:
    """Return the cards of a file in their order, its title excepted.

    Parameters
    ----------
    quick : bool
        Long runs of plain cards become a `Block`.
    """
    _check_characters(source, report)
    text = source.text if source.text.isascii() else source.text.translate(_TYPESET)
    marks = report.dialect.comment_marks
    comment: re.Pattern[str] | None
    comment = _COMMENT if marks == COMMENT_MARKS else re.compile("|".join(map(re.escape, marks)))
    if not any(mark in text for mark in marks):
        comment = None
    cards: list[Card | Block] = []
    if quick and len(text) > policy.POLICY.blocks and _GOES_ON not in text:
        # a coil that says nothing of its resistance may have one: a matter for the readers
        letters = "rcvid" if report.dialect.coil else PLAIN
        for part in split(source.index, text, letters):
            if isinstance(part, Block):
                cards.append(part)
            else:
                _read_lines(source, report, cards, *part, comment=comment)
        cards = _joined(source, cards)
        return gathered(cards, letters) if comment or source.pieces else cards
    lines = fold(text).split("\n")
    _read_lines(source, report, cards, 1, lines, comment=comment)
    return _joined(source, cards)


def _read_lines(
    source: SourceFile,
    report: Report,
    cards: list[Card | Block],
    first: int,
    lines: list[str],
    *,
    comment: re.Pattern[str] | None,
) -> None:
    """Add cards, one after the other; `first` is the number of the first line."""
    index, titled = source.index, source.titled
    goes_on = False
    for number, line in enumerate(lines, first):
        if comment is not None and (match := comment.search(line)):
            line = line[: match.start()]
        if goes_on:
            goes_on, line = _ended(line)
            _continue(source, report, cards, number, line, 0)
            continue
        if line[:1] not in _LETTERS:
            # the rare ones: blank, comment, indented, continuation, junk
            head = line.lstrip()[:1]
            if head in ("", "*") or (head in (")", "}") and line.strip() == head):
                # what closes a bracket says nothing
                continue
            if head == "+" and (number > 1 or not titled):
                goes_on, line = _ended(line)
                _continue(source, report, cards, number, line, line.index("+") + 1)
                continue
        if titled and number == 1:
            continue
        if _GOES_ON in line:
            goes_on, line = _ended(line)
        cards.append((index, number, line))


def _ended(line: str) -> tuple[bool, str]:
    """Tell whether a line goes on in the next one, and return it without the mark."""
    goes_on = line.rstrip().endswith(_GOES_ON)
    return goes_on, line.rstrip()[: -len(_GOES_ON)] if goes_on else line


def _has_controls(text: str) -> bool:
    data = text.encode("utf-8", "surrogatepass")
    return len(data.translate(None, _CONTROLS)) < len(data)


def _check_characters(source: SourceFile, report: Report) -> None:
    if not any(_has_controls(source.text[start:end]) for start, end in spans(source.text)):
        return
    match = _CONTROL.search(source.text)
    assert match is not None
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
    if len(_CONTROL.findall(source.text[: 1 << 16])) > _MOST_CONTROLS:
        raise Abandoned  # what else is wrong with it says nothing


def _continue(
    source: SourceFile, report: Report, cards: list[Card | Block], number: int, line: str,
    column: int,
) -> None:  # fmt: skip
    if not cards:
        report.add(
            "E103",
            "nothing to continue: a '+' line must follow a card",
            (source.index, number, line),
            column - 1,
            hint="the first line of the file is its title and can't be continued",
        )
        return
    last = cards[-1]
    if isinstance(last, Block):
        # only its last card is no longer plain
        block, last = last, last.card(len(last) - 1)
        cards[-1:] = [block.part(0, len(block) - 1), last]
    first = last[1]
    source.pieces.setdefault(first, [(0, first, 0)]).append((0, number, column))
    source.continuations.setdefault(first, [last[2]]).append(line[column:])


def _joined(source: SourceFile, cards: list[Card | Block]) -> list[Card | Block]:
    """Return the cards with their continuations, whose offsets are now known."""
    if not source.pieces:
        return cards
    joined: list[Card | Block] = []
    for card in cards:
        if isinstance(card, Block):
            joined.append(card)
            continue
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
