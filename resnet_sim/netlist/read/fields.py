"""Taking one element card apart, field by field."""

from __future__ import annotations

from ...model.devices import CARDS
from ..report import CardError, Report, did_you_mean
from ..source import Card
from .cards import Assign, Braced, Item, Parameters, Value, Word
from .items import ValueReader, is_numeric, read_items, too_many

#: form of the cards that are no devices
INSTANCE = "Xname node ... subcircuit [parameter=value ...]"

#: keys that have no influence on an operating point
IGNORED_KEYS = {"ac", "noisy", "noise", "ic", "temp", "dtemp", "off", "tc", "tc1", "tc2", "cpar"}


def element_name(word: str) -> str:
    """Return the full name that a card's first word means.

    ``r.x1.r1`` is how a flattened ``x1.r1`` is written, by ngspice and by `writer`, since
    the first letter of a card must tell the kind.
    """
    return word[2:] if word[1:2] == "." and len(word) > 2 else word


class CardReader(ValueReader):
    """Takes the items of one element card from left to right."""

    def __init__(self, card: Card, report: Report, *, quick: bool = True) -> None:
        super().__init__(card, report)
        self.quick = quick
        self.letter = card[2].lstrip()[:1]
        self.items: list[Item] = []

    @property
    def usage(self) -> str:
        """The form of the card."""
        return CARDS[self.letter][1].usage if self.letter in CARDS else INSTANCE

    def load(self, end: int | None = None) -> None:
        """Split the card up to `end` into items; the name is the first."""
        self.items = read_items(self.card[2][:end], quick=self.quick)[::-1]

    def word(self, what: str) -> Word:
        """Take a word, say a node; ``a=1`` counts as two."""
        if not self.items:
            text = self.card[2].rstrip()
            raise CardError(
                "E104",
                f"too few fields: {what} is missing",
                max(0, len(text) - 1),
                1,
                f"the form is: {self.usage}",
            )
        item = self.items.pop()
        if isinstance(item, Assign):
            self.items.append(item.value)
            item = item.key
        if isinstance(item, Braced):
            raise CardError("E106", f"{what} can't be an expression", item.offset, len(item.text))
        return item

    def nodes(self, count: int) -> tuple[str, ...]:
        """Take the names of nodes."""
        return tuple(self.word("a node").text for _ in range(count))

    def take_value(self, what: str, unit: str = "") -> Value:
        """Take a number, parameter or expression."""
        if self.items and isinstance(self.items[-1], Braced):
            item: Word | Braced = self.items[-1]
            self.items.pop()
        else:
            item = self.word(what)
        return self.value(item, unit=unit)

    def keywords(self, known: set[str], unit: str = "") -> Parameters:
        """Take all the ``key=value`` that follow; warn of those that mean nothing here."""
        found = []
        while (item := self.assignment()) is not None:
            key, value = item
            if key.text not in known:
                if key.text not in IGNORED_KEYS:
                    self.report.add(
                        "W113",
                        f"parameter {key.text!r} is ignored",
                        self.card,
                        key.offset,
                        len(key.text),
                        hint=did_you_mean(key.text, known),
                    )
                continue
            found.append((key.text, self.value(value, unit=unit)))
            if key.text == "tc" and self.items and is_numeric(self.items[-1]):
                found.append(("tc2", self.take_value("tc2")))
        return tuple(found)

    def assignment(self) -> Assign | None:
        """Take ``key=value`` if that is next."""
        if self.items and isinstance(self.items[-1], Assign):
            return self.items.pop()  # type: ignore[return-value]
        return None

    def points(self, start: int) -> list[Value]:
        """Read numbers and expressions from a place of the card on."""
        text = self.card[2][start:].replace("=", " ", 1)
        self.items = read_items(" " * start + text, quick=self.quick)[::-1]
        found = []
        while self.items:
            found.append(self.take_value("a number"))
        return found

    def finish(self) -> None:
        """Check that nothing is left."""
        if self.items:
            raise too_many(self.card, self.items[::-1], self.usage)
