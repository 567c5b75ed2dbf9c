"""Linear systems of network problems: factor once, solve often."""

from __future__ import annotations

from functools import partial

import numpy as np

from ...arrays import Floats, Ints
from ...compiled import policy
from ...compiled.kernels import kernel
from ...graph.graphs import bincount, components
from . import superlu
from .sparse_factors import Solve, SparseFactors, entries, sparse_laplacian

#: Ratio of conductances from which sums lose too much of the smallest, that up to which the
#: nodes that they join are one group, and the share of the diagonal that holds groups meanwhile.
SPREAD, SCALE, HELD = 1e10, 1e7, 1e-11


def laplacian_solver(
    n: int, p: Ints, q: Ints, conductance: Floats, factors: SparseFactors | None = None
) -> Solve:
    """Return a function that solves ``K x = b`` with ``x[0] = 0``, for columns of b if it has any.

    K is the Laplacian of a graph with the given conductances between n nodes, each
    connected to node 0; ``b[0]`` is ignored.  `factors` know the entries of earlier ones.

    Raises
    ------
    numpy.linalg.LinAlgError
        If K is singular to working precision.
    """
    if n == 1:
        return np.zeros_like
    positive, small = bool((conductance > 0).all()), n <= policy.POLICY.dense
    if positive and small:
        return _grounded(_dense_m_matrix(n, p, q, conductance))
    if small or (not positive and _is_full(n, p)):
        return _dense(n, p, q, conductance)
    return _grounded_sparse(n, p, q, conductance, factors)


def _grounded_sparse(
    n: int, p: Ints, q: Ints, conductance: Floats, factors: SparseFactors | None = None
) -> Solve:
    return _grounded(_sparse(n, p, q, conductance, factors or SparseFactors()))


def coarse_solver(n: int, p: Ints, q: Ints, conductance: Floats) -> Solve:
    """Return what `laplacian_solver` does where the last digits don't count.

    A small network is inverted: a sparse factorisation takes as long for its tables alone.
    """
    if n <= policy.POLICY.inverted:
        return _dense(n, p, q, conductance)
    return _grounded_sparse(n, p, q, conductance)


def _grounded(inverse: Solve) -> Solve:
    def solve(b: Floats) -> Floats:
        x = np.empty(b.shape)
        x[0], x[1:] = 0.0, inverse(b[1:])
        return x

    return solve


def _weights(n: int, p: Ints, q: Ints, conductance: Floats) -> Floats:
    """Return the matrix of conductances between nodes, shape (n, n), zero diagonal."""
    flat = bincount(p * n + q, conductance, n * n) + bincount(q * n + p, conductance, n * n)
    weights = flat.reshape(n, n)
    np.fill_diagonal(weights, 0.0)
    return weights


def _dense_m_matrix(n: int, p: Ints, q: Ints, conductance: Floats) -> Solve:
    """Eliminate without a single subtraction, as Grassmann, Taksar and Heyman (1985) do.

    Eliminating a node of a network of positive conductances gives another one (star to
    mesh); keeping the conductances to ground apart from the diagonal, every entry of the
    factors is right to rounding, whatever the spread of the conductances.
    """
    weights = _weights(n, p, q, conductance)
    ground = weights[0, 1:].copy()
    mesh = weights[1:, 1:]
    order = n - 1
    inverse, pivots = np.eye(order), np.empty(order)
    # a pivot takes some ten calls of numpy, whatever its size
    if not _eliminate.at(order**2, cost=25 * order)(mesh, ground, inverse, pivots):
        raise np.linalg.LinAlgError("a node is not connected")
    return lambda b: inverse.T @ ((inverse @ b).T / pivots).T


def _eliminate_by_rows(mesh: Floats, ground: Floats, inverse: Floats, pivots: Floats) -> bool:
    """Eliminate all nodes; changes `mesh` and `ground`, fills `pivots`.

    What is done to rows is done to those of `inverse`, which becomes that of the lower factor.
    """
    order = len(pivots)
    for k in range(order):
        star = mesh[k, k + 1 :]
        # one after the other, as compiled, for the same bits
        pivot = pivots[k] = np.cumsum(np.append(ground[k], star))[-1]
        if not pivot > 0:
            return False
        share = star / pivot
        ground[k + 1 :] += share * ground[k]
        mesh[k + 1 :, k + 1 :] += share[:, None] * star
        inverse[k + 1 :, : k + 1] += share[:, None] * inverse[k, : k + 1]
        # what a node would exchange with itself is no conductance
        mesh.flat[(k + 1) * (order + 1) :: order + 1] = 0.0
    return True


@partial(kernel, interpreted=_eliminate_by_rows)
def _eliminate(mesh, ground, inverse, pivots):  # type: ignore[no-untyped-def]
    order = len(pivots)
    for k in range(order):
        pivot = ground[k]
        for j in range(k + 1, order):
            pivot += mesh[k, j]
        if not pivot > 0:
            return False
        pivots[k] = pivot
        for i in range(k + 1, order):
            share = mesh[k, i] / pivot
            if share != 0.0:
                ground[i] += share * ground[k]
                for j in range(k + 1):
                    inverse[i, j] += share * inverse[k, j]
                for j in range(k + 1, order):
                    mesh[i, j] += share * mesh[k, j]
                mesh[i, i] = 0.0
    return True


