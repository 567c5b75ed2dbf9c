"""Amplifiers that are not quite reciprocal, and the rule that weighs by their nominal gains."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_digits

import resnet_sim as rs
from resnet_sim import training as tr
from resnet_sim.generators import layered

COST = tr.SquaredError(np.eye(10))


def kendall(seed: int, off: float, hidden: int, mixed: bool = False) -> tr.Network:
    """Kendall's network for digits; what comes back through its amplifiers is off."""
    circuit = layered(
        [64, hidden, 10], output_pairs=True, seed=seed, g_min=1e-6,
        diodes="antiparallel", gain=4.0, threshold=0.3,
    )  # fmt: skip
    table, rng = circuit.controlled_sources, np.random.default_rng(seed)
    gain = table.gain.copy()
    for k, name in enumerate(table.names):
        if name.startswith("fa"):
            gain[table.ptr[k]] *= 1 + off * (rng.choice([-1.0, 1.0]) if mixed else 1.0)
    circuit = circuit.with_tables(controlled_sources=dataclasses.replace(table, gain=gain))
    inputs = [f"v{sign}{k}" for sign in "pn" for k in range(64)]
    outputs = [(f"op{k}", f"on{k}") for k in range(10)]
    return tr.Network(circuit, inputs, outputs, "rw*", biases="ib*", g_min=1e-6)


def cosine(net: tr.Network, rule: tr.Rule, seed: int, count: int, volts: float = 2.0) -> float:
    """Cosine of a rule's estimate with the exact gradient."""
    digits = load_digits()
    rows = np.random.default_rng(seed).choice(len(digits.data), count, replace=False)
    x = digits.data[rows] * volts / 16
    samples = np.hstack((x, -x)), digits.target[rows]
    exact, own = (tr.gradients(net, *samples, r, COST).vector for r in (tr.Adjoint(), rule))
    return float(exact @ own / np.linalg.norm(exact) / np.linalg.norm(own))


def test_nominal_scales_repair_the_direction():
    for off, least in ((0.01, 0.9999), (0.1, 0.999), (0.3, 0.99)):
        net = kendall(1, off, 8)
        assert net.one_way
        assert cosine(net, tr.VectorFieldEP(), 1, 2) > least
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            assert cosine(net, tr.EquilibriumPropagation(), 1, 2) < 0.9
    assert cosine(kendall(1, 0.1, 8, mixed=True), tr.VectorFieldEP(), 1, 2) > 0.99


def test_measured_gains_make_it_exact_where_amplifiers_differ():
    net = kendall(1, 0.3, 8, mixed=True)
    assert cosine(net, tr.VectorFieldEP(gains="measured"), 1, 2) > 0.999999
    nominal = cosine(net, tr.VectorFieldEP(), 1, 2)
    assert nominal < 0.99
    # what is before the amplifiers is scaled by 1.3 and 0.7 at random: that alone is this cosine
    digits = load_digits()
    x = digits.data[[3, 5]] / 8
    samples = np.hstack((x, -x)), digits.target[[3, 5]]
    rules = (tr.Adjoint(), tr.VectorFieldEP(), tr.VectorFieldEP(gains="measured"))
    exact, own, measured = (tr.gradients(net, *samples, rule, COST).conductances for rule in rules)
    first = np.char.startswith(np.array(list(net.trainable)), "rw1")
    found = [g[first] @ exact[first] / np.linalg.norm(g[first]) / np.linalg.norm(exact[first])
             for g in (own, measured)]  # fmt: skip
    assert found[0] == pytest.approx(1 / np.sqrt(1.09), abs=0.03) and found[1] > 0.999999
    with pytest.raises(rs.UsageError, match="nominal or measured"):
        tr.VectorFieldEP(gains="guessed")


@pytest.mark.long
def test_nominal_scales_repair_the_direction_for_twenty_seeds():
    for off in (0.01, 0.1, 0.3):
        cosines = [cosine(kendall(s, off, 32), tr.VectorFieldEP(), s, 2, 10.0) for s in range(20)]
        assert min(cosines) > 0.99, (off, cosines)


def test_what_passes_nothing_back_is_warned_of_once():
    deck = "t\nv1 a 0 1\nr1 a b 1k\nr2 b 0 1k\ne1 c 0 b 0 3\nr3 c d 1k\nr4 d 0 1k"
    net = tr.Network(deck, ["v1"], ["d"])
    exact = tr.gradient(net, [[1.0]], [[0.2]], tr.Adjoint())
    with pytest.warns(UserWarning, match="^e1 acts one way: there VectorFieldEP") as told:
        found = tr.gradient(net, [[1.0]], [[0.2]], tr.VectorFieldEP())
    share = found @ exact / np.linalg.norm(found) / np.linalg.norm(exact)
    assert f"is {share:.4f} on" in str(told[0].message) and share < 0.9
    assert "strict" not in str(told[0].message)
    tr.gradient(net, [[1.0]], [[0.2]], tr.VectorFieldEP())


def test_with_a_co_content_it_is_equilibrium_propagation():
    net = kendall(2, 0.0, 6)
    assert net.batched and not net.one_way
    for variant in ("centered", "positive", "negative"):
        assert cosine(net, tr.VectorFieldEP(variant=variant), 2, 4) > 0.999999


def test_behind_one_amplifier_after_another_and_in_front():
    deck = """three layers, each amplifier off
v1 in 0 1
r1 in a 1
r2 a 0 2
e1 s1 0 a 0 3
vs1 s1 b 0
f1 a 0 vs1 {0.9/3}
r3 b c 1
r4 c 0 1
e2 s2 0 c 0 -2
vs2 s2 d 0
f2 c 0 vs2 {-1.1/2}
r5 d e 1
r6 e 0 1
.end
"""
    net = tr.Network(rs.parse_netlist(deck), ["v1"], ["e", "c"])
    found = dict(zip(net.circuit.nodes, net.nominal_scales, strict=False))
    assert [found[n] for n in "abcde"] == [1.0, 3.0, 3.0, -6.0, -6.0]
    X, Y = np.array([[1.0], [0.5]]), np.array([[0.1, 0.3], [0.2, 0.1]])
    exact = tr.gradient(net, X, Y, tr.Adjoint())
    own = tr.gradient(net, X, Y, tr.VectorFieldEP())
    assert exact @ own / np.linalg.norm(exact) / np.linalg.norm(own) > 0.98
    with pytest.raises(rs.UsageError, match="unknown variant"):
        tr.VectorFieldEP(variant="both")
