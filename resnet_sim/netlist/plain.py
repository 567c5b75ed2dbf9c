"""The short cut for plain element cards: straight from the line to the builder.

A deck of a million cards is mostly ``r1 a b 1k``.  Whatever is not exactly of that form,
or is worth a message, is left to the readers.
"""

from __future__ import annotations

import re
from typing import Any

from ..errors import UsageError
from .devices import GROUND, Placer
from .numbers import plain_number
from .scope import Failed, Scope
from .source import Card

_SPECIAL = re.compile(r"[,(){}='\"]").search
_TABLES = {
    "r": "resistors",
    "c": "capacitors",
    "l": "inductors",
    "v": "voltage_sources",
    "i": "current_sources",
}


class PlainCards:
    """Adds plain cards of the top level to a builder."""

    def __init__(self, placer: Placer, top: Scope) -> None:
        builder = placer.builder
        self._placer, self._top = placer, top
        self._branches = placer.branches
        self._diode = builder.diode
        self._add_row = builder.add_row
        self._models: dict[str, dict[str, Any] | None] = {}

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
        table = _TABLES.get(letter)
        if table is None:
            return letter == "d" and self._add_diode(name, p, q, value, (file, line))
        number = plain_number(value)
        # zero ohms, infinities, 1M (milli) and 1F (femto) and shorted sources are worth a message
        if number is None or number - number != 0.0:
            return False
        if letter == "r":
            if not number or value[-1] == "m":
                return False
        elif letter == "c":
            if value[-1] == "f":
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
        values = self._models.get(model)
        if values is None:
            try:
                found = self._placer.find_model(model, self._top)
            except Failed:
                return False
            if found is None or found.kind != "diode":
                return False
            values = self._models[model] = dict(found.values)
        try:
            self._diode(name, p, q, **values, at=at)
        except UsageError:
            return False
        return True
