"""Fashion-MNIST on a convolutional resistive network: one layer of kernels, diodes, a dense layer.

    python benchmarks/training_convolutional.py --checkpoint run.npz --epochs 12
    python benchmarks/training_convolutional.py --images 3200 --tests 1000 --epochs 2

Inputs are pixels and minus pixels, in volts; half of the channels is kept above 0 V by diodes, half
below.  Centered equilibrium propagation, Adam, batches of 32, in single precision.  After each
epoch a line says the share of wrong test images in per cent; target: 9.7 %.  A run that was ended
goes on from its checkpoint with the same bits.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

from resnet_sim import training as tr
from resnet_sim.generators import convolutional
from resnet_sim.training.data.idx import read_images

SIDE, CLASSES, BATCH = 28, 10, 32
#: V of a white pixel, and of the output of its class
PIXEL, TARGET = 100.0, 1.0
#: nudge, S; rates of kernels and of the dense layer, S and A
BETA, KERNELS, DENSE = 0.5, 2e-3, 1e-3


def network(seed: int, channels: int, kernel: int, stride: int) -> tr.Network:
    """Return the network, all of whose conductances and currents learn."""
    circuit = convolutional(
        (SIDE, SIDE), [channels], CLASSES, kernel=kernel, stride=stride, seed=seed
    )
    inputs = [f"v{sign}{k}" for sign in "pn" for k in range(SIDE**2)]
    return tr.Network(
        circuit, inputs, [f"o{k}" for k in range(CLASSES)], "rw*", biases="ibo*",
        parameters={"k*": (1e-4, 100.0), "b*": (-100.0, 100.0)}, g_min=1e-4, precision="single",
    )  # fmt: skip


def volts(pixels: np.ndarray) -> np.ndarray:
    """Return the inputs for images of bytes, one a row."""
    x = PIXEL / 255.0 * pixels
    return np.hstack((x, -x))


def train(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Train, and return the records of the epochs."""
    images = read_images()
    net = network(options.seed, options.channels, options.kernel, options.stride)
    rates = {"rw*": DENSE, "ibo*": DENSE, "k*": KERNELS, "b*": KERNELS}
    adam = tr.Adam(rates, schedule=tr.cosine(options.epochs, 0.02))
    cost = tr.SquaredError(TARGET * np.eye(CLASSES))
    trainer = tr.Trainer(net, tr.EquilibriumPropagation(BETA), cost, adam, options.seed)
    tests, labels = volts(images.test[: options.tests]), images.test_labels[: options.tests]
    began = time.process_time()

    def told(trainer: tr.Trainer, record: dict[str, Any]) -> None:
        wrong = 100.0 * (trainer.classify(tests) != labels).mean()
        seconds = time.process_time() - began
        print(
            f"epoch {record['epoch'] + 1}: cost {record['cost']:.4f} V^2, {wrong:.2f} % of the "
            f"test images wrong, {seconds:.0f} s of CPU",
            flush=True,
        )

    x, y = volts(images.train[: options.images]), images.train_labels[: options.images]
    return trainer.fit(
        x, y, options.epochs, BATCH, callbacks=[told], checkpoint=options.checkpoint,
        resume=options.checkpoint is not None,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--channels", type=int, default=32)
    parser.add_argument("--kernel", type=int, default=5)
    parser.add_argument("--stride", type=int, default=2)
    parser.add_argument("--images", type=int, default=60_000)
    parser.add_argument("--tests", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--checkpoint", type=Path)
    train(parser.parse_args())


if __name__ == "__main__":
    main()
