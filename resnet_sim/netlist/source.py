"""Source files: reading, decoding, and finding the physical line of a place in a card."""

from __future__ import annotations

import codecs
import os
import sys
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ..diagnostics import Span
from ..model.lines import Lines, Source

#: a logical line: index of its file, number of its first physical line, lower-case text
Card = tuple[int, int, str]

#: files larger than this are refused (bytes): ten million nodes take one or two gigabytes
MAX_BYTES = 4_000_000_000


@dataclass(eq=False)
class SourceFile:
    """One file of the deck.

    Attributes
    ----------
    index : int
        Number of the file in ``Circuit.sources``.
    name, text : str
        As given, and the contents with their original case; lines end in LF or CR LF.
    directory : Path
        Where names in ``.include`` start from.
    titled : bool
        The first line is the title of the deck.
    pieces : dict
        First line of a continued card -> (offset in the card, line, column) of each piece.
    continuations : dict
        First line of a continued card -> the text of each piece.
    """

    index: int
    name: str
    text: str
    directory: Path
    titled: bool = False
    pieces: dict[int, list[tuple[int, int, int]]] = field(default_factory=dict)
    continuations: dict[int, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # lines ended so on the old Macintosh
        if "\n" not in self.text:
            self.text = self.text.replace("\r", "\n")

    @cached_property
    def lines(self) -> Lines:
        """The physical lines."""
        return Lines(self.text)

    def span(self, line: int, offset: int = 0, length: int = 1) -> Span:
        """Return the place of `length` characters at `offset` in the card of `line`."""
        column = offset
        for start, piece_line, piece_column in self.pieces.get(line, ()):
            if start <= offset:
                line, column = piece_line, offset - start + piece_column
        text = self.lines[line - 1].rstrip("\r")
        column = min(column, len(text))
        return Span(self.name, line, column + 1, max(1, min(length, len(text) - column)), text)

    def original(self, card: Card) -> str:
        """Return the text of a card with its original case; offsets stay the same."""
        _, line, text = card
        pieces = self.pieces.get(line)
        if pieces is None:
            return self.lines[line - 1][: len(text)]
        ends = [start for start, _, _ in pieces[1:]] + [len(text) + 1]
        return " ".join(
            self.lines[at - 1][column : column + end - 1 - start]
            for (start, at, column), end in zip(pieces, ends, strict=True)
        )

    def as_source(self) -> Source:
        """Return what the circuit keeps of the file."""
        return Source(self.name, self.text, str(self.directory.absolute()), self.titled)


class Unreadable(Exception):
    """A file that can't be read; the text says why."""


def read_text(path: str | os.PathLike[str]) -> tuple[str, bool]:
    """Return the text of a file (``-``: standard input), and whether it is UTF-8.

    UTF-16 and UTF-32 count as such.  Other encodings are read as Latin-1, in which every byte means
    something.

    Raises
    ------
    Unreadable
    """
    try:
        if os.fspath(path) == "-":
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            # opening a directory or a pipe is an error here, not a surprise later
            with Path(path).open("rb") as file:
                # as much room as is asked for is taken at once; what is no file has no size
                size = os.fstat(file.fileno()).st_size or MAX_BYTES
                data = file.read(min(size, MAX_BYTES) + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Unreadable(reason[:1].lower() + reason[1:]) from None
    if len(data) > MAX_BYTES:
        raise Unreadable(f"larger than {MAX_BYTES} bytes")
    # the end mark of DOS
    data = data.rstrip(b"\x1a")
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return data.decode("utf-32", "replace"), True
    for mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        if data.startswith(mark):
            return data.decode("utf-16", "replace"), True
    if data[1:2] == b"\0" and data[3:4] == b"\0":
        # LTspice writes UTF-16 without a mark
        return data.decode("utf-16-le", "replace"), True
    if data[:1] == data[2:3] == b"\0" and data[1:2] != b"\0":
        return data.decode("utf-16-be", "replace"), True
    try:
        return data.decode("utf-8-sig"), True
    except UnicodeDecodeError:
        return data.decode("latin-1"), False
