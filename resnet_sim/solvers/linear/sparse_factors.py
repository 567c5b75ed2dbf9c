"""Sparse factors of network matrices: by SuperLU, or by CHOLMOD where cvxopt is installed."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any, Self

import numpy as np

from ...arrays import Bools, Floats, Ints
from ...compiled import policy
from ...graph.graphs import bincount
from . import superlu

Solve = Callable[[Floats], Floats]


#: Entries of a factor, relative to those of the one that its order is from, from which that is old.
FULLER = 1.3
#: Entries off the diagonal per row beyond which an order of our own leaves factors as full as that
#: of SuperLU: of near trees, and of graphs with tens of edges at a node.
ENTRIES_PER_ROW = (2.5, 12.0)


class SparseFactors:
    """Factors Laplacians of networks that are alike, one after another.

    To find an order of elimination takes longer than the numbers do, so that of the first, which is
    SuperLU's or in large networks our own, serves the next ones, too; CHOLMOD's symbolic factor
    serves those that have their entries in the same places. A factor may then take the place of the
    last one, which is of no more use.
    """

    def __init__(self) -> None:
        self._label: Ints | None = None
        #: the place of each coordinate in the order of elimination, and the entries of its factor
        self._place: Ints | None = None
        self._fill = 0
        #: places, groups of coordinates, and the nodes in the order that follows from both
        self._ordered: tuple[Any, Any, Any] = None, None, None
        #: first entry of each column and rows of all, and the symbolic factor of these
        self._pattern: tuple[Ints, Ints] | None = None
        self._symbolic: Any = None
        self._latest = 0
        #: that of the last graph
        self._assembly: Assembly | None = None

    def of_groups(self, label: Ints) -> Self:
        """Return itself for matrices whose rows are groups, 0 for none, of some coordinates."""
        self._label = label
        return self

    def after(self, gone: Ints, kept: Bools, others: SparseFactors) -> None:
        """Order some coordinates before all that are kept, which others have ordered."""
        if others._place is not None:
            place = np.full(len(kept), -1)
            place[gone], place[kept] = np.arange(len(gone)), len(gone) + others._place
            place[0] = -1
            self._keep(place, 0)

    def factor(
        self, n: int, p: Ints, q: Ints, conductance: Floats, positive: bool, more: float
    ) -> Solve:
        """Return the inverse of a Laplacian without node 0, the diagonal raised by `more` of it.

        Raises
        ------
        numpy.linalg.LinAlgError
            If it is singular to working precision.
        """
        if _has_cholmod() and positive:
            return self._cholesky(n, p, q, conductance, more)
        if positive and self._place is None and n > policy.POLICY.own_order:
            self._find_order(n, p, q)
        assembly = self._assembly_of(n, p, q)
        node, matrix = assembly.node, assembly.matrix(conductance, -more)
        try:
            factor = superlu.symmetric(matrix, ordered=node is not None)
        except RuntimeError as error:
            raise np.linalg.LinAlgError(str(error)) from error
        # an M-matrix, and no other whose entries beside the diagonal are negative, has an inverse
        # without a negative entry (Berman and Plemmons, "Nonnegative matrices", 1979, chapter 6)
        if positive and not (factor.solve(np.ones(n - 1)) > 0).all():
            raise np.linalg.LinAlgError("rounding has made a pivot negative")
        if node is None:
            self._keep(np.append(-1, factor.perm_c), factor.nnz)
            inverse: Solve = factor.solve
            return inverse
        self._fill = self._fill or factor.nnz
        if factor.nnz > FULLER * self._fill:
            self._place = None
        at, back = node - 1, assembly.place[1:] - 1
        return lambda b: factor.solve(b[at])[back]

    def _assembly_of(self, n: int, p: Ints, q: Ints) -> Assembly:
        """Return the assembly of a graph, in the order of elimination if that is known."""
        node, last = self._order(n), self._assembly
        if last is None or not last.serves(n, p, q, node):
            self._assembly = last = Assembly(n, p, q, node)
        return last

    def _find_order(self, n: int, p: Ints, q: Ints) -> None:
        """Find an order of our own, if the graph is of those where that takes less time."""
        from ._minimum_degree import minimum_degree
        from ._sparse_rows import assemble

        ptr, _, column, *_ = assemble(n, p, q, np.ones(len(p)))
        least, most = ENTRIES_PER_ROW
        if least * n < len(column) < most * n:
            place = np.full(n, -1)
            place[1 + minimum_degree(ptr, column).astype(np.int64)] = np.arange(n - 1)
            self._keep(place, 0)

    def _keep(self, place: Ints, entries: int) -> None:
        """Remember the order of elimination, and how many entries its factor has, if known."""
        self._place = place if self._label is None else place[self._label]
        self._fill = entries

    def _order(self, n: int) -> Ints | None:
        """Return the nodes in the order of elimination, if known: where the last member stands."""
        place, label = self._place, self._label
        if place is None:
            return None
        if label is None:
            label = np.arange(n)
        if len(label) != len(place):
            return None
        ordered, groups, node = self._ordered
        if ordered is not place or not np.array_equal(groups, label):
            last = np.full(n, -1)
            np.maximum.at(last, label, place)
            node = 1 + np.argsort(last[1:], kind="stable")
            self._ordered = place, label, node
        return node

    def _cholesky(self, n: int, p: Ints, q: Ints, conductance: Floats, more: float) -> Solve:
        """Factor by CHOLMOD; two to three times as fast as SuperLU."""
        from cvxopt import cholmod, matrix, spmatrix

        diagonal, a, b, off = entries(n, p, q, conductance, (1.0 + more) * conductance)
        every = np.arange(n - 1)
        values = np.concatenate((diagonal, off))
        rows = np.concatenate((every, np.maximum(a, b)))
        columns = np.concatenate((every, np.minimum(a, b)))
        lower = spmatrix(matrix(values), matrix(rows), matrix(columns), (n - 1, n - 1))
        cholmod.options["supernodal"] = 1  # dense blocks where that is worth it
        first, row, _ = (np.array(part) for part in lower.CCS)
        last = self._pattern
        if last is None or not (np.array_equal(last[0], first) and np.array_equal(last[1], row)):
            self._symbolic, self._pattern = cholmod.symbolic(lower), (first, row)
        factor = self._symbolic
        self._latest = own = self._latest + 1
        try:
            cholmod.numeric(lower, factor)
        except ArithmeticError as error:
            raise np.linalg.LinAlgError(f"not positive definite: {error}") from error

        def solve(b: Floats) -> Floats:
            if factor is self._symbolic and own != self._latest:
                raise AssertionError("this factor has become that of another matrix")
            if b.ndim > 1:  # all at once it takes twice as long
                return np.column_stack([solve(column) for column in b.T.copy()])
            x = matrix(b)
            cholmod.solve(factor, x)
            return np.array(x).ravel()

        return solve


@cache
def _has_cholmod() -> bool:
    # looking for what isn't there takes as long as a small factorisation
    return find_spec("cvxopt") is not None


def entries(
    n: int, p: Ints, q: Ints, conductance: Floats, at_ends: Floats
) -> tuple[Floats, Ints, Ints, Floats]:
    """Return the Laplacian without row and column 0: diagonal, and where else there is what.

    On the diagonal are the sums of `at_ends`, S; each edge between two other nodes is there
    once, and edges may have the same ends.
    """
    apart = p != q
    inner = (p > 0) & (q > 0) & apart
    at_ends = at_ends * apart
    diagonal = bincount(p, at_ends, n) + bincount(q, at_ends, n)
    return diagonal[1:], p[inner] - 1, q[inner] - 1, -conductance[inner]


class Assembly:
    """Where the conductances of a graph go in its Laplacian without row and column 0.

    `node` has the nodes but 0 in the order of rows, if that is not their own.
    """

    def __init__(self, n: int, p: Ints, q: Ints, node: Ints | None = None) -> None:
        self.n, self.node, self.ends = n, node, (p, q)
        self.place = np.arange(n)
        if node is not None:
            self.place[node] = np.arange(1, n)
            p, q = self.place[p], self.place[q]
        self._p, self._q, self._apart = p, q, p != q
        self._inner = np.flatnonzero((p > 0) & (q > 0) & self._apart)
        every, a, b = np.arange(n - 1), p[self._inner] - 1, q[self._inner] - 1
        key = np.concatenate((every, b, a)) * (n - 1) + np.concatenate((every, a, b))
        order = _sorted(key, (n - 1) ** 2)
        key = key[order]
        first = np.append(True, key[1:] != key[:-1])
        #: the entry of each number on the diagonal and of each edge, either way
        self._entry = np.empty_like(order)
        self._entry[order] = np.cumsum(first) - 1
        column, row = np.divmod(key[first], n - 1)
        begins = np.append(0, np.cumsum(np.bincount(column)))
        self._index = row.astype(np.intc), begins.astype(np.intc)

    def serves(self, n: int, p: Ints, q: Ints, node: Ints | None) -> bool:
        """Tell whether it is that of a graph in an order."""
        if n != self.n or (node is None) != (self.node is None):
            return False
        ordered = node is None or np.array_equal(node, self.node)  # type: ignore[arg-type]
        return ordered and np.array_equal(p, self.ends[0]) and np.array_equal(q, self.ends[1])

    def matrix(self, conductance: Floats, shift: float) -> superlu.Columns:
        """Return the Laplacian, its diagonal lowered by `shift` times the sum of its row."""
        at_ends = (conductance - shift * np.abs(conductance)) * self._apart
        diagonal = bincount(self._p, at_ends, self.n) + bincount(self._q, at_ends, self.n)
        off = -conductance[self._inner]
        values = np.concatenate((diagonal[1:], off, off))
        index = self._index
        return superlu.Columns(bincount(self._entry, values, len(index[0])), *index)


def _sorted(key: Ints, end: int) -> Ints:
    """Return what sorts numbers below an end, digit by digit: of 16 bits that takes linear time."""
    order, shift = np.arange(len(key)), 0
    while end >> shift:
        digit = (key >> shift).astype(np.uint16)
        order = order[np.argsort(digit[order], kind="stable")]
        shift += 16
    return order


def sparse_laplacian(
    n: int, p: Ints, q: Ints, conductance: Floats, shift: float
) -> superlu.Columns:
    """Return the Laplacian without row and column 0, its diagonal lowered as `Assembly` does."""
    return Assembly(n, p, q).matrix(conductance, shift)
