"""Inductors at DC."""

from __future__ import annotations

import numpy as np

from ..arrays import Floats
from ..model.devices import Inductors
from .voltage_source import FixedVoltage


class InductorLaw(FixedVoltage[Inductors]):
    """No voltage."""

    device = Inductors

    @property
    def volts(self) -> Floats:
        """The voltages."""
        return np.zeros(len(self.table))
