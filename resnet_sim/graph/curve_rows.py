"""The curves of a problem, as columns."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from ..arrays import Floats, Ints
from ..curves import Curve, Points, Steps

#: Least slope of a tangent relative to that of the line through the origin: what is flatter
#: leaves matrices singular, and steps that nothing holds back.
FLATTEST = 1e-3


@dataclass(frozen=True, eq=False)
class CurveRows:
    """Curves of a problem, in its units; arrays have shape (c,).

    Attributes
    ----------
    p, q : ndarray of int
    emf, scale : ndarray of float
        The current from p to q is ``f(scale * (x_p - x_q - emf)) / scale``.
    law : Curve, optional
        What f is of each; None if there are no curves.
    """

    p: Ints
    q: Ints
    emf: Floats
    scale: Floats
    law: Curve | None

    def __len__(self) -> int:
        return len(self.p)

    def take(self, rows: Ints) -> CurveRows:
        """Return some rows, ascending."""
        law = None if self.law is None else self.law.take(rows)
        return CurveRows(self.p[rows], self.q[rows], self.emf[rows], self.scale[rows], law)

    def point(self, s: Floats, r: Floats) -> Points:
        """Return points where ``u + r i = s`` for the voltage u above the emf."""
        if self.law is None:
            return Points(s, s, s)
        found = self.law.point(s * self.scale, r)
        return Points(found.v / self.scale, found.i / self.scale, found.slope)

    def at_current(self, i: Floats) -> Points:
        """Return points at given currents."""
        if self.law is None:
            return Points(i, i, i)
        found = self.law.at_current(i * self.scale)
        return Points(found.v / self.scale, found.i / self.scale, found.slope)

    def steps(self, points: Points) -> Steps | None:
        """Return where the laws fall with a step; None if nowhere."""
        if self.law is None:
            return None
        found = self.law.steps(Points(points.v * self.scale, points.i * self.scale, points.slope))
        scale = np.abs(self.scale)
        away, fall = found.away / scale, found.fall / scale
        return found._replace(away=away, fall=fall) if fall.any() else None

    def fitting(self, points: Points) -> CurveRows:
        """Return them on the branches of laws where points are; themselves if they are there."""
        steps = self.steps(points)
        if self.law is None or steps is None or not steps.wrong.any():
            return self
        return dataclasses.replace(self, law=self.law.switched(steps.wrong))

    @property
    def limits(self) -> tuple[Floats, Floats]:
        """The currents that are never reached, as in `Curve`."""
        if self.law is None:
            return self.emf, self.emf
        low, high = (limit / self.scale for limit in self.law.limits)
        return np.minimum(low, high), np.maximum(low, high)


NO_POINTS = Points(np.zeros(0), np.zeros(0), np.zeros(0))
NO_CURVES = CurveRows(
    np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0), None
)
