"""Many inputs of one sparse circuit in single precision: speed of the sweeps, and of states.

    python benchmarks/lanes.py

A random graph of 1,000 nodes and degree 10, diodes to ground at 60 % of the nodes.  Sweeps (over-
relaxation, bounds and the size of the steps included) count two operations per conductance and
sample in each direction, like the product of scipy's CSR matrix with a dense one, which alternates
with them.  CPU seconds leave out the time that other processes take; two cores need both.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np

from resnet_sim import generators as gen
from resnet_sim.compiled.registers import aligned
from resnet_sim.many import _box_sweeps as kernels
from resnet_sim.many.backend import Question, choose
from resnet_sim.many.boxes import BoxLanes
from resnet_sim.many.states import Nudge
from resnet_sim.many.trainable import select

SWEEPS, WIDTH = 20, 64
MIXTURE = gen.Mixture(diodes=0.0, ground_diodes=0.6, sources=0.1)


def backends(nodes: int, degree: float) -> tuple[BoxLanes, Any, tuple[str, ...]]:
    """Return both precisions of a circuit, and its inputs: all of its current sources."""
    circuit = gen.random_graph(nodes, degree, mixture=MIXTURE)
    outputs = tuple((f"n{k}", "0") for k in range(10))
    inputs = circuit.current_sources.names
    learning = select(circuit, "r0")
    single, double = (
        choose(
            Question(circuit, inputs, outputs=outputs, trainable=learning, precision=precision)
        ).backend
        for precision in ("single", "double")
    )
    assert isinstance(single, BoxLanes)
    return single, double, inputs


def sweeper(lanes: BoxLanes, threads: int, tiles: int) -> tuple[Callable[[], Any], float]:
    """Return what sweeps over tiles of random numbers, and its operations."""
    laplacian = lanes.problem.laplacian(np.ones(1), 0.0)
    row = lanes.problem.boxes.row
    system = (*laplacian.rows(WIDTH), row, row, np.zeros(row.max() + 1, dtype=np.int64))
    n, m = len(lanes.problem.boxes.row), len(lanes.problem.boxes.coordinate)
    rng = np.random.default_rng(0)

    def tile() -> tuple[Any, ...]:
        missing = [aligned((rows, WIDTH)) for rows in (n, m, m)]
        missing[0][:] = rng.standard_normal((n, WIDTH))
        missing[1][:], missing[2][:] = -1.0, 1.0
        return tuple(missing), aligned((n, WIDTH)), aligned((2, WIDTH))

    work = [tile() for _ in range(tiles)]

    def sweep(arrays: tuple[Any, ...]) -> None:
        # a negative tolerance is never met
        kernels.relax(system, *arrays, 1.2, -1.0, SWEEPS, (0,) * (WIDTH // 16))

    pool = ThreadPoolExecutor(threads)

    def run() -> None:
        list(pool.map(sweep, work))

    return run, 2.0 * len(laplacian.conductance) * WIDTH * tiles * SWEEPS


def seconds(runs: list[Callable[[], Any]], repeats: int) -> tuple[np.ndarray, np.ndarray]:
    """Return wall and CPU times of functions that run in turn, shape (repeats, functions)."""
    wall, processor = np.empty((2, repeats, len(runs)))
    for row in range(repeats):
        for k, run in enumerate(runs):
            began, used = time.perf_counter(), time.process_time()
            run()
            wall[row, k] = time.perf_counter() - began
            processor[row, k] = time.process_time() - used
    return wall, processor


def sweeps(lanes: BoxLanes, tiles: int, repeats: int) -> None:
    """Print the rates of sweeps on one and on two cores, and of scipy's product."""
    from scipy.sparse import csr_array

    laplacian = lanes.problem.laplacian(np.ones(1), 0.0)
    n, entries = len(laplacian.diagonal), laplacian.entries
    matrix = csr_array((laplacian.weight, entries.node, entries.first), shape=(n, n))
    dense = np.random.default_rng(0).standard_normal((n, WIDTH * tiles)).astype(np.float32)
    one, operations = sweeper(lanes, 1, tiles)
    two, _ = sweeper(lanes, 2, tiles)
    runs = [one, two, lambda: matrix @ dense]
    seconds(runs, 2)
    wall, processor = seconds(runs, repeats)
    product = 2.0 * len(entries.node) * dense.shape[1]
    work = np.array([operations, operations, product])
    rates, of_core = work / wall / 1e9, work / processor / 1e9
    print(f"{'':18}{'GFLOP/s':>9}{'best':>9}{'per CPU second':>17}{'best':>9}")
    for k, name in enumerate(("one core", "two cores", "scipy CSR")):
        shown = (np.median(rates[:, k]), rates[:, k].max())
        shown += (np.median(of_core[:, k]), of_core[:, k].max())
        print("{:18}{:9.1f}{:9.1f}{:17.1f}{:9.1f}".format(name, *shown))
    gain = np.median(of_core[:, 0] / of_core[:, 2])
    share = np.median(rates[:, 1] / rates[:, 0])
    print(f"one core / scipy {gain:.2f} (CPU), two cores / one {share:.2f} (medians of ratios)")


def states(lanes: BoxLanes, double: Any, columns: int, samples: int) -> None:
    """Print what free and nudged states cost, and how far they are from double precision."""
    rng = np.random.default_rng(1)
    u = np.concatenate((rng.standard_normal((samples, columns)), np.ones((samples, 1))), axis=1)
    g = np.ones(1)
    free = lanes.solve(g, u)
    target = free.outputs + 0.1 * rng.standard_normal(free.outputs.shape)
    nudge = Nudge(0.1, target=target)
    runs = {
        "free": lambda: lanes.solve(g, u),
        "nudged": lambda: lanes.nudged(g, u, nudge, free.start),
        "nudged, from zero": lambda: lanes.nudged(g, u, nudge),
    }
    for name, run in runs.items():
        elapsed = float(np.median(seconds([run], 5)[0]))
        swept = np.mean(run().start.outcome.sweeps)
        print(f"{name:18}{1e6 * elapsed / samples:8.1f} us a sample, {swept:6.1f} sweeps")
    few = min(samples, 20)
    part = replace(nudge, target=target[:few])
    began = time.perf_counter()
    exact = double.solve(g, u[:few]), double.nudged(g, u[:few], part)
    elapsed = time.perf_counter() - began
    found = free.voltages[:few], lanes.nudged(g, u, nudge, free.start).voltages[:few]
    error = max(np.abs(a - b.voltages).max() for a, b in zip(found, exact, strict=True))
    print(f"double precision  {1e6 * elapsed / 2 / few:8.1f} us a sample")
    print(
        f"largest difference {error / np.abs(exact[0].voltages).max():.1e} of the largest voltage"
    )


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--degree", type=float, default=10.0)
    parser.add_argument("--tiles", type=int, default=4, help="of 64 samples")
    parser.add_argument("--repeats", type=int, default=200)
    options = parser.parse_args(arguments)
    lanes, double, inputs = backends(options.nodes, options.degree)
    sweeps(lanes, options.tiles, options.repeats)
    states(lanes, double, len(inputs), WIDTH * options.tiles)


if __name__ == "__main__":
    main()
