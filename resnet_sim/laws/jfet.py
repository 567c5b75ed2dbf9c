"""The law of junction field-effect transistors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..model.devices import Jfets
from .multipole import KELVIN_PER_VOLT, MultipoleLaw, beside, junction, kelvin, real


class JfetLaw(MultipoleLaw[Jfets]):
    """Parker and Skellern's model at the temperature of the device; ``m`` of them side by side."""

    device = Jfets
    main = ("vto", "beta")

    def prepared(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return parameters at the temperature, currents of one of ``m`` devices."""
        g, p = given, dict(given)
        hot, cold = kelvin(g)
        p["vt"] = hot / KELVIN_PER_VOLT
        grown = (1 / cold - 1 / hot) * g["eg"] * KELVIN_PER_VOLT + g["xti"] * np.log(hot / cold)
        p["is"] = g["area"] * g["is"] * np.exp(grown)
        rise = g["temp"] - g["tnom"]
        p["vto"] = g["vto"] + rise * np.where(g["vtotc"] == 0, -g["tcv"], g["vtotc"])
        cooler = np.where(
            g["betatce"] == 0, (hot / cold) ** g["bex"], 1.01 ** (g["betatce"] * rise)
        )
        p["beta"] = g["area"] * g["beta"] * cooler
        far = np.where(g["b"] == 1, 1.0, g["pb"] - g["vto"])
        p["third"] = np.where(g["b"] == 1, 0 * g["b"], 1 - g["b"]) / far
        return p

    def currents(self, v: Any, p: Mapping[str, Any]) -> Any:
        """Return what flows into drain, gate and source."""
        sense = p["polarity"]
        d, g, s = np.moveaxis(sense[..., None] * v, -1, 0)
        to_drain, to_source = (
            junction(g - end, p["is"], p["vt"]) + p["gmin"] * (g - end) for end in (d, s)
        )
        swapped = real(d) < real(s)
        vds = np.where(swapped, s - d, d - s)
        channel = self._channel(vds, g - np.where(swapped, d, s), p)
        channel = np.where(swapped, -channel, channel)
        into = [channel - to_drain, to_drain + to_source, -channel - to_source]
        return (sense * p["m"])[..., None] * np.stack(into, axis=-1)

    def _channel(self, vds: Any, vgs: Any, p: Mapping[str, Any]) -> Any:
        """Return the current of one channel; ``vds`` is not negative."""
        over = vgs - p["vto"]
        wide = np.where(real(over) < real(vds), 0.0, over - vds)
        # b x^2 + c x^3 between the two ends of the channel
        square, cube = over + wide, over**2 + over * wide + wide**2
        shape = (over - wide) * (p["b"] * square + p["third"] * cube)
        current = p["beta"] * (1 + p["lambda"] * vds) * shape
        return np.where(real(over) > 0, current, 0 * current)

    def resistances(self, v: Any, i: Any, p: Mapping[str, Any]) -> Any:
        """Return those of drain and source."""
        size = p["area"] * p["m"]
        return beside((p["rd"] / size, 0 * size, p["rs"] / size), i.shape[:-1])
