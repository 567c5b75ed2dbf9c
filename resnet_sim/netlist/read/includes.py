""".include and .lib: from the card to the cards of the file that it names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...model.patterns import pattern
from ..report import CardError, Report, did_you_mean
from ..source import Card, SourceFile, Unreadable, read_text
from .blocks import Block
from .lines import read_cards

#: included files, within each other and altogether
MAX_DEPTH = 30
MAX_FILES = 10_000
#: endings of files that define models and subcircuits, and hold nothing else
LIBRARIES = {"lib", "sub", "mod", "model", "dio", "bjt", "jft", "mos", "olb", "mdl", "asy"}

_FILE = pattern(r"""\s*\.\w+\s+(?:"([^"]*)"|'([^']*)'|(\S+))\s*(\S*)""")
_SECTION = pattern(r"\s*\.(lib|endl)\b\s*(\S*)\s*(\S*)")


def is_section_start(card: Card) -> bool:
    """Tell whether a .lib card begins a section, ``.lib tt``, rather than name a file."""
    words = card[2].split()
    return len(words) == 2 and not any(c in words[1] for c in "./\\\"'")


class Includes:
    """Reads included files, each once; refuses circles, floods, and files outside `allowed`."""

    def __init__(
        self, report: Report, allowed: Sequence[Path] | None = None, *, quick: bool
    ) -> None:
        self._report, self._quick = report, quick
        self._allowed = None if allowed is None else [path.resolve() for path in allowed]
        self._cards: dict[str, list[Card | Block]] = {}
        self._open: list[tuple[str, str]] = []
        self._count = 0
        report.data = self.data

    def enter(self, card: Card) -> list[Card | Block]:
        """Return the cards that a card stands for, and hold the file open until `leave`."""
        report, parent = self._report, self._report.files[card[0]]
        match = _FILE.match(parent.original(card))
        if match is None:
            hint = 'the form is: .include "file" or .lib "file" section'
            report.add("E104", "too few fields: the file name is missing", card, hint=hint)
            self._open.append(("", ""))
            return []
        name, section = match[1] or match[2] or match[3] or "", match[4].lower()
        path = _resolved(parent.directory, name)
        self._count += 1
        # a section may use another one of its own file
        place = path, section
        deck = report.files[0]
        is_deck = not section and path == _resolved(deck.directory, Path(deck.name).name)
        if place in self._open or (path, "") in self._open or is_deck:
            self._open.append(place)
            report.add(
                "E124", f"{name} includes itself", card, match.start(1) if match[1] else None
            )
            return []
        if len(self._open) >= MAX_DEPTH or self._count > MAX_FILES:
            message = f"too many files: at most {MAX_FILES}, {MAX_DEPTH} within each other"
            raise report.abandon("E125", message, card)
        self._open.append(place)
        cards = self._read(path, name, card)
        keyword = card[2].split(None, 1)[0].strip(". \t")
        return self._section(cards, section, name, card) if keyword == "lib" and section else cards

    def leave(self) -> None:
        """Close the file that the last `enter` opened."""
        self._open.pop()

    def _read(self, path: str, name: str, card: Card) -> list[Card | Block]:
        if path not in self._cards:
            self._cards[path] = []
            if not self._may_read(path):
                self._refuse(name, card)
                return []
            try:
                if "\0" in path or (Path(path).exists() and not Path(path).is_file()):
                    raise Unreadable("not a file")
                text, is_utf8 = read_text(path)
            except (Unreadable, OSError) as error:
                self._unread(name, str(error), card)
                return []
            source = SourceFile(len(self._report.files), name, text, Path(path).parent)
            self._report.files.append(source)
            if not is_utf8:
                self._report.add("W118", f"{name} is not UTF-8: read as Latin-1", card)
            self._cards[path] = read_cards(source, self._report, quick=self._quick)
        return self._cards[path]

    def data(self, name: str, path: Path, card: Card) -> str:
        """Return the text of a file of numbers that a card names.

        Raises
        ------
        CardError
        """
        if not self._may_read(str(path.resolve())):
            raise CardError("E101", f"{name} may not be read by this deck")
        try:
            if not path.is_file():
                raise Unreadable("no such file")
            return read_text(str(path))[0]
        except (Unreadable, OSError, ValueError) as error:
            hint = "the path is taken from the directory of the file that names it"
            raise CardError("E101", f"can't read {name}: {error}", hint=hint) from None

    def _may_read(self, path: str) -> bool:
        allowed = self._allowed
        return allowed is None or any(Path(path).is_relative_to(place) for place in allowed)

    def _refuse(self, name: str, card: Card) -> None:
        """Say that a file may not be read, in the same words whether there is one or not."""
        where = ", ".join(map(str, self._allowed or ()))
        hint = f"files in {where} may be" if where else "no file may be: write its cards here"
        self._report.add("E101", f"{name} may not be read by this deck", card, hint=hint)

    def _unread(self, name: str, why: str, card: Card) -> None:
        """Say that a file can't be read: of a library, it is no error before something lacks."""
        message = f"can't read {name}: {why}"
        ending = name.rpartition(".")[2].lower()
        if card[2].split(None, 1)[0].strip(". \t") == "lib" or ending in LIBRARIES:
            self._report.missing.append(name)
            hint = "what it defines is missing here; what does not need it is solved"
            self._report.add("N108", message, card, hint=hint)
            return
        hint = "the path is taken from the directory of the file that includes it"
        self._report.add("E101", message, card, hint=hint)

    def _section(
        self, cards: list[Card | Block], section: str, name: str, card: Card
    ) -> list[Card | Block]:
        start, names = None, []
        for k, candidate in enumerate(cards):
            if isinstance(candidate, Block):
                continue
            match = _SECTION.match(candidate[2])
            if match is None:
                continue
            if match[1] == "endl" and start is not None:
                return cards[start:k]
            if match[1] == "lib" and is_section_start(candidate):
                names.append(match[2])
                if match[2] == section and start is None:
                    start = k + 1
        if start is not None:
            return cards[start:]
        if cards:
            known = f"its sections are: {' '.join(names[:20])}" if names else "it has no sections"
            hint = did_you_mean(section, names) or known
            self._report.add("E124", f"{name} has no section {section!r}", card, hint=hint)
        return []


def _resolved(directory: Path, name: str) -> str:
    path = directory / name
    try:
        return str(path.resolve())
    except (OSError, ValueError, RuntimeError):
        return str(path)
