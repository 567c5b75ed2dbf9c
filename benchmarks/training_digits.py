"""Digits (8 x 8 pixels, from scikit-learn) on a layered network and on a random sparse graph.

    python benchmarks/training_digits.py layered --seeds 5
    python benchmarks/training_digits.py sparse --seeds 5
    python benchmarks/training_digits.py sparse --seeds 5 --no-diodes

1,297 images to train, 500 to test.  On the sparse graph diodes join free nodes only: no layer
structure and no bound at a given potential.  Accuracy alone proves no nonlinear learning;
compare the relative mean squared error with that of the same graph without diodes.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from sklearn.datasets import load_digits

from resnet_sim import CircuitBuilder
from resnet_sim import training as tr
from resnet_sim.generators import layered

PIXELS, CLASSES, TRAIN = 64, 10, 1297


def data(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pixels from 0 to 1 and classes, to train with and to test with."""
    digits = load_digits()
    order = np.random.default_rng(seed).permutation(len(digits.target))
    x, y = digits.data[order] / 16.0, digits.target[order]
    return x[:TRAIN], y[:TRAIN], x[TRAIN:], y[TRAIN:]


def layered_network(seed: int, hidden: int, amplification: float) -> tr.Network:
    """Input pairs, half the hidden nodes at least 0 V, half at most 0 V, output pairs."""
    circuit = layered(
        [PIXELS, hidden, CLASSES], amplification=amplification, output_pairs=True, seed=seed,
        g_min=1e-6,
    )  # fmt: skip
    inputs = [f"v{sign}{k}" for sign in "pn" for k in range(PIXELS)]
    outputs = [(f"op{k}", f"on{k}") for k in range(CLASSES)]
    return tr.Network(circuit, inputs, outputs, "rw*", biases="ib*", g_min=1e-6)


def sparse_network(
    seed: int, free: int = 200, degree: int = 4, diodes: int = 200, fan_in: int = 32,
    fan_out: int = 40,
) -> tr.Network:  # fmt: skip
    """A random graph of free nodes; each input and each output joined to some of them."""
    rng = np.random.default_rng(seed)
    b = CircuitBuilder("random sparse graph")
    hidden = b.nodes("h", free)
    pixels, high, low = b.nodes("x", PIXELS), b.node("high"), b.node("low")
    outputs = b.nodes([f"o{sign}{k}" for k in range(CLASSES) for sign in "pn"])
    b.voltage_sources("v", pixels, 0, np.zeros(PIXELS))
    b.voltage_source("vhigh", "high", "0", 1.0)
    b.voltage_source("vlow", "low", "0", -1.0)
    upper = np.array([(i, j) for i in range(free) for j in range(i)])
    edges = upper[rng.choice(len(upper), free * degree // 2, replace=False)]
    p = [hidden[edges[:, 0]], np.repeat(pixels, fan_in), np.repeat(outputs, fan_out)]
    q = [hidden[edges[:, 1]]]
    q += [hidden[rng.choice(free, fan_in, replace=False)] for _ in pixels]
    q += [hidden[rng.choice(free, fan_out, replace=False)] for _ in outputs]
    for rail in (high, low):
        p.append(np.full(free, rail))
        q.append(hidden)
    ends = np.concatenate(p), np.concatenate(q)
    b.resistors("r", *ends, 1.0 / rng.uniform(0.01, 0.3, len(ends[0])))
    if diodes:
        anode, cathode = upper[rng.choice(len(upper), diodes, replace=False)].T
        turned = rng.random(diodes) < 0.5
        anode, cathode = np.where(turned, cathode, anode), np.where(turned, anode, cathode)
        b.diodes("d", hidden[anode], hidden[cathode])
    pairs = [(f"op{k}", f"on{k}") for k in range(CLASSES)]
    return tr.Network(b.build(), [f"v{k}" for k in range(PIXELS)], pairs, "r*", g_min=1e-4)


def run_layered(seed: int, options: argparse.Namespace) -> tuple[float, float, float]:
    x, y, x_test, y_test = data(seed)
    gain = options.amplification
    net = layered_network(seed, options.hidden, gain)
    rates = {"*1_*": options.lr, "*2_*": 5 * options.lr}
    optimizer = tr.SGD(rates, schedule=tr.exponential(options.decay))
    cost = tr.SquaredError(np.eye(CLASSES))
    trainer = tr.Trainer(net, tr.EquilibriumPropagation(0.2), cost, optimizer, seed)
    began = time.perf_counter()
    trainer.fit(gain * np.hstack([x, -x]), y, options.epochs, batch_size=8)
    seconds = time.perf_counter() - began
    return *judge(trainer, gain * np.hstack([x_test, -x_test]), y_test, cost), seconds


def run_sparse(seed: int, options: argparse.Namespace) -> tuple[float, float, float]:
    x, y, x_test, y_test = data(seed)
    net = sparse_network(seed, diodes=0 if options.no_diodes else 200)
    cost = tr.SquaredError(0.2 * (2 * np.eye(CLASSES) - 1))
    optimizer = tr.Adam(options.lr, schedule=tr.cosine(options.epochs, 0.05))
    trainer = tr.Trainer(net, tr.EquilibriumPropagation(1e-3), cost, optimizer, seed)
    began = time.perf_counter()
    trainer.fit(2 * x - 1, y, options.epochs, batch_size=32)
    return *judge(trainer, 2 * x_test - 1, y_test, cost), time.perf_counter() - began


def judge(
    trainer: tr.Trainer, x: np.ndarray, y: np.ndarray, cost: tr.SquaredError
) -> tuple[float, float]:
    """Accuracy, and mean squared error over the variance of the targets."""
    outputs = trainer.predict(x)
    target = cost.target(outputs, y)
    return trainer.score(x, y), float(((outputs - target) ** 2).mean() / target.var())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", choices=["layered", "sparse"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--lr", type=float)
    parser.add_argument("--decay", type=float, default=0.95)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--amplification", type=float, default=100.0)
    parser.add_argument("--no-diodes", action="store_true", help="sparse: resistors alone")
    options = parser.parse_args()
    sparse = options.network == "sparse"
    options.epochs = options.epochs or (12 if sparse else 20)
    options.lr = options.lr or (0.03 if sparse else 0.003)
    found = []
    for seed in range(options.seeds):
        found.append((run_sparse if sparse else run_layered)(seed, options))
        print("seed {}: {:.1%} right, relative mse {:.3f}, {:.0f} s".format(seed, *found[-1]))
    right, mse, seconds = np.median(found, axis=0)
    print(f"median: {right:.1%} right, relative mse {mse:.3f}, {seconds:.0f} s")


if __name__ == "__main__":
    main()
