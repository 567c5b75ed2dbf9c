"""The currents of MOSFETs: Shichman and Hodges's model (level 1)."""

from __future__ import annotations

import numpy as np

from ...arrays import Bools, Floats, Ints
from .characteristic import STEEPEST, critical, limit_channel, limit_drain, limit_junction
from .dual import Dual, where

#: permittivities of silicon and its oxide, F/m
SILICON, OXIDE = 11.70 * 8.854214871e-12, 3.9 * 8.854214871e-12


def depletion(phi: Floats, bulk: Dual) -> Dual:
    """Return ``sqrt(phi - v_bs)``, and a curve that goes on where the bulk conducts."""
    flatter = np.sqrt(phi) / (1.0 + bulk / (2.0 * phi))
    return where(bulk.x <= 0, (phi - bulk).sqrt(), flatter)


def ended(
    current: Dual, gate: Dual, on: Dual, volts: Dual, weak: Bools
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return a channel's current, that at `on` for gates below, and its derivatives by voltages.

    Below, what inverts it weakly falls by e with every so many `volts`; else nothing flows.
    """
    below = gate.x <= on.x
    current = where(below & weak, current * ((gate - on) / volts).exp(), current)
    still = below & ~weak
    i, slopes = np.where(still, 0.0, current.x), np.where(still, 0.0, current.slopes)
    return i, slopes[0], slopes[1], slopes[2]


class ShichmanHodges:
    """The currents of drain, gate and bulk, by their voltages to the source."""

    def __init__(self, values: dict[str, Floats]) -> None:
        self.values = values
        self.corners = [critical(values[end], values["volts"]) for end in ("source", "drain")]
        self.threshold = values["flat"] + values["gamma"] * np.sqrt(values["phi"])

    def some(self, devices: Ints) -> ShichmanHodges:
        """The same of some devices."""
        return type(self)({key: value[devices] for key, value in self.values.items()})

    def start(self) -> Floats:
        """The gate at its threshold, the bulk reverse biased."""
        v = np.stack([0.0 * self.threshold, self.threshold, 0.0 * self.threshold - 1.0], axis=1)
        return self.values["type"][:, None] * v

    def limit(self, new: Floats, old: Floats) -> Floats:
        """The gate, the drain, and the junctions."""
        p, sign = self.values, self.values["type"][:, None]
        (ds, gs, bs), (ds0, gs0, bs0) = (sign * new).T, (sign * old).T
        on = self._on(np.abs(ds0), np.where(ds0 >= 0, bs0, bs0 - ds0))
        ahead = limit_channel(gs, gs0, on)
        forward = limit_drain(ds + ahead - gs, ds0)
        behind = limit_channel(gs - ds, gs0 - ds0, on)
        backward = -limit_drain(-(gs - behind), -ds0)
        vds = np.where(ds0 >= 0, forward, backward)
        vgs = np.where(ds0 >= 0, ahead, behind + backward)
        at_source = limit_junction(bs, bs0, p["volts"], self.corners[0])
        at_drain = limit_junction(bs - vds, bs0 - ds0, p["volts"], self.corners[1])
        vbs = np.where(vds >= 0, at_source, at_drain + vds)
        return np.asarray(sign * np.stack([vds, vgs, vbs], axis=1))

    def evaluate(self, v: Floats) -> tuple[Floats, Floats]:
        """Currents and derivatives."""
        p, sign = self.values, self.values["type"][:, None]
        ds, gs, bs = (sign * v).T
        turned = ds < 0
        across, gate = np.where(turned, -ds, ds), np.where(turned, gs - ds, gs)
        bulk = np.where(turned, bs - ds, bs)
        channel, by_across, by_gate, by_bulk = self._channel(across, gate, bulk)
        at_source, d_source = self._junction(bs, p["source"])
        at_drain, d_drain = self._junction(bs - ds, p["drain"])
        i, slope = np.zeros_like(v), np.zeros((*v.shape, 3))
        mode = np.where(turned, -1.0, 1.0)
        i[:, 0], i[:, 2] = mode * channel - at_drain, at_source + at_drain
        slope[:, 0, 0] = np.where(turned, by_across + by_gate + by_bulk, by_across) + d_drain
        slope[:, 0, 1] = mode * by_gate
        slope[:, 0, 2] = mode * by_bulk - d_drain
        slope[:, 2, 0], slope[:, 2, 2] = -d_drain, d_source + d_drain
        return np.asarray(sign * i), slope

    def _on(self, across: Floats, bulk: Floats) -> Floats:
        """Return the gate voltages at which the channel begins to conduct."""
        return self.values["flat"] + self.values["gamma"] * self._root(bulk)[0]

    def _root(self, bulk: Floats) -> tuple[Floats, Floats]:
        """Return ``sqrt(phi - v_bs)``, its tangent where the bulk conducts, and minus its slope."""
        phi = self.values["phi"]
        straight = np.sqrt(phi) - bulk / (2.0 * np.sqrt(phi))
        root = np.where(bulk <= 0, np.sqrt(np.maximum(phi - bulk, 0.0)), np.maximum(straight, 0.0))
        bent = np.where(bulk <= 0, root, np.sqrt(phi))
        slope = np.where(root > 0, 0.5 / np.where(root > 0, bent, 1.0), 0.0)
        return root, slope

    def _channel(
        self, across: Floats, gate: Floats, bulk: Floats
    ) -> tuple[Floats, Floats, Floats, Floats]:
        """Return the current of the channel and its derivatives by its three voltages."""
        p = self.values
        root, slope = self._root(bulk)
        over = np.maximum(gate - p["flat"] - p["gamma"] * root, 0.0)
        low = np.minimum(across, over)
        longer = 1.0 + p["lambda"] * across
        shape = low * (over - 0.5 * low)
        by_gate = p["beta"] * longer * low
        by_across = p["beta"] * (longer * (over - low) + p["lambda"] * shape)
        return p["beta"] * longer * shape, by_across, by_gate, by_gate * p["gamma"] * slope

    def _junction(self, v: Floats, amps: Floats) -> tuple[Floats, Floats]:
        """Return the current from the bulk into a junction; it is constant far below zero."""
        p = self.values
        x = v / p["volts"]
        grown = np.exp(np.minimum(x, STEEPEST))
        current = amps * (grown * (1.0 + np.maximum(x - STEEPEST, 0.0)) - 1.0)
        back = x <= -3.0
        current = np.where(back, -amps, current) + p["gmin"] * v
        slope = np.where(back, 0.0, amps * grown / p["volts"]) + p["gmin"]
        return current, np.asarray(slope)
