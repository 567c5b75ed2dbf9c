"""What one would write without this package: a sparse factorisation for each guess and sample.

Newton's method on sets of conducting diodes with scipy's `splu`, and the exact gradient by the
adjoint on the last factors.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from resnet_sim import training as tr

#: conductance of a conducting diode (S) beside conductances of some 1 S, and steps at most
STIFF, STEPS = 1e7, 60
#: voltage of a diode that counts, relative to the largest
LEAST = 1e-9


class SparseLU:
    """One network, one sample after the other; without amplifiers, diodes without drops."""

    def __init__(self, net: tr.Network, ordering: dict[str, Any]) -> None:
        self.ordering = ordering
        circuit = net.circuit
        r, d, self.sources = circuit.resistors, circuit.diodes, circuit.current_sources
        assert not len(circuit.voltage_sources)
        self.n = len(circuit.nodes)
        self.edges, self.diodes = (r.p, r.q), (d.p, d.q)
        self.inputs = [self.sources.names.index(name) for name in net.inputs]
        self.outputs = net.outputs.p

    def gradient(self, g: np.ndarray, X: np.ndarray, Y: np.ndarray) -> np.ndarray:
        """Return the derivative of the mean squared error by the conductances g of the edges."""
        p, q = self.edges
        total = np.zeros(len(g))
        for x, y in zip(X, Y, strict=True):
            v, solve = self.state(g, x)
            slope = np.zeros(self.n)
            np.add.at(slope, self.outputs, v[self.outputs] - y)
            z = np.append(0.0, solve(slope[1:]))
            total -= (z[p] - z[q]) * (v[p] - v[q])
        return total / len(X)

    def state(self, g: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return the voltages of a sample, and what solves with the diodes as they stand."""
        from scipy.sparse.linalg import splu

        amps = self.sources.amps.copy()
        amps[self.inputs] = x
        load = np.bincount(self.sources.q, amps, self.n) - np.bincount(self.sources.p, amps, self.n)
        linear = self._laplacian(self.edges, g)
        p, q = self.diodes
        on = np.zeros(len(p), dtype=bool)
        for step in range(STEPS):
            solve = splu(linear + self._laplacian(self.diodes, STIFF * on), **self.ordering).solve
            v = np.append(0.0, solve(load[1:]))
            rise, least = v[p] - v[q], LEAST * np.abs(v).max()
            wrong = np.flatnonzero(np.where(on, rise < 0.0, rise > least))
            if not len(wrong):
                return v, solve
            on[wrong if step < 20 else wrong[-1:]] ^= True
        raise RuntimeError("does not settle")

    def _laplacian(self, ends: tuple[Any, Any], siemens: np.ndarray) -> Any:
        from scipy.sparse import coo_array

        p, q = ends
        rows, columns = np.concatenate((p, q, p, q)), np.concatenate((p, q, q, p))
        values = np.concatenate((siemens, siemens, -siemens, -siemens))
        return coo_array((values, (rows, columns)), shape=(self.n, self.n)).tocsc()[1:, 1:].tocsc()
