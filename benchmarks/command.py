"""How long the command and the reading of decks take, on this machine, now.

    python benchmarks/command.py

Whole processes alternate with ``python -c "import numpy"``; the figure is the ratio of the
best of nine runs each.  Cards are read in this process, CPU seconds, best of three.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from resnet_sim.netlist import parse_netlist

TEN = """ten elements
V1 in 0 5
R1 in a 1k
R2 a b 2k
R3 b 0 3k
D1 a c di
R4 c 0 1k
D2 0 b di
R5 c d 1k
R6 d 0 2.2k
I1 0 d 1m
.model di d(ron=0 roff=inf vfwd=0.6)
.op
.end
"""
CELL = ".subckt cell a b r=1k\nr1 a m 1k\nr2 m b {r}\nd1 m b dm\n.ends\n.model dm d(ron=0)\n"


def process(*arguments):
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
    return time.perf_counter() - started


def ratio(*arguments, runs=9):
    """Return the time of a process over that of importing numpy."""
    pairs = [(process(*arguments), process("-c", "import numpy")) for _ in range(runs)]
    return min(one for one, _ in pairs) / min(other for _, other in pairs)


def rate(text, count):
    """Return cards per CPU second."""
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        parse_netlist(text)
        best = min(best, time.process_time() - started)
    return count / best


def main():
    with tempfile.TemporaryDirectory() as folder:
        deck = Path(folder) / "ten.net"
        deck.write_text(TEN)
        print(f"resnet-sim --help             {ratio('-m', 'resnet_sim', '--help'):6.2f} x numpy")
        solve = ratio("-m", "resnet_sim", "solve", str(deck))
        print(f"resnet-sim solve, 10 elements {solve:6.2f} x numpy")
    plain = "t\n" + "\n".join(f"r{k} n{k % 999} n{k % 777} {k + 1}.5" for k in range(100_000))
    print(f"plain cards                   {rate(plain, 100_000):8.0f} per s")
    for count in (2000, 20_000):
        cells = "t\n" + CELL + "\n".join(f"x{k} n{k} n{k + 1} cell r={k}" for k in range(count))
        print(f"instances of 3, {count:6}         {rate(cells, count):8.0f} per s")


if __name__ == "__main__":
    main()
