"""One table of thresholds, and kernels whose twins give the same bits."""

import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from problems import random_problem

import resnet_sim
from resnet_sim.compiled import policy
from resnet_sim.compiled.kernels import kernel
from resnet_sim.graph import graphs, problem, topology
from resnet_sim.graph.graphs import leaving
from resnet_sim.solvers import relaxation, stable
from resnet_sim.solvers._contradictions import contradictions
from resnet_sim.solvers.linear import fronts, laplacian, two_grid
from resnet_sim.solvers.linear._balance import balance
from resnet_sim.solvers.linear.contracted import ContractedNetwork

ROOT = Path(resnet_sim.__file__).parent
SOURCES = {path: path.read_text() for path in sorted(ROOT.rglob("*.py"))}


def test_a_changed_policy_holds_in_all_threads_until_it_ends():
    before = policy.POLICY
    with policy.using(large=7), ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: policy.POLICY.large).result() == 7
        with policy.using(medium=3):
            assert (policy.POLICY.large, policy.POLICY.medium) == (7, 3)
        assert policy.POLICY.medium == before.medium
    assert policy.POLICY is before
    with pytest.raises(ZeroDivisionError), policy.using(large=0):
        raise ZeroDivisionError
    assert policy.POLICY is before
    with pytest.raises((TypeError, ValueError)), policy.using(larg=0):
        pass


def test_every_threshold_is_asked_for_somewhere():
    asking = [text for path, text in SOURCES.items() if path.name != "policy.py"]
    text = "".join(text for text in asking if "POLICY" in text)
    asked = set(re.findall(r"\b(?:POLICY|limits)\.(\w+)", text))
    assert asked == set(policy.Policy._fields)


def test_only_the_choice_of_a_twin_asks_what_has_been_imported():
    asking = {
        str(path.relative_to(ROOT)) for path, text in SOURCES.items() if '" in sys.modules' in text
    }
    assert asking == {"compiled/kernels.py"}


def test_all_kernels_that_have_twins_are_held_to_the_same_bits():
    """By this file or by `test_graphs`: who adds one adds it there and here."""
    text = "".join(SOURCES.values())
    kernels = re.findall(r"@(?:partial\()?kernel\b.*\ndef (\w+)", text)
    assert len(kernels) > 15
    assert {name for name in kernels if re.search(rf"\b{name}\.at\(", text)} == {
        "join", "_grow", "_add_rises", "_add_to_parents", "_leaving", "_reaching_tree",
        "_bridges", "_relax", "balance", "contradictions", "_eliminate",
        "_step", "_follow", "_widen", "_sweep", "_jacobi", "_flow", "_fill",
    }  # fmt: skip


def same_bits(function: kernel, *arguments):
    """Run both twins on copies; what they return and what they change must be the same."""
    found = []
    for run in (function.interpreted, function.compiled):
        copies = [np.copy(a) if isinstance(a, np.ndarray) else a for a in arguments]
        result = run(*copies)
        found.append((*(result if isinstance(result, tuple) else (result,)), *copies))
    for one, other in zip(*found, strict=True):
        one, other = np.asarray(one), np.asarray(other)
        if one.dtype.kind == "f":
            assert one.tobytes() == other.tobytes()
        else:
            np.testing.assert_array_equal(one, other)


def spread_over(rng, decades, size):
    return rng.choice((-1.0, 1.0), size) * 10.0 ** rng.uniform(-decades, decades, size)


@pytest.mark.parametrize("seed", range(20))
def test_currents_of_edges_have_the_same_bits(seed):
    rng = np.random.default_rng(seed)
    n, e = rng.integers(1, 40), rng.integers(0, 90)
    x, low = spread_over(rng, 6, n), 1e-17 * rng.normal(size=n)
    x[rng.random(n) < 0.2] = -0.0
    ends = rng.integers(0, n, (2, e)).view(np.uint64)
    emf = spread_over(rng, 3, e) * (rng.random(e) < 0.5)
    same_bits(problem._flow, x, low, *ends, spread_over(rng, 6, e), emf)


