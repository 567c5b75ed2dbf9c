"""Conductances that parameters tie: what is equal for good is computed once, and adds up."""

import pickle

import numpy as np
import pytest

import resnet_sim as rs
from resnet_sim import generators as gen
from resnet_sim import training as tr
from resnet_sim.arrays import different
from resnet_sim.many.box_layout import Entries
from resnet_sim.many.boxes import BoxLanes
from resnet_sim.many.drive import Drive
from resnet_sim.many.tiles import Laplacian

#: k and m are shared, as conductances, as resistances and in sums; diodes bound single nodes
DECK = """ties
.param k=1m m=2k q=0.5m
V1 in 0 1
V2 low 0 -1
R1 in a {1/k}
R2 in b {1/k}
R3 a c {m}
R4 b c {m}
R5 low a {1/(2*k)}
R6 a b {1/(k+q)}
R7 b c {1/(k+q)}
R8 c 0 1k
R9 b 0 2k
I1 0 a {q}
I2 0 b {q}
D1 a 0
D2 0 c
"""


def pair(**options):
    """Return the network in single and in double precision."""
    circuit = rs.parse_netlist(DECK)
    return [
        tr.Network(
            circuit, ["v1", "v2"], ["c", ("a", "b")], "r8", parameters=["k", "m", "q"],
            g_min=1e-6, precision=precision, **options,
        )
        for precision in ("single", "double")
    ]  # fmt: skip


def samples(count):
    rng = np.random.default_rng(count)
    return rng.normal(size=(count, 2)), rng.normal(size=(count, 2))


def close(found, wanted, relative=1e-5):
    return np.abs(found - wanted).max() <= relative * np.abs(wanted).max()


def by_differences(net, X, Y):
    """Return the derivatives of the mean cost by what learns, of finite differences."""

    def cost(values):
        net.conductances, net.biases = values[:1], values[1:]
        return float(tr.SquaredError().value(net.forward(X), Y).mean())

    start = np.concatenate((net.conductances, net.biases))
    found = []
    for k, value in enumerate(start):
        ends = []
        for sign in (1, -1):
            moved = start.copy()
            moved[k] += sign * 1e-6 * value
            ends.append(cost(moved))
        found.append((ends[0] - ends[1]) / (2e-6 * value))
    cost(start)
    return np.array(found)


@pytest.mark.parametrize("count", [1, 33, 70])
@pytest.mark.parametrize("rule", [tr.EquilibriumPropagation(1e-9), tr.Adjoint()])
def test_what_is_tied_adds_up(rule, count):
    single, double = pair()
    assert isinstance(single._backend, BoxLanes)
    X, Y = samples(count)
    found, wanted = (tr.gradients(net, X, Y, rule).vector for net in (single, double))
    np.testing.assert_allclose(found, by_differences(double, X, Y), rtol=1e-4)
    np.testing.assert_allclose(found, wanted, rtol=2e-5)


def test_values_of_conductances_may_be_set():
    single, double = pair()
    X, Y = samples(20)
    for net in (single, double):
        net.parameters = {"k": 3e-3, "m": 700.0}
    assert close(single.forward(X), double.forward(X), 1e-6)
    found, wanted = (tr.gradients(net, X, Y).vector for net in (single, double))
    assert close(found, wanted)


def test_a_state_on_the_other_side_is_where_it_would_be_found_alone():
    single, _ = pair()
    X, Y = samples(40)
    free = single.free(X)
    for nudges in ([0.05, -0.05], [-0.05, 0.05], [-0.05, -0.05]):
        for beta in nudges:
            found = single.pulled(X, free, beta * 1e-3, Y)
            alone = single.pulled(X, single.free(X), beta * 1e-3, Y)
            change, wanted = (s.voltages - free.voltages for s in (found, alone))
            assert close(change, wanted, 2e-6)
    force = 1e-6 * Y
    for sign in (1.0, -1.0, 0.5):
        found = single.pushed(X, free, sign * force)
        alone = single.pushed(X, single.free(X), sign * force)
        assert close(found.voltages - free.voltages, alone.voltages - free.voltages, 2e-6)


