"""One network eliminated by rows of vectors has the bits of the same, number by number."""

from fractions import Fraction

import numba
import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from resnet_sim import generators
from resnet_sim.compiled import vectors
from resnet_sim.compiled.registers import aligned
from resnet_sim.solvers.linear.common_factor import CommonFactor
from resnet_sim.solvers.linear.fronts import fronts, row_of


@numba.njit
def square_less_one(a):
    u = vectors.load(a, 0)
    vectors.store(a, 8, vectors.fma(u, u, vectors.load(a, 8)))


def fused():
    """Whether this machine rounds a product and a sum once."""
    a = aligned(16, np.float64)
    a[:8], a[8:] = 1.0 + 2.0**-30, -1.0
    square_less_one(a)
    return bool(a[8] != 2.0**-29)


EXACT = np.frompyfunc(lambda a, b, c: float(Fraction(a) * Fraction(b) + Fraction(c)), 3, 1)


def eliminated(found, p, q, g):
    """Return pivot rows right of the diagonal, and pivots, by plain loops over dense fronts."""
    low, high = np.sort(found.place[np.stack((p, q))], axis=0)
    once, left, rows, pivots = fused(), {}, [], []
    for s in range(len(found.rest)):
        own = np.arange(found.first[s], found.first[s + 1])
        names = np.concatenate((own, found.rows[found.begin[s] : found.begin[s + 1]], [found.n]))
        front = np.zeros((len(names),) * 2)
        for e in np.flatnonzero((low >= own[0]) & (low <= own[-1]) & (low != high)):
            front[tuple(np.searchsorted(names, (low[e], high[e])))] += g[e]
        for kid in found.children[found.child[s] : found.child[s + 1]]:
            theirs, entries = left.pop(kid)
            front[np.ix_(*2 * (np.searchsorted(names, theirs),))] += np.triu(entries, 1)
        for k in range(len(own)):
            row = front[k]
            total = row[-1]
            for entry in row[k + 1 : -1]:
                total += entry
            pivots.append(1.0 / total if total > 0.0 else 0.0)
            rows.append(row[k + 1 :].copy())
            shares, below = row[k + 1 : -1, None] * pivots[-1], front[k + 1 : -1, k + 1 :]
            added = EXACT(shares, row[k + 1 :], below) if once else below + shares * row[k + 1 :]
            front[k + 1 : -1, k + 1 :] = np.triu(added.astype(float), 1)
        left[s] = names[len(own) :], front[len(own) :, len(own) :]
    return np.concatenate([np.zeros(0), *rows]), np.array(pivots)


def check(n, p, q, g):
    found = fronts(n, p, q)
    common = CommonFactor(found, found.entries(p, q), g)
    counting = [np.zeros(0)]
    for s in range(len(found.rest)):
        own = int(found.first[s + 1] - found.first[s])
        width = own + int(found.rest[s]) + 1
        for k in range(own):
            begin = int(found.kept[s]) + row_of(k, width)
            counting.append(common.factor[begin + k + 1 : begin + width])
    rows, pivots = eliminated(found, p, q, g)
    np.testing.assert_array_equal(np.concatenate(counting), rows)
    np.testing.assert_array_equal(common.pivot, pivots)
    graph = coo_array((np.ones(len(p)), (p, q)), shape=(n, n))
    assert common.regular == (connected_components(graph, directed=False)[0] == 1)


@pytest.mark.parametrize("seed", range(24))
def test_a_random_graph_is_eliminated_with_the_same_bits(seed):
    """Every third consists of two parts, in others some nodes may be loose."""
    rng = np.random.default_rng(seed)
    n = (1, 2, 5, 8, 9, 16, 17, 33, 70, 100)[seed % 10]
    p, q = rng.integers(0, n, (2, int(n * rng.uniform(0.8, 2.5))))
    if seed % 3 == 0:
        same = (p < n // 2) == (q < n // 2)
        p, q = p[same], q[same]
    check(n, p, q, 10.0 ** rng.uniform(-8, 8, len(p)))


def test_nodes_that_all_neighbour_each_other_are_one_front():
    """Of more than four vectors."""
    p, q = np.triu_indices(45, 1)
    check(45, p, q, np.random.default_rng(0).uniform(0.1, 1.0, len(p)))


@pytest.mark.parametrize("side", [3, 7, 15])
def test_a_grid_is_eliminated_with_the_same_bits(side):
    circuit = generators.grid(side)
    r = circuit.resistors
    check(len(circuit.nodes), r.p, r.q, 1.0 / r.ohms)
