"""What a new user waits for: first calls with an empty cache of compiled code.

    python benchmarks/first_use.py [gradient] [solve] [inputs] [sweep] [layered]

Each is made twice in a process of its own.  CPU seconds leave out the time that other processes
take, but not what these do to the caches of the processor.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

import resnet_sim as rs
from resnet_sim import training as tr

SIDE, SAMPLES = 30, 32
MIXTURE = replace(rs.generators.DIODES, diodes=0.3)


def gradient() -> Callable[[], Any]:
    """Return a gradient of a grid of 900 nodes, 270 of them with ideal diodes."""
    volts = {"n0_0": 1.0, f"n0_{SIDE - 1}": 0.0}
    circuit = rs.generators.grid(SIDE, mixture=MIXTURE, volts=volts)
    outputs = [f"n15_{k}" for k in range(0, SIDE, 6)]
    net = tr.Network(circuit, circuit.voltage_sources.names, outputs, "r*", g_min=1e-5)
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-1, 1, (SAMPLES, 2)), rng.uniform(-0.1, 0.1, (SAMPLES, len(outputs)))
    return lambda: tr.gradient(net, x, y)


def solve() -> Callable[[], Any]:
    """Return one point of such a grid of 10,000 nodes."""
    circuit = rs.generators.grid(100, mixture=MIXTURE)
    return lambda: rs.solve(circuit)


def inputs() -> Callable[[], Any]:
    """Return many points of a grid, by inputs."""
    circuit = rs.generators.grid(SIDE, mixture=MIXTURE)
    name = circuit.current_sources.names[0]
    return lambda: rs.solve(circuit, inputs={name: np.linspace(-1, 1, 200)})


def sweep() -> Callable[[], Any]:
    """Return a .dc sweep of a grid."""
    circuit = rs.generators.grid(SIDE, mixture=MIXTURE)
    name = circuit.current_sources.names[0]
    return lambda: rs.sweep(circuit, **{name: np.linspace(-1, 1, 200)})


def layered() -> Callable[[], Any]:
    """Return an epoch of a layered network of 70,000 conductances."""
    sizes = [64, 512, 10]
    circuit = rs.generators.layered(
        sizes, input_pairs="inverted", crossbars=True, g_min=0.0, dtype=np.float32
    )
    outputs = [f"o{k}" for k in range(sizes[-1])]
    net = tr.Network(
        circuit, [f"vp{k}" for k in range(sizes[0])], outputs, "rw*", biases="ib*", g_min=0.0
    )
    cost, rule = tr.SquaredError(np.eye(sizes[-1])), tr.EquilibriumPropagation(0.5)
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0, 1, (SAMPLES, sizes[0])), rng.integers(0, sizes[-1], SAMPLES)
    return lambda: tr.Trainer(net, rule, cost, tr.SGD(0.005)).fit(x, y, 1, SAMPLES)


CASES = {one.__name__: one for one in (gradient, solve, inputs, sweep, layered)}


def child(name: str) -> None:
    """Print what two calls take."""
    call, spent = CASES[name](), []
    for _ in range(2):
        began, used = time.perf_counter(), time.process_time()
        call()
        spent += [time.perf_counter() - began, time.process_time() - used]
    print("{:9} {:8.2f} {:8.2f} {:8.2f} {:8.2f}".format(name, *spent))


def main(names: list[str]) -> None:
    """Run each case with a cache of its own."""
    print("first and second call: s by the clock, s of CPU")
    for name in names or CASES:
        with tempfile.TemporaryDirectory() as cache:
            env = {**os.environ, "NUMBA_CACHE_DIR": cache}
            subprocess.run([sys.executable, __file__, "--child", name], env=env, check=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2])
    else:
        main(sys.argv[1:])
