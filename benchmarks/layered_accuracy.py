"""Published layered networks, trained on Fashion-MNIST or other images in idx files.

    python benchmarks/layered_accuracy.py XS --seeds 5
    python benchmarks/layered_accuracy.py 3H-m --hidden 512 --checkpoints runs --results runs.jsonl
    python benchmarks/layered_accuracy.py XL --samples 1600 --tests 0 --epochs 3 --threads 2

Images come from the four files of MNIST in a directory: --data, else $RESNET_SIM_DATA, else
where the Debian package dataset-fashion-mnist puts them.  XS, 1H, 2H, 3H and XL are those of
B. Scellier (arXiv 2402.11674), minibatches of 4; 1H-m, 2H-m and 3H-m, minibatches of 32 with
momentum, are those of B. Scellier and S. Mishra (arXiv 2312.15063).  Inputs are A x and -A x
for pixels x from 0 to 1; the rates fall by 1 % an epoch.  With --checkpoints a run that was
interrupted goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import resource
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from resnet_sim import training as tr
from resnet_sim.generators import layered
from resnet_sim.training.data.idx import Images, Scaled, read_images


@dataclass(frozen=True)
class Network:
    """Hyperparameters; rates of layers, biases learn at `bias_share` of them."""

    hidden: tuple[int, ...]
    amplification: float
    rates: tuple[float, ...]
    beta: float = 1.0
    batch: int = 4
    momentum: float = 0.0
    bias_share: float = 1.0
    epochs: int = 100


NETWORKS = {
    "XS": Network((100,), 100, (0.006,) * 2, epochs=10),
    "1H": Network((1024,), 480, (0.006,) * 2, epochs=50),
    "2H": Network((1024,) * 2, 2000, (0.002, 0.006, 0.018), epochs=50),
    "3H": Network((1024,) * 3, 4000, (0.005, 0.02, 0.08, 0.005), 2.0, bias_share=0.1, epochs=50),
    "XL": Network((32768,), 800, (0.006,) * 2),
    "1H-m": Network((1024,), 300, (0.005,) * 2, 0.5, 32, 0.9),
    "2H-m": Network((1024,) * 2, 1250, (0.002, 0.006, 0.005), 1.0, 32, 0.9),
    "3H-m": Network((1024,) * 3, 2500, (0.005, 0.02, 0.08, 0.005), 2.0, 32, 0.9, 0.1),
}


def make(network: Network, hidden: Sequence[int], pixels: int, classes: int, seed: int) -> Any:
    """Return the untrained network."""
    circuit = layered(
        [pixels, *hidden, classes], input_pairs="inverted", crossbars=True, g_min=0.0,
        seed=seed, dtype=np.float32,
    )  # fmt: skip
    inputs = [f"vp{k}" for k in range(pixels)]
    return tr.Network(
        circuit, inputs, [f"o{k}" for k in range(classes)], "rw*", biases="ib*", g_min=0.0
    )


def make_optimizer(network: Network) -> tr.Optimizer:
    schedule = tr.exponential(0.99)
    lr: Any = network.rates[0]
    if len({*network.rates}) > 1 or network.bias_share != 1:
        lr = {f"rw{k}_*": rate for k, rate in enumerate(network.rates, 1)}
        lr |= {f"ib{k}_*": network.bias_share * r for k, r in enumerate(network.rates, 1)}
    if network.momentum:
        return tr.Momentum(lr, network.momentum, schedule)
    return tr.SGD(lr, schedule)


def run(name: str, seed: int, images: Images, options: argparse.Namespace) -> dict[str, Any]:
    """Train and test once; return what became of it."""
    network = NETWORKS[name]
    hidden = tuple(options.hidden or n for n in network.hidden)
    classes = int(images.train_labels.max()) + 1
    gain = network.amplification / 255
    net = make(network, hidden, images.train.shape[1], classes, seed)
    cost = tr.SquaredError(np.eye(classes))
    rule = tr.EquilibriumPropagation(network.beta)
    trainer = tr.Trainer(net, rule, cost, make_optimizer(network), seed)
    x_train, y_train = images.train[: options.samples], images.train_labels[: options.samples]
    x_test, y_test = images.test[: options.tests], images.test_labels[: options.tests]
    folder = TemporaryDirectory()
    metrics = Path(folder.name) / "metrics.jsonl"

    def note(_: tr.Trainer, record: dict[str, Any]) -> None:
        # as the trainer takes it: without checkpoints, and without what follows here
        seconds = json.loads(metrics.read_text().splitlines()[-1])["seconds"]
        error = 100 * (1 - trainer.score(Scaled(x_test, gain), y_test)) if len(y_test) else np.nan
        record |= {"training_seconds": seconds, "test_error": round(error, 2)}
        print(f"{name} seed {seed} epoch {record['epoch'] + 1}: cost {record['cost']:.4f} V^2, "
              f"test error {error:.2f} %, {seconds:.2f} s", flush=True)  # fmt: skip

    path = options.checkpoints and options.checkpoints / f"{name}-{hidden[0]}-{seed}.npz"
    epochs = options.epochs or network.epochs
    trainer.fit(
        Scaled(x_train, gain), y_train, epochs, options.batch or network.batch,
        callbacks=[note], checkpoint=path, resume=path is not None, metrics=metrics,
        threads=options.threads,
    )  # fmt: skip
    folder.cleanup()
    final = trainer.history[-1]
    return {
        "network": name, "hidden": list(hidden), "seed": seed, "data": str(options.data or ""),
        "batch": options.batch or network.batch, "epochs": len(trainer.history),
        "cost": final["cost"], "test_error": final["test_error"], "threads": options.threads,
        # a run that was killed lacks those of the epoch that it had just saved
        "training_seconds": sum(r.get("training_seconds", 0.0) for r in trainer.history),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("--data", type=Path, help="directory of the images")
    parser.add_argument("--seeds", type=int, default=1, help="how many runs")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, help="fewer or more than published")
    parser.add_argument("--batch", type=int, help="samples in a minibatch")
    parser.add_argument("--samples", type=int, help="train on so many images")
    parser.add_argument("--tests", type=int, help="test on so many images")
    parser.add_argument("--hidden", type=int, help="units in a hidden layer")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--checkpoints", type=Path, help="directory to go on from")
    parser.add_argument("--results", type=Path, help="file to add JSON lines to")
    options = parser.parse_args()
    images = read_images(options.data)
    found = []
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        found.append(run(options.network, seed, images, options))
        if options.results:
            with options.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(found[-1]) + "\n")
    errors = [f"{one['test_error']:.2f}" for one in found]
    seconds = median(one["training_seconds"] for one in found)
    error = median(one["test_error"] for one in found)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{options.network}: test error {', '.join(errors)} %, median {error:.2f} %; "
          f"{seconds:.1f} s of training, peak {peak:.0f} MB")  # fmt: skip


if __name__ == "__main__":
    main()
