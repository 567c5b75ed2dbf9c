"""Node voltages of another simulator, and the currents that they leave open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..arrays import Bools, Floats
from ..model.circuit import Circuit

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

#: a diode so close to its knee, relative to the largest voltage, may conduct
KNEE = 1e-6
#: circuits without any larger voltage count as dead (V)
SMALLEST = 1e-9


class Judged:
    """Currents as ``known + chosen``, and what fixed voltages are off by.

    Attributes
    ----------
    v, drop : ndarray, shapes (n_nodes,) and (n_elements,)
        V; 0 where a node floats.
    known, size : ndarray, shape (n_elements,)
        Currents that the voltages fix, and the size of the terms that these are made of, A.
    inner : ndarray, shape (n_elements,)
        The size of terms that cancel within an element, at a node of its own, A.
    low, high : ndarray, shape (n_elements,)
        Bounds of what is chosen; none where both are 0.
    error : ndarray, shape (n_elements,)
        Deviations of voltages that an ideal element fixes or limits, V.
    equations : list of (sparse array, ndarray, ndarray of bool)
        ``matrix @ chosen = right``, and which of these concern voltages.
    """

    def __init__(self, circuit: Circuit, voltages: Floats) -> None:
        self.circuit = circuit
        self.floats = np.isnan(voltages)
        self.v = np.where(self.floats, 0.0, voltages)
        self.p, self.q = circuit.terminals
        self.drop = self.v[self.p] - self.v[self.q]
        self.largest = max(float(np.abs(self.v).max(initial=0.0)), SMALLEST)
        #: voltages that the currents come from; where they are nearly 0, rounding is not
        self.ends = np.abs(self.v[self.p]) + np.abs(self.v[self.q]) + KNEE * self.largest
        count = circuit.n_elements
        self.known, self.size = np.zeros(count), np.zeros(count)
        self.inner = np.zeros(count)
        self.low, self.high = np.zeros(count), np.zeros(count)
        self.error = np.zeros(count)
        self.equations: list[tuple[csr_matrix, Floats, Bools]] = []

    @property
    def near(self) -> float:
        """How close to a knee counts as on it, V."""
        return KNEE * self.largest

    def conduct(self, rows: slice, ohms: Floats, volts: Floats | float = 0.0) -> None:
        """Set currents ``(v - volts) / ohms``; free ones where the resistance is 0."""
        rigid = ohms == 0
        conductance = np.divide(1.0, ohms, out=np.zeros_like(ohms), where=~rigid)
        ends = self.ends[rows] + np.abs(volts)
        self.known[rows] += conductance * (self.drop[rows] - volts)
        self.size[rows] += np.abs(conductance) * ends
        self.low[rows] = np.where(rigid, -np.inf, self.low[rows])
        self.high[rows] = np.where(rigid, np.inf, self.high[rows])
        self.error[rows] = np.where(rigid, np.abs(self.drop[rows] - volts), self.error[rows])
