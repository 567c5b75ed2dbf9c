"""Training in shards: the same bits on every executor, whoever is killed meanwhile."""

import os
import pickle
import signal
import threading

import numpy as np
import pytest
from training_circuits import random_network

import resnet_sim as rs
from resnet_sim import training as tr
from resnet_sim.errors import NetlistError, TopologyError, UsageError

#: of the circuit of `random_network`
SEED = 3


def task():
    net, _, _ = random_network(SEED)
    rng = np.random.default_rng(1)
    X = rng.normal(size=(30, len(net.inputs)))
    return net, X, 0.3 * rng.normal(size=(30, 2))


def trained(epochs=3, devices=None, **options):
    net, X, Y = task()
    optimizer = tr.Adam(0.01)
    trainer = tr.Trainer(net, tr.EquilibriumPropagation(1e-2), optimizer=optimizer, seed=5)
    trainer.fit(X, Y, epochs, batch_size=11, **options)
    return trainer


def bits(trainer):
    return trainer.net.conductances.tobytes() + trainer.net.biases.tobytes()


@pytest.fixture(scope="module")
def serial():
    return trained(executor="serial", shards=3)


@pytest.mark.parametrize("executor", ["threads:2", "threads:3", "processes:2"])
def test_the_same_bits_on_every_executor(serial, executor):
    found = trained(executor=executor, shards=3)
    assert bits(found) == bits(serial) and found.history == serial.history


def test_shards_change_nothing_but_the_last_digits(serial):
    whole = trained()
    np.testing.assert_allclose(serial.net.conductances, whole.net.conductances, rtol=1e-9)
    assert bits(trained(executor="serial", shards=1)) == bits(whole)
    assert serial.history[-1]["cost"] == pytest.approx(whole.history[-1]["cost"], rel=1e-9)


def test_noise_does_not_depend_on_who_computes():
    def noisy(executor):
        net, X, Y = task()
        devices = tr.Devices(read_noise=1e-3, seed=4)
        net = tr.Network(net.circuit, net.inputs, ["n4"], "r*", devices=devices)
        trainer = tr.Trainer(net, tr.EquilibriumPropagation(1e-2))
        trainer.fit(X, Y[:, :1], 2, batch_size=10, executor=executor, shards=2)
        return bits(trainer)

    assert noisy("serial") == noisy("threads:2")


def test_errors_come_through():
    net, X, Y = task()
    X[17] = np.nan
    trainer = tr.Trainer(net)
    with pytest.raises(UsageError, match="an input is not finite"):
        trainer.fit(X, Y, 1, executor="threads:2", shards=4, shuffle=False)
    with pytest.raises(UsageError, match="shards must be a whole number from 1 on"):
        trainer.fit(X, Y, 1, executor="serial", shards=0)
    with pytest.raises(UsageError, match="shards are for an executor"):
        trainer.fit(X, Y, 1, shards=2)


def test_errors_survive_pickling():
    b = rs.CircuitBuilder()
    b.voltage_source("v1", "a", "0", 1.0)
    b.diode("d1", "a", "0")
    with pytest.raises(TopologyError) as caught:
        rs.solve(b.build())
    error = caught.value
    error.sample = 4
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error) and copy.elements == error.elements and copy.sample == 4
    with pytest.raises(NetlistError) as caught:
        rs.parse_netlist("a\nr1 a\n")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert str(copy) == str(caught.value) and copy.line == 2


@pytest.mark.slow
def test_dask_gives_the_same_bits_though_a_worker_is_killed(serial, cluster):
    executor = f"dask:{cluster.scheduler_address}"
    pid = next(worker.pid for worker in cluster.workers.values())
    killed = []

    def kill(trainer, record):
        if record["epoch"] == 0:
            # in the middle of the next epoch, as far as a timer can tell
            threading.Timer(0.02, os.kill, (pid, signal.SIGKILL)).start()
            killed.append(pid)

    found = trained(executor=executor, shards=3, callbacks=[kill])
    assert killed and bits(found) == bits(serial) and found.history == serial.history
