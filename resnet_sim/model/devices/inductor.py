"""Inductors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ...arrays import Floats
from .cards import Card
from .device import Table, floats
from .pieces import Pieces

if TYPE_CHECKING:
    from .decks import ForeignDeck


@dataclass(frozen=True, eq=False)
class Inductors(Table):
    """Inductor: an ideal short at DC, ``v = 0``.

    ::

        p o--uuuu--o q
    """

    kind = "inductor"
    plural = "inductors"
    value = "henries"
    swept = True
    fixes_voltage = True
    imposes = "ties {p} to {q}"
    rank = 3
    cards = (Card("l", "Lname node node value", "reactance"),)

    henries: Floats = field(default_factory=floats)

    def pieces(self, out: Pieces, first: int) -> None:
        """A tie."""
        out.tie(self.numbers(first), self.p, self.q, np.zeros(len(self)))

    def foreign_letter(self, row: int, deck: ForeignDeck) -> str:
        """A source of 0 V, whose current is known."""
        return "v"

    def foreign_lines(self, row: int, head: str, deck: ForeignDeck) -> Iterator[str]:
        """A source of 0 V."""
        yield f"{head} 0"
