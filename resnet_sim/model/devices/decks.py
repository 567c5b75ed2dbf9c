"""What devices may ask of the decks that they are written to; for type checkers alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Deck(Protocol):
    """What a device may ask of the deck that it is written to."""

    def node(self, number: int) -> str:
        """Return the name of a node."""

    def current(self, element: int) -> str:
        """Return the name under which the current of an element is referred to."""

    def model(self, body: str, letter: str) -> str:
        """Return the name of a model with that type and those parameters."""

    def option(self, name: str, value: str, default: str) -> None:
        """Set an option of the whole deck; `UsageError` if two devices want different values."""


class ForeignDeck(Deck, Protocol):
    """The same for other simulators, which bear nothing ideal."""

    #: what it is called
    dialect: str
    #: the letter of cards of diodes
    diode_letter: str
    #: the largest resistance of a diode or switch that blocks, ohm
    r_off: float

    def diode(self, head: str, p: int, q: int, values: Mapping[str, float]) -> str:
        """Return the card of a piecewise-linear diode, as ideal as it may be.

        `values` are columns of `Diodes`, `p` and `q` nodes that it is between or next to.
        """

    def is_sensed(self, name: str) -> bool:
        """Tell whether the current of an element controls another."""
