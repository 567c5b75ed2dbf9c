"""Of several states `.nodeset` chooses the one that is trained, and nudges keep to it."""

from __future__ import annotations

import numpy as np
import pytest

import resnet_sim as rs
from resnet_sim import training as tr

KINDS = {
    "formula": "B1 a 0 I=v(a)*v(a)*v(a)-v(a)",
    "negative resistor": "Rn a 0 -1\nD1 a p m\nVp p 0 1\nD2 n a m\nVn n 0 -1\n.model m D(Ron=.5)",
    "amplifier with rails": "R4 a b 2\nB1 b 0 V=limit(1k*v(a),-3,3)",
}


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("kind", KINDS)
def test_nodeset_chooses_what_is_trained(kind, side):
    deck = f"two states\nV1 in 0 0\nR1 in a 2\nR2 a o 9\nR3 o 0 9\n{KINDS[kind]}\n"
    net = tr.Network(f"{deck}.nodeset v(a)={side}\n", ["v1"], ["o"], "r[123]")
    X, Y = np.array([[0.02], [-0.05], [0.01]]), np.full((3, 1), 0.1)
    found = net.forward(X)
    assert (np.sign(found) == side).all()
    for x, o in zip(X[:, 0], found[:, 0], strict=True):
        assert o == pytest.approx(rs.solve(net.circuit.with_values({"v1": x}))["o"], rel=1e-9)
    check = tr.gradcheck(net, X, Y)
    assert check.worst() < 1e-6
    with pytest.warns(UserWarning) if kind != "negative resistor" else np.errstate():
        nudged = tr.gradient(net, X, Y, tr.EquilibriumPropagation(1e-4))
    assert np.allclose(nudged, check.adjoint, rtol=0, atol=1e-5 * np.abs(check.adjoint).max())
