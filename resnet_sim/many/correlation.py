"""Products of two fields across what learns: how any rule turns states into derivatives."""

from __future__ import annotations

import numpy as np

from ..arrays import Floats, Ints, plain
from ..compiled.registers import DOUBLES, aligned
from .question import Question
from .threads import PARTS, spread, threads

#: Vectors of samples whose products are added up at once.
MOST = 2


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

    def __call__(self, change: Floats, level: Floats, width: float = 0.0) -> tuple[Floats, Floats]:
        """Return the means over samples of ``change * level`` across each conductance.

        And those of `change` across each bias; nodes that float count for nothing.

        Parameters
        ----------
        change, level : ndarray, shape (B, n_nodes)
        width : float
            If it is not 0 they are those between these two, over this width.
        """
        sums = product_sums(self._p, self._q, change, level, width)[self._place]

        def mean(nodes: Ints) -> Floats:
            # of few nodes: passing over all of them takes longer than the products
            moved = (level[:, nodes] - change[:, nodes]) / width if width else change[:, nodes]
            return np.nan_to_num(moved.mean(axis=0))

        p, q = self.bias_nodes
        by_bias = self.across(mean(p), mean(q)) if len(p) else np.zeros(0)
        return self.g_weight * sums / len(change), by_bias

    def across(self, first: Floats, second: Floats) -> Floats:
        """Return what mean changes of the two ends of each bias amount to across it."""
        p, q = self.bias_nodes
        return np.asarray(first * self._node_weight[p] - second * self._node_weight[q])


def product_sums(p: Ints, q: Ints, one: Floats, other: Floats, width: float = 0.0) -> Floats:
    """Return ``sum_b (one[b, p] - one[b, q]) (other[b, p] - other[b, q])`` for each branch.

    Branches to something that floats, NaN, carry nothing.  With a `width` it is of the change from
    one to the other, over it, and of their mean.
    """
    from ._branch_sums import add_products

    samples, nodes = one.shape
    like = (0,) * (1 if samples <= DOUBLES else MOST)
    lanes = DOUBLES * len(like)
    # how they are added up must not depend on the threads
    length = lanes * -(-samples // (lanes * PARTS))
    parts = [(k, min(k + length, samples)) for k in range(0, samples, length)]
    sums, zero = np.empty((len(parts), len(p))), aligned(DOUBLES, np.float64)
    one, other = plain(one), plain(other)

    def task(rows: tuple[int, int]) -> None:
        tiles = aligned((2 * nodes, lanes), np.float64, zero=False)
        add_products(p, q, one, other, width, rows, zero, tiles, sums[rows[0] // length], like)

    spread(task, parts, threads(), samples * len(p))
    return np.asarray(sums.sum(axis=0))
