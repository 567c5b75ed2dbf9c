"""Runs of plain cards, found by array operations: what makes decks of a million cards fast.

A deck that a program wrote is mostly runs of ``r1 a b 1k``.  Such a run stays one piece of
text, a `Block`, until `plain` or `instances` place it by whole columns; no card of it is an
object of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ...arrays import Bools, Ints
from ..source import Card

#: Shorter runs are left to the readers of single cards, which are faster then; see `pays`.
SHORTEST = 60
#: How much text is looked at in one go (characters): it should stay in the cache.
CHUNK = 1 << 20

_Bytes = npt.NDArray[np.uint8]

_WORD, _BLANK, _EQUALS, _SPECIAL = 0, 1, 2, 3
_NOTHING, _OTHER, _PLAIN = -1, 0, 1


def _classes() -> _Bytes:
    classes = np.full(256, _SPECIAL, dtype=np.uint8)
    classes[33:127] = _WORD
    classes[[ord(c) for c in " \t\r\n"]] = _BLANK
    # what the grammar or the comments give a meaning
    classes[[ord(c) for c in ",(){}'\";$"]] = _SPECIAL
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
    """Consecutive cards of words alone, as many in each: elements with two nodes, or instances.

    Words of instances may contain ``=``.

    Attributes
    ----------
    file : int
        Number of the file in ``Circuit.sources``.
    text : str
        The cards in lower case, one a line.
    lines : ndarray of int, shape (cards,)
        Numbers of their lines.
    letters : ndarray of uint8, shape (cards,)
        The first character of each.
    width : int
        Words of each card.
    """

    file: int
    text: str
    lines: Ints
    letters: _Bytes
    width: int

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def of_instances(self) -> bool:
        """Whether these are X cards; in other blocks there are none."""
        return bool(self.letters[0] == ord("x"))

    @property
    def ends_with_names(self) -> bool:
        """Whether the last word of each card is the subcircuit of an instance."""
        return "=" not in self.text and "params:" not in self.text

    @cached_property
    def _texts(self) -> list[str]:
        return self.text.split("\n")

    def card(self, row: int) -> Card:
        """Return one of the cards."""
        return self.file, int(self.lines[row]), self._texts[row]

    def cards(self) -> list[Card]:
        """Return all of the cards."""
        numbers = self.lines.tolist()
        return [(self.file, k, text) for k, text in zip(numbers, self._texts, strict=True)]

    def columns(self) -> list[list[str]]:
        """Return the words, one list a column."""
        words = self.text.split()
        return [words[k :: self.width] for k in range(self.width)]

    def find(self, name: str) -> Card | None:
        """Return the first card whose first word is `name`."""
        match = re.search(rf"^\s*{re.escape(name)}\s", self.text, re.MULTILINE)
        return self.card(self.text.count("\n", 0, match.end() - 1)) if match else None

    def part(self, start: int, stop: int) -> Block:
        """Return some of the cards."""
        if (start, stop) == (0, len(self)):
            return self
        text = "\n".join(self._texts[start:stop])
        lines, letters = self.lines[start:stop], self.letters[start:stop]
        return Block(self.file, text, lines, letters, self.width)


#: the number of a line and the lines from there on that are in no block
Rest = tuple[int, list[str]]


def split(file: int, text: str, letters: str = PLAIN) -> Iterator[Block | Rest]:
    """Yield blocks and the lines between them in their order.

    The first line is in no block, since it may be a title.  Blank lines and comments within a
    run don't end it.

    Parameters
    ----------
    file : int
    text : str
        In lower case.
    letters : str
        Of elements that blocks may hold.
    """
    plain = np.isin(np.arange(256), np.frombuffer(letters.encode(), dtype=np.uint8))
    at, number = 0, 1
    # a slash is part of a name unless the deck has // comments
    classes = _CLASSES.copy()
    classes[ord("/")] = _SPECIAL if "//" in text else _WORD
    while at < len(text):
        end = text.find("\n", at + CHUNK) + 1 or len(text)
        scan = _Scan(text[at:end], classes, plain)
        if at == 0:
            scan.kinds[0] = _OTHER
        yield from scan.parts(file, number)
        at, number = end, number + len(scan.kinds)


class _Scan:
    """A piece of text that ends with a line; `kinds` says of each line what it is."""

    def __init__(self, text: str, classes: _Bytes, plain: Bools) -> None:
        self.plain = plain
        self.text = text.removesuffix("\n")
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
        kinds[instances] = _PLAIN + self.words[instances]
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
        start, end = self.starts[run[0]], self.ends[run[-1]]
        data = self.data[start:end]
        if run[-1] - run[0] >= len(run):
            # comments and blank lines in between
            kept = np.zeros(run[-1] - run[0] + 1, dtype=np.bool_)
            kept[run - run[0]] = True
            lengths = np.diff(self.starts[run[0] : run[-1] + 1], append=end)
            data = data[np.repeat(kept, lengths)]
        width = 4 if self.kinds[run[0]] == _PLAIN else int(self.words[run[0]])
        letters = self.data[self.heads[run]]
        return Block(file, data.tobytes().decode("ascii"), number + run, letters, width)
