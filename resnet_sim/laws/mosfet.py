"""The law of MOSFETs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..model.devices import Mosfets
from .mosfet_levels import LEVELS
from .multipole import KELVIN_PER_VOLT, MultipoleLaw, beside, junction, kelvin, real

#: K; eV, the gap of silicon at that temperature
ROOM, ROOM_GAP = 300.15, 1.1150877


def _gap(kelvin: Any) -> Any:
    """Return the gap of silicon, eV."""
    return 1.16 - 7.02e-4 * kelvin**2 / (kelvin + 1108)


def _drift(kelvin: Any) -> Any:
    """Return by how much the potential of a doped region has moved from room temperature, V."""
    return (
        kelvin * ROOM_GAP / ROOM
        - _gap(kelvin)
        + 3 * kelvin / KELVIN_PER_VOLT * np.log(kelvin / ROOM)
    )


class MosfetLaw(MultipoleLaw[Mosfets]):
    """The model at the temperature of the device; ``m`` of them side by side.

    Level 1 is Shichman and Hodges's; for the others see `mosfet_levels`.
    """

    device = Mosfets
    main = ("vto", "kp")
    marks = MultipoleLaw.marks | {"level", "tox", "nsub", "uo"}

    def prepared(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return parameters at the temperature, currents of one of ``m`` devices."""
        g, p = given, dict(given)
        hot, cold = kelvin(g)
        p["vt"] = hot / KELVIN_PER_VOLT
        p["phi"], p["pb"] = (
            (g[key] + _drift(cold)) * hot / cold - _drift(hot) for key in ("phi", "pb")
        )
        rise = (_gap(cold) - _gap(hot) + g["polarity"] * (p["phi"] - g["phi"])) / 2
        flat = g["vto"] + g["delvto"] + rise
        p["flat"] = g["polarity"] * flat - g["gamma"] * np.sqrt(g["phi"])
        p["l"], p["w"] = g["l"] - 2 * g["ld"] + g["xl"], g["w"] - 2 * g["wd"] + g["xw"]
        p["slope"] = g["kp"] * (hot / cold) ** -1.5 * p["w"] / p["l"]
        p["cold_uo"] = g["uo"]  # that is what level 2 takes
        p["uo"] = g["uo"] * (hot / cold) ** -1.5
        by_area = (g["js"] != 0) & (g["ad"] != 0) & (g["as"] != 0)
        hotter = np.exp(KELVIN_PER_VOLT * (_gap(cold) / cold - _gap(hot) / hot))
        for letter in "ds":
            amps = np.where(by_area, g["js"] * g["a" + letter], g["is"])
            p["i" + letter] = g["m"] * amps * hotter
            sheet = g["rsh"] * g["nr" + letter]
            own = real(g["r" + letter]) >= 0
            p["r" + letter] = np.where(own, g["r" + letter], sheet) / g["m"]
        return p

    def currents(self, v: Any, p: Mapping[str, Any]) -> Any:
        """Return what flows into drain, gate, bulk and source."""
        sense = p["polarity"]
        d, g, b, s = np.moveaxis(sense[..., None] * v, -1, 0)
        swapped = real(d) < real(s)
        high, low = np.where(swapped, s, d), np.where(swapped, d, s)
        across = (high - low, g - low, b - low)
        channel = self._channel(*across, p)
        for number, law in LEVELS.items():
            if (p["level"] == number).any():
                channel = np.where(p["level"] == number, law(*across, p), channel)
        channel = p["m"] * channel
        channel = np.where(swapped, -channel, channel)
        to_drain, to_source = (
            self._leak(b - end, p["i" + k], p) for end, k in ((d, "d"), (s, "s"))
        )
        into = [channel - to_drain, 0 * g, to_drain + to_source, -channel - to_source]
        return sense[..., None] * np.stack(into, axis=-1)

    def _channel(self, vds: Any, vgs: Any, vbs: Any, p: Mapping[str, Any]) -> Any:
        """Return the current of one channel; ``vds`` is not negative."""
        forward = real(vbs) > 0
        deep = np.sqrt(np.where(forward, p["phi"], p["phi"] - vbs))
        flatter = deep - vbs / (2 * deep)
        depleted = np.where(forward, np.where(real(flatter) > 0, flatter, 0.0), deep)
        over = vgs - p["flat"] - p["gamma"] * depleted
        pinched = real(over) < real(vds)
        shape = np.where(pinched, over**2, over**2 - (over - vds) ** 2)
        current = p["slope"] * (1 + p["lambda"] * vds) * shape / 2
        return np.where(real(over) > 0, current, 0 * over)

    def _leak(self, v: Any, amps: Any, p: Mapping[str, Any]) -> Any:
        """Return the current from the bulk into drain or source."""
        back = real(v) <= -3 * real(p["vt"])
        flat = np.where(back & (p["level"] < 3), -amps, junction(v, amps, p["vt"]))
        return flat + p["gmin"] * v

    def resistances(self, v: Any, i: Any, p: Mapping[str, Any]) -> Any:
        """Return those of drain and source; the sheet's where none are given."""
        none = 0 * p["rd"]
        return beside((p["rd"], none, none, p["rs"]), i.shape[:-1])
