"""Threads that share out the points of one call; compiled loops let go of the interpreter."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ..compiled import policy

Task = TypeVar("Task")
Done = TypeVar("Done")


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def spread(
    task: Callable[[Task], Done], parts: Sequence[Task], threads: int, size: float
) -> list[Done]:
    """Do tasks in some threads, if in all they are large enough; return what they return."""
    threads = min(threads, len(parts))
    if threads < 2 or size < policy.POLICY.tiles:
        return [task(part) for part in parts]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(task, parts))
