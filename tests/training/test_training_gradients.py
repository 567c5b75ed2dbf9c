"""The learning rules against finite differences and against each other, on any topology."""

from __future__ import annotations

import numpy as np
import pytest
from training_circuits import random_network

from resnet_sim import training as tr

COSTS = [
    tr.SquaredError(),
    tr.CustomCost(lambda o, y: np.cosh(o - y).sum(axis=1), lambda o, y: np.sinh(o - y)),
]


def mean_cost(net, X, Y, cost):
    return float(cost.value(net.forward(X), Y).mean())


def differences(net, X, Y, cost, step=1e-5):
    """d(mean cost)/d(parameter) by fourth-order central differences."""
    found = []
    g, biases = net.conductances, net.biases
    for k in range(len(g) + len(biases)):
        total = 0.0
        h = step * (g[k] if k < len(g) else 1.0)
        for times, weight in ((1, 8.0), (-1, -8.0), (2, -1.0), (-2, 1.0)):
            moved, pushed = g.copy(), biases.copy()
            if k < len(g):
                moved[k] += times * h
            else:
                pushed[k - len(g)] += times * h
            net.conductances, net.biases = moved, pushed
            total += weight * mean_cost(net, X, Y, cost)
        found.append(total / (12 * h))
        net.conductances, net.biases = g, biases
    return np.array(found)


def relative(found, wanted):
    return np.linalg.norm(found - wanted) / np.linalg.norm(wanted)


def far_from_knees(net, X, Y, beta):
    """Whether the nudge leaves every diode as it is."""
    free = net.free(X)
    sets = [net.pulled(X, free, b, Y).on for b in (beta, -beta)]
    return all(np.array_equal(free.on, on) for on in sets)


@pytest.mark.parametrize(
    "block", [*range(4), *(pytest.param(k, marks=pytest.mark.long) for k in range(4, 20))]
)
def test_adjoint_is_the_derivative(block):
    for seed in range(20 * block, 20 * block + 20):
        net, X, Y = random_network(seed, amplifier=seed % 4 == 0)
        cost = COSTS[seed % 2]
        found = tr.gradients(net, X, Y, tr.Adjoint(), cost)
        assert net.batched
        assert (found.knees < 0).all()
        wanted = differences(net, X, Y, cost)
        assert relative(found.vector, wanted) < 1e-6, seed


@pytest.mark.parametrize("seeds", [range(80), pytest.param(range(80, 200), marks=pytest.mark.long)])
def test_centered_error_falls_as_beta_squared_and_one_sided_as_beta(seeds):
    compared = 0
    for seed in seeds:
        net, X, Y = random_network(seed, amplifier=seed % 4 == 0)
        exact = tr.gradients(net, X, Y, tr.Adjoint()).vector
        centered = tr.gradients(net, X, Y, tr.EquilibriumPropagation(1e-4)).vector
        if far_from_knees(net, X, Y, 1e-4):
            assert relative(centered, exact) < 1e-5, seed
        if not far_from_knees(net, X, Y, 1e-2):
            continue
        compared += 1
        for variant, order in (("centered", 2), ("positive", 1), ("negative", 1)):
            errors = [
                relative(
                    tr.gradients(
                        net, X, Y, tr.EquilibriumPropagation(beta, variant)
                    ).vector, exact
                )
                for beta in (1e-2, 1e-3)
            ]  # fmt: skip
            assert errors[1] < 2.0 * 10.0**-order * errors[0] + 1e-10, (seed, variant)
    assert compared > 0.6 * len(seeds)
