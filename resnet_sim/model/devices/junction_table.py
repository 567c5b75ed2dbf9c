"""What junctions have in common, and what is made from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from ...arrays import Floats
from ...errors import UsageError
from .cards import DIODE
from .device import Table, floats

#: Conductance across junctions, S, unless .options gmin says otherwise.
GMIN = 1e-12


@dataclass(frozen=True, eq=False)
class JunctionTable(Table):
    """The numbers of junctions without recombination and high injection."""

    value = "saturation"
    varies = True
    infinite = frozenset({"breakdown"})
    cards = (DIODE,)
    parameters: ClassVar[Mapping[str, str]] = {
        "is": "saturation", "n": "emission", "rs": "series", "bv": "breakdown",
        "nbv": "breakdown_emission",
    }  # fmt: skip

    saturation: Floats = field(default_factory=floats)
    emission: Floats = field(default_factory=floats)
    series: Floats = field(default_factory=floats)
    leak: Floats = field(default_factory=floats)
    breakdown: Floats = field(default_factory=floats)
    breakdown_emission: Floats = field(default_factory=floats)

    def check(self, row: int, value: float) -> None:
        """A saturation current is positive."""
        super().check(row, value)
        if value <= 0:
            raise UsageError(f"{self.names[row]}: a saturation current must be above 0")
