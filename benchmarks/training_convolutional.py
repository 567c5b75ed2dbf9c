"""Fashion-MNIST on a convolutional resistive network: one layer of kernels, diodes, a dense layer.

    python benchmarks/training_convolutional.py --checkpoint run.npz
    python benchmarks/training_convolutional.py --images 3200 --validation 1000 --epochs 2

Inputs are pixels and minus pixels, in volts; half of the channels is kept above 0 V by diodes, half
below; a class is the difference of two outputs.  Cross-entropy, centered equilibrium propagation
with nudges by currents, Adam, batches of 32, in single precision.  With `--validation` so many
training images are kept back, and each epoch says how many per cent of them are wrong; the test
images are asked once, after the last one.  Target: 9.7 % wrong.  A run that was ended goes on from
its checkpoint with the same bits.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

from resnet_sim import training as tr
from resnet_sim.generators import convolutional
from resnet_sim.training.data.idx import Images, read_images

SIDE, CLASSES, BATCH = 28, 10, 32
#: V of a white pixel; 1/V, of the difference of two outputs in the softmax
PIXEL, SCALE = 100.0, 10.0
#: nudge, A V; rates of kernels and of the dense layer, S and A
BETA, KERNELS, DENSE = 0.1, 5e-3, 1e-3
#: images that are looked at to tell how good it is
PART = 2_000


def network(seed: int, channels: int, kernel: int, stride: int) -> tr.Network:
    """Return the network, all of whose conductances and currents learn."""
    circuit = convolutional(
        (SIDE, SIDE), [channels], CLASSES, kernel=kernel, stride=stride, seed=seed,
        output_pairs=True,
    )  # fmt: skip
    inputs = [f"v{sign}{k}" for sign in "pn" for k in range(SIDE**2)]
    return tr.Network(
        circuit, inputs, [(f"op{k}", f"on{k}") for k in range(CLASSES)], "rw*", biases="ibo*",
        parameters={"k*": (1e-4, 100.0), "b*": (-100.0, 100.0)}, g_min=1e-4, precision="single",
    )  # fmt: skip


def volts(pixels: np.ndarray) -> np.ndarray:
    """Return the inputs for images of bytes, one a row."""
    x = PIXEL / 255.0 * pixels
    return np.hstack((x, -x))


def wrong(trainer: tr.Trainer, pixels: np.ndarray, labels: np.ndarray) -> float:
    """Return how many per cent of some images are taken for another class."""
    parts = range(0, len(pixels), PART)
    found = [trainer.classify(volts(pixels[k : k + PART])) for k in parts]
    return 100.0 * float((np.concatenate(found) != labels).mean())


def train(options: argparse.Namespace, images: Images) -> list[dict[str, Any]]:
    """Train, print what becomes of it, and return the records of the epochs."""
    net = network(options.seed, options.channels, options.kernel, options.stride)
    rates = {"rw*": DENSE, "ibo*": DENSE, "k*": KERNELS, "b*": KERNELS}
    adam = tr.Adam(rates, schedule=tr.cosine(options.epochs, 0.02))
    rule, cost = tr.EquilibriumPropagation(BETA), tr.CrossEntropy(SCALE)
    trainer = tr.Trainer(net, rule, cost, adam, options.seed)
    if options.checkpoint is not None and options.checkpoint.exists():
        trainer.load(options.checkpoint)
    last = len(images.train) - options.validation
    pixels, labels = images.train[:last][: options.images], images.train_labels[: options.images]
    x, began = volts(pixels), time.process_time()
    for epoch in range(len(trainer.history), options.epochs):
        trainer.fit(x, labels[: len(x)], 1, BATCH)
        said = f"epoch {epoch + 1}: cost {trainer.history[-1]['cost']:.4f}"
        if options.validation:
            kept = wrong(trainer, images.train[last:], images.train_labels[last:])
            said += f", {kept:.2f} % of the images kept back wrong"
        print(f"{said}, {time.process_time() - began:.0f} s of CPU", flush=True)
        if options.checkpoint is not None:
            trainer.save(options.checkpoint)
    if options.tests:
        tests = wrong(trainer, images.test[: options.tests], images.test_labels[: options.tests])
        print(f"{tests:.2f} % of {options.tests} test images wrong", flush=True)
    return trainer.history


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--kernel", type=int, default=5)
    parser.add_argument("--stride", type=int, default=2)
    parser.add_argument("--images", type=int, default=60_000)
    parser.add_argument("--tests", type=int, default=10_000)
    parser.add_argument("--validation", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--checkpoint", type=Path)
    train(parser.parse_args(), read_images())


if __name__ == "__main__":
    main()
