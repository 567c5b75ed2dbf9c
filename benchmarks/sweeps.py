"""Many variants of a circuit: how much faster than one by one, and how workers add up.

    python benchmarks/sweeps.py monte-carlo [SAMPLES]
    python benchmarks/sweeps.py structures [CIRCUITS] [SPEC ...]

The first compares `monte_carlo` on a grid of 1,024 nodes with diodes with a loop of `solve`
over the first samples; the second runs circuits of 200 nodes of which no two are alike on the
given executors, in turn.  Ratios are of the same run.
"""

from __future__ import annotations

import functools
import statistics
import sys
import time

import numpy as np

import resnet_sim as rs
from resnet_sim.many.variants import monte_carlo as draw

LOOP = 20


def monte_carlo(samples: int) -> None:
    """Print seconds per sample of both ways, their ratio, and how well they agree."""
    circuit = rs.generators.grid(32)
    spread = {"r*": 0.05}
    rs.monte_carlo(circuit, spread, 600)  # compile, or load what is compiled
    variants = draw(circuit, spread, samples)
    before = _loop(circuit, variants, range(LOOP))
    began = time.perf_counter()
    found = rs.monte_carlo(circuit, spread, samples)
    together = (time.perf_counter() - began) / samples
    after = _loop(circuit, variants, range(LOOP, 2 * LOOP))
    one = statistics.mean(t for t, _ in (*before, *after))
    differences = [
        np.abs(op.node_voltages - found.node_voltages[k]).max()
        for k, (_, op) in enumerate((*before, *after))
    ]
    print(f"solve, one by one   {1e3 * one:8.3f} ms a sample ({2 * LOOP} samples)")
    print(f"monte_carlo         {1e3 * together:8.3f} ms a sample ({samples} samples)")
    print(f"ratio               {one / together:8.1f}")
    print(f"largest difference  {max(differences):8.1e} V; status: {found.status}")


def _loop(circuit, variants, numbers):
    """Return seconds and result of single solves."""
    found = []
    for k in numbers:
        values = dict(zip(variants.names, variants.values(k, k + 1)[0].tolist(), strict=True))
        began = time.perf_counter()
        op = rs.solve(circuit.with_values(values))
        found.append((time.perf_counter() - began, op))
    return found


def structures(count: int, specs: list[str]) -> None:
    """Print the seconds that each executor takes for circuits of different structure."""
    circuits = [functools.partial(rs.generators.random_graph, 200, seed=k) for k in range(count)]
    seconds = []
    for spec in specs:
        began, own = time.perf_counter(), time.process_time()
        rs.solve_many(circuits, ["v(n1)"], executor=spec)
        seconds.append(time.perf_counter() - began)
        share = (time.process_time() - own) / seconds[-1]
        print(
            f"{spec:15} {seconds[-1]:8.1f} s   {seconds[0] / seconds[-1]:5.2f} times {specs[0]}"
            f"   {share:6.1%} of a core in this process"
        )


if __name__ == "__main__":
    what, *rest = sys.argv[1:] or ["monte-carlo"]
    if what == "monte-carlo":
        monte_carlo(int(rest[0]) if rest else 10_000)
    else:
        executors = rest[1:] or ["processes:1", "processes:2", "dask:1", "dask:2"]
        structures(int(rest[0]) if rest else 10_000, executors)
