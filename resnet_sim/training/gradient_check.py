"""Three opinions on a gradient: adjoint, ngspice on the adjoint network, finite differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..arrays import Floats
from ..errors import UsageError
from ..model.circuit import Circuit
from ..model.display import aligned
from .costs import Cost
from .derivatives import gradient
from .network import Network
from .registry import cost_of
from .rules import Adjoint


class Reading(Protocol):
    """What a simulator finds."""

    def voltage(self, node: str) -> Floats:
        """Return the voltage of a node, shape (points,), V."""


#: what simulates a circuit, as `resnet_sim.ngspice.run`
Simulator = Callable[[Circuit], Reading]
#: Relative step of finite differences.
STEP = 1e-5


@dataclass(frozen=True)
class GradientCheck:
    """Derivatives of the mean cost by conductances and parameters, found in three ways.

    Attributes
    ----------
    names : sequence of str
    adjoint, differences : ndarray, shape (n,)
        Per S, or unit of a parameter.
    ngspice : ndarray, shape (n,), optional
        From the voltages that ngspice, or what was asked instead, finds in the adjoint network;
        NaN where these do not tell, as for parameters.

    Examples
    --------
    >>> net = tr.Network(rs.generators.ladder(1), ["v0"], ["n1"])
    >>> found = tr.gradcheck(net, [[1.0]], [[0.25]])
    >>> found.adjoint, found.worst() < 1e-6
    (array([ 0.0625, -0.0625]), True)
    """

    names: Sequence[str]
    adjoint: Floats
    differences: Floats
    ngspice: Floats | None = None

    def worst(self) -> float:
        """Return the largest deviation from the adjoint, relative to its largest derivative."""
        scale = float(np.abs(self.adjoint).max(initial=0.0)) or 1.0
        others = [self.differences] if self.ngspice is None else [self.differences, self.ngspice]
        off = (np.nan_to_num(np.abs(one - self.adjoint)) for one in others)
        return max(float(one.max(initial=0.0)) for one in off) / scale

    def __str__(self) -> str:
        """Return a table."""
        columns = {
            "adjoint": self.adjoint,
            "ngspice": self.ngspice,
            "differences": self.differences,
        }
        known = {title: column for title, column in columns.items() if column is not None}
        rows = [["value", *known]]
        for name, *values in zip(self.names, *known.values(), strict=True):
            rows.append([name, *("-" if np.isnan(x) else f"{x + 0.0:.6g}" for x in values)])
        return "\n".join(aligned(rows))


def gradcheck(
    net: Network, X: Any, Y: Any, cost: Cost | str | None = None, simulator: Simulator | None = None
) -> GradientCheck:
    """Return derivatives of the mean cost, found in three ways that share little.

    Parameters
    ----------
    net : Network
    X, Y
        Samples, as for `gradient`.
    cost : Cost, optional
        By default `SquaredError`.
    simulator : callable, optional
        ``simulator(circuit)``, such as `resnet_sim.ngspice.run`: finds the voltages of
        `Network.adjoint_circuit`, once a sample.

    Raises
    ------
    SimulatorError
        If the simulator is missing or fails.
    UsageError
        If it is asked for conductances of crossbars, which no simulator knows by name.

    Examples
    --------
    >>> net = tr.Network(rs.generators.ladder(1), ["v0"], ["n1"])
    >>> print(tr.gradcheck(net, [[1.0]], [[0.25]]))
    value  adjoint  differences
    rs0     0.0625       0.0625
    rp0    -0.0625      -0.0625
    """
    price: Cost = cost_of(cost)
    exact = gradient(net, X, Y, Adjoint(), price)
    named = (*net.trainable, *net.parameters)
    other = None
    if simulator is not None:
        if not isinstance(net.trainable, tuple):
            raise UsageError("the conductances of crossbars have no adjoint network to simulate")
        pairs = zip(np.asarray(X, dtype=float), np.asarray(Y), strict=True)
        other = np.mean([_simulated(net, x, y, price, simulator) for x, y in pairs], axis=0)
    return GradientCheck(named, exact, _differences(net, X, Y, price), other)


def _differences(net: Network, X: Any, Y: Any, cost: Cost) -> Floats:
    """Return central differences; what learns is what it was afterwards."""
    g, biases = net.conductances, net.biases
    both, slopes = np.concatenate((g, biases)), np.zeros(len(g) + len(net.parameters))
    low, high = net.bounds
    size = np.where(both == 0, 1.0, np.abs(both))
    try:
        learn = np.delete(np.arange(len(both)), len(g) + np.arange(len(both) - len(slopes)))
        for place, k in enumerate(learn.tolist()):
            ends = np.clip(both[k] + STEP * size[k] * np.array([-1.0, 1.0]), low[k], high[k])
            values = []
            for end in ends:
                moved = np.where(np.arange(len(both)) == k, end, both)
                net.conductances, net.biases = np.split(moved, [len(g)])
                values.append(float(cost.value(net.forward(X), Y).mean()))
            slopes[place] = (values[1] - values[0]) / (ends[1] - ends[0])
    finally:
        net.conductances, net.biases = g, biases
    return slopes


def _simulated(net: Network, x: Floats, y: Any, cost: Cost, simulator: Simulator) -> Floats:
    """Return the derivatives of one sample from what is found in the adjoint network."""
    adjoint = net.adjoint_circuit(x, y, cost)
    reading = simulator(adjoint)
    known = {name: float(reading.voltage(name)[0]) for name in adjoint.nodes[1:]} | {"0": 0.0}
    free, circuit = net.free(x[None]).voltages[0], net.circuit
    found = []
    for name in net.trainable:
        p, q = (int(end[circuit.element(name)]) for end in circuit.terminals)
        one, other = (known.get(circuit.nodes[k], 0.0) for k in (p, q))
        across = free[p] - free[q]
        found.append(0.0 if np.isnan(across) else (one - other) * across)
    return np.array(found + [np.nan] * len(net.parameters))
