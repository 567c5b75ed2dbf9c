"""Junction diodes: exponential forwards, a knee of breakdown, resistance in series.

The law is that of ngspice: A. Vladimirescu, "The SPICE Book" (1994), chapter 3, with what
Berkeley's SPICE 3 does below ``-3 n``.  All volts here are multiples of the thermal voltage
already: `emission` is ``N Vt``.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..arrays import Bools, Floats, Ints
from .curve import Curve, Points, Steps
from .resolvent import meeting


def omega(y: Floats) -> Floats:
    """Return w > 0 with ``w + ln w = y``: Wright's function, to rounding.

    Fritsch, Shafer and Crowley, "Solution of the transcendental equation w exp(w) = x",
    Communications of the ACM 16 (1973) 123; two of their steps, each of fourth order, from the
    limits for large and for small y.

    Parameters
    ----------
    y : ndarray of float
        Finite; what lies below -700 gives 0.
    """
    large = y > 1.0
    safe = np.where(large, y, 1.0)
    w = np.where(large, safe - np.log(safe), np.exp(np.minimum(y, 1.0)))
    tiny = y < -36.0  # the exponential is exact there
    w = np.where(tiny, 1.0, w)
    for _ in range(3):
        rest = y - w - np.log(w)
        ahead = 1.0 + w
        q = 2.0 * ahead * (ahead + 2.0 / 3.0 * rest)
        w = w * (1.0 + rest / ahead * (q - rest) / (q - 2.0 * rest))
        w = np.where(tiny, 1.0, w)
    return np.where(tiny, np.exp(np.minimum(y, 1.0)), w)


#: Largest exponent; what is beyond is infinite for all purposes.
MOST = 690.0
#: Where the reverse current takes the place of the exponential, in units of the emission voltage.
SEAM = -3.0


@dataclass(frozen=True, eq=False)
class JunctionCurve(Curve):
    """Junctions with conductances in parallel, and all that in series with resistors.

    Attributes
    ----------
    saturation : ndarray of float, shape (rows,)
        A.
    emission, breakdown_emission, recombination_emission : ndarray of float
        V.
    breakdown : ndarray of float
        V, positive, or infinite for none.
    leak : ndarray of float
        S.
    series : ndarray of float
        Ohm.
    recombination : ndarray of float
        A, 0 for none.
    potential, grading : ndarray of float
        V, and a power: the width of the layer in which charges recombine.
    knee, reverse_knee : ndarray of float
        A, infinite for none.
    ahead : ndarray of bool
        Which of two monotone branches stands for a law that falls with a step at the seam: that
        of the exponential, which goes on below, or that of the reverse current, which goes on
        above, level, until more flows.
    """

    saturation: Floats
    emission: Floats
    breakdown: Floats
    breakdown_emission: Floats
    leak: Floats
    series: Floats
    recombination: Floats
    recombination_emission: Floats
    potential: Floats
    grading: Floats
    knee: Floats
    reverse_knee: Floats
    ahead: Bools

    def __len__(self) -> int:
        return len(self.saturation)

    @property
    def limits(self) -> tuple[Floats, Floats]:
        """Without leak and breakdown no more than some saturation current flows backwards."""
        open_ = (self.leak > 0) | np.isfinite(self.breakdown)
        back = -self.saturation / (1.0 + np.sqrt(self.saturation / self.reverse_knee))
        least = np.minimum(back, self._forward(self._seam)[0])
        return np.where(open_, -np.inf, least), np.full(len(self), np.inf)

    def point(self, s: Floats, r: Floats) -> Points:
        """Return the points where ``v + r i = s``."""
        resistance = r + self.series
        # what leaks makes the line steeper
        share = 1.0 / (1.0 + resistance * self.leak)
        u = self._inner(s * share, resistance * share)
        j, slope = self._junction(u)
        rigid = resistance == 0
        i, slope = j + self.leak * u, slope + self.leak
        # a breakdown sets in with a step: there the line tells, not the junction
        jumps = (u == -self.breakdown) & ~rigid
        i = np.where(jumps, (s - u) / np.where(rigid, 1.0, resistance), i)
        v = np.where(self.series > 0, u + self.series * i, u)
        return Points(v, i, slope / (1.0 + self.series * slope))

    # ---- the junction alone ----

    def _junction(self, u: Floats) -> tuple[Floats, Floats]:
        """Return the current and its slope at voltages across the junctions."""
        i, slope = self._forward(u)
        back = np.flatnonzero((u < self._seam) & ~self.ahead)
        if len(back):
            some = self if len(back) == len(u) else self.take(back)
            i[back], slope[back] = some._reverse(u[back])
        if self._simple:
            return i, slope
        short = np.flatnonzero((i < 0) & (u >= self._seam) & ~self.ahead)
        if len(short):
            least = self.take(short)._at_seam
            level = ~self._plain[short] & (i[short] < least)
            i[short] = np.where(level, least, i[short])
            slope[short] = np.where(level, 0.0, slope[short])
        return i, slope

    @property
    def _at_seam(self) -> Floats:
        """What flows just below the seam, A."""
        return self._reverse(self._seam)[0]

    def steps(self, points: Points) -> Steps:
        """Recombination and the reverse knee end at the seam: less flows back just below."""
        u = points.v - self.series * points.i
        if self._simple:
            return super().steps(points)
        least, below = self._at_seam, u < self._seam
        steps = (self.recombination > 0) | np.isfinite(self.reverse_knee)
        wrong = np.where(self.ahead, below, ~below & (self._forward(u)[0] < least)) & steps
        fall = np.where(steps, least - self._forward(self._seam)[0], 0.0)
        return Steps(u - self._seam, fall, self.series, wrong)

    def switched(self, rows: Bools) -> JunctionCurve:
        """Return the same with some rows on their other branch."""
        return dataclasses.replace(self, ahead=self.ahead ^ rows)

    @property
    def exponentials(self) -> Floats:
        """Return what is known of plain rows."""
        columns = (
            self.saturation, self.emission, self.breakdown, self.breakdown_emission,
            self.leak, self.series,
        )  # fmt: skip
        return np.where(self._plain[:, None], np.stack(columns, axis=1), np.nan)

    @property
    def _seam(self) -> Floats:
        return SEAM * self.emission

    @cached_property
    def _plain(self) -> Bools:
        """Tell which rows have no effects of second order."""
        knees = np.isfinite(self.knee) | np.isfinite(self.reverse_knee)
        return np.asarray((self.recombination == 0) & ~knees)

    @cached_property
    def _simple(self) -> bool:
        """Tell whether no row has any."""
        return bool(self._plain.all())

    def _forward(self, u: Floats) -> tuple[Floats, Floats]:
        a, n = self.saturation, self.emission
        i, slope = a * np.expm1(_most(u / n)), a / n * np.exp(_most(u / n))
        if self._simple:
            return i, slope
        nr, away = self.recombination_emission, 1.0 - u / self.potential
        width = away**2 + 0.005
        power = width ** (self.grading / 2)
        swell = -self.grading * away / self.potential / width
        lost = self.recombination * np.expm1(_most(u / nr)) * power
        slope = slope + lost * swell + self.recombination / nr * np.exp(_most(u / nr)) * power
        i = i + lost
        high = np.where(np.isfinite(self.knee) & (i > 0), np.sqrt(np.maximum(i, 0) / self.knee), 0)
        return i / (1 + high), slope * ((1 + high / 2) / (1 + high)) / (1 + high)

    def _reverse(self, u: Floats) -> tuple[Floats, Floats]:
        a, nb = self.saturation, self.breakdown_emission
        beyond = u < -self.breakdown
        safe = np.where(u < 0, u, -1.0)
        ratio = 3.0 * self.emission / (math.e * safe)
        tail = ratio * ratio * ratio  # a power takes as long as all else
        i, slope = -a * (1.0 + tail), 3.0 * a * tail / safe
        if beyond.any():
            depth = np.where(beyond, -(self.breakdown + u), 0.0) / nb
            avalanche = a * np.exp(_most(depth))
            i, slope = np.where(beyond, -avalanche, i), np.where(beyond, avalanche / nb, slope)
        if self._simple:
            return i, slope
        high = np.sqrt(np.maximum(-i, 0.0) / self.reverse_knee)
        return i / (1 + high), slope * ((1 + high / 2) / (1 + high)) / (1 + high)

    # ---- with a line in series ----

    def _inner(self, s: Floats, r: Floats) -> Floats:
        """Return the voltages u across the junctions where ``u + r j(u) = s``."""
        some = self

        def junction(u: Floats, rows: Ints) -> tuple[Floats, Floats]:
            nonlocal some
            if len(rows) < len(some):  # most rows settle at once
                some = self.take(rows)
            return some._junction(u)

        return meeting(junction, s, r, self._guess(s, r))

    def _guess(self, s: Floats, r: Floats) -> Floats:
        """Return voltages that are right to a few digits without effects of second order."""
        a, n, b, nb = self.saturation, self.emission, self.breakdown, self.breakdown_emission
        push = r * a
        safe = np.where(push > 0, push, 1.0)
        seam = SEAM * n - push * (1.0 - np.exp(SEAM))
        forward = (s >= seam) | self.ahead
        # below the seam nobody asks, and logarithms take long
        some, ahead = np.flatnonzero(forward), s.copy()
        ahead[some] = _diode_in_series(s[some], push[some], n[some])
        if (recombines := self.recombination > 0).any():
            # what flows besides leaves less voltage than either of both would alone
            other = _diode_in_series(s, r * self.recombination, self.recombination_emission)
            smaller = recombines & (np.abs(other) < np.abs(ahead))
            ahead = np.where(smaller, other, ahead)
        back = np.minimum(s + push, SEAM * n)
        broken = np.zeros_like(s) + back
        deep = s + push < -b
        if deep.any():
            beyond = np.where(deep, -(s + b), 0.0)
            t = omega(beyond / nb + np.log(safe / nb))
            t = np.where(t > 1.0, nb * np.log(np.maximum(t, 1.0) * nb / safe), beyond - nb * t)
            t = np.where(deep, np.maximum(t, 0.0), 0.0)
            broken = np.where(deep, -b - t, back)
        return np.where(push > 0, np.where(forward, ahead, broken), s)


def _diode_in_series(s: Floats, push: Floats, n: Floats) -> Floats:
    """Return the voltages of exponentials in series with a line; `push` is r times saturation."""
    safe = np.where(push > 0, push, 1.0)
    w = omega(np.minimum((s + push) / n + np.log(safe / n), 1e300))
    return np.where(w > 1.0, n * np.log(np.maximum(w, 1.0) * n / safe), s + push - n * w)


def _most(exponent: Floats) -> Floats:
    return np.minimum(exponent, MOST)
