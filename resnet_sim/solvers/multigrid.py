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
COARSEST = 80


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
        if like is None:
            group = self._coarsen((ptr, split, column, exact, diagonal))
        else:
            other, node = like
            self._coarse = other._coarse
            group = np.append(np.int32(-1), other._fine[-1])[node[1:]]
        # the cycle needs only a few digits
        inverse = (1.0 / diagonal).astype(np.float32)
        self._fine = (ptr, split, column, exact.astype(np.float32), inverse, group)
        self._exact = (diagonal, exact)

    def _coarsen(self, level: tuple[Any, ...]) -> Ints:
        """Build the levels below the first; return the rows there that its rows are joined to."""
        groups, levels = [], [level]
        while len(levels[-1][-1]) > COARSEST or len(levels) == 1:
            ptr, _, column, weight, diagonal = levels[-1]
            group, count = kernels.aggregate(ptr, column, weight, AGGREGATE)
            groups.append(group)
            levels.append(kernels.coarsen(ptr, column, weight, diagonal, group, count))
        below = levels[1:]
        row = np.cumsum([0, *(len(level[-1]) for level in below)])
        entry = np.cumsum([0, *(len(level[2]) for level in below)])
        stacked = (
            np.concatenate([[0], *(level[0][1:] + k for level, k in zip(below, entry, strict=False))]),
            np.concatenate([level[1] + k for level, k in zip(below, entry, strict=False)]),
            np.concatenate([level[2] + np.int32(k) for level, k in zip(below, row, strict=False)]),
            np.concatenate([level[3] for level in below]).astype(np.float32),
            (1.0 / np.concatenate([level[4] for level in below])).astype(np.float32),
            np.concatenate([
                *(np.where(group >= 0, group + np.int32(k), np.int32(-1))
                  for group, k in zip(groups[1:], row[1:], strict=False)),
                np.full(len(below[-1][-1]), -1, dtype=np.int32),
            ]),
        )  # fmt: skip
        self._coarse = row, stacked, np.linalg.inv(_dense(*below[-1])).astype(np.float32)
        return groups[0]

    def solve(self, b: Floats, reduction: float, most: int = 50) -> Floats:
        """Return x, ``x[0] = 0``, whose residual is `reduction` times `b`; ``b[0]`` is ignored."""
        x: Floats
        x, self.steps = kernels.conjugate_gradients(
            self._fine, *self._exact, *self._coarse, b, reduction, most
        )
        return x


def separator(n: int, p: Ints, q: Ints, conductance: Floats) -> int:
    """Return about how many nodes separate the graph without node 0 into halves."""
    ptr, _, column, _, _ = kernels.assemble(n, p, q, conductance)
    widest: int = kernels.width(ptr, column)
    return widest


def _dense(ptr: Ints, _: Ints, column: Ints, weight: Floats, diagonal: Floats) -> Floats:
    matrix = np.diag(diagonal)
    rows = np.repeat(np.arange(len(diagonal)), np.diff(ptr))
    np.add.at(matrix, (rows, column), -weight)
    return matrix
