"""The semi-empirical channel of MOSFETs of level 3."""

from __future__ import annotations

import numpy as np

from ...arrays import Floats
from .characteristic import CHARGE, exponential
from .dual import Dual, constants, least, variables, where
from .mosfet_channel import OXIDE, SILICON, ShichmanHodges, depletion, ended

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
