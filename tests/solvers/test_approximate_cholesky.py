"""Conjugate gradients preconditioned by an approximate Cholesky factor."""

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csc_array, eye_array

from resnet_sim.solvers.linear._approximate_cholesky import factor
from resnet_sim.solvers.linear.approximate_cholesky import ApproximateCholesky
from resnet_sim.solvers.linear.bordered import MOST_STEPS


def connected(seed, n, extra, decades):
    """Return ends and conductances of a random tree with more edges, loops and parallels."""
    rng = np.random.default_rng(seed)
    tree = np.array([rng.integers(0, k) for k in range(1, n)], dtype=np.int64)
    p = np.concatenate((np.arange(1, n), rng.integers(0, n, extra)))
    q = np.concatenate((tree, rng.integers(0, n, extra)))
    return p, q, 10.0 ** rng.uniform(-decades, decades, len(p))


def laplacian(n, p, q, g):
    """Return the Laplacian without row and column 0."""
    incidence = csc_array(
        (
            np.tile([1.0, -1.0], len(p)),
            (np.repeat(np.arange(len(p)), 2), np.stack((p, q), 1).ravel()),
        ),
        shape=(len(p), n),
    )
    return (incidence.T @ (incidence * g[:, None])).tocsc()[1:, 1:]


def residual(n, p, q, g, x, b):
    left = b[1:] - laplacian(n, p, q, g) @ x[1:]
    return np.linalg.norm(left) / np.linalg.norm(b[1:])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 200), st.integers(0, 400), st.floats(0, 2))
def test_the_residual_is_reduced_as_much_as_was_told(seed, n, extra, decades):
    network = n, *connected(seed, n, extra, decades)
    b = np.random.default_rng(seed).normal(size=n)
    found = ApproximateCholesky(*network)
    x = found.solve(b, 1e-6)
    assert x[0] == 0
    assert found.steps < 60
    assert residual(*network, x, b) <= 1.1e-6


@pytest.mark.parametrize("seed", range(5))
def test_the_factor_of_a_tree_is_exact(seed):
    """A leaf that goes leaves nothing to choose; single precision is all that is left over."""
    n = 500
    network = n, *connected(seed, n, 0, 1.0)
    b = np.random.default_rng(seed).normal(size=n)
    found = ApproximateCholesky(*network)
    x = found.solve(b, 1e-3)
    assert found.steps == 1
    assert residual(*network, x, b) <= 1e-3


def test_the_mean_of_many_factors_is_the_factor_of_the_network():
    """Copies of a small network, joined at node 0 alone, are eliminated independently."""
    copies, size = 4000, 5
    a, b = np.triu_indices(size, 1)
    g = np.random.default_rng(0).uniform(0.5, 2.0, len(a))
    first = 1 + size * np.arange(copies)[:, None]
    # five parallel ones hold each last node
    p = np.concatenate(((first + a).ravel(), np.repeat(first[:, 0] + size - 1, 5)))
    q = np.concatenate(((first + b).ravel(), np.zeros(5 * copies, dtype=np.int64)))
    n, weights = 1 + copies * size, np.append(np.tile(g, copies), np.full(5 * copies, 0.2))
    order, ptr, row, share, inverse = factor(n, p, q, weights)
    lower = csc_array((-share, row, np.append(ptr, ptr[-1])), shape=(n, n)) + eye_array(n)
    pivots = np.append(1.0 / inverse, 0.0)
    product = (lower @ (lower * pivots).T).tocoo()
    node = np.append(order.astype(np.int64), 0)
    i, j = node[product.row] - 1, node[product.col] - 1
    inner = (i >= 0) & (j >= 0)
    mean = np.zeros((size, size))
    np.add.at(mean, (i[inner] % size, j[inner] % size), product.data[inner] / copies)
    np.testing.assert_allclose(mean, laplacian(n, p, q, weights)[:size, :size].toarray(), atol=0.04)


def test_the_same_network_has_the_same_factor():
    network = 300, *connected(1, 300, 600, 1.0)
    for one, other in zip(factor(*network), factor(*network), strict=True):
        assert one.tobytes() == other.tobytes()


def test_factors_stay_as_sparse_as_random_graphs():
    """A Cholesky factor of this one has a hundred entries in a row."""
    n = 4000
    graph = networkx.random_regular_graph(4, n, seed=0)
    p, q = np.array(graph.edges).T
    network = n, p, q, np.random.default_rng(0).uniform(0.5, 2.0, len(p))
    _, ptr, *_ = factor(*network)
    assert ptr[-1] < 8 * n
    found = ApproximateCholesky(*network)
    found.solve(np.random.default_rng(1).normal(size=n), 1e-8)
    assert found.steps < 40


def test_a_hub_among_many_is_eliminated():
    """Its neighbours are more than there was room for."""
    n = 3000
    rng = np.random.default_rng(0)
    p, q, g = connected(0, n, 0, 0.5)
    hubs = np.repeat(np.arange(1, 5), n)
    p, q = np.append(p, hubs), np.append(q, np.tile(np.arange(n), 4))
    network = n, p, q, np.append(g, rng.uniform(0.1, 1.0, len(hubs)))
    b = rng.normal(size=n)
    found = ApproximateCholesky(*network)
    x = found.solve(b, 1e-8)
    assert found.steps < MOST_STEPS
    assert residual(*network, x, b) <= 1.1e-8


@pytest.mark.parametrize("seed", range(10))
def test_a_factor_serves_a_network_with_nodes_merged_and_split(seed):
    """Groups of one network that are one there, were one there, or are held here or there."""
    rng = np.random.default_rng(seed)
    n = 400
    p, q, g = connected(seed, n, 800, 1.0)

    def merged(pairs):
        label = np.arange(n)
        for a, b in pairs:
            label[label == label[max(a, b)]] = label[min(a, b)]
        first, label = (
            np.unique(label, return_index=True)[1],
            np.unique(label, return_inverse=True)[1],
        )
        return first, label

    pairs = [tuple(pair) for pair in rng.integers(0, n, (8, 2))] + [(0, 5), (0, 9)]
    old_first, old = merged([*pairs[:5], pairs[8]])
    first, label = merged([*pairs[3:8], pairs[9]])
    other = ApproximateCholesky(len(old_first), old[p], old[q], g)
    network = len(first), label[p], label[q], g
    found = ApproximateCholesky(*network, (other.factor, old[first]))
    b = rng.normal(size=len(first))
    x = found.solve(b, 1e-8)
    assert found.steps < 80
    assert residual(*network, x, b) <= 1.1e-8
