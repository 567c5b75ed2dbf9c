"""Sparse factors against dense ones."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import sparse

from resnet_sim.generators import grid
from resnet_sim.netlist import format_netlist
from resnet_sim.solvers.linear import superlu


def laplacian(n: int, seed: int) -> sparse.csc_array:
    rng = np.random.default_rng(seed)
    p, q = rng.integers(0, n, (2, 3 * n))
    g = np.where(p == q, 0.0, 10 ** rng.uniform(-2, 2, 3 * n))
    k = sparse.coo_array((np.r_[g, g, -g, -g], (np.r_[p, q, p, q], np.r_[p, q, q, p])), (n, n))
    return (k + sparse.eye_array(n)).tocsc()


@pytest.mark.parametrize("factor", [superlu.symmetric, superlu.general])
def test_factors_solve_with_networks(factor):
    matrix, b = laplacian(300, 1), np.random.default_rng(2).normal(size=300)
    x = np.linalg.solve(matrix.toarray(), b)
    np.testing.assert_allclose(factor(matrix).solve(b), x, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(factor(matrix).solve(b, "T"), x, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("n", [1, 20, 300])
def test_the_order_is_that_of_the_factors(n):
    matrix = laplacian(n, n)
    assert superlu.order(matrix).tolist() == superlu.symmetric(matrix).perm_c.tolist()


def test_zeros_on_the_diagonal_are_no_pivots():
    matrix = laplacian(60, 3).tolil()
    for k in range(0, 60, 3):  # as voltage sources have them
        matrix[k, k] = 0.0
        matrix[k, (k + 7) % 60] += 1.0
    matrix = matrix.tocsc()
    b = np.random.default_rng(4).normal(size=60)
    x = np.linalg.solve(matrix.toarray(), b)
    np.testing.assert_allclose(superlu.general(matrix).solve(b), x, rtol=1e-8)


@pytest.mark.parametrize("factor", [superlu.symmetric, superlu.general])
def test_a_singular_matrix_has_no_factors(factor):
    with pytest.raises(RuntimeError):
        factor(sparse.csc_array([[1.0, 1.0], [1.0, 1.0]]))


def test_what_is_compiled_is_loaded_alone(tmp_path):
    deck = tmp_path / "grid.net"
    deck.write_text(format_netlist(grid(25, 25)))
    code = (
        "import sys, resnet_sim; from resnet_sim.solvers.linear import superlu;"
        f"assert resnet_sim.solve({str(deck)!r}).certificate.ok;"
        "assert superlu.compiled.cache_info().currsize == 1;"
        "assert 'scipy.sparse' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("other", ["scipy.sparse.linalg.not_there", "scipy.sparse._sparsetools"])
def test_where_scipy_has_it_elsewhere_its_public_functions_factor(monkeypatch, other):
    matrix, b = laplacian(300, 5), np.arange(300.0)
    alone, order = superlu.symmetric(matrix).solve(b), superlu.order(matrix)
    assert superlu.compiled() is not None
    monkeypatch.setattr(superlu, "NAME", other)
    superlu.compiled.cache_clear()
    try:
        assert superlu.compiled() is None
        assert np.array_equal(superlu.symmetric(matrix).solve(b), alone)
        assert np.array_equal(superlu.order(matrix), order)
    finally:
        superlu.compiled.cache_clear()
