"""Field-effect transistors with a junction at the gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...arrays import Floats, Ints
from .cards import BadModel, Card, Given, Made, bounded
from .characteristic import (
    KELVIN,
    THERMAL,
    critical,
    exponential,
    limit_channel,
    limit_junction,
)
from .multipole import Multipole, transistors
from .pieces import Pieces

#: what matters to charges and noise alone
OTHER = {"cgs", "cgd", "fc", "kf", "af", "nlev", "gdsnoi", "m"}


def evaluate(model: Given) -> Made:
    """Return the parameters that a model gives."""
    found = dict(Jfets.evaluate(model))
    bounded(found, (), ("rd", "rs", "is"))
    if found.get("b", 1.0) != 1.0 and found.get("pb", 1.0) == found.get("vto", -2.0):
        raise BadModel("pb must differ from vto", "pb")
    return Made(Jfets.plural, found)


@dataclass(frozen=True, eq=False)
class Jfets(Multipole):
    """Field-effect transistor with drain, gate and source.

    ::

              o d      i = beta (1 + lambda v_ds) v_on^2 (b + c v_on)           for v_ds > v_on
              |        the same less what a cubic of v_on - v_ds takes away     below
        g o-->|        v_on = v_gs - vto, 0 if negative;  c = (1 - b) / (pb - vto)
              |        and junctions from the gate to drain and source, with gmin
              o s

    of the voltages behind `rd` and `rs`; with drain and source exchanged where ``v_ds < 0``.
    With ``b = 1`` this is Shichman and Hodges's model, else Parker and Skellern's ("An improved
    FET model for computer simulators", 1990).
    """

    kind = "JFET"
    plural = "jfets"
    terminals = "dgs"
    order = "dgs"
    types = "io"
    value = "area"
    rank = 8
    own = ("area", "m", "temp")
    polarities = ("njf", "pjf")
    aliases: ClassVar[Mapping[str, str]] = {"vt0": "vto", "tref": "tnom"}
    refused: ClassVar[Mapping[str, tuple[float, ...]]] = {"level": (1.0,)}
    defaults: ClassVar[Mapping[str, float]] = {
        "polarity": 1.0, "area": 1.0, "m": 1.0, "temp": 27.0, "gmin": 1e-12, "vto": -2.0,
        "beta": 1e-4, "lambda": 0.0, "rd": 0.0, "rs": 0.0, "is": 1e-14, "pb": 1.0, "b": 1.0,
        "tcv": 0.0, "vtotc": 0.0, "bex": 0.0, "betatce": 0.0, "xti": 0.0, "eg": 1.11, "tnom": 27.0,
    }  # fmt: skip
    cards = (Card("j", "Jname drain gate source model [area]", "transistor"),)
    models = transistors(kind, polarities, evaluate, {*defaults, *aliases, *refused, *OTHER})

    def pieces(self, out: Pieces, first: int) -> None:
        """Resistances to nodes within, and the law between these."""
        values = effective(self)
        numbers = self.grouped(self.numbers(first))
        drain, source = self.channel(out, numbers, values)
        p = np.stack([drain, self.ends("g")], axis=1)
        q = np.stack([source] * 2, axis=1)
        out.law(numbers, p, q, np.ones(2), Junction(values))


def effective(table: Jfets) -> dict[str, Floats]:
    """Return what the law consists of: parameters at the temperature and size of each device."""
    v = {key: table.parameter(key) for key in table.defaults}
    kelvin, nominal = v["temp"] + KELVIN, v["tnom"] + KELVIN
    rise, ratio, volts = kelvin - nominal, kelvin / nominal, THERMAL * kelvin
    size = v["area"] * v["m"]
    power = (ratio - 1.0) * v["eg"] / volts + v["xti"] * np.log(ratio)
    threshold = v["vto"] + np.where(v["vtotc"] != 0, v["vtotc"], -v["tcv"]) * rise
    beta = np.where(v["betatce"] != 0, 1.01 ** (v["betatce"] * rise), ratio ** v["bex"])
    return {
        "type": v["polarity"], "volts": volts, "gmin": v["m"] * v["gmin"], "vto": threshold,
        "beta": size * v["beta"] * beta, "lambda": v["lambda"],
        "is": size * v["is"] * np.exp(power),
        "b": v["b"], "tail": (1.0 - v["b"]) / np.where(v["b"] == 1.0, 1.0, v["pb"] - v["vto"]),
        "rd": v["rd"] / size, "rs": v["rs"] / size,
    }  # fmt: skip


class Junction:
    """The currents of drain and gate, by their voltages to the source."""

    def __init__(self, values: dict[str, Floats]) -> None:
        self.values = values
        self.corner = critical(values["is"], values["volts"])

    def some(self, devices: Ints) -> Junction:
        """The same of some devices."""
        return Junction({key: value[devices] for key, value in self.values.items()})

    def start(self) -> Floats:
        """Both junctions reverse biased."""
        v = np.zeros((len(self.corner), 2))
        v[:, 1] = -1.0
        return self.values["type"][:, None] * v

    def limit(self, new: Floats, old: Floats) -> Floats:
        """Both junctions, which control the channel too."""
        p, sign = self.values, self.values["type"][:, None]
        limited = []
        for after, before in zip(_junctions(sign * new), _junctions(sign * old), strict=True):
            near = limit_junction(after, before, p["volts"], self.corner)
            limited.append(limit_channel(near, before, p["vto"]))
        gs, gd = limited
        return sign * np.stack([gs - gd, gs], axis=1)

    def evaluate(self, v: Floats) -> tuple[Floats, Floats]:
        """Currents and derivatives."""
        p, sign = self.values, self.values["type"][:, None]
        gs, gd = _junctions(sign * v)
        ds = gs - gd
        at_source, d_source = exponential(gs, p["is"], p["volts"])
        at_drain, d_drain = exponential(gd, p["is"], p["volts"])
        at_source, d_source = at_source + p["gmin"] * gs, d_source + p["gmin"]
        at_drain, d_drain = at_drain + p["gmin"] * gd, d_drain + p["gmin"]
        turned = ds < 0
        channel, by_gate, by_across = self._channel(np.where(turned, gd, gs), np.abs(ds))
        mode = np.where(turned, -1.0, 1.0)
        i, slope = np.zeros_like(v), np.zeros((*v.shape, 2))
        i[:, 0], i[:, 1] = mode * channel - at_drain, at_source + at_drain
        slope[:, 0, 0] = by_across + np.where(turned, by_gate, 0.0) + d_drain
        slope[:, 0, 1] = mode * by_gate - d_drain
        slope[:, 1, 0], slope[:, 1, 1] = -d_drain, d_source + d_drain
        return sign * i, slope

    def _channel(self, gate: Floats, across: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the current of the channel, and its derivatives by gate and drain voltage."""
        p = self.values
        over = np.maximum(gate - p["vto"], 0.0)
        rest = np.maximum(over - across, 0.0)

        def shape(x: Floats) -> tuple[Floats, Floats]:
            return x**2 * (p["b"] + p["tail"] * x), x * (2.0 * p["b"] + 3.0 * p["tail"] * x)

        # what the source's end of the channel carries, less what its drain's end sends back
        (ahead, d_ahead), (back, d_back) = shape(over), shape(rest)
        longer = p["beta"] * (1.0 + p["lambda"] * across)
        by_across = longer * d_back + p["beta"] * p["lambda"] * (ahead - back)
        return longer * (ahead - back), longer * (d_ahead - d_back), by_across


def _junctions(v: Floats) -> tuple[Floats, Floats]:
    """Return the gate's voltages to source and drain."""
    return v[:, 1], v[:, 1] - v[:, 0]
