import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resnet_sim.compiled.kernels import kernel
from resnet_sim.graph import forests, graphs
from resnet_sim.point.cascade import strong_components

QUICK = settings(derandomize=True, deadline=None, max_examples=60)


@st.composite
def edges(draw, most=14):
    n = draw(st.integers(1, most))
    ends = st.integers(0, n - 1)
    pairs = draw(st.lists(st.tuples(ends, ends), max_size=2 * most))
    p, q = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return n, p, q


def undirected(n, p, q):
    graph = nx.MultiGraph()
    graph.add_nodes_from(range(n))
    graph.add_edges_from(zip(p.tolist(), q.tolist(), strict=True))
    return graph


@given(edges())
@QUICK
def test_components_are_those_of_networkx(graph):
    n, p, q = graph
    count, label = graphs.components(n, p, q)
    true = list(nx.connected_components(undirected(n, p, q)))
    assert count == len(true)
    assert label[0] == 0
    assert all(len(set(label[list(part)])) == 1 for part in true)


@given(edges(), st.integers(0, 2**32 - 1))
@QUICK
def test_a_spanning_forest_spans_and_carries_the_potentials(graph, seed):
    n, p, q = graph
    rise = np.random.default_rng(seed).normal(size=len(p))
    forest = forests.spanning_forest(n, p, q, rise)
    count, label = graphs.components(n, p, q)
    assert forest.count == count
    np.testing.assert_array_equal(forest.label, label)
    assert forest.in_tree.sum() == n - count
    tree = forest.in_tree
    np.testing.assert_allclose(
        forest.offset[p[tree]] - forest.offset[q[tree]], rise[tree], atol=1e-12
    )
    np.testing.assert_array_equal(forest.offsets(p, rise), forest.offset)
    place = np.argsort(forest.order)
    child = forest.parent >= 0
    assert (place[forest.parent[child]] < place[child]).all()


@given(edges(), st.integers(0, 2**32 - 1))
@QUICK
def test_subtree_sums_are_sums_over_descendants(graph, seed):
    n, p, q = graph
    values = np.random.default_rng(seed).normal(size=n)
    forest = forests.spanning_forest(n, p, q)
    tree = nx.DiGraph()
    tree.add_nodes_from(range(n))
    tree.add_edges_from((int(a), k) for k, a in enumerate(forest.parent) if a >= 0)
    expected = [values[[k, *nx.descendants(tree, k)]].sum() for k in range(n)]
    np.testing.assert_allclose(forest.subtree_sums(values), expected, atol=1e-12)


@given(edges())
@QUICK
def test_reachable_nodes_are_those_of_networkx(graph):
    n, tail, head = graph
    directed = nx.DiGraph()
    directed.add_nodes_from(range(n))
    directed.add_edges_from(zip(tail.tolist(), head.tolist(), strict=True))
    reached = graphs.reachable(n, tail, head, 0)
    assert set(np.flatnonzero(reached)) == {0, *nx.descendants(directed, 0)}


@given(edges())
@QUICK
def test_strong_components_are_those_of_networkx_and_come_after_what_they_lead_to(graph):
    n, tail, head = graph
    directed = nx.DiGraph()
    directed.add_nodes_from(range(n))
    directed.add_edges_from(zip(tail.tolist(), head.tolist(), strict=True))
    found = strong_components([list(directed.successors(k)) for k in range(n)])
    true = {frozenset(part) for part in nx.strongly_connected_components(directed)}
    assert {frozenset(part) for part in found} == true
    number = {k: position for position, part in enumerate(found) for k in part}
    assert all(number[b] <= number[a] for a, b in directed.edges)


@pytest.mark.parametrize("seed", range(3))
def test_kernels_give_the_same_bits_interpreted_and_compiled(seed):
    rng = np.random.default_rng(seed)
    n, m = 60, 80
    p, q, rise = rng.integers(0, n, m), rng.integers(0, n, m), rng.normal(size=m)
    forest = forests.spanning_forest(n, p, q, rise)
    for function, arguments in (
        (graphs.join, (np.arange(n), p, q, np.zeros(m, dtype=bool))),
        (forests._add_rises, (forest.children, forest.parent, forest.edge, p, rise, np.zeros(n))),
        (forests._add_to_parents, (forest.children, forest.parent, rng.normal(size=n))),
        (graphs._leaving, (n, p)),
        (graphs._reaching_tree, (*graphs.leaving(n, p), q, 0)),
        (graphs._bridges, (*_edges_at(n, p, q), p, q)),
    ):
        copies = [tuple(np.copy(a) if np.ndim(a) else a for a in arguments) for _ in range(2)]
        plain, compiled = function.interpreted(*copies[0]), function.compiled(*copies[1])
        if plain is None:  # it changes its last argument
            plain, compiled = copies[0][-1], copies[1][-1]
        many = isinstance(plain, tuple)
        for one, other in zip(
            plain if many else (plain,), compiled if many else (compiled,), strict=True
        ):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("m", [0, 30, 200])
def test_hooking_finds_the_roots_that_joining_finds(m):
    rng, n = np.random.default_rng(m), 100
    p, q, root = *rng.integers(0, n, (2, m)), np.arange(n)
    graphs.join.compiled(root, p, q, np.zeros(m, dtype=bool))
    np.testing.assert_array_equal(graphs._roots_by_hooking(n, p, q), root)


def _edges_at(n, p, q):
    ptr, end = graphs.leaving(n, np.column_stack((p, q)).ravel())
    return ptr, end // 2


@pytest.mark.parametrize("m", [0, 30, 200])
def test_a_forest_has_the_same_bits_interpreted_and_compiled(m):
    rng = np.random.default_rng(m)
    given = 60, rng.integers(0, 60, m), rng.integers(0, 60, m), rng.normal(size=m)
    plain, compiled = (
        forests._forest(run, *given) for run in (forests._grow.interpreted, forests._grow.compiled)
    )
    for name in vars(plain):
        one, other = getattr(plain, name), getattr(compiled, name)
        assert np.asarray(one).dtype == np.asarray(other).dtype
        np.testing.assert_array_equal(one, other)


@given(edges(most=8), st.integers(20, 60), st.randoms(use_true_random=False))
@QUICK
def test_a_forest_of_few_nodes_among_many_is_like_any_other(graph, n, random):
    few, p, q = graph
    places = np.array(sorted(random.sample(range(n), few)))
    p, q = places[p][: n // 5], places[q][: n // 5]
    rise = np.arange(1.0, len(p) + 1)
    forest = forests.spanning_forest(n, p, q, rise)
    whole = forests._forest(forests._grow.compiled, n, p, q, rise)
    assert forest.count == whole.count
    for name in ("label", "in_tree", "parent", "edge", "offset"):
        np.testing.assert_array_equal(getattr(forest, name), getattr(whole, name))
    place = np.empty(n, dtype=np.int64)
    place[forest.order] = np.arange(n)
    child = np.flatnonzero(forest.parent >= 0)
    assert (place[forest.parent[child]] < place[child]).all()


@given(edges())
@QUICK
def test_bridges_are_those_of_networkx(graph):
    n, p, q = graph
    bridge = graphs.bridges(n, p, q)
    for k in range(len(p)):
        rest = undirected(n, np.delete(p, k), np.delete(q, k))
        assert bridge[k] == (not nx.has_path(rest, int(p[k]), int(q[k])))


def test_small_work_is_interpreted_and_large_work_compiled():
    @kernel
    def double(x):
        return 2 * x

    assert double.at(10) is double.function
    assert double.at(10**9) is double.compiled
    assert double.at(10**9)(21) == 42
