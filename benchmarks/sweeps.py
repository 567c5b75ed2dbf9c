"""Many variants of a circuit: how much faster than one by one, and how workers add up.

    python benchmarks/sweeps.py monte-carlo [SAMPLES]
    python benchmarks/sweeps.py structures [CIRCUITS] [SPEC ...]
    python benchmarks/sweeps.py factors [SIDE ...]
    python benchmarks/sweeps.py parts [SIDE ...]

The first compares `monte_carlo` on a grid of 1,024 nodes with diodes with a loop of `solve`
over the first samples; the second runs circuits of 200 nodes of which no two are alike on the
given executors, in turn.  Ratios are of the same run.  The third compares 64 points of grids,
samples and sweeps, in one thread, with SuperLU: with T0, one factorisation and one solve of the
grid without diodes, and with one factorisation and 64 solves; so does the fourth with grids that
have amplifiers, and 64 points of grids with junctions with those of ideal diodes.  Seconds there
are those of the thread, the least of some rounds.
"""

from __future__ import annotations

import functools
import statistics
import sys
import time
from dataclasses import replace

import numpy as np
from families import feedback_grid, without_diodes
from scipy.sparse import coo_array
from scipy.sparse.linalg import splu

import resnet_sim as rs
from resnet_sim import training as tr
from resnet_sim.many import lanes
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


def least(work, rounds: int = 5) -> float:
    """Return the seconds that a call takes of its thread, the least of some rounds."""
    work()  # compile, or load what is compiled
    taken = []
    for _ in range(rounds):
        began = time.thread_time()
        work()
        taken.append(time.thread_time() - began)
    return min(taken)


def superlu(circuit) -> tuple[float, float]:
    """Return the seconds of one factorisation and one solve, and of one and 64."""
    r, n = circuit.resistors, len(circuit.nodes)
    g, ends = 1.0 / r.ohms, (np.r_[r.p, r.q, r.p, r.q], np.r_[r.p, r.q, r.q, r.p])
    matrix = coo_array((np.r_[g, g, -g, -g], ends), shape=(n, n)).tocsc()[1:, 1:].tocsc()
    columns = np.random.default_rng(0).normal(size=(64, n - 1))
    options = {"permc_spec": "MMD_AT_PLUS_A", "diag_pivot_thresh": 0.0}

    def factored():
        return splu(matrix, options={"SymmetricMode": True}, **options)

    factor = factored()
    once, all_ = least(factored, 9), least(lambda: [factor.solve(b) for b in columns], 9)
    return once + all_ / 64, once + all_


def points(circuit) -> float:
    """Return the seconds of 64 points that differ in eight current sources, A."""
    rng = np.random.default_rng(0)
    inputs = {name: rng.uniform(-1, 1, 64) for name in circuit.current_sources.names[:8]}
    return least(lambda: rs.solve(circuit, inputs=inputs))


def factors(sides: list[int]) -> None:
    """Print what points of grids cost beside factorisations and solves."""
    lanes.cores = lambda: 1
    plain = replace(rs.generators.DIODES, diodes=0.0, ground_diodes=0.0)
    print(f"{'nodes':>7} {'T0, ms':>7} {'linear':>7} {'diodes':>7} {'samples':>8} {'sweep':>6}")
    for side in sides:
        grid, linear = rs.generators.grid(side), rs.generators.grid(side, mixture=plain)
        first = grid.current_sources.names[0]
        one, all_ = superlu(linear)
        straight, bent = points(linear), points(grid)
        drawn = least(lambda grid=grid: rs.monte_carlo(grid, {"r*": 0.05}, 256, executor="serial"))
        steps = {first: np.linspace(-1.0, 1.0, 1000)}
        swept = least(lambda grid=grid, steps=steps: rs.sweep(grid, steps, executor="serial"), 2)
        print(
            f"{side**2:7} {1e3 * one:7.2f} {straight / all_:7.2f} {bent / 64 / one:7.3f} "
            f"{drawn / 256 / one:8.3f} {swept / 1000 / one:6.3f}"
        )
    print("linear: over one factorisation and 64 solves; others: of T0, a point")


def parts(sides: list[int]) -> None:
    """Print what 64 points of grids with amplifiers cost, and with real diodes."""
    lanes.cores = lambda: 1
    print(f"{'nodes':>7} {'amplifiers':>10} {'over T64':>8} {'diodes':>7} {'over ideal':>10}")
    for side in sides:
        straight = without_diodes(feedback_grid(side * side, 1))
        ideal = rs.generators.grid(side)
        real = tr.with_part(ideal, "1n4148")
        all_ = superlu(straight)[1]
        linear, bent, smooth = (points(circuit) for circuit in (straight, ideal, real))
        print(
            f"{side**2:7} {len(straight.controlled_sources):10} {linear / all_:8.2f} "
            f"{len(ideal.diodes):7} {smooth / bent:10.2f}"
        )
    print("over T64: over one factorisation of the resistors and 64 solves")


if __name__ == "__main__":
    what, *rest = sys.argv[1:] or ["monte-carlo"]
    if what == "monte-carlo":
        monte_carlo(int(rest[0]) if rest else 10_000)
    elif what == "factors":
        factors([int(side) for side in rest] or [30, 50, 100])
    elif what == "parts":
        parts([int(side) for side in rest] or [30, 50])
    else:
        executors = rest[1:] or ["processes:1", "processes:2", "dask:1", "dask:2"]
        structures(int(rest[0]) if rest else 10_000, executors)
