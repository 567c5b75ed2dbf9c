"""Truncated backpropagation through exact coordinate descent, as reversed sweeps of a nudged phase.

A sweep sets one coordinate after the other to where its currents balance, or to the end of its
range.  Where it rests, a sweep is ``x <- x + P^-1 (j - A x)``, with A the conductances between
coordinates that are free and P its lower triangle, diagonal included.  Backpropagation through the
last K sweeps gives

    lambda = sum_{k<K} (I - P^-T A)^k P^-T c,        c = dC/dx,

which is what K sweeps in *reversed* order make of ``A lambda = c`` from zero: the nudged phase of
equilibrium propagation, cut short (Ernoult et al. 2019, for coordinate descent).
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from ..arrays import Bools, Floats
from ..errors import UsageError
from ..many.states import States
from ..many.structure import Structure
from ..model.display import few
from .contrast import Estimate
from .costs import Cost
from .network import Network


@dataclass(frozen=True)
class TruncatedBackprop:
    """Backpropagation through the last sweeps of coordinate descent, from the free state.

    Sweeps go through the nodes in the order in which the circuit names them.  With many it is
    the exact derivative.

    Parameters
    ----------
    sweeps : int

    References
    ----------
    Ernoult et al. 2019; Scellier 2024 (coordinate descent).

    Examples
    --------
    >>> net = tr.Network(rs.generators.ladder(2), ["v0"], ["n2"])
    >>> exact = tr.gradient(net, [[1.0]], [[0.5]], tr.Adjoint())
    >>> one, many = (tr.gradient(net, [[1.0]], [[0.5]], tr.TruncatedBackprop(k)) for k in (1, 60))
    >>> np.allclose(one, exact), np.allclose(many, exact)
    (False, True)
    """

    sweeps: int = 10

    def __post_init__(self) -> None:
        number = self.sweeps if isinstance(self.sweeps, Real) else 0.0
        if number < 1 or number % 1:
            raise UsageError(f"sweeps={self.sweeps!r}: a whole number of at least 1 is needed")

    def estimate(self, net: Network, free: States, X: Any, Y: Any, cost: Cost) -> Estimate:
        """Return the derivatives that reversed sweeps give."""
        net.refuse_flows("TruncatedBackprop")
        if net.ammeters:
            raise UsageError(
                f"no node has the currents of {few(net.ammeters, 8)}, and sweeps go through nodes: "
                "use rule=Adjoint()"
            )
        problem = net.problem()
        if len(problem.curves):
            raise UsageError("TruncatedBackprop knows ideal diodes, not curves: rule=Adjoint()")
        on = _conducting(problem, free)
        slope = _by_coordinate(net, problem, cost.slope(free.outputs, Y))
        multiplier = np.zeros_like(slope)
        sets, which = np.unique(on, axis=0, return_inverse=True)
        for k, conducting in enumerate(sets):
            rows = np.flatnonzero(which.ravel() == k)
            multiplier[rows] = _reversed_sweeps(problem, conducting, slope[rows], int(self.sweeps))
        adjoint = problem.node_adjoint(multiplier)
        return net.derivatives(adjoint, free.voltages[:, : adjoint.shape[1]])


def _conducting(problem: Structure, free: States) -> Bools:
    """Return which rectifiers of the problem conduct, shape (B, m)."""
    here, every = problem.rectifier, problem.reduction.rectifiers
    if free.on.shape[1] == len(here):
        return free.on
    if free.on.shape[1] == len(every):
        return free.on[:, here]
    # layers know bounds, not rectifiers: those that are reached
    across = free.voltages[:, every.p[here]] - free.voltages[:, every.q[here]]
    size = np.abs(free.voltages).max(axis=1, keepdims=True)
    return np.asarray(across >= every.drop[here] - 1e-9 * size * (every.resistance[here] == 0))


def _by_coordinate(net: Network, problem: Structure, slope: Floats) -> Floats:
    """Return dC/dx, shape (B, n), for dC/do."""
    at, total = net.outputs, np.zeros((len(slope), problem.n + 1))
    for node, sign in ((at.p, 1.0), (at.q, -1.0)):
        where = problem.coordinate[node]
        np.add.at(total.T, where, (sign * slope * problem.scale[node]).T)
    return total[:, 1:]


def _reversed_sweeps(problem: Structure, on: Bools, slope: Floats, sweeps: int) -> Floats:
    """Return the multipliers of all coordinates, shape (B, n), zero for those that are held."""
    from scipy.linalg import solve_triangular

    matrix, held = _conductances(problem, on)
    free = np.flatnonzero(~held)
    inner = matrix[np.ix_(free, free)]
    result, c = np.zeros_like(slope), slope[:, free].T
    found = np.zeros_like(c)
    for _ in range(sweeps):
        found += solve_triangular(np.tril(inner), c - inner @ found, trans="T", lower=True)
    result[:, free] = found.T
    return result


def _conductances(problem: Structure, on: Bools) -> tuple[Floats, Bools]:
    """Return conductances between coordinates, shape (n, n), and which of these diodes hold."""
    p, q = problem.diode_p, problem.diode_q
    hard = on & (problem.resistance == 0)
    if (hard & (p != 0) & (q != 0)).any():
        raise UsageError(
            "sweeps move one node at a time: TruncatedBackprop needs ideal diodes to have one end "
            "at a potential that sources fix"
        )
    held = np.zeros(problem.n + 1, dtype=np.bool_)
    held[p[hard]] = held[q[hard]] = True
    soft = on & ~hard
    g = problem.reduction.conductors.siemens[problem.edge]
    a = np.concatenate((problem.edge_p, p[soft]))
    b = np.concatenate((problem.edge_q, q[soft]))
    g = np.concatenate((g, 1.0 / problem.resistance[soft]))
    matrix = np.zeros((problem.n + 1, problem.n + 1))
    for one, other in ((a, b), (b, a)):
        np.add.at(matrix, (one, one), g)
        np.add.at(matrix, (one, other), -g)
    return matrix[1:, 1:], held[1:]
