"""The convex problem as plain data, and its solution, which judges itself.

A network problem has n coordinates, of which the first is the reference ``x_0 = 0``:

    minimise   sum_edges g/2 (x_p - x_q - emf)^2 - injection'x + sum_rectifiers r/2 i^2
              + sum_curves F(x_p - x_q - emf)
    subject to x_p - x_q - r i <= drop,  i >= 0   for every rectifier

where F is the integral of an increasing function f, the curve, and with the current of a
rectifier, ``i``, as multiplier: ``i (x_p - x_q - r i - drop) = 0``.  This is the co-content of
a reciprocal circuit after its ideal sources and shorts have been eliminated (Millar, "Some
general theorems for non-linear systems possessing resistance", 1951).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..compiled.kernels import kernel
from ..curves import Points
from .balance import blur, corrections
from .curve_rows import FLATTEST, NO_CURVES, NO_POINTS, CurveRows
from .graphs import bincount, components, spread

EPS, TINY = float(np.finfo(float).eps), float(np.finfo(float).tiny)


@dataclass(frozen=True, eq=False)
class Problem:
    """Network problem of n coordinates, e edges, m rectifiers and c curves.

    Attributes
    ----------
    n : int
        Number of coordinates, the reference included.
    edge_p, edge_q : ndarray of int, shape (e,)
    conductance, emf : ndarray of float, shape (e,)
        Current from p to q is ``conductance * (x_p - x_q - emf)``.
    injection : ndarray of float, shape (n,)
        Current fed into each coordinate.
    turnover : ndarray of float, shape (n,)
        Sum of the absolute values that `injection` was summed from; sets the scale of
        what counts as zero.
    diode_p, diode_q : ndarray of int, shape (m,)
    drop, resistance : ndarray of float, shape (m,)
        Rectifier from p to q.
    curves : CurveRows

    Many problems on one graph are one `Problem` whose `conductance`, `emf`, `injection`,
    `turnover` and `drop` have a second axis, of points.
    """

    n: int
    edge_p: Ints
    edge_q: Ints
    conductance: Floats
    emf: Floats
    injection: Floats
    turnover: Floats
    diode_p: Ints
    diode_q: Ints
    drop: Floats
    resistance: Floats
    curves: CurveRows = NO_CURVES

    def tangent(self, points: Points) -> Problem:
        """Return the problem with tangents for its curves: edges behind its own, and injections.

        A tangent is a conductance in series with the voltage of its point, and its current in
        parallel: so much of them cancels that little is lost where they nearly hold.
        """
        rows = self.curves
        # what is less than a last digit beside the emf is rounding, and so is the current there
        chord = np.abs(points.i) / np.maximum(np.abs(points.v), EPS * np.abs(rows.emf) + TINY)
        slope = np.maximum(points.slope, FLATTEST * chord)
        tangent = dataclasses.replace(
            self._chords,
            conductance=np.concatenate((self.conductance, slope)),
            emf=np.concatenate((self.emf, rows.emf + points.v)),
            injection=self.injection - node_sums(self.n, rows.p, rows.q, points.i),
            turnover=self.turnover + node_sums_abs(self.n, rows.p, rows.q, points.i),
        )
        tangent.__dict__.update(self._chords._structure)
        return tangent

    @cached_property
    def _chords(self) -> Problem:
        """The problem with edges of no conductance for its curves: the graph of all tangents."""
        rows, none = self.curves, np.zeros(len(self.curves))
        p, q = np.concatenate((self.edge_p, rows.p)), np.concatenate((self.edge_q, rows.q))
        conductance, emf = np.append(self.conductance, none), np.append(self.emf, none)
        return dataclasses.replace(
            self, edge_p=p, edge_q=q, conductance=conductance, emf=emf, curves=NO_CURVES
        )

    @cached_property
    def _structure(self) -> dict[str, Any]:
        """What another problem on the same graph has in common with it."""
        return {"parts": self.parts, "spread": self.spread, "size": self.size, "hard": self.hard}

    @cached_property
    def positive(self) -> bool:
        """All conductances are positive: the Hessian is an M-matrix and E is convex."""
        return bool((self.conductance > 0).all())

    @cached_property
    def hard(self) -> Bools:
        """Rectifiers without resistance: true inequality constraints."""
        return np.asarray(self.resistance == 0)

    @cached_property
    def parts(self) -> tuple[int, Ints]:
        """Number of parts that edges alone join, and the part of each coordinate, shape (n,)."""
        return components(self.n, self.edge_p, self.edge_q)

    @cached_property
    def joined(self) -> tuple[int, Ints]:
        """The same as `parts` of edges and curves."""
        return self._chords.parts if len(self.curves) else self.parts

    def joined_by(self, rectifiers: Bools, curves: Bools) -> tuple[int, Ints]:
        """Return the same of edges that conduct, and of some rectifiers and curves."""
        edges, rows = self.conductance != 0, self.curves
        if edges.all() and curves.all() and not rectifiers.any():
            return self.joined
        p = np.concatenate((self.edge_p[edges], self.diode_p[rectifiers], rows.p[curves]))
        q = np.concatenate((self.edge_q[edges], self.diode_q[rectifiers], rows.q[curves]))
        return components(self.n, p, q)

    @cached_property
    def size(self) -> int:
        """Coordinates, edges, rectifiers and curves together."""
        return self.n + len(self.edge_p) + len(self.diode_p) + len(self.curves)

    @cached_property
    def spread(self) -> int:
        """See `spread`, of its edges."""
        return spread(self.n, self.edge_p, self.edge_q)

    def inside(self, which: Bools, x: Floats) -> Problem:
        """Return the problem of some coordinates, all others being held at `x`.

        Those held become the reference: what they are above it goes into sources and drops.
        """
        number = np.where(which, np.cumsum(which), 0)
        held = np.where(which, 0.0, x)
        edge = which[self.edge_p] | which[self.edge_q]
        rect = which[self.diode_p] | which[self.diode_q]
        a, b, p, q = self.edge_p[edge], self.edge_q[edge], self.diode_p[rect], self.diode_q[rect]
        return Problem(
            n=1 + int(which.sum()),
            edge_p=number[a], edge_q=number[b], conductance=self.conductance[edge],
            emf=self.emf[edge] + held[b] - held[a],
            injection=np.append(0.0, self.injection[which]),
            turnover=np.append(0.0, self.turnover[which]),
            diode_p=number[p], diode_q=number[q],
            drop=self.drop[rect] + held[q] - held[p], resistance=self.resistance[rect],
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Solution:
    """Coordinates in double-double precision, and currents of rectifiers and curves.

    The voltage across a milliohm next to a gigaohm has no correct digit left in the
    difference of two doubles; ``x + low`` carries it.
    """

    problem: Problem
    x: Floats
    low: Floats
    current: Floats
    iterations: int
    converged: bool
    method: str
    notes: tuple[str, ...] = field(default=())
    #: where the curves stand: volts above the emf, and currents that KCL holds for
    curves: Points = NO_POINTS

    @cached_property
    def edge_current(self) -> Floats:
        """Currents of the edges from p to q, shape (e,); what is below the last digit is zero."""
        prob = self.problem
        flow = _flow_by_arrays
        if self.x.ndim == 1:
            flow = _flow.at(len(prob.edge_p), cost=len(prob.edge_p) // 50)
        ends = prob.edge_p, prob.edge_q
        current: Floats = flow(self.x, self.low, *ends, prob.conductance, prob.emf)
        # beside a conductance many decades above its own, a current may still be real
        own = 16 * EPS * self.voltage_scale * np.abs(prob.conductance)
        current[np.abs(current) <= np.minimum(self.least_current, own)] = 0.0
        return current

    def balanced_current(self) -> Floats:
        """Return `edge_current`, balanced at the coordinates where ranges are wide, shape (e,)."""
        prob, current = self.problem, self.edge_current
        size = np.abs(prob.conductance)
        if self.x.ndim > 1 or not (size.max(initial=0.0) * EPS > size.min(initial=np.inf)):
            return current
        ends = prob.edge_p, prob.edge_q
        open_ = blur(self.x, *ends, float(self.voltage_scale))
        return current + corrections(prob.n, *ends, prob.conductance, self._leaving(), open_)

    @cached_property
    def least_current(self) -> Any:
        """What is below the last digit of double-double coordinates, A; of many points, of each."""
        largest = np.abs(self.problem.conductance).max(axis=0, initial=0.0)
        drop = np.abs(self.problem.drop).max(axis=0, initial=0.0)
        return 16 * EPS**2 * np.maximum(self.voltage_scale, drop) * largest

    @cached_property
    def voltage_scale(self) -> Any:
        """Largest coordinate or source, V; of many points, of each."""
        largest = np.abs(self.problem.emf).max(axis=0, initial=0.0)
        return np.maximum(np.abs(self.x).max(axis=0), largest)

    def _leaving(self) -> Floats:
        """Return the sum of the currents that leave each coordinate, A: zero where KCL holds."""
        prob = self.problem
        total = node_sums(prob.n, prob.edge_p, prob.edge_q, self.edge_current) - prob.injection
        total += node_sums(prob.n, prob.diode_p, prob.diode_q, self.current)
        return total + node_sums(prob.n, prob.curves.p, prob.curves.q, self.curves.i)

    def resting(self) -> Bools:
        """Tell which coordinates are zero because nothing drives a current to them, shape (n,).

        They hang on the reference by edges; what rounding leaves there is no digit of anything.
        """
        prob = self.problem
        _, part = prob.parts
        held: Bools = part == part[0]
        inner = held.copy()
        inner[0] = False  # what flows into the reference drives nothing
        driven = (prob.injection[inner] != 0).any() or any(
            (inner[p] | inner[q])[amount != 0].any()
            for p, q, amount in (
                (prob.edge_p, prob.edge_q, prob.emf),
                (prob.diode_p, prob.diode_q, self.current),
                (prob.curves.p, prob.curves.q, self.curves.i),
            )
        )
        return np.zeros_like(held) if driven else held

    def residual(self) -> Floats:
        """Return the KCL residual at each coordinate relative to the currents there, shape (n,).

        The least that counts is a millionth of the largest current, because what rounding
        leaves of that passes through its neighbours.
        """
        prob = self.problem
        scale = prob.turnover + node_sums_abs(prob.n, prob.edge_p, prob.edge_q, self.edge_current)
        scale += node_sums_abs(prob.n, prob.diode_p, prob.diode_q, self.current)
        scale += node_sums_abs(prob.n, prob.curves.p, prob.curves.q, self.curves.i)
        scale += 1e-6 * scale.max()
        relative = np.abs(self._leaving()) / np.where(scale > 0, scale, 1.0)
        relative[0] = 0.0
        return relative

    def gap(self) -> Floats:
        """Return ``drop + r i - (x_p - x_q)`` of the rectifiers, shape (m,); >= 0 if feasible."""
        prob = self.problem
        v = difference(self.x, self.low, prob.diode_p, prob.diode_q, prob.drop)
        return prob.resistance * self.current - v


def difference(x: Floats, low: Floats, p: Ints, q: Ints, emf: Floats) -> Floats:
    """Return ``x_p - x_q - emf`` of double-double x, correct to double precision.

    Knuth's two-sum keeps the rounding error of the first subtraction.
    """
    if x.ndim > 1 and not low.any():  # a rounding error alone moves no digit of the difference
        result: Floats = x[p] - x[q]
        if len(fed := np.flatnonzero(emf.any(axis=1))):
            result[fed] = _difference(x, low, p[fed], q[fed], emf[fed])
        return result
    return _difference(x, low, p, q, emf)


def _difference(x: Floats, low: Floats, p: Ints, q: Ints, emf: Floats) -> Floats:
    a, b = x[p], -x[q]
    s = a + b
    t = s - a
    error = (a - (s - t)) + (b - t)
    return (s - emf) + (error + (low[p] - low[q]))


def _flow_by_arrays(
    x: Floats, low: Floats, p: Ints, q: Ints, conductance: Floats, emf: Floats
) -> Floats:
    return conductance * difference(x, low, p, q, emf)


@partial(kernel, interpreted=_flow_by_arrays)
def _flow(x, low, p, q, conductance, emf):  # type: ignore[no-untyped-def]
    """Return the currents of edges at double-doubles: one pass instead of fifteen of numpy."""
    flow = np.empty(len(p))
    for k in range(len(p)):
        a, b = x[p[k]], x[q[k]]
        s = a - b
        t = s - a
        error = (a - (s - t)) - (b + t)
        flow[k] = conductance[k] * ((s - emf[k]) + (error + (low[p[k]] - low[q[k]])))
    return flow


def node_sums(n: int, p: Ints, q: Ints, current: Floats) -> Floats:
    """Return the current that leaves each node through branches p -> q, shape (n,)."""
    return bincount(p, current, n) - bincount(q, current, n)


def node_sums_abs(n: int, p: Ints, q: Ints, current: Floats) -> Floats:
    """Return the sum of the absolute branch currents at each node, shape (n,)."""
    size = np.abs(current)
    return bincount(p, size, n) + bincount(q, size, n)
