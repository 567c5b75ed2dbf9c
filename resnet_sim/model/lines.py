"""Files that circuits are read from, and lines of a text, without an object for each."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import overload

from ..diagnostics import Span

#: Characters that are split at once: what messages ask for is a few lines of millions.
PART = 1 << 20


class Lines(Sequence[str]):
    r"""The lines of a text, without their ends; those of one part of it are split at a time.

    Examples
    --------
    >>> from resnet_sim.model.lines import Lines
    >>> lines = Lines("title\nr1 a 0 1k\n")
    >>> len(lines), lines[1], lines[-1]
    (3, 'r1 a 0 1k', '')
    """

    def __init__(self, text: str) -> None:
        self._text = text
        #: for each part that is known the place where it begins, and the number of its first line
        self._at, self._first, self._whole = [0], [0], False
        #: the part that was split last, and its lines
        self._now: tuple[int, list[str]] = (-1, [])

    def _know(self, line: float) -> None:
        """Find parts up to the one with a line, by which as many characters are read at most."""
        while not self._whole and self._first[-1] <= line:
            end = self._text.find("\n", self._at[-1] + PART) + 1
            self._whole = end == 0
            if end:
                self._first.append(self._first[-1] + self._text.count("\n", self._at[-1], end))
                self._at.append(end)

    @cached_property
    def _count(self) -> int:
        self._know(math.inf)
        return self._first[-1] + self._text.count("\n", self._at[-1]) + 1

    def __len__(self) -> int:
        return self._count

    def _part(self, which: int) -> list[str]:
        number, lines = self._now
        if number != which:
            inner = which + 1 < len(self._at)
            end = self._at[which + 1] - 1 if inner else len(self._text)
            lines = self._text[self._at[which] : end].split("\n")
            self._now = which, lines
        return lines

    @overload
    def __getitem__(self, key: int) -> str: ...
    @overload
    def __getitem__(self, key: slice) -> list[str]: ...
    def __getitem__(self, key: int | slice) -> str | list[str]:
        """Return a line, or a list of lines."""
        if isinstance(key, slice):
            return [self[number] for number in range(self._count)[key]]
        if key >= 0:
            self._know(key)
        number = key if 0 <= key < self._first[-1] else range(self._count)[key]
        which = bisect_right(self._first, number) - 1
        return self._part(which)[number - self._first[which]]

    def __iter__(self) -> Iterator[str]:
        self._know(math.inf)
        for which in range(len(self._at)):
            yield from self._part(which)


@dataclass(frozen=True)
class Source:
    """A file that the circuit was read from.

    Attributes
    ----------
    name, text : str
        As it was given, and its contents.
    directory : str
        Where names of files in it start from.
    titled : bool
        Its first line is the title of the deck.
    """

    name: str
    text: str
    directory: str = ""
    titled: bool = False

    @cached_property
    def lines(self) -> Lines:
        """The physical lines, without line ends."""
        return Lines(self.text)

    def span(self, line: int) -> Span:
        """Return the whole of one line, without the white space around it."""
        text = self.lines[line - 1].rstrip("\r")
        stripped = text.strip()
        column = text.find(stripped) + 1 if stripped else 1
        return Span(self.name, line, column, max(1, len(stripped)), text)
