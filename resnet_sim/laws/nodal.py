"""Kirchhoff's current law where resistors are all that joins nodes: many points, little time.

What `certificate` finds of such a circuit, which is asked where this is not sure.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Bools, Floats
from ..model.circuit import Circuit
from .certificate import LOUDEST
from .check import EPS, ROUNDINGS


class ResistorCurrents:
    """Currents of the resistors of a circuit that has sources to ground besides.

    Parameters
    ----------
    circuit : Circuit
        Of resistors, none of them zero, and voltage sources.
    """

    def __init__(self, circuit: Circuit) -> None:
        from scipy.sparse import csr_array

        r = circuit.resistors
        self.ohms = r.ohms[:, None]
        count, each = len(r), np.arange(len(r))
        entries = np.concatenate((np.ones(count), -np.ones(count)))
        place = np.concatenate((r.p, r.q)), np.concatenate((each, each))
        self.leaving: Any = csr_array((entries, place), shape=(len(circuit.nodes), count))
        self.touching: Any = abs(self.leaving)
        self.p, self.q = r.p, r.q
        self.free = np.ones(len(circuit.nodes), dtype=np.bool_)
        self.free[circuit.voltage_sources.p] = self.free[0] = False

    def of(self, v: Floats) -> Floats:
        """Return currents (A), shape (n_resistors, points), at node voltages (n_nodes, points)."""
        return (v[self.p] - v[self.q]) / self.ohms

    def balanced(self, v: Floats, current: Floats, tolerance: float) -> Bools:
        """Tell at which points all sums of currents are within `tolerance` of what flows there.

        What rounding of the voltages explains is allowed for, up to `LOUDEST` of the largest.
        """
        left = np.abs(self.leaving @ current)[self.free]
        size = (self.touching @ np.abs(current))[self.free]
        good = left <= tolerance * size
        if not good.all():
            terms = (np.abs(v[self.p]) + np.abs(v[self.q])) / self.ohms
            rounding = ROUNDINGS * EPS * (self.touching @ terms)[self.free]
            loudest = LOUDEST * size.max(axis=0, initial=0.0)
            good = left <= tolerance * size + np.minimum(rounding, loudest)
        return np.asarray(good.all(axis=0))
