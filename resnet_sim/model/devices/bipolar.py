"""Bipolar transistors: the Gummel-Poon model at DC, as ngspice has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...arrays import Floats, Ints
from .cards import Card, Given, Made, bounded
from .characteristic import KELVIN, THERMAL, critical, exponential, limit_junction
from .multipole import Multipole, transistors
from .pieces import Pieces

#: parameters with two temperature coefficients ``1 + t1 dt + t2 dt^2`` -> the letters of these
TEMPERED = {
    "bf": "tbf", "br": "tbr", "ikf": "tikf", "ikr": "tikr", "irb": "tirb", "nc": "tnc", "ne": "tne",
    "nf": "tnf", "nr": "tnr", "rb": "trb", "rc": "trc", "re": "tre", "rbm": "trm", "vaf": "tvaf",
    "var": "tvar", "ns": "tns",
}  # fmt: skip
#: what matters to charges, noise and limits alone
OTHER = {
    *("cje", "vje", "pe", "mje", "me", "tf", "xtf", "vtf", "itf", "ptf", "cjc", "vjc", "pc"),
    *("mjc", "mc", "xcjc", "tr", "cjs", "csub", "ccs", "vjs", "ps", "mjs", "ms", "fc", "kf"),
    *("af", "tlevc", "ctc", "cte", "cts", "tvjc", "tvje", "tvjs", "titf1", "titf2", "ttf1"),
    *("ttf2", "ttr1", "ttr2", "tmje1", "tmje2", "tmjc1", "tmjc2", "tmjs1", "tmjs2", "vbe_max"),
    *("vbc_max", "vce_max", "vo", "pd_max", "ic_max", "ib_max", "te_max", "rth0", "qco", "gamma"),
    *("vg", "cn", "d", "quasimod", "vceo", "icrating", "iave", "vpk", "tis1", "tis2", "tise1"),
    *("tise2", "tisc1", "tisc2", "tiss1", "tiss2"),
}  # fmt: skip
#: base currents below this share of `irb` leave the base resistance alone
FAINT = 1e-9


def evaluate(model: Given) -> Made:
    """Return the parameters that a model gives."""
    found = dict(Bipolars.evaluate(model))
    least = ("rb", "rbm", "rc", "re", "ise", "isc", "iss", "irb", "ibe", "ibc")
    bounded(found, ("is", "bf", "br", "nf", "nr", "ne", "nc", "ns"), least)
    return Made(Bipolars.plural, found)


@dataclass(frozen=True, eq=False)
class Bipolars(Multipole):
    """Bipolar transistor with collector, base, emitter and substrate.

    ::

              o c        i_c = (i_f - i_r) / q_b - i_r / br - i_cl
              | /        i_b = i_f / bf + i_el + i_r / br + i_cl
        b o---|          i_f = is (exp(v_be / (nf Vt)) - 1),  i_el = ise (exp(v_be / (ne Vt)) - 1)
              | \\        i_r = is (exp(v_bc / (nr Vt)) - 1),  i_cl = isc (exp(v_bc / (nc Vt)) - 1)
              o e        q_b = (1 + (1 + 4 (i_f / ikf + i_r / ikr))^nkf) / (2 q),
                         q = 1 - v_bc / vaf - v_be / var

    of the voltages behind `rb`, `rc` and `re`, with gmin across both junctions (Gummel and
    Poon, "An integral charge control model of bipolar transistors", 1970).
    """

    kind = "bipolar transistor"
    plural = "bipolars"
    terminals = "cbse"
    order = "cbes"
    types = "iio"
    value = "area"
    rank = 8
    optional = 1
    own = ("area", "areab", "areac", "m", "temp")
    polarities = ("npn", "pnp")
    aliases: ClassVar[Mapping[str, str]] = {
        "va": "vaf", "ik": "ikf", "vb": "var", "c2": "ise", "c4": "isc", "nk": "nkf",
        "tref": "tnom", "trb": "trb1", "trc": "trc1", "tre": "tre1", "t_measured": "tnom",
    }  # fmt: skip
    refused: ClassVar[Mapping[str, tuple[float, ...]]] = {
        "level": (1.0, 2.0),
        "rco": (0.0,),
        "tlev": (0.0, 1.0),
    }
    defaults: ClassVar[Mapping[str, float]] = {
        "polarity": 1.0, "area": 1.0, "areab": 1.0, "areac": 1.0, "m": 1.0, "temp": 27.0,
        "gmin": 1e-12, "is": 1e-16, "ibe": 0.0, "ibc": 0.0, "bf": 100.0, "nf": 1.0, "vaf": 0.0,
        "ikf": 0.0, "ise": 0.0, "ne": 1.5, "br": 1.0, "nr": 1.0, "var": 0.0, "ikr": 0.0, "isc": 0.0,
        "nc": 2.0, "rb": 0.0, "irb": 0.0, "rbm": 0.0, "re": 0.0, "rc": 0.0, "xtb": 0.0, "eg": 1.11,
        "xti": 3.0, "iss": 0.0, "ns": 1.0, "nkf": 0.5, "subs": 1.0, "tnom": 27.0, "tlev": 0.0,
        **{letters + k: 0.0 for letters in TEMPERED.values() for k in "12"},
    }  # fmt: skip
    cards = (Card("q", "Qname collector base emitter [substrate] model [area]", "transistor"),)
    models = transistors(kind, polarities, evaluate, {*defaults, *aliases, *refused, *OTHER})

    @classmethod
    def completed(cls, given: Mapping[str, float]) -> Mapping[str, float]:
        """Areas, the least base resistance and the place of the substrate follow from others."""
        area = given.get("area", 1.0)
        polarity = given.get("polarity", 1.0)
        usual = {"areab": area, "areac": area, "rbm": given.get("rb", 0.0), "subs": polarity}
        return {**cls.defaults, **usual, **given}

    def pieces(self, out: Pieces, first: int) -> None:
        """Resistances to nodes within, and the law between these."""
        values = effective(self)
        numbers = self.grouped(self.numbers(first))
        rb, rbm = values["rb"], values["rbm"]
        c, b, e = (
            self.behind(out, letter, ohms)
            for letter, ohms in (("c", values["rc"]), ("b", rb), ("e", values["re"]))
        )
        for letter, inside, ohms in (("c", c, values["rc"]), ("e", e, values["re"])):
            self.join(out, numbers[:, 0], letter, inside, ohms, ohms > 0)
        changing = (rb > 0) & (rb != rbm)
        self.join(out, numbers[:, 1], "b", b, rb, (rb > 0) & ~changing)
        p = np.stack([c, b, self.ends("s"), self.ends("b")], axis=1)
        q = np.stack([e, e, e, b], axis=1)
        element, sign = numbers[:, [0, 1, 2, 1]], np.array([1.0, 1.0, 1.0, 0.0])
        for some, count in ((~changing, 3), (changing, 4)):
            if some.any():
                law = GummelPoon({key: value[some] for key, value in values.items()}, count)
                rows = np.flatnonzero(some)
                out.law(element[rows, :count], p[rows, :count], q[rows, :count], sign[:count], law)


def effective(table: Bipolars) -> dict[str, Floats]:
    """Return what the law consists of: parameters at the temperature and size of each device."""
    v = {key: table.parameter(key) for key in table.defaults}
    kelvin, nominal = v["temp"] + KELVIN, v["tnom"] + KELVIN
    rise, ratio = kelvin - nominal, kelvin / nominal
    hot = {}
    for key, letters in TEMPERED.items():
        hot[key] = v[key] * (1.0 + v[letters + "1"] * rise + v[letters + "2"] * rise**2)
    volts = THERMAL * kelvin
    power = (ratio - 1.0) * v["eg"] / volts + v["xti"] * np.log(ratio)
    gain = np.where(v["tlev"] == 1.0, 1.0 + v["xtb"] * rise, ratio ** v["xtb"])
    for key, letters in (("bf", "tbf"), ("br", "tbr")):
        given = (v[letters + "1"] != 0) | (v[letters + "2"] != 0)
        hot[key] = np.where(given, hot[key], v[key] * gain)
    # a vertical transistor's collector lies below the base, that of a lateral one beside it
    beyond = np.where(v["subs"] > 0, v["areab"], v["areac"])
    across = np.where(v["subs"] > 0, v["areac"], v["areab"])
    apart = (v["ibe"] > 0) & (v["ibc"] > 0)
    saturation = v["area"] * v["is"] * np.exp(power)
    forward = np.where(apart, v["area"] * v["ibe"] * np.exp(power / v["nf"]), saturation)
    # ngspice multiplies by both areas
    reverse = np.where(apart, v["ibc"] * np.exp(power / v["nr"]), saturation) * beyond
    substrate = np.exp(np.where(apart, power / v["nr"], power)) * np.where(apart, across, v["area"])
    m, area = v["m"], v["area"]
    return {
        "type": v["polarity"], "vertical": v["subs"] > 0, "turn": v["polarity"] * v["subs"],
        "volts": volts,
        "gmin": m * v["gmin"], "saturation": m * saturation, "forward": m * forward,
        "reverse": m * reverse, "substrate": m * v["iss"] * substrate,
        "emitter_leak": m * area * v["ise"] * np.exp(power / v["ne"]) / gain,
        "collector_leak": m * beyond * v["isc"] * np.exp(power / v["nc"]) / gain,
        **{key: hot[key] * volts for key in ("nf", "nr", "ne", "nc", "ns")},
        "bf": hot["bf"], "br": hot["br"], "nkf": v["nkf"],
        "early_f": inverse(hot["vaf"]), "early_r": inverse(hot["var"]),
        "knee_f": inverse(hot["ikf"]) / (m * area), "knee_r": inverse(hot["ikr"]) / (m * area),
        "irb": m * area * hot["irb"],
        **{key: hot[key] / (m * area) for key in ("rb", "rbm", "rc", "re")},
    }  # fmt: skip


def inverse(values: Floats) -> Floats:
    """Return the inverse; 0 stands for infinity."""
    return np.divide(1.0, values, out=np.zeros_like(values), where=values != 0)


class GummelPoon:
    """The currents of the collector, the base and the substrate, and maybe of the base resistance.

    Voltages: collector, base and substrate to emitter, terminal to base.
    """

    def __init__(self, values: dict[str, Floats], count: int) -> None:
        self.values, self.count = values, count
        self.corner = critical(values["saturation"], values["volts"])

    def some(self, devices: Ints) -> GummelPoon:
        """The same of some devices."""
        return GummelPoon({key: value[devices] for key, value in self.values.items()}, self.count)

    def start(self) -> Floats:
        """The emitter's junction at its corner, none across the collector's."""
        v = np.zeros((len(self.corner), self.count))
        v[:, 0] = v[:, 1] = self.corner
        return self.values["type"][:, None] * v

    def limit(self, new: Floats, old: Floats) -> Floats:
        """Both junctions, and that of the substrate."""
        p = self.values
        turned, before = p["type"][:, None] * new, p["type"][:, None] * old
        be = limit_junction(turned[:, 1], before[:, 1], p["volts"], self.corner)
        bc = limit_junction(
            turned[:, 1] - turned[:, 0], before[:, 1] - before[:, 0], p["volts"], self.corner
        )
        limited = turned.copy()
        limited[:, 0], limited[:, 1] = be - bc, be
        limited *= p["type"][:, None]
        turn, corner = p["turn"], critical(p["substrate"], p["volts"])
        after, before = (turn * (v[:, 2] - self._beside(v)) for v in (new, old))
        near = turn * limit_junction(after, before, p["volts"], corner)
        limited[:, 2] = np.where(p["substrate"] > 0, near + self._beside(limited), new[:, 2])
        return limited

    def _beside(self, v: Floats) -> Floats:
        """Return the voltage of what lies beside the substrate."""
        return np.where(self.values["vertical"], v[:, 0], v[:, 1])

    def evaluate(self, v: Floats) -> tuple[Floats, Floats]:
        """Currents and derivatives."""
        p, sign = self.values, self.values["type"]
        ce, be = sign * v[:, 0], sign * v[:, 1]
        bc = be - ce
        forward, d_forward = exponential(be, p["forward"], p["nf"])
        reverse, d_reverse = exponential(bc, p["reverse"], p["nr"])
        e_leak, d_e_leak = exponential(be, p["emitter_leak"], p["ne"])
        c_leak, d_c_leak = exponential(bc, p["collector_leak"], p["nc"])
        e_leak, d_e_leak = e_leak + p["gmin"] * be, d_e_leak + p["gmin"]
        c_leak, d_c_leak = c_leak + p["gmin"] * bc, d_c_leak + p["gmin"]
        charge, by_be, by_bc = self._charge(be, bc, (forward, d_forward), (reverse, d_reverse))
        transport = (forward - reverse) / charge
        # by the voltages of the two junctions
        t_be = (d_forward - transport * by_be) / charge
        t_bc = (-d_reverse - transport * by_bc) / charge
        back, d_back = reverse / p["br"] + c_leak, d_reverse / p["br"] + d_c_leak
        collector, base = transport - back, forward / p["bf"] + e_leak + back
        c_be, c_bc = t_be, t_bc - d_back
        b_be, b_bc = d_forward / p["bf"] + d_e_leak, d_back
        i, slope = np.zeros_like(v), np.zeros((*v.shape, self.count))
        i[:, 0], i[:, 1] = sign * collector, sign * base
        slope[:, 0, 0], slope[:, 0, 1] = -c_bc, c_be + c_bc
        slope[:, 1, 0], slope[:, 1, 1] = -b_bc, b_be + b_bc
        self._substrate(v, i, slope)
        if self.count > 3:
            self._spread(v[:, 3], charge, (by_be, by_bc), base, (b_be, b_bc), i, slope)
        return i, slope

    def _substrate(self, v: Floats, i: Floats, slope: Floats) -> None:
        """Add the current from the substrate to what lies beside it."""
        p, across = self.values, v[:, 2] - self._beside(v)
        below, d_below = exponential(p["turn"] * across, p["substrate"], p["ns"])
        i[:, 2] = below = p["turn"] * below + p["gmin"] * across
        d_below = d_below + p["gmin"]
        slope[:, 2, 2] = d_below
        for k, some in enumerate((p["vertical"], np.logical_not(p["vertical"]))):
            i[:, k] -= np.where(some, below, 0.0)
            slope[:, k, k] += np.where(some, d_below, 0.0)
            slope[:, k, 2] -= np.where(some, d_below, 0.0)
            slope[:, 2, k] -= np.where(some, d_below, 0.0)

    def _charge(
        self, be: Floats, bc: Floats,
        forward: tuple[Floats, Floats], reverse: tuple[Floats, Floats],
    ) -> tuple[Floats, Floats, Floats]:  # fmt: skip
        """Return the charge of the base relative to that without bias, and its derivatives."""
        p = self.values
        early = 1.0 / (1.0 - p["early_f"] * bc - p["early_r"] * be)
        high = p["knee_f"] * forward[0] + p["knee_r"] * reverse[0]
        inside = np.maximum(1.0 + 4.0 * high, 0.0)
        root = np.where(inside > 0, inside ** p["nkf"], 1.0)
        bend = 2.0 * p["nkf"] * root / np.where(inside > 0, inside, 1.0) * (inside > 0)
        charge = early * (1.0 + root) / 2.0
        by_be = early * (charge * p["early_r"] + bend * p["knee_f"] * forward[1])
        by_bc = early * (charge * p["early_f"] + bend * p["knee_r"] * reverse[1])
        return charge, by_be, by_bc

    def _spread(
        self, across: Floats, charge: Floats, d_charge: tuple[Floats, Floats],
        base: Floats, d_base: tuple[Floats, Floats], i: Floats, slope: Floats,
    ) -> None:  # fmt: skip
        """Add the current through a base resistance that falls with the charge, or the current.

        With `irb`: ``rbm + 3 (rb - rbm) (tan z - z) / (z tan^2 z)`` (Hauser, "The effects of
        distributed base potential on emitter-current injection density ...", 1964).
        """
        p = self.values
        rest = p["rb"] - p["rbm"]
        ohms = p["rbm"] + rest / charge
        d_ohms = [-rest / charge**2 * d for d in d_charge]
        some = p["irb"] > 0
        irb = np.where(some, p["irb"], 1.0)
        x = np.maximum(base / irb, FAINT)
        root, outer = np.sqrt(x), np.sqrt(1.0 + 14.59025 * x)
        z = (outer - 1.0) / (2.4317 * root)
        t = np.tan(z)
        d_z = 14.59025 / (2.0 * 2.4317 * root * outer) - z / (2.0 * x)
        shape = (t - z) / (z * t**2)
        d_shape = 1.0 / z - shape * (1.0 / z + 2.0 * (1.0 + t**2) / t)
        d_shape *= d_z * (base / irb > FAINT) / irb
        crowded = p["rbm"] + 3.0 * rest * shape
        ohms = np.where(some, crowded, ohms)
        siemens = 1.0 / ohms
        i[:, 3] = siemens * across
        slope[:, 3, 3] = siemens
        by = [
            -(siemens**2) * across * np.where(some, 3.0 * rest * d_shape * d_b, d_o)
            for d_b, d_o in zip(d_base, d_ohms, strict=True)
        ]
        # of the transistor turned to npn; that across is not
        slope[:, 3, 0] = -p["type"] * by[1]
        slope[:, 3, 1] = p["type"] * (by[0] + by[1])
