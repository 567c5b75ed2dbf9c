"""Fashion-MNIST (28 x 28 pixels) on one large random sparse circuit, beside its diode-free control.

    python benchmarks/training_sparse.py -o DIR
    python benchmarks/training_sparse.py -o DIR --only diodes
    python benchmarks/training_sparse.py -o DIR --report curve.svg

Free nodes are joined to each other at random, by resistors and, anode to cathode, by ideal
diodes; each has resistors to some pixels of a patch, as x or -x, to both rails, which serve as
biases, and to some of the outputs, which are differences of pairs.  No layers, no diode at a given
potential.  The control is the same circuit without its diodes, and begins from the same
conductances.

DIR holds a checkpoint and a line an epoch for each of the two; a run that was ended goes on from
there with the same bits.  Milliseconds are CPU time of this process.  ``--report`` draws the test
errors of what is there and prints the table.  The images are those of the Debian package
dataset-fashion-mnist, or in the folder that RESNET_SIM_DATA names.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from resnet_sim import CircuitBuilder, plotting
from resnet_sim import training as tr
from resnet_sim.compiled import policy
from resnet_sim.training.data.idx import read_images

SIDE, CLASSES = 28, 10
PIXELS = SIDE * SIDE
#: side of the patch of pixels that a free node sees
PATCH = 9
#: outputs that stand for the right class and for the others, V
TARGET = 0.1
INPUTS = [f"v{sign}{k}" for sign in "pn" for k in range(PIXELS)]
OUTPUTS = [(f"op{k}", f"on{k}") for k in range(CLASSES)]
#: the two runs, and whether they have diodes
RUNS = {"diodes": True, "control": False}


def patches(rng: np.random.Generator, free: int, fan_in: int) -> np.ndarray:
    """Draw the inputs that free nodes are joined to, shape (free, fan_in): pixels of a patch."""
    corner = rng.integers(0, SIDE - PATCH + 1, (free, 2))
    # without repetition: two resistors to one source would be one
    place = np.argsort(rng.random((free, PATCH * PATCH)), axis=1)[:, :fan_in]
    row, column = corner[:, :1] + place // PATCH, corner[:, 1:] + place % PATCH
    inverted = rng.random((free, fan_in)) < 0.5
    return row * SIDE + column + PIXELS * inverted


def pairs(rng: np.random.Generator, free: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw pairs of different nodes."""
    p = rng.integers(0, free, count)
    return p, (p + rng.integers(1, free, count)) % free