def _dense(n: int, p: Ints, q: Ints, conductance: Floats) -> Solve:
    lower = _lower(n, p, q, conductance)
    laplacian = lower + np.tril(lower, -1).T
    # node 0 is a row and a column of zeros: to take it out and in again would take longer
    inverse = np.zeros((n, n))
    inverse[1:, 1:] = np.linalg.inv(laplacian)
    return inverse.__matmul__


def _lower(n: int, p: Ints, q: Ints, conductance: Floats, at_ends: Floats | None = None) -> Floats:
    """Return the lower triangle of what `sparse_factors.entries` describes, without 0."""
    fill = _fill.at(len(p), cost=len(p) // 50)
    at_ends = conductance if at_ends is None else at_ends
    return np.asarray(fill(n, p, q, conductance, at_ends)[1:, 1:])


def _fill_by_arrays(n: int, p: Ints, q: Ints, conductance: Floats, at_ends: Floats) -> Floats:
    diagonal, a, b, off = entries(n, p, q, conductance, at_ends)
    flat = bincount((np.maximum(a, b) + 1) * n + np.minimum(a, b) + 1, off, n**2)
    flat[n + 1 :: n + 1] += diagonal
    return flat.reshape(n, n)


@partial(kernel, interpreted=_fill_by_arrays)
def _fill(n, p, q, conductance, at_ends):  # type: ignore[no-untyped-def]
    """Return the lower triangle in one pass over the edges; row and column 0 are zero."""
    lower, begun, ended = np.zeros((n, n)), np.zeros(n), np.zeros(n)
    for k in range(len(p)):
        a, b = p[k], q[k]
        if a == b:
            continue
        begun[a] += at_ends[k]
        ended[b] += at_ends[k]
        if a > 0 and b > 0:
            lower[max(a, b), min(a, b)] -= conductance[k]
    for k in range(1, n):
        lower[k, k] = begun[k] + ended[k]
    return lower


def _is_full(n: int, p: Ints) -> bool:
    """Tell whether eliminating densely takes less time than to find out what is not there."""
    return n <= policy.POLICY.full_order and 20 * len(p) > n * n


def _sparse(n: int, p: Ints, q: Ints, conductance: Floats, factors: SparseFactors) -> Solve:
    positive = bool((conductance > 0).all())
    if positive and conductance.max() > SPREAD * conductance.min():
        return _by_scales(n, p, q, conductance, factors)
    return factors.factor(n, p, q, conductance, positive, 0.0)


def _by_scales(n: int, p: Ints, q: Ints, conductance: Floats, factors: SparseFactors) -> Solve:
    """Return an inverse for conductances so different that sums of them lose the small ones.

    Nodes that large conductances join are groups.  A factor knows what happens within them; how
    high each group lies follows from what flows between groups, where no large one counts.
    """
    strong = conductance > conductance.max() / SCALE
    count, group = components(n, p[strong], q[strong])
    weak = group[p] != group[q]
    fine = factors.factor(n, p, q, conductance, True, HELD)
    a, b, g = p[weak], q[weak], conductance[weak]
    small = count <= policy.POLICY.groups
    coarse = (laplacian_solver if small else _grounded_sparse)(count, group[a], group[b], g)

    def over(load: Floats, x: Floats) -> Floats:
        """Return what is left over at all nodes but for flows within groups."""
        current = g * (x[a] - x[b])
        return load + bincount(b, current, n) - bincount(a, current, n)

    def level(load: Floats) -> Floats:
        return coarse(bincount(group, load, count))[group]

    def solve(load: Floats) -> Floats:
        if load.ndim > 1:
            return np.column_stack([solve(column) for column in load.T])
        load = np.concatenate(([0.0], load))
        x = level(load)
        x[1:] += fine(over(load, x)[1:])
        x += level(over(load, x))
        return x[1:]

    return solve


def convex(n: int, p: Ints, q: Ints, conductance: Floats, margin: float = 1e-13) -> bool:
    """Tell whether the Laplacian without row and column 0 is positive definite.

    Conductances may be negative; every node must be connected to node 0.
    """
    if (conductance > 0).all():
        return True
    if n <= policy.POLICY.dense or _is_full(n, p):
        at_ends = conductance - margin * np.abs(conductance)
        try:
            np.linalg.cholesky(_lower(n, p, q, conductance, at_ends))
        except np.linalg.LinAlgError:
            return False
        return True
    try:
        factor = superlu.symmetric(sparse_laplacian(n, p, q, conductance, margin))
    except RuntimeError:
        return False
    # Sylvester: a symmetric elimination keeps the signs of the eigenvalues in its pivots
    symmetric = np.array_equal(factor.perm_r, factor.perm_c)
    return bool(symmetric and (factor.U.diagonal() > 0).all())
