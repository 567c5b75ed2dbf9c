"""The conductances of crossbars."""

from __future__ import annotations

from ..arrays import Bools, Floats
from ..model.devices import Crossbars
from .resistor import Ohm


class CrossbarLaw(Ohm[Crossbars]):
    """Each conductance is a resistor."""

    device = Crossbars
    monotone = True

    def ohms(self, closed: Bools | None = None) -> Floats:
        """Return the resistances."""
        return self.table.ohms
