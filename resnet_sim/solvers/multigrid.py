"""Conjugate gradients preconditioned by aggregation multigrid, for Laplacians of networks.

Rows are joined to aggregates along their strongest conductances, and the aggregates are
a smaller network again, whose conductances are sums: Galerkin's matrix of piecewise
constant interpolation stays an M-matrix on every level (Notay, "An aggregation-based
algebraic multigrid method", 2010).  The first steps of `newton` need just one digit;
graphs whose factors fill up, such as random ones, are solved to the last digit this way.
"""

from __future__ import annotations

from collections.abc import Sequence
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
        self._coarse: tuple[Any, ...]
        self._group: Any
        if like is None:
            self._group, self._coarse = _coarsen((ptr, split, column, exact, diagonal))
        else:
            other, node = like
            self._coarse = other._coarse
            self._group = other._group[node[1:] - 1]
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


def _coarsen(level: tuple[Any, ...]) -> tuple[Ints, tuple[Any, ...]]:
    """Return the rows of the next level that rows are joined to, and all levels from there.

    These are where each begins, its matrix stacked with all others, and the inverse of the
    last; see `_multigrid.conjugate_gradients`.
    """
    groups: list[Ints] = []
    levels = [level]
    while len(levels[-1][-1]) > COARSEST or len(levels) == 1:
        ptr, _, column, weight, diagonal = levels[-1]
        group, count = kernels.aggregate(ptr, column, weight, AGGREGATE)
        groups.append(group)
        levels.append(kernels.coarsen(ptr, column, weight, diagonal, group, count))
    bottom = np.linalg.inv(_dense(*levels[-1])).astype(np.float32)
    row, stacked = _stack(levels[1:], groups[1:])
    return _joined(groups[0], 0, row[-1]), (row, stacked, bottom)


def _stack(levels: list[tuple[Any, ...]], groups: list[Ints]) -> tuple[Ints, tuple[Any, ...]]:
    """Return where each level begins, and their matrices one after the other."""
    ptr, split, column, weight, diagonal = zip(*levels, strict=True)
    row: Any = np.cumsum([0, *map(len, diagonal)])
    entry: Any = np.cumsum([0, *map(len, column)])
    # rows of the last level are joined to nothing
    into: list[Any] = [*groups, np.full(len(diagonal[-1]), kernels.NONE)]
    stacked = (
        _chain([*(p[:-1] for p in ptr), [0]], entry),
        _chain(split, entry),
        _chain(column, row),
        np.concatenate(weight).astype(np.float32),
        (1.0 / np.concatenate(diagonal)).astype(np.float32),
        np.concatenate([_joined(g, k, row[-1]) for g, k in zip(into, row[1:], strict=True)]),
    )
    return row, stacked


def _chain(indices: Sequence[Any], starts: Ints) -> Any:
    """Return indices into several arrays as indices into these one after the other."""
    parts = [np.asarray(i) + start for i, start in zip(indices, starts, strict=False)]
    return np.concatenate(parts).astype(np.uint32)


def _joined(group: Any, start: int, nowhere: int) -> Any:
    """Return the rows that rows are joined to, `nowhere` for those joined to none."""
    return np.where(group == kernels.NONE, nowhere, group + np.uint32(start)).astype(np.uint32)


def _dense(ptr: Ints, _: Ints, column: Ints, weight: Floats, diagonal: Floats) -> Floats:
    matrix = np.diag(diagonal)
    rows = np.repeat(np.arange(len(diagonal)), np.diff(ptr))
    np.add.at(matrix, (rows, column), -weight)
    return matrix
