"""Runs of plain cards, found by array operations: what makes decks of a million cards fast.

A deck that a program wrote is mostly runs of ``r1 a b 1k``.  Such a run stays one piece of
text, a `Block`, until `plain` or `instances` place it by whole columns; no card of it is an
object of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from ...arrays import Ints
from ..source import Card

#: Shorter runs are left to the readers of single cards, which are faster then; see `pays`.
SHORTEST = 60
#: How much text is looked at in one go (characters): it should stay in the cache.
CHUNK = 1 << 20

_Bytes = npt.NDArray[np.uint8]

_WORD, _BLANK, _QUOTE, _EQUALS, _SPECIAL = 0, 1, 2, 3, 4
_NOTHING, _OTHER, _PLAIN, _INSTANCE = -1, 0, 1, 2


def _classes() -> _Bytes:
    classes = np.full(256, _SPECIAL, dtype=np.uint8)
    classes[33:127] = _WORD
    classes[[ord(c) for c in " \t\r\n"]] = _BLANK
    # what the grammar or the comments give a meaning
    classes[[ord(c) for c in ',();$"']] = _SPECIAL
    classes[[ord(c) for c in "{}'"]] = _QUOTE
    classes[ord("=")] = _EQUALS
    return classes


_CLASSES = _classes()
#: letters of elements of which a name, two nodes and a number say everything
PLAIN = "rcvlid"


def pays(count: int) -> bool:
    """Tell whether so many cards are worth the fixed cost of array operations."""
    return count >= SHORTEST


@dataclass(frozen=True, eq=False)
class Block:
    """Consecutive cards of words alone: elements with two nodes and a value, or instances.

    Words of instances may contain ``=``, and behind it braces and quotes, as may the last word of
    elements.

    Attributes
    ----------
    file : int
        Number of the file in ``Circuit.sources``.
    whole : str
        A text that holds the cards, one a line, in any case: that of the file, which is kept
        anyway, unless something else stands between the cards.
    start, end : int
        Where the cards are in it.
    lines : ndarray of int, shape (cards,)
        Numbers of their lines.
    letters : ndarray of uint8, shape (cards,)
        The first character of each.
    widths : ndarray of int, shape (cards,)
        How many words each has.
    """

    file: int
    whole: str
    start: int
    end: int
    lines: npt.NDArray[np.int32]
    letters: _Bytes
    widths: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def text(self) -> str:
        """The cards in lower case, one a line."""
        return self.whole[self.start : self.end].lower()

    @property
    def of_instances(self) -> bool:
        """Whether these are X cards; in other blocks there are none."""
        return bool(self.letters[0] == ord("x"))

    @property
    def ends_with_names(self) -> bool:
        """Whether the last word of each card is the subcircuit of an instance."""
        text = self.text
        return "=" not in text and "params:" not in text

    @cached_property
    def _ends(self) -> Ints:
        """Where each card ends in the whole text."""
        data = np.frombuffer(self.whole[self.start : self.end].encode("ascii"), np.uint8)
        return self.start + np.append(np.flatnonzero(data == ord("\n")), len(data))

    def _span(self, first: int, stop: int) -> tuple[int, int]:
        """Return where some of the cards begin and end in the whole text."""
        start = int(self._ends[first - 1]) + 1 if first else self.start
        return start, int(self._ends[stop - 1])

    def card(self, row: int) -> Card:
        """Return one of the cards."""
        start, end = self._span(row, row + 1)
        return self.file, int(self.lines[row]), self.whole[start:end].lower()

    def cards(self) -> list[Card]:
        """Return all of the cards."""
        numbers, texts = self.lines.tolist(), self.text.split("\n")
        return [(self.file, k, text) for k, text in zip(numbers, texts, strict=True)]

    def columns(self) -> list[list[str]]:
        """Return the words of elements, one list a column."""
        words = self.text.split()
        return [words[k::4] for k in range(4)]

    def find(self, name: str) -> Card | None:
        """Return the first card whose first word is `name`."""
        text = self.text
        match = re.search(rf"^\s*{re.escape(name)}\s", text, re.MULTILINE)
        return self.card(text.count("\n", 0, match.end() - 1)) if match else None

    def part(self, start: int, stop: int) -> Block:
        """Return some of the cards."""
        if (start, stop) == (0, len(self)):
            return self
        lines, letters = self.lines[start:stop], self.letters[start:stop]
        place, widths = self._span(start, stop), self.widths[start:stop]
        return Block(self.file, self.whole, *place, lines, letters, widths)


#: the number of a line and the lines from there on, in lower case, that are in no block
Rest = tuple[int, list[str]]


def fold(text: str) -> str:
    """Return `text` in lower case, with every character at its old place."""
    folded = text.lower()
    if len(folded) == len(text):
        return folded
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield where parts of a text that hold whole lines begin and end."""
    at = 0
    while at < len(text):
        end = text.find("\n", at + CHUNK) + 1 or len(text)
        yield at, end
        at = end


def split(file: int, text: str, letters: str = PLAIN) -> Iterator[Block | Rest]:
    """Yield blocks and the lines between them in their order.

    The first line is in no block, since it may be a title.  Blank lines and comments within a
    run don't end it.

    Parameters
    ----------
    file : int
    text : str
        In any case; blocks refer to it.
    letters : str
        Of elements that blocks may hold.
    """
    number = 1
    # a slash is part of a name unless the deck has // comments
    classes = _CLASSES.copy()
    classes[ord("/")] = _SPECIAL if "//" in text else _WORD
    for start, end in spans(text):
        scan = _Scan(text, start, end, classes, letters)
        if start == 0:
            scan.kinds[0] = _OTHER
        yield from scan.parts(file, number)
        number += len(scan.kinds)


