"""Many variants of a circuit: how much faster than one by one, and how workers add up.

    python benchmarks/sweeps.py monte-carlo [SAMPLES]
    python benchmarks/sweeps.py structures [CIRCUITS] [SPEC ...]
    python benchmarks/sweeps.py factors [SIDE ...] [--only linear,diodes,samples,sweep,crossbar]
    python benchmarks/sweeps.py parts [SIDE ...]
    python benchmarks/sweeps.py transistors [POINTS]

The first compares `monte_carlo` on a grid of 1,024 nodes with diodes with a loop of `solve`
over the first samples; the second runs circuits of 200 nodes of which no two are alike on the
given executors, in turn.  Ratios are of the same run.  The third compares 64 points of grids, 256
samples and sweeps of 1,000 points with SuperLU, each beside what it is meant to take: with T0, one
factorisation and one solve of the grid without diodes, and with one factorisation and 64 solves; so
does the fourth with grids that have amplifiers, and 64 points of grids with junctions with those of
ideal diodes.  Seconds there are those of the thread, the least of some rounds.  Where there are two
cores the third tells how many times faster two threads are, by the clock, and whether they give the
same bits; and what two threads reach here that do nothing but pass over arrays (`two_threads.py`).
The last compares sweeps of examples with transistors and formulas with going from point to point.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from crossbars import compare
from families import feedback_grid, without_diodes
from scipy.sparse import coo_array
from scipy.sparse.linalg import splu
from two_threads import faster, limits

import resnet_sim as rs
from resnet_sim import training as tr
from resnet_sim.analyses.sweep import as_sweeps
from resnet_sim.compiled import policy
from resnet_sim.many.jobs import Job
from resnet_sim.many.one_by_one import OneByOne
from resnet_sim.many.spreads import monte_carlo as draw
from resnet_sim.many.variants import Grid
from resnet_sim.workers.executors import cores

EXAMPLES = Path(__file__).parents[1] / "examples/netlists"
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


def drives(circuit) -> dict[str, np.ndarray]:
    """Return 64 values of eight current sources, A."""
    rng = np.random.default_rng(0)
    return {name: rng.uniform(-1, 1, 64) for name in circuit.current_sources.names[:8]}


def points(circuit) -> float:
    """Return the seconds of 64 points that differ in eight current sources."""
    inputs = drives(circuit)
    return least(lambda: rs.solve(circuit, inputs=inputs))


#: what points of grids are meant to take at most, by nodes
TARGETS = {
    "linear": {900: 1.5, 2500: 1.5, 10000: 1.5},
    "diodes": {900: 0.5, 2500: 0.5, 10000: 0.5},
    "samples": {900: 0.2, 2500: 0.2, 10000: 0.4},
    "sweep": {900: 0.3},
}
#: how many points each of them has, and rounds
POINTS = {"linear": (64, 5), "diodes": (64, 5), "samples": (256, 5), "sweep": (1000, 2)}


def workloads(side: int, linear: rs.Circuit) -> dict[str, Callable[[], Any]]:
    """Return what is measured, by name, of a grid and of the same without diodes."""
    grid = rs.generators.grid(side)
    inputs = drives(grid)
    steps = {grid.current_sources.names[0]: np.linspace(-1.0, 1.0, 1000)}
    return {
        "linear": lambda: rs.solve(linear, inputs=inputs),
        "diodes": lambda: rs.solve(grid, inputs=inputs),
        "samples": lambda: rs.monte_carlo(grid, {"r*": 0.05}, 256, executor="serial"),
        "sweep": lambda: rs.sweep(grid, steps, executor="serial"),
    }


def two_threads(work: Callable[[], Any], rounds: int) -> tuple[float, str]:
    """Return how many times faster two threads are, and a remark if bits are not the same."""
    times, one, two = faster(work, rounds)
    same = np.array_equal(one.node_voltages, two.node_voltages, equal_nan=True)
    return times, "" if same else "  OTHER BITS"


def factors(arguments: list[str]) -> None:
    """Print what points of grids cost beside factorisations and solves."""
    parser = argparse.ArgumentParser("sweeps.py factors")
    parser.add_argument("sides", nargs="*", type=int, default=[30, 50, 100])
    parser.add_argument("--only", default=",".join([*TARGETS, "crossbar"]))
    options = parser.parse_args(arguments)
    only = options.only.split(",")
    plain = replace(rs.generators.DIODES, diodes=0.0, ground_diodes=0.0)
    print(f"{'nodes':>7} {'T0, ms':>7} {'what':>8} {'ratio':>7} {'meant':>6} {'two threads':>12}")
    for side in options.sides:
        linear = rs.generators.grid(side, mixture=plain)
        one, all_ = superlu(linear)
        for name, work in workloads(side, linear).items():
            if name not in only:
                continue
            count, rounds = POINTS[name]
            with policy.using(threads=1):
                spent = least(work, rounds)
            ratio = spent / all_ if name == "linear" else spent / count / one
            times, bits = two_threads(work, rounds) if cores() > 1 else (float("nan"), "")
            meant = TARGETS[name].get(side**2, float("nan"))
            print(f"{side**2:7} {1e3 * one:7.2f} {name:>8} {ratio:7.3f} {meant:6.2f} "
                  f"{times:12.2f}{bits}", flush=True)  # fmt: skip
    print("linear: 64 points over one factorisation and 64 solves; others: of T0, a point")
    if cores() > 1:
        print(limits())
    if "crossbar" in only:
        ours, whole, theirs, apart = compare(128, 128, 64, 3)
        beside = "badcrossbar is not installed"
        if theirs == theirs:
            beside = f"badcrossbar {theirs:.3f} s; ratio {whole / theirs:.3f} (1 is meant), "
            beside += f"{apart:.1e} apart"
        print(f"crossbar 128 x 128, 64 vectors: solve {whole:.3f} s, crossbar_currents {ours:.3f} "
              f"s, {beside}")  # fmt: skip


def parts(sides: list[int]) -> None:
    """Print what 64 points of grids with amplifiers cost, and with real diodes."""
    policy.POLICY = policy.POLICY._replace(threads=1)
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


def transistors(points: int) -> None:
    """Print what points of transfer curves take, all at once and one by one."""
    print(f"{'deck':24} {'ms a point':>10} {'one by one':>10} {'ratio':>7} {'difference':>10}")
    for name in ("cmos-inverter", "common-emitter", "differential-pair", "current-mirror"):
        circuit = rs.read_netlist(EXAMPLES / f"{name}.net")
        source = next(n for n in ("vin", "v1", "vd", "vcc") if circuit.find(n) is not None)
        level = float(circuit.voltage_sources.volts[circuit.voltage_sources.names.index(source)])
        values = level + np.linspace(-0.5, 0.5, points)
        found = rs.sweep(circuit, {source: values})
        together = least(lambda c=circuit, s=source, v=values: rs.sweep(c, {s: v}), 3) / points
        grid = Grid(as_sweeps(circuit, {source: values}))
        question = Job(circuit, grid).question(circuit, grid.names)
        some = values[:100]
        one, began = OneByOne(question), time.thread_time()
        wanted = one.points(some[:, None])
        alone = (time.thread_time() - began) / len(some)
        off = np.abs(found.node_voltages[: len(some)] - wanted.node_voltages).max()
        print(
            f"{name:24} {1e3 * together:10.3f} {1e3 * alone:10.3f} {alone / together:7.1f} "
            f"{off:10.1e}"
        )


if __name__ == "__main__":
    what, *rest = sys.argv[1:] or ["monte-carlo"]
    if what == "monte-carlo":
        monte_carlo(int(rest[0]) if rest else 10_000)
    elif what == "factors":
        factors(rest)
    elif what == "transistors":
        transistors(int(rest[0]) if rest else 1_001)
    elif what == "parts":
        parts([int(side) for side in rest] or [30, 50])
    else:
        executors = rest[1:] or ["processes:1", "processes:2", "dask:1", "dask:2"]
        structures(int(rest[0]) if rest else 10_000, executors)
