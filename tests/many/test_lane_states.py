"""States in batches against the solver of single operating points."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from training_circuits import random_network

import resnet_sim as rs
from resnet_sim import CircuitBuilder
from resnet_sim import training as tr
from resnet_sim.many.states import knees


def reference(net, X, circuit=None):
    """Node voltages of every sample, one by one, shape (B, n_nodes)."""
    circuit = net.circuit if circuit is None else circuit
    columns = dict(zip(net.inputs, np.asarray(X).T, strict=True))
    return rs.solve(circuit, inputs=columns).node_voltages


def test_states_are_operating_points():
    for seed in range(40):
        net, X, _ = random_network(seed, amplifier=seed % 4 == 0)
        assert net.batched
        assert np.abs(net.free(X).voltages - reference(net, X)).max() < 1e-9, seed


def test_a_start_does_not_change_states():
    for seed in range(20):
        net, X, _ = random_network(seed)
        cold = net.free(X)
        warm = net.free(X, ~cold.on)
        assert np.abs(cold.voltages - warm.voltages).max() < 1e-9


@pytest.mark.parametrize("beta", [0.3, 1e-3, -0.02, np.inf])
def test_nudged_states_are_those_of_the_nudged_circuit(beta):
    for seed in range(12):
        net, X, Y = random_network(seed, amplifier=seed % 4 == 0)
        free = net.free(X)
        Y = free.outputs + 0.05 * Y
        try:
            states = net.pulled(X, free, beta, Y)
        except rs.TopologyError:
            # diodes may forbid what is asked of clamped outputs
            assert np.isinf(beta)
            continue
        for row in range(len(X)):
            circuit = net.nudged_circuit(X[row], Y[row], beta)
            point = rs.solve(circuit)
            n = len(net.circuit.nodes)
            assert np.abs(point.node_voltages[:n] - states.voltages[row]).max() < 1e-8, seed
            # with its switches open the nudge is not there
            opened = rs.solve(circuit.with_switches(dict.fromkeys(circuit.switches.names, False)))
            assert np.abs(opened.node_voltages[:n] - free.voltages[row]).max() < 1e-8, seed


def test_opposite_nudges_that_flip_rectifiers_are_found_together_from_where_these_flipped():
    circuit, rng = rs.generators.grid(7, seed=3), np.random.default_rng(0)
    net = tr.Network(circuit, circuit.current_sources.names[:2], list(circuit.nodes[5:9]), "r*")
    X, ends = rng.normal(size=(21, 2)), (-0.02, 0.02)
    free, target, lanes = net.free(X), rng.normal(size=(21, 4)), net._backend.lanes
    apart = [net.pulled(X, net.free(X), end, target).voltages for end in ends]
    settle, calls = lanes.settle, []
    lanes.settle = lambda *asked, **how: calls.append(settle(*asked, **how)) or calls[-1]
    both = [net.pulled(X, free, end, target) for end in ends]
    assert all(np.array_equal(one.voltages, alone) for one, alone in zip(both, apart, strict=True))
    flipped = [(one.on != free.on).any(axis=1).sum() for one in both]
    assert min(flipped) > 0
    assert [len(call.x) for call in calls] == [sum(flipped)]
    # what flips first is known beforehand
    assert calls[0].steps.min() == 1
    # one-sided rules ask for a positive pull alone
    judge, judged = lanes.judging, []
    lanes.judging = lambda *asked: judged.append(len(asked[1].x)) or judge(*asked)
    for end in (*ends, ends[1]):
        net.pulled(X, free, end, target)
    # what has flipped by itself
    assert judged == [42, sum(flipped), 21, flipped[1]]


def ladder(floating: bool) -> CircuitBuilder:
    """Two resistive parts, of which one hangs on diodes alone if `floating`."""
    b = CircuitBuilder()
    b.voltage_source("v1", "in", "0", 1.0)
    b.resistor("r1", "in", "a", 1.0)
    b.resistor("r2", "a", "0", 1.0)
    b.diode("d1", "a", "b")
    b.resistor("r3", "b", "c", 1.0)
    b.diode("d2", "c", "d")
    b.resistor("r4", "d", "0", 1.0)
    if not floating:
        b.resistor("r5", "b", "0", 10.0)
    return b


def test_parts_that_hang_on_diodes_alone_are_solved():
    net = tr.Network(ladder(True).build(), ["v1"], ["d", ("a", "c")], "r*")
    X, Y = np.array([[1.0], [2.0]]), np.array([[0.0, 0.1], [0.1, 0.0]])
    assert np.abs(net.free(X).voltages - reference(net, X)).max() < 1e-12
    exact = tr.gradient(net, X, Y, tr.Adjoint())
    one_sided = tr.gradient(net, X, Y, tr.EquilibriumPropagation(1e-5, "positive"))
    assert np.abs(one_sided - exact).max() < 1e-4 * np.abs(exact).max()
    by_current = tr.EquilibriumPropagation(1e-3, "centered", nudge="current")
    assert np.allclose(tr.gradient(net, X, Y, by_current), exact, rtol=1e-9)
    centered = tr.gradient(net, X, Y, tr.EquilibriumPropagation(1e-3))
    assert np.abs(centered - exact).max() < 1e-6 * np.abs(exact).max()


def test_a_floating_output_is_reported_with_its_sample():
    net = tr.Network(ladder(True).build(), ["v1"], ["d", "c"], "r*")
    with pytest.raises(rs.UsageError, match="sample 1: nothing fixes the voltage of output c"):
        net.forward([[1.0], [-1.0]])


def test_impossible_samples_are_named():
    b = ladder(False)
    b.voltage_source("v2", "e", "0", 0.0)
    b.diode("d3", "e", "0", v_forward=0.5)
    net = tr.Network(b.build(), ["v1", "v2"], ["d"], "r*")
    assert net.batched
    with pytest.raises(rs.TopologyError, match=r"sample 2: .*d3"):
        net.forward([[1.0, 0.5], [1.0, -3.0], [1.0, 0.6]])


def test_contradicting_inputs_are_named():
    b = ladder(False)
    b.voltage_source("v2", "in", "0", 1.0)
    net = tr.Network(b.build(), ["v1", "v2"], ["d"], "r*")
    assert net.forward([[1.0, 1.0]]).shape == (1, 1)
    with pytest.raises(rs.TopologyError, match=r"sample 1: .*v2"):
        net.forward([[1.0, 1.0], [1.0, 2.0]])


def test_a_following_switch_is_solved_sample_by_sample():
    b = ladder(False)
    b.switch("s1", "d", "0", control=("in", "0"), threshold=1.5, r_on=0.5)
    net = tr.Network(b.build(), ["v1"], ["d"], "r*")
    assert not net.batched
    X = [[1.0], [2.0]]
    assert np.abs(net.free(X).voltages - reference(net, X)).max() < 1e-12


def test_sources_that_copy_inputs_cost_nothing():
    b = ladder(False)
    b.vcvs("e1", "inverted", "0", "in", "0", -1.0)
    b.vcvs("e2", "twice", "0", "inverted", "0", -2.0)
    b.vccs("g1", "0", "b", "twice", "0", 0.1)
    b.resistor("r6", "inverted", "d", 2.0)
    net = tr.Network(b.build(), ["v1"], ["d"], "r*")
    X, Y = [[1.0], [2.0]], [[0.0], [1.0]]
    assert net.batched
    assert np.abs(net.free(X).voltages - reference(net, X)).max() < 1e-12
    exact = tr.gradient(net, X, Y, tr.Adjoint())
    assert np.allclose(tr.gradient(net, X, Y, tr.EquilibriumPropagation(1e-4)), exact, rtol=1e-6)


def test_a_zero_conductance_may_isolate_a_node():
    b = ladder(False)
    b.resistor("r6", "a", "lonely", 1.0)
    net = tr.Network(b.build(), ["v1"], ["d"], "r*", g_min=0.0)
    g = net.conductances
    g[net.trainable.index("r6")] = 0.0
    net.conductances = g
    assert net.forward([[1.0]])[0, 0] == pytest.approx(
        reference(net, [[1.0]])[0, net.circuit.node("d")]
    )
    exact = tr.gradient(net, [[1.0]], [[0.0]], tr.Adjoint())
    assert exact[net.trainable.index("r6")] == 0.0


def test_a_network_says_why_it_is_slow():
    circuit = ladder(False)
    circuit.vcvs("e1", "copy", "0", "a", "0", 1.0)
    circuit.resistor("r7", "copy", "b", 1.0)
    net = tr.Network(circuit.build(), ["v1"], ["d"], "r1")
    text = net.explain_backend()
    assert text.startswith("backend: one by one")
    assert "not lanes: e1" in text
    assert "not layered: 6 resistors" in text


def test_a_rectifier_is_on_its_knee_unless_conducting_ones_join_its_ends():
    rng = np.random.default_rng(5)
    p, q = rng.integers(0, 6, (2, 12))
    for _ in range(20):
        current = rng.choice([0.0, 0.0, 1.0], (9, 12))
        gap = np.where(current > 0, 0.0, rng.choice([0.0, 1.0], (9, 12)))
        found = knees(current, gap, p, q)
        for row in range(9):
            graph = nx.Graph(list(zip(p[current[row] > 0], q[current[row] > 0], strict=True)))
            graph.add_nodes_from(range(6))
            on_knee = [
                k for k in range(12)
                if current[row, k] == gap[row, k] == 0 and not nx.has_path(graph, p[k], q[k])
            ]  # fmt: skip
            assert found[row] == (on_knee[0] if on_knee else -1)


def test_resistors_side_by_side_are_one_edge_and_learn_each_by_itself():
    b = CircuitBuilder()
    b.voltage_source("v1", "in1", "0", 0.0)
    b.voltage_source("v2", "in2", "0", 0.0)
    for name, p, q, ohms in (
        ("r1", "in1", "a", 1.0), ("r2", "in2", "a", 2.0), ("r3", "a", "b", 3.0),
        ("r4", "b", "a", 6.0), ("r5", "b", "0", 1.0),
    ):  # fmt: skip
        b.resistor(name, p, q, ohms)
    b.diode("d1", "b", "c")
    b.resistor("r6", "c", "0", 2.0)
    net = tr.Network(b.build(), ["v1", "v2"], ["b"], "r*")
    assert len(net._backend.lanes.network.edge_p) == 4
    X, Y = np.array([[1.0, 2.0], [-1.0, 0.5]]), np.array([[0.1], [0.2]])
    assert np.abs(net.free(X).voltages - reference(net, X)).max() < 1e-12
    exact, nudged = tr.gradient(net, X, Y, tr.Adjoint()), tr.gradient(net, X, Y)
    assert np.abs(exact - nudged).max() < 1e-6 * np.abs(exact).max()
    by_name = dict(zip(net.trainable, exact, strict=True))
    assert by_name["r3"] == by_name["r4"] != 0.0
    assert by_name["r1"] != by_name["r2"]
