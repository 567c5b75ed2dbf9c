"""Convolutional networks: currents by convolutions, shared parameters, training."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import correlate2d
from training_tasks import bars

import resnet_sim as rs
from resnet_sim import training as tr
from resnet_sim.generators import convolutional, convolutional_hopfield


def image(op, letter: str, channels: int, rows: int, columns: int) -> np.ndarray:
    """Voltages of nodes of one kind, shape (channels, rows, columns)."""
    places = np.ndindex(channels, rows, columns)
    volts = [op[f"{letter}{c}_{y}_{x}"] for c, y, x in places]
    return np.reshape(volts, (channels, rows, columns))


def pair(value) -> tuple[int, int]:
    """Rows and columns of what may be one number for both."""
    return (value, value) if isinstance(value, int) else value


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "pool"),
    [(3, 1, 0, 1), (3, 1, 1, 2), (3, 2, 1, 1), (3, 2, 2, 2), ((2, 3), 1, (1, 0), (1, 2)),
     ((1, 4), (2, 1), (0, 2), 1)],
)  # fmt: skip
def test_currents_into_units_are_those_of_convolutions(kernel, stride, padding, pool):
    circuit = convolutional(
        (2, 7, 6), [3], 2, kernel=[kernel], stride=[stride], padding=[padding], pool=[pool],
        average=0.4, seed=5,
    ).with_parameters({"b1_1": 0.3})  # fmt: skip
    kernel, stride, padding, pool = map(pair, (kernel, stride, padding, pool))
    op = rs.solve(circuit)
    p = circuit.parameters
    before = np.concatenate([image(op, "xp", 2, 7, 6), image(op, "xn", 2, 7, 6)])
    rows, columns = (
        (n + 2 * edge - side) // step + 1
        for n, edge, side, step in zip((7, 6), padding, kernel, stride, strict=True)
    )
    units = image(op, "h1_", 3, rows, columns)
    wide = tuple((edge, edge) for edge in padding)
    seen, there = ([np.pad(x, wide) for x in some] for some in (before, np.ones_like(before)))
    conducting = 0
    for c in range(3):
        kernels = np.array(
            [
                [[p[f"k1_{c}_{b}_{y}_{x}"] for x in range(kernel[1])] for y in range(kernel[0])]
                for b in range(4)
            ]
        )
        flow, load = (
            sum(
                correlate2d(x, k, "valid")[:: stride[0], :: stride[1]]
                for x, k in zip(xs, kernels, strict=True)
            )
            for xs in (seen, there)
        )
        into = flow - load * units[c] + (0.3 if c == 1 else 0.0)
        # what is behind: averages, or the outputs themselves
        if pool != (1, 1):
            means = image(op, "m1_", 3, rows // pool[0], columns // pool[1])[c]
            full = np.kron(means, np.ones(pool))
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


@pytest.mark.parametrize("make", [convolutional, convolutional_hopfield])
@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((4, 4), {"kernel": 5}, "layer 1 has 0 x 0 units: too few for its kernel"),
        ((4, 6), {"kernel": [(5, 2)]}, "layer 1 has 0 x 5 units"),
        (4, {}, "images of 4, .* make no network: images are .rows, columns. or"),
        ((4, 0), {}, "images of .4, 0., "),
        ((4,), {}, r"images of \(4,\)"),
        ((4, 4), {"kernel": [3, 3]}, r"kernel=\[3, 3\] for 1 layers: .* a pair in that list"),
        ((4, 4), {"kernel": 0}, "kernel=0: rows and columns are whole numbers from 1 on"),
        ((4, 4), {"stride": 0}, "stride=0: rows and columns are whole numbers from 1 on"),
        ((4, 4), {"stride": [1.5]}, "stride=.1.5.: "),
        ((4, 4), {"padding": -1}, "padding=-1: rows and columns are whole numbers from 0 on"),
    ],
)
def test_what_is_no_network_is_refused(make, shape, options, message):
    with pytest.raises(rs.UsageError, match=message):
        make(shape, [2], 1, **{"stride": 1} | options)


@pytest.mark.parametrize("make", [convolutional, convolutional_hopfield])
def test_numbers_that_are_none_are_refused_and_one_layer_needs_no_list(make):
    for channels, outputs in (([2.5], 1), ([], 1), ([2], 1.5), ([2], "o"), ([2], 0)):
        with pytest.raises(rs.UsageError, match="make no network"):
            make((4, 4), channels, outputs, stride=1)
    one, listed = make((4, 4), 2, 1, stride=1), make((4, 4), [2], 1, stride=1)
    assert one.element_names == listed.element_names
    assert make(np.array([4, 4]), 2, 1, stride=1).element_names == one.element_names


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


@pytest.mark.parametrize(
    "circuit",
    [
        convolutional((5, 4), [2], 2, kernel=[(3, 2)], pool=[(1, 3)], seed=1),
        convolutional_hopfield((4, 4), [2], 2, kernel=2, stride=1, seed=1),  # shunts follow sums
    ],
    ids=["resistive", "hopfield"],
)
def test_decks_of_generated_circuits_know_their_parameters(circuit):
    text = rs.format_netlist(circuit)
    again = rs.parse_netlist(text)
    assert dict(again.parameters) == dict(circuit.parameters)
    assert np.array_equal(again.resistors.ohms, circuit.resistors.ohms)
    name = next(iter(circuit.parameters))
    moved, by_deck = (one.with_parameters({name: 0.3}) for one in (circuit, again))
    assert np.allclose(by_deck.resistors.ohms, moved.resistors.ohms, rtol=1e-14, atol=0)
    # what has another value than its parameter gives it is written as that value
    tap = circuit.resistors.names[0]
    other = rs.parse_netlist(rs.format_netlist(circuit.with_values({tap: 3.5})))
    assert (other.resistors.ohms != circuit.resistors.ohms).tolist()[:2] == [True, False]
    assert other.resistors.ohms[0] == 3.5
    assert "{" not in rs.format_netlist(circuit, "ngspice")
