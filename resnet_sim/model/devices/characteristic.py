"""Currents as functions of voltages: what a transistor is to a solver.

A characteristic belongs to some devices of one kind, each with the same branches.  Voltages
and currents have shape (devices, branches), derivatives (devices, branches, branches).
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from ...arrays import Floats, Ints

#: Boltzmann's constant (J/K) over the elementary charge (C): the values of ngspice
BOLTZMANN, CHARGE = 1.38064852e-23, 1.6021766208e-19
#: V per K
THERMAL = BOLTZMANN / CHARGE
#: Celsius to kelvin
KELVIN = 273.15
#: beyond this an exponential goes on as its tangent; the laws refuse a solution there, beside whose
#: currents no other one of the same device has a digit left
STEEPEST = 300.0


class Characteristic(Protocol):
    """Smooth currents, and where a search for voltages begins and how far it may go."""

    def evaluate(self, v: Floats) -> tuple[Floats, Floats]:
        """Return the currents (A) at given voltages (V), and their derivatives (S)."""

    def start(self) -> Floats:
        """Return voltages at which the devices are about to conduct."""

    def some(self, devices: Ints) -> Characteristic:
        """Return the same of some devices."""

    def limit(self, new: Floats, old: Floats) -> Floats:
        """Return voltages on the way from `old` to `new`, where tangents may be trusted."""


def exponential(v: Floats, amps: Floats, volts: Floats) -> tuple[Floats, Floats]:
    """Return the current of a junction, and its derivative.

    ``amps (exp(v / volts) - 1)``, and ngspice's ``-amps (1 + (3 volts / (e v))^3)`` below
    ``-3 volts``.
    """
    x = v / volts
    grown = np.exp(np.minimum(x, STEEPEST))
    above = np.maximum(x - STEEPEST, 0.0)
    back = x < -3.0
    share = 3.0 / (math.e * np.where(back, x, -3.0))
    cubed = share * share * share  # a power takes as long as all else
    current = np.where(back, -amps * (1.0 + cubed), amps * (grown * (1.0 + above) - 1.0))
    slope = np.where(back, 3.0 * amps * cubed / np.where(back, v, 1.0), amps * grown / volts)
    return current, slope


def critical(amps: Floats, volts: Floats) -> Floats:
    """Return the voltage at which the curvature of a junction's current is largest, V."""
    return np.asarray(volts * np.log(volts / (np.sqrt(2.0) * np.maximum(amps, 1e-100))))


def limit_junction(new: Floats, old: Floats, volts: Floats, corner: Floats) -> Floats:
    """Return junction voltages whose currents grow by no more than a few times.

    Above the corner it is the step in current that is kept, not that in voltage (Nagel,
    "SPICE2: A Computer Program to Simulate Semiconductor Circuits", 1975, 4.1.4).
    """
    step = (new - old) / volts
    jumps = (new > corner) & (np.abs(step) > 2.0)
    size = np.abs(step)
    moved = old + np.sign(step) * volts * (2.0 + np.log(np.maximum(size - 2.0, 1.0)))
    return np.where(jumps, np.where(old > 0, moved, corner), new)


def limit_channel(new: Floats, old: Floats, threshold: Floats) -> Floats:
    """Return gate voltages that move by no more than the overdrive and some volts (SPICE3)."""
    over, rises = np.abs(old - threshold), new > old
    far, wide = threshold + 3.5, 2.0 * over + 2.0
    falling = np.where(new >= far, np.maximum(new, old - over - 1.0), np.maximum(new, far - 1.5))
    strong = np.where(rises, np.minimum(new, old + wide), falling)
    weak = np.clip(new, threshold - 0.5, threshold + 4.0)
    onward = np.minimum(new, np.where(new > threshold + 0.5, threshold + 0.5, old + over + 1.0))
    off = np.where(rises, onward, np.maximum(new, old - wide))
    return np.where(old >= far, strong, np.where(old >= threshold, weak, off))


def limit_drain(new: Floats, old: Floats) -> Floats:
    """Return drain voltages that move by no more than some volts (SPICE3)."""
    high = np.where(new > old, np.minimum(new, 3.0 * old + 2.0), np.maximum(new, 2.0))
    return np.where(old >= 3.5, high, np.clip(new, -0.5, 4.0))
