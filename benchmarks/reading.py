"""How fast decks are read and what memory that takes, on this machine, now.

    python benchmarks/reading.py [--size 1000000]

Each deck is read by a process of its own, best of three: seconds of CPU from text to
circuit, and the largest memory of that process less that of one that reads three cards.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

RUN = """
import json, resource, sys, time
from resnet_sim.netlist import read_netlist
started = time.process_time()
circuit = read_netlist(sys.argv[1])
seconds = time.process_time() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([circuit.n_elements, seconds, peak]))
"""
MODEL = ".model dm d(ron=0 roff=inf)\n"
CELL = ".subckt cell a b r=1k\nr1 a m 1k\nr2 m b {r}\nd1 m b dm\n.ends\n" + MODEL

Cards = Iterator[str]


def resistors(count: int) -> Cards:
    """Yield a square grid of resistors."""
    rng = random.Random(1)
    side = int((count / 2) ** 0.5)
    for k in range(2 * side * side):
        i, j = divmod(k // 2, side)
        other = f"n{i + 1}_{j}" if k % 2 else f"n{i}_{j + 1}"
        yield f"R{k} n{i}_{j} {other} {rng.uniform(1, 100):.4f}k\n"


def mixed(count: int) -> Cards:
    """Yield resistors, sources and diodes in turn."""
    yield MODEL
    cards = (
        "R{0} n{1} n{2} 1.5k\n",
        "V{0} v{0} n{1} 0\n",
        "D{0} n{1} n{2} dm\n",
        "I{0} n{1} 0 1m\n",
    )
    for k in range(count):
        yield cards[k % 4].format(k, k % 9999, k % 7777)


def parameters(count: int) -> Cards:
    """Yield cards that must be read one by one."""
    yield ".param p=1k\n"
    yield from (f"R{k} n{k % 9999} n{k % 7777} {{p}}\n" for k in range(count))


def models(count: int) -> Cards:
    """Yield real diodes, each with a model of its own."""
    yield from (f"D{k} n{k % 9999} n{k % 7777} d{k}\n" for k in range(count // 2))
    model = ".model d{0} d(is={1}e-14 n=1.25 rs=0.5 bv=60 nbv=1.1 ibv=0)\n"
    yield from (model.format(k, k + 1) for k in range(count // 2))


def nested(count: int) -> Cards:
    """Yield a subcircuit that holds all the resistors, and its instance."""
    yield ".subckt grid n0_0\n"
    yield from resistors(count)
    yield ".ends\nx1 in grid\n"


def instances(count: int) -> Cards:
    """Yield instances of three elements, all alike."""
    yield CELL
    yield from (f"X{k} n{k} n{k + 1} cell\n" for k in range(count // 3))


def varied(count: int) -> Cards:
    """Yield instances of three elements, each with a value of its own."""
    yield CELL
    yield from (f"X{k} n{k} n{k + 1} cell r={k + 1}\n" for k in range(count // 3))


def measure(cards: Cards, folder: Path, runs: int = 3) -> tuple[int, float, float]:
    """Return the number of elements, CPU seconds and peak memory (MB)."""
    deck = folder / "deck.net"
    with deck.open("w") as file:
        file.write("benchmark\n")
        file.writelines(cards)
    command = [sys.executable, "-c", RUN, str(deck)]
    found = []
    for _ in range(runs):
        run = subprocess.run(command, capture_output=True, check=True, text=True)
        found.append(json.loads(run.stdout))
    return found[0][0], min(f[1] for f in found), min(f[2] for f in found)


def main() -> None:
    parser = argparse.ArgumentParser(description="How fast decks are read.")
    parser.add_argument("--size", type=int, default=1_000_000, help="cards of the largest deck")
    size = parser.parse_args().size
    cases: list[tuple[str, Callable[[int], Cards], int]] = [
        ("resistors", resistors, size),
        ("resistors", resistors, size // 10),
        ("R, V, D and I in turn", mixed, size // 10),
        ("diodes and their models", models, size // 20),
        ("resistors of a subcircuit", nested, size // 10),
        ("instances, all alike", instances, size * 3 // 10),
        ("instances, each its own r", varied, size // 20),
        ("cards with a parameter", parameters, size // 20),
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _, _, idle = measure(resistors(2), folder)
        print(f"{'deck':<26}{'elements':>10}{'CPU s':>9}{'per s':>11}{'MB':>7}")
        for title, cards, count in cases:
            elements, seconds, peak = measure(cards(count), folder)
            rate = elements / seconds
            print(f"{title:<26}{elements:>10,}{seconds:>9.2f}{rate:>11,.0f}{peak - idle:>7.0f}")


if __name__ == "__main__":
    main()
