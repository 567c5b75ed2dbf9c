"""The law of junction diodes."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

from ..arrays import Floats
from ..model.devices import Junctions
from .check import EPS, ROUNDINGS, Check
from .law import Law

if TYPE_CHECKING:
    from .influence import Influence
    from .judged import Judged

#: Thermal voltage at 27 Celsius: Boltzmann's constant over the elementary charge times 300.15 K.
THERMAL = 1.38064852e-23 * 300.15 / 1.6021766208e-19
#: The largest exponent; beyond, all currents are as good as infinite.
MOST = 690.0
#: Relative step of differences: a third of the digits.
STEP = 6e-6


def current(table: Junctions, u: Floats) -> Floats:
    """Return the current (A) at voltages u (V) across the junctions.

    Shapes are (rows,) or (points, rows).  ngspice ends recombination with a step down at the seam
    (dioload.c: ``vd >= -3*vte``).
    """
    seam = -3.0 * THERMAL * table.emission
    ahead, back = _above(table, np.maximum(u, seam)), _below(table, np.minimum(u, seam))
    return np.where(u < seam, back, ahead) + table.leak * u


def _above(table: Junctions, u: Floats) -> Floats:
    """Return what flows where the exponential holds."""
    exponent = np.minimum(u / (THERMAL * table.emission), MOST)
    amps = table.saturation * np.expm1(exponent)
    rate = np.minimum(u / (THERMAL * table.recombination_emission), MOST)
    depth = np.sqrt((1.0 - u / table.potential) ** 2 + 0.005) ** table.grading
    amps = amps + table.recombination * np.expm1(rate) * depth
    return np.asarray(amps / (1.0 + np.sqrt(np.maximum(amps, 0.0) / table.knee)))


def _below(table: Junctions, u: Floats) -> Floats:
    """Return what flows below, in breakdown or not."""
    pull = 3.0 * THERMAL * table.emission / (math.e * u)
    pull = pull * pull * pull  # a power takes ten times as long
    with np.errstate(invalid="ignore"):
        deep = np.where(np.isinf(table.breakdown), 0.0, -u - table.breakdown)
    exponent = np.clip(deep / (THERMAL * table.breakdown_emission), 0.0, MOST)
    avalanche = np.isfinite(table.breakdown) & (deep > 0)
    amps = table.saturation * np.where(avalanche, np.exp(exponent), 1.0 + pull)
    return np.asarray(-amps / (1.0 + np.sqrt(amps / table.reverse_knee)))


class JunctionLaw(Law[Junctions]):
    """An exponential in series with a resistance.

    Which current belongs to a voltage no double tells: at 0.7 V the last digit is a
    millionth of a millionth of it, at 700 V from elsewhere a thousandth part.  So the question
    is whether the law passes through the box of what the tolerance and rounding leave open.
    """

    device = Junctions
    #: no state stands on the step back that some have
    monotone = True
    curved = True

    def certify(self, check: Check) -> None:
        """Judge whether the curve passes by closely enough."""
        table, rows = self.table, self.rows
        v, i = check.drop[:, rows], check.i[:, rows]
        inner = table.series * i
        u, blur = v - inner, check.blur[:, rows] + ROUNDINGS * EPS * np.abs(inner)
        noise = check.few
        # where all is zero, the slope is still that at zero
        wide = np.maximum(check.tolerance * np.abs(v) + blur, STEP * EPS * THERMAL)
        error = self._off(i, u, wide)
        check.judge(table.names, "junction diode (A)", error, check.tolerance * np.abs(i) + noise)
        if not check.figures:
            return
        # how far off it is where only rounding is granted
        error = np.maximum(self._off(i, u, blur) - noise, 0.0)
        rise = (current(table, u + wide) - current(table, u - wide)) / (2 * wide)
        size = np.abs(i) + rise * np.abs(v)
        with np.errstate(invalid="ignore", divide="ignore"):
            check.law = max(check.law, float(np.nan_to_num(error / size).max(initial=0.0)))
            # content and co-content exceed v i by no more than the rectangle
            check.gap += np.nan_to_num(error * (error / rise)).sum(axis=-1)

    def openness(self, check: Check) -> Floats:
        """What rounding leaves of the exponential less 1, where that is nearly nothing."""
        table = self.table
        amps = table.saturation + table.recombination
        return np.broadcast_to(ROUNDINGS * EPS * amps, check.i[:, self.rows].shape)

    def junctions(self) -> tuple[Floats | float, ...]:
        """Return the numbers of each, shape (1 or points, rows, 12), and what rounding leaves.

        As a share of a number, and the least V that slopes are taken over.
        """
        one = self.table
        numbers = np.broadcast_arrays(
            one.leak, one.series, one.saturation, THERMAL * one.emission,
            one.breakdown, THERMAL * one.breakdown_emission,
            one.recombination, THERMAL * one.recombination_emission, one.potential, one.grading,
            one.knee, one.reverse_knee,
        )  # fmt: skip
        each = np.stack(numbers, axis=-1)
        return each.reshape(-1, *each.shape[-2:]), ROUNDINGS * EPS, STEP * EPS * THERMAL

    def _off(self, i: Floats, u: Floats, blur: Floats) -> Floats:
        """Return by how much currents are off what flows at voltages within a blur."""
        table, low, high = self.table, u - blur, u + blur
        seam, amps = -3.0 * THERMAL * table.emission, i - table.leak * u
        slack = table.leak * blur
        # each side of the seam by itself: where a step is, no current between is allowed
        off = []
        for here, law, bounded in (
            (low < seam, _below, np.minimum),
            (high >= seam, _above, np.maximum),
        ):
            most, least = (law(table, bounded(end, seam)) for end in (high, low))
            excess = np.maximum(least - amps, amps - most) - slack
            off.append(np.where(here, np.maximum(excess, 0.0), np.inf))
        return np.asarray(np.minimum(*off))

    def judge(self, judged: Judged) -> None:
        """What flows at a voltage, with the voltage on the series resistance sought."""
        i, rise = self._at(judged.drop[self.rows])
        judged.known[self.rows] = i
        judged.size[self.rows] = np.abs(i) + rise * judged.ends[self.rows]
        series = self.table.series
        judged.inner[self.rows] = judged.ends[self.rows] / np.where(series > 0, series, np.inf)

    def _at(self, v: Floats) -> tuple[Floats, Floats]:
        """Return currents and slopes at voltages across the devices."""
        table = self.table
        low, high = np.minimum(v, 0.0), np.maximum(v, 0.0)
        rigid = table.series == 0
        low, high = np.where(rigid, v, low), np.where(rigid, v, high)
        for _ in range(200):
            middle = 0.5 * (low + high)
            over = middle + table.series * current(table, middle) > v
            low, high = np.where(over, low, middle), np.where(over, middle, high)
        u = np.where(rigid, v, low)
        step = STEP * THERMAL * table.emission
        rise = (current(table, u + step) - current(table, u - step)) / (2 * step)
        i = np.where(rigid, current(table, u), (v - u) / np.where(rigid, 1.0, table.series))
        return i, rise / (1.0 + table.series * rise)

    def derive(self, at: Influence) -> None:
        """By each parameter that has a value: what the current does at the same voltage."""
        table, i = self.table, at.i[self.rows]
        push = at.by_amps[self.rows]
        u = at.drop[self.rows] - table.series * i
        step = STEP * THERMAL * table.emission
        rise = (current(table, u + step) - current(table, u - step)) / (2 * step)
        share = push / (1.0 + table.series * rise)
        found = {"series": -share * rise * i, "leak": share * u}
        for column in PARAMETERS:
            if column not in found:
                value = getattr(table, column)
                above, below = (
                    current(dataclasses.replace(table, **{column: value * (1 + s)}), u)
                    for s in (STEP, -STEP)
                )
                with np.errstate(invalid="ignore", divide="ignore"):
                    found[column] = share * (above - below) / (2 * STEP * value)
        for k, name in enumerate(table.names):
            for column, key in PARAMETERS.items():
                value = float(getattr(table, column)[k])
                # what is absent has no derivative: zero is none, as infinity is
                if value and np.isfinite(value):
                    at.note(name + key, value, found[column][k])


#: column -> what is behind the name of an element where its derivative stands
PARAMETERS = {
    "saturation": "", "emission": ":n", "series": ":rs", "breakdown": ":bv",
    "breakdown_emission": ":nbv", "leak": ":gmin", "recombination": ":isr",
    "recombination_emission": ":nr", "potential": ":vj", "grading": ":m",
    "knee": ":ikf", "reverse_knee": ":ikr",
}  # fmt: skip
