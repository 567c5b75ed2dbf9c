"""The order in which nodes of large networks are eliminated, and factors in that order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.linalg import splu

from resnet_sim.compiled import policy
from resnet_sim.solvers.linear import laplacian, sparse_factors
from resnet_sim.solvers.linear._minimum_degree import minimum_degree
from resnet_sim.solvers.linear._sparse_rows import assemble


def order_of(n, p, q):
    """Return the order of a graph's nodes from 1 on, as rows."""
    p, q = np.asarray(p, dtype=np.int64), np.asarray(q, dtype=np.int64)
    ptr, _, column, *_ = assemble(n, p, q, np.ones(len(p)))
    return minimum_degree(ptr, column)


def is_permutation(order, n):
    return np.array_equal(np.sort(order), np.arange(n))


def lattice(rows, columns):
    """Return ends of the edges of a grid whose nodes are numbered from 1."""
    number = 1 + np.arange(rows * columns).reshape(rows, columns)
    p = np.concatenate((number[:, :-1].ravel(), number[:-1].ravel()))
    q = np.concatenate((number[:, 1:].ravel(), number[1:].ravel()))
    return p, q


@pytest.mark.parametrize(
    ("n", "p", "q"),
    [
        (1, [], []),
        (2, [0], [1]),
        (6, [], []),
        (6, [1, 2, 3, 4], [2, 3, 4, 5]),
        (6, [1, 2, 3, 4, 5], [2, 3, 4, 5, 1]),
        (400, np.ones(398), np.arange(2, 400)),
        (4, [1, 1, 1, 2, 0], [2, 2, 2, 1, 3]),
        (40, *np.triu_indices(40, 1)),
    ],
    ids=["none", "one", "isolated", "path", "cycle", "star", "parallel", "complete"],
)
def test_every_row_is_eliminated_once(n, p, q):
    assert is_permutation(order_of(n, p, q), n - 1)


@given(st.integers(0, 2**32 - 1), st.integers(2, 300), st.floats(0.1, 6.0))
def test_every_row_of_a_random_graph_is_eliminated_once(seed, n, edges_per_node):
    rng = np.random.default_rng(seed)
    ends = rng.integers(0, n, size=(2, int(edges_per_node * n)))
    # a few hubs, as supply rails are
    hubs = rng.random(ends.shape) < 0.1
    ends[hubs] = rng.integers(0, min(n, 4), size=int(hubs.sum()))
    assert is_permutation(order_of(n, *ends), n - 1)


def fill(n, p, q, order=None):
    """Return the entries of SuperLU's factors, in its own order or a given one."""
    p, q = np.asarray(p), np.asarray(q)
    if order is not None:
        place = np.zeros(n, dtype=np.int64)
        place[1 + order.astype(np.int64)] = np.arange(1, n)
        p, q = place[p], place[q]
    a, b = p - 1, q - 1
    rows, columns = np.concatenate((a, b, a, b)), np.concatenate((b, a, a, b))
    values = np.repeat((-1.0, 1.0), 2 * len(a))
    every = np.arange(n - 1)
    matrix = coo_array(
        (np.append(values, np.full(n - 1, 1e-3)),
         (np.append(rows, every), np.append(columns, every))),
        shape=(n - 1, n - 1),
    ).tocsc()  # fmt: skip
    spec = "MMD_AT_PLUS_A" if order is None else "NATURAL"
    return splu(matrix, spec, diag_pivot_thresh=0.0, options={"SymmetricMode": True}).nnz


@pytest.mark.parametrize("kind", ["grid", "random"])
def test_factors_are_about_as_full_as_with_superlus_own_order(kind):
    rng = np.random.default_rng(1)
    n = 3601
    p, q = lattice(60, 60) if kind == "grid" else rng.integers(1, n, size=(2, 3 * n // 2))
    p, q = p[p != q], q[p != q]
    assert fill(n, p, q, order_of(n, p, q)) < 1.3 * fill(n, p, q)


@pytest.fixture
def found(monkeypatch):
    """Whether an order of our own was found, each time that one was looked for; no CHOLMOD."""
    known: list[bool] = []
    look = sparse_factors.SparseFactors._find_order

    def noted(self, *args):
        look(self, *args)
        known.append(self._place is not None)

    monkeypatch.setattr(sparse_factors.SparseFactors, "_find_order", noted)
    monkeypatch.setattr(sparse_factors, "_has_cholmod", lambda: False)
    return known


def test_a_solution_is_that_of_superlus_own_order(found):
    rng = np.random.default_rng(2)
    p, q = lattice(40, 50)
    shuffled = np.append(0, 1 + rng.permutation(2000))
    p, q = np.append(shuffled[p], 0), np.append(shuffled[q], 7)
    conductance = 10.0 ** rng.uniform(-1, 1, len(p))
    b = rng.normal(size=2001)
    expected = laplacian.laplacian_solver(2001, p, q, conductance)(b)
    assert found == []
    with policy.using(own_order=100):
        x = laplacian.laplacian_solver(2001, p, q, conductance)(b)
    assert found == [True]
    assert x[0] == 0.0
    assert np.abs(x - expected).max() <= 1e-12 * np.abs(expected).max()


def test_trees_and_dense_rows_are_left_to_superlu(found):
    path = np.arange(1, 300)
    p, q = np.triu_indices(40, 1)
    with policy.using(own_order=10, dense=10, full_order=10):
        for n, a, c in ((301, np.append(path, 0), np.append(path + 1, 5)), (40, p, q)):
            laplacian.laplacian_solver(n, a, c, np.ones(len(a)))(np.ones(n))
    assert found == [False, False]


def test_networks_that_are_alike_follow_the_same_order(found):
    p, q = lattice(30, 30)
    p, q = np.append(p, 0), np.append(q, 7)
    factors = sparse_factors.SparseFactors()
    with policy.using(own_order=100):
        for seed in range(3):
            conductance = np.random.default_rng(seed).uniform(1, 2, len(p))
            x = factors.factor(901, p, q, conductance, True, 0.0)(np.ones(900))
            alone = sparse_factors.SparseFactors()
            alone._place = np.arange(-1, 900)
            other = alone.factor(901, p, q, conductance, True, 0.0)(np.ones(900))
            np.testing.assert_allclose(x, other, rtol=1e-11)
    assert found == [True]
