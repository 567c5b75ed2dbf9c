"""Gradients of weights of every kind are those of finite differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from ngspice_tools import requires_ngspice
from test_transconductances import hopfield_deck

import resnet_sim as rs
from resnet_sim import training as tr
from resnet_sim.generators import convolutional, convolutional_hopfield, hopfield


def everyone_with_everyone(seed: int) -> tr.Network:
    """Units joined by conductances of either sign, not in layers."""
    rng = np.random.default_rng(seed)
    cards = ["either sign", "vone one 0 1", "v0 x0 0 0", "v1 x1 0 0"]
    units = [f"s{k}" for k in range(int(rng.integers(3, 7)))]
    for k, unit in enumerate(units):
        for other in [*units[:k], "x0", "x1"]:
            cards.append(f"rw_{unit}_{other} {unit} {other} {1 / rng.normal(0, 0.3)}")
        cards += [f"rs_{unit} {unit} 0 {1 / rng.uniform(1, 2)}", f"ib_{unit} 0 {unit} .3"]
        cards += [f"du_{unit} {unit} one", f"dl_{unit} 0 {unit}"]
    return tr.Network("\n".join(cards), ["v0", "v1"], units[-2:], "rw*", biases="ib*")


def layers(seed: int) -> tr.Network:
    """Layers of either sign."""
    rng = np.random.default_rng(seed)
    sizes = [2, *rng.integers(2, 9, rng.integers(1, 4)).tolist(), 2]
    circuit = hopfield(
        sizes, spread=rng.uniform(0.5, 2.0), bias=0.5, linear_outputs=True, seed=seed
    )
    return tr.Network(circuit, ["v0", "v1"], ["o0", "o1"], "rw*", biases="ib*")


def pairs(seed: int) -> tr.Network:
    """Reciprocal pairs of G sources."""
    return tr.Network(hopfield_deck(seed, 5), ["v0"], ["n2", "n4"], "g?_*")


def shape(seed: int) -> dict[str, int]:
    """A random convolution."""
    rng = np.random.default_rng(seed)
    kernel = int(rng.integers(2, 4))
    return {"kernel": kernel, "stride": int(rng.integers(1, 3)), "padding": int(rng.integers(0, 2))}


def kernels(seed: int) -> tr.Network:
    """A convolution of resistors."""
    pool = 1 + seed % 2
    circuit = convolutional((6, 6), [2 + seed % 2], 2, pool=pool, seed=seed, **shape(seed))
    inputs = [f"v{sign}{k}" for sign in "pn" for k in range(36)]
    return tr.Network(circuit, inputs, ["o0", "o1"], "rw*", biases="ibo*", parameters=["k*", "b*"])


def kernels_of_either_sign(seed: int) -> tr.Network:
    """A convolution of a Hopfield network."""
    circuit = convolutional_hopfield((6, 6), [2], 2, bias=0.4, seed=seed, **shape(seed))
    inputs = [f"v{k}" for k in range(36)]
    return tr.Network(circuit, inputs, ["o0", "o1"], parameters=["k*", "w*", "b*"])


KINDS = [everyone_with_everyone, layers, pairs, kernels, kernels_of_either_sign]


def along(net: tr.Network, X: np.ndarray, Y: np.ndarray, direction: np.ndarray, h: float) -> float:
    """Derivative of the mean cost along a direction, by fourth-order differences."""
    g, others, total = net.conductances, net.biases, 0.0
    for times, weight in ((1, 8.0), (-1, -8.0), (2, -1.0), (-2, 1.0)):
        net.conductances = g + times * h * direction[: len(g)]
        net.biases = others + times * h * direction[len(g) :]
        total += weight * tr.SquaredError().value(net.forward(X), Y).mean()
    net.conductances, net.biases = g, others
    return total / (12 * h)


def agrees(make: Callable[[int], tr.Network], seed: int) -> bool:
    """Compare a gradient with differences; tell whether there was something to compare."""
    net, rng = make(seed), np.random.default_rng(seed)
    X = rng.uniform(0, 1, (2, len(net.inputs)))
    Y = rng.uniform(0, 1, (2, len(net.outputs.names)))
    exact = tr.gradients(net, X, Y, tr.Adjoint()).vector
    size = float(np.linalg.norm(exact))
    if not size > 1e-3:  # all outputs are held
        return False
    direction = exact / size + rng.normal(size=len(exact)) / np.sqrt(len(exact))
    direction[: len(net.conductances)] *= 0.1  # they may begin at their lower bound
    wanted = float(exact @ direction)
    # some diode may be near its knee: then the smaller step tells
    off = [abs(along(net, X, Y, direction, h) - wanted) for h in (1e-5, 1e-7)]
    assert min(off) < 1e-6 * max(size, abs(wanted)), (make.__name__, seed, off, size)
    return True


@pytest.mark.parametrize("make", KINDS)
def test_gradients_are_those_of_differences(make):
    assert sum(agrees(make, seed) for seed in range(3)) >= 1


@pytest.mark.long
@pytest.mark.parametrize("make", KINDS)
def test_gradients_of_two_hundred_circuits_are_those_of_differences(make):
    assert sum(agrees(make, seed) for seed in range(48)) >= 40


#: Sources that act one way, from the nodes o and in to the node d, maybe by way of c.
ONE_WAY = ("E1 c 0 o in {g}", "G1 0 d o 0 {g}", "F1 0 d Vs {g}", "H1 c 0 Vs {g}",
           "E1 c 0 o d {g}\nG2 0 d in o {g}", "E1 c 0 o 0 {g}\nF1 0 d E1 {g}")  # fmt: skip


def one_way(seed: int) -> tr.Network:
    """Resistors, a diode, and sources of all kinds that act one way."""
    rng = np.random.default_rng(seed)
    pairs = ["in m", "m o", "o 0", "c d", "d 0", "d in", "m d", "o c"]
    cards = [f"one way {seed}", "V1 in 0 1", "Vs m1 o 0", "R0 m m1 .7", "I1 0 o .1"]
    cards += [f"R{k} {p} {np.exp(rng.uniform(-1, 1)):.5g}" for k, p in enumerate(pairs, start=1)]
    cards += [ONE_WAY[seed % len(ONE_WAY)].format(g=f"{rng.uniform(0.2, 0.9):.4g}")]
    cards += ["D1 d 0 m", f".model m D(Vfwd={rng.uniform(0, 0.3):.3g} Ron=.3)"]
    return tr.Network("\n".join(cards), ["v1"], ["d", ("d", "o")], "r*")


@requires_ngspice
@pytest.mark.long
def test_ngspice_agrees_on_fifty_circuits_with_one_way_sources():
    for seed in range(50):
        net, rng = one_way(seed), np.random.default_rng(seed)
        assert net.one_way
        X, Y = rng.uniform(-1, 1, (2, 1)), rng.uniform(-1, 1, (2, 2))
        found = tr.gradcheck(net, X, Y, simulator=rs.ngspice.run)
        scale = np.abs(found.adjoint).max()
        assert found.ngspice is not None and not np.isnan(found.ngspice).any()
        assert np.abs(found.ngspice - found.adjoint).max() <= 1e-5 * scale, seed
        assert np.abs(found.differences - found.adjoint).max() <= 1e-6 * scale, seed
