"""Conjugate gradients preconditioned by aggregation multigrid, for Laplacians of networks.

Rows are joined to aggregates along their strongest conductances, and the aggregates are
a smaller network again, whose conductances are sums: Galerkin's matrix of piecewise
constant interpolation stays an M-matrix on every level (Notay, "An aggregation-based
algebraic multigrid method", 2010).  The first steps of `newton` need just one digit;
graphs whose factors fill up, such as random ones, are solved to the last digit this way.
"""

from __future__ import annotations

import numpy as np

from ..elements import Floats, Ints
from . import _multigrid as kernels

#: Rows of an aggregate, at most.
AGGREGATE = 4
#: Rows of the last level, which is inverted.
COARSEST = 80


class Multigrid:
    """Hierarchy of the Laplacian of positive conductances between n nodes, node 0 held.

    Every node must be connected to node 0.
    """

    def __init__(self, n: int, p: Ints, q: Ints, conductance: Floats) -> None:
        levels = [kernels.assemble(n, p, q, conductance)]
        groups: list[Ints] = []
        while len(levels[-1][3]) > COARSEST:
            ptr, column, weight, diagonal = levels[-1]
            group, count = kernels.aggregate(ptr, column, weight, AGGREGATE)
            groups.append(group)
            levels.append(kernels.coarsen(ptr, column, weight, diagonal, group, count))
        self._rows = np.cumsum([0, *(len(level[3]) for level in levels)])
        self._entries = np.cumsum([0, *(len(level[1]) for level in levels)])
        ptr, column, weight, diagonal = (np.concatenate(k) for k in zip(*levels, strict=True))
        self._arrays = (ptr, column, weight.astype(np.float32), diagonal)
        #: conductances of the finest level; the rest is good for a few digits anyway
        self._exact = levels[0][2]
        self._inverse = (1.0 / diagonal).astype(np.float32)
        self._group = np.concatenate([*groups, np.zeros(0, dtype=np.int32)])
        self._bottom = np.linalg.inv(_dense(*levels[-1])).astype(np.float32)

    def solve(self, b: Floats, reduction: float, most: int = 50) -> Floats:
        """Return x, ``x[0] = 0``, whose residual is `reduction` times `b`; ``b[0]`` is ignored."""
        x: Floats
        x, self.steps = kernels.conjugate_gradients(
            self._rows, self._entries, *self._arrays, self._exact, self._inverse, self._group,
            self._bottom, b, reduction, most,
        )  # fmt: skip
        return x


def separator(n: int, p: Ints, q: Ints, conductance: Floats) -> int:
    """Return about how many nodes separate the graph without node 0 into halves."""
    ptr, column, _, _ = kernels.assemble(n, p, q, conductance)
    widest: int = kernels.width(ptr, column)
    return widest


def _dense(ptr: Ints, column: Ints, weight: Floats, diagonal: Floats) -> Floats:
    matrix = np.diag(diagonal)
    rows = np.repeat(np.arange(len(diagonal)), np.diff(ptr))
    np.add.at(matrix, (rows, column), -weight)
    return matrix
