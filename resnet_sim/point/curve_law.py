"""Curves as laws of one voltage, beside those of several."""

from __future__ import annotations

import numpy as np

from ..arrays import Floats, Ints
from ..curves import Curve

#: How much steeper than a tangent the line is along which its current is taken over.
STEEP = 1e3


class CurveLaw:
    """Curves as laws, for stages where they can't be minimised."""

    #: A; where a search begins
    AMPS = 1e-4

    def __init__(self, curve: Curve) -> None:
        self.curve = curve

    def some(self, devices: Ints) -> CurveLaw:
        """Return the same of some devices."""
        return CurveLaw(self.curve.take(devices))

    def start(self) -> Floats:
        """Return voltages at which a little current flows."""
        return self.curve.at_current(np.full(len(self.curve), self.AMPS)).v[:, None]

    def evaluate(self, v: Floats) -> tuple[Floats, Floats]:
        """Return currents and derivatives."""
        found = self.curve.at_voltage(v[:, 0])
        return found.i[:, None], found.slope[:, None, None]

    def limit(self, new: Floats, old: Floats) -> Floats:
        """Take the current of the tangent rather than its voltage, where that is much nearer."""
        at = self.curve.at_voltage(old[:, 0])
        step = new[:, 0] - old[:, 0]
        ohms = STEEP / np.where(at.slope > 0, at.slope, np.inf)
        met = self.curve.point(new[:, 0] + ohms * (at.i + at.slope * step), ohms)
        near = met.v - old[:, 0]
        return old + np.where(np.abs(near) < 0.9 * np.abs(step), near, step)[:, None]
