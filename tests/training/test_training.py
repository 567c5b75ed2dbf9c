"""Networks, rules, costs and optimisers: what they learn, and what they refuse."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from ngspice_tools import requires_ngspice
from training_circuits import random_network
from training_tasks import (
    absolute_value,
    full_circuit,
    learns_signs,
    xor_with_a_pair,
    xor_with_inverted_inputs,
)

import resnet_sim as rs
from resnet_sim import CircuitBuilder
from resnet_sim import training as tr


@pytest.mark.parametrize("task", [xor_with_inverted_inputs, xor_with_a_pair])
def test_xor_is_learned_from_every_seed(task):
    for seed in range(20):
        net, X, Y = task(seed)
        trainer = tr.Trainer(net, tr.EquilibriumPropagation(1e-3), optimizer=tr.Adam(0.1))
        assert learns_signs(trainer, X, Y, 400), seed


RULES = [
    tr.EquilibriumPropagation(1e-2, "positive"),
    tr.EquilibriumPropagation(1e-2, "negative"),
    tr.EquilibriumPropagation(1e-2, "centered", nudge="current"),
    tr.CoupledLearning(0.1, "positive"),
    tr.CoupledLearning(0.1, "negative"),
    tr.CoupledLearning(0.1, "centered"),
    tr.ContrastiveLearning(),
    tr.FrequencyPropagation(1e-2),
    tr.Adjoint(),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: repr(rule).replace("'", ""))
def test_every_rule_learns_xor(rule):
    learned = 0
    for seed in range(5):
        net, X, Y = xor_with_a_pair(seed)
        learned += learns_signs(tr.Trainer(net, rule, optimizer=tr.Adam(0.03)), X, Y, 300)
    assert learned >= 4


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:the cost rose")
def test_absolute_value_is_learned_to_a_percent():
    close = 0
    for seed in range(10):
        net, X, Y = absolute_value(seed)
        optimizer = tr.Adam(0.1, schedule=tr.cosine(1000))
        trainer = tr.Trainer(net, optimizer=optimizer)
        goal = 0.5 * (0.005 * Y.std()) ** 2
        trainer.fit(X, Y, 1000, callbacks=[lambda _, record, c=goal: record["cost"] < c])
        rmse = np.sqrt(((trainer.predict(X) - Y) ** 2).mean())
        close += rmse < 0.01 * Y.std()
    assert close >= 9


def test_resistors_alone_cannot_learn_xor():
    rng = np.random.default_rng(0)
    circuit = full_circuit(rng, ["a", "b"], ["o", "h"], []).build()
    net = tr.Network(circuit, ["va", "vb"], ["o"])
    _, X, Y = xor_with_a_pair(0)
    assert not learns_signs(tr.Trainer(net, optimizer=tr.Adam(0.1)), X, Y, 100)


# ---- costs ----


@pytest.mark.parametrize(
    "cost", [tr.CrossEntropy(3.0), tr.Hinge(0.3), tr.SquaredError(np.eye(3) - 0.5)]
)
def test_slopes_of_costs_are_derivatives(cost):
    rng = np.random.default_rng(1)
    outputs, labels = rng.normal(size=(5, 3)), np.array([0, 1, 2, 1, 0])
    slope = cost.slope(outputs, labels)
    for k in range(3):
        step = np.zeros(3)
        step[k] = 1e-6
        change = cost.value(outputs + step, labels) - cost.value(outputs - step, labels)
        assert np.allclose(change / 2e-6, slope[:, k], atol=1e-6)


def test_cross_entropy_takes_probabilities():
    cost, outputs = tr.CrossEntropy(), np.array([[0.1, 0.4, -0.3]])
    assert np.allclose(
        cost.slope(outputs, np.array([[0.0, 1.0, 0.0]])), cost.slope(outputs, np.array([1]))
    )


def test_equilibrium_propagation_serves_any_cost():
    for seed in range(10):
        net, X, _ = random_network(seed)
        labels = np.arange(len(X)) % 2
        for cost in (tr.CrossEntropy(2.0), tr.Hinge(0.5)):
            exact = tr.gradient(net, X, labels, tr.Adjoint(), cost)
            found = tr.gradient(net, X, labels, tr.EquilibriumPropagation(1e-5), cost)
            assert np.linalg.norm(found - exact) < 1e-6 * np.linalg.norm(exact)


def test_frequency_propagation_is_exact_while_no_diode_flips():
    net, X, Y = random_network(3)
    exact = tr.gradients(net, X, Y, tr.Adjoint()).vector
    found = tr.gradients(net, X, Y, tr.FrequencyPropagation(1e-5)).vector
    assert np.linalg.norm(found - exact) < 1e-7 * np.linalg.norm(exact)


def test_coupled_learning_with_small_eta_has_the_sign_of_descent():
    for seed in range(10):
        net, X, Y = random_network(seed)
        exact = tr.gradient(net, X, Y, tr.Adjoint())
        small = tr.EquilibriumPropagation(1e-6), tr.CoupledLearning(1e-6, "centered")
        assert tr.gradient(net, X, Y, small[0]) @ exact > 0
        assert tr.gradient(net, X, Y, small[1]) @ exact > 0


# ---- refusals ----


def buffered() -> CircuitBuilder:
    """A hidden node drives the output's part through a one-way buffer."""
    b = CircuitBuilder()
    b.voltage_source("v1", "in", "0", 1.0)
    b.resistor("r1", "in", "h", 1.0)
    b.resistor("r2", "h", "0", 2.0)
    b.diode("d1", "0", "h")
    b.vcvs("e1", "copy", "0", "h", "0", 3.0)
    b.resistor("r3", "copy", "o", 1.0)
    b.resistor("r4", "o", "0", 1.5)
    b.diode("d2", "o", "top", v_forward=0.1)
    b.resistor("r5", "top", "0", 0.7)
    return b


