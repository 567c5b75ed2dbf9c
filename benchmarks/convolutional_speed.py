"""A training step of a convolutional resistive network against one of the same network in PyTorch.

    python benchmarks/convolutional_speed.py
    python benchmarks/convolutional_speed.py --side 14 --batch 8 32

A step of ours is centered equilibrium propagation (a free and two nudged states) and Adam; one
of PyTorch's convolution, ReLU, average pooling and a dense layer, backward, and Adam.  Both have
one core and alternate in one process, `STEPS` at a time; milliseconds are of the processor, and
the ratio is that of the medians.  Without PyTorch only ours are shown.  Target of the ratio: 4 at
batch 32.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from statistics import median

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np  # noqa: E402

from resnet_sim import training as tr  # noqa: E402
from resnet_sim.generators import convolutional  # noqa: E402

Step = Callable[[], None]
CLASSES = 10
#: minibatches of one call
STEPS = 4


def ours(options: argparse.Namespace, batch: int) -> tuple[Step, str]:
    """Return steps, and what solves the circuit."""
    side = options.side
    circuit = convolutional(
        (side, side), [options.channels], CLASSES, kernel=options.kernel, pool=2, seed=1
    )
    net = tr.Network(
        circuit, [f"v{sign}{k}" for sign in "pn" for k in range(side**2)],
        [f"o{k}" for k in range(CLASSES)], "rw*", biases="ibo*",
        parameters={"k*": (1e-4, 100.0), "b*": (-100.0, 100.0)}, g_min=1e-4, precision="single",
    )  # fmt: skip
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 10, (STEPS * batch, side**2))
    u, y = np.hstack((x, -x)), np.eye(CLASSES)[rng.integers(0, CLASSES, len(x))]
    trainer = tr.Trainer(
        net, tr.EquilibriumPropagation(0.1), tr.SquaredError(), tr.Adam(1e-3)
    )  # fmt: skip
    return lambda: trainer.fit(u, y, 1, batch_size=batch) and None, net.explain_backend()


def theirs(options: argparse.Namespace, batch: int) -> Step:
    """Return steps of PyTorch."""
    torch = import_module("torch")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    left = (options.side - options.kernel + 1) // 2
    layers = torch.nn.Sequential(
        torch.nn.Conv2d(1, options.channels, options.kernel), torch.nn.ReLU(),
        torch.nn.AvgPool2d(2), torch.nn.Flatten(),
        torch.nn.Linear(options.channels * left**2, CLASSES),
    )  # fmt: skip
    optimizer = torch.optim.Adam(layers.parameters(), 1e-3)
    x = torch.rand(batch, 1, options.side, options.side)
    y = torch.nn.functional.one_hot(torch.randint(CLASSES, (batch,)), CLASSES).float()

    def steps() -> None:
        for _ in range(STEPS):
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(layers(x), y).backward()
            optimizer.step()

    return steps


def seconds(steps: Step) -> float:
    """Return what a step takes of the processor."""
    began = time.process_time()
    steps()
    return (time.process_time() - began) / STEPS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=28)
    parser.add_argument("--channels", type=int, default=8)
    parser.add_argument("--kernel", type=int, default=5)
    parser.add_argument("--batch", type=int, nargs="*", default=[32])
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print(f"{'batch':>5} {'ours, ms':>9} {'PyTorch, ms':>12} {'ratio':>6} {'target':>7}")
    for batch in options.batch:
        mine, backend = ours(options, batch)
        other = theirs(options, batch) if find_spec("torch") else None
        taken: list[list[float]] = [[], []]
        for _ in range(options.rounds + 2):  # the first two load and compile
            for step, times in zip((mine, other), taken, strict=True):
                if step is not None:
                    times.append(seconds(step))
        found = [1e3 * median(times[2:]) for times in taken if times]
        rest = f"{found[1]:12.2f} {found[0] / found[1]:6.1f}" if len(found) > 1 else "-"
        print(f"{batch:5} {found[0]:9.1f} {rest} {4:7}")
        print(f"      {backend.partition(chr(10))[0]}")


if __name__ == "__main__":
    main()
