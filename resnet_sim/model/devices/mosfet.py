"""Field-effect transistors with an insulated gate: Shichman and Hodges's model (level 1)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...arrays import Floats, Ints
from ...errors import UsageError
from .cards import BadModel, Card, Given, Made, Model
from .characteristic import (
    CHARGE,
    KELVIN,
    STEEPEST,
    THERMAL,
    critical,
    limit_channel,
    limit_drain,
    limit_junction,
)
from .multipole import Multipole
from .pieces import Pieces

#: permittivities of silicon and its oxide (F/m), carriers of pure silicon (1/m^3)
SILICON, OXIDE, INTRINSIC = 11.70 * 8.854214871e-12, 3.9 * 8.854214871e-12, 1.45e16
#: what matters to charges, noise and limits alone
OTHER = {
    *("cbd", "cbs", "pb", "cgso", "cgdo", "cgbo", "cj", "mj", "cjsw", "mjsw", "fc", "kf", "af"),
    *("nlev", "gdsnoi", "vds", "vgs", "id_max", "vds_max", "vgs_max", "vbs_max", "vbd_max"),
}
#: parameters of the doping, which others follow from where they are not given
DOPING = ("tox", "nsub", "nss", "tpg", "uo")
REFERENCE = 300.15


def evaluate(model: Given) -> Made:
    """Return the parameters that a model gives."""
    found = dict(Mosfets.evaluate(model))
    for key in ("rd", "rs", "is", "js", "rsh", "gamma", "tox"):
        if found.get(key, 0.0) < 0:
            raise BadModel(f"{key} must be 0 or more", key)
    if found.get("phi", 1.0) <= 0:
        raise BadModel("phi must be above 0", "phi")
    if found.get("nsub", 1e20) * 1e6 <= INTRINSIC:
        raise BadModel("nsub must be above that of pure silicon, 1.45e10 per cm^3", "nsub")
    return Made(Mosfets.plural, found)


def gap(kelvin: float | Floats) -> Floats:
    """Return the energy gap of silicon, eV."""
    return np.asarray(1.16 - 7.02e-4 * kelvin**2 / (kelvin + 1108.0))


@dataclass(frozen=True, eq=False)
class Mosfets(Multipole):
    """Field-effect transistor with drain, gate, source and bulk.

    ::

               o d        i = beta (1 + lambda v_ds) (v_on - v_ds / 2) v_ds   for v_ds < v_on
           |--+           i = beta / 2 (1 + lambda v_ds) v_on^2               from there on
        g o||<---o b      v_on = v_gs - vto - gamma (sqrt(phi - v_bs) - sqrt(phi)),  0 if negative
           |--+           beta = kp w / (l - 2 ld)
               o s        and junctions from the bulk to drain and source, with gmin

    of the voltages behind `rd` and `rs`; with drain and source exchanged where ``v_ds < 0``
    (Shichman and Hodges, "Modeling and simulation of insulated-gate field-effect transistor
    switching circuits", 1968).
    """

    kind = "MOSFET"
    plural = "mosfets"
    terminals = "dgbs"
    order = "dgsb"
    types = "iio"
    value = "w"
    rank = 8
    options: ClassVar[Mapping[str, str]] = {
        "gmin": "gmin",
        "l": "defl",
        "w": "defw",
        "ad": "defad",
        "as": "defas",
    }
    lengths: ClassVar[Mapping[str, int]] = {"l": 1, "w": 1, "ad": 2, "as": 2}
    own = ("m", "l", "w", "ad", "as", "nrd", "nrs", "temp")
    polarities = ("nmos", "pmos")
    aliases: ClassVar[Mapping[str, str]] = {"vt0": "vto", "u0": "uo", "tref": "tnom"}
    refused: ClassVar[Mapping[str, tuple[float, ...]]] = {"level": (1.0,)}
    defaults: ClassVar[Mapping[str, float]] = {
        "polarity": 1.0, "m": 1.0, "l": 1e-4, "w": 1e-4, "ad": 0.0, "as": 0.0, "nrd": 1.0,
        "nrs": 1.0, "temp": 27.0, "gmin": 1e-12, "vto": 0.0, "kp": 2e-5, "gamma": 0.0, "phi": 0.6,
        "lambda": 0.0, "rd": -1.0, "rs": -1.0, "rsh": 0.0, "is": 1e-14, "js": 0.0, "ld": 0.0,
        "tnom": 27.0,
    }  # fmt: skip
    cards = (Card("m", "Mname drain gate source bulk model [l=length] [w=width]", "transistor"),)
    models = (
        Model(
            "MOSFET", polarities,
            frozenset({*defaults, *aliases, *refused, *OTHER, *DOPING, "mfg", "type"}),
            evaluate, frozenset({"mfg", "type"}),
        ),
    )  # fmt: skip

    @classmethod
    def evaluate(cls, model: Given) -> Mapping[str, float]:
        """The doping is kept until the temperature is known."""
        found = dict(super().evaluate(model))
        named = {cls.aliases.get(key, key): value for key, value in model.numbers.items()}
        return found | {key: named[key] for key in DOPING if key in named}

    @classmethod
    def completed(cls, given: Mapping[str, float]) -> Mapping[str, float]:
        """Thresholds and transconductances that are not given follow from the doping."""
        derived = _from_doping(given) if given.get("tox", 0.0) > 0 else {}
        kept = {key: value for key, value in given.items() if key not in DOPING}
        return {**cls.defaults, **derived, **kept}

    @classmethod
    def sensible(cls, name: str, numbers: Mapping[str, float]) -> None:
        """The channel has a length."""
        super().sensible(name, numbers)
        if numbers["l"] <= 2 * numbers["ld"]:
            raise UsageError(f"the channel of {name} is shorter than what diffuses under the gate")

    def pieces(self, out: Pieces, first: int) -> None:
        """Resistances to nodes within, and the law between these."""
        values = effective(self)
        numbers = self.grouped(self.numbers(first))
        drain, source = self.channel(out, numbers, values)
        p = np.stack([drain, self.ends("g"), self.ends("b")], axis=1)
        q = np.stack([source] * 3, axis=1)
        out.law(numbers, p, q, np.ones(3), ShichmanHodges(values))


def _from_doping(given: Mapping[str, float]) -> dict[str, float]:
    """Return what follows from oxide and doping."""
    sign, kelvin = given.get("polarity", 1.0), given.get("tnom", 27.0) + KELVIN
    oxide = OXIDE / given["tox"]
    derived = {"kp": given.get("uo", 600.0) * 1e-4 * oxide}
    if "nsub" not in given:
        return derived
    doping = given["nsub"] * 1e6
    phi = given.get("phi", max(0.1, 2.0 * THERMAL * kelvin * math.log(doping / INTRINSIC)))
    gamma = given.get("gamma", math.sqrt(2.0 * SILICON * CHARGE * doping) / oxide)
    half = 0.5 * float(gap(kelvin))
    gate = given.get("tpg", 1.0)
    work = 3.25 + half - sign * gate * half if gate else 3.2
    flat = work - (3.25 + half + sign * 0.5 * phi)
    flat -= given.get("nss", 0.0) * 1e4 * CHARGE / oxide
    return derived | {"phi": phi, "gamma": gamma, "vto": flat + sign * (gamma * phi**0.5 + phi)}


def effective(table: Mosfets) -> dict[str, Floats]:
    """Return what the law consists of: parameters at the temperature and size of each device."""
    v = {key: table.parameter(key) for key in table.defaults}
    kelvin, nominal = v["temp"] + KELVIN, v["tnom"] + KELVIN
    ratio, sign = kelvin / nominal, v["polarity"]
    volts, volts_nominal = THERMAL * kelvin, THERMAL * nominal
    # potentials at the reference temperature, and from there
    shifts = [
        -2.0 * THERMAL * t * (1.5 * np.log(t / REFERENCE)
        + 0.5 * (1.1150877 / REFERENCE - gap(t) / t) / THERMAL) for t in (kelvin, nominal)
    ]  # fmt: skip
    phi = kelvin / REFERENCE * (v["phi"] - shifts[1]) / (nominal / REFERENCE) + shifts[0]
    flat = v["vto"] - sign * v["gamma"] * np.sqrt(v["phi"])
    flat += 0.5 * (gap(nominal) - gap(kelvin)) + sign * 0.5 * (phi - v["phi"])
    hotter = np.exp(gap(nominal) / volts_nominal - gap(kelvin) / volts)
    by_area = (v["js"] != 0) & (v["ad"] != 0) & (v["as"] != 0)
    m = v["m"]
    junction = {
        end: m * hotter * np.where(by_area, v["js"] * v["a" + end[0]], v["is"])
        for end in ("drain", "source")
    }
    resistance = {
        f"r{end}": np.where(v[f"r{end}"] >= 0, v[f"r{end}"], v["rsh"] * v[f"nr{end}"]) / m
        for end in "ds"
    }
    return {
        "type": sign, "volts": volts, "gmin": v["gmin"], "flat": flat * sign, "phi": phi,
        "gamma": v["gamma"], "lambda": v["lambda"],
        "beta": m * v["kp"] / ratio**1.5 * v["w"] / (v["l"] - 2.0 * v["ld"]),
        **junction, **resistance,
    }  # fmt: skip


class ShichmanHodges:
    """The currents of drain, gate and bulk, by their voltages to the source."""

    def __init__(self, values: dict[str, Floats]) -> None:
        self.values = values
        self.corners = [critical(values[end], values["volts"]) for end in ("source", "drain")]
        self.threshold = values["flat"] + values["gamma"] * np.sqrt(values["phi"])

    def some(self, devices: Ints) -> ShichmanHodges:
        """The same of some devices."""
        return ShichmanHodges({key: value[devices] for key, value in self.values.items()})

    def start(self) -> Floats:
        """The gate at its threshold, the bulk reverse biased."""
        v = np.stack([0.0 * self.threshold, self.threshold, 0.0 * self.threshold - 1.0], axis=1)
        return self.values["type"][:, None] * v

    def limit(self, new: Floats, old: Floats) -> Floats:
        """The gate, the drain, and the junctions."""
        p, sign = self.values, self.values["type"][:, None]
        (ds, gs, bs), (ds0, gs0, bs0) = (sign * new).T, (sign * old).T
        on = p["flat"] + p["gamma"] * self._root(np.where(ds0 >= 0, bs0, bs0 - ds0))[0]
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