def test_a_network_goes_on_in_another_process():
    single, _ = pair()
    X, Y = samples(40)
    wanted = tr.gradients(single, X, Y).vector
    for _ in range(8):  # at addresses of any kind
        other = pickle.loads(pickle.dumps(single))
        np.testing.assert_array_equal(tr.gradients(other, X, Y).vector, wanted)
        assert np.array_equal(other.free(X).on, single.free(X).on)


def test_pairs_of_inputs_are_taken_together_where_they_are_pairs():
    single, double = pair()
    X, Y = samples(40)
    half = len(single.inputs) // 2
    pairs = np.hstack((X[:, :half], -X[:, :half]))
    for x in (pairs, X, np.vstack((pairs[:-1], X[-1:]))):
        found, wanted = (tr.gradients(net, x, Y) for net in (single, double))
        assert close(found.outputs, wanted.outputs, 1e-6)
        assert close(found.vector, wanted.vector, 1e-4)


def test_one_kernel_is_as_many_entries_as_it_has_taps():
    circuit = gen.convolutional((9, 9), [4], 3, kernel=3, pool=1, seed=2)
    inputs = [name for name in circuit.voltage_sources.names if name.startswith("v")]
    net = tr.Network(
        circuit, inputs, ["o0"], "rw*", parameters=["k*", "b*"], g_min=1e-4, precision="single"
    )
    # 2 x 4 kernels of nine taps, shared by 49 units each
    x = np.random.default_rng(1).uniform(0, 1, (2, 81))
    apart, pairs = Drive.of(np.hstack((x, x))), Drive.of(np.hstack((x, -x)))
    load = net._backend.problem.assembly.load
    assert load(apart)[0].count == 72
    # of a pair the difference of two conductances counts, once for each unit and tap
    assert len(load(pairs)[1].row) == len(load(apart)[1].row) / 2 == 4 * 49 * 9
    assert len(net._question.ties.which) - len(net._question.ties.first) == 48 * 72


@pytest.mark.parametrize("seed", range(20))
def test_different_things_are_told_apart(seed):
    rng = np.random.default_rng(seed)
    keys = rng.integers(0, 3, (rng.integers(1, 4), rng.integers(0, 30)))
    first, which = different(list(keys))
    seen = []
    for column in keys.T.tolist():
        if column not in seen:
            seen.append(column)
    assert keys[:, first].T.tolist() == seen
    assert [seen[k] for k in which] == keys.T.tolist()


@pytest.mark.parametrize("seed", range(5))
def test_a_nudged_network_is_proved_as_if_it_were_new(seed):
    rng = np.random.default_rng(seed)
    n = 30
    row, column = np.nonzero(np.triu(rng.random((n, n)) < 0.2, 1))
    entries = Entries(
        np.concatenate((row, column, np.arange(n))), np.concatenate((column, row, np.arange(n))), n
    )
    g = rng.uniform(0.1, 2.0, (n, n))
    g += g.T
    off = g[entries.row, entries.node]
    diagonal = np.bincount(entries.row, off, n) + rng.uniform(0.05, 0.5, n)
    start = Laplacian(entries, np.concatenate((diagonal, -off)))
    assert start.proved
    rows = rng.choice(n, 3, replace=False)
    for siemens in (0.7, 1e-3, -1e-3, -0.04, -diagonal[rows[0]], -100.0):
        found = start.grounded(rows, np.full(3, siemens))
        moved = diagonal.copy()
        moved[rows] += siemens
        wanted = Laplacian(entries, np.concatenate((moved, -off)), start)
        assert found.proved == wanted.proved
        assert found.proved == (siemens > -0.05)
        if found.proved:
            np.testing.assert_allclose(found.amplification, wanted.amplification, rtol=1e-9)
            np.testing.assert_array_equal(found.weight, wanted.weight)
            assert (found.diagonal @ np.ones(n)) == pytest.approx(moved.sum())
            # the bound that it stands for, of the matrix itself
            whole = np.diag(moved)
            whole[entries.row, entries.node] = -off
            exact = np.abs(np.linalg.inv(whole) * moved).sum(axis=1).max()
            assert exact <= found.amplification * (1 + 1e-9)
