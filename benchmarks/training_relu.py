"""Digits (8 x 8 pixels) on a ReLU network as a circuit, trained with the adjoint.

    python benchmarks/training_relu.py --seeds 3

A neuron is a node between resistors to x and -x, with an ideal diode from ground; one-way buffers
of gain G and -G drive the next layer, so nothing of what follows acts back and the circuit has no
co-content: of the rules `Adjoint` alone is right.  Each weight is a pair of conductances.
1,297 images to train, 500 to test; target: 96 %.  Gain, codes and rate were chosen on
training images that were kept back.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from sklearn.datasets import load_digits

from resnet_sim import CircuitBuilder
from resnet_sim import training as tr

PIXELS, CLASSES, TRAIN = 64, 10, 1297
#: of the buffers, and V of the right output; of the others as much below 0
GAIN, CODE = 16.0, 0.25
INPUTS = [f"v{sign}{k}" for sign in "pn" for k in range(PIXELS)]


def network(seed: int, hidden: int) -> tr.Network:
    """Return the circuit with small random conductances."""
    rng = np.random.default_rng(seed)
    b = CircuitBuilder("ReLU network")
    x = np.concatenate([b.nodes("xp", PIXELS), b.nodes("xn", PIXELS)])
    b.voltage_sources("vp", x[:PIXELS], 0, 0.0)
    b.voltage_sources("vn", x[PIXELS:], 0, 0.0)
    rails = b.nodes(["one", "minus"])
    b.voltage_sources(["vone", "vminus"], rails, 0, np.array([1.0, -1.0]))
    neurons, outputs = b.nodes("m", hidden), b.nodes("o", CLASSES)
    driven = np.concatenate([b.nodes("h", hidden), b.nodes("hn", hidden)])
    for layer, (before, here) in enumerate(((x, neurons), (driven, outputs)), start=1):
        before = np.concatenate((before, rails))
        ends = np.repeat(before, len(here)), np.tile(here, len(before))
        g = rng.uniform(0.0, 2.0 / len(before), len(ends[0]))
        b.resistors(f"rw{layer}_", *ends, 1.0 / np.maximum(g, 1e-4))
    b.diodes("d", np.zeros_like(neurons), neurons)
    for k in range(hidden):
        b.vcvs(f"ep{k}", f"h{k}", "0", f"m{k}", "0", GAIN)
        b.vcvs(f"en{k}", f"hn{k}", "0", f"m{k}", "0", -GAIN)
    return tr.Network(b.build(), INPUTS, [f"o{k}" for k in range(CLASSES)], "rw*", g_min=1e-5)


def train(seed: int, hidden: int, epochs: int, lr: float, samples: int = TRAIN) -> float:
    """Return the share of the test images that are told right."""
    digits = load_digits()
    order = np.random.default_rng(seed).permutation(len(digits.target))
    x, y = digits.data[order] / 16.0, digits.target[order]
    u = np.hstack((x, -x))
    adam = tr.Adam(lr, schedule=tr.cosine(epochs, 0.05))
    cost = tr.SquaredError(CODE * (2 * np.eye(CLASSES) - 1))
    trainer = tr.Trainer(network(seed, hidden), tr.Adjoint(), cost, adam, seed)
    trainer.fit(u[:samples], y[:samples], epochs, batch_size=16)
    return trainer.score(u[TRAIN:], y[TRAIN:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--lr", type=float, default=1e-3)
    options = parser.parse_args()
    for seed in range(options.seeds):
        began = time.process_time()
        right = train(seed, options.hidden, options.epochs, options.lr)
        print(
            f"seed {seed}: {100 * right:.1f} % right, {time.process_time() - began:.0f} s of CPU",
            flush=True,
        )


if __name__ == "__main__":
    main()
