"""Finite nudges: orders by extrapolation, bounds by the co-content, and imprecise amplifiers."""

from __future__ import annotations

import numpy as np
import pytest
from training_circuits import random_network

import resnet_sim as rs
from resnet_sim import training as tr


def errors(seed: int, beta: float, variant: str, orders: tuple[int, ...]) -> list[float]:
    """Relative errors of estimates of several orders."""
    net, X, Y = random_network(seed)
    exact = tr.gradients(net, X, Y, tr.Adjoint()).vector
    rules = (tr.EquilibriumPropagation(beta, variant, order=order) for order in orders)
    found = [tr.gradients(net, X, Y, rule).vector for rule in rules]
    return [float(np.linalg.norm(one - exact) / np.linalg.norm(exact)) for one in found]


def test_centered_nudges_of_four_to_minus_one():
    net, X, Y = random_network(3)
    whole, half = (
        tr.gradients(net, X, Y, tr.EquilibriumPropagation(beta)).vector for beta in (0.1, 0.05)
    )
    found = tr.gradients(net, X, Y, tr.EquilibriumPropagation(0.1, order=4)).vector
    assert np.allclose(found, (4 * half - whole) / 3, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("variant", ["centered", "positive", "negative"])
def test_errors_fall_with_the_power_that_is_promised(variant):
    orders = (2, 4) if variant == "centered" else (1, 2, 3)
    for seed in (0, 3):
        large, small = (errors(seed, beta, variant, orders) for beta in (0.016, 0.008))
        for order, one, other in zip(orders, large, small, strict=True):
            assert other < 1e-10 or one / other == pytest.approx(2.0**order, rel=0.25)


def test_orders_that_there_are_not_are_refused():
    for variant, order in (("centered", 3), ("centered", 0), ("positive", 4)):
        with pytest.raises(rs.UsageError, match="order"):
            tr.EquilibriumPropagation(0.1, variant, order=order)


# ---- co-content ----


def test_the_co_content_is_that_of_the_elements():
    op = rs.solve("divider\nV1 a 0 3\nR1 a b 1\nR2 b 0 2\nI1 0 b .5\n")
    v = op["b"]
    assert op.co_content == pytest.approx(0.5 * (3 - v) ** 2 + 0.25 * v**2 - 0.5 * v)
    many = rs.solve("divider\nV1 a 0 3\nR1 a b 1\nR2 b 0 2\n", inputs={"v1": [0.0, 3.0]})
    assert many.co_content == pytest.approx([0.0, 1.5])
    with pytest.raises(rs.UsageError, match="e1 is a controlled source"):
        _ = rs.solve("gain\nV1 a 0 1\nR1 a b 1\nR2 b 0 1\nE1 c 0 b 0 2\nR3 c 0 1\n").co_content


def test_the_derivatives_of_the_co_content_are_local():
    lines = ["soft", "V1 a 0 1", "R1 a b 1", "R2 b 0 {r}", "D1 b c soft", "R3 c 0 2", "I1 c b {i}",
             "D2 c b back", ".model soft D(Vfwd=.1 Ron=.2 Roff=50)",
             ".model back D(Vfwd=2 Ron=.1 Vrev=.05 Rrev=.3 Roff=90)"]  # fmt: skip

    def solved(g: float, i: float) -> rs.OperatingPoint:
        return rs.solve("\n".join(lines).format(r=1 / g, i=i))

    op, step = solved(0.7, 0.01), 1e-6
    by_g = (solved(0.7 + step, 0.01).co_content - solved(0.7 - step, 0.01).co_content) / 2 / step
    by_i = (solved(0.7, 0.01 + step).co_content - solved(0.7, 0.01 - step).co_content) / 2 / step
    assert by_g == pytest.approx(0.5 * op["b"] ** 2, rel=1e-6)
    assert by_i == pytest.approx(op["v(c,b)"], rel=1e-6)


def test_surrogate_costs_bound_the_cost():
    # least co-content of the nudged circuit minus that of the free one, over beta
    net, X, Y = random_network(2)
    free = rs.solve(net.circuit.with_values(dict(zip(net.inputs, X[0], strict=True)))).co_content
    cost = float(tr.SquaredError().value(net.forward(X[:1]), Y[:1])[0])
    high, low = (
        (rs.solve(net.nudged_circuit(X[0], Y[0], beta)).co_content - free) / beta
        for beta in (-0.02, 0.02)
    )
    assert low <= cost <= high
    assert high - low < 0.2 * cost


# ---- amplifiers that work both ways, nearly ----


def amplified(back: float) -> tuple[tr.Network, np.ndarray, np.ndarray]:
    """Two layers with an amplifier of gain 3 between, whose way back is off by a factor."""
    deck = f"""two layers
V1 x1 0 1
V2 x2 0 1
R1 x1 h 1
R2 x2 h 2
R3 h 0 3
E1 d 0 h 0 3
Vs d a 0
F1 h 0 Vs {back / 3!r}
R4 a o 1
R5 o 0 2
R6 x1 o 5
"""
    rng = np.random.default_rng(0)
    net = tr.Network(deck.replace("R6 x1 o 5\n", ""), ["v1", "v2"], ["o"], "r*")
    return net, rng.normal(size=(4, 2)), rng.normal(size=(4, 1))


def test_imprecise_pairs_are_trained_with_a_warning_that_tells_how_good_it_is():
    net, X, Y = amplified(1.0)
    tr.gradient(net, X, Y)  # warnings are errors here
    net, X, Y = amplified(1.1)
    exact = tr.gradient(net, X, Y, tr.Adjoint())
    for rule in (tr.EquilibriumPropagation(), tr.CoupledLearning(), tr.FrequencyPropagation()):
        with pytest.warns(UserWarning, match=r"e1.* acts one way.*cosine with the exact one is"
                          ) as told:  # fmt: skip
            found = tr.gradient(net, X, Y, rule)
        cosine = found @ exact / np.linalg.norm(found) / np.linalg.norm(exact)
        assert f"is {cosine:.4f} on this minibatch" in str(told[0].message)
        tr.gradient(net, X, Y, rule)  # once is enough
    strict = tr.EquilibriumPropagation(strict=True)
    with pytest.raises(rs.UsageError, match=r"e1.* acts one way"):
        tr.gradient(net, X, Y, strict)
