"""The channels of MOSFETs of level 2, geometric, and of level 3, semi-empirical."""

from __future__ import annotations

import numpy as np

from ...arrays import Bools, Floats
from .characteristic import CHARGE, exponential
from .dual import Dual, constants, least, variables, where
from .mosfet_channel import OXIDE, SILICON, ShichmanHodges, depletion, ended

#: m; the least length of a channel whose doping is not given
SHORTEST = 0.25e-6
#: halvings that leave the last digits of a root to one of Newton's steps
HALVINGS = 40


class Geometric(ShichmanHodges):
    """The currents of drain, gate and bulk, by their voltages to the source.

    With ``s(v) = sqrt(phi - v_bs + v)`` and ``v = min(v_ds, v_sat)``, in ngspice's form::

        i = beta k / (1 - dl / l) ((v_gs - v_0 - f v / 2) v - 2/3 g (s(v)^3 - s(0)^3))
        v_0 = flat + (f - 1) (phi - v_bs),  k = (critical / (v_gs - v_0 - g s(0)))^uexp, at most 1

    g is gamma less what drain and source hold of a short channel's bulk, f is more than 1 in narrow
    channels, dl of the channel are pinched off at the drain.  At v_sat the channel has no charge,
    or with `vmax` as much as carriers of that velocity need.  With `nfs` the gate works as at
    ``v_th + n Vt`` below that, times ``exp((v_gs - v_th) / (n Vt) - 1)`` (Vladimirescu and Liu,
    "The simulation of MOS integrated circuits using SPICE2", 1980).  Other than in ngspice nothing
    flows below the threshold where `vmax` but no `nfs` is given.
    """

    def __init__(self, values: dict[str, Floats]) -> None:
        super().__init__(values)
        oxide = OXIDE / values["tox"]
        doping = CHARGE * 1e6 * values["nsub"]
        alpha = np.divide(2.0 * SILICON, doping, out=np.zeros_like(doping), where=doping > 0)
        self.depth = np.sqrt(alpha)
        width = oxide * values["width"] * values["m"]  # of all of them, as in ngspice
        self.narrow = 0.25 * np.pi * values["delta"] * SILICON / width
        self.traps = 1.0 + CHARGE * 1e4 * values["nfs"] / oxide
        self.critical = 100.0 * values["ucrit"] * SILICON / oxide

    def _on(self, across: Floats, bulk: Floats) -> Floats:
        """The threshold, or where weak inversion ends."""
        return self._threshold(*constants(across, bulk))[2].x

    @np.errstate(all="ignore")  # what is nothing is not taken
    def _threshold(self, across: Dual, bulk: Dual) -> tuple[Dual, Dual, Dual, Dual]:
        """Return where charge begins, the bulk's factor, the threshold and the emission."""
        p = self.values
        phi, xj = p["phi"], p["xj"]
        held, steeper = bulk * 0.0, bulk * 0.0
        for ahead in (bulk, bulk - across):
            root = depletion(phi, ahead)
            slope = where(ahead.x <= 0, -0.5 / root, root * root * (-0.5 / phi**1.5))
            spread = (1.0 + root * (2.0 * self.depth / xj)).sqrt()
            held = held + 0.5 * xj / p["length"] * (spread - 1.0)
            steeper = steeper + 0.5 * self.depth / p["length"] * slope / spread
            if ahead is bulk:
                deep, deeper = root, slope
        gamma = p["gamma"] * where(xj > 0, 1.0 - held, 1.0)
        steeper = p["gamma"] * where(xj > 0, steeper, 0.0)
        start = p["flat"] + self.narrow * (phi - bulk)
        emission = self.traps + self.narrow - gamma * deeper + steeper * deep
        threshold = start + gamma * deep
        weak = threshold + p["volts"] * emission
        return start, gamma, where(p["nfs"] != 0, weak, threshold), emission

    @np.errstate(all="ignore")
    def _channel(
        self, across: Floats, gate: Floats, bulk: Floats
    ) -> tuple[Floats, Floats, Floats, Floats]:
        p, free = self.values, 1.0 + self.narrow
        ds, gs, bs = variables(across, gate, bulk)
        start, gamma, on, emission = self._threshold(ds, bs)
        below = gs.x <= on.x
        at = where(below, on, gs)
        rough = (self.critical / (at - on)).log() * p["uexp"]
        slower = where((at - on).x > self.critical, rough.exp(), 1.0)
        inside, deep = p["phi"] - bs, depletion(p["phi"], bs)
        full, bend = (at - start) / free + inside, gamma / free
        level = where(bend.x > 0, bend, 0.0)
        root = 0.5 * ((level * level + 4.0 * full).sqrt() - level)
        end = where(full.x > 0, root * root - inside, 0.0)
        end = where(end.x > 0, end, 0.0)
        limit = p["vmax"] * p["length"] / p["uo"] * 1e4 / slower
        end = where(p["vmax"] > 0, self._scattered(full, bend, inside, deep, limit, end), end)
        low = least(ds, end)
        tip = depletion(p["phi"], bs - low)
        body = tip * tip * tip - deep * deep * deep
        current = p["beta"] * slower * ((at - start - 0.5 * free * low) * low - gamma * body / 1.5)
        current = current / self._left(ds, end, limit)
        return ended(current, gs, on, p["volts"] * emission, p["nfs"] != 0)

    def _scattered(
        self, full: Dual, bend: Dual, inside: Dual, deep: Dual, limit: Dual, end: Dual
    ) -> Dual:
        """Return where as much charge is left as limited carriers need, V.

        Between no depletion and no charge a quartic of the root of the depletion falls once.
        """
        cube = bend / 0.75
        square, line = -2.0 * (full + limit), -2.0 * bend * limit
        rest = 2.0 * full * (inside + limit) - inside * inside - cube * (deep * deep * deep)

        def quartic(x: Floats) -> Floats:
            return (((x + cube.x) * x + square.x) * x + line.x) * x + rest.x

        low, high = np.zeros_like(full.x), 0.5 * (np.sqrt(bend.x**2 + 4.0 * full.x) - bend.x)
        found = (rest.x > 0) & (quartic(high) <= 0)
        found &= _resolved(cube.x, square.x, line.x, rest.x)
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            above = quartic(middle) > 0
            low, high = np.where(above, middle, low), np.where(above, high, middle)
        for _ in range(2):
            rise = ((4.0 * low + 3.0 * cube.x) * low + 2.0 * square.x) * low + line.x
            low = low - quartic(low) / rise
        # a last step takes the derivatives along
        root = low - ((((low + cube) * low + square) * low + line) * low + rest) / rise
        return where(found, root * root - inside, end)

    def _left(self, ds: Dual, end: Dual, limit: Dual) -> Dual:
        """Return what share of the channel is not pinched off."""
        p = self.values
        length, depth = p["length"], self.depth
        slack = (ds - end) / 4.0
        reach = (slack + (1.0 + slack * slack).sqrt()).sqrt() * depth
        thin = depth / np.sqrt(p["neff"])
        held = limit * (0.5 * thin / length)
        ahead = where(ds.x > end.x, ds - end, 0.0)
        reach = where(p["vmax"] > 0, ((held * held + ahead).sqrt() - held) * thin, reach) / length
        by_doping = (p["nsub"] > 0) & (p["lambda"] <= 0) & (ds.x != 0)
        gone = where(by_doping, reach, p["lambda"] * ds)
        most = np.where(p["nsub"] > 0, depth * np.sqrt(p["pb"]), SHORTEST)
        beyond = gone * length - (length - depth * np.sqrt(p["pb"]))
        left = most / length / (1.0 + beyond / most)
        return where((1.0 - gone).x * length < most, left, 1.0 - gone)