def network(options: argparse.Namespace, diodes: bool) -> tr.Network:
    """Return the circuit; without diodes all else is the same."""
    rng, free = np.random.default_rng(options.seed), options.nodes
    b = CircuitBuilder("random sparse circuit")
    hidden = b.nodes("h", free)
    pixels = np.concatenate([b.nodes("xp", PIXELS), b.nodes("xn", PIXELS)])
    high, low = b.node("high"), b.node("low")
    outputs = b.nodes([name for pair in OUTPUTS for name in pair])
    b.voltage_sources("vp", pixels[:PIXELS], 0, np.zeros(PIXELS))
    b.voltage_sources("vn", pixels[PIXELS:], 0, np.zeros(PIXELS))
    b.voltage_source("vhigh", "high", "0", 1.0)
    b.voltage_source("vlow", "low", "0", -1.0)
    first, second = pairs(rng, free, free * options.degree // 2)
    seen = patches(rng, free, options.fan_in)
    heard = np.argsort(rng.random((free, len(outputs))), axis=1)[:, : options.fan_out]
    p = [hidden[first], pixels[seen.ravel()], outputs[heard.ravel()]]
    q = [hidden[second], *(np.repeat(hidden, n) for n in (options.fan_in, options.fan_out))]
    for rail in (high, low):
        p.append(np.full(free + len(outputs), rail))
        q.append(np.concatenate([hidden, outputs]))
    ends = np.concatenate(p), np.concatenate(q)
    b.resistors("r", *ends, 1.0 / rng.uniform(0.01, 0.3, len(ends[0])))
    anode, cathode = pairs(rng, free, options.diodes)
    if diodes:
        b.diodes("d", hidden[anode], hidden[cathode])
    return tr.Network(b.build(), INPUTS, OUTPUTS, "r*", g_min=1e-4)


def data(options: argparse.Namespace) -> tuple[np.ndarray, ...]:
    """Return voltages of pixels, x and -x from -1 to 1, and classes: to train and to test with."""
    images = read_images()

    def volts(bytes_: np.ndarray) -> np.ndarray:
        x = bytes_ / 127.5 - 1.0
        return np.hstack([x, -x])

    n, m = options.images, options.test
    return (
        volts(images.train[:n]), images.train_labels[:n],
        volts(images.test[:m]), images.test_labels[:m],
    )  # fmt: skip


class Log:
    """Callback that tests after each epoch, and adds a line to a file."""

    def __init__(self, path: Path, x: np.ndarray, y: np.ndarray, count: int) -> None:
        self.path, self.x, self.y, self.count = path, x, y, count
        self.since = time.process_time()

    def __call__(self, trainer: tr.Trainer, record: dict[str, Any]) -> None:
        spent = time.process_time() - self.since
        outputs = trainer.predict(self.x)
        target = trainer.cost.target(outputs, self.y)
        line = record | {
            "ms": 1e3 * spent / self.count,
            "right": float((trainer.cost.decode(outputs) == self.y).mean()),
            "mse": float(((outputs - target) ** 2).mean() / target.var()),
        }
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")
        print(self.path.stem, describe(line), flush=True)
        self.since = time.process_time()


def train(name: str, options: argparse.Namespace) -> None:
    """Train one of the two, from its checkpoint if there is one."""
    x, y, x_test, y_test = data(options)
    net = network(options, RUNS[name])
    circuit = net.circuit
    print(
        f"{name}: {len(circuit.nodes)} nodes, {len(net.trainable)} conductances that learn, "
        f"{len(circuit.diodes)} diodes; {net.explain_backend().splitlines()[0]}",
        flush=True,
    )
    optimizer = tr.Adam(options.lr, schedule=tr.cosine(options.epochs, 0.05))
    cost = tr.SquaredError(TARGET * (2 * np.eye(CLASSES) - 1))
    trainer = tr.Trainer(net, tr.EquilibriumPropagation(1e-3), cost, optimizer, options.seed)
    checkpoint = options.output / f"{name}.npz"
    log = Log(options.output / f"{name}.jsonl", x_test, y_test, len(x))
    trainer.fit(
        x, y, options.epochs, batch_size=options.batch, checkpoint=checkpoint, resume=True,
        callbacks=[log],
    )  # fmt: skip


def describe(line: dict[str, Any]) -> str:
    return (
        f"epoch {line['epoch'] + 1}: cost {line['cost']:.4g}, {line['right']:.1%} right, "
        f"relative mse {line['mse']:.3f}, {line['ms']:.2f} ms a sample"
    )


def histories(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the lines of each run; of an epoch that was run twice the last."""
    found = {}
    for name in RUNS:
        path = folder / f"{name}.jsonl"
        lines = map(json.loads, path.read_text().splitlines()) if path.exists() else ()
        by_epoch = {line["epoch"]: line for line in lines}
        if by_epoch:
            found[name] = [by_epoch[epoch] for epoch in sorted(by_epoch)]
    return found


def table(found: dict[str, list[dict[str, Any]]]) -> str:
    """Return the learning curves as a table in Markdown."""
    heads = [f"{name}: {what}" for name in found for what in ("right", "relative mse", "ms")]
    lines = ["| epoch | " + " | ".join(heads) + " |", "|---" * (1 + len(heads)) + "|"]
    for epoch in range(max(map(len, found.values()), default=0)):
        cells = [
            f"{100 * run[epoch]['right']:.1f} % | {run[epoch]['mse']:.3f} | {run[epoch]['ms']:.2f}"
            if epoch < len(run) else "| | "
            for run in found.values()
        ]  # fmt: skip
        lines.append(f"| {epoch + 1} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def report(options: argparse.Namespace) -> None:
    """Print the table, and draw test errors."""
    found = histories(options.output)
    print(table(found))
    curves = {
        name: [{"epoch": line["epoch"], "test error": 1.0 - line["right"]} for line in run]
        for name, run in found.items()
    }
    plotting.save(plotting.learning_curve(curves, "test error"), options.report)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--only", choices=RUNS, help="one of the two")
    parser.add_argument("--report", metavar="FILE", help="no training: table, and this picture")
    parser.add_argument("--nodes", type=int, default=20_000, help="free nodes")
    parser.add_argument("--diodes", type=int, default=10_000, help="between free nodes")
    parser.add_argument("--degree", type=int, default=2, help="resistors to other free nodes")
    parser.add_argument("--fan-in", type=int, default=12, help="pixels of a free node")
    parser.add_argument("--fan-out", type=int, default=2, help="outputs of a free node")
    parser.add_argument("--images", type=int, default=3_000, help="to train with")
    parser.add_argument("--test", type=int, default=1_000, help="images to test with")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--lr", type=float, default=0.03, help="S")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    if options.report:
        report(options)
        return
    options.output.mkdir(parents=True, exist_ok=True)
    for name in RUNS if options.only is None else [options.only]:
        with policy.using(threads=options.threads):
            train(name, options)


if __name__ == "__main__":
    main()