def op_amp() -> CircuitBuilder:
    """An inverting amplifier, whose gain two resistors set, with a diode after it."""
    b = CircuitBuilder()
    b.voltage_source("v1", "in", "0", 1.0)
    b.resistor("r1", "in", "minus", 1.0)
    b.resistor("r2", "minus", "out", 2.0)
    b.vcvs("e1", "out", "0", "0", "minus", 1e4)
    b.diode("d1", "out", "o")
    b.resistor("r3", "o", "0", 1.0)
    b.resistor("r4", "o", "in", 5.0)
    return b


@pytest.mark.parametrize("make", [buffered, op_amp])
def test_strict_rules_refuse_one_way_sources_but_for_the_adjoint(make):
    net = tr.Network(make().build(), ["v1"], ["o"], "r*")
    X, Y = np.array([[0.7], [-0.9]]), np.array([[0.1], [0.3]])
    for rule in RULES[:-1]:
        with pytest.raises(rs.UsageError, match=r"e1 acts one way.*Adjoint"):
            tr.gradient(net, X, Y, dataclasses.replace(rule, strict=True))
    found, cost, g = tr.gradient(net, X, Y, tr.Adjoint()), tr.SquaredError(), net.conductances
    for k in range(len(g)):
        values = []
        for factor in (1 + 1e-5, 1 - 1e-5):
            moved = g.copy()
            moved[k] *= factor
            net.conductances = moved
            values.append(cost.value(net.forward(X), Y).mean())
        net.conductances = g
        wanted = (values[0] - values[1]) / (2e-5 * g[k])
        assert found[k] == pytest.approx(wanted, rel=1e-6, abs=1e-9)


def test_a_nudge_that_makes_the_circuit_unstable_is_refused_with_the_limit():
    net, X, Y = random_network(5)
    with pytest.raises(rs.UsageError, match="unstable; it must stay above") as caught:
        tr.gradient(net, X, Y, tr.EquilibriumPropagation(100.0, "negative"))
    limit = -float(str(caught.value).split()[-2])
    stable = tr.EquilibriumPropagation(0.999 * limit, "negative")
    assert np.isfinite(tr.gradient(net, X, Y, stable)).all()
    with pytest.raises(rs.UsageError, match="unstable"):
        tr.gradient(net, X, Y, tr.EquilibriumPropagation(1.001 * limit, "negative"))


def test_a_state_on_a_knee_is_recognised():
    b = CircuitBuilder()
    b.voltage_source("v1", "in", "0", 1.0)
    b.resistor("r1", "in", "o", 1.0)
    b.resistor("r2", "o", "0", 1.0)
    b.diode("d1", "o", "0", v_forward=0.5)
    net = tr.Network(b.build(), ["v1"], ["o"])
    X, Y = [[0.9], [1.0], [1.1]], np.zeros((3, 1))
    with pytest.warns(tr.KneeWarning, match="sample 1: d1 is on its knee"):
        tr.gradient(net, X, Y, tr.Adjoint())
    assert tr.gradients(net, X, Y).knees.tolist() == [-1, 3, -1]


def test_targets_out_of_reach_are_warned_of():
    net, X, Y = xor_with_inverted_inputs(0)
    with pytest.warns(UserWarning, match="targets of 4 samples are out of reach: sample 0"):
        tr.Trainer(net).fit(X, 10 * Y, 1)


def test_sources_that_float_may_take_outputs_further_than_grounded_ones():
    text = "t\nv1 a 0 1\nvf o b 3\nr1 a b 1\nr2 b 0 1\nr3 o 0 1k\n"
    net = tr.Network(rs.parse_netlist(text), ["v1"], ["o"], ["r1", "r2"])
    tr.Trainer(net).fit([[1.0]], [[3.2]], 1)  # warnings are errors here


