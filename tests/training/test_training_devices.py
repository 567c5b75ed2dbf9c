"""Imperfect devices do what they say, leave ideal ones alone, and don't stop learning."""

from __future__ import annotations

import numpy as np
import pytest
from training_tasks import CORNERS, XOR, learns_signs, xor_with_a_pair

import resnet_sim as rs
from resnet_sim import generators
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
        (tr.Devices(stuck=0.5, seed=-1), "the seed must be a whole number"),
    ):
        with pytest.raises(rs.UsageError, match=message):
            tr.Network(circuit, ["va"], ["o1"], "r*", devices=devices)


# ---- wires ----


def bar(wire: float, devices: tr.Devices | None) -> tr.Network:
    """A crossbar with loads, and a diode between two columns."""
    circuit = generators.crossbar(3, 4, load=50.0, wire=wire, seed=2)
    columns = [f"col2_{j}" if wire else f"col{j}" for j in range(4)]
    tail = f"d1 {columns[0]} {columns[1]} ideal\n.model ideal d(ron=0)\n"
    text = rs.format_netlist(circuit).replace(".end", tail + ".end")
    return tr.Network(
        rs.parse_netlist(text), ["v0", "v1", "v2"], columns, "rw*", g_max=1.0, devices=devices
    )


def test_wires_are_those_of_an_explicit_crossbar():
    explicit, wired = bar(20.0, None), bar(0.0, tr.Devices(wire=20.0))
    assert len(wired.circuit.resistors) == len(explicit.circuit.resistors)
    assert wired.trainable == explicit.trainable
    X = np.random.default_rng(0).normal(size=(5, 3))
    assert np.allclose(wired.forward(X), explicit.forward(X), rtol=1e-12)
    assert not np.allclose(wired.forward(X), bar(0.0, None).forward(X), rtol=1e-2)
    Y, rule = np.ones((5, 4)), tr.EquilibriumPropagation(1e-6)
    exact = tr.gradient(explicit, X, Y, tr.Adjoint())
    assert np.allclose(tr.gradient(wired, X, Y, tr.Adjoint()), exact, rtol=1e-9)
    assert np.allclose(tr.gradient(wired, X, Y, rule), exact, rtol=1e-4)


def test_wires_of_a_layered_network_belong_to_its_layers():
    circuit = generators.layered([2, 3, 1], output_pairs=True, seed=1, g_min=1e-3)
    net = tr.Network(circuit, ["vp0", "vp1", "vn0", "vn1"], [("op0", "on0")], "rw*",
                     devices=tr.Devices(wire=1e-3))  # fmt: skip
    ideal = tr.Network(circuit, net.inputs, [("op0", "on0")], "rw*")
    X = np.random.default_rng(0).normal(size=(4, 4))
    assert np.allclose(net.forward(X), ideal.forward(X), rtol=0.02)
    # layer 1 is 4 x 3, layer 2 is 3 x 2: pieces along rows, then along columns
    pieces = 4 * 2 + 3 * 3 + 3 * 1 + 2 * 2
    assert len(net.circuit.resistors) == len(circuit.resistors) + pieces
    assert len(net.circuit.nodes) == len(circuit.nodes) + pieces
    assert set(net.trainable) == set(ideal.trainable)
    read = rs.parse_netlist(rs.format_netlist(net.circuit))
    assert len(read.resistors) == len(net.circuit.resistors)


def test_controls_by_current_survive_wires():
    text = "t\nv1 a 0 1\nr1 a b 1\nr2 a c 1\nr3 b 0 1\nr4 c 0 1\nf1 0 d v1 2\nr5 d 0 1\n"
    net = tr.Network(rs.parse_netlist(text), ["v1"], ["d"], ["r1", "r2"],
                     devices=tr.Devices(wire=1.0))  # fmt: skip
    # a feeds 2 ohm directly, and 2 ohm behind a piece of wire of 1 ohm
    assert net.forward([[1.0]])[0, 0] == pytest.approx(-2.0 * (1 / 2 + 1 / 3))


