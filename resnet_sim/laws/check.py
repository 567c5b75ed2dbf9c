"""Points of a circuit that are checked: voltages, currents, and what rounding leaves open."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..model.circuit import Circuit

EPS = float(np.finfo(float).eps)
ROUNDINGS = 64

#: tables of devices whose currents are differences of larger ones, and what their voltages are
#: compared with, V: kT/q, and thresholds
EXPONENTIAL = {"junctions": 0.0258, "bipolars": 0.0258, "mosfets": 1.0, "jfets": 1.0}
#: what SPICE takes for a saturation current, A
SATURATION = 1e-14


def sums(n: int, index: Ints, values: Floats) -> Floats:
    """Return the sums of `values`, shape (points, k), over equal indices, shape (points, n)."""
    points = len(values)
    flat = index if points == 1 else (index + n * np.arange(points)[:, None]).ravel()
    total = np.bincount(flat, values.ravel(), points * n).astype(float, copy=False)
    return total.reshape(points, n)


def largest(values: Floats) -> Floats:
    """Return the largest value of each point, 0 if there is none, shape (points, 1)."""
    return values.max(axis=-1, keepdims=True, initial=0.0)


def clusters(n: int, p: Ints, q: Ints) -> Ints:
    """Return for each node the smallest node that the given elements connect it to."""
    label = np.arange(n)
    while len(p):
        a, b = label[p], label[q]
        least = np.minimum(a, b)
        # what a whole cluster is labelled with goes down: nodes alone would pass it on one by one
        np.minimum.at(label, a, least)
        np.minimum.at(label, b, least)
        while (label[label] != label).any():
            label = label[label]
        apart = label[p] != label[q]
        p, q = p[apart], q[apart]
    return label


class Check:
    """Results at some points and what is found out about them.

    Attributes
    ----------
    v, i : ndarray, shapes (points, n_nodes) and (points, n_elements)
    drop : ndarray, shape (points, n_elements)
        Voltages across the elements.
    node_blur, blur : ndarray
        What rounding leaves open in each node's voltage, and in that across each element, V.
    lost : float or ndarray, shape (points, 1)
        What rounding leaves of currents that are differences, A.
    nothing : float or ndarray, shape (points, 1)
        What rounding leaves of no current, A.
    closed : ndarray of bool, shape (n_switches,) or (points, n_switches)
    figures : bool
        Whether it is asked how far off laws are, not only if they hold.
    stray : ndarray, shape (points, n_nodes) or (points, 1)
        What rounding leaves over at each node where no current flows, A.
    gap : ndarray, shape (points,)
        Power that complementarity leaves over, W.
    known : dict
        What laws have found out here and are asked for once more, by table.
    """

    def __init__(
        self,
        circuit: Circuit,
        voltages: Floats,
        currents: Floats,
        closed: Bools,
        tolerance: float,
        figures: bool = True,
    ) -> None:
        self.figures = figures
        self.circuit, self.v, self.i, self.closed = circuit, voltages, currents, closed
        self.tolerance = tolerance
        self.p, self.q = circuit.terminals
        self.nothing: Floats | float = 0.0
        self.lost: Floats | float = 0.0
        self.node_blur = self.roundings()
        self.drop, self.blur = self.across(slice(None))
        self.law = self.diode_voltage = self.diode_current = 0.0
        self.stray = np.zeros((len(voltages), 1))
        self.gap = np.zeros(len(voltages))
        self.failures: list[tuple[float, str]] = []
        self.known: dict[str, Any] = {}
        self.bad = np.zeros(len(voltages), dtype=np.bool_)

    def across(self, rows: slice) -> tuple[Floats, Floats]:
        """Return the voltages across some elements, and what rounding leaves open in them, V."""
        p, q, v, blur = self.p[rows], self.q[rows], self.v, self.node_blur
        return v[:, p] - v[:, q], blur[:, p] + blur[:, q]

    def roundings(self) -> Floats:
        """Return what rounding leaves open in the voltages: of their own, and of the highest."""
        size = np.abs(self.v)
        highest = largest(size)
        if scales := [v for name, v in EXPONENTIAL.items() if name in self.circuit.present]:
            highest = np.maximum(highest, max(scales))
            self.nothing = ROUNDINGS * EPS * SATURATION
        return EPS * (ROUNDINGS * size + 4 * highest)

    @cached_property
    def few(self) -> Floats:
        """What rounding leaves of any current, A, shape (points, 1)."""
        return np.asarray(ROUNDINGS * EPS * largest(np.abs(self.i)) + self.lost)

    def hum(self) -> Floats:
        """Return what rounding of the largest current leaves of one that controls others, A.

        That is what is left over of sums of currents, and may be nothing.  Shape (points, 1).
        """
        return self.few + largest(self.stray)

    def judge(self, names: Sequence[str], what: str, error: Floats, allowed: Floats) -> None:
        """Record where an error exceeds what is allowed; NaN and infinity always do."""
        bad = ~((error <= allowed) & (error < np.inf))
        if not bad.any():
            return
        self.bad |= bad.any(axis=-1)
        for point, k in np.argwhere(bad)[:100]:
            off, limit = float(error[point, k]), float(allowed[point, k])
            ratio = off / limit if limit > 0 else np.inf
            text = f"{what} at {names[k]}: off by {off:.3g}, allowed {limit:.3g}"
            if len(bad) > 1:
                text = f"point {point}: {text}"
            self.failures.append((np.inf if np.isnan(ratio) else ratio, text))

    def linear(
        self, names: Sequence[str], what: str, error: Floats, size: Floats, blur: Floats
    ) -> None:
        """Judge deviations (V or A) of linear laws whose terms have a given size."""
        if not error.size:
            return
        self.judge(names, what, error, self.tolerance * size + blur)
        relative = np.maximum(np.abs(error) - blur, 0.0) / np.where(size > 0, size, 1.0)
        self.law = max(self.law, float(relative.max(initial=0.0)))

    def complementary(self, names: Sequence[str], what: str, over: Floats, allowed: Floats,
                      stray: Floats, few: Floats) -> None:  # fmt: skip
        """Judge voltages beyond a bound (V) and currents that should not flow (A)."""
        self.judge(names, f"{what} voltage (V)", over, allowed)
        self.judge(names, f"{what} current (A)", stray, few)
        self.diode_voltage = max(self.diode_voltage, float(over.max(initial=0.0)))
        self.diode_current = max(self.diode_current, float(stray.max(initial=0.0)))
