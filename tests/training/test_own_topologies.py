"""Odd topologies and odd arguments of networks of one's own."""

from __future__ import annotations

import numpy as np
import pytest

import resnet_sim as rs
from resnet_sim import training as tr

DECK = """divider
.param k=1k
v1 a 0 1
v2 b 0 -1
r1 a out 1k
r2 b out 2k
r3 out 0 {k}
"""
CIRCUIT = rs.parse_netlist(DECK)


def test_outputs_that_sources_fix_have_no_gradient_and_no_complaint_of_numpy():
    b = rs.CircuitBuilder()
    b.voltage_source("v1", "a", "0", 1.0)
    b.resistor("r1", "a", "0", 1e3)
    b.resistor("r2", "a", "a", 1e3)
    with pytest.warns(UserWarning, match="sources alone fix output a"):
        net = tr.Network(b.build(), ["v1"], ["a"])
    # warnings of any other kind are errors here
    assert tr.gradient(net, [[2.0]], [[0.5]], "adjoint").tolist() == [0.0, 0.0]


def test_inputs_and_targets_may_be_dicts_of_columns():
    net = tr.Network(CIRCUIT, ["v1", "v2"], ["out", ("a", "out")])
    X, Y = np.array([[1.0, -2.0], [0.5, 3.0], [0.0, 1.0]]), np.array([[0.1, 0.2]] * 3)
    x = {"V2": X[:, 1].tolist(), "label": "unused", "v1": X[:, 0]}
    y = {"v(a,out)": Y[:, 1], "out": Y[:, 0]}
    assert net.forward(x).tolist() == net.forward(X).tolist()
    assert tr.gradient(net, x, y).tolist() == tr.gradient(net, X, Y).tolist()
    for table, told in (
        ({"v1": [1.0]}, "columns for v1 and others, but none for v2"),
        ({"x": [1.0]}, "the table has no column for v1"),
        ({"v1": [1.0], "v2": [1.0, 2.0]}, "the columns of the table must be one table"),
        ({"v1": 1.0, "v2": 2.0}, "one row per sample"),
    ):
        with pytest.raises(rs.UsageError, match=told):
            net.forward(table)


@pytest.mark.parametrize(
    ("slip", "told"),
    [
        (
            lambda net: tr.Trainer(net).fit([[1.0]], [[0.1]], 1, checkpoint=3),
            "checkpoint is the path",
        ),
        (lambda net: tr.Trainer(net).fit([[1.0]], [[0.1]], 1, metrics=[]), "metrics is the path"),
        (lambda net: network(parameters={"k": 5}), "parameter k: needs bounds low <= high, not 5"),
        (lambda net: network(parameters={"k": (1, 2, 3)}), "parameter k: needs bounds"),
        (lambda net: network(parameters={"k": ("low", 1)}), "bounds of k must be real numbers"),
    ],
)
def test_slips_are_answered(slip, told):
    with pytest.raises(rs.UsageError, match=told):
        slip(network())


def network(**options):
    return tr.Network(CIRCUIT, ["v1"], ["out"], **options)
