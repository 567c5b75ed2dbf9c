"""The piecewise-linear law of diodes, in terms of the excess over the line ``i = v / r_off``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..arrays import Bools, Floats
from ..model.devices import Diodes
from .check import Check
from .law import Law

if TYPE_CHECKING:
    from .influence import Influence
    from .judged import Judged


class DiodeLaw(Law[Diodes]):
    """A line between two knees, and steeper ones beyond them."""

    device = Diodes
    monotone = True

    # ---- certificate ----

    def certify(self, check: Check) -> None:
        """Judge both directions."""
        table = self.table
        if len(table):
            v, leak = check.drop[:, self.rows], 1.0 / table.r_off
            excess = check.i[:, self.rows] - v * leak
            self._knee(check, excess, v, table.v_forward, table.r_on)
            self._knee(check, -excess, -v, table.v_reverse, table.r_reverse)

    def _knee(self, check: Check, excess: Floats, v: Floats, knee: Floats, ohms: Floats) -> None:
        """Check one direction: no excess before the knee, a straight line beyond it."""
        table, blur = self.table, check.blur[:, self.rows]
        leak = 1.0 / table.r_off
        excess = np.maximum(excess, 0.0)
        bends = (ohms < table.r_off) & np.isfinite(knee)
        # beyond the knee the slope is 1/ohms in all, of which 1/r_off is no excess
        slope = np.where(bends, ohms / np.where(bends, 1.0 - ohms * leak, 1.0), 0.0)
        beyond = np.where(bends, v - knee - slope * excess, -np.inf)
        size = np.abs(v) + np.where(bends, np.abs(knee), 0.0)
        allowed = check.tolerance * size + blur
        stray = np.where(beyond < -allowed, excess, 0.0)
        noise = check.few
        few = noise + leak * blur + check.tolerance * np.abs(v) * leak
        over = np.maximum(beyond, 0.0)
        check.complementary(table.names, "diode", over, allowed, stray, few)
        gap = np.where(np.isfinite(beyond), np.abs(beyond), 0.0)
        check.gap += np.where(excess > few, excess * gap, 0.0).sum(axis=-1)

    def ties(self, closed: Bools) -> Bools:
        """Those that conduct without resistance."""
        return np.asarray(np.minimum(self.table.r_on, self.table.r_reverse) == 0.0)

    def knees(self) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """Return the leak and the lines beyond both knees."""
        table = self.table
        return 1.0 / table.r_off, table.v_forward, table.r_on, table.v_reverse, table.r_reverse

    def openness(self, check: Check) -> Floats:
        """As that of the steepest slope."""
        table = self.table
        on = np.minimum(table.r_on, table.r_reverse)
        conductance = 1.0 / np.where(on > 0, on, table.r_off)
        return conductance * check.blur[:, self.rows]

    # ---- other simulators ----

    def judge(self, judged: Judged) -> None:
        """The leak between the knees, and beyond them a line or a free current."""
        table, rows = self.table, self.rows
        drop = judged.drop[rows]
        inner = np.clip(drop, -table.v_reverse, table.v_forward)
        judged.known[rows] = inner / table.r_off
        judged.size[rows] = np.abs(inner) / table.r_off
        for ohms, beyond, sign, bound in (
            (table.r_on, drop - table.v_forward, 1.0, judged.high),
            (table.r_reverse, -table.v_reverse - drop, -1.0, judged.low),
        ):
            ideal = ohms == 0
            slope = np.divide(1.0, ohms, out=np.zeros_like(ohms), where=~ideal)
            over = np.maximum(beyond, 0.0)
            judged.known[rows] += sign * slope * over
            judged.size[rows] += np.where(over > 0, slope * judged.ends[rows], 0.0)
            free = ideal & (beyond >= -judged.near)
            bound[rows] = np.where(free, sign * np.inf, bound[rows])
            judged.error[rows] = np.maximum(judged.error[rows], np.where(ideal, over, 0.0))

    # ---- derivatives ----

    def derive(self, at: Influence) -> None:
        """By both knees and the slopes between and beyond them."""
        table, rows = self.table, self.rows
        leak, pull = 1.0 / table.r_off, at.by_volts[rows]
        excess = at.i[rows] - at.drop[rows] * leak
        forward = excess > 0
        #: in either direction, volts in series with the excess count as they do for the element
        by_ohms = pull * excess
        by_leak = at.drop[rows] * at.by_amps[rows]
        slopes = []
        for on, side in ((table.r_on, forward), (table.r_reverse, ~forward)):
            bends = on * leak < 1.0
            steep = np.where(bends, 1.0 / np.where(bends, 1.0 - on * leak, 1.0), 0.0)
            mine = np.where(side, by_ohms, 0.0)
            slopes.append(mine * steep**2)
            by_leak = by_leak + mine * (on * steep) ** 2
        for k, name in enumerate(table.names):
            at.note(name, table.v_forward[k], pull[k] if forward[k] else 0.0)
            at.note(f"{name}:ron", table.r_on[k], slopes[0][k])
            if np.isfinite(table.r_off[k]):
                at.note(f"{name}:roff", table.r_off[k], -by_leak[k] * leak[k] ** 2)
            if np.isfinite(table.v_reverse[k]):
                at.note(f"{name}:vrev", table.v_reverse[k], 0.0 if forward[k] else -pull[k])
                at.note(f"{name}:rrev", table.r_reverse[k], slopes[1][k])
