"""One sparse circuit that learns: time of states and gradients over that of a linear solve.

    python benchmarks/training_topologies.py
    python benchmarks/training_topologies.py --sizes 1e3,1e4 --families grid,random -o DIR
    python benchmarks/training_topologies.py --circuits grid:900,boxes-10:1000 --contenders

By default circuits that have something to keep to are measured, and the table says what in
brackets.  With ``-o`` ``training_topologies.jsonl`` and ``.md`` are written to DIR.  T0 is scipy's
``splu``, factor and solve, of the same circuit without its diodes, in the same process, in the
order that takes it less time; all that is timed alternates with it, and medians of ratios are
given; with one thread it is the time of the process that counts, not that of others beside it.
"fit" is steps of `Trainer.fit` over as many calls of `tr.gradients`, each at other conductances;
"threads" tells how many times faster two threads are by the clock, which takes two idle cores
(`two_threads.py`).
``--contenders`` adds an EP step by three calls of `resnet_sim.solve`, and exact gradients sample by
sample: by a sparse factorisation of scipy for each guess, and, if it is installed, by PyTorch with
dense ones.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from families import feedback_grid, without_diodes
from implicit_torch import MOST, Implicit
from sample_by_sample import SparseLU
from two_threads import faster

import resnet_sim as rs
from resnet_sim import training as tr
from resnet_sim.compiled import policy
from resnet_sim.generators.mixture import dress
from resnet_sim.workers.executors import cores


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
    # linear, with amplifiers that feed back
    "amplifiers": lambda nodes, seed=0: without_diodes(feedback_grid(nodes, seed)),
    # diodes that bound single nodes
    "boxes-10": lambda nodes, **how: rs.generators.random_graph(nodes, 10, **how),
}
#: what stands on the edges and nodes of a family, if not the generators' default
MIXTURES = {"boxes-10": rs.generators.Mixture(diodes=0.0, ground_diodes=0.6, sources=0.1)}


@dataclass(frozen=True)
class Target:
    """What a circuit is meant to take at most: in T0, MB, and ms of a free state."""

    warm: float = np.nan
    cold: float = np.nan
    adjoint: float = np.nan
    mb: float = np.nan
    free_ms: float = np.nan
    fit: float = 1.15
    threads: float = 1.7


TARGETS = {
    ("grid", 900): Target(0.25, 0.5, 0.04),
    ("grid", 2_500): Target(0.25, 0.5, 0.04),
    ("grid", 10_000): Target(0.3, 0.8, 0.04, mb=30),
    ("grid", 90_000): Target(0.45, 0.8, 0.07, mb=330),
    ("random", 1_000): Target(0.2, 0.4, 0.02),
    ("random", 10_000): Target(0.06, 0.08, 0.015),
    ("boxes-10", 1_000): Target(free_ms=1.5),
}
#: nodes from which there are half as many samples, and two repeats
LARGE = 50_000
#: orders of elimination that scipy has the choice of
ORDERINGS: tuple[dict[str, Any], ...] = (
    {}, {"permc_spec": "MMD_AT_PLUS_A", "options": {"SymmetricMode": True}},
)  # fmt: skip
#: outputs, and part by which conductances move between steps
OUTPUTS, MOVED = 10, 0.01

Record = dict[str, Any]


class Workload:
    """A network that learns random targets, and the linear solve that it is compared with."""

    def __init__(self, circuit: rs.Circuit, batch: int, seed: int) -> None:
        rng = self.rng = np.random.default_rng(seed)
        inputs = circuit.voltage_sources.names[:4] or circuit.current_sources.names[:4]
        nodes = [circuit.nodes[k] for k in rng.choice(len(circuit.nodes) - 1, OUTPUTS, False) + 1]
        self.net = tr.Network(circuit, inputs, nodes, "r*")
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


def memory(circuit: rs.Circuit, batch: int, options: argparse.Namespace) -> float:
    """Return what a network holds beside the circuit after EP steps, MB."""
    # the circuit's own indices of names are made by whoever asks first
    Workload(circuit, batch, options.seed)
    tracemalloc.start()
    work = Workload(circuit, batch, options.seed)
    work.warm()
    del work.linear  # what T0 is measured with
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held / 1e6


def contenders(circuit: rs.Circuit, work: Workload, clock: Callable[[], float]) -> Record:
    """Return how long others take for one sample, s, and how far they are apart."""
    net, x, y = work.net, work.x[:1], work.y[:1]
    nudged = [net.nudged_circuit(x[0], y[0], beta) for beta in (1e-3, -1e-3)]
    found = {"point": _timed(lambda: [rs.solve(one) for one in (circuit, *nudged)], clock)}
    if len(circuit.voltage_sources) or len(circuit.controlled_sources):
        return found
    loops: Record = {"scipy": SparseLU(net, work.ordering)}
    if find_spec("torch") and len(circuit.nodes) <= MOST:
        loops["torch"] = Implicit(net)
    g = 1.0 / net.circuit.resistors.ohms
    exact = tr.gradient(net, x, y, tr.Adjoint())
    apart = [0.0]
    for name, loop in loops.items():
        try:
            gradient = loop.gradient(g, x, y)
        except RuntimeError:  # it goes round in circles
            found[name] = np.nan
            continue
        apart.append(float(np.abs(gradient - exact).max() / np.abs(exact).max()))
        found[name] = _timed(partial(loop.gradient, g, x, y), clock)
    return found | {"apart": max(apart)}


def fit(work: Workload, clock: Callable[[], float], rounds: int = 3) -> float:
    """Return the time of steps of a trainer over that of as many gradients.

    Of samples that are known, whose conductances hardly move: that is where the rest counts most.
    """
    net, steps = work.net, 5
    trainer = tr.Trainer(net, work.rule, optimizer=tr.Adam(1e-12))
    trainer.fit(work.x, work.y, 3)
    on = tr.gradients(net, work.x, work.y, trainer.rule).on
    moved = [net.conductances * (1.0 + 1e-12 * k) for k in range(steps)]

    def gradients() -> None:
        for g in moved:
            net.write(g)  # what is kept of a circuit doesn't serve the next step
            tr.gradients(net, work.x, work.y, trainer.rule, start=on)

    ratios = []
    for _ in range(rounds):
        # a fit knows nothing at its first step
        first = _timed(lambda: trainer.fit(work.x, work.y, 1), clock)
        whole = _timed(lambda: trainer.fit(work.x, work.y, 1 + steps), clock)
        ratios.append((whole - first) / _timed(gradients, clock))
    return statistics.median(ratios)


def two_threads(work: Workload) -> Record:
    """Return how many times faster two threads are, by the clock, and whether bits are the same."""
    if cores() < 2:
        return {"threads": np.nan, "same": True}
    step = partial(tr.gradients, work.net, work.x, work.y, work.rule, start=work.on)
    times, one, two = faster(step)
    return {"threads": times, "same": np.array_equal(one.vector, two.vector)}


def measure(family: str, nodes: int, options: argparse.Namespace) -> Record:
    """Return the record of one circuit."""
    how: dict[str, Any] = {"seed": options.seed}
    if family in MIXTURES:
        how["mixture"] = MIXTURES[family]
    if options.linear:
        how["mixture"] = rs.generators.UNIFORM
    circuit = FAMILIES[family](nodes, **how)
    large = len(circuit.nodes) >= LARGE
    batch, repeats = (options.batch // 2, 2) if large else (options.batch, options.repeats)
    clock = time.process_time if options.threads == 1 else time.perf_counter
    began = clock()
    work = Workload(circuit, batch, options.seed)
    record: Record = {"family": family, "nodes": len(circuit.nodes), "batch": batch}
    found = work.cold()
    record["first"] = clock() - began
    work.warm()
    ratios: dict[str, list[float]] = {}
    base = []
    for _ in range(repeats):
        for name in ("cold", "warm", "free", "adjoint"):
            if name in ("cold", "warm"):
                work.move()
            t0, spent = _timed(work.linear, clock), _timed(getattr(work, name), clock)
            base.append(t0)
            ratios.setdefault(name, []).append(spent / batch / t0)
    record |= {name: float(np.median(values)) for name, values in ratios.items()}
    record["t0"] = float(np.median(base))
    record["free_ms"] = 1e3 * record["free"] * record["t0"]
    record["flips"] = float((work.on != found.on).sum(axis=1).mean())
    record["fit"] = fit(work, clock, 1 if large else 3)
    record |= two_threads(work)
    if options.contenders:
        for name, value in contenders(circuit, work, clock).items():
            record[name] = value if name == "apart" else value / record["t0"]
    record["mb"] = memory(circuit, batch, options)
    record["backend"] = work.net.explain_backend().splitlines()[0]
    record["meant"] = asdict(TARGETS.get((family, nodes), Target()))
    return record


def _timed(work: Callable[[], Any], clock: Callable[[], float]) -> float:
    began = clock()
    work()
    return clock() - began


#: heading of each column to its entry of a record
COLUMNS = {
    "EP cold / T0": "cold", "EP warm / T0": "warm", "free / T0": "free", "free, ms": "free_ms",
    "adjoint / T0": "adjoint", "MB": "mb", "fit": "fit", "threads": "threads",
    "`rs.solve` three times / T0": "point", "scipy / T0": "scipy", "torch / T0": "torch",
}  # fmt: skip


def table(records: list[Record]) -> str:
    """Return records as a table in Markdown, with what is meant in brackets."""
    heads = ["circuit", "nodes", "T0, ms", *COLUMNS]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for r in records:
        cells = [r["family"], f"{r['nodes']:,}", f"{1e3 * r['t0']:.3g}"]
        for name in COLUMNS.values():
            value, meant = r.get(name, np.nan), r["meant"].get(name, np.nan)
            cell = "" if np.isnan(value) else f"{value:.2g}"
            cells.append(cell if np.isnan(meant) or not cell else f"{cell} ({meant:g})")
        cells[-4] += "" if r["same"] else " OTHER BITS"
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def wanted(options: argparse.Namespace) -> list[tuple[str, int]]:
    """Return family and nodes of what is to be measured."""
    if options.circuits:
        pairs = (one.split(":") for one in options.circuits.split(","))
        return [(family, int(float(nodes))) for family, nodes in pairs]
    if not options.families and not options.sizes:
        return list(TARGETS)
    families = options.families.split(",") if options.families else FAMILIES
    sizes = options.sizes.split(",") if options.sizes else ("1e3", "1e4")
    return [(family, int(float(size))) for family in families for size in sizes]


def main() -> int:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--circuits", help="FAMILY:NODES,...; by default those with targets")
    parser.add_argument("--families", help="all of these in all sizes, " + ", ".join(FAMILIES))
    parser.add_argument("--sizes", help="nodes")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, help="0: all cores")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--linear", action="store_true", help="without diodes")
    parser.add_argument("--contenders", action="store_true")
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    policy.POLICY = policy.POLICY._replace(threads=options.threads)
    records = []
    for family, nodes in wanted(options):
        records.append(measure(family, nodes, options))
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
