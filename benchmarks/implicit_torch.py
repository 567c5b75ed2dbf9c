"""Gradients of a circuit with PyTorch, by implicit differentiation: a contender.

What one writes with an automatic differentiation that has no sparse factorisation: the state of a
sample by Newton's method on sets of conducting diodes with dense matrices, and a function whose
backward pass solves with the transposed matrix of that state.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from resnet_sim import training as tr

#: conductance of a conducting diode (S) beside conductances of some 1 S, and steps at most
STIFF, STEPS = 1e7, 60
#: voltage of a diode that counts, relative to the largest
LEAST = 1e-9
#: nodes from which dense matrices take too long
MOST = 3_000


class Implicit:
    """One network, one sample after the other; without amplifiers, diodes without drops.

    Raises
    ------
    ImportError
        If PyTorch is not installed.
    """

    def __init__(self, net: tr.Network) -> None:
        torch = self.torch = import_module("torch")
        torch.set_num_threads(1)
        circuit = net.circuit
        r, d, self.sources = circuit.resistors, circuit.diodes, circuit.current_sources
        assert not len(circuit.voltage_sources)
        self.n = len(circuit.nodes)
        # copies: those of a circuit can't be written to
        self.p, self.q, self.diode_p, self.diode_q = (
            torch.from_numpy(ends.copy()) for ends in (r.p, r.q, d.p, d.q)
        )
        self.inputs = [self.sources.names.index(name) for name in net.inputs]
        self.outputs = torch.from_numpy(net.outputs.p)
        self.state = _state(torch, self)

    def gradient(self, g: np.ndarray, X: np.ndarray, Y: np.ndarray) -> np.ndarray:
        """Return the derivative of the mean squared error by the conductances g of the edges."""
        torch = self.torch
        siemens = torch.from_numpy(g).requires_grad_()
        cost = torch.zeros((), dtype=torch.float64)
        for x, y in zip(X, Y, strict=True):
            amps = self.sources.amps.copy()
            amps[self.inputs] = x
            feeds = np.bincount(self.sources.q, amps, self.n)
            load = torch.from_numpy(feeds - np.bincount(self.sources.p, amps, self.n))
            v = self.state.apply(siemens, load)
            cost = cost + 0.5 * ((v[self.outputs] - torch.from_numpy(y)) ** 2).sum()
        (cost / len(X)).backward()
        found: np.ndarray = siemens.grad.numpy()
        return found

    def laplacian(self, ends: tuple[Any, Any], siemens: Any) -> Any:
        """Return the matrix of conductances, without the reference."""
        p, q = ends
        matrix = self.torch.zeros((self.n, self.n), dtype=self.torch.float64)
        for rows, columns, sign in ((p, p, 1.0), (q, q, 1.0), (p, q, -1.0), (q, p, -1.0)):
            matrix.index_put_((rows, columns), sign * siemens, accumulate=True)
        return matrix[1:, 1:]


def _state(torch: Any, circuit: Implicit) -> Any:
    """Return the function of conductances and injections that gives the voltages."""

    class State(torch.autograd.Function):  # type: ignore[misc,name-defined]
        @staticmethod
        def forward(ctx: Any, siemens: Any, load: Any) -> Any:
            p, q = circuit.diode_p, circuit.diode_q
            linear = circuit.laplacian((circuit.p, circuit.q), siemens)
            on = torch.zeros(len(p), dtype=torch.bool)
            for step in range(STEPS):
                matrix = linear + circuit.laplacian((p, q), STIFF * on.double())
                factors = torch.linalg.lu_factor(matrix)
                v = torch.linalg.lu_solve(*factors, load[1:, None])[:, 0]
                v = torch.cat((torch.zeros(1, dtype=v.dtype), v))
                rise, least = v[p] - v[q], LEAST * v.abs().max()
                wrong = torch.nonzero(torch.where(on, rise < 0.0, rise > least))[:, 0]
                if not len(wrong):
                    ctx.save_for_backward(v, *factors)
                    return v
                some = wrong if step < 20 else wrong[-1:]
                on[some] = ~on[some]
            raise RuntimeError("does not settle")

        @staticmethod
        def backward(ctx: Any, slope: Any) -> Any:
            v, *factors = ctx.saved_tensors
            z = torch.linalg.lu_solve(*factors, slope[1:, None], adjoint=True)[:, 0]
            z = torch.cat((torch.zeros(1, dtype=z.dtype), z))
            p, q = circuit.p, circuit.q
            return -(z[p] - z[q]) * (v[p] - v[q]), None

    return State
