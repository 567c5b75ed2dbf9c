"""Products of two fields across what learns: how any rule turns states into derivatives."""

from __future__ import annotations

import numpy as np

from ..arrays import Floats, Ints
from ..compiled.registers import DOUBLES, aligned
from .question import Question

#: Vectors of samples whose products are added up at once.
MOST = 4


class Correlation:
    """Where the conductances and biases of a question are, and how much their products weigh.

    Attributes
    ----------
    g_weight : ndarray, shape (n_trainable,)
        Weight of each conductance's co-content: what is behind an amplifier counts 1/A^2.
    bias_nodes : tuple of ndarray of int
        Both ends of each bias.
    """

    def __init__(self, question: Question) -> None:
        circuit, numbers = question.whole, question.selection.elements()
        red = question.reduction
        row_of = red.conductors.row_of(circuit.n_elements)
        p, q = circuit.terminals
        #: branches of one node after the other: its voltages stay in the cache
        order = np.lexsort((p[numbers], q[numbers]))
        self._p, self._q = (ends[numbers[order]] for ends in (p, q))
        self._place: Ints = np.argsort(order)
        self.g_weight: Floats = 1.0 / red.branch_scale(red.conductors, row_of[numbers]) ** 2
        self._node_weight: Floats = 1.0 / red.scale**2
        biases = np.array([circuit.element(name) for name in question.biases], dtype=np.int64)
        self.bias_nodes: tuple[Ints, Ints] = p[biases], q[biases]

    def __call__(self, change: Floats, level: Floats) -> tuple[Floats, Floats]:
        """Return the means over samples of ``change * level`` across each conductance.

        And those of `change` across each bias; nodes that float count for nothing.

        Parameters
        ----------
        change, level : ndarray, shape (B, n_nodes)
        """
        sums = product_sums(self._p, self._q, change, level)[self._place]
        # of few nodes: passing over all of them takes longer than the products
        ends = (np.nan_to_num(change[:, nodes].mean(axis=0)) for nodes in self.bias_nodes)
        return self.g_weight * sums / len(change), self.across(*ends)

    def across(self, first: Floats, second: Floats) -> Floats:
        """Return what mean changes of the two ends of each bias amount to across it."""
        p, q = self.bias_nodes
        return np.asarray(first * self._node_weight[p] - second * self._node_weight[q])


def product_sums(p: Ints, q: Ints, one: Floats, other: Floats) -> Floats:
    """Return ``sum_b (one[b, p] - one[b, q]) (other[b, p] - other[b, q])`` for each branch.

    Branches to something that floats, NaN, carry nothing.
    """
    from ._branch_sums import add_products

    samples, nodes = one.shape
    like = (0,) * (1 if samples <= DOUBLES else MOST)
    width = DOUBLES * len(like)
    total, zero = np.zeros(len(p)), aligned(DOUBLES, np.float64)
    tiles = aligned((2 * nodes, width), np.float64)
    for first in range(0, samples, width):
        for tile, values in ((tiles[:nodes], one), (tiles[nodes:], other)):
            part = values[first : first + width]
            tile[:, : len(part)] = part.T
            tile[:, len(part) :] = 0.0
        add_products(p, q, tiles[:nodes], tiles[nodes:], zero, total, like)
    return total
