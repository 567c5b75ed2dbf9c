"""What two threads can reach here: plain passes over arrays of a size, twice over at once.

    python benchmarks/two_threads.py

Factors of eight networks at a time take 64 bytes an entry: .9 MB on a grid of 900 nodes, 16 MB on
one of 10,000.  What is in the caches of a core two cores do twice as fast; what passes the cache
that they share, or memory, they may not do faster at all.  `sweeps.py factors` prints these lines
below its own.
"""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np

#: KB that each thread goes over: within the first cache, the second, at its edge, beyond it
SIZES = (16, 256, 1024, 16384)
#: numbers that pass in all, in a measurement
PASSING = 50_000_000


@numba.njit(nogil=True)
def _passes(a: np.ndarray, times: int) -> None:
    for _ in range(times):
        for k in range(len(a)):
            a[k] = 0.5 * a[k] + 1.0


def reach(kilobytes: int, rounds: int = 5) -> float:
    """Return how many times faster two threads are, by the clock."""
    arrays = [np.zeros(128 * kilobytes) for _ in range(2)]
    times = max(1, PASSING // len(arrays[0]) // 2)
    ratios = []
    with ThreadPoolExecutor(2) as pool:
        for _ in range(rounds):
            spent = []
            for run in (map, pool.map):
                began = time.perf_counter()
                list(run(_passes, arrays, [times] * 2))
                spent.append(time.perf_counter() - began)
            ratios.append(spent[0] / spent[1])
    return statistics.median(ratios)


def limits() -> str:
    """Return what is reached with each of `SIZES`, in words."""
    _passes(np.zeros(1), 1)
    found = ", ".join(f"{reach(size):.2f} ({size:,} KB)" for size in SIZES)
    return f"two threads that only pass over arrays of their own: {found} times one"


if __name__ == "__main__":
    print(limits())
