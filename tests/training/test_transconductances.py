"""Reciprocal pairs of G sources belong to the co-content, and learn."""

from __future__ import annotations

import numpy as np
import pytest
from test_parameters import differences, relative

import resnet_sim as rs
from resnet_sim import training as tr


def hopfield_deck(seed: int, n: int = 8, turned: bool = False) -> str:
    """Units between 0 and 1 V, each joined to all others by a pair of G sources."""
    rng = np.random.default_rng(seed)
    lines = [f"pairs {seed}", "vone one 0 1", "v0 n0 0 0.3"]
    for i in range(1, n):
        for j in range(i):
            w = rng.normal() * 0.25
            ends = f"n{j} 0 0 n{i}" if turned and j % 2 else f"0 n{j} n{i} 0"
            lines += [
                f"g{i}_{j} 0 n{i} n{j} 0 {w:.6g}",
                f"h{i}_{j}".replace("h", "gg") + f" {ends} {w:.6g}",
            ]
        lines += [f"rs{i} n{i} 0 1", f"i{i} 0 n{i} {rng.uniform(0, 0.6):.6g}"]
        lines += [f"du{i} n{i} one", f"dl{i} 0 n{i}"]
    return "\n".join([*lines, ".end"])


@pytest.mark.parametrize("turned", [False, True])
def test_pairs_have_gradients_by_every_rule(turned):
    compared = 0
    for seed in range(2):
        circuit = rs.parse_netlist(hopfield_deck(seed, turned=turned))
        net = tr.Network(circuit, ["v0"], [f"n{k}" for k in range(1, 8)], "g?_*")
        assert len(net.parameters) == 28 and not len(net.conductances)
        assert not net.one_way
        rng = np.random.default_rng(seed)
        X, Y = rng.uniform(0, 1, (2, 1)), rng.uniform(0, 1, (2, 7))
        exact = tr.gradients(net, X, Y, tr.Adjoint()).vector
        if not np.abs(exact).max() > 1e-2:
            continue
        compared += 1
        most = np.argsort(-np.abs(exact))[:6]
        some = [list(net.parameters)[k] for k in most]
        assert relative(exact[most], differences(net, X, Y, some)) < 1e-6, seed
        for nudge in ("conductance", "current"):
            rule = tr.EquilibriumPropagation(1e-5, nudge=nudge)
            assert relative(tr.gradients(net, X, Y, rule).vector, exact) < 1e-5, seed
    assert compared == 2


def test_pairs_learn_and_keep_together():
    circuit = rs.parse_netlist(hopfield_deck(2))
    net = tr.Network(circuit, ["v0"], ["n2", "n3"], "g?_*")
    trainer = tr.Trainer(net, optimizer=tr.Adam(lr=0.01))
    history = trainer.fit([[0.9]], [[0.7, 0.5]], epochs=60)
    assert history[-1]["cost"] < 0.05 * history[0]["cost"]
    table = net.circuit.controlled_sources
    gains = dict(zip(table.names, table.gain[::2].tolist(), strict=True))
    assert all(gains[f"g{name}"] == value for name, value in gains.items() if name[1] != "g")
    assert all(gains[name] == value for name, value in net.parameters.items())
    assert (table.gain != circuit.controlled_sources.gain).sum() > 4


def test_a_source_without_partner_learns_one_way():
    deck = "one way\nv1 a 0 1\nr1 a b 1\ng1 0 b a 0 0.2\nr2 b 0 1\ng2 c 0 b 0 0.5\nr3 c 0 1\n.end"
    net = tr.Network(rs.parse_netlist(deck), ["v1"], ["c"], ["r1", "g1", "g2"])
    assert list(net.parameters) == ["g1", "g2"] and net.one_way == ("g2",)
    X, Y = np.array([[1.0], [0.5]]), np.array([[0.1], [0.2]])
    found = tr.gradient(net, X, Y, tr.Adjoint())
    assert relative(found[1:], differences(net, X, Y)) < 1e-8


def test_what_is_no_plain_source_is_refused():
    deck = "r\n.param k=1\nv1 a 0 1\nr1 a b 1\ne1 c 0 b 0 2\nr2 c b 1\ng1 0 b a 0 {k}\n.end"
    circuit = rs.parse_netlist(deck)
    with pytest.raises(rs.UsageError, match="e1 can't learn: it is no G source"):
        tr.Network(circuit, ["v1"], ["b"], "e1")
    with pytest.raises(rs.UsageError, match="g1 can't learn by itself"):
        tr.Network(circuit, ["v1"], ["b"], "g1", parameters="k")
    with pytest.raises(rs.UsageError, match="no resistor is called 'x9'"):
        tr.Network(circuit, ["v1"], ["b"], "x9")
