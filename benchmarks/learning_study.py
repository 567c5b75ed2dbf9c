"""Seven learning rules on three networks, with the same budget: Fashion-MNIST, in small.

    python benchmarks/learning_study.py --results study.jsonl
    python benchmarks/learning_study.py --results study.jsonl --table

Contrastive learning, and equilibrium propagation and coupled learning, each positive, negative
and centered, train a fully connected and a convolutional Hopfield network and a convolutional
resistive network, as B. Scellier et al. compare them ("Energy-based learning algorithms for
analog computing", 2023).  Images are averaged to 14 x 14; all runs have the same images, number of
steps, optimiser (Adam, which does not mind that rules scale gradients differently), nudge and
rate.  Runs are written down one by one, seed by seed; what is known is not run again.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from resnet_sim import ResnetSimError, generators
from resnet_sim import training as tr

#: Side of the images.
SIDE = 14
#: How far outputs are nudged or clamped: S of equilibrium propagation, share of coupled learning.
NUDGE = 0.2

RULES: dict[str, tr.Rule] = {
    "contrastive": tr.ContrastiveLearning(),
    "EP positive": tr.EquilibriumPropagation(NUDGE, "positive"),
    "EP negative": tr.EquilibriumPropagation(NUDGE, "negative"),
    "EP centered": tr.EquilibriumPropagation(NUDGE, "centered"),
    "CL positive": tr.CoupledLearning(NUDGE, "positive"),
    "CL negative": tr.CoupledLearning(NUDGE, "negative"),
    "CL centered": tr.CoupledLearning(NUDGE, "centered"),
}


class Data(NamedTuple):
    """Images, one a row, 0 to 1, and their classes."""

    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray


class Subject(NamedTuple):
    """A network to train: how it is made, what it is fed, and how fast it learns."""

    make: Callable[[int], tr.Network]
    feed: Callable[[np.ndarray], np.ndarray]
    rate: float


def dense_hopfield(seed: int) -> tr.Network:
    """Return a Hopfield network of one hidden layer."""
    circuit = generators.hopfield(
        [SIDE**2, 64, 10], bias=0.0, parameters=True, linear_outputs=True, seed=seed
    )
    inputs = [f"v{k}" for k in range(SIDE**2)]
    return tr.Network(circuit, inputs, [f"o{k}" for k in range(10)], parameters=["w*", "b*"])


def convolutional_hopfield(seed: int) -> tr.Network:
    """Return a Hopfield network of one convolution."""
    circuit = generators.convolutional_hopfield(
        (SIDE, SIDE), [8], 10, kernel=4, stride=2, seed=seed
    )
    inputs = [f"v{k}" for k in range(SIDE**2)]
    return tr.Network(circuit, inputs, [f"o{k}" for k in range(10)], parameters=["k*", "w*", "b*"])


def convolutional_resistive(seed: int) -> tr.Network:
    """Return a resistive network of one convolution."""
    circuit = generators.convolutional(
        (SIDE, SIDE), [8], 10, kernel=4, stride=2, amplification=1.0, g_min=1e-4, seed=seed
    )
    inputs = [f"v{sign}{k}" for sign in "pn" for k in range(SIDE**2)]
    return tr.Network(
        circuit, inputs, [f"o{k}" for k in range(10)], "rw*", biases="ibo*",
        parameters={"k*": (1e-4, 100.0), "b*": (-100.0, 100.0)}, g_min=1e-4, precision="single",
    )  # fmt: skip


SUBJECTS = {
    "Hopfield, dense": Subject(dense_hopfield, lambda x: x, 0.01),
    "Hopfield, convolutional": Subject(convolutional_hopfield, lambda x: x, 0.01),
    "resistive, convolutional": Subject(
        convolutional_resistive, lambda x: 10.0 * np.hstack((x, -x)), 0.005
    ),
}


def fashion(images: int, tests: int) -> Data:
    """Return some images of Fashion-MNIST, averaged."""
    from resnet_sim.training.data.idx import read_images

    found = read_images()

    def small(pixels: np.ndarray) -> np.ndarray:
        blocks = pixels.reshape(-1, SIDE, 28 // SIDE, SIDE, 28 // SIDE)
        return blocks.mean(axis=(2, 4)).reshape(-1, SIDE**2) / 255.0

    return Data(
        small(found.train[:images]), found.train_labels[:images],
        small(found.test[:tests]), found.test_labels[:tests],
    )  # fmt: skip


def run(subject: Subject, rule: tr.Rule, seed: int, data: Data, epochs: int) -> dict[str, Any]:
    """Train a network; return its errors in per cent and the seconds of the processor."""
    began = time.process_time()
    net = subject.make(seed)
    adam = tr.Adam(subject.rate, schedule=tr.exponential(0.9))
    trainer = tr.Trainer(net, rule, tr.SquaredError(np.eye(10)), adam, seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of costs that rise: the table tells
        history = trainer.fit(subject.feed(data.train), data.train_labels, epochs, batch_size=25)
    errors = [
        100.0 * (1.0 - trainer.score(subject.feed(x), y))
        for x, y in ((data.train, data.train_labels), (data.test, data.test_labels))
    ]
    return {
        "train": errors[0], "test": errors[1], "cost": float(history[-1]["cost"]),
        "seconds": time.process_time() - began,
    }  # fmt: skip


def rows(known: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of the table: test errors, mean and standard deviation over seeds."""
    yield "| rule | " + " | ".join(SUBJECTS) + " |"
    yield "|---" * (len(SUBJECTS) + 1) + "|"
    for rule in RULES:
        cells = []
        for name in SUBJECTS:
            found = [r for r in known if (r["rule"], r["network"]) == (rule, name)]
            errors = [r["test"] for r in found if "test" in r]
            text = f"{np.mean(errors):.1f} ± {np.std(errors):.1f}" if errors else "-"
            failed = len(found) - len(errors)
            cells.append(text + (f" ({failed} failed)" if failed else ""))
        yield f"| {rule} | " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=Path("study.jsonl"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--tests", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--table", action="store_true", help="only show what is known")
    options = parser.parse_args()
    lines = options.results.read_text().splitlines() if options.results.exists() else []
    known = [json.loads(line) for line in lines]
    if not options.table:
        data = fashion(options.images, options.tests)
        done = {(r["network"], r["rule"], r["seed"]) for r in known}
        every = [(s, n, r) for s in range(options.seeds) for n in SUBJECTS for r in RULES]
        for seed, name, rule in every:
            if (name, rule, seed) in done:
                continue
            record: dict[str, Any] = {"network": name, "rule": rule, "seed": seed}
            try:
                record |= run(SUBJECTS[name], RULES[rule], seed, data, options.epochs)
            except ResnetSimError as error:  # what does not settle is a result, too
                record["failed"] = str(error)
            known.append(record)
            with options.results.open("a") as file:
                file.write(json.dumps(record) + "\n")
            print(record, flush=True)
    print("\n".join(rows(known)))


if __name__ == "__main__":
    main()