def _resolved(cube: Floats, square: Floats, line: Floats, rest: Floats) -> Bools:
    """Tell where ngspice finds the root: by Ferrari's resolvent, whose root is one if s < 0."""
    b = cube * line - 4.0 * rest
    c = -rest * (cube**2 - 4.0 * square) - line**2
    r = b - square**2 / 3.0
    s = -2.0 / 27.0 * square**3 + square * b / 3.0 + c
    return np.asarray((s < 0) & ((r <= 0) | (s**2 / 4.0 + r**3 / 27.0 < 0)))


#: the depth of a cylindrical depletion layer by the plane one's, in depths of the junction
CYLINDER = (0.0631353, 0.8013292, -0.01110777)
#: S; what the slope at saturation is at least
LEAST_SLOPE = 1e-12


class SemiEmpirical(ShichmanHodges):
    """The currents of drain, gate and bulk, by their voltages to the source.

    With ``u = v_gs - v_th`` and ``v = min(v_ds, v_sat)``, in ngspice's form::

        v_th = flat - sigma v_ds + gamma f_s sqrt(phi - v_bs) + f_n (phi - v_bs)
        f_b  = gamma f_s / (4 sqrt(phi - v_bs)) + f_n
        i    = beta (u - (1 + f_b) v / 2) v / (1 + theta u) / (1 + v / v_c) / (1 - dl / l)
        v_c  = vmax l (1 + theta u) / uo

    f_s is what short and f_n what narrow channels do, sigma comes from `eta`, dl of the channel are
    pinched off at the drain.  With `nfs` the gate works as at ``v_th + n Vt`` below that, times
    ``exp((v_gs - v_th) / (n Vt) - 1)`` (Vladimirescu and Liu, "The simulation of MOS integrated
    circuits using SPICE2", 1980).
    """

    def __init__(self, values: dict[str, Floats]) -> None:
        super().__init__(values)
        oxide = OXIDE / values["tox"]
        doping = CHARGE * 1e6 * values["nsub"]
        self.alpha = np.divide(2.0 * SILICON, doping, out=np.zeros_like(doping), where=doping > 0)
        self.narrow = 0.5 * np.pi * values["delta"] * SILICON / (oxide * values["width"])
        self.feedback = 8.15e-22 * values["eta"] / (oxide * values["length"] ** 3)
        self.traps = 1.0 + CHARGE * 1e4 * values["nfs"] / oxide

    def _on(self, across: Floats, bulk: Floats) -> Floats:
        """The threshold, or where weak inversion ends."""
        return self._threshold(*constants(across, bulk))[1].x

    @np.errstate(all="ignore")  # what is nothing is not taken
    def _threshold(self, across: Dual, bulk: Dual) -> tuple[Dual, Dual, Dual, Dual]:
        """Return the threshold, the end of weak inversion, its emission and the bulk's factor."""
        p = self.values
        depth, xj = np.sqrt(self.alpha), p["xj"]
        root = depletion(p["phi"], bulk)
        plane = root * (depth / xj)
        cylinder = CYLINDER[0] + plane * (CYLINDER[1] + CYLINDER[2] * plane)
        lateral = p["ld"] / xj
        # sqrt(1 - (x / (1 + x))^2)
        edge = (1.0 + 2.0 * plane).sqrt() / (1.0 + plane)
        lost = xj / p["length"] * ((cylinder + lateral) * edge - lateral)
        bent = p["gamma"] * where((xj != 0) & (depth != 0), 1.0 - lost, 1.0)
        charge = bent * root + self.narrow * (root * root)
        threshold = p["flat"] - self.feedback * across + charge
        emission = self.traps + charge / (2.0 * (root * root))
        weak = threshold + p["volts"] * emission
        return threshold, where(p["nfs"] != 0, weak, threshold), emission, (
            bent / (4.0 * root) + self.narrow
        )  # fmt: skip

    @np.errstate(all="ignore")
    def _channel(
        self, across: Floats, gate: Floats, bulk: Floats
    ) -> tuple[Floats, Floats, Floats, Floats]:
        p = self.values
        ds, gs, bs = variables(across, gate, bulk)
        threshold, on, emission, body = self._threshold(ds, bs)
        below = gs.x <= on.x
        over = where(below, on, gs) - threshold
        slower = 1.0 + p["theta"] * over
        scatters = p["vmax"] > 0
        carried = slower * (p["length"] * p["vmax"] / p["mobility"])
        pinch = over / (1.0 + body)
        # of pinch + carried - hypot(pinch, carried)
        hypot = (pinch * pinch + carried * carried).sqrt()
        scattered = 2.0 * pinch * carried / (pinch + carried + hypot)
        end = where(scatters, scattered, pinch)
        low = least(ds, end)
        current = p["beta"] / slower * ((over - 0.5 * (1.0 + body) * low) * low)
        held = where(scatters, 1.0 / (1.0 + low / carried), 1.0)
        current = current * held
        beyond = where(scatters, self._scattered(ds, end, current, held, carried),
                       self._pinched(ds, end))  # fmt: skip
        dl = where((self.alpha > 0) & (p["kappa"] > 0), beyond, 0.0)
        # no more than the whole channel
        most = p["length"]
        dl = where(dl.x > 0.5 * most, most - most**2 / (4.0 * dl), dl)
        current = current / (1.0 - dl / most)
        return ended(current, gs, on, p["volts"] * emission, p["nfs"] != 0)

    def _pinched(self, ds: Dual, end: Dual) -> Dual:
        """Return what of the channel is pinched off where carriers are not limited, m."""
        reach = self.values["kappa"] * self.alpha
        share = ds / end
        square = share * share
        before = (reach / 8.0 * end).sqrt() * (square * square)
        return where(ds.x <= end.x, before, (reach * (ds - end + end / 8.0)).sqrt())

    def _scattered(self, ds: Dual, end: Dual, current: Dual, held: Dual, carried: Dual) -> Dual:
        """Return the same where they are, m."""
        p = self.values
        slope = current * held * end / (carried * carried)
        slope = where(slope.x > LEAST_SLOPE, slope, LEAST_SLOPE)
        field = 0.5 * p["kappa"] * self.alpha / p["length"] * (current / slope)
        ahead = p["kappa"] * self.alpha * (ds - end)
        reach = ahead / (field + (field * field + ahead).sqrt())
        return where(ds.x <= end.x, ds * 0.0, reach)

    def _junction(self, v: Floats, amps: Floats) -> tuple[Floats, Floats]:
        """Return the current from the bulk into a junction, ngspice's cube far below zero."""
        current, slope = exponential(v, amps, self.values["volts"])
        return current + self.values["gmin"] * v, slope + self.values["gmin"]
