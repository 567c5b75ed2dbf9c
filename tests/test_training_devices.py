"""Imperfect devices do what they say, leave ideal ones alone, and don't stop learning."""

from __future__ import annotations

import numpy as np
import pytest
from training_tasks import CORNERS, XOR, learns_signs, xor_with_a_pair

import resnet_sim as rs
from resnet_sim import training as tr


def network(seed: int, devices: tr.Devices | None) -> tr.Network:
    circuit = xor_with_a_pair(seed)[0].circuit
    return tr.Network(
        circuit, ["va", "vb"], [("o1", "o2")], "r*", g_min=1e-3, g_max=1.0, devices=devices
    )


def after(devices: tr.Devices | None, epochs: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Conductances before and after some steps."""
    net = network(0, devices)
    before = net.conductances
    tr.Trainer(net, optimizer=tr.Adam(0.03)).fit(CORNERS, 0.1 * XOR, epochs)
    return before, net.conductances


def test_ideal_devices_change_nothing():
    assert np.array_equal(after(None)[1], after(tr.Devices(seed=3))[1])


def test_levels_are_kept_and_right_on_average():
    _, g = after(tr.Devices(levels=17))
    steps = (g - 1e-3) / (0.999 / 16)
    assert np.allclose(steps, steps.round(), atol=1e-9)
    devices, rng = tr.Devices(levels=11), np.random.default_rng(0)
    wanted = np.full(20000, 0.33)
    written = devices.write(np.zeros(20000), wanted, 0.0, 1.0, rng)
    assert np.unique(written.round(12)).tolist() == [0.3, 0.4]
    assert written.mean() == pytest.approx(0.33, abs=2e-3)


def test_stuck_devices_never_change():
    devices = tr.Devices(stuck=0.3)
    before, g = after(devices)
    dead = devices.dead(len(g))
    assert 0 < dead.sum() < len(g)
    assert np.array_equal(before[dead], g[dead])
    assert (before[~dead] != g[~dead]).all()


def test_write_noise_is_relative_to_the_change():
    devices, rng = tr.Devices(write_noise=0.2), np.random.default_rng(0)
    g = np.full(20000, 0.5)
    change = devices.write(g, g + 0.1, 0.0, 1.0, rng) - g
    assert change.mean() == pytest.approx(0.1, rel=0.01)
    assert change.std() == pytest.approx(0.02, rel=0.05)


def test_nonlinear_writes_shrink_towards_the_bounds():
    devices, rng = tr.Devices(nonlinearity=1.0), np.random.default_rng(0)
    g = np.array([0.9, 0.9])
    assert np.allclose(devices.write(g, g + [0.1, -0.1], 0.0, 1.0, rng), [0.91, 0.81])


def test_mismatch_and_read_noise_disturb_gradients():
    X, Y = CORNERS, 0.1 * XOR
    exact = tr.gradient(network(0, None), X, Y, tr.Adjoint())
    rule = tr.EquilibriumPropagation(0.1)
    for devices in (tr.Devices(mismatch=1e-4), tr.Devices(read_noise=1e-5)):
        found = tr.gradient(network(0, devices), X, Y, rule)
        error = np.linalg.norm(found - exact) / np.linalg.norm(exact)
        ideal = np.linalg.norm(tr.gradient(network(0, None), X, Y, rule) - exact)
        assert ideal / np.linalg.norm(exact) != pytest.approx(error, rel=1e-6)
        assert error < 0.5


def test_xor_is_learned_with_everything_imperfect():
    devices = tr.Devices(
        levels=256, write_noise=0.3, nonlinearity=0.5, read_noise=1e-4, stuck=0.05, mismatch=1e-4
    )
    learned = 0
    for seed in range(5):
        trainer = tr.Trainer(
            network(seed, devices), tr.EquilibriumPropagation(0.1), optimizer=tr.Adam(0.03)
        )
        learned += learns_signs(trainer, CORNERS, 0.1 * XOR, 200)
    assert learned >= 4


def test_noisy_runs_are_repeatable_and_resumable(tmp_path):
    devices = tr.Devices(levels=64, write_noise=0.3, read_noise=1e-3)
    whole = after(devices, 6)[1]
    assert np.array_equal(whole, after(devices, 6)[1])
    path = tmp_path / "run.npz"
    for callbacks in ([lambda _, record: record["epoch"] == 2], []):
        net = network(0, devices)
        tr.Trainer(net, optimizer=tr.Adam(0.03)).fit(
            CORNERS, 0.1 * XOR, 6, checkpoint=path, resume=True, callbacks=callbacks
        )
    assert np.array_equal(net.conductances, whole)


def test_senseless_devices_are_refused():
    circuit = xor_with_a_pair(0)[0].circuit
    for devices, message in (
        (tr.Devices(levels=1), "at least two"),
        (tr.Devices(levels=8), "finite g_max"),
        (tr.Devices(write_noise=-1.0), "can't be negative"),
        (tr.Devices(stuck=1.5), "0 <= stuck <= 1"),
    ):
        with pytest.raises(rs.UsageError, match=message):
            tr.Network(circuit, ["va"], ["o1"], "r*", devices=devices)