@pytest.mark.parametrize("seed", range(20))
def test_the_balance_has_the_same_bits(seed):
    rng = np.random.default_rng(seed)
    n, e = rng.integers(1, 40), rng.integers(0, 90)
    x, low, injection = spread_over(rng, 6, n), 1e-17 * rng.normal(size=n), spread_over(rng, 6, n)
    injection[rng.random(n) < 0.3] = -0.0
    ends = rng.integers(0, n, (2, e)).view(np.uint64)
    given = spread_over(rng, 6, e), spread_over(rng, 3, e)
    same_bits(balance, x, low, *ends, *given, injection, np.abs(injection))


@pytest.mark.parametrize("seed", range(20))
def test_dense_laplacians_have_the_same_bits(seed):
    rng = np.random.default_rng(seed)
    n, e = rng.integers(1, 12), rng.integers(0, 90)
    given = spread_over(rng, 6, e), spread_over(rng, 6, e)
    same_bits(laplacian._fill, n, *rng.integers(0, n, (2, e)), *given)


@pytest.mark.parametrize("seed", range(40))
def test_contradictions_have_the_same_bits(seed):
    prob, rng = random_problem(seed, most=60), np.random.default_rng(seed)
    on = rng.random(len(prob.drop)) < 0.5
    net = ContractedNetwork(prob, on, np.zeros(len(on)))
    x, low = rng.normal(size=prob.n), 1e-17 * rng.normal(size=prob.n)
    x = np.where(rng.random(prob.n) < 0.5, net.near(x), x)
    flow, excess, size = net.balance(x, low)
    forest = net.forest
    for each in (size, np.full(1, size.mean())):
        same_bits(
            contradictions, x, low, 1e-9 * each, 1e-12 * each, forest.subtree_sums(excess),
            prob.diode_p, prob.diode_q, prob.drop, on,
            net.tie, forest.parent, forest.edge, forest.in_tree,
            net.soft, flow[len(prob.edge_p) :],
            net.speed if len(net.pins) else np.zeros(0),
        )  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
def test_dense_elimination_has_the_same_bits(seed):
    rng = np.random.default_rng(seed)
    n, e = 30, 60
    g = np.abs(spread_over(rng, 4, e))
    weights = laplacian._weights(n, rng.integers(0, n, e), rng.integers(0, n, e), g)
    mesh = np.ascontiguousarray(weights[1:, 1:])
    ground = np.abs(spread_over(rng, 2, n - 1)) * (seed % 5 > 0)
    same_bits(laplacian._eliminate, mesh, ground, np.eye(n - 1), np.zeros(n - 1))


@pytest.mark.parametrize("seed", range(20))
def test_shortest_paths_have_the_same_bits(seed):
    """With and without negative cycles."""
    rng = np.random.default_rng(seed)
    n, m = 20, 40
    tail, head = rng.integers(0, n, (2, m))
    length = rng.normal(size=m) + 0.5 * (seed % 3)
    same_bits(topology._relax, *leaving(n, tail), tail, head, length, np.zeros(n), np.full(n, -1))


@pytest.mark.parametrize("seed", range(5))
def test_a_step_of_conjugate_gradients_has_the_same_bits(seed):
    rng = np.random.default_rng(seed)
    n, e, groups = 30, 60, 7
    g = np.abs(spread_over(rng, 4, e)) * (-1.0 if seed == 4 else 1.0)  # of no use: products fail
    vectors, coarse = rng.normal(size=(3, n)), rng.normal(size=(2, groups))
    aggregate, inverse = rng.integers(0, groups, n), rng.random(n)
    ends = rng.integers(0, n, (2, e))
    same_bits(two_grid._step, *vectors, 0.7, *coarse, aggregate, inverse, *ends, g)