def test_arguments_are_checked():
    b = buffered()
    b.resistor("rshort", "o", "p", 0.0)
    circuit = b.build()
    for options, message in (
        ({"inputs": ["r1"]}, "input r1 is a resistor"),
        ({"inputs": ["v1", "V1"]}, "v1 is named twice"),
        ({"outputs": ["nowhere"]}, "no node 'nowhere'"),
        ({"outputs": []}, "at least one output"),
        ({"trainable": "x*"}, "no resistor is called 'x\\*'"),
        ({"trainable": "r*"}, "rshort can't learn"),
        ({"trainable": "r1", "g_min": 2.0, "g_max": 1.0}, "g_min <= g_max"),
        ({"trainable": "r1", "biases": "i*"}, "no current source"),
    ):
        arguments = {"inputs": ["v1"], "outputs": ["o"], "trainable": ["r1", "R2"]} | options
        with pytest.raises(rs.UsageError, match=message):
            tr.Network(circuit, **arguments)
    net = tr.Network(circuit, ["v1"], ["o"], "r[1-5]", g_max=10.0)
    for X in ([1.0], [[1.0, 2.0]]):
        with pytest.raises(rs.UsageError, match="1 column "):
            net.forward(X)
    with pytest.raises(rs.UsageError, match="sample 1: an input is not finite"):
        net.forward([[0.0], [np.nan]])
    with pytest.raises(rs.UsageError, match="of r1 is not between"):
        net.conductances = 11.0 * np.ones(5)
    with pytest.raises(rs.UsageError, match="5 finite numbers"):
        net.conductances = np.ones(4)
    with pytest.raises(rs.UsageError, match="unknown variant"):
        tr.gradient(net, [[1.0]], [[1.0]], tr.EquilibriumPropagation(0.1, "both"))


def test_the_learned_circuit_can_be_written_and_read():
    net, X, Y = xor_with_a_pair(1)
    tr.Trainer(net, optimizer=tr.Adam(0.1)).fit(X, Y, 5)
    read = rs.parse_netlist(rs.format_netlist(net.circuit))
    again = tr.Network(read, net.inputs, [("o1", "o2")], "r*", g_min=1e-3)
    assert np.allclose(again.forward(X), net.forward(X), rtol=1e-12)


@requires_ngspice
def test_a_trained_network_validates_in_ngspice(tmp_path):
    net, X, Y = xor_with_a_pair(0)
    trainer = tr.Trainer(net, optimizer=tr.Adam(0.1))
    assert learns_signs(trainer, X, Y, 100)
    ours = trainer.predict(X)[:, 0]
    rs.write_netlist(net.circuit, tmp_path / "trained.net")
    learned = rs.read_netlist(tmp_path / "trained.net")
    theirs = []
    for x in X:
        circuit = learned.with_values(dict(zip(net.inputs, x, strict=True)))
        assert rs.ngspice.compare(circuit).agrees
        reading = rs.ngspice.run(circuit)
        theirs.append((reading.voltage("o1") - reading.voltage("o2"))[0])
    assert np.allclose(theirs, ours, atol=1e-6)
    assert (np.sign(theirs) == np.sign(Y[:, 0])).all()


# ---- optimisers ----


def test_rates_by_group_and_schedule():
    optimizer = tr.SGD({"r1*": 2.0, "*": 0.5}, schedule=tr.exponential(0.5))
    optimizer.prepare(["r1", "r12", "r2", "i1"])
    assert optimizer.step(np.ones(4), 1).tolist() == [-1.0, -1.0, -0.25, -0.25]
    with pytest.raises(rs.UsageError, match="nothing that learns matches 'q\\*'"):
        tr.SGD({"q*": 1.0}).prepare(["r1"])


def test_momentum_and_adam_follow_their_formulas():
    momentum = tr.Momentum(0.1, 0.5)
    momentum.prepare(["r1"])
    steps = [momentum.step(np.array([1.0]), 0)[0] for _ in range(3)]
    assert np.allclose(steps, [-0.1, -0.15, -0.175])
    adam = tr.Adam(0.1)
    adam.prepare(["r1", "r2"])
    assert np.allclose(adam.step(np.array([1e-3, -5.0]), 0), [-0.1, 0.1], rtol=1e-4)


@pytest.mark.filterwarnings("ignore:the cost rose")
def test_parameters_stay_within_bounds():
    net, X, Y = xor_with_a_pair(0)
    trainer = tr.Trainer(net, optimizer=tr.SGD(1e4))
    trainer.fit(X, Y, 3)
    assert (net.conductances >= net.g_min).all()
    assert (net.conductances == net.g_min).any()


def test_biases_learn():
    b = CircuitBuilder()
    b.voltage_source("v1", "in", "0", 0.0)
    b.resistor("r1", "in", "o", 1.0)
    b.current_source("ib", "0", "o", 0.0)
    b.resistor("r2", "o", "0", 1.0)
    net = tr.Network(b.build(), ["v1"], ["o"], "r*", biases="ib")
    X = np.linspace(-1, 1, 5)[:, None]
    trainer = tr.Trainer(net, tr.EquilibriumPropagation(1e-2), optimizer=tr.SGD(0.5))
    history = trainer.fit(X, 0.3 * X + 2.0, 400)
    assert history[-1]["cost"] < 1e-6
