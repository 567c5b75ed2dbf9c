"""How far node voltages are from obeying the laws, whoever found them.

Where two simulators disagree, this says whom to believe.  It knows nothing but the node
voltages.  They fix the currents of resistors and the like; the currents of what is ideal
(sources, shorts, conducting diodes) are chosen by a linear program so that Kirchhoff's
current law is violated as little as possible.  Shares no code with solvers and certificate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_matrix, csr_matrix, diags_array, hstack, vstack

from ..arrays import Bools, Floats, Ints
from ..model.circuit import Circuit
from .check import EPS, clusters
from .judged import KNEE, Judged
from .registry import laws

TINY = float(np.finfo(float).tiny)


@dataclass(frozen=True)
class Violation:
    """The worst violation of the laws by a set of node voltages.

    Attributes
    ----------
    amps, amps_relative : float
        Largest sum of currents at a node, and relative to the terms of that sum.
    node : str
        Where that is.
    volts, volts_relative : float
        Largest deviation of a voltage that an ideal element fixes or limits, and relative
        to the largest voltage.
    element : str
        Which one that is.
    """

    amps: float
    amps_relative: float
    node: str
    volts: float
    volts_relative: float
    element: str

    @property
    def score(self) -> float:
        """The larger of the two relative violations."""
        return max(self.amps_relative, self.volts_relative)

    @property
    def obeys(self) -> bool:
        """Whether nothing is violated by more than a millionth."""
        return self.score <= KNEE


def violation(circuit: Circuit, voltages: Floats) -> Violation:
    """Judge the node voltages of a circuit whose switches are held.

    Parameters
    ----------
    circuit : Circuit
    voltages : ndarray, shape (n_nodes,)
        V; NaN where a node floats: it and what is connected to it are not judged.
    """
    return _Judge(circuit, voltages).judge()


class _Judge(Judged):
    """Chooses the currents that are left open, and says what is wrong all the same."""

    def judge(self) -> Violation:
        """Choose the currents and say what is left."""
        for law in laws(self.circuit):
            law.judge(self)
        judged = ~(self.floats[self.p] | self.floats[self.q])
        for column in (self.known, self.size, self.low, self.high, self.error):
            column[~judged] = 0.0
        n = len(self.circuit.nodes)
        total = _sums(n, self.p, self.known, self.q, -self.known)
        size = _sums(n, self.p, self.size, self.q, self.size)
        # what only joins ideal elements must balance as well as the rest
        size[size == 0] = size[size > 0].min(initial=np.inf)
        size[np.isinf(size)] = 1.0
        chosen = self._choose(total, size)
        left = np.abs(total + _sums(n, self.p, chosen, self.q, -chosen))
        # charge that leaves at ground has come from somewhere: its sum says nothing new
        left[self.floats] = 0.0
        node = int(np.argmax(left / size))
        worst = int(np.argmax(self.error)) if len(self.error) else 0
        return Violation(
            amps=float(left[node]),
            amps_relative=float(left[node] / size[node]),
            node=self.circuit.nodes[node],
            volts=float(self.error.max(initial=0.0)),
            volts_relative=float(self.error.max(initial=0.0)) / self.largest,
            element=self.circuit.element_names[worst] if len(self.error) else "",
        )

    def _equations(self) -> tuple[csr_matrix, Floats, Bools]:
        none = csr_matrix((0, len(self.known))), np.zeros(0), np.zeros(0, dtype=np.bool_)
        matrices, rights, of_voltage = zip(none, *self.equations, strict=True)
        return vstack(matrices).tocsr(), np.concatenate(rights), np.concatenate(of_voltage)

    def _choose(self, total: Floats, size: Floats) -> Floats:
        """Return the chosen currents that leave the smallest relative sums at the nodes."""
        free = np.flatnonzero((self.low != 0) | (self.high != 0))
        chosen = np.zeros(len(self.known))
        if not len(free):
            return chosen
        matrix, right, of_voltage = self._equations()
        n, k = len(total), len(free)
        signs = np.concatenate([np.ones(k), -np.ones(k)])
        nodes = np.concatenate([self.p[free], self.q[free]])
        incidence = coo_matrix((signs, (nodes, np.tile(np.arange(k), 2))), shape=(n, k)).tocsr()
        # units in which neither end of an element has extreme coefficients: HiGHS drops those
        unit = np.sqrt(size[self.p[free]] * size[self.q[free]])
        rows, columns = diags_array(1 / size), diags_array(unit)
        voltage_laws = matrix[of_voltage][:, free] @ columns / self.largest
        soft = vstack([rows @ incidence @ columns, voltage_laws])
        target = np.concatenate([-total / size, right[of_voltage] / self.largest])
        bound = np.concatenate([~self.floats, np.ones(int(of_voltage.sum()), dtype=np.bool_)])
        soft, target = soft.tocsr()[bound], target[bound]
        slack = csr_matrix(np.ones((len(target), 1)))
        hard = matrix[~of_voltage][:, free] @ columns
        level = diags_array(1 / np.maximum(abs(hard).max(axis=1).toarray().ravel(), TINY))
        low, high = self.low[free] / unit, self.high[free] / unit
        result = linprog(
            np.concatenate([np.zeros(k), [1.0]]),
            A_ub=vstack([hstack([soft, -slack]), hstack([-soft, -slack])]),
            b_ub=np.concatenate([target, -target]),
            A_eq=hstack([level @ hard, csr_matrix((hard.shape[0], 1))]),
            b_eq=level @ right[~of_voltage],
            bounds=[
                *zip(low.tolist(), high.tolist(), strict=True),
                (0, None),
            ],
            options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
        )
        if result.x is not None:
            chosen[free] = result.x[:-1] * unit
        return chosen


def _sums(n: int, p: Ints, at_p: Floats, q: Ints, at_q: Floats) -> Floats:
    return np.asarray(np.bincount(p, at_p, n) + np.bincount(q, at_q, n), dtype=float)


def units(circuit: Circuit, voltages: Floats) -> float:
    """Return by how many units in the last place of its terms a sum of currents is off at most.

    Parameters
    ----------
    circuit : Circuit
        Its switches are held.
    voltages : ndarray, shape (n_nodes,)
        V; NaN where a node floats.

    Returns
    -------
    float
        Infinite where it can't be told: where an ideal element is off its voltage by more than
        such a unit, or its current is limited or controls another.
    """
    judged = Judged(circuit, voltages)
    for law in laws(circuit):
        law.judge(judged)
    free = (judged.low != 0) | (judged.high != 0)
    limited = free & (np.isfinite(judged.low) | np.isfinite(judged.high))
    if judged.floats.any() or limited.any() or any(len(right) for _, right, _ in judged.equations):
        return float("inf")
    if judged.error.max(initial=0.0) > EPS * judged.largest:
        return float("inf")
    n, p, q = len(circuit.nodes), judged.p, judged.q
    # what flows through ideal elements is open: their ends are one node
    whole = clusters(n, p[free], q[free])
    p, q, terms = whole[p], whole[q], judged.size + judged.inner
    left = np.abs(np.bincount(p, judged.known, n) - np.bincount(q, judged.known, n))
    size = np.bincount(p, terms, n) + np.bincount(q, terms, n)
    # the sum at ground is that of all others, and no equation of its own
    left[whole[0]] = 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(np.nan_to_num(left / (EPS * size), posinf=np.inf).max(initial=0.0))
