"""Collecting diagnostics: all of them, in the order of the deck, each place once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from .. import errors
from ..diagnostics import Diagnostic, Label, Span
from ..errors import NetlistError
from .dialects import OWN, Dialect
from .source import Card, SourceFile

#: reading stops after so many errors, and a warning is repeated so many times
MAX_ERRORS = 200
MAX_REPEATS = 20
#: so many names are compared with others for a suggestion
MAX_SUGGESTIONS = 20
#: longer messages and hints are shown without what is in their middle (characters)
MAX_TEXT = 400

#: code -> what to do where nothing better is known
REMEDIES = {
    "E109": "the first letter of a name says what an element is: R1, C1, V1; comments begin with *",
    "E118": "the form is: name start stop step, or name list value ...",
    "E119": "each .subckt ends in .ends, each .if in .endif, each .data in .enddata",
    "W117": "ngspice, too, takes all that follows for commands, elements and .dc cards included",
    "E116": "leave out one of these instances: a subcircuit is no part of itself",
    "E121": "change the numbers that it is computed from, or choose with condition ? value : other",
    "E124": "leave this card out",
    "E132": "write a finite number in the range that makes sense here",
    "E131": "sweeps are of sources, resistors, switches, parameters and temp, by their names",
}

#: a remedy, or what finds one, which is asked only if it is shown
Hint = str | Callable[[], str | None] | None


class CardError(Exception):
    """What is wrong with a card, found where the place is known only as an offset."""

    def __init__(
        self,
        code: str,
        message: str,
        offset: int = 0,
        length: int = 1,
        hint: Hint = None,
        caret: str = "",
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.hint, self.caret = code, message, hint, caret
        self.offset, self.length = offset, length


class Abandoned(Exception):
    """The rest can't be made sense of, or costs too much; the reason is already reported."""


def _no_data(name: str, path: Path, card: Card) -> str:
    raise CardError("E101", f"{name} may not be read by this deck")


class Report:
    """Diagnostics of one deck, and the language that it is read in."""

    def __init__(self, dialect: Dialect = OWN) -> None:
        self.dialect = dialect
        self.files: list[SourceFile] = []
        self.n_errors = 0
        #: names of built-in parts, where they are not used
        self.parts: Callable[[], frozenset[str]] = frozenset
        #: reads a file of numbers, given its name as written and its path, for a card
        self.data: Callable[[str, Path, Card], str] = _no_data
        #: models whose cards can't be read: what needs them is not wrong
        self.unread: set[str] = set()
        #: libraries that can't be read
        self.missing: list[str] = []
        self._found: dict[tuple[object, ...], Diagnostic] = {}
        self._counts: dict[str, int] = {}
        self._hints: dict[str, str | None] = {}

    def copy(self) -> Report:
        """Return a report that starts from what this one holds."""
        other = Report(self.dialect)
        other.files, other.n_errors, other.missing = self.files, self.n_errors, self.missing
        other.parts, other.data, other.unread = self.parts, self.data, set(self.unread)
        other._found, other._counts = dict(self._found), dict(self._counts)
        return other

    def span(self, card: Card, offset: int | None = None, length: int = 1) -> Span:
        """Return a place in a card; without an offset, the card's first line."""
        file, line, text = card
        if offset is None:
            offset = len(text) - len(text.lstrip())
            length = len(text.strip())
        return self.files[file].span(line, offset, length)

    def add(
        self,
        code: str,
        message: str,
        card: Card | None = None,
        offset: int | None = None,
        length: int = 1,
        *,
        hint: Hint = None,
        caret: str = "",
        labels: tuple[Label, ...] = (),
    ) -> None:
        """Add a diagnostic; the same code at the same place is added only once."""
        span = None if card is None else self.span(card, offset, length)
        where = (span.file, span.line, span.column) if span else (message,)
        if (code, *where) in self._found:
            return
        self._counts[code] = self._counts.get(code, 0) + 1
        if code[0] != "E" and self._counts[code] > MAX_REPEATS:
            return
        shown = self._hint(message, hint) if callable(hint) else hint
        message, shown = _shortened(message), _shortened(shown or REMEDIES.get(code) or "") or None
        self._found[(code, *where)] = Diagnostic(code, message, span, shown, labels, caret)
        if code[0] == "E":
            self.n_errors += 1
            if self.n_errors == MAX_ERRORS:
                self._found[("E135",)] = Diagnostic(
                    "E135", f"giving up after {MAX_ERRORS} errors", hint="repair these first"
                )
                raise Abandoned

    def _hint(self, message: str, find: Callable[[], str | None]) -> str | None:
        """Return a hint that takes time to find, once for all messages that are alike."""
        if message not in self._hints:
            few = len(self._hints) < MAX_SUGGESTIONS
            self._hints[message] = find() if few else None
        return self._hints[message]

    def error(self, error: CardError, card: Card) -> None:
        """Add a `CardError` of a card."""
        self.add(
            error.code,
            error.message,
            card,
            error.offset,
            error.length,
            hint=error.hint,
            caret=error.caret,
        )

    def warn_again(self, key: str, card: Card, offset: int) -> None:
        """Say that a parameter was given before: the last counts, as in ngspice."""
        message = f"{key} is given twice: the last counts"
        self.add("W122", message, card, offset, len(key), hint="leave one of them out")

    def abandon(self, code: str, message: str, card: Card, hint: str | None = None) -> Abandoned:
        """Add an error after which reading must stop; returns the exception to raise."""
        self.add(code, message, card, hint=hint)
        return Abandoned()

    def or_elsewhere(self, name: str, hint: str) -> str:
        """Return a hint, or where the definition of a name may be that is missing."""
        places = []
        if name in self.parts():
            places.append("--builtin-parts has an ideal part of that name")
        if self.missing:
            places.append(f"it may be in what could not be read: {', '.join(self.missing)}"[:200])
        return "; ".join(places) or hint

    def note_part(self, name: str, card: Card, offset: int = 0) -> None:
        """Say that a built-in part stands in for one that the deck does not define."""
        hint = "it is ideal: no bias currents, no offset but what is given"
        message = f"{name} is a built-in part, as the deck defines none"
        self.add("N111", message, card, offset, len(name), hint=hint)

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Return everything found, in the order of files and lines."""
        order = {file.name: k for k, file in reversed(list(enumerate(self.files)))}
        last = len(self.files)

        def place(d: Diagnostic) -> tuple[int, int, int]:
            return (order[d.span.file], d.span.line, d.span.column) if d.span else (last, 0, 0)

        return tuple(sorted(self._found.values(), key=place))

    def check(self) -> tuple[Diagnostic, ...]:
        """Return the warnings and notes.

        Raises
        ------
        NetlistError
            If there is any error.
        """
        found = self.diagnostics()
        if self.n_errors:
            raise NetlistError(found)
        return found


def _shortened(text: str) -> str:
    half = MAX_TEXT // 2
    return text if len(text) <= MAX_TEXT else f"{text[:half]} ... {text[-half // 2 :]}"


def suggestion(name: str, known: Callable[[], Iterable[str]], otherwise: str = "") -> Hint:
    """Return a hint that compares a name with those that are known, once it is shown."""
    return lambda: did_you_mean(name, known()) or otherwise or None


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Return a hint that names the nearest of the known names, None if none is near."""
    return errors.did_you_mean(name, known, quoted=True) or None
