"""The linear network of given conductances, factored: every sample shares it.

A nudge couples the outputs ``o = A x + o0`` to targets through conductances, which changes
K by a term of low rank; Woodbury's formula gives its solutions from those of K.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..arrays import Floats, Ints
from ..compiled import policy
from ..errors import UsageError
from .structure import Structure, dense


class Assembly:
    """Sparse matrices that are linear in the conductances, on a fixed pattern."""

    def __init__(self, structure: Structure) -> None:
        s = self.structure = structure
        from scipy.sparse import csr_array

        k = np.arange(len(s.edge))
        inner = s.edge_p * s.edge_q != 0
        p, q, at = s.edge_p, s.edge_q, s.edge
        own_p, own_q = p != 0, q != 0
        one = np.ones(len(k))
        self.stiffness = _Pattern(
            np.concatenate((p[own_p], q[own_q], p[inner], q[inner])) - 1,
            np.concatenate((p[own_p], q[own_q], q[inner], p[inner])) - 1,
            np.concatenate((at[own_p], at[own_q], at[inner], at[inner])),
            np.concatenate((one[own_p], one[own_q], -one[inner], -one[inner])),
            (s.n, s.n),
        )
        rows, columns = np.concatenate((p, q)), np.concatenate((k, k))
        sign = np.concatenate((one, -one))
        ends = csr_array((sign, (rows, columns)), shape=(s.n + 1, len(k)))[1:]
        emf = s.emf.tocoo()
        source = csr_array(ends)[:, emf.row].tocoo()
        self.load = _Pattern(
            source.row, emf.col[source.col], at[emf.row[source.col]],
            source.data * emf.data[source.col], (s.n, s.columns),
        )  # fmt: skip


class _Pattern:
    """Matrix whose entries are sums of ``coefficient * conductance[branch]``."""

    def __init__(
        self, row: Ints, column: Ints, branch: Ints, coefficient: Floats, shape: tuple[int, int]
    ) -> None:
        flat = row.astype(np.int64) * shape[1] + column
        unique, self._slot = np.unique(flat, return_inverse=True)
        self.row, self.column = unique // shape[1], unique % shape[1]
        self._branch, self._coefficient, self.shape = branch, coefficient, shape

    def values(self, conductance: Floats) -> Floats:
        weights = self._coefficient * conductance[self._branch]
        return np.asarray(np.bincount(self._slot, weights, len(self.row)), dtype=float)

    def dense(self, conductance: Floats) -> Floats:
        matrix = np.zeros(self.shape)
        matrix[self.row, self.column] = self.values(conductance)
        return matrix

    def sparse(self, conductance: Floats) -> Any:
        from scipy.sparse import csr_array

        return csr_array((self.values(conductance), (self.row, self.column)), shape=self.shape)


@dataclass(frozen=True)
class Coupling:
    """How a nudge of given stiffness changes solutions: ``(compliance + A K^-1 A')^-1``."""

    compliance: float
    inverse: Floats


class Factor:
    """K of given conductances, factored, and what follows for rectifiers and outputs.

    Attributes
    ----------
    apply : callable
        ``apply(rhs)`` solves ``K y = rhs`` for rows of rhs, shape (B, n).
    load : array
        ``c = u @ load.T``, without injections.

    Raises
    ------
    numpy.linalg.LinAlgError
        If K is not positive definite.
    """

    def __init__(self, structure: Structure, assembly: Assembly, g: Floats, outputs: Any) -> None:
        self.structure = structure
        if structure.n <= policy.POLICY.dense_inverse:
            self.matrix: Any = assembly.stiffness.dense(g)
            self.load: Any = assembly.load.dense(g)
            self.apply = _dense(self.matrix)
        else:
            self.matrix = assembly.stiffness.sparse(g)
            self.load = assembly.load.sparse(g)
            self.apply = _sparse(self.matrix)
        #: K^-1 A', transposed, shape (n_outputs, n)
        self.of_output: Floats = self.apply(dense(outputs))
        #: A K^-1 A'
        self.transfer: Floats = outputs @ self.of_output.T

    @cached_property
    def of_rectifier(self) -> Floats:
        """K^-1 B, transposed, shape (m, n)."""
        return self.apply(dense(self.structure.ends))

    @cached_property
    def weight(self) -> Floats:
        """B'K^-1 B + R, shape (m, m)."""
        s = self.structure
        weight = self.across(self.of_rectifier)
        weight = 0.5 * (weight + weight.T)
        weight.flat[:: len(weight) + 1] += s.resistance
        return weight

    @cached_property
    def output_across(self) -> Floats:
        """B'K^-1 A', transposed, shape (n_outputs, m)."""
        return self.across(self.of_output)

    def across(self, x: Floats) -> Floats:
        """Return ``x_p - x_q`` of the rectifiers for rows of coordinates, shape (B, m)."""
        s = self.structure
        padded = np.concatenate((np.zeros((len(x), 1)), x), axis=1)
        result: Floats = padded[:, s.diode_p] - padded[:, s.diode_q]
        return result

    def coupling(self, stiffness: float) -> Coupling:
        """Return how outputs held with a stiffness (S, may be negative or inf) react.

        Raises
        ------
        UsageError
            If the stiffness is so negative that the co-content is no longer convex, or
            infinite where an output's voltage is given anyway.
        """
        n_outputs = len(self.transfer)
        high = float(np.linalg.eigvalsh(self.transfer)[-1])
        if stiffness < 0 and -stiffness * high >= 1.0:
            raise UsageError(
                f"a nudge of {stiffness:.6g} S makes the circuit unstable; "
                f"it must stay above {-1.0 / high:.6g} S"
            )
        compliance = 0.0 if np.isinf(stiffness) else 1.0 / stiffness
        system = self.transfer + compliance * np.eye(n_outputs)
        if compliance == 0.0 and np.linalg.cond(system) > 1e12:
            raise UsageError("outputs that depend on each other or on sources can't be clamped")
        return Coupling(compliance, np.asarray(np.linalg.inv(system), dtype=float))


def _dense(matrix: Floats) -> Callable[[Floats], Floats]:
    """Return the solver of a small K, by its inverse."""
    from scipy.linalg import blas, lapack

    factor, info = lapack.dpotrf(matrix, lower=1)
    pivots = np.diagonal(factor) ** 2
    if info or (pivots <= 1e-13 * np.diagonal(matrix)).any():
        raise np.linalg.LinAlgError("not positive definite")
    root, _ = lapack.dtrtri(factor, lower=1)
    inverse = blas.dsyrk(1.0, root, trans=1)
    inverse = np.triu(inverse) + np.triu(inverse, 1).T
    return lambda rhs: rhs @ inverse


def _sparse(matrix: Any) -> Callable[[Floats], Floats]:
    from scipy.sparse.linalg import splu

    try:
        factor = splu(
            matrix.tocsc(),
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
    except RuntimeError as error:
        raise np.linalg.LinAlgError(str(error)) from error
    pivots = factor.U.diagonal()
    symmetric = np.array_equal(factor.perm_r, factor.perm_c)
    if not symmetric or not (pivots > 1e-13 * pivots.max()).all():
        raise np.linalg.LinAlgError("not positive definite")
    return lambda rhs: np.ascontiguousarray(factor.solve(np.ascontiguousarray(rhs.T)).T)
