"""Layered Hopfield networks as circuits of resistors of either sign, and ideal diodes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ..arrays import Floats, Ints
from ..errors import UsageError
from ..model.builder import CircuitBuilder
from ..model.circuit import Circuit
from .mixture import Seed, to_ohms


def hopfield(
    sizes: Sequence[int], *, spread: float = 1.0, bias: float = 0.1, seed: Seed = 0
) -> Circuit:
    """Return a layered Hopfield network: units between 0 and 1 V, weights of either sign.

    ::

        E = 1/2 sum s_i^2 - sum_{i<j} w_ij s_i s_j - sum b_i s_i,    0 <= s <= 1

        unit i o--+--[1 / w_ij]--o unit j of the next layer
                  +--[1 / (1 - sum_j w_ij)]--o ground
                  +--|>|--o one (1 V),  ground o--|>|--+,  b_i fed in

    as ``-w s_i s_j = w/2 (s_i - s_j)^2 - w/2 s_i^2 - w/2 s_j^2``.  The first layer is given by
    sources.  Such a network may have several states; a stable one is found.

    Parameters
    ----------
    sizes : sequence of int
        Units of each layer, the inputs first.
    spread : float
        Standard deviation of the weights (S) times the square root of the number of units that
        a unit is joined to before and after.
    bias : float
        Largest bias, A; they are uniform from -bias to bias.
    seed : int or numpy.random.Generator

    Returns
    -------
    Circuit
        Nodes ``x<k>``, ``h<l>_<j>``, ``o<k>`` and ``one``; sources ``v<k>`` and ``vone``, weights
        ``rw<l>_<i>_<j>``, shunts ``rs<l>_<j>``, biases ``ib<l>_<j>``, diodes ``du<l>_<j>`` and
        ``dl<l>_<j>``.

    Examples
    --------
    >>> circuit = rs.generators.hopfield([4, 16, 2], spread=3.0, seed=1)
    >>> op = rs.solve(circuit.with_values({"v0": 1.0, "v2": 1.0}))
    >>> op.certificate.stable, 0 <= op["o0"] <= 1
    (True, True)
    """
    if len(sizes) < 2 or min(sizes) < 1:
        raise UsageError(f"layers of {list(sizes)} units: two layers with units are needed")
    if not (spread > 0 and bias >= 0 and np.isfinite([spread, bias]).all()):
        raise UsageError("spread must be positive, bias not negative, both finite")
    rng = np.random.default_rng(seed)
    b = CircuitBuilder("Hopfield " + "-".join(map(str, sizes)))
    last = len(sizes) - 1
    layers = [b.nodes("x", sizes[0])]
    layers += [b.nodes(f"h{k}_", sizes[k]) for k in range(1, last)]
    layers.append(b.nodes("o", sizes[last]))
    one = b.nodes(["one"])
    b.voltage_sources("v", layers[0], 0, 0.0)
    b.voltage_sources(["vone"], one, 0, 1.0)
    around = [before + after for before, after in zip((0, *sizes), (*sizes[1:], 0), strict=False)]
    drawn = [_weights(rng, sizes[k], sizes[k + 1], spread, around[k + 1]) for k in range(last)]
    for k, (p, q) in enumerate(pairwise(layers), start=1):
        names = [f"rw{k}_{i}_{j}" for i in range(len(p)) for j in range(len(q))]
        ends = np.repeat(p, len(q)), np.tile(q, len(p))
        b.resistors(names, *ends, to_ohms(drawn[k - 1].ravel(), signed=True))
    for k in range(1, last + 1):
        shunt = 1.0 - drawn[k - 1].sum(axis=0)
        if k < last:
            shunt = shunt - drawn[k].sum(axis=1)
        _units(b, rng, k, layers[k], one, shunt, bias)
    return b.build()


def _weights(rng: np.random.Generator, before: int, after: int, spread: float, n: int) -> Floats:
    drawn = rng.normal(size=(before, after)) * spread / np.sqrt(n)
    return np.where(drawn == 0, spread, drawn)


def _units(
    b: CircuitBuilder,
    rng: np.random.Generator,
    layer: int,
    nodes: Ints,
    one: Ints,
    shunt: Floats,
    bias: float,
) -> None:
    """Add what holds the units of a layer."""
    b.resistors(f"rs{layer}_", nodes, 0, to_ohms(shunt, signed=True))
    b.current_sources(f"ib{layer}_", 0, nodes, rng.uniform(-bias, bias, len(nodes)))
    b.diodes(f"du{layer}_", nodes, np.repeat(one, len(nodes)))
    b.diodes(f"dl{layer}_", 0, nodes)
