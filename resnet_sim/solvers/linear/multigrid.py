"""Conjugate gradients preconditioned by aggregation multigrid, for Laplacians of networks.

Rows are joined to aggregates along their strongest conductances, and the aggregates are
a smaller network again, whose conductances are sums: Galerkin's matrix of piecewise
constant interpolation stays an M-matrix on every level (Notay, "An aggregation-based
algebraic multigrid method", 2010).  The first steps of `newton` need just one digit;
graphs whose factors fill up, such as random ones, are solved to the last digit this way.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ...arrays import Floats, Ints
from . import _multigrid as kernels
from . import conjugate_gradients
from ._sparse_rows import assemble, width

#: Rows of an aggregate, at most.
AGGREGATE = 4
#: Rows of the last level, which is inverted.
COARSEST = 40


class Aggregates(NamedTuple):
    """How rows of the finest level are joined, and all levels below it: what others may use."""

    group: Ints
    coarse: tuple[Any, ...]
    #: entries of all levels over those of the finest
    complexity: float


class Multigrid:
    """Hierarchy of the Laplacian of positive conductances between n nodes, node 0 held.

    Every node must be connected to node 0.

    Parameters
    ----------
    n : int
    p, q : ndarray of int, shape (e,)
    conductance : ndarray of float, shape (e,)
        S
    like : tuple of Aggregates and ndarray of int, shape (n,), optional
        Those of a similar network, which serve this one too, and the node there that each
        node here is like.
    """

    def __init__(
        self, n: int, p: Ints, q: Ints, conductance: Floats,
        like: tuple[Aggregates, Ints] | None = None,
    ) -> None:  # fmt: skip
        self._matrix = assemble(n, p, q, conductance)
        self._like = like
        #: those of the last solution
        self.steps = 0

    @cached_property
    def _levels(self) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """The finest level, and those below it: where each begins, their matrices stacked, the
        inverse of the last.

        Built for the first solution: the separator alone doesn't need it.
        """
        ptr, split, column, exact, diagonal = self._matrix
        coarse: tuple[Any, ...]
        if self._like is None:
            level = ptr, column, exact, diagonal
            group, row, levels, last = kernels.hierarchy(*level, AGGREGATE, COARSEST)
            coarse = row, levels, np.linalg.inv(_dense(*last)).astype(np.float32)
        else:
            (groups, coarse, _), node = self._like
            row, *_ = coarse
            # what was held is joined to none
            group = np.append(np.uint32(row[-1]), groups)[node[1:]]
        # the cycle needs only a few digits
        inverse = (1.0 / diagonal).astype(np.float32)
        return (ptr, split, column, exact.astype(np.float32), inverse, group), coarse

    def solve(self, b: Floats, reduction: float, most: int = 50) -> Floats:
        """Return x, ``x[0] = 0``, whose residual is `reduction` times `b`; ``b[0]`` is ignored."""
        ptr, _, column, weight, diagonal = self._matrix
        fine, (row, levels, bottom) = self._levels
        y, c = np.zeros((2, row[-1] + 1), dtype=np.float32)

        def cycle(rhs: Floats, z: Floats) -> None:
            kernels.cycle(fine, row, levels, bottom, z, rhs, y, c)

        matrix = ptr, column, weight, diagonal
        x, self.steps = conjugate_gradients.solve(matrix, cycle, b[1:], reduction, most)
        return np.append(0.0, x)

    @property
    def aggregates(self) -> Aggregates:
        """What serves similar networks."""
        (_, _, finest, *_, group), coarse = self._levels
        _, (_, _, others, *_), _ = coarse
        return Aggregates(group, coarse, 1.0 + len(others) / max(1, len(finest)))

    def separator(self) -> int:
        """Return about how many nodes separate the graph without node 0 into halves."""
        ptr, _, column, *_ = self._matrix
        return width(ptr, column)


def _dense(ptr: Ints, column: Ints, weight: Floats, diagonal: Floats) -> Floats:
    matrix = np.diag(diagonal)
    rows = np.repeat(np.arange(len(diagonal)), np.diff(ptr))
    np.subtract.at(matrix, (rows, column), weight)
    return matrix
