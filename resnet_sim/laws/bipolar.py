"""The law of bipolar transistors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..arrays import Floats
from ..model.devices import Bipolars
from .multipole import KELVIN_PER_VOLT, STEP, MultipoleLaw, beside, junction, kelvin, real

#: Newton steps for the voltage behind a base resistance
ROUNDS = 100
#: V; an exponential is nearly straight over less
CLOSE = 5e-3
#: parameters that change with the temperature by coefficients of their own, and these
HEATED = {
    **{
        key: "t" + key
        for key in (
            "bf", "br", "ikf", "ikr", "irb", "nc", "ne", "nf", "nr", "ns", "rb", "rc", "re", "vaf",
            "var",
        )
    },
    "rbm": "trm",
}  # fmt: skip


def _unless_zero(values: Any) -> Any:
    """Return 1 over values, 0 where they are 0, which stands for infinity."""
    return np.where(real(values) == 0, 0.0, 1.0 / np.where(real(values) == 0, 1.0, values))


class BipolarLaw(MultipoleLaw[Bipolars]):
    """Gummel and Poon's model at the temperature of the device; ``m`` of them side by side."""

    device = Bipolars
    main = ("is", "bf")

    def prepared(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return parameters at the temperature, currents of one of ``m`` devices."""
        g, p = given, dict(given)
        rise, (hot, cold) = g["temp"] - g["tnom"], kelvin(g)
        warmer, vt = hot / cold, hot / KELVIN_PER_VOLT
        for key, letters in HEATED.items():
            p[key] = g[key] * (1 + rise * (g[letters + "1"] + rise * g[letters + "2"]))
        gain = np.where(g["tlev"] == 1, 1 + g["xtb"] * rise, warmer ** g["xtb"])
        for key in ("bf", "br"):
            own = (g[f"t{key}1"] != 0) | (g[f"t{key}2"] != 0)
            p[key] = np.where(own, p[key], g[key] * gain)
        hotter = (warmer - 1) * g["eg"] / vt + g["xti"] * np.log(warmer)
        p["vertical"] = g["subs"] > 0
        outer, inner = (
            np.where(p["vertical"], g[one], g[other])
            for one, other in (("areab", "areac"), ("areac", "areab"))
        )
        two = (real(g["ibe"]) > 0) & (real(g["ibc"]) > 0)
        one = g["is"] * g["area"] * np.exp(hotter)
        p["is_f"] = np.where(two, g["ibe"] * g["area"] * np.exp(hotter / g["nf"]), one)
        p["is_r"] = outer * np.where(two, g["ibc"] * np.exp(hotter / g["nr"]), one)
        p["ise"] = g["area"] * g["ise"] * np.exp(hotter / g["ne"]) / gain
        p["isc"] = outer * g["isc"] * np.exp(hotter / g["nc"]) / gain
        one = g["area"] * np.exp(hotter)
        p["iss"] = g["iss"] * np.where(two, inner * np.exp(hotter / g["nr"]), one)
        for key in ("nf", "nr", "ne", "nc", "ns"):
            p[key] = p[key] * vt
        for key in ("ikf", "ikr", "vaf", "var"):
            p[key] = _unless_zero(p[key])
        p["changing"] = (real(p["rb"]) > 0) & (real(p["rb"]) != real(p["rbm"]))
        return p

    def currents(self, v: Any, p: Mapping[str, Any]) -> Any:
        """Return what flows into collector, base, substrate and emitter."""
        sense, vertical = p["polarity"], p["vertical"]
        c, b, s, e = np.moveaxis(v, -1, 0)
        vbe, vbc = sense * (b - e), sense * (b - c)
        forward, reverse = junction(vbe, p["is_f"], p["nf"]), junction(vbc, p["is_r"], p["nr"])
        at_emitter = forward / p["bf"] + junction(vbe, p["ise"], p["ne"]) + p["gmin"] * vbe
        at_collector = reverse / p["br"] + junction(vbc, p["isc"], p["nc"]) + p["gmin"] * vbc
        transport = (forward - reverse) / self._charge(vbe, vbc, p)
        turn = sense * p["subs"]
        vs = turn * (s - np.where(vertical, c, b))
        below = turn * (junction(vs, p["iss"], p["ns"]) + p["gmin"] * vs)
        ic, ib = sense * (transport - at_collector), sense * (at_emitter + at_collector)
        ic, ib = ic - np.where(vertical, below, 0.0), ib - np.where(vertical, 0.0, below)
        return p["m"][..., None] * np.stack([ic, ib, below, -ic - ib - below], axis=-1)

    def _charge(self, vbe: Any, vbc: Any, p: Mapping[str, Any]) -> Any:
        """Return the base's charge relative to that without bias."""
        load = junction(vbe, p["is_f"], p["nf"]) * p["ikf"]
        load = load + junction(vbc, p["is_r"], p["nr"]) * p["ikr"]
        inside = 1 + 4 * load / p["area"]
        full = real(inside) > 0
        bend = np.where(full, np.where(full, inside, 1.0) ** p["nkf"], 1.0)
        return (1 + bend) / (2 * (1 - vbc * p["vaf"] - vbe * p["var"]))

    def resistances(self, v: Any, i: Any, p: Mapping[str, Any]) -> Any:
        """Return those of collector, base, substrate and emitter."""
        size = p["area"] * p["m"]
        base = p["rb"] / size + 0 * i[..., 1]
        if p["changing"].any():
            base = np.where(p["changing"], self._base(v, i, p), base)
        return beside((p["rc"] / size, base, 0.0 * size, p["re"] / size), base.shape)

    def _base(self, v: Any, i: Any, p: Mapping[str, Any]) -> Any:
        """Return a base resistance that current or charge lowers."""
        size, sense = p["area"] * p["m"], p["polarity"]
        # without what the substrate draws there
        own = i[..., 1] + np.where(p["vertical"], 0.0, i[..., 2])
        share = sense * own / np.where(p["irb"] == 0, 1.0, p["irb"] * size)
        share = np.where(real(share) < 1e-9, 1e-9, share)
        z = (np.sqrt(1 + 14.59025 * share) - 1) / (2.4317 * np.sqrt(share))
        crowd = 3 * (np.tan(z) - z) / (z * np.tan(z) ** 2)
        c, b, _, e = np.moveaxis(v, -1, 0)
        charged = 1 / self._charge(sense * (b - e), sense * (b - c), p)
        left = np.where(p["irb"] == 0, charged, crowd)
        return (p["rbm"] + (p["rb"] - p["rbm"]) * left) / size

    def behind(self, v: Any, i: Any, p: Mapping[str, Any]) -> Any:
        """Return the voltages behind the resistances; that of the base from its current.

        A resistance that changes with the voltage behind it may fit at several of them, but a
        current of the base flows at only one: it grows with the voltage.
        """
        u = v - self.resistances(v, i, p) * i
        if not p["changing"].any():
            return u
        calm = {key: real(value) for key, value in p.items()}
        base, slope = self._base_voltage(real(u), real(v), real(i), calm)
        # one more step gives what is imaginary
        unit = np.eye(u.shape[-1])[1]
        u = u + unit * np.where(p["changing"], base - u[..., 1], 0.0)[..., None]
        off = self.currents(u, p)[..., 1] - i[..., 1]
        return u - unit * np.where(p["changing"], off / slope, 0.0)[..., None]

    def _base_voltage(self, u: Any, v: Any, i: Any, p: Mapping[str, Any]) -> tuple[Any, Any]:
        """Return the voltage at which the base takes its current, and the slope of that there.

        By Newton steps where they are small, else by halving the range of voltages.
        """
        most = 4.0 * np.maximum(p["rb"], p["rbm"]) / (p["area"] * p["m"])
        ends = v[..., 1], v[..., 1] - most * i[..., 1]
        low, high = np.minimum(*ends), np.maximum(*ends)
        x = (low + high) / 2
        bent = u + 0j
        for _ in range(ROUNDS):
            bent[..., 1] = x + STEP * 1j
            found = self.currents(bent, p)[..., 1]
            off, slope = real(found) - i[..., 1], np.imag(found) / STEP
            low, high = np.where(off > 0, low, x), np.where(off > 0, x, high)
            step = off / slope
            trusted = (np.abs(step) <= CLOSE) & (x - step >= low) & (x - step <= high)
            after = np.where(trusted, x - step, (low + high) / 2)
            moved = np.abs(after - x).max(initial=0.0)
            x = after
            if moved <= 1e-16 * np.abs(v).max(initial=0.0):
                break
        return x, slope

    def image(self, v: Any, i: Any, p: Mapping[str, Any]) -> Any:
        """Return the currents; what changes the base's resistance must fit its current."""
        u = self.behind(v, i, p)
        found = self.currents(u, p)
        if p["changing"].any():
            ohms = np.where(p["changing"], self.resistances(u, i, p)[..., 1], 1.0)
            through = (v - u)[..., 1] / ohms
            unit = np.eye(u.shape[-1])[1]
            found = found + unit * np.where(p["changing"], through - found[..., 1], 0.0)[..., None]
        return found

    def loose(self, v: Floats, i: Floats) -> Floats:
        """Return the conductances of the resistances that are judged by their voltages."""
        result = np.zeros_like(i)
        if self.p["changing"].any():
            ohms = self.resistances(self.behind(v, i, self.p), i, self.p)[..., 1]
            result[..., 1] = np.where(self.p["changing"], 1.0 / np.maximum(ohms, 1e-30), 0.0)
        return result
