"""Sparse systems whose conductances spread over more decades than doubles have digits."""

import numpy as np
import pytest

from resnet_sim.compiled import policy
from resnet_sim.solvers.linear.laplacian import laplacian_solver


@pytest.mark.parametrize("seed", range(4))
def test_a_sparse_inverse_has_the_digits_of_one_without_subtraction(seed):
    rng = np.random.default_rng(seed)
    n = 120
    p, q = np.arange(1, n), np.array([rng.integers(0, k) for k in range(1, n)])
    p = np.concatenate((p, rng.integers(1, n, n)))
    q = np.concatenate((q, rng.integers(0, n, n)))
    p, q = p[p != q], q[p != q]
    g = 10 ** rng.choice([-12.0, -6.0, 0.0, 5.0], len(p))
    load = rng.normal(size=n)
    exact = refined(laplacian_solver(n, p, q, g), n, p, q, g, load)
    with policy.using(dense=1):
        found = refined(laplacian_solver(n, p, q, g), n, p, q, g, load)
    assert found == pytest.approx(exact, rel=1e-9)


def refined(solve, n, p, q, g, load):
    """Return what a solver ends at whose residuals are computed in extended precision."""
    x = np.zeros(n, dtype=np.longdouble)
    for _ in range(8):
        flow = g * (x[p] - x[q])
        rest = load.astype(np.longdouble)
        np.add.at(rest, p, -flow)
        np.add.at(rest, q, flow)
        rest[0] = 0.0
        x = x + solve(rest.astype(float))
    return (x - x[0]).astype(float)
