"""The short cut for plain element cards: straight from the text to the builder.

A deck of a million cards is mostly ``r1 a b 1k``.  Single cards go to the builder as rows, a
`Block` of them as columns.  Whatever is not exactly of that form, or is worth a message, is
left to the readers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import compress
from typing import Any

import numpy as np

from ...arrays import Bools, Floats, Ints
from ...errors import UsageError
from ...model.devices import DEVICES, PLURALS, Table
from ...model.numbers import in_range, plain_number, plain_numbers
from ...model.patterns import pattern
from ..dialects import Dialect
from ..report import CardError, Report
from ..source import Card
from .blocks import Block, pays
from .cards import Braced, Value
from .items import ValueReader
from .placer import Placer
from .scope import Failed, Scope
from .sites import GROUND

_SPECIAL = re.compile(r"[,(){}='\"]").search
_EXPRESSION = pattern(r"\{[^{}]*\}|'[^']*'")
#: values of resistors that may be meant as mega, of capacitors as farad: a letter, and its place
_SCALES = {"r": ("m", pattern(r"[0-9.]m(?!eg)")), "c": ("f", pattern(r"[0-9.]f$"))}
#: letter -> table of devices that a name, two nodes and a number say everything about
_PLAIN = {letter: PLURALS[letter] for letter in "rclvi"}


class PlainCards:
    """Adds plain cards to a builder: blocks of any scope, single ones of the top level."""

    def __init__(self, placer: Placer, scope: Scope) -> None:
        builder = placer.builder
        self._placer, self._scope, self._builder = placer, scope, builder
        self._branches = placer.branches
        self._add_row = builder.add_row
        dialect = placer.report.dialect
        self._grounds = dialect.grounds
        #: letters behind a number that are no scale factors mean nothing
        self._units = not dialect.numerals.scales
        self._tables = _PLAIN if not dialect.coil else {k: t for k, t in _PLAIN.items() if k != "l"}
        self._models: dict[str, tuple[str, tuple[Any, ...]] | None] = {}

    def add(self, card: Card) -> bool:
        """Add the card if it is plain; False if the readers must look at it."""
        file, line, text = card
        words = text.split()
        if len(words) != 4:
            return False
        name, p, q, value = words
        if _SPECIAL(text) or name[1:2] == ".":
            return False
        letter = name[0]
        if self._grounds and not self._grounds.isdisjoint((p, q)):
            return False
        table = self._tables.get(letter)
        if table is None:
            return letter == "d" and self._add_diode(name, p, q, value, (file, line))
        number = plain_number(value, units=self._units)
        # zero ohms, infinities, 1M (milli) and 1F (femto) and shorted sources are worth a message
        if number is None or not in_range(number):
            return False
        if letter in _SCALES and _is_doubtful(letter, value):
            return False
        if letter == "r":
            if not number:
                return False
        elif letter == "v":
            if p == q or (p in GROUND and q in GROUND):
                return False
            self._branches.add(name)
        elif letter == "l":
            self._branches.add(name)
        try:
            # all that the builder's own checks would find is excluded by now
            self._add_row(table, name, p, q, (file, line), number)
        except UsageError:
            # a name that is taken; the reader finds out where
            return False
        return True

    def _add_diode(self, name: str, p: str, q: str, model: str, at: tuple[int, int]) -> bool:
        # a model says what it has to say when a diode uses it, and one that comes twice does not
        found = None if name in self._builder else self._model(model)
        if found is None:
            return False
        table, values = found
        self._add_row(table, name, p, q, at, *values)
        return True

    def _model(self, name: str) -> tuple[str, tuple[Any, ...]] | None:
        """Return the table and the checked columns of a diode model, None if it is none."""
        values = self._models.get(name)
        if values is None:
            try:
                found = self._placer.find_model(name, self._scope)
            except Failed:
                return None
            if found is None or found.kind != "diode" or "formula" in found.made.columns:
                return None
            device = DEVICES[found.made.table]
            assert issubclass(device, Table)
            try:
                row = device.row(name, **found.made.columns)
            except UsageError:
                return None
            values = self._models[name] = found.made.table, row
        return values

    def _together(self, names: list[str]) -> dict[str, tuple[str, tuple[Any, ...]] | None]:
        """Return what `_model` does for many names."""
        scope = self._scope
        unread = [n for n in names if n in scope.model_cards and n not in scope.models]
        if pays(len(unread)) and not scope.is_library:
            cards = (scope.model_cards[n] for n in unread if n not in self._models)
            self._models.update(self._placer.models.together(cards))
        return {name: self._model(name) for name in names}

    # ---- many at once ----

    def add_block(self, block: Block) -> Iterator[Card]:
        """Add the cards of a block, yield those that the readers must look at.

        What comes behind a card that was yielded is added after that.
        """
        rows = _Rows(block, self._placer, self._scope)
        start = 0
        for odd in [*np.flatnonzero(rows.odd()).tolist(), len(block)]:
            yield from self._segment(rows, start, odd)
            if odd < len(block):
                yield block.card(odd)
            start = odd + 1

    def _segment(self, rows: _Rows, start: int, stop: int) -> Iterator[Card]:
        """Add the rows from `start` to `stop` as columns, or else one by one."""
        if not pays(stop - start) or not self._add_columns(rows, slice(start, stop)):
            for row in range(start, stop):
                card = rows.block.card(row)
                if self._scope.prefix or not self.add(card):
                    yield card

    def _add_columns(self, rows: _Rows, part: slice) -> bool:
        """Add rows of all tables; False, and nothing is added, if one is not plain after all."""
        letters = rows.block.letters[part]
        diodes = np.flatnonzero(letters == ord("d"))
        last = rows.last[part]
        models = [last[k] for k in diodes.tolist()]
        names = rows.names[part]
        if not self._builder.claim(names):
            return False
        known = self._together(list(dict.fromkeys(models)))
        if None in known.values():
            self._builder.release(names)
            return False
        p, q = self._builder.ends(rows.p[part], rows.q[part])
        lines, values = rows.block.lines[part], rows.values[part]
        file = np.broadcast_to(np.int64(rows.block.file), len(names))
        for letter, table in _PLAIN.items():
            which = np.flatnonzero(letters == ord(letter))
            if len(which):
                some = _chosen(names, which)
                if letter in "lv":
                    self._branches.update(some)
                columns = (p[which], q[which], file[: len(which)], lines[which], values[which])
                self._builder.add_columns(table, some, *columns)
        tables = {name: found[0] for name, found in known.items() if found is not None}
        for table in dict.fromkeys(tables.values()):
            mine = [k for k, name in enumerate(models) if tables[name] == table]
            which = diodes[mine]
            values_of = np.array(
                [found[1] for found in known.values() if found and found[0] == table]
            )
            number = {name: k for k, name in enumerate(n for n in known if tables[n] == table)}
            columns_of = values_of[[number[models[k]] for k in mine]].T
            place = (p[which], q[which], file[: len(which)], lines[which])
            self._builder.add_columns(table, _chosen(names, which), *place, *columns_of)
        return True


class _Rows:
    """The columns of a block of cards with two nodes and a value or model; full names."""

    def __init__(self, block: Block, placer: Placer, scope: Scope) -> None:
        self.block, self._placer, self._scope = block, placer, scope
        names, p, q, self.last = block.columns()
        self.p, self.q = placer.nodes(p, scope), placer.nodes(q, scope)
        self.names = [scope.prefix + name for name in names] if scope.prefix else names
        self.values, self._odd = _values(block, self.last, placer.report.dialect, self._computed)

    def _computed(self, row: int, word: str) -> float | None:
        """Return the value of an expression, None if the readers must look at it."""
        try:
            read = _expression(self.block, row, word, self._placer.report)
            value = self._placer.evaluator.number(read, self._scope)
        except (CardError, Failed):
            return None
        return value if in_range(value) else None

    def odd(self) -> Bools:
        """Tell which rows are not plain, for the reasons that `PlainCards.add` gives."""
        odd, p, q = self._odd.copy(), self.p, self.q
        sources = np.flatnonzero(self.block.letters == ord("v")).tolist()
        odd[[k for k in sources if p[k] == q[k] or (p[k] in GROUND and q[k] in GROUND)]] = True
        return odd


def _values(
    block: Block, words: list[str], dialect: Dialect, computed: Callable[[int, str], float | None]
) -> tuple[Floats, Bools]:
    """Return the values of the cards of a block, and which of them are not plain."""
    of = {letter: block.letters == ord(letter) for letter in "rcd"}
    none = "1e999"  # out of range
    # no value is called like a model
    known = dict.fromkeys(compress(words, of["d"].tolist()), none)
    text = " ".join(words) + " "
    if "{" in text or "'" in text:
        mine = [row for row in np.flatnonzero(~of["d"]).tolist() if words[row][-1] in "}'"]
        first = {words[row]: row for row in reversed(mine)}
        expressions = (word for word in reversed(first) if _EXPRESSION.fullmatch(word))
        values_of = {word: computed(first[word], word) for word in expressions}
        known |= {word: none if value is None else repr(value) for word, value in values_of.items()}
    if known:
        words = [known.get(word, word) for word in words]
        text = " ".join(words) + " "
    values = plain_numbers(text, units=not dialect.numerals.scales)
    odd: Bools = np.isnan(values) & ~of["d"]
    odd |= of["r"] & (values == 0.0)
    for letter, (mark, _) in _SCALES.items():
        if mark in text:
            which = np.flatnonzero(of[letter])
            odd[[k for k in which.tolist() if _is_doubtful(letter, words[k])]] = True
    return values, odd


def _is_doubtful(letter: str, word: str) -> bool:
    mark, scale = _SCALES[letter]
    return mark in word and scale.search(word) is not None


def _expression(block: Block, row: int, word: str, report: Report) -> Value:
    """Return what an expression, the last word of a card, is read as."""
    card = block.card(row)
    return ValueReader(card, report).value(Braced(word[1:-1], card[2].rindex(word) + 1))


def separate(block: Block, report: Report) -> Iterator[Block | Card]:
    """Yield the cards of a block whose values are not plain, and what is between them."""

    def any_value(row: int, word: str) -> float | None:
        try:
            _expression(block, row, word, report)
        except CardError:
            return None
        return 1.0

    _, odd = _values(block, block.columns()[-1], report.dialect, any_value)
    start = 0
    for row in [*np.flatnonzero(odd).tolist(), len(block)]:
        if pays(row - start):
            yield block.part(start, row)
        else:
            yield from map(block.card, range(start, row))
        if row < len(block):
            yield block.card(row)
        start = row + 1


def _chosen(names: list[str], rows: Ints) -> list[str]:
    return names if len(rows) == len(names) else [names[k] for k in rows.tolist()]
