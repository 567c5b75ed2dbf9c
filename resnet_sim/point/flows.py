"""The numbers of operating points: coordinates, currents of branches, and what they amount to."""

from __future__ import annotations

import copy
from typing import Self

import numpy as np

from ..arrays import Floats, Ints
from ..graph.graphs import bincount
from ..graph.problem import EPS
from .branches import Branches
from .plan import Compiled
from .sources import Sources, column

#: What each kind of branches carries; of ties, what does not follow by KCL.
CURRENTS = (
    "conductor_current", "rectifier_current", "curve_current", "law_current", "injection_value",
    "loop_current",
)  # fmt: skip


class Flows(Sources):
    """Numbers of one operating point, or of many.

    They have shape (entries,), or (entries, points) where the values of the reduction's branches
    have.

    Attributes
    ----------
    x, low : ndarray of float
        Coordinates as double-doubles, V.
    conductor_current, rectifier_current, curve_current, law_current : ndarray of float
        A.
    curve_slope : ndarray of float
        Conductances of the tangents of curves, S.
    loop_current : ndarray of float
        Currents of the ties that close loops, A; zero unless `loop_determined`.
    """

    def __init__(self, compiled: Compiled) -> None:
        red = compiled.reduction
        count, points = len(red.part), red.ties.volts.shape[1:]
        self.x, self.low = np.zeros((count, *points)), np.zeros((count, *points))
        self.conductor_current = np.zeros((len(red.conductors), *points))
        self.rectifier_current = np.zeros((len(red.rectifiers), *points))
        self.curve_current = np.zeros((len(red.curves), *points))
        self.curve_slope = np.zeros((len(red.curves), *points))
        self.law_current = np.zeros((len(red.laws), *points))
        self.loop_current = np.zeros((len(red.ties), *points))
        self.loop_determined = np.zeros(len(red.ties), dtype=np.bool_)
        super().__init__(compiled)

    def refresh(self) -> None:
        """Recompute what follows from the ties: offsets, and branches without a coordinate."""
        super().refresh()
        red = self.reduction
        rows, branch = self.compiled.fixed_conductors, red.conductors
        rise = branch.rise(self.offset, rows)
        self.conductor_current[rows] = column(branch.siemens[rows], rise) * rise
        rows = self.compiled.fixed_rectifiers
        above, ohms = self.above(rows), red.rectifiers.resistance[rows]
        soft = ohms > 0
        # what flows through hard ones only a stage with feedback may know
        current = np.maximum(above[soft], 0.0) / column(ohms[soft], above)
        self.rectifier_current[rows[soft]] = current
        rows = self.compiled.fixed_curves
        if len(rows) and red.curves.law is not None:
            found = red.curves.law.take(rows).at_voltage(red.curves.rise(self.offset, rows))
            self.curve_current[rows], self.curve_slope[rows] = found.i, found.slope
        rows = self.compiled.fixed_laws
        if len(rows):
            volts = np.where(red.law_parts < 0, red.laws.rise(self.offset), 0.0)
            self.law_current[rows] = red.laws.evaluate(volts)[0][rows]

    def point(self, number: int) -> Self:
        """Return one of many points."""
        one, red = copy.copy(self), self.reduction
        one.compiled = self.compiled.replace(**{
            kind: branches.holding(branches.held[:, number])
            for kind in ("ties", "conductors", "rectifiers", "injections")
            for branches in [getattr(red, kind)]
        })  # fmt: skip
        one.reduction = one.compiled.reduction
        for name, array in vars(self).items():
            if isinstance(array, np.ndarray) and array.ndim == 2:
                setattr(one, name, array[:, number])
        return one

    def node_voltages(self, nodes: Ints | slice = slice(None)) -> Floats:
        """Return the voltages of all or some nodes, V; what floats is centred on zero.

        Below the last digit of a double-double is zero.
        """
        red = self.reduction
        c, offset = red.coordinate[nodes], self.offset[nodes]
        scale = column(red.scale[nodes], offset)
        value = (scale * self.x[c] + offset) + scale * self.low[c]
        size = np.abs(scale * self.x[c]) + np.abs(offset)
        return np.where(np.abs(value) <= 16 * EPS**2 * size, 0.0, value)

    def tie_currents(self) -> Floats:
        """Return the currents of all ties, A: what KCL leaves for them, shape (n_ties,)."""
        forest, ties = self.reduction.forest, self.reduction.ties
        if not len(ties):
            return self.loop_current
        tie, flow = forest.carried(ties.p, self.outflow())
        current = self.loop_current.copy()
        current[tie] = -flow
        return current

    def outflow(self) -> Floats:
        """Return the current that leaves each node through all but ties, A."""
        red = self.reduction
        n = len(red.coordinate)
        total = np.zeros((n, *self.loop_current.shape[1:]))
        # conductors come last: a limiter is a difference of currents that may be far larger
        for branch, current in self.flows()[::-1]:
            if len(branch):
                total += bincount(branch.p, current, n) - bincount(branch.q, current, n)
        return total

    def flows(self) -> list[tuple[Branches, Floats]]:
        """Return all currents that don't follow from others by KCL; those of ties are the last."""
        red = self.reduction
        kinds = (red.conductors, red.rectifiers, red.curves, red.laws, red.injections, red.ties)
        return [(kind, getattr(self, name)) for kind, name in zip(kinds, CURRENTS, strict=True)]

    def at_rest(self) -> Self:
        """Return a copy in which all voltages and currents are zero."""
        fresh = self.without_currents()
        fresh.x, fresh.low = np.zeros_like(self.x), np.zeros_like(self.low)
        fresh.tie_value = np.zeros_like(self.tie_value)
        return fresh

    def without_currents(self) -> Self:
        """Return a copy with the same voltages, in which no current flows yet."""
        fresh = copy.copy(self)
        for name in CURRENTS:
            setattr(fresh, name, np.zeros_like(getattr(self, name)))
        return fresh

    def moving_voltages(self) -> Floats:
        """Return the voltages of all nodes, V, zero where they cancel but for rounding."""
        red, v = self.reduction, self.node_voltages()
        size = np.abs(red.scale * self.x[red.coordinate]) + np.abs(self.offset)
        return np.where(np.abs(v) <= 1e-9 * size, 0.0, v)

    def moving_currents(self) -> Floats:
        """Return the currents of all elements, A, zero where others cancel but for rounding."""
        red, current = self.reduction, self.currents()
        size = np.zeros(len(red.coordinate))
        for branch, flow in self.flows():
            size += bincount(branch.p, np.abs(flow), len(size))
            size += bincount(branch.q, np.abs(flow), len(size))
        tie, passing = red.forest.carried(red.ties.p, size)
        element = red.ties.element[tie]
        current[element[np.abs(current[element]) <= 1e-9 * np.abs(passing)]] = 0.0
        return current

    def currents(self) -> Floats:
        """Return the currents of all elements, A, shape (n_elements,) or (n_elements, points).

        Ties carry what KCL leaves for them, backward sources of amplifiers what these sense.
        """
        red = self.reduction
        table, count = red.controls, red.circuit.n_elements
        ties = self.tie_currents()
        for pair in red.pairs:
            term = table.ptr[pair.backward]
            sensed = ties[red.tie_of[int(table.index[term])]]
            feed = self.compiled.injection_of_source[pair.backward]
            self.injection_value[feed] = table.gain[term] * sensed
        current = np.zeros((count, *ties.shape[1:]))
        for branch, value in self.flows()[:-1]:
            if len(branch):
                current += bincount(branch.element, column(branch.sign, value) * value, count)
        # what the backward sources draw changes those of the forward ones
        current[red.ties.element] = self.tie_currents() if red.pairs else ties
        return current
