"""Products of two fields across what learns: how any rule turns states into derivatives."""

from __future__ import annotations

import numpy as np

from ..arrays import Floats
from ..compiled.kernels import kernel
from .question import Question


class Correlation:
    """Where the conductances and biases of a question are, and how much their products weigh.

    Attributes
    ----------
    g_weight : ndarray, shape (n_trainable,)
        Weight of each conductance's co-content: what is behind an amplifier counts 1/A^2.
    """

    def __init__(self, question: Question) -> None:
        circuit, numbers = question.whole, question.selection.elements()
        red = question.reduction
        row_of = np.full(circuit.n_elements, -1)
        row_of[red.conductors.element] = np.arange(len(red.conductors.element))
        p, q = circuit.terminals
        self._p, self._q = p[numbers], q[numbers]
        self.g_weight: Floats = 1.0 / red.branch_scale(red.conductors, row_of[numbers]) ** 2
        self._node_weight: Floats = 1.0 / red.scale**2
        biases = np.array([circuit.element(name) for name in question.biases], dtype=np.int64)
        self._bias_p, self._bias_q = p[biases], q[biases]

    def __call__(self, change: Floats, level: Floats) -> tuple[Floats, Floats]:
        """Return the means over samples of ``change * level`` across each conductance.

        And those of `change` across each bias; nodes that float count for nothing.

        Parameters
        ----------
        change, level : ndarray, shape (B, n_nodes)
        """
        change, level = np.ascontiguousarray(change), np.ascontiguousarray(level)
        sums = product_sums.compiled(self._p, self._q, change, level)
        first, second = (
            np.nan_to_num(change[:, nodes].mean(axis=0)) * self._node_weight[nodes]
            for nodes in (self._bias_p, self._bias_q)
        )
        return self.g_weight * sums / len(change), first - second


@kernel
def product_sums(p, q, one, other):  # type: ignore[no-untyped-def]
    """Return ``sum_b (one[b, p] - one[b, q]) (other[b, p] - other[b, q])`` for each branch.

    Branches to something that floats, NaN, carry nothing.
    """
    total = np.zeros(len(p))
    # samples outside: their voltages stay in the cache while all branches look them up
    for b in range(one.shape[0]):
        u = one[b]
        v = other[b]
        for k in range(len(p)):
            term = (u[p[k]] - u[q[k]]) * (v[p[k]] - v[q[k]])
            # false for NaN alone; with fast-math the compiler would take it for true
            if term == term:
                total[k] += term
    return total
