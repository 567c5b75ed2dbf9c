"""The circuit families of the benchmarks, each at any number of nodes.

`FAMILIES` maps a name to a function from a number of nodes to a circuit that has about so
many, always the same one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from resnet_sim import Circuit, CircuitBuilder
from resnet_sim import generators as gen
from resnet_sim.arrays import Ints

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


def supply_grid(nodes: int, seed: int) -> Circuit:
    """Like IBM's pg1, which has 30,000 nodes: `power_grid` without clamps."""
    side = max(2, round((nodes / 4) ** 0.5))
    return gen.power_grid(side, side, pads=max(1, side * side // 380), seed=seed)


def layered(nodes: int, seed: int) -> Circuit:
    """Layers of 32 nodes in a row, diodes to ground; random biases, or the signal would fade."""
    depth = max(1, round(nodes / WIDTH) - 1)
    circuit = gen.layered([WIDTH // 2, *[WIDTH] * depth], crossbars=False, seed=seed)
    amps = BIAS * np.random.default_rng(seed).standard_normal(len(circuit.current_sources))
    biases = dataclasses.replace(circuit.current_sources, amps=amps)
    return circuit.with_tables(current_sources=biases)


def feedback_ladder(nodes: int, seed: int) -> Circuit:
    """Series and shunt resistors, amplifiers at 1 % of the nodes."""
    b, rng = CircuitBuilder("ladder with amplifiers"), np.random.default_rng(seed)
    at = b.nodes("n", nodes)
    b.voltage_source("v0", "n0", "0", 1.0)
    b.resistors("rs", at[:-1], at[1:], 1.0)
    b.resistors("rp", at, 0, 100.0)
    return _amplified(b, rng, at)


def amplified_ladder(nodes: int, seed: int) -> Circuit:
    """Series and shunt resistors, and one amplifier whose output feeds what it senses."""
    b = CircuitBuilder("ladder with one amplifier")
    at = b.nodes("n", nodes)
    b.voltage_source("v0", "n0", "0", 1.0)
    b.resistors("rs", at[:-1], at[1:], 1.0)
    b.resistors("rp", at, 0, 100.0)
    sensed = nodes // 2
    b.vcvs("e1", "out", "0", "0", f"n{sensed}", 3.0)
    b.resistor("rf", "out", f"n{sensed - 1}", 10.0)
    return b.build()


def feedback_grid(nodes: int, seed: int) -> Circuit:
    """N x N resistors of the mixture, amplifiers at 1 % of the nodes."""
    b, rng = CircuitBuilder("grid with amplifiers"), np.random.default_rng(seed)
    side = max(2, round(nodes**0.5))
    at = b.nodes("n", side * side).reshape(side, side)
    p = np.concatenate((at[:, :-1].ravel(), at[:-1].ravel()))
    q = np.concatenate((at[:, 1:].ravel(), at[1:].ravel()))
    b.resistors("r", p, q, 10 ** rng.uniform(-1, 1, len(p)))
    at = at.ravel()
    b.resistors("rg", rng.choice(at, max(1, len(at) // 100)), 0, 1.0)
    fed = rng.choice(at, max(1, len(at) // 20), replace=False)
    b.current_sources("i", 0, fed, rng.standard_normal(len(fed)))
    return _amplified(b, rng, at)


def _amplified(b: CircuitBuilder, rng: np.random.Generator, at: Ints) -> Circuit:
    """Add amplifiers at 1 % of the nodes, and ideal diodes as many as 30 % of them.

    Every other amplifier drives a node near what it senses, the rest loads of their own.
    """
    n = len(at)
    for k, node in enumerate(rng.choice(n - 1, max(2, n // 100), replace=False).tolist()):
        gain, near = float(rng.uniform(-3, 0.5)), node + 1
        b.vcvs(f"e{k}", f"o{k}", "0", f"n{node}", f"n{near}", gain)
        b.resistor(f"ro{k}", f"o{k}", f"n{near}" if k % 2 else "0", 10 ** rng.uniform(0, 1))
    p, q = rng.integers(0, n, (2, (3 * n) // 10))
    q = np.minimum(p + 1 + q % 2, n - 1)
    b.diodes("d", at[p[p != q]], at[q[p != q]])
    return b.build()


def without_diodes(circuit: Circuit) -> Circuit:
    """Return the circuit without its ideal diodes."""
    diodes = circuit.diodes
    none = {f.name: getattr(diodes, f.name)[:0] for f in dataclasses.fields(diodes)}
    return circuit.with_tables(diodes=dataclasses.replace(diodes, **none))


FAMILIES: dict[str, Callable[[int, int], Circuit]] = {
    "grid": grid,
    "random": random_graph,
    "grid3d": grid3d,
    "power-grid": power_grid,
    "supply-grid": supply_grid,
    "ladder": ladder,
    "small-world": small_world,
    "layered": layered,
    "amplified-ladder": amplified_ladder,
    "feedback-ladder": feedback_ladder,
    "feedback-grid": feedback_grid,
}