def gathered(cards: Sequence[Card | Block], letters: str = PLAIN) -> list[Card | Block]:
    """Return cards of one file with blocks in place of long runs: of what lost its comments."""
    classes = _CLASSES.copy()
    classes[[ord(c) for c in "/;$"]] = _WORD
    found: list[Card | Block] = []
    for is_block, some in groupby(cards, lambda card: isinstance(card, Block)):
        run: list[Any] = [*some]
        if is_block or not pays(len(run)):
            found += run
            continue
        text = "\n".join(card[2] for card in run)
        numbers = np.array([card[1] for card in run])
        for part in _Scan(text, 0, len(text), classes, letters).parts(run[0][0], 0):
            if isinstance(part, Block):
                found.append(replace(part, lines=numbers[part.lines].astype(np.int32)))
            else:
                found += run[part[0] : part[0] + len(part[1])]
    return found


class _Scan:
    """A part of a text that ends with a line; `kinds` says of each line what it is."""

    def __init__(self, whole: str, start: int, end: int, classes: _Bytes, letters: str) -> None:
        self.plain = np.isin(np.arange(256), np.frombuffer(letters.encode(), dtype=np.uint8))
        self.whole, self.start = whole, start
        self.text = whole[start:end].removesuffix("\n")
        self.is_ascii = self.text.isascii()  # then bytes are characters
        self.text = fold(self.text)
        self.data = np.frombuffer((self.text + "\n").encode("utf-8", "surrogatepass"), np.uint8)
        kinds = classes[self.data]
        self.ends = np.flatnonzero(self.data == ord("\n"))
        self.starts = np.concatenate(([0], self.ends[:-1] + 1))
        begins = kinds != _BLANK
        begins[1:] &= kinds[:-1] == _BLANK
        words = np.flatnonzero(begins)
        # number of the first word of each line, and of the first behind it
        first = np.searchsorted(words, self.starts)
        self.words = np.diff(first, append=len(words))
        self.heads = words[np.minimum(first, len(words) - 1)] if len(words) else self.starts
        self.worst = np.maximum.reduceat(kinds, self.starts)
        quotes = np.flatnonzero(kinds == _QUOTE)
        if len(quotes):
            # of elements, only the last of four words may be an expression, of instances what is
            # behind the first =
            rows = np.searchsorted(self.starts, quotes, side="right") - 1
            early = quotes < words[np.minimum(first[rows] + 3, len(words) - 1)]
            early |= self.words[rows] != 4
            equals = np.append(np.flatnonzero(kinds == _EQUALS), len(kinds))
            given = equals[np.searchsorted(equals, self.starts[rows])]
            is_instance = self.data[self.heads[rows]] == ord("x")
            self.worst[rows[np.where(is_instance, quotes < given, early)]] = _SPECIAL
        self.kinds = self._kinds()

    def _kinds(self) -> Ints:
        """Return a number for each line: equal ones are of one form."""
        letters = self.data[self.heads]
        second = self.data[np.minimum(self.heads + 1, len(self.data) - 1)]
        good = second != ord(".")
        kinds = np.full(len(self.starts), _OTHER)
        elements = good & (self.worst < _EQUALS) & self.plain[letters] & (self.words == 4)
        kinds[elements] = _PLAIN
        instances = good & (self.worst < _SPECIAL) & (letters == ord("x")) & (self.words > 1)
        kinds[instances] = _INSTANCE
        kinds[(self.words == 0) | (letters == ord("*"))] = _NOTHING
        return kinds

    def parts(self, file: int, number: int) -> Iterator[Block | Rest]:
        """Yield blocks and what is between them; `number` is that of the first line."""
        rows = np.flatnonzero(self.kinds != _NOTHING)
        kinds = self.kinds[rows]
        edges = np.flatnonzero(np.diff(kinds, prepend=_NOTHING, append=_NOTHING))
        long = (np.diff(edges) >= SHORTEST) & (kinds[edges[:-1]] != _OTHER)
        done = 0
        texts: list[str] | None = None
        for k in np.flatnonzero(long).tolist():
            run = rows[edges[k] : edges[k + 1]]
            if run[0] > done:
                texts = texts or self.text.split("\n")
                yield number + done, texts[done : run[0]]
            yield self._block(file, number, run)
            done = int(run[-1]) + 1
        if done < len(self.kinds):
            texts = texts or self.text.split("\n")
            yield number + done, texts[done:]

    def _block(self, file: int, number: int, run: Ints) -> Block:
        start, end = int(self.starts[run[0]]), int(self.ends[run[-1]])
        data = self.data[start:end]
        alone = run[-1] - run[0] < len(run)
        if not alone:
            # comments and blank lines in between
            kept = np.zeros(run[-1] - run[0] + 1, dtype=np.bool_)
            kept[run - run[0]] = True
            lengths = np.diff(self.starts[run[0] : run[-1] + 1], append=end)
            data = data[np.repeat(kept, lengths)]
        lines, letters = (number + run).astype(np.int32), self.data[self.heads[run]]
        if alone and self.is_ascii:
            place = self.whole, self.start + start, self.start + end
        else:
            text = data.tobytes().decode("ascii")
            place = text, 0, len(text)
        return Block(file, *place, lines, letters, self.words[run].astype(np.int32))
