"""Threads that share out the points of one call; compiled loops let go of the interpreter.

Who asks works, too: a thread takes longer to wake up than many a part, and may find all done.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import cache
from math import inf
from queue import SimpleQueue
from typing import Any, TypeVar

from ..compiled import policy
from ..workers.executors import cores

#: Points that are done at a time at least, and parts that there are at least if they allow it.
PART, PARTS = 32, 4

Task = TypeVar("Task")
Done = TypeVar("Done")


def threads(size: float = inf) -> int:
    """Return how many threads share out the points of a call of a size; ask for it at each."""
    return 1 if size < policy.POLICY.tiles else int(policy.POLICY.threads) or cores()


def slices(count: int, elements: int, threads: int | None = None) -> list[slice]:
    """Return which points of a circuit are done at a time.

    So many that what they take together counts little, so few that their numbers stay in the cache.
    Only where it doesn't matter to results with whom a point is done may `threads` count.
    """
    most = PART * max(1, int(policy.POLICY.part / (PART * max(elements, 1))))
    least, parts = (min(PART, 8 * -(-count // 16)), PARTS) if threads is None else (8, threads)
    length = min(most, max(least, -(-count // (8 * parts)) * 8))
    return [slice(k, k + length) for k in range(0, count, length)]


def spread(
    task: Callable[[Task], Done], parts: Sequence[Task], threads: int, size: float
) -> list[Done]:
    """Do tasks in some threads, if in all they are large enough; return what they return."""
    threads = min(threads, len(parts))
    if threads < 2 or size < policy.POLICY.tiles or getattr(_here, "shares", False):
        return [task(part) for part in parts]
    todo = deque(enumerate(parts))
    found: dict[int, Done] = {}
    begun: list[bool] = []
    ended: SimpleQueue[BaseException | None] = SimpleQueue()

    def work() -> None:
        while True:
            try:
                k, part = todo.popleft()
            except IndexError:
                return
            found[k] = task(part)

    def help_out() -> None:
        begun.append(True)
        try:
            work()
        except BaseException as error:
            ended.put(error)
        else:
            ended.put(None)

    helpers = _helpers(threads - 1, os.getpid())
    for _ in range(threads - 1):
        helpers.put(help_out)
    _here.shares = True
    try:
        work()
        # one that woke up too late to do anything is not waited for
        while len(found) < len(parts):
            error = ended.get()
            begun.pop()
            if error is not None:
                raise error
    finally:
        _here.shares = False
        todo.clear()
        if len(found) < len(parts):
            for _ in list(begun):
                ended.get()
    return [found[k] for k in range(len(parts))]


#: of a thread: whether it does the task of another, with as many beside it as there is room for
_here = threading.local()


def _help(asked: SimpleQueue[Any]) -> None:
    _here.shares = True
    while True:
        asked.get()()


@cache
def _helpers(threads: int, process: int) -> SimpleQueue[Any]:
    """Return where threads wait for work: to open them takes longer than many a task.

    After a fork they are missing in the new process.  Executors take twice as long to wake one.
    """
    asked: SimpleQueue[Any] = SimpleQueue()
    for k in range(threads):
        threading.Thread(target=_help, args=(asked,), name=f"points_{k}", daemon=True).start()
    return asked
