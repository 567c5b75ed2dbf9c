"""What two threads can reach here, and how much faster they make a call.

    python benchmarks/two_threads.py

Two threads that only pass over arrays of their own, of a size: factors of eight networks at a time
take 64 bytes an entry, .9 MB on a grid of 900 nodes, 16 MB on one of 10,000.  What is in the caches
of a core two cores do twice as fast; what passes the cache they share, or memory, they may not.
`sweeps.py factors` prints these lines below its own.

Two threads need two idle cores.  Where the system shares time out by groups of processes (autogroup
of Linux) a single busy process of somebody else leaves a core to all threads of this one, and two
are as fast as one; ``chrt -f 1`` before the command, where it is allowed, takes precedence.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np

from resnet_sim.compiled import policy

#: KB that each thread goes over: within the first cache, the second, at its edge, beyond it
SIZES = (16, 256, 1024, 16384)
#: numbers that pass in all, in a measurement: enough that waking a thread up counts for nothing
PASSING = 400_000_000
#: calls with as many threads, one after the other: the first finds its numbers in another cache
IN_TURN = 2


def faster(work: Callable[[], Any], rounds: int = 5) -> tuple[float, Any, Any]:
    """Return how many times faster two threads do a call, by the least times of both in turn.

    And what it returns with one thread and with two.
    """
    taken: dict[int, list[float]] = {1: [], 2: []}
    found = {}
    for _ in range(rounds):
        for threads, times in taken.items():
            with policy.using(threads=threads):
                for _ in range(IN_TURN):
                    began = time.perf_counter()
                    found[threads] = work()
                    times.append(time.perf_counter() - began)
    return min(taken[1]) / min(taken[2]), found[1], found[2]


@numba.njit(nogil=True)
def _passes(a: np.ndarray, times: int) -> None:
    for _ in range(times):
        for k in range(len(a)):
            a[k] = 0.5 * a[k] + 1.0


def reach(kilobytes: int, rounds: int = 5) -> float:
    """Return how many times faster two threads are, by the clock."""
    arrays = [np.zeros(128 * kilobytes) for _ in range(2)]
    times = max(1, PASSING // len(arrays[0]) // 2)
    spent = []
    with ThreadPoolExecutor(2) as pool:
        for _ in range(rounds):
            for run in (map, pool.map):
                began = time.perf_counter()
                list(run(_passes, arrays, [times] * 2))
                spent.append(time.perf_counter() - began)
    return min(spent[::2]) / min(spent[1::2])


def limits() -> str:
    """Return what is reached with each of `SIZES`, in words."""
    _passes(np.zeros(1), 1)
    found = ", ".join(f"{reach(size):.2f} ({size:,} KB)" for size in SIZES)
    return f"two threads that only pass over arrays of their own: {found} times one"


if __name__ == "__main__":
    print(limits())
