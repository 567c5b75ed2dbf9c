"""A job of many tasks: run somewhere, journalled, with progress, results in order."""

from __future__ import annotations

import concurrent.futures as futures
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ..errors import ExecutorError
from .executors import one_thread, open_executor, run_tasks
from .journal import Entry, Journal
from .progress import counted, shown


def run_job(
    function: Callable[..., Entry],
    tasks: Sequence[tuple[Any, ...]],
    *,
    executor: str | futures.Executor = "threads",
    journal: str | Path | None = None,
    job: str = "",
    sizes: Sequence[int] = (),
    progress: bool = False,
) -> list[Entry]:
    """Run ``function(*task)`` for all tasks; return the results in their order.

    Parameters
    ----------
    function : callable
        Defined at the top level of a module; returns arrays and facts.
    tasks : sequence of tuple
        Arguments, picklable.
    executor : str or Executor
        See `executors.open_executor`.
    journal : path, optional
        Finished tasks are appended to it, and not run again if they are found there.
    job : str
        Fingerprint; a journal of another job is refused.
    sizes : sequence of int
        Points in each task, to be counted.
    progress : bool
        Show how far it is, see `progress.shown`.

    Raises
    ------
    UsageError, ExecutorError
    """
    results: dict[int, Entry] = {}
    with ExitStack() as stack:
        log = None if journal is None else stack.enter_context(Journal(journal, job))
        if log is not None:
            results.update(log.done)
        left = [k for k in range(len(tasks)) if k not in results]
        stack.enter_context(shown(progress))
        sizes = sizes or [1] * len(tasks)
        note = stack.enter_context(counted(sum(sizes), "point"))
        if results:
            note(sum(sizes[k] for k in results))
        if left:
            stack.enter_context(one_thread())
            pool = stack.enter_context(open_executor(executor))
            try:
                for number, entry in run_tasks(pool, function, [tasks[k] for k in left]):
                    task = left[number]
                    results[task] = entry
                    if log is not None:
                        log.append(task, entry)
                    note(sizes[task])
            except ExecutorError as error:
                kept = f"{len(results)} of {len(tasks)} tasks are finished"
                where = "; a journal would keep them" if log is None else f" and kept in {journal}"
                raise ExecutorError(f"{error.args[0]}: {kept}{where}") from error
    return [results[k] for k in range(len(tasks))]
