"""Switches in given states."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..arrays import Bools, Floats
from ..model.devices import Switches
from .resistor import Ohm

if TYPE_CHECKING:
    from .influence import Influence


class SwitchLaw(Ohm[Switches]):
    """One of two resistances."""

    device = Switches

    def ohms(self, closed: Bools | None = None) -> Floats:
        """Return the resistance of each switch as it stands."""
        table = self.table
        return np.where(table.closed if closed is None else closed, table.r_on, table.r_off)

    def derive(self, at: Influence) -> None:
        """By both resistances; the one that is not there has no influence."""
        table = self.table
        for k, (name, slope) in enumerate(zip(table.names, self.slopes(at).tolist(), strict=True)):
            at.note(f"{name}:ron", table.r_on[k], slope if at.closed[k] else 0.0)
            if np.isfinite(table.r_off[k]):
                at.note(f"{name}:roff", table.r_off[k], 0.0 if at.closed[k] else slope)
