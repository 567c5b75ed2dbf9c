"""The law of MOSFETs; the channels of levels above 1 are in ngspice's form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..model.devices import Mosfets
from .multipole import KELVIN_PER_VOLT, MultipoleLaw, beside, junction, kelvin, real

#: C; F/m
CHARGE, VACUUM = 1.6021766208e-19, 8.854214871e-12


@np.errstate(all="ignore")  # what a branch makes of other devices is not taken
def level3(vds: Any, vgs: Any, vbs: Any, p: Mapping[str, Any]) -> Any:
    """Return the current of one channel of level 3; ``vds`` is not negative."""
    oxide, silicon = 3.9 * VACUUM / p["tox"], 11.7 * VACUUM
    length, width, weak = p["l"], p["w"], p["nfs"] != 0
    deep = _depletion(vbs, p)[0]
    alpha = np.where(p["nsub"] > 0, 2 * silicon / (CHARGE * p["nsub"] * 1e6), 0.0)
    gamma = p["gamma"] * _short(np.sqrt(alpha) * deep, p)
    narrow = p["delta"] * np.pi * silicon / (2 * oxide * width)
    fb = gamma / 4 / deep + narrow
    bulk = gamma * deep + narrow * deep**2
    vth = p["flat"] - p["eta"] * 8.15e-22 / (oxide * length**3) * vds + bulk
    n = 1 + CHARGE * p["nfs"] * 1e4 / oxide + bulk / (2 * deep**2)
    von = np.where(weak, vth + p["vt"] * n, vth)
    off = real(vgs) < real(von)
    u = np.where(off, von, vgs) - vth
    onward = 1 + p["theta"] * u
    vc = length * p["vmax"] * onward / (p["uo"] * 1e-4)
    limited = p["vmax"] > 0
    vsat = u / (1 + fb)
    vsat = np.where(limited, vsat + vc - np.sqrt(vsat**2 + vc**2), vsat)
    saturated = real(vds) > real(vsat)
    v = np.where(saturated, vsat, vds)
    current = p["slope"] * (u - (1 + fb) / 2 * v) * v / onward
    current = np.where(limited, current / (1 + v / vc), current)
    # how far the drain reaches into the channel
    least = 1e-12 / p["m"]
    slope = current * v / vc**2 / (1 + v / vc)
    slope = np.where(real(slope) > least, slope, least)
    half = p["kappa"] * current / length / slope * alpha / 2
    ka = p["kappa"] * alpha
    far = np.sqrt(half**2 + ka * (vds - vsat)) - half
    free = np.sqrt(ka * (vds - 7 * vsat / 8))
    near = np.sqrt(ka * vsat / 8) * (vds / vsat) ** 4
    short = np.where(saturated, np.where(limited, far, free), np.where(limited, 0.0, near))
    short = np.where(real(ka) > 0, short, 0.0)
    left = np.where(real(short) > length / 2, length**2 / (4 * short), length - short)
    current = current * length / left
    tail = np.exp((vgs - von) / (p["vt"] * n))
    current = np.where(off & weak, current * tail, current)
    return np.where(weak | (real(vgs) > real(von)), current, 0 * current)


def _short(depth: Any, p: Mapping[str, Any]) -> Any:
    """Return which part of the bulk's charge the gate of a short channel holds."""
    w, lateral = depth / p["xj"], p["ld"] / p["xj"]
    cylinder = 0.0631353 + 0.8013292 * w - 0.01110777 * w**2
    shared = (cylinder + lateral) * np.sqrt(1 - (w / (1 + w)) ** 2) - lateral
    return np.where((p["xj"] > 0) & (real(depth) > 0), 1 - p["xj"] / p["l"] * shared, 1.0)


