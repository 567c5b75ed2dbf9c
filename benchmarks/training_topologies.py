"""One sparse circuit that learns: time of states and gradients over that of a linear solve.

    python benchmarks/training_topologies.py --sizes 1e3,1e4 --families grid,random -o DIR

writes ``training_topologies.jsonl`` and ``.md`` to DIR, or the table to stdout.  T0 is scipy's
``splu``, factor and solve, of the same circuit without its diodes, in the same process, in the
order that takes it less time; all that is timed alternates with it, and medians of ratios are
given; with one thread it is the time of the process that counts, not that of others beside it.
``--contenders`` adds an EP step by three calls of `resnet_sim.solve`, and exact gradients by a
sparse factorisation of scipy for each guess, sample by sample.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sample_by_sample import SparseLU

import resnet_sim as rs
from resnet_sim import training as tr
from resnet_sim.generators.mixture import dress


def scale_free(
    nodes: int, mixture: rs.generators.Mixture = rs.generators.DIODES, seed: int = 0
) -> rs.Circuit:
    """A graph that grows: each new node is joined to two, more likely to those with many edges."""
    import networkx

    edges = np.array(networkx.barabasi_albert_graph(nodes, 2, seed=seed).edges)
    names = [f"n{k}" for k in range(nodes)]
    return dress("scale-free graph", names, (edges[:, 0], edges[:, 1]), mixture, None, seed)


#: family -> circuit of about so many nodes
FAMILIES: dict[str, Callable[..., rs.Circuit]] = {
    "grid": lambda nodes, **how: rs.generators.grid(round(nodes**0.5), **how),
    "random": lambda nodes, **how: rs.generators.random_graph(nodes, 4, **how),
    "random-10": lambda nodes, **how: rs.generators.random_graph(nodes, 10, **how),
    "small-world": lambda nodes, **how: rs.generators.small_world(nodes, **how),
    "scale-free": scale_free,
}
#: orders of elimination that scipy has the choice of
ORDERINGS: tuple[dict[str, Any], ...] = (
    {}, {"permc_spec": "MMD_AT_PLUS_A", "options": {"SymmetricMode": True}},
)  # fmt: skip
#: outputs, and part by which conductances move between steps
OUTPUTS, MOVED = 10, 0.01

Record = dict[str, Any]


class Workload:
    """A network that learns random targets, and the linear solve that it is compared with."""

    def __init__(self, circuit: rs.Circuit, batch: int, threads: int, seed: int) -> None:
        rng = self.rng = np.random.default_rng(seed)
        inputs = circuit.voltage_sources.names[:4] or circuit.current_sources.names[:4]
        nodes = [circuit.nodes[k] for k in rng.choice(len(circuit.nodes) - 1, OUTPUTS, False) + 1]
        self.net = tr.Network(circuit, inputs, nodes, "r*")
        lanes = getattr(self.net._backend, "lanes", None)
        if lanes is not None and threads:
            lanes.threads = threads
        self.x = rng.normal(size=(batch, len(inputs)))
        self.y = 0.3 * rng.normal(size=(batch, OUTPUTS))
        self.rule, self.on = tr.EquilibriumPropagation(), None
        self.linear, self.ordering = _linear(circuit)

    def move(self) -> None:
        """Change all conductances a little, as a step of training does."""
        g = self.net.conductances
        self.net.conductances = g * (1 + MOVED * self.rng.uniform(-1, 1, len(g)))

    def cold(self) -> tr.Gradient:
        """EP step of samples of which nothing is known."""
        return tr.gradients(self.net, self.x, self.y, self.rule)

    def warm(self) -> tr.Gradient:
        """EP step from the conducting sets of the step before."""
        found = tr.gradients(self.net, self.x, self.y, self.rule, start=self.on)
        self.on = found.on
        return found

    def free(self) -> Any:
        """Free states alone."""
        self.states = self.net.free(self.x, self.on)
        return self.states

    def adjoint(self) -> Any:
        """Exact derivative from given free states."""
        return tr.Adjoint().estimate(self.net, self.states, self.x, self.y, tr.SquaredError())


def _linear(circuit: rs.Circuit) -> tuple[Callable[[], Any], dict[str, Any]]:
    """Return T0, a linear solve of the resistors alone with the first node as ground, and how."""
    from scipy.sparse import coo_array
    from scipy.sparse.linalg import splu

    p, q, g = circuit.resistors.p, circuit.resistors.q, 1.0 / circuit.resistors.ohms
    rows, columns = np.concatenate((p, q, p, q)), np.concatenate((p, q, q, p))
    n = len(circuit.nodes)
    matrix = coo_array((np.concatenate((g, g, -g, -g)), (rows, columns)), shape=(n, n)).tocsc()
    # no node may be loose once the diodes are gone
    matrix = (matrix[1:, 1:] + 1e-9 * coo_array((np.ones(n - 1), (range(n - 1),) * 2))).tocsc()
    rhs = np.random.default_rng(0).normal(size=n - 1)
    ways = [partial(_factor_and_solve, splu, matrix, rhs, how) for how in ORDERINGS[::-1]]
    spent = [_timed(way, time.process_time) for way in ways[:1]]
    # the default order may take ten times as long: a minute on random graphs
    if spent[0] < 0.2:
        spent = [min(_timed(way, time.process_time) for _ in range(3)) for way in ways]
    best = int(np.argmin(spent))
    return ways[best], ORDERINGS[::-1][best]


def _factor_and_solve(splu: Any, matrix: Any, rhs: Any, how: dict[str, Any]) -> Any:
    return splu(matrix, **how).solve(rhs)


def memory(circuit: rs.Circuit, options: argparse.Namespace) -> float:
    """Return what a network holds beside the circuit after EP steps, MB."""
    tracemalloc.start()
    work = Workload(circuit, options.batch, options.threads, options.seed)
    work.warm()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held / 1e6


def contenders(circuit: rs.Circuit, work: Workload, clock: Callable[[], float]) -> Record:
    """Return how long others take for one sample, s."""
    net, x, y = work.net, work.x[:1], work.y[:1]
    nudged = [net.nudged_circuit(x[0], y[0], beta) for beta in (1e-3, -1e-3)]
    found = {"point": _timed(lambda: [rs.solve(one) for one in (circuit, *nudged)], clock)}
    if not len(circuit.voltage_sources):
        loop = SparseLU(net, work.ordering)
        g = 1.0 / net.circuit.resistors.ohms
        found["scipy"] = _timed(lambda: loop.gradient(g, x, y), clock)
        exact = tr.gradient(net, x, y, tr.Adjoint())
        found["apart"] = float(np.abs(loop.gradient(g, x, y) - exact).max() / np.abs(exact).max())
    return found


def measure(family: str, nodes: int, options: argparse.Namespace) -> Record:
    """Return the record of one circuit."""
    how: dict[str, Any] = {"seed": options.seed}
    if options.linear:
        how["mixture"] = rs.generators.UNIFORM
    circuit = FAMILIES[family](nodes, **how)
    clock = time.process_time if options.threads == 1 else time.perf_counter
    began = clock()
    work = Workload(circuit, options.batch, options.threads, options.seed)
    record: Record = {"family": family, "nodes": len(circuit.nodes), "batch": options.batch}
    found = work.cold()
    record["first"] = clock() - began
    work.warm()
    ratios: dict[str, list[float]] = {}
    base = []
    for _ in range(options.repeats):
        for name in ("cold", "warm", "free", "adjoint"):
            if name in ("cold", "warm"):
                work.move()
            t0, spent = _timed(work.linear, clock), _timed(getattr(work, name), clock)
            base.append(t0)
            ratios.setdefault(name, []).append(spent / options.batch / t0)
    record |= {name: float(np.median(values)) for name, values in ratios.items()}
    record["t0"] = float(np.median(base))
    record["flips"] = float((work.on != found.on).sum(axis=1).mean())
    if options.contenders:
        for name, value in contenders(circuit, work, clock).items():
            record[name] = value if name == "apart" else value / record["t0"]
    record["mb"] = memory(circuit, options)
    record["backend"] = work.net.explain_backend().splitlines()[0]
    return record


def _timed(work: Callable[[], Any], clock: Callable[[], float]) -> float:
    began = clock()
    work()
    return clock() - began


def table(records: list[Record]) -> str:
    """Return records as a table in Markdown."""
    lines = [
        "| circuit | nodes | T0, ms | EP cold / T0 | EP warm / T0 | free / T0 | adjoint / T0 | "
        "`rs.solve` three times / T0 | scipy / T0 | MB |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {r['family']} | {r['nodes']:,} | {1e3 * r['t0']:.3g} | {r['cold']:.2g} | "
        f"{r['warm']:.2g} | {r['free']:.2g} | {r['adjoint']:.2g} | {r.get('point', np.nan):.2g} | "
        f"{r.get('scipy', np.nan):.2g} | {r['mb']:.0f} |"
        for r in records
    ]
    return "\n".join(lines)


def main() -> int:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--sizes", default="1e3,1e4")
    parser.add_argument("--families", default=",".join(FAMILIES))
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, help="0: all cores")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--linear", action="store_true", help="without diodes")
    parser.add_argument("--contenders", action="store_true")
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    records = []
    for family in options.families.split(","):
        for size in options.sizes.split(","):
            records.append(measure(family, int(float(size)), options))
            print(json.dumps(records[-1]), file=sys.stderr, flush=True)
    if options.output is None:
        print(table(records))
        return 0
    options.output.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(record) + "\n" for record in records)
    (options.output / "training_topologies.jsonl").write_text(lines)
    (options.output / "training_topologies.md").write_text(table(records) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
