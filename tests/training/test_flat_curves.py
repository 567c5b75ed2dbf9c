"""Derivatives where a curve of a batch is far flatter than the line from its origin."""

from __future__ import annotations

import numpy as np
import pytest

from resnet_sim import training as tr

#: what is between the node b and ground, and its current (A) whatever the voltage
FLAT = {
    "a junction in reverse": ("d1 0 b m\n.model m D(is=.1 n=1)\n.options gmin=0", 0.1),
    "a diode at its limit": ("d1 b 0 m\n.model m D(ron=.1 roff=1e12 ilimit=.1)", 0.1),
    "a table": ("r2 b 0 m\n.model m R(table=(0,0, 1,1, 2,1))", 1.0),
}


@pytest.mark.parametrize("name", FLAT)
def test_gradients_are_exact_where_a_current_stays_what_it_is(name):
    cards, current = FLAT[name]
    net = tr.Network(f"{name}\nv1 a 0 100\nr1 a b 1\n{cards}", ["v1"], ["b"], "r1")
    assert net.batched
    X, Y = np.array([[100.0], [50.0]]), np.array([[10.0], [20.0]])
    # v(b) = v - i / g, and the cost (v(b) - y)^2 / 2
    wanted = ((X - current - Y) * current).mean()
    assert tr.gradient(net, X, Y, tr.Adjoint())[0] == pytest.approx(wanted, rel=1e-9)
