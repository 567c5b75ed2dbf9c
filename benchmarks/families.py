"""The circuit families of the benchmarks, each at any number of nodes.

`FAMILIES` maps a name to a function from a number of nodes to a circuit that has about so
many, always the same one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from resnet_sim import Circuit
from resnet_sim import generators as gen

#: nodes per layer and bias of the layered family
WIDTH, BIAS = 32, 0.1


def grid(nodes: int, seed: int) -> Circuit:
    """N x N; what stands on it is `resnet_sim.generators.DIODES`, as in all other graphs."""
    return gen.grid(round(nodes**0.5), seed=seed)


def grid3d(nodes: int, seed: int) -> Circuit:
    return gen.grid3d(round(nodes ** (1 / 3)), seed=seed)


def random_graph(nodes: int, seed: int) -> Circuit:
    return gen.random_graph(nodes, 4.0, seed=seed)


def small_world(nodes: int, seed: int) -> Circuit:
    return gen.small_world(nodes, 4, 0.1, seed=seed)


def ladder(nodes: int, seed: int) -> Circuit:
    return gen.ladder(nodes - 1, diodes=0.2, sources=0.05, seed=seed)


def power_grid(nodes: int, seed: int) -> Circuit:
    """Two nets of two layers; nine in ten vias are shorts, a pad per net for 380 crossings.

    That is the density of pads of IBM's pg1.  Clamps are at 5 % of the crossings.
    """
    side = max(2, round((nodes / 4) ** 0.5))
    pads = max(1, side * side // 380)
    return gen.power_grid(side, side, pads=pads, clamps=0.05, seed=seed)


def layered(nodes: int, seed: int) -> Circuit:
    """Layers of 32 nodes in a row, diodes to ground; random biases, or the signal would fade."""
    depth = max(1, round(nodes / WIDTH) - 1)
    circuit = gen.layered([WIDTH // 2, *[WIDTH] * depth], crossbars=False, seed=seed)
    amps = BIAS * np.random.default_rng(seed).standard_normal(len(circuit.current_sources))
    biases = dataclasses.replace(circuit.current_sources, amps=amps)
    return circuit.with_tables(current_sources=biases)


FAMILIES: dict[str, Callable[[int, int], Circuit]] = {
    "grid": grid,
    "random": random_graph,
    "grid3d": grid3d,
    "power-grid": power_grid,
    "ladder": ladder,
    "small-world": small_world,
    "layered": layered,
}
