"""Field-effect transistors with an insulated gate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...arrays import Floats
from ...errors import UsageError
from .cards import BadModel, Card, Given, Made, bounded
from .characteristic import CHARGE, KELVIN, THERMAL
from .mosfet_channel import OXIDE, SILICON, ShichmanHodges
from .multipole import Multipole, transistors
from .pieces import Pieces

#: carriers of pure silicon (1/m^3)
INTRINSIC = 1.45e16
#: level of models -> parameters of its own
LEVELS: Mapping[float, frozenset[str]] = {
    1.0: frozenset({"lambda"}),
    2.0: frozenset({"lambda", "ucrit", "uexp", "vmax", "neff", "xj", "delta", "nfs", "pb"}),
    3.0: frozenset(
        {"delvto", "xl", "xw", "wd", "eta", "theta", "kappa", "vmax", "xj", "delta", "nfs"}
    ),
}
OWN = frozenset().union(*LEVELS.values())
#: those of them that a law takes as they are
SIMPLE = OWN - {"delvto", "xl", "xw", "wd", "pb"}
#: what matters to charges, noise and limits alone
OTHER = {
    *("cbd", "cbs", "pb", "cgso", "cgdo", "cgbo", "cj", "mj", "cjsw", "mjsw", "fc", "kf", "af"),
    *("nlev", "gdsnoi", "vds", "vgs", "id_max", "vds_max", "vgs_max", "vbs_max", "vbd_max"),
    *("rg", "tt"),
}
#: what PSpice has and ngspice leaves out -> what to do about it
ELSEWHERE = {
    "rds": "--dialect pspice puts it between drain and source, as a resistor would be",
    "n": "the emission coefficient of its junctions is 1",
}
#: parameters of the doping, which others follow from where they are not given
DOPING = ("tox", "nsub", "nss", "tpg", "uo")
DERIVED = ("vto", "kp", "gamma", "phi")
REFERENCE = 300.15


def evaluate(model: Given) -> Made:
    """Return the parameters that a model gives."""
    found = dict(Mosfets.evaluate(model))
    level = found.get("level", 1.0)
    for key in found.keys() & OWN - LEVELS[level]:
        if key not in OTHER:
            model.note("W110", f"{key} is ignored: models of level {level:g} have none", "")
        del found[key]
    for key in ELSEWHERE.keys() & model.numbers.keys():
        if key == "rds" and model.conditions.shunts:
            found[key] = model.numbers[key]
        elif (key, model.numbers[key]) != ("n", 1.0):
            model.note("W110", f"{key} is ignored, as ngspice does", ELSEWHERE[key])
    bounded(found, (), ("rd", "rs", "is", "js", "rsh", "gamma", "tox", "xj", "kappa", "nfs"))
    bounded(found, ("phi", "neff", "pb", "ucrit", "rds"), ())
    if found.get("nsub", 1e20) * 1e6 <= intrinsic(found):
        raise BadModel("nsub must be above that of pure silicon, 1.45e10 per cm^3", "nsub")
    if level > 1 and found.get("tox", 1.0) == 0:
        raise BadModel("tox must be above 0", "tox")
    return Made(Mosfets.plural, found)


def gap(kelvin: float | Floats) -> Floats:
    """Return the energy gap of silicon, eV."""
    return np.asarray(1.16 - 7.02e-4 * kelvin**2 / (kelvin + 1108.0))


def intrinsic(given: Mapping[str, float]) -> float:
    """Return the carriers of pure silicon that a doping is compared with, 1/m^3."""
    kelvin = given.get("tnom", 27.0) + KELVIN
    if given.get("level", 1.0) < 3:
        return INTRINSIC
    drift = 0.5 * float(gap(kelvin)) / THERMAL * (1.0 / 300.0 - 1.0 / kelvin)
    return INTRINSIC * (kelvin / 300.0) ** 1.5 * math.exp(drift)


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
    switching circuits", 1968).  That is level 1; 2 and 3 have other channels, see `Geometric` and
    `SemiEmpirical`.
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
    aliases: ClassVar[Mapping[str, str]] = {
        "vt0": "vto", "u0": "uo", "tref": "tnom", "delvt0": "delvto",
    }  # fmt: skip
    refused: ClassVar[Mapping[str, tuple[float, ...]]] = {"level": tuple(LEVELS)}
    defaults: ClassVar[Mapping[str, float]] = {
        "polarity": 1.0, "m": 1.0, "l": 1e-4, "w": 1e-4, "ad": 0.0, "as": 0.0, "nrd": 1.0,
        "nrs": 1.0, "temp": 27.0, "gmin": 1e-12, "vto": 0.0, "kp": 2e-5, "gamma": 0.0, "phi": 0.6,
        "lambda": 0.0, "rd": -1.0, "rs": -1.0, "rsh": 0.0, "is": 1e-14, "js": 0.0, "ld": 0.0,
        "tnom": 27.0, "level": 1.0, "tox": 1e-7, "nsub": 0.0, "uo": 600.0, "delvto": 0.0, "xl": 0.0,
        "xw": 0.0, "wd": 0.0, "eta": 0.0, "theta": 0.0, "kappa": 0.2, "vmax": 0.0, "xj": 0.0,
        "delta": 0.0, "nfs": 0.0, "ucrit": 1e4, "uexp": 0.0, "neff": 1.0, "pb": 0.8,
    }  # fmt: skip
    cards = (Card("m", "Mname drain gate source bulk model [l=length] [w=width]", "transistor"),)
    models = transistors(
        kind, polarities, evaluate, {*defaults, *aliases, *refused, *OTHER, *DOPING, *ELSEWHERE}
    )

    @classmethod
    def evaluate(cls, model: Given) -> Mapping[str, float]:
        """The doping is kept until the temperature is known."""
        found = dict(super().evaluate(model))
        named = {cls.aliases.get(key, key): value for key, value in model.numbers.items()}
        return found | {key: named[key] for key in DOPING if key in named}

    @classmethod
    def completed(cls, given: Mapping[str, float]) -> Mapping[str, float]:
        """Thresholds and transconductances that are not given follow from the doping."""
        if given.get("level", 1.0) > 1:  # whose channel knows the doping too
            used = {key: given[key] for key in given if key not in ("nss", "tpg")}
            return {**cls.defaults, **_from_doping(given), **used}
        derived = _from_doping(given) if given.get("tox", 0.0) > 0 else {}
        kept = {key: value for key, value in given.items() if key not in DOPING}
        return {**cls.defaults, **derived, **kept}

    @classmethod
    def sensible(cls, name: str, numbers: Mapping[str, float]) -> None:
        """The channel has a length and a width."""
        super().sensible(name, numbers)
        if numbers["level"] not in LEVELS:
            raise UsageError(cls.refusal("level", numbers["level"]))
        if numbers["tox"] <= 0:
            raise UsageError(f"tox of {name} must be above 0")
        if numbers["l"] <= 2 * numbers["ld"] - numbers["xl"]:
            raise UsageError(f"the channel of {name} is shorter than what diffuses under the gate")
        if numbers["w"] <= 2 * numbers["wd"] - numbers["xw"]:
            raise UsageError(f"the channel of {name} is narrower than what its edges take away")

    def check(self, row: int, value: float) -> None:
        """The channel keeps a width."""
        super().check(row, value)
        numbers = dict(zip(self.defaults, self.values[row // self.width].tolist(), strict=True))
        self.sensible(self.names[row], {**numbers, str(self.value): value})

    def _given(self, row: int) -> dict[str, float]:
        """What would follow from the doping is told even if it is the usual."""
        found = super()._given(row)
        if "level" in found:
            found |= {key: self.parameter(key)[row // self.width] for key in DERIVED}
        return found

    def pieces(self, out: Pieces, first: int) -> None:
        """Resistances to nodes within, and the law between these."""
        values = effective(self)
        numbers = self.grouped(self.numbers(first))
        drain, source = self.channel(out, numbers, values)
        p = np.stack([drain, self.ends("g"), self.ends("b")], axis=1)
        q = np.stack([source] * 3, axis=1)
        for level in np.unique(values["level"]):
            rows = np.flatnonzero(values["level"] == level)
            law = channel_of(level)({key: value[rows] for key, value in values.items()})
            out.law(numbers[rows], p[rows], q[rows], np.ones(3), law)


def channel_of(level: float) -> type[ShichmanHodges]:
    """Return the law of models of a level."""
    if level == 1.0:
        return ShichmanHodges
    from .mosfet_levels import Geometric, SemiEmpirical

    return Geometric if level == 2.0 else SemiEmpirical


def _from_doping(given: Mapping[str, float]) -> dict[str, float]:
    """Return what follows from oxide and doping."""
    sign, kelvin = given.get("polarity", 1.0), given.get("tnom", 27.0) + KELVIN
    oxide = OXIDE / (given.get("tox", 1e-7) or 1e-7)  # 0 is refused later
    derived = {"kp": given.get("uo", 600.0) * 1e-4 * oxide}
    if "nsub" not in given:
        return derived
    doping = given["nsub"] * 1e6
    phi = given.get("phi", max(0.1, 2.0 * THERMAL * kelvin * math.log(doping / intrinsic(given))))
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
    phi, pb = (
        kelvin / REFERENCE * (v[key] - shifts[1]) / (nominal / REFERENCE) + shifts[0]
        for key in ("phi", "pb")
    )
    length, width = v["l"] - 2.0 * v["ld"] + v["xl"], v["w"] - 2.0 * v["wd"] + v["xw"]
    flat = v["vto"] + v["delvto"] - sign * v["gamma"] * np.sqrt(v["phi"])
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
        "type": sign, "volts": volts, "gmin": v["gmin"], "flat": flat * sign, "phi": phi, "pb": pb,
        "m": m, "gamma": v["gamma"],
        "beta": m * v["kp"] / ratio**1.5 * width / length, "mobility": v["uo"] * 1e-4 / ratio**1.5,
        **junction, **resistance, "length": length, "width": width,
        **{key: v[key] for key in ("level", "ld", "tox", "nsub", "uo", *SIMPLE)},
    }  # fmt: skip