def _depletion(v: Any, p: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the root of a depletion by the voltage of the bulk, and its slope."""
    forward = real(v) > 0
    root = np.sqrt(np.where(forward, p["phi"], p["phi"] - v))
    root = np.where(forward, root / (1 + v / (2 * p["phi"])), root)
    return root, np.where(forward, -(root**2) / (2 * p["phi"] ** 1.5), -1 / (2 * root))


@np.errstate(all="ignore")
def level2(vds: Any, vgs: Any, vbs: Any, p: Mapping[str, Any]) -> Any:
    """Return the current of one channel of level 2; ``vds`` is not negative."""
    oxide, silicon = 3.9 * VACUUM / p["tox"], 11.7 * VACUUM
    length, weak, mobility = p["l"], p["nfs"] != 0, p["cold_uo"] * 1e-4
    xd = np.where(p["nsub"] > 0, np.sqrt(2 * silicon / (CHARGE * p["nsub"] * 1e6)), 0.0)
    factor = p["delta"] * np.pi * silicon / (4 * oxide * p["w"] * p["m"])
    (source, ds), (drain, dd) = _depletion(vbs, p), _depletion(vbs - vds, p)
    args, argd = (np.sqrt(1 + 2 * xd * x / p["xj"]) for x in (source, drain))
    short = p["xj"] > 0
    gamma = p["gamma"] * np.where(short, 1 - p["xj"] / (2 * length) * (args + argd - 2), 1.0)
    sinks = -p["gamma"] * np.where(short, xd / (2 * length) * (ds / args + dd / argd), 0.0)
    first = p["flat"] + factor * (p["phi"] - vbs)
    n = 1 + CHARGE * p["nfs"] * 1e4 / oxide - gamma * ds - sinks * source + factor
    von = first + gamma * source + np.where(weak, p["vt"] * n, 0.0)
    gate = np.where(real(vgs) > real(von), vgs, von)
    field = 100 * p["ucrit"] * silicon / oxide
    rough = real(gate - von) > field
    slow = np.where(rough, (field / np.where(rough, gate - von, 1.0)) ** p["uexp"], 1.0)
    eta, empty = 1 + factor, p["phi"] - vbs
    v1, bend = (gate - first) / eta + empty, gamma / eta
    arg = np.sqrt(1 + 4 * v1 / bend**2)
    vsat = (gate - first) / eta + np.where(real(bend) > 0, bend**2 * (1 - arg) / 2, 0.0)
    vsat = np.where((real(vsat) > 0) & ((real(v1) > 0) | (real(bend) <= 0)), vsat, 0.0)
    limited = p["vmax"] > 0
    xv = np.where(limited, p["vmax"] * length / (mobility * slow), 1.0)
    vsat = np.where(limited, _baum(v1, bend, empty, source, xv, vsat), vsat)
    linear = real(vds) <= real(vsat)
    v = np.where(linear, vds, vsat)
    body = _depletion(vbs - v, p)[0] ** 3 - source**3
    current = p["slope"] * slow * ((gate - first - eta * v / 2) * v - 2 / 3 * gamma * body)
    # the length that the drain takes away
    over = (vds - vsat) / 4
    lost = xd * np.sqrt(over + np.sqrt(1 + over**2))
    xdv = xd / np.sqrt(p["neff"])
    xlv = xdv * xv / (2 * length)
    ahead = np.where(linear, 0.0, vds - vsat)
    lost = np.where(limited, xdv * (np.sqrt(xlv**2 + ahead) - xlv), lost)
    doped = (p["nsub"] > 0) & (p["lambda"] <= 0)
    lost = np.where(doped, lost, p["lambda"] * vds * length)
    wall = xd * np.sqrt(p["pb"])
    least = np.where(p["nsub"] > 0, wall, 0.25e-6)
    punched = least / (1 + (lost - length + wall) / least)
    left = np.where(real(length - lost) < real(least), punched, length - lost)
    current = current * length / left
    off = real(vgs) <= real(von)
    current = np.where(off & weak, current * np.exp((vgs - von) / (p["vt"] * n)), current)
    return np.where(weak | ~off, current, 0 * current)


def _baum(v1: Any, bend: Any, empty: Any, source: Any, xv: Any, usual: Any) -> Any:
    """Return the voltage at which carriers are as fast as they can be."""
    a, b, c = 4 / 3 * bend, -2 * (v1 + xv), -2 * bend * xv
    d = 2 * v1 * (empty + xv) - empty**2 - 4 / 3 * bend * source**3
    # where the cubic of Ferrari's method is solved with the wrong sign, no root is found
    q, w = real(a * c - 4 * d) - real(b) ** 2 / 3, real(a * a * d - 4 * b * d + c * c)
    odd = -2 / 27 * real(b) ** 3 + real(b * (a * c - 4 * d)) / 3 - w
    fails = (odd >= 0) | ((q > 0) & (odd**2 / 4 + q**3 / 27 >= 0))
    matrix = np.zeros((*np.shape(d), 4, 4))
    matrix[..., [1, 2, 3], [0, 1, 2]] = 1.0
    for column, value in enumerate((a, b, c, d)):
        matrix[..., 0, column] = -np.nan_to_num(real(value))
    roots = np.linalg.eigvals(matrix)
    fits = (np.abs(np.imag(roots)) < 1e-6 * np.abs(roots)) & (np.real(roots) > 0)
    x = np.where(fits, np.real(roots), np.inf).min(axis=-1)
    found = np.isfinite(x) & (real(d) > 0) & (real(v1) > 0) & ~fails
    x = np.where(found, x, 1.0) + 0 * d
    for _ in range(3):
        x = x - ((((x + a) * x + b) * x + c) * x + d) / (((4 * x + 3 * a) * x + 2 * b) * x + c)
    return np.where(found, x**2 - empty, usual)


#: level -> its law
LEVELS = {2: level2, 3: level3}


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

    Level 1 is Shichman and Hodges's; for the others see `LEVELS`.
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