def test_a_potentiometer_has_equal_steps_in_ohms():
    devices, rng = tr.Devices(part="AD5206-10k"), np.random.default_rng(0)
    g = 10.0 ** rng.uniform(-5, -1, 500)
    settled = devices.settle(g, 1e-6, 1.0)
    position = (1 / settled - 45.0) / (10e3 / 256)
    assert np.allclose(position, position.round(), atol=1e-6)
    assert position.min() > -0.5 and position.max() < 255.5
    # by enumeration: no position is nearer
    levels = 1 / (45.0 + np.arange(256) * 10e3 / 256)
    assert np.allclose(np.abs(levels[:, None] - g).min(axis=0), np.abs(settled - g), atol=1e-15)
    wanted = np.full(20000, 0.5 * (levels[7] + levels[8]))
    written = devices.write(wanted, wanted + 1e-5, 1e-6, 1.0, rng)
    assert set(written) == {levels[7], levels[8]}
    assert written.mean() == pytest.approx(wanted[0] + 1e-5, rel=2e-3)
    for wrong in (tr.Devices(part="ad9999"), tr.Devices(part="ad5206-10k", levels=4)):
        with pytest.raises(rs.UsageError):
            network(0, wrong)
    with pytest.raises(rs.UsageError, match="of which nothing is between"):  # siemens
        tr.Network("d\nv1 a 0 1\nr1 a b 1\nr2 b 0 1", ["v1"], ["b"], g_min=0.5, devices=devices)


def test_a_network_of_potentiometers_learns_on_its_steps():
    net = tr.Network("d\nv1 a 0 1\nr1 a b 1k\nr2 b 0 3k", ["v1"], ["b"],
                     devices=tr.Devices(part="ad5206-10k"))  # fmt: skip
    start = net.conductances
    assert not np.array_equal(start, [1e-3, 1 / 3e3])
    trainer = tr.Trainer(net, optimizer=tr.Adam(1e-5))
    trainer.fit([[1.0]], [[0.4]], epochs=60)
    assert net.forward([[1.0]])[0, 0] == pytest.approx(0.4, abs=0.03)
    position = (1 / net.conductances - 45.0) / (10e3 / 256)
    assert np.allclose(position, position.round(), atol=1e-6)


def test_conductances_as_they_are_built():
    g = np.full((200, 100), 1e-4)
    same = generators.as_built(g)
    assert np.array_equal(same, g) and same is not g
    spread = np.log(generators.as_built(g, spread=0.2, seed=1) / g)
    assert spread.std() == pytest.approx(0.2, rel=0.02) and abs(spread.mean()) < 0.01
    stuck = generators.as_built(g, stuck_on=0.1, stuck_off=0.05, on=1e-3, seed=2)
    assert (stuck == 1e-3).mean() == pytest.approx(0.1, abs=0.01)
    assert (stuck == 0.0).mean() == pytest.approx(0.05, abs=0.01)
    assert generators.as_built(g, drift=0.05, seconds=1e4)[0, 0] == pytest.approx(1e-4 * 1e4**-0.05)
    v = np.linspace(0, 1, 200)
    currents = rs.crossbar_currents(v, 1 / generators.as_built(g, "mcp4151-100k"))
    assert currents == pytest.approx(v @ generators.as_built(g, "mcp4151-100k"), rel=1e-9)
    for wrong in ({"stuck_on": 0.6, "stuck_off": 0.6}, {"spread": -1.0}, {"seconds": 0.0}):
        with pytest.raises(rs.UsageError):
            generators.as_built(g, **wrong)


def test_memristors_are_learned_around_by_every_rule():
    deck = """memristors
vin in 0 1
r1 in a 1
r2 a b 2
r3 b 0 3
r4 in b 5
b1 a 0 i=.1*sinh(3*v(a))
b2 a b i=.2*tanh(2*v(a,b))+.01*v(a,b)
b3 b 0 i=pwl(v(b),-1,-1,0,0,.5,.1,2,5)
"""
    net = tr.Network(rs.parse_netlist(deck), ["vin"], ["b"])
    X = np.array([[-2.0], [-0.6], [0.4], [1.7]])
    Y = 0.3 * np.abs(X)
    assert not net.one_way
    assert tr.gradcheck(net, X, Y).worst() <= 1e-6
    exact = tr.gradients(net, X, Y, tr.Adjoint()).vector
    rule = tr.EquilibriumPropagation(beta=1e-4, variant="centered")
    np.testing.assert_allclose(tr.gradients(net, X, Y, rule).vector, exact, rtol=1e-5)
