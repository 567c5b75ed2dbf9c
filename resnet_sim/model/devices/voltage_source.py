"""Independent voltage sources."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...arrays import Floats
from .cards import Card
from .device import Table, floats
from .pieces import Pieces


@dataclass(frozen=True, eq=False)
class VoltageSources(Table):
    """Ideal voltage source, ``v = volts``; delivers power when its current is negative.

    ::

        p o--(+ -)--o q
    """

    kind = "voltage source"
    plural = "voltage_sources"
    value = "volts"
    varies = swept = True
    sets = "ties"
    fixes_voltage = True
    rank = 0
    cards = (Card("v", "Vname node+ node- [DC] value", "independent"),)

    volts: Floats = field(default_factory=floats)

    def pieces(self, out: Pieces, first: int) -> None:
        """A tie."""
        out.tie(self.numbers(first), self.p, self.q, self.volts)

    def describe(self, row: int, p: str, q: str, across: str) -> str:
        """The voltage."""
        return f"sets {across} = {self.volts[row]:.6g} V"
