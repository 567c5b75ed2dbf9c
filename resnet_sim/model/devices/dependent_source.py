"""What sources have in common whose voltage or current depends on others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...arrays import Bools
from .device import Table, bools

if TYPE_CHECKING:
    from .decks import Deck, ForeignDeck


@dataclass(frozen=True, eq=False)
class DependentSources(Table):
    """Sources that set a voltage or a current.

    ::

        p o--< + - >--o q       is_voltage: v is set
        p o--<  -> >--o q       otherwise:  i is set

    Attributes
    ----------
    is_voltage : ndarray of bool, shape (rows,)
    """

    fixes_voltage = "is_voltage"
    rank = 1

    is_voltage: Bools = field(default_factory=bools)

    def describe(self, row: int, p: str, q: str, across: str) -> str:
        """A voltage or a current."""
        return f"sets {across}" if self.is_voltage[row] else f"drives current from {p} to {q}"

    def lines(self, row: int, head: str, deck: Deck, dialect: str = "resnet-sim") -> Iterator[str]:
        """Write an element for a dialect."""
        raise NotImplementedError

    def foreign_lines(self, row: int, head: str, deck: ForeignDeck) -> Iterator[str]:
        """Only V sources have a current there: others get one in series if it is wanted."""
        name, p, q = head.split()
        if not deck.is_sensed(self.names[row]):
            yield from self.lines(row, head, deck, deck.dialect)
            return
        inner = f"{p}#{name}"
        yield from self.lines(row, f"{name} {inner} {q}", deck, deck.dialect)
        yield f"v.sense.{name} {p} {inner} 0"

    def carries(self, flows: Bools) -> Bools:
        """Those that set a voltage."""
        return self.is_voltage

    def is_told(self) -> Bools:
        """Those that set a voltage."""
        return self.is_voltage
