"""The training benchmarks, in a small form: they run, and learn what they should."""

from __future__ import annotations

import argparse

import numpy as np
import pytest
from benchmark_modules import load
from training_tasks import bars

from resnet_sim import training as tr


def test_sparse_topologies():
    for needed in ("sample_by_sample", "implicit_torch", "families", "two_threads"):
        load(needed)
    topologies = load("training_topologies")
    options = argparse.Namespace(
        seed=1, linear=False, batch=9, threads=1, repeats=1, contenders=True
    )
    # of few samples with amplifiers it can't be told that they bear a nudge
    families = topologies.FAMILIES.keys() - {"amplifiers"}
    records = [topologies.measure(family, 60, options) for family in families]
    assert all(record["backend"].startswith("backend: lanes") for record in records)
    assert all(record["apart"] < 1e-5 for record in records)
    assert topologies.table(records).count("\n") == len(records) + 1


@pytest.mark.slow
def test_iris_on_sixteen_resistors():
    iris = load("training_iris")
    net = iris.network(0)
    assert len(net.trainable) == 16
    assert len(net.circuit.nodes) == 9
    found = [iris.accuracy(seed, "means", 300) for seed in range(3)]
    assert np.median(found) > 0.9


def test_digits_on_a_layered_network():
    digits = load("training_digits")
    options = argparse.Namespace(hidden=64, lr=0.003, decay=0.8, epochs=3, no_diodes=False)
    _, (right, mse, *_) = digits.run("layered", 0, options)
    assert right > 0.92
    assert mse < 0.35


def test_digits_on_a_sparse_graph_with_diodes_between_free_nodes():
    digits = load("training_digits")
    net = digits.sparse_network(0)
    x, y, _, _ = digits.data(0)
    codes = 0.2 * (2 * np.eye(10) - 1)
    trainer = tr.Trainer(net, cost=tr.SquaredError(codes), optimizer=tr.Adam(0.03))
    volts = digits.encode("sparse", x[:320])
    trainer.fit(volts, y[:320], 2, batch_size=32)
    assert trainer.score(volts, y[:320]) > 0.7


def test_amplifiers_that_are_off_are_trained():
    digits = load("training_digits")
    options = argparse.Namespace(hidden=4, lr=0.02, decay=0.9, no_diodes=False, off=0.3)
    x, y, _, _ = digits.data(0)
    found = {}
    for options.rule in ("vector-field", "adjoint"):
        trainer = digits.kendall_trainer(0, options)
        assert trainer.net.one_way
        found[options.rule] = tr.gradient(
            trainer.net, digits.encode("kendall", x[:2]), y[:2], trainer.rule, trainer.cost
        )
    own, exact = found.values()
    assert own @ exact > 0.99 * np.linalg.norm(own) * np.linalg.norm(exact)


def test_every_rule_of_the_table_runs():
    rules = load("training_rules")
    for name, rule in rules.RULES:
        assert rules.cosine(0, rule) > 0.5, name
        assert rules.steps(0, rule, 100, 0.03) is not None, name


@pytest.mark.slow
def test_every_network_and_rule_of_the_study_runs():
    study = load("learning_study")
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0, 1, (50, study.SIDE**2)), rng.integers(0, 10, 50)
    known = []
    for number, rule in enumerate(study.RULES):
        name = list(study.SUBJECTS)[number % 3]
        record = study.run(study.SUBJECTS[name], study.RULES[rule], 0, study.Data(x, y, x, y), 1)
        assert 0 <= record["train"] == record["test"] <= 100
        known.append({"network": name, "rule": rule, "seed": 0, **record})
    lines = list(study.rows(known))
    assert len(lines) == 2 + len(study.RULES)
    assert sum(line.count("±") for line in lines) == len(study.RULES)


def test_a_relu_network_learns_with_the_adjoint():
    net = load("training_relu").network(0, 4)
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0, 1, (2, 64)), rng.uniform(-1, 1, (2, 10))
    u, g = np.hstack((x, -x)), net.conductances
    exact = tr.gradients(net, u, y, tr.Adjoint())
    step = 1e-3 * exact.conductances / np.linalg.norm(exact.conductances)
    costs = []
    for sign in (1, -1):
        net.conductances = g + sign * step
        costs.append(tr.SquaredError().value(net.forward(u), y).mean())
    slope = (costs[0] - costs[1]) / 2e-3
    assert slope == pytest.approx(np.linalg.norm(exact.conductances), rel=1e-4)


@pytest.mark.long
def test_a_relu_network_tells_digits():
    assert load("training_relu").train(0, 64, 12, 1e-3) >= 0.96


@pytest.mark.slow
def test_kernels_learn_from_images(tmp_path, capsys):
    fashion = load("training_convolutional")
    images, label = bars(255.0)
    wide = np.kron(images.reshape(-1, 6, 6), np.ones((1, 4, 4)))
    pixels = np.pad(wide, ((0, 0), (2, 2), (2, 2))).reshape(-1, 784)
    data = argparse.Namespace(train=pixels, train_labels=label, test=pixels, test_labels=label)
    options = argparse.Namespace(
        channels=2, kernel=8, stride=4, images=40, validation=20, tests=20, epochs=4, seed=0,
        checkpoint=tmp_path / "run.npz",
    )  # fmt: skip
    costs = [record["cost"] for record in fashion.train(options, data)]
    assert costs[-1] < 0.7 * costs[0]
    said = capsys.readouterr().out
    assert "epoch 4: cost" in said and "% of 20 test images wrong" in said
    # what has been trained is not trained again
    assert [record["cost"] for record in fashion.train(options, data)] == costs
    assert "epoch" not in capsys.readouterr().out


@pytest.mark.slow
def test_transistors_learn_xor_exactly():
    transistors = load("training_transistors")
    last, found = transistors.train(4, "exact", 100, None)
    assert last < 100 and np.abs(found - transistors.Y).max() < 0.02


@pytest.mark.slow
def test_transistors_bend_where_no_straight_line_does():
    missed, straight = load("training_transistors").regress(3, "exact", 200)
    assert missed < 0.5 * straight


def test_outputs_beyond_the_margin_cost_nothing():
    transistors = load("training_transistors")
    cost, outputs = transistors.Difference(0.015), np.array([[0.1, 0.1], [0.1, 0.13], [0.1, 0.2]])
    assert cost.slope(outputs, [0.0] * 3).round(6).tolist() == [
        [0, 0],
        [-0.015, 0.015],
        [-0.05, 0.05],
    ]
    assert cost.value(outputs, [-0.087] * 3).round(6).tolist() == [0.001892, 0.000812, 0.0]
    assert cost.decode(outputs).tolist() == [0, 0, 1]


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:the cost rose")
def test_transistors_learn_xor_by_the_published_rule():
    transistors = load("training_transistors")
    learned = [transistors.train(seed, "coupled", 1200, 0.015)[0] < 1200 for seed in range(10)]
    assert sum(learned) >= 8


@pytest.mark.filterwarnings("ignore:the cost rose")
def test_functions_of_one_variable_are_learned():
    regression = load("training_regression")
    for task, goal in (("abs", 0.01), ("parabola", 0.1), ("sine", 0.25)):
        error, trainer = regression.train(task, 0, 250, 0.1)
        assert error < goal, task
        assert len(trainer.history) == 250
