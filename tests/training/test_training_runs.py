"""Runs: repeatable, resumable after any interruption, observable while they last."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from training_tasks import hidden_pair, xor_with_a_pair

import resnet_sim as rs
from resnet_sim import training as tr
from resnet_sim.training.checkpoint import digest

SCRIPT = """
import sys
sys.path[:0] = {tests!r}
from test_training_runs import start
trainer, X, Y = start()
trainer.fit(X, Y, {epochs}, batch_size=7, checkpoint={path!r}, resume=True, metrics={metrics!r})
"""


def start() -> tuple[tr.Trainer, np.ndarray, np.ndarray]:
    """A trainer with state in every corner: momenta, schedule, order of samples."""
    net = hidden_pair(3, ["a", "b"], 2, 2, 4)
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, size=(20, 2))
    Y = 0.1 * np.sign(X[:, :1] * X[:, 1:])
    optimizer = tr.Adam(0.02, schedule=tr.exponential(0.999))
    return tr.Trainer(net, tr.EquilibriumPropagation(1e-2), optimizer=optimizer, seed=5), X, Y


def state(trainer: tr.Trainer) -> tuple[bytes, ...]:
    arrays = [trainer.net.conductances, *trainer.optimizer.state.values()]
    return (*(a.tobytes() for a in arrays), json.dumps(trainer.history).encode())


def test_the_same_seed_gives_the_same_bits_and_another_does_not():
    runs = []
    for seed in (5, 5, 6):
        trainer, X, Y = start()
        trainer.seed = seed
        trainer.fit(X, Y, 6, batch_size=7)
        runs.append(state(trainer))
    assert runs[0] == runs[1] != runs[2]


def test_an_optimizer_begins_every_run_anew():
    _, X, Y = start()
    given = tr.Adam(0.02)
    runs = []
    for _ in range(2):
        trainer = tr.Trainer(start()[0].net, tr.Adjoint(), optimizer=given)
        trainer.fit(X, Y, 3)
        runs.append(state(trainer))
    assert runs[0] == runs[1] and given.state == {}


def test_a_run_is_not_resumed_with_another_nudge(tmp_path):
    trainer, X, Y = start()
    path = tmp_path / "run.npz"
    trainer.fit(X, Y, 2, batch_size=7, checkpoint=path)
    for rule in (tr.EquilibriumPropagation(2e-2), tr.EquilibriumPropagation(1e-2, order=4)):
        other = tr.Trainer(start()[0].net, rule, optimizer=tr.Adam(0.02), seed=5)
        with pytest.raises(
            rs.UsageError, match=r"rule EquilibriumPropagation\(beta=0.01, .*not Equi"
        ):
            other.fit(X, Y, 4, batch_size=7, checkpoint=path, resume=True)
    same = tr.Trainer(
        start()[0].net, tr.EquilibriumPropagation(1e-2), optimizer=tr.Adam(0.02), seed=5
    )
    assert len(same.fit(X, Y, 4, batch_size=7, checkpoint=path, resume=True)) == 4


def test_a_run_is_not_resumed_with_other_data(tmp_path):
    trainer, X, Y = start()
    path = tmp_path / "run.npz"
    held_back = X[:5], Y[:5]
    trainer.fit(X, Y, 2, batch_size=7, validation=held_back, checkpoint=path)

    def go_on(*data, validation=held_back):
        other = start()[0]
        return other.fit(
            *data, 3, batch_size=7, validation=validation, checkpoint=path, resume=True
        )

    for data, validation, told in (
        ((X[::-1], Y), held_back, "a run with other data; "),
        ((X, 2 * Y), held_back, "a run with other data; "),
        ((X, Y), (X[:5], -Y[:5]), "a run with other validation data; "),
        ((X, Y), None, "a run with other validation data; "),
    ):
        with pytest.raises(rs.UsageError, match=f"{told}to train on with another, load it"):
            go_on(*data, validation=validation)
    # the same numbers are the same data, whatever holds them
    assert len(go_on(X.tolist(), np.asfortranarray(Y))) == 3


def test_a_run_that_is_saved_later_knows_the_data_that_it_had(tmp_path):
    """Arrays may be filled anew meanwhile."""
    path, (trainer, X, Y) = tmp_path / "run.npz", start()
    x, y = X.copy(), Y.copy()
    trainer.fit(x, y, 2, batch_size=7, validation=(x, y))
    x *= 2.0
    y *= 2.0
    trainer.save(path)

    def go_on(*data):
        return start()[0].fit(*data, 3, batch_size=7, validation=data, checkpoint=path, resume=True)

    with pytest.raises(rs.UsageError, match="a run with other data;"):
        go_on(x, y)
    assert len(go_on(X, Y)) == 3


def test_classes_are_not_voltages_of_the_same_numbers():
    inputs = np.array([[0.0], [1.0]])
    assert digest(inputs, np.array([0, 1])) == digest(inputs, np.array([0, 1], dtype=np.int8))
    assert digest(inputs, np.array([0, 1])) != digest(inputs, np.array([0.0, 1.0]))
    assert digest(inputs, np.array(["a", "b"])) != digest(inputs, np.array(["a", "c"]))
    assert digest(inputs.astype(int), inputs) == digest(inputs, inputs.astype(np.float32))


def test_going_on_is_the_same_as_not_stopping(tmp_path):
    whole, X, Y = start()
    whole.fit(X, Y, 10, batch_size=7)
    path = tmp_path / "run.npz"

    def interrupt(trainer, record):
        return record["epoch"] == 3

    first, X, Y = start()
    first.fit(X, Y, 10, batch_size=7, checkpoint=path, callbacks=[interrupt])
    second, X, Y = start()
    second.fit(X, Y, 10, batch_size=7, checkpoint=path, resume=True)
    assert len(second.history) == 10
    assert state(second) == state(whole)
    # a finished run has nothing left to do
    third, X, Y = start()
    third.fit(X, Y, 10, batch_size=7, checkpoint=path, resume=True)
    assert state(third) == state(whole)


def kill_and_resume(tmp_path: Path, kills: int, epochs: int, seconds: float) -> None:
    """Run in a process that is killed again and again; compare with an undisturbed run."""
    whole, X, Y = start()
    whole.fit(X, Y, epochs, batch_size=7)
    path, metrics = tmp_path / "run.npz", tmp_path / "metrics.jsonl"
    script = SCRIPT.format(tests=sys.path, epochs=epochs, path=str(path), metrics=str(metrics))
    dice = random.Random(1)
    done = 0
    while done < kills:
        process = subprocess.Popen([sys.executable, "-c", script])
        size = metrics.stat().st_size if metrics.exists() else -1
        while process.poll() is None and (
            not metrics.exists() or metrics.stat().st_size in (size, 0)
        ):
            time.sleep(0.005)
        time.sleep(dice.uniform(0, seconds))
        if process.poll() is None:
            process.kill()
            done += 1
        process.wait()
        if process.returncode == 0:
            path.unlink()
            metrics.unlink()
    subprocess.run([sys.executable, "-c", script], check=True)
    resumed, X, Y = start()
    resumed.load(path)
    assert state(resumed) == state(whole)
    lines = [json.loads(line) for line in metrics.read_text().splitlines()]
    assert [{k: v for k, v in line.items() if k != "seconds"} for line in lines] == whole.history
    assert not [f for f in tmp_path.iterdir() if f not in (path, metrics) and ".tmp" not in f.name]


@pytest.mark.slow
def test_a_killed_run_goes_on_with_the_same_bits(tmp_path):
    kill_and_resume(tmp_path, kills=2, epochs=100, seconds=0.2)


@pytest.mark.long
def test_a_hundred_kills_change_nothing(tmp_path):
    kill_and_resume(tmp_path, kills=100, epochs=400, seconds=1.0)


def test_checkpoints_of_something_else_are_refused(tmp_path):
    trainer, _, _ = start()
    path = tmp_path / "run.npz"
    trainer.save(path)
    other = tr.Trainer(xor_with_a_pair(0)[0])
    with pytest.raises(rs.UsageError, match="other parameters"):
        other.load(path)
    path.write_bytes(path.read_bytes()[:100])
    for text in (None, b"no pickle", b""):
        path.write_bytes(path.read_bytes() if text is None else text)
        with pytest.raises(rs.UsageError, match=r"is not a checkpoint, or not a whole one$"):
            trainer.load(path)


def test_metrics_can_be_read_while_the_run_lasts(tmp_path):
    path = tmp_path / "metrics.jsonl"
    trainer, X, Y = start()
    seen = []

    def look(trainer, record):
        seen.append([json.loads(line) for line in path.read_text().splitlines()])

    trainer.fit(X, Y, 3, validation=(X, Y), metrics=path, callbacks=[look])
    assert [len(lines) for lines in seen] == [1, 2, 3]
    assert set(seen[-1][-1]) == {
        "epoch", "cost", "knees", "validation_cost", "validation_score", "seconds",
    }  # fmt: skip


def test_samples_without_operating_point_keep_their_number_in_any_batch():
    text = "t\nv1 a 0 1\nv2 b 0 1\nd1 a b ideal\nr1 a o 1\nr2 o b 1\n.model ideal d(ron=0)\n"
    net = tr.Network(rs.parse_netlist(text), ["v1", "v2"], ["o"], "r*")
    X = np.tile([0.0, 1.0], (9, 1))
    Y = np.zeros((9, 1))
    trainer = tr.Trainer(net)
    trainer.fit(X, Y, 1, batch_size=2, validation=(X, Y))
    impossible = X.copy()
    impossible[7] = [1.0, 0.0]
    for seed in range(3):  # of the order of samples
        with pytest.raises(rs.TopologyError, match=r"^sample 7: .*d1") as caught:
            tr.Trainer(net, seed=seed).fit(impossible, Y, 1, batch_size=2)
        assert caught.value.sample == 7
    with pytest.raises(rs.TopologyError, match=r"^validation sample 7: "):
        tr.Trainer(net).fit(X, Y, 1, validation=(impossible, Y))


def test_stopping_early_brings_the_best_parameters_back():
    trainer, X, Y = start()
    trainer.optimizer = tr.SGD(200.0)  # far too fast: the cost goes up again
    trainer.optimizer.prepare(trainer.net.parameter_names)
    best = tr.EarlyStopping(patience=5, metric="validation_cost")
    history = trainer.fit(X, Y, 200, batch_size=7, validation=(X, Y), early_stopping=best)
    assert len(history) < 200
    lowest = min(record["validation_cost"] for record in history)
    found = float(trainer.cost.value(trainer.predict(X), Y).mean())
    assert found == pytest.approx(lowest, rel=1e-12)
    with pytest.raises(rs.UsageError, match="no metric 'nonsense'"):
        trainer.fit(X, Y, 1, early_stopping=tr.EarlyStopping(metric="nonsense"))


def test_scores_of_classes_and_of_voltages():
    net, X, _ = xor_with_a_pair(0)
    trainer = tr.Trainer(net)
    outputs = trainer.predict(X)
    assert trainer.score(X, (outputs[:, 0] > 0).astype(int)) == 1.0
    assert trainer.score(X, outputs) == 1.0
    assert trainer.classify(X).shape == (4,)
