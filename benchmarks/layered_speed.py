"""A training step of a layered network against one of a PyTorch MLP of the same widths.

    python benchmarks/layered_speed.py
    python benchmarks/layered_speed.py XL --batch 4 32 --threads 2 --rounds 5

An EP step finds three states (free, nudged down, difference) and updates all conductances and
biases; an MLP step is forward, backward and SGD.  Both use float32 and random inputs with two
fifths of zeros, and alternate in one process.  The ratio is that of the medians.  Next to it
stand what an EP step must at least do: bytes (each conductance read and written, and read once
more a sweep where it does not fit in the cache with its states) and floating-point operations
of update and input currents, as shares of the bandwidth and of the GEMM rate measured here.
PyTorch's step is far from the bandwidth at small batches; that is part of the ratio.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from statistics import median
from typing import Any

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    if os.environ.pop(name, None) is not None:  # they slow OpenBLAS down on newer machines
        os.execv(sys.executable, [sys.executable, *sys.argv])

import numpy as np  # noqa: E402
from threadpoolctl import threadpool_limits  # noqa: E402

from resnet_sim.generators import layered  # noqa: E402
from resnet_sim.many.layered.detection import find_layers  # noqa: E402
from resnet_sim.many.layered.engine import EpochLoop, Settings  # noqa: E402

PIXELS, CLASSES = 784, 10
#: hidden layers, amplification, beta
NETWORKS: dict[str, tuple[list[int], float, float]] = {
    "XS": ([100], 100, 1.0),
    "1H": ([1024], 480, 1.0),
    "2H": ([1024] * 2, 2000, 1.0),
    "3H": ([1024] * 3, 4000, 2.0),
    "XL": ([32768], 800, 1.0),
}
Step = Callable[[], None]


def data(samples: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, (samples, PIXELS)).astype(np.float32)
    x[rng.random(x.shape) < 0.4] = 0.0
    return x, rng.integers(CLASSES, size=samples)


def ep_steps(name: str, batch: int, threads: int, steps: int) -> Step:
    """Return a function that trains for some steps."""
    hidden, gain, beta = NETWORKS[name]
    circuit = layered(
        [PIXELS, *hidden, CLASSES], input_pairs="inverted", crossbars=True, g_min=0.0, seed=1,
        dtype=np.float32,
    )  # fmt: skip
    biases = circuit.current_sources.names
    layers = find_layers(
        circuit, [f"vp{k}" for k in range(PIXELS)], [f"o{k}" for k in range(CLASSES)], "rw*", biases
    )
    g = np.concatenate([block.g.ravel() for block in layers.blocks])
    x, labels = data(batch * steps)
    settings = Settings(beta, threads=threads)
    no_bias = np.zeros(len(biases))
    engine = EpochLoop(
        layers, g, no_bias, settings, batch, np.float32(gain) * x, np.eye(CLASSES), labels
    )
    rates = [(1e-5, 1e-5)] * len(layers.blocks)
    return lambda: void(engine.epoch(np.arange(len(x)), rates))


def void(_: Any) -> None:
    pass


def mlp_steps(name: str, batch: int, steps: int) -> Step:
    import torch

    widths = [PIXELS, *NETWORKS[name][0], CLASSES]
    modules: list[Any] = []
    for before, behind in pairwise(widths):
        modules += [torch.nn.Linear(before, behind), torch.nn.ReLU()]
    model = torch.nn.Sequential(*modules[:-1])
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    inputs, labels = data(batch * steps)
    x, y = torch.from_numpy(inputs), torch.eye(CLASSES)[torch.from_numpy(labels)]

    def run() -> None:
        for first in range(0, len(x), batch):
            optimizer.zero_grad()
            error = model(x[first : first + batch]) - y[first : first + batch]
            (0.5 * (error**2).sum() / batch).backward()
            optimizer.step()

    return run


def seconds(step: Step, steps: int) -> float:
    began = time.perf_counter()
    step()
    return (time.perf_counter() - began) / steps


def machine(threads: int) -> tuple[float, float]:
    """Return GB/s of adding to an array, read and write, and GFLOP/s of a matrix product."""
    import torch

    torch.set_num_threads(threads)
    large, square = torch.ones(50_000_000), torch.ones(2048, 2048)
    add = min(seconds(lambda: void(large.add_(1.0)), 1) for _ in range(5))
    multiply = min(seconds(lambda: void(square @ square), 1) for _ in range(5))
    return 2 * 4 * 50e6 / add / 1e9, 2 * 2048**3 / multiply / 1e9


def compare(name: str, batch: int, threads: int, rounds: int, limits: tuple[float, float]) -> None:
    import torch

    torch.set_num_threads(threads)
    hidden = NETWORKS[name][0]
    first = 2 * PIXELS * hidden[0]
    others = sum(a * b for a, b in zip(hidden, [*hidden[1:], CLASSES], strict=True))
    # an epoch begins with a pass over all conductances: many steps, so that it hardly counts
    steps = max(16, int(3e8 / (batch * (first + 20 * others) + 2e6)))
    ours, theirs = ep_steps(name, batch, threads, steps), mlp_steps(name, batch, steps)
    ours(), theirs()
    pairs = [(seconds(ours, steps), seconds(theirs, steps)) for _ in range(rounds)]
    ep, mlp = median(a for a, _ in pairs), median(b for _, b in pairs)
    moved = 2 * 4 * (first + others) / limits[0] / 1e9
    computed = 2 * batch * (first + 2 * others) / limits[1] / 1e9
    print(f"{name:3} {batch:5} {threads:7} {1e3 * ep:9.3f} {1e3 * mlp:9.3f} {ep / mlp:6.2f} "
          f"{moved / ep:9.0%} {computed / ep:9.0%}", flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=["XS", "1H", "3H"], metavar="NETWORK")
    parser.add_argument("--batch", type=int, nargs="+", default=[4, 32, 128])
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    unknown = [name for name in options.networks if name not in NETWORKS]
    if unknown:
        parser.error(f"no network {unknown[0]}; there are {', '.join(NETWORKS)}")
    for threads in options.threads:
        with threadpool_limits(threads):
            limits = machine(threads)
            print(f"{threads} thread(s): {limits[0]:.0f} GB/s, {limits[1]:.0f} GFLOP/s")
            print("net batch threads     EP ms    MLP ms  ratio  of bandw.  of flops")
            for name in options.networks:
                for batch in options.batch:
                    compare(name, batch, threads, options.rounds, limits)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory, PyTorch and its network included: {peak:.0f} MB")


if __name__ == "__main__":
    main()
