"""Random trainable circuits: diodes between free nodes, sources anywhere, pairs as outputs."""

from __future__ import annotations

import numpy as np

from resnet_sim import CircuitBuilder
from resnet_sim import training as tr


def random_network(seed: int, amplifier: bool = False) -> tuple[tr.Network, np.ndarray, np.ndarray]:
    """A network of any topology, with inputs and targets that it has an operating point for."""
    rng = np.random.default_rng(seed)
    b = CircuitBuilder(f"random {seed}")
    n = int(rng.integers(5, 12))
    nodes = [f"n{k}" for k in range(n)]
    inputs = []
    for k in range(int(rng.integers(1, 4))):
        b.voltage_source(f"v{k}", f"s{k}", "0", 1.0)
        inputs.append(f"v{k}")
    rails = [f"s{k}" for k in range(len(inputs))] + ["0"]
    # a tree to the rails, so that nothing floats, and as many edges again
    count = 0
    for k, node in enumerate(nodes):
        other = rng.choice(nodes[:k]) if k and rng.random() < 0.7 else rng.choice(rails)
        b.resistor(f"r{count}", node, str(other), float(np.exp(rng.uniform(-1, 1))))
        count += 1
    for _ in range(2 * n):
        p, q = rng.choice(nodes + rails, 2, replace=False)
        b.resistor(f"r{count}", str(p), str(q), float(np.exp(rng.uniform(-1, 1))))
        count += 1
    if rng.random() < 0.5:
        # a source between two nodes of which neither has a given potential
        b.voltage_source("vf", nodes[0], nodes[1], float(rng.normal()))
        inputs.append("vf")
    if rng.random() < 0.7:
        p, q = rng.choice(nodes[2:] + ["0"], 2, replace=False)
        b.current_source("i0", str(p), str(q), 0.3)
        inputs.append("i0")
    b.current_source("ib", nodes[2], nodes[3], 0.2)
    free = nodes[2:]
    for k in range(int(rng.integers(2, 2 * n))):
        p, q = rng.choice(free, 2, replace=False)
        soft = rng.random() < 0.3
        b.diode(
            f"d{k}", str(p), str(q), v_forward=float(rng.uniform(0, 0.3)),
            r_on=0.2 if soft else 0.0, r_off=50.0 if rng.random() < 0.2 else np.inf,
        )  # fmt: skip
    outputs: list[str | tuple[str, str]] = [nodes[-1], (nodes[-2], nodes[1])]
    if amplifier:
        outputs += _behind_amplifier(b, rng, nodes[-3])
    net = tr.Network(b.build(), inputs, outputs, "r*", biases="ib")
    batch = 3
    X = rng.normal(size=(batch, len(inputs)))
    Y = rng.normal(size=(batch, len(outputs)))
    return net, X, Y


def _behind_amplifier(
    b: CircuitBuilder, rng: np.random.Generator, control: str
) -> list[str | tuple[str, str]]:
    """A bidirectional amplifier with resistors and diodes behind it; return an output there."""
    gain = float(rng.choice([-3.0, 2.0, 4.0]))
    b.voltage_source("vsense", "drive", "behind", 0.0)
    b.vcvs("e1", "drive", "0", control, "0", gain)
    b.cccs("f1", control, "0", "vsense", 1.0 / gain)
    for k, (p, q) in enumerate([("behind", "h1"), ("h1", "0"), ("behind", "h2"), ("h2", "h1")]):
        b.resistor(f"ra{k}", p, q, float(np.exp(rng.uniform(-1, 1))))
    b.diode("da", "h1", "h2", v_forward=0.05)
    return ["h1", ("h2", "behind")]
