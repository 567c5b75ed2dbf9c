"""Hopfield networks as circuits whose weights are parameters."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from slopes import slopes
from training_tasks import bars

import resnet_sim as rs
from resnet_sim import training as tr
from resnet_sim.generators import convolutional, convolutional_hopfield, hopfield
from resnet_sim.training.shared import learn

DENSE = hopfield([4, 6, 5, 3], spread=1.5, bias=0.4, parameters=True, seed=2)
IMAGES = convolutional_hopfield(
    (2, 6, 5), [3, 2], 2, kernel=[3, 2], stride=[1, 2], padding=[1, 0], bias=0.3, seed=4
)


def around(circuit: rs.Circuit) -> dict[str, float]:
    """Sum of the conductances at each node, S."""
    r = circuit.resistors
    total = np.zeros(len(circuit.nodes))
    for end in (r.p, r.q):
        np.add.at(total, end, 1.0 / r.ohms)
    return dict(zip(circuit.nodes, total.tolist(), strict=True))


@pytest.mark.parametrize("circuit", [DENSE, IMAGES], ids=["dense", "images"])
def test_units_are_held_by_one_siemens_whatever_the_weights_are(circuit):
    rng = np.random.default_rng(0)
    some = [name for name in circuit.parameters if name[0] in "kw"][::3]
    moved = circuit.with_parameters({name: float(rng.normal()) for name in some})
    for variant in (circuit, moved):
        units = {n: g for n, g in around(variant).items() if n[0] in "ho" and n != "one"}
        assert len(units) > 10
        assert list(units.values()) == pytest.approx(np.ones(len(units)), abs=1e-12)
    assert (moved.resistors.ohms != circuit.resistors.ohms).sum() > len(some)


def test_kernels_see_what_convolutions_see():
    # the taps of `convolutional`, whose currents are those of convolutions by another program
    other = convolutional(
        (2, 6, 5), [3, 2], 2, kernel=[3, 2], stride=[1, 2], padding=[1, 0], input_pairs=False
    )
    step = {"k1_1_0_2_1": 2.0, "k2_0_1_0_1": 3.0}
    for circuit in (IMAGES, other):
        moved = circuit.with_parameters({n: circuit.parameters[n] + d for n, d in step.items()})
        r, s = circuit.resistors, moved.resistors
        rows = np.flatnonzero((r.ohms != s.ohms) & (r.q != 0))
        found = {
            (circuit.nodes[r.p[k]], circuit.nodes[r.q[k]]): round(1 / s.ohms[k] - 1 / r.ohms[k], 9)
            for k in rows.tolist()
        }
        if circuit is IMAGES:
            first = found
    assert found == first and set(found.values()) == {2.0, 3.0}


def test_an_earlier_circuit_is_the_same_without_parameters():
    plain = hopfield([4, 6, 5, 3], spread=1.5, bias=0.4, seed=2)
    assert plain.rebuild is None and plain.element_names == DENSE.element_names
    assert plain.resistors.ohms == pytest.approx(DENSE.resistors.ohms, rel=1e-15)
    assert hopfield(np.array([4, 6, 3])).element_names == hopfield([4, 6, 3]).element_names
    linear = hopfield([4, 6, 3], linear_outputs=True)
    assert {name[2] for name in linear.diodes.names} == {"1"}
    with pytest.raises(rs.UsageError, match="not finite"):
        DENSE.with_parameters({"w1_0_0": np.nan})
    for wrong in ({"channels": []}, {"channels": [2], "kernel": 9}, {"channels": [2], "spread": 0}):
        with pytest.raises(rs.UsageError):
            convolutional_hopfield((4, 4), wrong.pop("channels"), 2, **wrong)


@pytest.mark.parametrize(
    "circuit", [hopfield([2, 3, 2], parameters=True, seed=1), convolutional((5, 5), [2], 2)],
    ids=["hopfield", "convolutional"],
)  # fmt: skip
def test_what_is_known_of_parameters_is_what_decks_show(circuit):
    known = learn(circuit, ["*"])
    # hidden, it has to be found from circuits with other parameters
    hidden = dataclasses.replace(circuit, rebuild=lambda v, draw=None: circuit.rebuild(v, draw))
    probed = learn(hidden, ["*"])
    theta = known.start + np.random.default_rng(0).normal(0, 0.1, len(known.start))
    assert known.names == probed.names
    circuits = [shared.applied(circuit, theta) for shared in (known, probed)]
    assert circuits[0].resistors.ohms == pytest.approx(circuits[1].resistors.ohms, rel=1e-9)
    assert circuits[0].current_sources.amps == pytest.approx(circuits[1].current_sources.amps)
    again = learn(circuits[0], ["*"])
    assert again.start == pytest.approx(theta) and again.names == known.names
    # of some, the others stay
    some = learn(circuits[0], ["b*"])
    assert {part.table for part in some.parts} == {"current_sources"}


LINEAR = hopfield([4, 6, 5, 3], bias=0.4, parameters=True, linear_outputs=True, seed=2)


@pytest.mark.parametrize("circuit", [LINEAR, IMAGES], ids=["dense", "images"])
def test_gradients_by_weights_are_those_of_finite_differences(circuit):
    inputs = [n for n in circuit.voltage_sources.names if n != "vone"]
    outputs = [n for n in circuit.nodes if n[0] == "o" and n != "one"]
    wanted = [glob for glob in ("k*", "w*", "b*") if glob[0] in {n[0] for n in circuit.parameters}]
    net = tr.Network(circuit, inputs, outputs, parameters=wanted)
    assert net.layers is not None
    rng = np.random.default_rng(3)
    u, y = rng.uniform(0, 1, (5, len(inputs))), rng.uniform(0, 1, (5, len(outputs)))
    for row, x in enumerate(u[:2].tolist()):
        op = rs.solve(circuit.with_values(dict(zip(inputs, x, strict=True))))
        assert op.certificate.stable is True
        assert net.free(u).voltages[row] == pytest.approx(op.node_voltages, abs=1e-12)
    exact = tr.gradients(net, u, y, tr.Adjoint())
    near = tr.gradients(net, u, y, tr.EquilibriumPropagation(1e-4))
    assert np.abs(near.vector - exact.vector).max() < 1e-5 * np.abs(exact.vector).max()
    some, differ = rng.choice(len(net.biases), 30, replace=False), 0
    for k, slope in zip(some, slopes(net, u, y, some, "biases"), strict=True):
        assert exact.biases[k] == pytest.approx(slope, abs=1e-7)
        differ += abs(slope) > 1e-4
    assert differ > 5


def test_a_convolution_learns_where_a_bar_is():
    images, label = bars(0.8)
    circuit = convolutional_hopfield((6, 6), [4], 2, kernel=3, stride=1, seed=2)
    net = tr.Network(circuit, [f"v{k}" for k in range(36)], ["o0", "o1"],
                     parameters=["k*", "w*", "b*"])  # fmt: skip
    trainer = tr.Trainer(net, tr.EquilibriumPropagation(0.2), tr.SquaredError(np.eye(2)),
                         tr.Adam(0.02))  # fmt: skip
    trainer.fit(images.reshape(40, 36), label, epochs=15, batch_size=10)
    assert trainer.score(images.reshape(40, 36), label) > 0.9
