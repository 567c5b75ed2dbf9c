"""Capacitors at DC."""

from __future__ import annotations

import numpy as np

from ..arrays import Floats
from ..model.devices import Capacitors
from .current_source import FixedCurrent


class CapacitorLaw(FixedCurrent[Capacitors]):
    """No current."""

    device = Capacitors

    @property
    def amps(self) -> Floats:
        """The currents."""
        return np.zeros(len(self.table))
