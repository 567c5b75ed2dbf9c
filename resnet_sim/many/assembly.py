"""Matrices that are linear in the conductances, on patterns that don't change."""

from __future__ import annotations

from copy import copy
from functools import cached_property
from typing import Any

import numpy as np

from ..arrays import Floats, Ints
from .structure import Structure


class Assembly:
    """Sparse matrices that are linear in the conductances, on a fixed pattern."""

    def __init__(self, structure: Structure) -> None:
        self.structure = structure

    @cached_property
    def stiffness(self) -> Pattern:
        """K, shape (n, n)."""
        s = self.structure
        inner = s.edge_p * s.edge_q != 0
        p, q, at = s.edge_p, s.edge_q, s.edge
        own_p, own_q = p != 0, q != 0
        one = np.ones(len(p))
        return Pattern(
            np.concatenate((p[own_p], q[own_q], p[inner], q[inner])) - 1,
            np.concatenate((p[own_p], q[own_q], q[inner], p[inner])) - 1,
            np.concatenate((at[own_p], at[own_q], at[inner], at[inner])),
            np.concatenate((one[own_p], one[own_q], -one[inner], -one[inner])),
            (s.n, s.n), len(s.reduction.conductors),
        )  # fmt: skip

    @cached_property
    def load(self) -> Pattern:
        """Injections of sources in edges per unit of each input, shape (n, columns)."""
        from scipy.sparse import csr_array

        s = self.structure
        k, at = np.arange(len(s.edge)), s.edge
        rows, columns = np.concatenate((s.edge_p, s.edge_q)), np.concatenate((k, k))
        sign = np.concatenate((np.ones(len(k)), -np.ones(len(k))))
        ends = csr_array((sign, (rows, columns)), shape=(s.n + 1, len(k)))[1:]
        emf = s.emf.tocoo()
        source = csr_array(ends)[:, emf.row].tocoo()
        return Pattern(
            source.row, emf.col[source.col], at[emf.row[source.col]],
            source.data * emf.data[source.col], (s.n, s.columns), len(s.reduction.conductors),
        )  # fmt: skip


class Pattern:
    """Matrix whose entries are sums of ``coefficient * conductance[branch]``.

    Attributes
    ----------
    row, column : ndarray of int
        Of the entries, row by row.
    first : ndarray of int, shape (rows + 1,)
        Where the entries of each row begin.
    sums : sparse array, shape (entries, branches)
        Entries per unit of each conductance.
    """

    def __init__(
        self, row: Ints, column: Ints, branch: Ints, coefficient: Floats, shape: tuple[int, int],
        branches: int,
    ) -> None:  # fmt: skip
        from scipy.sparse import csr_array

        flat = row.astype(np.int64) * shape[1] + column
        unique, slot = np.unique(flat, return_inverse=True)
        self.row, self.column = unique // shape[1], unique % shape[1]
        self.first = np.searchsorted(self.row, np.arange(shape[0] + 1))
        self._empty = csr_array((np.zeros(len(unique)), self.column, self.first), shape=shape)
        self.sums = csr_array((coefficient, (slot, branch)), shape=(len(unique), branches))
        self.shape = shape

    def folded(self, half: int) -> Pattern:
        """Return the matrix for columns of which the second `half` is minus the first."""
        one = self.sums.tocoo()
        row, column = self.row[one.row], self.column[one.row]
        mirrored = (column >= half) & (column < 2 * half)
        return Pattern(
            row, column - half * mirrored, one.col.astype(np.int64),
            np.where(mirrored, -one.data, one.data),
            self.shape, self.sums.shape[1],
        )  # fmt: skip

    def values(self, conductance: Floats) -> Floats:
        """Return the entries, shape (entries,)."""
        return np.asarray(self.sums @ conductance)

    def sparse(self, conductance: Floats) -> Any:
        """Return the matrix, sparse."""
        # it takes scipy longer to look at the pattern again than to multiply
        matrix = copy(self._empty)
        matrix.data = self.values(conductance)
        return matrix