@pytest.mark.parametrize("seed", range(20))
def test_pointers_lead_to_the_same_roots(seed):
    rng = np.random.default_rng(seed)
    n, e = 30, int(rng.integers(0, 60))
    p, q = np.sort(rng.integers(0, n, (2, e)), axis=0)
    p, q = p[p != q], q[p != q]
    same_bits(two_grid._follow, n, p, q, rng.choice([1.0, 2.0, 3.0], len(p)))


@pytest.mark.parametrize("seed", range(5))
def test_a_level_of_a_search_is_the_same(seed):
    rng = np.random.default_rng(seed)
    same_bits(graphs._widen, *rng.integers(0, 40, (2, 60)), rng.random(40) < 0.3)


@pytest.mark.parametrize("seed", range(10))
def test_a_relaxation_has_the_same_bits(seed):
    prob = random_problem(seed, most=60)
    p, q = np.append(prob.edge_p, prob.diode_p), np.append(prob.edge_q, prob.diode_q)
    g = np.random.default_rng(seed).choice([0.0, 1e-3, 1.0], len(p))
    rise = np.append(prob.emf, prob.drop)
    given = p, q, g, rise, len(prob.edge_p), prob.injection
    same_bits(relaxation._jacobi, np.zeros(prob.n), *given, 7)


def test_a_second_medium_problem_is_worth_the_import_of_numba():
    code = """if True:
        import sys
        import resnet_sim as rs
        from resnet_sim import generators
        for n in (3, 3, 30, 30):
            rs.solve(generators.grid(n, seed=0))
            print("numba" in sys.modules)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "False", "True"]


def test_symbolic_elimination_has_the_same_result():
    rng = np.random.default_rng(0)
    n, m = 40, 80
    p, q = np.sort(rng.integers(0, n, (2, m)), axis=0)
    p, q = p[p != q], q[p != q]
    order = np.lexsort((q, p))
    ptr = np.concatenate(([0], np.cumsum(np.bincount(p, minlength=n))))
    lists, filled = np.full((3, n), -1), np.zeros(n + 1, dtype=np.int64)
    out = np.empty(n * n, dtype=np.int64)
    same_bits(fronts._fill, ptr, q[order], *lists, filled, out)
    assert fronts._fill.compiled(ptr, q[order], *lists, filled, out)
    ptr, row = filled, out[: filled[-1]]
    same_bits(fronts._postorder, ptr, row, np.ones(n, dtype=np.int64), *np.zeros((2, n), dtype=int))
    same_bits(fronts._supernodes, ptr, row, 12, 0.2, *np.zeros((3, n), dtype=int))


def test_sweeps_of_coordinates_have_the_same_bits():
    """Some coordinates are hills, some have bounds at others."""
    rng = np.random.default_rng(3)
    n, m = 12, 40
    p, q = rng.integers(0, n, (2, m))
    p, q = p[p != q], q[p != q]
    x, drop = rng.normal(size=n), rng.uniform(0.1, 2.0, len(p))
    x[0] = 0.0
    edges = stable._rows(n, p, q, *np.broadcast_to(rng.normal(size=len(p)), (2, len(p))))
    bounds = stable._rows(n, p, q, drop, -drop)
    upper = stable._rows(n, p, q, np.ones(len(p)), np.zeros(len(p)))[2]
    diagonal = rng.uniform(-0.2, 1.0, n)
    same_bits(stable._sweep, x, rng.normal(size=n), diagonal, *edges, *bounds, upper, 5)


def test_threads_may_ask_while_the_policy_changes():
    wrong = []

    def ask():
        for _ in range(1000):
            if policy.POLICY.large not in (1, policy.Policy().large):
                wrong.append(policy.POLICY.large)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(200):
        with policy.using(large=1):
            pass
    for thread in threads:
        thread.join()
    assert not wrong
