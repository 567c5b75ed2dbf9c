"""A job of many tasks: run somewhere, journalled, with progress, results in order."""

from __future__ import annotations

import concurrent.futures as futures
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ..errors import ExecutorError, UsageError
from .executors import one_thread, open_executor, run_tasks
from .journal import Entry, Journal

#: called with the number of finished points whenever a task is done
Progress = Callable[[int], None]


def run_job(
    function: Callable[..., Entry],
    tasks: Sequence[tuple[Any, ...]],
    *,
    executor: str | futures.Executor = "threads",
    journal: str | Path | None = None,
    job: str = "",
    sizes: Sequence[int] = (),
    progress: Progress | None = None,
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
        Points in each task, for `progress`.
    progress : callable, optional

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
        note = progress or (lambda points: None)
        note(sum(sizes[k] if sizes else 1 for k in results))
        if left:
            stack.enter_context(one_thread())
            pool = stack.enter_context(open_executor(executor))
            try:
                for number, entry in run_tasks(pool, function, [tasks[k] for k in left]):
                    task = left[number]
                    results[task] = entry
                    if log is not None:
                        log.append(task, entry)
                    note(sizes[task] if sizes else 1)
            except ExecutorError as error:
                kept = f"{len(results)} of {len(tasks)} tasks are finished"
                where = "; a journal would keep them" if log is None else f" and kept in {journal}"
                raise ExecutorError(f"{error.args[0]}: {kept}{where}") from error
    return [results[k] for k in range(len(tasks))]


@contextmanager
def progress_bar(total: int, shown: bool) -> Iterator[Progress | None]:
    """Show a bar on stderr (needs tqdm)."""
    if not shown:
        yield None
        return
    try:
        from tqdm import tqdm  # type: ignore[import-untyped]
    except ImportError:
        raise UsageError("a progress bar needs the package tqdm: pip install tqdm") from None
    with tqdm(total=total, unit="point") as bar:
        yield bar.update
