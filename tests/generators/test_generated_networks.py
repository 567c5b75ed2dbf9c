"""Layered circuits settle where a fixed-point iteration does; ReLU circuits compute the network."""

import fnmatch
import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resnet_sim import UsageError, solve
from resnet_sim import generators as gen

near = pytest.approx
GUIDE = Path(__file__).parents[2] / "docs" / "generators.md"


def select(circuit, glob):
    return fnmatch.filter(circuit.element_names, glob)


# ---- layered networks ----


def settle(x, weights, low, high, gain=1.0, sweeps=1500):
    """Sweep the layers until nothing moves: each node goes to the weighted mean of its neighbours.

    Behind an amplifier a node appears `gain` times as high, and 1 / gain of the current that
    flows there comes back: the mean is that of voltages before it and of those behind it
    divided by the gain.
    """
    v = [x, *(np.zeros(w.shape[1]) for w in weights)]
    for _ in range(sweeps):
        for k, w in enumerate(weights, start=1):
            last = k == len(weights)
            current = (gain if k > 1 else 1.0) * v[k - 1] @ w
            total = w.sum(axis=0)
            if not last:
                after = weights[k]
                current = current + after @ v[k + 1] / gain
                total = total + after.sum(axis=1)
            mean = current / total
            v[k] = mean if last else np.clip(mean, low[k - 1], high[k - 1])
    return v


def limits(diodes, sizes, threshold=0.3):
    """Where the diodes of hidden layers hold their nodes, V."""
    if diodes == "antiparallel":
        return [np.full(n, -threshold) for n in sizes], [np.full(n, threshold) for n in sizes]
    if diodes is None:
        return [np.full(n, -np.inf) for n in sizes], [np.full(n, np.inf) for n in sizes]
    up = [np.arange(n) < (n + 1) // 2 for n in sizes]
    return [np.where(u, 0.0, -np.inf) for u in up], [np.where(u, np.inf, 0.0) for u in up]


@pytest.mark.parametrize("diodes", ["half", "antiparallel", None])
@pytest.mark.parametrize("gain", [None, 4.0])
@pytest.mark.parametrize("seed", range(3))
def test_layered_networks_settle_where_a_fixed_point_iteration_does(diodes, gain, seed):
    rng = np.random.default_rng(seed)
    sizes = [3, 6, 5, 2]
    shapes = itertools.pairwise([6, 6, 5, 4])
    weights = [np.maximum(rng.uniform(-1, 1, shape), 0.01) for shape in shapes]
    x = rng.uniform(-1, 1, (2, 3))
    circuit = gen.layered(sizes, diodes=diodes, gain=gain, weights=weights, output_pairs=True)
    point = solve(circuit, inputs=gen.layered_inputs(x, amplification=5.0))
    assert point.certificate.ok
    held = limits(diodes, sizes[1:-1])
    outputs = ["op0", "op1", "on0", "on1"]
    blocked = 0
    for row in range(2):
        pairs = 5.0 * np.concatenate([x[row], -x[row]])
        _, first, second, out = settle(pairs, weights, *held, gain=gain or 1.0)
        assert [point.voltage(f"h1_{j}")[row] for j in range(6)] == near(first, abs=1e-9)
        assert [point.voltage(f"h2_{j}")[row] for j in range(5)] == near(second, abs=1e-9)
        assert [point.voltage(name)[row] for name in outputs] == near(out, abs=1e-9)
        blocked += np.isin(first, [0.0, 0.3, -0.3]).sum()
    assert (blocked > 0) == (diodes is not None)


def test_layered_networks_are_built_as_said():
    circuit = gen.layered([4, 7, 3], output_pairs=True)
    assert len(select(circuit, "rw1_*")) == 8 * 7
    assert len(select(circuit, "rw2_*")) == 7 * 6
    assert len(circuit.resistors) == 8 * 7 + 7 * 6
    assert (len(select(circuit, "ib1_*")), len(select(circuit, "ib2_*"))) == (7, 6)
    # an odd node counts to the upper half: four diodes lead out of ground, three into it
    assert circuit.diodes.p.tolist().count(0) == 4
    assert circuit.diodes.q.tolist().count(0) == 3
    names = circuit.resistors.names
    ends = circuit.resistors.p[names.index("rw1_5_2")], circuit.resistors.q[names.index("rw1_5_2")]
    assert [circuit.nodes[k] for k in ends] == ["xn1", "h1_2"]
    single = gen.layered([4, 7, 3], input_pairs=False, biases=False, diodes=None)
    assert select(single, "v*") == ["v0", "v1", "v2", "v3"]
    assert (len(single.resistors), len(single.current_sources)) == (4 * 7 + 7 * 3, 0)
    amplified = gen.layered([4, 7, 5, 3], gain=4.0, diodes="antiparallel")
    assert len(select(amplified, "[evf]a*")) == 3 * (7 + 5)
    assert len(amplified.diodes) == 2 * (7 + 5)


def test_conductances_are_drawn_as_said():
    circuit = gen.layered([200, 100, 10], g_min=1e-5)
    g = 1.0 / circuit.resistors.ohms[: 400 * 100]
    assert g.max() <= 400**-0.5 * (1 + 1e-12)
    assert np.isclose(g, 1e-5).mean() == near(0.5, abs=0.02)
    assert g[g > 2e-5].mean() == near(400**-0.5 / 2, rel=0.02)


def test_biases_push_their_nodes():
    weights = [np.ones((2, 2)), np.ones((2, 1))]
    circuit = gen.layered([1, 2, 1], weights=weights).with_values({"vp0": 0.0, "vn0": 0.0})
    point = solve(circuit.with_values({"ib1_0": 5.0}))
    # node 0 of three resistors, through its third one to the output and on to node 1, which
    # its diode holds at 0 V: 1 / (2 + 1 / 2) ohm
    assert point.voltage("h1_0") == near(5.0 / 2.5, rel=1e-12)
    assert point.voltage("h1_1") == 0.0


# ---- ReLU networks ----


def random_network(sizes, seed):
    rng = np.random.default_rng(seed)
    weights = [rng.standard_normal(shape) for shape in itertools.pairwise(sizes)]
    return weights, [rng.standard_normal(n) for n in sizes[1:]], rng.standard_normal(sizes[0])


def activations(weights, biases, x):
    """The hidden layers of the network and its outputs."""
    h = [x]
    for w, b in zip(weights[:-1], biases[:-1], strict=True):
        h.append(np.maximum(0.0, h[-1] @ w + b))
    return [*h[1:], h[-1] @ weights[-1] + biases[-1]]


@pytest.mark.parametrize("sizes", [[5, 8, 7, 4], [1, 1], [3, 2], [2, 16, 1], [4, 6, 6, 6, 6, 6, 3]])
@pytest.mark.parametrize("seed", range(10))
def test_a_relu_circuit_gives_the_outputs_of_the_network(sizes, seed):
    weights, biases, x = random_network(sizes, seed)
    point = solve(gen.relu_network(weights, biases, x=x))
    *hidden, outputs = activations(weights, biases, x)
    assert point.certificate.ok
    found = np.array([point.voltage(f"o{j}") for j in range(sizes[-1])])
    assert np.abs(found - outputs).max() <= 1e-12 * np.abs(outputs).max()
    for layer, values in enumerate(hidden, start=1):
        ours = np.array([point.voltage(f"h{layer}_{j}") for j in range(len(values))])
        assert np.abs(ours - values).max() <= 1e-12 * np.abs(values).max()
        inverted = [point.voltage(f"hn{layer}_{j}") for j in range(len(values))]
        assert np.array(inverted) == near(-values, rel=1e-11, abs=1e-14)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 5), min_size=2, max_size=4),
    st.integers(0, 2**32),
    st.floats(-9, 3),
    st.floats(0, 1),
)
def test_weights_of_zero_and_any_scale_change_nothing(sizes, seed, exponent, kept):
    weights, biases, x = random_network(sizes, seed)
    rng = np.random.default_rng(seed)
    weights = [w * (rng.random(w.shape) < kept) for w in weights]
    biases = [b * (rng.random(b.shape) < kept) for b in biases]
    circuit = gen.relu_network(weights, biases, scale=10.0**exponent, x=x)
    *hidden, outputs = activations(weights, biases, x)
    before = hidden[-1] if hidden else x
    summed = np.abs(before) @ np.abs(weights[-1]) + np.abs(biases[-1])
    point = solve(circuit)
    for j, wanted in enumerate(outputs):
        assert abs(point.voltage(f"o{j}") - wanted) <= 1e-12 * (summed[j] + np.abs(x).max())


