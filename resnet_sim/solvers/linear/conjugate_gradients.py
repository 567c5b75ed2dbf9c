"""Flexible conjugate gradients, compiled, with any preconditioner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...arrays import Floats, Ints
from ...compiled.kernels import compiled, loops

#: Diagonal and positive off-diagonal conductances by rows: ptr, column, weight, diagonal.
Matrix = tuple[Ints, Ints, Floats, Floats]
#: From a residual to about what takes it away, both float32: the second is overwritten.
Preconditioner = Callable[[Any, Any], None]


def solve(
    matrix: Matrix, precondition: Preconditioner, b: Floats, reduction: float, most: int
) -> tuple[Floats, int]:
    """Return x, whose residual is `reduction` times `b`, and the number of steps (Notay 2000).

    The preconditioner works in single precision, as reading is what bounds it.  That makes it
    not quite a fixed symmetric matrix, so each new direction is made conjugate to the last by
    hand and not by a ratio of residuals.
    """
    n = len(b)
    x, r, along, product = np.zeros(n), b.copy(), np.zeros(n), np.zeros(n)
    z, rhs = np.zeros(n, dtype=np.float32), np.empty(n, dtype=np.float32)
    # single precision reaches from 1e-38 to 1e38
    size = _square(r)
    scale = 1.0 / np.sqrt(size) if size > 0 else 1.0
    goal, curvature = size * reduction**2, np.inf
    for step in range(most):
        np.multiply(r, scale, out=rhs, casting="same_kind")
        precondition(rhs, z)
        size, curvature = _advance(matrix, x, r, z, along, product, curvature)
        if not curvature > 0:
            return x, step
        if size <= goal:
            return x, step + 1
    return x, most


@compiled
def _square(r):  # type: ignore[no-untyped-def]
    total = 0.0
    for a in range(len(r)):
        total += r[a] * r[a]
    return total


@loops
def _advance(matrix, x, r, z, p, kp, curvature):  # type: ignore[no-untyped-def]
    """Take a step along what `z` adds to the last direction `p`, whose product is `kp`.

    Returns the square of the residual, and the curvature along the step.
    """
    ptr, column, weight, diagonal = matrix
    n = len(x)
    along = 0.0
    for a in range(n):
        along += z[a] * kp[a]
    along /= curvature
    for a in range(n):
        p[a] = np.float64(z[a]) - along * p[a]
    curvature = slope = 0.0
    # one pass for product, curvature and slope: vectors of this length come from memory
    for a in range(n):
        total = diagonal[a] * p[a]
        for j in range(ptr[a], ptr[a + 1]):
            total -= weight[j] * p[column[j]]
        kp[a] = total
        curvature += total * p[a]
        slope += r[a] * p[a]
    size = 0.0
    if curvature > 0.0:
        length = slope / curvature
        for a in range(n):
            x[a] += length * p[a]
            r[a] -= length * kp[a]
            size += r[a] * r[a]
    return size, curvature
