"""Circuits with real diodes: certified from a cold start, in T0, and beside ngspice.

    python benchmarks/curves.py random [--sizes 10,100,1000,10000] [--count 10] [--mild]
    python benchmarks/curves.py ngspice [--nodes 10000]
    python benchmarks/curves.py ten

The first solves random networks of each family (graphs, strings of 30, bridges, antiparallel pairs;
conductances over six decades, saturation currents over twelve, sources to a kilovolt, a third
with ideal diodes beside; `--mild`: within three decades and 20 V) and prints what share of them is
certified, and the median and the worst time in T0: one factorisation and solve of the same
network with resistors for diodes.  The second compares whole processes with ngspice's, the third
those of ten elements with real and with ideal diodes.  Seconds are CPU seconds, and processes
alternate; targets stand beside.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from command import TEN  # the deck of ten elements
from contenders import linear
from quadratic import quadratic_program

import resnet_sim as rs

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "makers"))
maker: Any = import_module("junction_circuits")

#: nodes from which there are targets: median and worst, in T0; of mild ones at 10,000 nodes
FROM, MEDIAN, WORST, MILD = 1_000, 60, 300, 25
#: times ngspice's process is to take longer, and milliseconds that ten elements may
FASTER, MORE = 5, 30
REPEATS = 9


def cpu(run: Any) -> tuple[float, Any]:
    """Return the seconds of CPU that a call takes, and what it returns."""
    start = time.thread_time()
    found = run()
    return time.thread_time() - start, found


def unit(kind: str, seed: int, nodes: int, mild: bool) -> float:
    """Return T0, s: the least of three."""
    program = quadratic_program(maker.circuit(kind, seed, nodes, mild=mild, linear=True))
    solve = linear(program)
    return min(cpu(solve)[0] for _ in range(3))


def random(options: argparse.Namespace) -> None:
    """Print a row for each family and size."""
    print("nodes   family    certified   median  worst, in T0")
    for kind in maker.KINDS:  # compiled or loaded, before anything is measured
        for hard in (True, False):
            rs.solve(maker.circuit(kind, 0, 1000, hard=hard, mild=options.mild))
    for nodes in options.sizes:
        for kind in maker.KINDS:
            ratios, good = [], 0
            for seed in range(options.count):
                circuit = maker.circuit(kind, seed, nodes, hard=seed % 3 == 0, mild=options.mild)
                try:
                    seconds, op = cpu(lambda some=circuit: rs.solve(some))
                except rs.ResnetSimError as error:
                    print(f"  {kind} {seed}: {type(error).__name__}")
                    continue
                good += op.certificate.ok
                ratios.append(seconds / unit(kind, seed, nodes, options.mild))
            median, worst = statistics.median(ratios), max(ratios)
            target = f"  (targets {MEDIAN}, {WORST})" if nodes >= FROM else ""
            if options.mild and nodes >= 10 * FROM:
                target = f"  (target {MILD})"
            share = f"{good}/{options.count}"
            print(f"{nodes:6d}  {kind:8s}  {share:>9s}  {median:7.1f} {worst:6.1f}{target}")


def process(*command: str, limit: float | None = None) -> float:
    """Return the seconds of CPU that a process takes, until it is stopped."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with suppress(subprocess.TimeoutExpired):
        subprocess.run(command, capture_output=True, check=False, timeout=limit)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def ngspice(options: argparse.Namespace) -> None:
    """Print how many times longer ngspice's process takes for a circuit of each family."""
    if shutil.which("ngspice") is None:
        sys.exit("ngspice is not installed")
    with tempfile.TemporaryDirectory() as directory:
        deck = Path(directory) / "deck.cir"
        for kind in maker.KINDS:
            circuit = maker.circuit(kind, 0, options.nodes, mild=True)
            deck.write_text(rs.format_netlist(circuit, dialect="ngspice"))
            own, theirs = [], []
            for _ in range(3):
                own.append(process(sys.executable, "-m", "resnet_sim", "solve", str(deck)))
                theirs.append(process("ngspice", "-b", str(deck), limit=options.limit))
            ratio = min(theirs) / min(own)
            print(f"{kind:8s} {min(own):6.2f} s, ngspice {min(theirs):6.2f} s: "
                  f"{ratio:5.1f} times (target {FASTER})")  # fmt: skip


def ten(options: argparse.Namespace) -> None:
    """Print how much longer ten elements take with real diodes than with ideal ones."""
    real = TEN.replace("di d(ron=0 roff=inf vfwd=0.6)", "di d(is=2.52n rs=.568 n=1.752)")
    with tempfile.TemporaryDirectory() as directory:
        times: dict[str, list[float]] = {"ideal": [], "real": []}
        for name, text in (("ideal", TEN), ("real", real)):
            (Path(directory) / f"{name}.cir").write_text(text)
        for _ in range(REPEATS):
            for name, found in times.items():
                deck = str(Path(directory) / f"{name}.cir")
                found.append(process(sys.executable, "-m", "resnet_sim", "solve", deck))
        best = {name: 1e3 * min(found) for name, found in times.items()}
        print(f"ideal {best['ideal']:.0f} ms, real {best['real']:.0f} ms: "
              f"{best['real'] - best['ideal']:.0f} ms more (target {MORE})")  # fmt: skip


def main(arguments: list[str] | None = None) -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("random")
    one.add_argument("--sizes", type=lambda s: [int(float(x)) for x in s.split(",")],
                     default=[10, 100, 1000, 10_000])  # fmt: skip
    one.add_argument("--count", type=int, default=10)
    one.add_argument("--mild", action="store_true")
    one.set_defaults(run=random)
    two = commands.add_parser("ngspice")
    two.add_argument("--nodes", type=int, default=10_000)
    two.add_argument("--limit", type=float, default=60.0, help="s, where ngspice is stopped")
    two.set_defaults(run=ngspice)
    commands.add_parser("ten").set_defaults(run=ten)
    options = parser.parse_args(arguments)
    options.run(options)


if __name__ == "__main__":
    main()
