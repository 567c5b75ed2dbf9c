"""Capacitors."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ...arrays import Floats
from .cards import Card
from .device import Table, floats


@dataclass(frozen=True, eq=False)
class Capacitors(Table):
    """Capacitor: open at DC, ``i = 0``.

    ::

        p o--| |--o q
    """

    kind = "capacitor"
    plural = "capacitors"
    value = "farads"
    swept = fixes_current = True
    cards = (Card("c", "Cname node node value", "reactance"),)

    farads: Floats = field(default_factory=floats)

    def co_content(self, v: Floats) -> Floats:
        """None: it carries no current."""
        return np.zeros_like(v)
