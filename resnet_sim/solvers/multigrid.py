"""Conjugate gradients preconditioned by aggregation multigrid, for Laplacians of networks.

Rows are joined to aggregates along their strongest conductances, and the aggregates are
a smaller network again, whose conductances are sums: Galerkin's matrix of piecewise
constant interpolation stays an M-matrix on every level (Notay, "An aggregation-based
algebraic multigrid method", 2010).  The first steps of `newton` need just one digit;
graphs whose factors fill up, such as random ones, are solved to the last digit this way.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..elements import Floats, Ints
from . import _multigrid as kernels

#: Rows of an aggregate, at most.
AGGREGATE = 4
#: Rows of the last level, which is inverted.
COARSEST = 40


class Multigrid:
    """Hierarchy of the Laplacian of positive conductances between n nodes, node 0 held.

    Every node must be connected to node 0.

    Parameters
    ----------
    n : int
    p, q : ndarray of int, shape (e,)
    conductance : ndarray of float, shape (e,)
        S
    like : tuple of Multigrid and ndarray of int, shape (n,), optional
        That of a similar network, whose aggregates serve this one too, and the node there
        that each node here is like.
    """

    def __init__(
        self, n: int, p: Ints, q: Ints, conductance: Floats,
        like: tuple[Multigrid, Ints] | None = None,
    ) -> None:  # fmt: skip
        ptr, split, column, exact, diagonal = kernels.assemble(n, p, q, conductance)
        #: where each level below begins, their matrices stacked, the inverse of the last
        self._coarse: tuple[Ints, tuple[Any, ...], Any]
        if like is None:
            level = ptr, column, exact, diagonal
            self._group, row, levels, last = kernels.hierarchy(*level, AGGREGATE, COARSEST)
            self._coarse = row, levels, np.linalg.inv(_dense(*last)).astype(np.float32)
        else:
            other, node = like
            self._coarse = row, *_ = other._coarse
            # what was held is joined to none
            self._group = np.append(np.uint32(row[-1]), other._group)[node[1:]]
        # the cycle needs only a few digits
        inverse = (1.0 / diagonal).astype(np.float32)
        self._fine = (ptr, split, column, exact.astype(np.float32), inverse, self._group)
        self._exact = (diagonal, exact)

    def solve(self, b: Floats, reduction: float, most: int = 50) -> Floats:
        """Return x, ``x[0] = 0``, whose residual is `reduction` times `b`; ``b[0]`` is ignored."""
        x: Floats
        x, self.steps = kernels.conjugate_gradients(
            self._fine, *self._exact, *self._coarse, b, reduction, most
        )
        return x

    def separator(self) -> int:
        """Return about how many nodes separate the graph without node 0 into halves."""
        ptr, _, column, *_ = self._fine
        widest: int = kernels.width(ptr, column)
        return widest


def _dense(ptr: Ints, column: Ints, weight: Floats, diagonal: Floats) -> Floats:
    matrix = np.diag(diagonal)
    rows = np.repeat(np.arange(len(diagonal)), np.diff(ptr))
    np.subtract.at(matrix, (rows, column), weight)
    return matrix
