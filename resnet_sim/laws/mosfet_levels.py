"""The channels of MOSFETs whose models have a level above 1, in ngspice's form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .multipole import real

#: C; F/m
CHARGE, VACUUM = 1.6021766208e-19, 8.854214871e-12


@np.errstate(all="ignore")  # what a branch makes of other devices is not taken
def level3(vds: Any, vgs: Any, vbs: Any, p: Mapping[str, Any]) -> Any:
    """Return the current of one channel of level 3; ``vds`` is not negative."""
    oxide, silicon = 3.9 * VACUUM / p["tox"], 11.7 * VACUUM
    length, width, weak = p["l"], p["w"], p["nfs"] != 0
    forward = real(vbs) > 0
    deep = np.sqrt(np.where(forward, p["phi"], p["phi"] - vbs))
    deep = np.where(forward, deep / (1 + vbs / (2 * p["phi"])), deep)
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