def test_a_relu_circuit_takes_its_inputs_from_sources():
    weights, biases, _ = random_network([3, 6, 2], 1)
    x = np.random.default_rng(2).standard_normal((5, 3))
    circuit = gen.relu_network(weights, biases)
    point = solve(circuit, inputs={f"v{k}": x[:, k] for k in range(3)})
    outputs = np.array([activations(weights, biases, row)[-1] for row in x])
    found = np.stack([point.voltage("o0"), point.voltage("o1")], axis=1)
    assert found == near(outputs, rel=1e-11)
    assert len(select(circuit, "rw*")) == 3 * 6 + 6 * 2
    assert len(select(circuit, "d*")) == 6


def test_biases_may_be_left_out():
    weights, _, x = random_network([3, 6, 2], 1)
    point = solve(gen.relu_network(weights, x=x))
    wanted = np.maximum(0.0, x @ weights[0]) @ weights[1]
    assert [point.voltage("o0"), point.voltage("o1")] == near(wanted, rel=1e-12)
    assert not select(point.circuit, "rb*")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: gen.relu_network([]),
        lambda: gen.relu_network([np.ones(3)]),
        lambda: gen.relu_network([np.ones((2, 3)), np.ones((2, 1))]),
        lambda: gen.relu_network([np.ones((2, 3))], [np.ones(2)]),
        lambda: gen.relu_network([np.ones((2, 3))], []),
        lambda: gen.relu_network([np.full((2, 3), np.nan)]),
        lambda: gen.relu_network([np.ones((2, 3))], scale=0.0),
        lambda: gen.relu_network([np.ones((2, 3))], x=[1.0]),
        lambda: gen.layered([3]),
        lambda: gen.layered([3, 0]),
        lambda: gen.layered([3, 2], diodes="whole"),
        lambda: gen.layered([3, 2], gain=0.0),
        lambda: gen.layered([3, 2], weights=[]),
        lambda: gen.layered([3, 2], weights=[np.ones((6, 2)), np.ones((2, 2))]),
        lambda: gen.layered([3, 2], weights=[np.ones((3, 2))]),
        lambda: gen.layered([3, 2], weights=[-np.ones((6, 2))]),
        lambda: gen.layered([3, 2], threshold=-1.0),
    ],
)
def test_impossible_networks_are_refused(wrong):
    with pytest.raises(UsageError):
        wrong()


# ---- the guide ----


def test_the_guide_tells_of_every_generator():
    text = GUIDE.read_text()
    assert not [name for name in gen.__all__ if f"`{name}" not in text]
