"""States of layers with conductances of either sign: down to a minimum of the co-content.

Such a network may have several states.  Layers are renewed in turn, from the first to the last,
each where its units have their least co-content, so the co-content falls; that is coordinate
descent in the order of the nodes, as the solver of operating points does it, and leads to the
same state.  When the diodes that hold units have not changed for some sweeps, one linear network
of the others gives the state to the last digit, and its Cholesky factor proves that it lasts.
"""

from __future__ import annotations

import numpy as np

from ...arrays import Bools, Floats, Ints
from .descent import MOST_SWEEPS, Descent, Phase

#: Sweeps without a change of what is held, after which the rest is solved as a linear network; if
#: that contradicts what is held, as many times more.
CALM, MORE = 4, 2
#: How far a unit may be beyond its bound, relative to the largest voltage.
BEYOND = 1e-12


class Falling(Descent):
    """Sweeps over a few samples, without extrapolation: that may lead to another state."""

    def _run(self, start: list[Floats] | None) -> Phase:
        c = self.conditions
        if start is not None:
            pairs = zip(start, c.lower, c.upper, strict=True)
            self.v = [np.clip(v, low, high) for v, low, high in pairs]
        count = len(c.feed[0])
        settled, calm = np.zeros(count, dtype=np.bool_), np.zeros(count, dtype=np.int64)
        patience, held = np.full(count, CALM), np.zeros((0, 0))
        while not settled.all() and self.sweeps < MOST_SWEEPS:
            self.sweeps += 1
            for k in range(self.depth):
                self._renew(k)
            before, held = held, self.held()
            same = before.shape == held.shape and (before == held).all(axis=1)
            calm = np.where(same, calm + 1, 0)
            for row in np.flatnonzero(~settled & (calm >= patience)).tolist():
                settled[row] = self._finished(row, held[row] != 0)
                patience[row] *= MORE
            left = np.flatnonzero(~settled)
            if 0 < len(left) <= count // 2:
                settled[left] = self._go_on(left)
                break
        return Phase(self.v, self.free, settled, self.sweeps)

    def _go_on(self, rows: Ints) -> Bools:
        """Sweep over some samples alone, which others no longer hold up; tell which settle."""
        rest = Falling(self.values, self.conditions.rows(rows))
        rest.sweeps = self.sweeps
        phase = rest.run([v[rows] for v in self.v])
        for mine, found in zip((*self.v, *self.free), (*phase.v, *phase.free), strict=True):
            mine[rows] = found
        self.sweeps = phase.sweeps
        return phase.settled

    def held(self) -> Floats:
        """Return at which end of its box each unit is held, -1 or 1, or 0; shape (B, m)."""
        c = self.conditions
        sides = zip(self.free, c.lower, c.upper, strict=True)
        return np.concatenate([(x > high) * 1.0 - (x < low) for x, low, high in sides], axis=1)

    def _finished(self, row: int, held: Bools) -> bool:
        """Put a sample where its linear network rests; tell whether it is a state, and lasts."""
        before = [v[row].copy() for v in self.v]
        pull = self.conditions.pull
        stiffness = 0.0 if pull is None else pull.stiffness
        for _ in range(2):  # the second takes what rounding left
            step = self.values.curvature.step(~held, self._residual(row), stiffness)
            if step is None:
                return False
            for v, move in zip(self.v, np.split(step, self.ends), strict=True):
                v[row] += move
        if self._is_state(row, held):
            return True
        for v, old in zip(self.v, before, strict=True):
            v[row] = old
        return False

    def _residual(self, row: int) -> Floats:
        """Return the currents that are missing at the units of one sample, A, shape (m,)."""
        missing = []
        for k, total in enumerate(self.values.total):
            free = self._potential(k, slice(row, row + 1), pulled=False)[0]
            missing.append(total * (free - self.v[k][row]))
        pull = self.conditions.pull
        if pull is not None and np.isfinite(pull.stiffness):
            last, paired = self.v[-1][row], self.q >= 0
            apart = last[self.p] - np.where(paired, last[self.q], 0.0)
            current = pull.stiffness * (pull.target[row] - apart)
            np.add.at(missing[-1], self.p, current)
            np.subtract.at(missing[-1], self.q[paired], current[paired])
        return np.concatenate(missing)

    def _is_state(self, row: int, held: Bools) -> bool:
        """Tell whether a sample is where diodes may stand as they do, and put it within bounds."""
        c, part = self.conditions, slice(row, row + 1)
        near = BEYOND * max(float(np.abs(v[row]).max(initial=0.0)) for v in self.v)
        for k, mine in enumerate(np.split(held, self.ends)):
            low, high = (x[k] if x[k].ndim == 1 else x[k][row] for x in (c.lower, c.upper))
            free, v = self._potential(k, part)[0], self.v[k][row]
            outside = (free < low - near) | (free > high + near)
            pushed = np.where(v == low, free <= low + near, free >= high - near)
            if not np.where(mine, pushed, ~outside).all():
                return False
            self.free[k][row] = free
            v[:] = np.clip(v, low, high)
        return True
