"""Taking one element card apart, field by field."""

from __future__ import annotations

from ...model.devices import CARDS
from ...model.patterns import pattern
from ..report import CardError, Report, suggestion
from ..source import Card
from .bracketed import masked, unmasked
from .cards import Assign, Braced, Item, Parameters, Value, Word
from .items import ValueReader, first_assignment, is_numeric, read_items, scan, too_many, twice
from .parameters import Effect, parameters_of

#: form of the cards that are no devices
INSTANCE = "Xname node ... subcircuit [parameter=value ...]"
LINE = "Tname node+ node- node+ node- z0=ohms td=seconds"

_POLY = "{} node+ node- POLY(n) control ... coefficient ..., for E and G two nodes a control"

#: parameters that may stand without a value
FLAGS = {"noiseless", "noisy", "load", "on", "off", "fixed"}
#: those that may as well stand without one
_ALONE = FLAGS | {"ac"}
#: parameters that may have a second value
_LISTS = {"tc": 2, "ac": 2, "distof1": 2, "distof2": 2, "ic": 4}
#: parameters in ohm
_OHMS = {"r", "resistance", "rser", "rpar"}
#: other names of parameters
_SAME = {"resistance": "r", "capacitance": "c", "inductance": "l", "tc": "tc1"}
#: where something may stand right behind an expression
_CLOSED = pattern(r"[}']\w")


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
        self.end: int | None = None
        #: what an instance assigns, if that is split already
        self.assigned: list[Item] | None = None
        #: parameters that were taken, by the first of several names, and that without a name
        self.polynomial = False
        self.taken: set[str] = set()
        self.bare = ""

    @property
    def usage(self) -> str:
        """The form of the card."""
        if self.letter in CARDS:
            usage = CARDS[self.letter][1].usage
            return _POLY.format(usage.split()[0]) if self.polynomial else usage
        return LINE if self.letter == "t" else INSTANCE

    def load(self, end: int | None = None) -> None:
        """Split the card up to `end` into items; the name is the first."""
        self.end = end
        text = self.card[2][:end]
        inside = masked(text, len(text)) if "(" in text else None
        items = read_items(inside or text, quick=self.quick)
        self.items = (unmasked(items) if inside else items)[::-1]
        if ("}" in text or "'" in text) and _CLOSED.search(text):
            self._refuse_behind_braces()

    def load_instance(self) -> None:
        """Split the card of an instance at once where it has no braces: there may be many."""
        text = self.card[2]
        braced = "{" in text or "'" in text or '"' in text or "(" in text
        items = scan(text) if self.quick and not braced else None
        if items is None:
            self.load(first_assignment(text))
            return
        self.end = len(text)
        for k, item in enumerate(items):
            if isinstance(item, Assign):
                items, self.assigned, self.end = items[:k], items[k:], item.key.offset
                break
        self.items = items[::-1]

    def _refuse_behind_braces(self) -> None:
        """Refuse ``{k}k``, which ngspice takes for two words, and users for a product."""
        for item, behind in zip(self.items[1:], self.items, strict=False):
            item = item.value if isinstance(item, Assign) else item
            if not isinstance(item, Braced) or not isinstance(behind, Word):
                continue
            if behind.offset == item.offset + len(item.text) + 1:
                message = f"{behind.text!r} right behind an expression is no part of it"
                hint = f"write it within: {{({item.text})*1{behind.text}}}"
                raise CardError("E106", message, behind.offset, len(behind.text), hint)

    def word(self, what: str) -> Word:
        """Take a word, say a node; ``a=1`` counts as two."""
        if not self.items:
            raise self.missing(what)
        item = self.items.pop()
        if isinstance(item, Assign):
            self.items.append(item.value)
            item = item.key
        if isinstance(item, Braced):
            raise CardError("E106", f"{what} can't be an expression", item.offset, len(item.text))
        return item

    def missing(self, what: str) -> CardError:
        """Return what is wrong where something should come next."""
        item = self.items[-1] if self.items else None
        word = item.key if isinstance(item, Assign) else item
        offset, length = max(0, len(self.card[2].rstrip()) - 1), 1
        if word is not None:
            offset, length = word.offset, len(word.text)
        message = f"too few fields: {what} is missing"
        return CardError("E104", message, offset, length, f"the form is: {self.usage}")

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

    def unname(self, key: str) -> None:
        """Let a value that comes next, with its name, stand without it."""
        if self.items and isinstance(item := self.items[-1], Assign) and item.key.text == key:
            if self.report.dialect.misreads and len(self.items) > 1:
                message = f"ngspice ignores what stands behind {key}="
                place = item.key.offset, len(key)
                raise CardError("E138", message, *place, "leave the name away")
            self.items[-1] = item.value

    def keywords(self, kind: str | None = None) -> Parameters:
        """Take all the parameters that follow, ``key=value``, ``key value`` or a word alone.

        Parameters
        ----------
        kind : str, optional
            Which of `parameters_of` are known; default: those of the letter.

        Returns
        -------
        tuple of (str, value)
            Those that are implemented; the second value of tc= is called tc2.

        Raises
        ------
        CardError
            If a parameter is unknown or refused.
        """
        found: list[tuple[str, Value]] = []
        while self.at_parameter(kind):
            item = self.items.pop()
            key = item.key if isinstance(item, Assign) else item
            assert isinstance(key, Word)
            implemented = self.parameter(key, kind)
            self._note(key)
            values = [item.value] if isinstance(item, Assign) else []
            wanted = 0 if key.text in FLAGS else _LISTS.get(key.text, 1)
            while len(values) < wanted and self.items and is_numeric(self.items[-1]):
                values.append(self.items.pop())  # type: ignore[arg-type]
            if implemented:
                unit = "ohm" if key.text in _OHMS else ""
                numbers = [self.value(value, unit=unit) for value in values] or [1.0]
                found += zip((key.text, "tc2"), numbers, strict=False)
        return tuple(found)

    def _note(self, key: Word) -> None:
        """Warn of a parameter that is given twice.

        Raises
        ------
        CardError
            If it is a value that stands without its name, too: simulators differ in which counts.
        """
        name = _SAME.get(key.text, key.text)
        if name == self.bare:
            raise twice(key.text, key.offset, len(key.text))
        if name in self.taken:
            self.report.warn_again(key.text, self.card, key.offset)
        self.taken.add(name)

    def at_parameter(self, kind: str | None = None) -> bool:
        """Tell whether a parameter is next."""
        if not self.items or not isinstance(self.items[-1], Word):
            return bool(self.items) and isinstance(self.items[-1], Assign)
        word = self.items[-1].text
        # dc may stand without a value, as no other: see `independent`
        if word not in parameters_of(kind or self.letter) or word == "dc":
            return False
        return word in _ALONE or (len(self.items) > 1 and is_numeric(self.items[-2]))

    def parameter(self, key: Word, kind: str | None = None) -> bool:
        """Tell whether a parameter is implemented; harmless ones are not.

        Raises
        ------
        CardError
            If it is unknown or refused.
        """
        known = parameters_of(kind or self.letter)
        place = (key.offset, len(key.text))
        if key.text not in known:
            hint = suggestion(key.text, lambda: known, f"known here: {' '.join(sorted(known))}")
            raise CardError("E136", f"unknown parameter {key.text!r}", *place, hint)
        effect, _, text = known[key.text]
        if effect is Effect.REFUSED:
            raise CardError("E115", f"parameter {key.text!r} is not supported", *place, text)
        return effect is Effect.IMPLEMENTED

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
