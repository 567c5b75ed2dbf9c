"""One sparse circuit that learns: time of states and gradients over that of a linear solve.

    python benchmarks/training_topologies.py --sizes 1e3,1e4 --families grid,random -o DIR

writes ``training_topologies.jsonl`` and ``.md`` to DIR, or the table to stdout.  T0 is scipy's
``splu``, factor and solve, of the same circuit without its diodes, in the same process; all that
is timed alternates with it, and medians of ratios are given; with one thread it is the time of
the process that counts, not that of others beside it.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import resnet_sim as rs
from resnet_sim import training as tr

#: family -> circuit of about so many nodes
FAMILIES: dict[str, Callable[..., rs.Circuit]] = {
    "grid": lambda nodes, **how: rs.generators.grid(round(nodes**0.5), **how),
    "random": lambda nodes, **how: rs.generators.random_graph(nodes, 4, **how),
    "random-10": lambda nodes, **how: rs.generators.random_graph(nodes, 10, **how),
    "small-world": lambda nodes, **how: rs.generators.small_world(nodes, **how),
}
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
        self.linear = _linear(circuit)

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


def _linear(circuit: rs.Circuit) -> Callable[[], Any]:
    """Return T0: a linear solve of the resistors alone, with the first node as ground."""
    from scipy.sparse import coo_array
    from scipy.sparse.linalg import splu

    p, q, g = circuit.resistors.p, circuit.resistors.q, 1.0 / circuit.resistors.ohms
    rows, columns = np.concatenate((p, q, p, q)), np.concatenate((p, q, q, p))
    n = len(circuit.nodes)
    matrix = coo_array((np.concatenate((g, g, -g, -g)), (rows, columns)), shape=(n, n)).tocsc()
    # no node may be loose once the diodes are gone
    matrix = (matrix[1:, 1:] + 1e-9 * coo_array((np.ones(n - 1), (range(n - 1),) * 2))).tocsc()
    rhs = np.random.default_rng(0).normal(size=n - 1)
    return lambda: splu(matrix).solve(rhs)


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
    record["point"] = _timed(lambda: rs.solve(circuit), clock) / record["t0"]
    record["mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
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
        "`rs.solve` / T0 | MB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {r['family']} | {r['nodes']:,} | {1e3 * r['t0']:.3g} | {r['cold']:.2g} | "
        f"{r['warm']:.2g} | {r['free']:.2g} | {r['adjoint']:.2g} | {r['point']:.2g} | "
        f"{r['mb']:.0f} |"
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
