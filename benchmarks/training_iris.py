"""Iris on a linear network of 9 nodes and 16 resistors, as Dillavou et al. (2022) built one.

    python benchmarks/training_iris.py --recipe means --splits 30

Six sources (four features from 0 to 1 V, rails of 0 and 1 V) and three outputs; 16 of the 18
possible resistors between them.  75 flowers to train, 75 to test.

means    targets are the class means of the untrained outputs, twice as far apart; what is
         nearest to the class means of the trained outputs counts
hinge    the highest output counts, and is trained to by a margin of 50 mV
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from sklearn.datasets import load_iris

from resnet_sim import CircuitBuilder
from resnet_sim import training as tr

SOURCES = ["f0", "f1", "f2", "f3", "0", "one"]


def network(seed: int) -> tr.Network:
    """All edges from sources to outputs but two, which are from features."""
    rng = np.random.default_rng(seed)
    left_out = rng.choice(12, 2, replace=False)
    b = CircuitBuilder("iris")
    for k in range(4):
        b.voltage_source(f"v{k}", f"f{k}", "0", 0.0)
    b.voltage_source("vone", "one", "0", 1.0)
    edges = [(s, f"o{k}") for s in SOURCES for k in range(3)]
    for k, (p, q) in enumerate(edges):
        if k not in left_out:
            b.resistor(f"r{k}", p, q, 1.0 / rng.uniform(0.2, 1.0))
    inputs = [f"v{k}" for k in range(4)]
    return tr.Network(b.build(), inputs, ["o0", "o1", "o2"], "r*", g_min=1e-3)


def class_means(outputs: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.array([outputs[y == k].mean(axis=0) for k in range(3)])


def accuracy(seed: int, recipe: str, steps: int) -> float:
    """Share of right answers on the flowers kept back."""
    x, y = load_iris(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(y))
    train, test = order[:75], order[75:]
    low, high = x[train].min(axis=0), x[train].max(axis=0)
    x = (x - low) / (high - low)
    net = network(seed)
    if recipe == "hinge":
        trainer = tr.Trainer(
            net, tr.EquilibriumPropagation(1e-3), tr.Hinge(0.05), tr.SGD(0.3), seed
        )
        trainer.fit(x[train], y[train], steps)
        return trainer.score(x[test], y[test])
    means = class_means(net.forward(x[train]), y[train])
    codes = means.mean(axis=0) + 2.0 * (means - means.mean(axis=0))
    trainer = tr.Trainer(
        net, tr.EquilibriumPropagation(1e-3), tr.SquaredError(codes), tr.SGD(1.0), seed
    )
    trainer.fit(x[train], y[train], steps)
    read = tr.SquaredError(class_means(trainer.predict(x[train]), y[train]))
    return float((read.decode(trainer.predict(x[test])) == y[test]).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", choices=["means", "hinge"], default="means")
    parser.add_argument("--splits", type=int, default=30)
    parser.add_argument("--steps", type=int, default=2000)
    options = parser.parse_args()
    began = time.perf_counter()
    found = [accuracy(seed, options.recipe, options.steps) for seed in range(options.splits)]
    print(
        f"{options.recipe}, {options.splits} splits: median {np.median(found):.1%}, "
        f"lowest {min(found):.1%}, highest {max(found):.1%}, "
        f"{(time.perf_counter() - began) / options.splits:.1f} s each"
    )


if __name__ == "__main__":
    main()
