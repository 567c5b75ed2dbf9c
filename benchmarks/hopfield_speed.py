"""States and training steps of a layered Hopfield network.

    python benchmarks/hopfield_speed.py
    python benchmarks/hopfield_speed.py --sizes 784 256 10 --batch 1 16

Milliseconds of the processor, medians, one thread; a gradient is by centered equilibrium
propagation.  Target: the free state of 784-512-512-10 in at most 100 ms after loading.  `solve`
is the whole certified operating point, of the circuit as any other.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from statistics import median
from typing import Any

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np  # noqa: E402

import resnet_sim as rs  # noqa: E402
from resnet_sim import training as tr  # noqa: E402


def milliseconds(work: Callable[[], Any], rounds: int) -> float:
    """Return what a call takes of the processor; the first is not counted."""
    taken = []
    for _ in range(rounds + 1):
        began = time.process_time()
        work()
        taken.append(1e3 * (time.process_time() - began))
    return median(taken[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="*", default=[784, 512, 512, 10])
    parser.add_argument("--batch", type=int, nargs="*", default=[1, 32])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    first, last = options.sizes[0], options.sizes[-1]
    circuit = rs.generators.hopfield(options.sizes, seed=0)
    inputs, outputs = [f"v{k}" for k in range(first)], [f"o{k}" for k in range(last)]
    net = tr.Network(circuit, inputs, outputs, "rw*", biases="ib*")
    rng = np.random.default_rng(0)
    print(net.explain_backend().partition("\n")[0])
    rule = tr.EquilibriumPropagation(0.1)
    for batch in options.batch:
        x, y = rng.uniform(0, 1, (batch, first)), rng.uniform(0, 1, (batch, last))
        free = milliseconds(lambda x=x: net.free(x), options.rounds)
        step = milliseconds(lambda x=x, y=y: tr.gradients(net, x, y, rule), options.rounds)
        target = "; target 100" if batch == 1 else ""
        print(f"batch {batch}: free states {free:.1f} ms{target}, gradient {step:.1f} ms")
    one = circuit.with_values(dict(zip(inputs, rng.uniform(0, 1, first).tolist(), strict=True)))
    print(f"solve: {milliseconds(lambda: rs.solve(one), options.rounds):.1f} ms")


if __name__ == "__main__":
    main()
