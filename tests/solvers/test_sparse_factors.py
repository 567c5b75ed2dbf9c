"""Factors of networks that are alike, found with the order of elimination of the first one."""

from importlib.util import find_spec

import numpy as np
import pytest

from resnet_sim.solvers.linear import sparse_factors
from resnet_sim.solvers.linear.sparse_factors import SparseFactors


@pytest.fixture(params=["SuperLU", "CHOLMOD"])
def kind(request, monkeypatch):
    """Let one of both factor."""
    if request.param == "CHOLMOD" and find_spec("cvxopt") is None:
        pytest.skip("cvxopt is not installed")
    monkeypatch.setattr(sparse_factors, "_has_cholmod", lambda: request.param == "CHOLMOD")
    return request.param


def network(rng, n=60):
    """Return the ends of edges that join all nodes to node 0."""
    p = np.concatenate((np.arange(1, n), rng.integers(0, n, n)))
    q = np.concatenate(([rng.integers(0, k) for k in range(1, n)], rng.integers(0, n, n)))
    return n, p, q


def dense(n, p, q, g):
    """Return the Laplacian without row and column 0, summed edge by edge."""
    full = np.zeros((n, n))
    for a, b, some in zip(p, q, g, strict=True):
        full[[a, b], [a, b]] += some if a != b else 0.0
        full[[a, b], [b, a]] -= some if a != b else 0.0
    return full[1:, 1:]


@pytest.mark.parametrize("seed", range(3))
def test_one_after_another_whatever_groups_there_are(kind, seed):
    rng = np.random.default_rng(seed)
    n, p, q = network(rng)
    factors, load = SparseFactors(), rng.normal(size=n)
    for merged in (0, 0, 3, 3, 20, 0):
        _, label = np.unique(np.maximum(np.arange(n) - merged, 0), return_inverse=True)
        count, a, b = label.max() + 1, label[p], label[q]
        g = 10 ** rng.uniform(-3, 3, len(p))
        solve = factors.of_groups(label).factor(count, a, b, g, True, 0.0)
        right = load[1:count]
        exact = np.linalg.solve(dense(count, a, b, g), right)
        assert solve(right) == pytest.approx(exact, rel=1e-9)
        columns = solve(np.column_stack((right, 2 * right)))
        assert columns == pytest.approx(np.column_stack((exact, 2 * exact)), rel=1e-9)


def test_an_order_that_no_longer_fits_is_given_up(monkeypatch):
    monkeypatch.setattr(sparse_factors, "_has_cholmod", lambda: False)
    n, spokes = 40, np.arange(2, 40)
    p, q, g = spokes, np.ones_like(spokes), np.ones(len(spokes))
    ground = np.arange(1, n)
    a, b = np.append(p, ground), np.append(q, 0 * ground)
    g = np.ones(len(a))
    factors = SparseFactors()
    factors.factor(n, a, b, g, True, 0.0)
    # another hub, whose spokes the first order eliminates last
    again = np.append(np.where(spokes == 2, 1, spokes), ground), np.append(0 * p + 2, 0 * ground)
    for _ in range(3):
        solve = factors.factor(n, *again, g, True, 0.0)
        exact = np.linalg.solve(dense(n, *again, g), np.ones(n - 1))
        assert solve(np.ones(n - 1)) == pytest.approx(exact, rel=1e-12)


def test_a_factor_that_has_become_another_says_so(kind):
    rng = np.random.default_rng(0)
    n, p, q = network(rng)
    factors, g = SparseFactors(), rng.uniform(1, 2, len(p))
    first = factors.factor(n, p, q, g, True, 0.0)
    before = first(np.ones(n - 1))
    factors.factor(n, p, q, 2 * g, True, 0.0)
    if kind == "SuperLU":  # each is its own
        assert np.array_equal(first(np.ones(n - 1)), before)
    else:
        with pytest.raises(AssertionError, match="another matrix"):
            first(np.ones(n - 1))


def test_networks_on_one_graph_are_put_together_alike(monkeypatch):
    monkeypatch.setattr(sparse_factors, "_has_cholmod", lambda: False)
    made = []

    class Counted(sparse_factors.Assembly):
        def __init__(self, *arguments):
            made.append(arguments)
            super().__init__(*arguments)

    monkeypatch.setattr(sparse_factors, "Assembly", Counted)
    rng = np.random.default_rng(1)
    n, p, q = network(rng)
    factors, load = SparseFactors(), rng.normal(size=n - 1)
    for other in (q, q, q, q, np.roll(q, 1)):
        g = 10 ** rng.uniform(-3, 3, len(p))
        exact = np.linalg.solve(dense(n, p, other, g), load)
        assert factors.factor(n, p, other, g, True, 0.0)(load) == pytest.approx(exact, rel=1e-9)
    # in any order, in that of the first factor, and those of the other graph
    assert len(made) == 3


def test_a_negative_pivot_is_told(monkeypatch):
    monkeypatch.setattr(sparse_factors, "_has_cholmod", lambda: False)
    p, q, g = np.array([1, 2, 1]), np.array([0, 0, 2]), np.array([-0.5, 0.1, 1.0])
    with pytest.raises(np.linalg.LinAlgError, match="negative"):
        SparseFactors().factor(3, p, q, g, True, 0.0)
