"""Problems solved side by side against the same problems solved one by one."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import splu

from resnet_sim import solvers
from resnet_sim.compiled import policy
from resnet_sim.graph.problem import Problem
from resnet_sim.many.lane_data import Data, Network
from resnet_sim.many.lanes import Lanes
from resnet_sim.solvers.linear.common_factor import CommonFactor
from resnet_sim.solvers.linear.fronts import fronts


def random_problem(rng, n, soft=False):
    """A connected problem with as many rectifiers as nodes, all feasible at zero."""
    tree = [(k, int(rng.integers(k))) for k in range(1, n)]
    more = [tuple(rng.choice(n, 2, replace=False)) for _ in range(n)]
    p, q = np.array(tree + more).T
    ends = np.array([rng.choice(n, 2, replace=False) for _ in range(n)])
    injection = rng.normal(size=n)
    return Problem(
        n, p, q, 10 ** rng.uniform(-2, 2, len(p)),
        rng.normal(size=len(p)) * (rng.random(len(p)) < 0.3),
        injection, np.abs(injection), ends[:, 0], ends[:, 1], rng.uniform(0, 0.2, n),
        np.where(rng.random(n) < 0.5, 0.1, 0.0) if soft else np.zeros(n),
    )  # fmt: skip


def spread(problem, rng, count, common=False):
    """Return problems whose numbers are near those of one."""

    def near(name):
        values = getattr(problem, name)
        many = values[:, None] * rng.uniform(0.8, 1.2, (len(values), count))
        return (
            np.repeat(values[:, None], count, axis=1) if common and name == "conductance" else many
        )

    names = ("conductance", "emf", "injection", "drop")
    columns = {name: near(name) for name in names}
    return [
        dataclasses.replace(
            problem, turnover=np.abs(columns["injection"][:, k]),
            **{name: columns[name][:, k] for name in names},
        )
        for k in range(count)
    ]  # fmt: skip


def data(problems, common=False):
    loads = []
    for one in problems:
        load = one.injection.copy()
        np.add.at(load, one.edge_p, one.conductance * one.emf)
        np.add.at(load, one.edge_q, -one.conductance * one.emf)
        loads.append(load[1:])
    conductance = np.array([one.conductance for one in problems])
    drop = np.array([one.drop for one in problems])
    return Data(conductance[0] if common else conductance, np.array(loads), drop)


def all_off(problems):
    return np.zeros((len(problems), len(problems[0].drop)), dtype=bool)


@pytest.mark.parametrize("common", [False, True])
@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("count", [1, 8, 21])
def test_lanes_agree_with_single_solutions(soft, count, common):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        problem = random_problem(rng, int(rng.integers(2, 40)), soft)
        problems = spread(problem, rng, count, common)
        found = Lanes(Network.of(problem)).settle(data(problems, common), all_off(problems))
        assert found.settled.all()
        for k, single in enumerate(problems):
            wanted = solvers.solve(single)
            assert wanted.converged
            scale = np.abs(wanted.x).max()
            np.testing.assert_allclose(found.x[k], wanted.x[1:], atol=1e-11 * scale)


def test_the_bits_of_a_point_do_not_depend_on_its_company():
    rng = np.random.default_rng(5)
    problem = random_problem(rng, 30)
    problems = spread(problem, rng, 70)
    lanes = Lanes(Network.of(problem))
    with policy.using(threads=1):
        whole = lanes.settle(data(problems), all_off(problems))
    with policy.using(threads=2, tiles=0):
        np.testing.assert_array_equal(lanes.settle(data(problems), all_off(problems)).x, whole.x)
    for rows in (np.array([3]), np.array([69, 4, 31]), np.arange(10, 50)):
        some = lanes.settle(data(problems).rows(rows), all_off(problems)[rows])
        np.testing.assert_array_equal(some.x, whole.x[rows])
        np.testing.assert_array_equal(some.on, whole.on[rows])


def test_points_that_follow_each_other_have_the_same_solutions():
    rng = np.random.default_rng(6)
    problem = random_problem(rng, 30)
    problems = spread(problem, rng, 40)
    lanes, start = Lanes(Network.of(problem)), all_off(problems)
    alone = lanes.settle(data(problems), start)
    following = lanes.settle(data(problems), start, following=True)
    np.testing.assert_allclose(following.x, alone.x, rtol=1e-10)
    assert following.steps.sum() < alone.steps.sum()


def test_what_floats_is_left_to_others():
    rng = np.random.default_rng(0)
    problem = random_problem(rng, 10)
    cut = dataclasses.replace(
        problem, edge_p=np.where(problem.edge_p == 0, 1, problem.edge_p),
        edge_q=np.where(problem.edge_q == 0, 1, problem.edge_q),
        diode_p=np.maximum(problem.diode_p, 1), diode_q=np.maximum(problem.diode_q, 1),
    )  # fmt: skip
    problems = spread(cut, rng, 5)
    found = Lanes(Network.of(cut)).settle(data(problems), all_off(problems))
    assert found.settled.tolist() == [False] * 5


def test_pulled_outputs_are_those_of_a_larger_problem():
    rng = np.random.default_rng(3)
    problem = dataclasses.replace(random_problem(rng, 20), drop=np.full(20, 0.5))
    net = Network.of(problem)
    ends = np.array([4, 9, 15])
    net = dataclasses.replace(
        net, output_p=ends, output_q=np.array([0, 2, 0]), scale_p=np.ones(3),
        scale_q=np.array([0.0, 1.0, 0.0]),
    )  # fmt: skip
    problems = spread(problem, rng, 11)
    aim = rng.normal(size=(11, 3)) * 0.1
    for pull in (0.01, 3.0, 1e5):
        found = Lanes(net).settle(data(problems), all_off(problems), pull, aim)
        assert found.settled.all()
        for k, one in enumerate(problems):
            wider = dataclasses.replace(
                one, edge_p=np.append(one.edge_p, ends), edge_q=np.append(one.edge_q, [0, 2, 0]),
                conductance=np.append(one.conductance, [pull] * 3),
                emf=np.append(one.emf, aim[k]),
            )  # fmt: skip
            wanted = solvers.solve(wider)
            np.testing.assert_allclose(found.x[k], wanted.x[1:], atol=1e-10)
    # one pull for each: the bits are those of pulls apart
    signs, lanes = np.where(np.arange(11) % 3 == 0, -1.0, 1.0), Lanes(net)
    mixed = lanes.settle(data(problems), all_off(problems), 0.01 * signs, aim)
    for sign in (-1.0, 1.0):
        alike = lanes.settle(data(problems), all_off(problems), 0.01 * sign, aim)
        np.testing.assert_array_equal(mixed.x[signs == sign], alike.x[signs == sign])
        np.testing.assert_array_equal(mixed.force[signs == sign], alike.force[signs == sign])


@pytest.mark.parametrize("n", [1, 2, 3, 10, 40, 200])
def test_fronts_hold_the_factor_of_any_graph(n):
    rng = np.random.default_rng(n)
    p, q = rng.integers(0, n, (2, 2 * n))
    p, q = np.append(p, np.arange(1, n)), np.append(q, np.arange(n - 1))
    g = rng.uniform(0.1, 1.0, len(p))
    found = fronts(n, p, q)
    assert sorted(found.place[1:]) == list(range(n - 1)) and found.place[0] == n - 1
    net = dataclasses.replace(
        Network.of(random_problem(np.random.default_rng(0), 3)), n=n, edge_p=p, edge_q=q,
        diode_p=p[:0], diode_q=q[:0], resistance=g[:0],
    )  # fmt: skip
    load = rng.normal(size=(5, n - 1))
    got = Lanes(net).settle(Data(g, load, np.zeros((5, 0))), np.zeros((5, 0), dtype=bool))
    laplacian = np.zeros((n, n))
    for a, b, one in zip(p, q, g, strict=True):
        laplacian[a, a] += one
        laplacian[b, b] += one
        laplacian[a, b] -= one
        laplacian[b, a] -= one
    np.testing.assert_allclose(got.x @ laplacian[1:, 1:], load, atol=1e-12)
    common = CommonFactor(found, found.entries(p, q), g)
    assert common.regular
    np.testing.assert_array_equal(common.solve(load), got.x)


def test_a_common_factor_bears_any_conductances():
    rng = np.random.default_rng(5)
    n, p, q = 9, *np.triu_indices(9, 1)
    g = 10.0 ** rng.integers(-14, 15, len(p))
    load = rng.uniform(0.5, 1.0, (3, n - 1))
    rows = [[Fraction(0)] * (n - 1) for _ in range(n - 1)]
    ends = (p - 1).tolist(), (q - 1).tolist()
    for a, b, one in zip(*ends, map(Fraction, g.tolist()), strict=True):
        for i, j, sign in ((a, a, 1), (b, b, 1), (a, b, -1), (b, a, -1)):
            if min(i, j) >= 0:
                rows[i][j] += sign * one
    found = fronts(n, p, q)
    got = CommonFactor(found, found.entries(p, q), g).solve(load)
    for x, wanted in zip(got, load.tolist(), strict=True):
        np.testing.assert_allclose(x, solved(rows, wanted), rtol=1e-14)


def solved(rows, right):
    """Solve linear equations in rational numbers."""
    table = [[*row, Fraction(b)] for row, b in zip(rows, right, strict=True)]
    for k in range(len(table)):
        table[k] = [entry / table[k][k] for entry in table[k]]
        for j in range(len(table)):
            if j != k:
                table[j] = [a - table[j][k] * b for a, b in zip(table[j], table[k], strict=True)]
    return [float(row[-1]) for row in table]


def test_a_common_factor_tells_what_floats():
    p, q = np.array([0, 2]), np.array([1, 3])
    found = fronts(4, p, q)
    assert not CommonFactor(found, found.entries(p, q), np.ones(2)).regular


@pytest.mark.parametrize("n", [300, 1_500])
def test_fronts_have_few_more_entries_than_the_factor(n):
    # random graphs have factors whose rows differ by little, one after the other
    rng = np.random.default_rng(n)
    p, q = rng.integers(1, n, (2, 2 * n))
    found = fronts(n, p, q)
    matrix = sp.coo_array((-np.ones(2 * len(p)), (np.r_[p, q], np.r_[q, p])), shape=(n, n))
    matrix = (matrix + sp.diags_array(np.full(n, 9.0 * n))).tocsc()
    factor = splu(matrix, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}).L.nnz
    # a front is stored with what lies left of its diagonal
    pivots = np.diff(found.first)
    upper = int((pivots * (pivots + 1) // 2 + pivots * (found.rest + 1)).sum())
    assert upper <= 1.3 * factor + n


def test_a_graph_with_too_much_fill_is_refused():
    with policy.using(most_entries=10):
        assert Lanes(Network.of(random_problem(np.random.default_rng(0), 30))).unfit is not None


def test_points_that_are_alike_begin_with_the_sets_of_the_first_on_any_threads():
    rng = np.random.default_rng(7)
    problem = random_problem(rng, 30)
    problems = spread(problem, rng, 45)
    lanes, start = Lanes(Network.of(problem)), all_off(problems)
    alone, found = lanes.settle(data(problems), start), []
    for count in (1, 3):
        with policy.using(threads=count, tiles=0):
            found.append(lanes.settle(data(problems), start, alike=True))
    assert not start.any()  # which are the caller's
    np.testing.assert_allclose(found[0].x, alone.x, rtol=1e-10)
    assert found[0].steps.sum() < alone.steps.sum()
    for one, other in zip(vars(found[0]).values(), vars(found[1]).values(), strict=True):
        assert one.tobytes() == other.tobytes()
    few = lanes.settle(data(problems).rows(np.arange(3)), start[:3], alike=True)
    np.testing.assert_array_equal(few.x, alone.x[:3])


@pytest.mark.parametrize("count", [1, 3])
def test_whoever_finds_points_judges_them(count):
    rng = np.random.default_rng(8)
    problem = random_problem(rng, 30)
    problems = spread(problem, rng, 37, common=True)
    given, start, limits = data(problems, True), all_off(problems), (1e-9, 1e-9, 1e-12)
    # one that touches its drop, and a load that is none
    lanes = Lanes(Network.of(problem))
    plain = lanes.settle(given, start)
    k, known = np.flatnonzero(~plain.on[5])[0], np.concatenate(([0.0], plain.x[5]))
    given.drop[5, k] = known[problem.diode_p[k]] - known[problem.diode_q[k]]
    given.load[11, 0] = np.nan
    plain = lanes.settle(given, start)
    lawful, touching, _, left = lanes.judged(
        given, given.load, plain.x, plain.current, plain.on, limits
    )
    with policy.using(threads=count, tiles=0):
        found = lanes.settle(given, start, limits=limits)
    good = plain.settled & lawful & (left <= limits[0])
    assert touching[5] and not good[11] and good.sum() >= 30
    np.testing.assert_array_equal(found.settled, good)
    np.testing.assert_array_equal(found.touching, touching)
