"""Independent current sources."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...arrays import Floats
from .cards import Card
from .device import Table, floats
from .pieces import Pieces


@dataclass(frozen=True, eq=False)
class CurrentSources(Table):
    """Ideal current source, ``i = amps`` flowing from p through the source to q.

    ::

        p o--(->)--o q

    Co-content ``amps * v``.
    """

    kind = "current source"
    plural = "current_sources"
    value = "amps"
    varies = swept = fixes_current = True
    sets = "injections"
    rank = 2
    cards = (Card("i", "Iname node+ node- [DC] value", "independent"),)

    amps: Floats = field(default_factory=floats)

    def pieces(self, out: Pieces, first: int) -> None:
        """An injection."""
        out.injection(self.numbers(first), self.p, self.q, self.amps)

    def describe(self, row: int, p: str, q: str, across: str) -> str:
        """The current."""
        return f"drives {self.amps[row]:.6g} A from {p} to {q}"

    def co_content(self, v: Floats) -> Floats:
        """``amps * v``."""
        return self.amps * v
