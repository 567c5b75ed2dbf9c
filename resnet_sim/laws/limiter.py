"""The law of ideal current limiters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..arrays import Bools, Floats
from ..model.devices import Limiters
from .check import EPS, ROUNDINGS, Check
from .law import Law

if TYPE_CHECKING:
    from .influence import Influence
    from .judged import Judged

#: a current so close to a limit, relative, is at it
CLOSE = 1e-12


class LimiterLaw(Law[Limiters]):
    """``-backward <= i <= forward``; a voltage opposes a current at its limit, and no other."""

    device = Limiters
    monotone = True

    def _forward(self) -> Floats:
        return self.table.amps

    def _backward(self) -> Floats:
        amps, ratio = self.table.amps, self.table.ratio
        with np.errstate(invalid="ignore"):  # infinity times zero
            share = ratio * amps
        return np.where(ratio == 0, 0.0, np.where(np.isinf(ratio), np.inf, share))

    def within(self) -> Floats:
        """A current is a limit less something."""
        limits = (self._forward(), self._backward())
        return np.asarray(sum(np.where(np.isfinite(limit), limit, 0.0) for limit in limits))

    def certify(self, check: Check) -> None:
        """Judge both directions."""
        v, i = check.drop[:, self.rows], check.i[:, self.rows]
        few = ROUNDINGS * EPS * self.within() + check.few
        for sign, limit in ((1.0, self._forward()), (-1.0, self._backward())):
            left = limit - sign * i
            near = few + check.tolerance * np.where(np.isfinite(limit), limit, 0.0)
            ahead = np.maximum(sign * v, 0.0)
            over = np.where(left > near, ahead, 0.0)
            excess = np.maximum(-left, 0.0)
            blur = check.blur[:, self.rows]
            check.complementary(self.table.names, "limiter", over, blur, excess, few)
            missing = np.where(np.isfinite(left) & (left <= near), np.abs(left), 0.0)
            check.gap += (ahead * missing).sum(axis=-1)

    def ties(self, closed: Bools) -> Bools:
        """All."""
        return np.ones(len(self.table), dtype=np.bool_)

    def openness(self, check: Check) -> Floats:
        """That of a difference."""
        return np.asarray(ROUNDINGS * EPS * self.within())

    def judge(self, judged: Judged) -> None:
        """A voltage tells which limit is reached; without one, any current within them flows."""
        rows, forward, backward = self.rows, self._forward(), self._backward()
        v = judged.drop[rows]
        ahead, behind = v > judged.near, v < -judged.near
        limit = np.where(ahead, forward, np.where(behind, -backward, 0.0))
        known = (ahead | behind) & np.isfinite(limit)
        judged.known[rows] = np.where(known, limit, 0.0)
        judged.size[rows] = np.where(known, np.abs(limit), 0.0)
        judged.low[rows] = np.where(known, 0.0, -backward)
        judged.high[rows] = np.where(known, 0.0, forward)
        judged.error[rows] = np.where((ahead | behind) & ~known, np.abs(v), 0.0)

    def derive(self, at: Influence) -> None:
        """By the limit, which moves the current where it is reached; and by the ratio."""
        table, rows = self.table, self.rows
        i, push, backward = at.i[rows], at.by_amps[rows], self._backward()
        for k, name in enumerate(table.names):
            amps, ratio = float(table.amps[k]), float(table.ratio[k])
            if not np.isfinite(amps):
                continue
            ahead = i[k] >= (1.0 - CLOSE) * amps
            behind = i[k] <= -(1.0 - CLOSE) * backward[k]
            slope = 1.0 if ahead else -ratio if behind else 0.0
            at.note(name, amps, push[k] * slope)
            if np.isfinite(ratio):
                at.note(f"{name}:ratio", ratio, -push[k] * amps if behind and not ahead else 0.0)
