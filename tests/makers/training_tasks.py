"""Small tasks and circuits that can learn them."""

from __future__ import annotations

import numpy as np

from resnet_sim import CircuitBuilder
from resnet_sim import training as tr

CORNERS = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
XOR = np.array([[-1.0], [1.0], [1.0], [-1.0]])


def full_circuit(
    rng: np.random.Generator, inputs: list[str], free: list[str], diodes: list[tuple[str, str]]
) -> CircuitBuilder:
    """Resistors from each free node to every other and to all sources, and given diodes."""
    b = CircuitBuilder("all to all")
    for name in inputs:
        b.voltage_source(f"v{name}", name, "0", 0.0)
    b.voltage_source("vhigh", "high", "0", 1.0)
    b.voltage_source("vlow", "low", "0", -1.0)
    count = 0
    for k, p in enumerate(free):
        for q in free[k + 1 :] + inputs + ["high", "low"]:
            b.resistor(f"r{count}", p, q, 1.0 / rng.uniform(0.02, 0.4))
            count += 1
    for k, (p, q) in enumerate(diodes):
        b.diode(f"d{k}", p, q)
    return b


def xor_with_inverted_inputs(seed: int) -> tuple[tr.Network, np.ndarray, np.ndarray]:
    """One output, inputs and their negatives, six diodes between random free nodes."""
    rng = np.random.default_rng(seed)
    free = [f"n{k}" for k in range(6)]
    pairs = [(p, q) for p in free for q in free if p < q]
    chosen = [pairs[k] for k in rng.choice(len(pairs), 6, replace=False)]
    diodes = [(q, p) if rng.random() < 0.5 else (p, q) for p, q in chosen]
    circuit = full_circuit(rng, ["a", "b", "na", "nb"], free, diodes).build()
    net = tr.Network(circuit, ["va", "vb", "vna", "vnb"], ["n0"], "r*", g_min=1e-3)
    return net, np.hstack([CORNERS, -CORNERS]), 0.15 * XOR


def hidden_pair(seed: int, inputs: list[str], ups: int, downs: int, hidden: int) -> tr.Network:
    """A pair of outputs; diodes from hidden nodes to the first, from the second to others."""
    rng = np.random.default_rng(seed)
    nodes = [f"h{k}" for k in range(hidden)]
    diodes = [(nodes[k], "o1") for k in range(ups)]
    diodes += [("o2", nodes[-1 - k]) for k in range(downs)]
    circuit = full_circuit(rng, inputs, ["o1", "o2", *nodes], diodes).build()
    return tr.Network(circuit, [f"v{n}" for n in inputs], [("o1", "o2")], "r*", g_min=1e-3)


def xor_with_a_pair(seed: int) -> tuple[tr.Network, np.ndarray, np.ndarray]:
    """A pair of outputs and no inverted inputs."""
    return hidden_pair(seed, ["a", "b"], 3, 3, 6), CORNERS, 0.1 * XOR


def absolute_value(seed: int) -> tuple[tr.Network, np.ndarray, np.ndarray]:
    """|x| on [-1, 1], with inverted input."""
    rng = np.random.default_rng(seed)
    free = ["o", *(f"h{k}" for k in range(6))]
    diodes = [(f"h{k}", "o") for k in range(3)] + [("o", f"h{k}") for k in range(3, 6)]
    circuit = full_circuit(rng, ["x", "nx"], free, diodes).build()
    net = tr.Network(circuit, ["vx", "vnx"], ["o"], "r*", g_min=1e-3)
    x = np.linspace(-1, 1, 21)[:, None]
    return net, np.hstack([x, -x]), 0.2 * (np.abs(x) - 0.5)


def learns_signs(trainer: tr.Trainer, X: np.ndarray, Y: np.ndarray, epochs: int) -> bool:
    """Whether all signs are right, and the error is small, within so many epochs."""
    history = trainer.fit(X, Y, epochs, callbacks=[lambda _, record: record["cost"] < 1e-4])
    right = np.sign(trainer.predict(X)) == np.sign(Y)
    return bool(right.all()) and history[-1]["cost"] < 1e-3


def bars(bright: float) -> tuple[np.ndarray, np.ndarray]:
    """Return noisy images of 6 x 6 with a bar in each, and whether it stands upright."""
    rng = np.random.default_rng(0)
    images = 0.2 * rng.uniform(0, 1, (40, 6, 6))
    label = rng.integers(0, 2, 40)
    for picture, upright in zip(images, label, strict=True):
        at = rng.integers(0, 5)
        picture[(np.s_[:], at) if upright else (at, np.s_[:])] += bright
    return images, label
