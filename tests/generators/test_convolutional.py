"""Convolutional networks: currents by convolutions, shared parameters, training."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import correlate2d
from training_tasks import bars

import resnet_sim as rs
from resnet_sim import training as tr
from resnet_sim.generators import convolutional


def image(op, letter: str, channels: int, rows: int, columns: int) -> np.ndarray:
    """Voltages of nodes of one kind, shape (channels, rows, columns)."""
    places = np.ndindex(channels, rows, columns)
    volts = [op[f"{letter}{c}_{y}_{x}"] for c, y, x in places]
    return np.reshape(volts, (channels, rows, columns))


@pytest.mark.parametrize(
    ("stride", "padding", "pool"), [(1, 0, 1), (1, 1, 2), (2, 1, 1), (2, 2, 2)]
)
def test_currents_into_units_are_those_of_convolutions(stride, padding, pool):
    circuit = convolutional(
        (2, 7, 6), [3], 2, kernel=3, stride=stride, padding=padding, pool=pool, average=0.4, seed=5
    ).with_parameters({"b1_1": 0.3})
    op = rs.solve(circuit)
    p = circuit.parameters
    before = np.concatenate([image(op, "xp", 2, 7, 6), image(op, "xn", 2, 7, 6)])
    rows, columns = ((n + 2 * padding - 3) // stride + 1 for n in (7, 6))
    units = image(op, "h1_", 3, rows, columns)
    wide = ((padding, padding), (padding, padding))
    seen, there = ([np.pad(x, wide) for x in some] for some in (before, np.ones_like(before)))
    conducting = 0
    for c in range(3):
        kernels = np.array(
            [[[p[f"k1_{c}_{b}_{y}_{x}"] for x in range(3)] for y in range(3)] for b in range(4)]
        )
        flow, load = (
            sum(
                correlate2d(x, k, "valid")[::stride, ::stride]
                for x, k in zip(xs, kernels, strict=True)
            )
            for xs in (seen, there)
        )
        into = flow - load * units[c] + (0.3 if c == 1 else 0.0)
        # what is behind: averages, or the outputs themselves
        if pool > 1:
            means = image(op, "m1_", 3, rows // pool, columns // pool)[c]
            full = np.kron(means, np.ones((pool, pool)))
            part = np.s_[: full.shape[0], : full.shape[1]]
            into[part] -= 0.4 * (units[c][part] - full)
        else:
            at = np.arange(rows * columns).reshape(rows, columns) + c * rows * columns
            for j in range(2):
                g = 1 / np.array([[_ohms(circuit, f"rw_{k}_{j}") for k in row] for row in at])
                into -= g * (units[c] - op[f"o{j}"])
        diode = np.array(
            [[op.current(f"d1_{c}_{y}_{x}") for x in range(columns)] for y in range(rows)]
        )
        into += diode if c < 2 else -diode
        assert np.abs(into).max() < 1e-12
        assert (units[c] >= -1e-12).all() if c < 2 else (units[c] <= 1e-12).all()
        conducting += int((diode > 0).sum())
    assert conducting


def _ohms(circuit: rs.Circuit, name: str) -> float:
    return float(circuit.resistors.ohms[circuit.element(name)])


def test_parameters_are_those_of_any_deck():
    circuit = convolutional((5, 5), [2, 2], 1, kernel=[3, 2], seed=1)
    assert [n for n in circuit.parameters if n[0] == "b"] == ["b1_0", "b1_1", "b2_0", "b2_1"]
    moved = circuit.with_parameters({"k1_0_1_2_2": 0.7}).with_parameters({"b2_1": 0.1})
    assert moved.parameters["k1_0_1_2_2"] == 0.7 and moved.overrides["b2_1"] == 0.1
    changed = moved.resistors.ohms != circuit.resistors.ohms
    assert changed.sum() == 9 and (moved.resistors.ohms[changed] == 1 / 0.7).all()
    assert (moved.current_sources.amps != 0).sum() == 4
    with pytest.raises(rs.UsageError, match="no parameter 'k9'"):
        circuit.with_parameters({"k9": 1.0})
    for shape, options in (((4, 4), {"kernel": 5}), ((4,), {}), ((4, 4), {"kernel": [3, 3]})):
        with pytest.raises(rs.UsageError):
            convolutional(shape, [2], 1, **options)


def test_kernels_learn_where_a_bar_is():
    images, label = bars(1.0)
    X = images.reshape(40, 36) * 4
    circuit = convolutional((6, 6), [4], 2, kernel=3, output_pairs=True, seed=2)
    names = [f"v{s}{k}" for s in "pn" for k in range(36)]
    net = tr.Network(circuit, names, [("op0", "on0"), ("op1", "on1")], "rw*",
                     parameters={"k*": (1e-4, 10), "b*": (-1, 1)})  # fmt: skip
    assert net.batched and len(net.parameters) == 4 * 2 * 9 + 4
    X = np.hstack((X, -X))
    Y = np.where(label[:, None] == [0, 1], 0.3, -0.3)
    exact = tr.gradients(net, X[:4], Y[:4], tr.Adjoint()).vector
    own = tr.gradients(net, X[:4], Y[:4], tr.EquilibriumPropagation(1e-5)).vector
    assert np.abs(own - exact).max() < 1e-6 * np.abs(exact).max()
    trainer = tr.Trainer(net, optimizer=tr.Adam(0.01))
    trainer.fit(X, Y, epochs=25, batch_size=10)
    assert (net.forward(X).argmax(axis=1) == label).mean() > 0.9
    kernels = [name for name in net.parameters if name.startswith("k")]
    assert any(net.parameters[n] != circuit.parameters[n] for n in kernels)
