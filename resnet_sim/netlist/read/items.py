"""Cards to items, and items to values, the quick way where that is possible.

One regular expression splits whatever consists of words, ``key=value`` and expressions
without inner braces; everything else is the grammar's, and so are the error messages.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from ...model.numbers import DIGITS, Number, plain_number, read_number
from ...model.patterns import pattern
from ..report import CardError, Report
from ..source import Card
from .cards import Assign, Braced, Expression, Item, Value, Word
from .grammar import parse_assignments, parse_card, parse_expression
from .misread import refuse_misread, without_parentheses

_W = r"""[^\s,()={}'"]+"""
_B = r"""\{[^{}]*\}|'[^']*'|"[^"]*\""""
_TOKEN = re.compile(
    rf"\s*(?:({_W})(?:\s*=\s*(?:({_W})|({_B})))?|({_B})|=\s*(?:({_W})|({_B}))|[(),])"
)
_NAME = re.compile(r"\s*([^\W0-9][\w.#$]*)\s*").fullmatch
_KEY = pattern(r"""[^\s,()={}'"]+\s*=""")
_EQUALS = pattern(r"\s*=\s*")
_QUOTED = pattern(r"\{[^{}]*\}|'[^']*'")
_APART = pattern(r"[\s}][-+*/%^<>&|?:!]|[-+*/%^<>&|?:!][\s{]")
_STARTS_NUMBER = re.compile(r"[+-]?\.?[0-9]").match
#: 1_000, 0x10
_DIGITS_FOLLOW = pattern(r"_\d|x[\da-f]+$").match
_NUMBER_COMMA = pattern(r"[0-9],[0-9]")


def read_items(text: str, start: int = 0, *, quick: bool = True) -> list[Item]:
    """Return the items of a card from a place on; `quick` False leaves all to the grammar.

    Raises
    ------
    CardError
    """
    items = scan(text, start) if quick else None
    if items is None:
        items = list(parse_card(" " * start + text[start:]))
    if items and isinstance(first := items[0], Assign) and first.key.text[0] == ".":
        place = text.index("=", first.key.offset), 1
        raise CardError("E103", "a name is missing before '='", *place)
    return items


def scan(text: str, position: int = 0) -> list[Item] | None:
    """Return the items of a card, None if only the grammar can tell."""
    items: list[Item] = []
    new = tuple.__new__  # a third of the time of a named tuple's own
    token = _TOKEN.match  # here and nowhere else: looking for one takes too long among blanks
    while match := token(text, position):
        position = match.end()
        which = match.lastindex
        if which == 1 or which == 5:
            items.append(new(Word, (match[which], match.start(which))))
        elif which == 2:
            key = new(Word, (match[1], match.start(1)))
            items.append(new(Assign, (key, new(Word, (match[2], match.start(2))))))
        elif which is not None:
            value = Braced(match[which][1:-1], match.start(which) + 1)
            items.append(Assign(Word(match[1], match.start(1)), value) if which == 3 else value)
    return items if position >= len(text.rstrip()) else None


def first_assignment(text: str) -> int:
    """Return where the first ``key=`` of a card begins, its end if it has none."""
    match = _KEY.search(text)
    return match.start() if match else len(text)


def read_assignments(
    card: Card, start: int, report: Report, *, quick: bool, items: Sequence[Item] | None = None
) -> list[tuple[Word, Value]]:
    """Return what an instance or a subcircuit says of parameters, from a place of its card on.

    Values may be expressions without braces, ``r=2*k`` or ``r = (1 + k) / 2``; `items` are what is
    there, if that is known.

    Raises
    ------
    CardError
    """
    reader = ValueReader(card, report)
    found: list[tuple[Word, Value]]
    try:
        found = []
        for item in read_items(card[2], start, quick=quick) if items is None else items:
            if not isinstance(item, Assign):
                message = f"too many fields: {item.text!r} is one too many"
                hint = "put expressions with blanks in braces"
                raise CardError("E105", message, item.offset, len(item.text), hint)
            found.append((item.key, reader.value(item.value)))
    except CardError as simple:
        text = " " * start + card[2][start:]
        # where a blank ends a value to ngspice, an expression can't have one
        bare = without_parentheses(_QUOTED.sub("{}", text))
        if _APART.search(_EQUALS.sub("=", bare)):
            raise
        try:
            if report.dialect.misreads:
                refuse_misread(text)
            definitions = parse_assignments(text, numerals=report.dialect.numerals)
        except CardError as error:
            raise (error if error.code == "E138" else simple) from None
        if any(parameters is not None for *_, parameters, _ in definitions):
            raise
        found = [
            (Word(name, offset), Expression(program, card, 0))
            for name, offset, _, program in definitions
        ]
    names = set()
    for key, _ in found:
        if key.text in names:
            report.warn_again(key.text, card, key.offset)
        names.add(key.text)
    return found


def is_numeric(item: Item) -> bool:
    """Tell whether an item is a number or an expression rather than a name."""
    return isinstance(item, Braced) or (
        isinstance(item, Word) and _STARTS_NUMBER(item.text) is not None
    )


class ValueReader:
    """Turns items of one card into values, and warns of numbers that people misread."""

    def __init__(self, card: Card, report: Report) -> None:
        self.card, self.report = card, report

    def value(self, item: Word | Braced, *, unit: str = "") -> Value:
        """Return the number, parameter or expression that an item stands for.

        Parameters
        ----------
        unit : str
            What the number is measured in: ``"ohm"`` makes ``1M`` suspicious, ``"farad"`` ``1F``.

        Raises
        ------
        CardError
        """
        if isinstance(item, Braced):
            return self._expression(item)
        if item.text[-1:] in DIGITS:  # nothing but a number: nothing to warn of
            plain = plain_number(item.text)
            if plain is not None and abs(plain) < math.inf:
                return plain
        number = read_number(item.text, self.report.dialect.numerals)
        if number is not None:
            self._check(item, number, unit)
            return number.value
        if _NAME(item.text):
            return Expression((("name", item.text, 0),), self.card, item.offset)
        raise self._no_value(item)

    def _expression(self, item: Braced) -> Value:
        name = _NAME(item.text)
        if name:
            return Expression((("name", name[1], name.start(1)),), self.card, item.offset)
        try:
            if self.report.dialect.misreads:
                refuse_misread(item.text)
            program = parse_expression(item.text, self.report.dialect.numerals)
        except CardError as error:
            raise CardError(
                error.code, error.message, error.offset + item.offset, error.length, error.hint
            ) from None
        if len(program) == 1 and isinstance(program[0][1], float):
            return program[0][1]
        return Expression(program, self.card, item.offset)

    def _no_value(self, item: Word) -> CardError:
        hint = None
        if any(c in item.text for c in "+-*/^?:<>&|"):
            hint = f"put expressions in braces: {{{item.text}}}"
        length = len(item.text)
        return CardError("E106", f"{item.text!r} is not a number", item.offset, length, hint)

    def _check(self, item: Word, number: Number, unit: str) -> None:
        text, offset = item.text, item.offset
        if not number.is_clean and any(c in number.rest for c in "+-*/^?<>&|"):
            raise self._no_value(item)
        if _DIGITS_FOLLOW(number.rest):
            hint = f"SPICE reads {number.value:g}: write the number without letters and underscores"
            raise CardError("E106", f"{text!r} is not a number", offset, len(text), hint)
        if abs(number.value) == float("inf"):
            raise CardError("E132", f"{text} is too large for a number", offset, len(text))
        if number.scale not in ("m", "f") and number.is_clean:
            return
        original = self.report.files[self.card[0]].original(self.card)
        at = offset + len(text) - len(number.scale + number.rest)
        if number.is_rkm:
            meant = text.replace(number.scale or number.rest[0], ".", 1) + number.scale
            self._warn(
                "W105", item, f"{text} is read as {number.value:g}", f"write {meant.rstrip('r')}"
            )
        elif not number.is_clean:
            self._warn("W116", item, f"{number.rest!r} after the number is ignored", None)
        elif unit == "ohm" and number.scale == "m" and original[at : at + 1] == "M":
            self._warn("W103", item, "M is milli, as everywhere in SPICE", "write MEG for 1e6")
        elif unit == "farad" and number.scale == "f" and not number.rest:
            self._warn("W104", item, "F is femto, not farad", "leave the unit away")

    def _warn(self, code: str, item: Word, message: str, hint: str | None) -> None:
        self.report.add(code, message, self.card, item.offset, len(item.text), hint=hint)


def too_many(card: Card, items: Sequence[Item], usage: str) -> CardError:
    """Return the error about surplus items, which explains a decimal comma where there is one."""
    first = items[0]
    word = first.key if isinstance(first, Assign) else first
    comma = _NUMBER_COMMA.search(card[2], max(0, word.offset - 3))
    if comma is not None and comma.end() - 1 == word.offset:
        message = "a comma separates fields: decimals need a point"
        return CardError("E133", message, comma.start() + 1, 1, "write 1.5, not 1,5")
    message = f"too many fields: {word.text!r} is one too many"
    return CardError("E105", message, word.offset, len(word.text), f"the form is: {usage}")


def twice(what: str, offset: int, length: int) -> CardError:
    """Return the error about a value that is given with its name and without."""
    message = f"{what} is given twice, with its name and without"
    return CardError("E105", message, offset, length, "leave one of them out")
