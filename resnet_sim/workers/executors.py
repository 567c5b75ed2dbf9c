"""Where tasks run: in this thread, in threads, in processes, on a Dask cluster.

Everything goes through `concurrent.futures.Executor`, so any object of that kind will do.
A task is a call of a function with picklable arguments and nothing to remember: it can be run
again, anywhere, with the same result.
"""

from __future__ import annotations

import concurrent.futures as futures
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from typing import Any

from ..errors import ExecutorError, UsageError

#: how often a task is run again whose process died
RETRIES = 3
#: tasks handed out at a time, at least, and for each worker
WINDOW, WINDOW_PER_WORKER = 32, 4

#: seconds to wait for a cluster to answer, and for one to end
CONNECT, CLOSE = 10.0, 5.0

#: what tells linear algebra how many threads to use, in processes yet to start
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

_FORMS = "serial, threads[:N], processes[:N], dask[:N] or dask:tcp://host:port"


class Serial(futures.Executor):
    """Runs each task when it is submitted, in the same thread."""

    def submit(
        self, function: Callable[..., Any], /, *args: Any, **keywords: Any
    ) -> futures.Future[Any]:
        """Run a task; return it done."""
        future: futures.Future[Any] = futures.Future()
        try:
            future.set_result(function(*args, **keywords))
        except Exception as error:
            future.set_exception(error)
        return future


class Processes(futures.Executor):
    """Processes of which any may die: what it was doing is run again by others.

    (`ProcessPoolExecutor` gives up all tasks when one process dies.)
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._lock = threading.Lock()
        self._pool: futures.ProcessPoolExecutor | None = None
        self._closed = False

    def submit(
        self, function: Callable[..., Any], /, *args: Any, **keywords: Any
    ) -> futures.Future[Any]:
        """Run a task in one of the processes."""
        future: futures.Future[Any] = futures.Future()
        future.set_running_or_notify_cancel()
        self._start(future, RETRIES, function, args, keywords)
        return future

    def _start(
        self, future: futures.Future[Any], retries: int, function: Any, args: Any, keywords: Any
    ) -> None:
        with self._lock:
            if self._closed:
                future.set_exception(futures.CancelledError())
                return
            if self._pool is None:
                import multiprocessing

                # a forked copy of a process with threads may hang: start new ones
                context = multiprocessing.get_context("spawn")
                self._pool = futures.ProcessPoolExecutor(self.workers, mp_context=context)
            pool = self._pool
            try:
                with _one_thread_each():  # the first task starts the processes
                    inner = pool.submit(function, *args, **keywords)
            except futures.BrokenExecutor as error:
                inner = futures.Future()
                inner.set_exception(error)

        def done(inner: futures.Future[Any]) -> None:
            error = futures.CancelledError() if inner.cancelled() else inner.exception()
            if error is None:
                future.set_result(inner.result())
            elif isinstance(error, futures.BrokenExecutor) and retries:
                with self._lock:
                    if self._pool is pool:
                        self._pool = None
                self._start(future, retries - 1, function, args, keywords)
            else:
                future.set_exception(error)

        inner.add_done_callback(done)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let go of the processes."""
        with self._lock:
            self._closed, pool = True, self._pool
        if pool is not None:
            pool.shutdown(wait, cancel_futures=cancel_futures)


class _OnDask(futures.Executor):
    """Tasks on a cluster, run again when their worker dies.

    `Client.get_executor` looks at a task's status after it has got the result: when the worker
    dies in between, the result is taken for an error.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def submit(
        self, function: Callable[..., Any], /, *args: Any, **keywords: Any
    ) -> futures.Future[Any]:
        """Run a task on the cluster."""
        import asyncio  # distributed has

        future: futures.Future[Any] = futures.Future()
        remote = self._client.submit(function, *args, pure=False, retries=RETRIES, **keywords)

        async def follow() -> None:
            try:
                result = await remote._result()
            except BaseException as error:
                if future.set_running_or_notify_cancel():
                    # asyncio's own is no Exception, and would pass through all handlers;
                    # that of Dask tells several lines about the connection
                    lost = isinstance(error, asyncio.CancelledError | futures.CancelledError)
                    future.set_exception(futures.CancelledError() if lost else error)
            else:
                if future.set_running_or_notify_cancel():
                    future.set_result(result)

        future.add_done_callback(lambda done: remote.cancel() if done.cancelled() else None)
        self._client.loop.add_callback(follow)
        return future


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let processes that are started meanwhile have one thread each in linear algebra."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def one_thread() -> AbstractContextManager[Any]:
    """Keep BLAS from sharing small systems among threads.

    They would wait for each other longer than they work, and how many there are shows in the
    last digits.
    """
    return _libraries(len(sys.modules)).limit(limits=1, user_api="blas")


@lru_cache(1)
def _libraries(modules: int) -> Any:
    """Return the libraries with threads: they are looked for again once more is imported."""
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return ThreadpoolController()


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def open_executor(spec: str | futures.Executor) -> Iterator[futures.Executor]:
    """Open what a specification says for the duration of a ``with`` statement.

    Parameters
    ----------
    spec : str or Executor
        ``"serial"``, ``"threads"``, ``"threads:4"``, ``"processes"``, ``"processes:4"``,
        ``"dask"`` (a cluster on this machine), ``"dask:4"``, ``"dask:tcp://host:port"``; an
        Executor is used as it is and stays open.

    Raises
    ------
    UsageError
        If there is no such executor or its package is not installed.
    ExecutorError
        If the cluster can't be reached.
    """
    if isinstance(spec, futures.Executor):
        yield spec
        return
    if not isinstance(spec, str):
        raise UsageError(f"there is no executor {spec!r}: use {_FORMS}")
    kind, _, rest = spec.partition(":")
    if kind == "dask":
        with _dask(rest) as executor:
            yield executor
        return
    if kind not in ("serial", "threads", "processes") or (kind == "serial" and rest):
        raise UsageError(f"there is no executor {spec!r}: use {_FORMS}")
    executor = Serial()
    workers = _workers(spec, rest)
    if kind == "threads":
        executor = futures.ThreadPoolExecutor(workers)
    elif kind == "processes":
        executor = Processes(workers)
    try:
        yield executor
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        raise
    executor.shutdown()


def _workers(spec: str, text: str) -> int:
    if not text:
        return cores()
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 10_000:
        raise UsageError(f"executor {spec!r}: {text!r} is no number of workers; use {_FORMS}")
    return int(text)


@contextmanager
def _dask(text: str) -> Iterator[futures.Executor]:
    """Connect to a cluster, or start one on this machine."""
    workers = 0 if "://" in text else _workers(f"dask:{text}", text)
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError:
        raise UsageError("Dask is not installed: pip install 'resnet_sim[dask]'") from None
    cluster: Any = None
    if "://" in text:
        address: Any = text
    else:
        # looking at every stack a hundred times a second costs a tenth of the time
        with dask.config.set({"distributed.worker.profile.enabled": False}):
            cluster = address = LocalCluster(  # type: ignore[no-untyped-call]
                n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=":0"
            )
    try:
        try:
            client = Client(address, timeout=CONNECT, set_as_default=False)  # type: ignore[no-untyped-call]
        except (OSError, ValueError) as error:
            raise ExecutorError(f"no Dask cluster at {text}: {error}") from None
        try:
            yield _OnDask(client)
        finally:
            client.close(timeout=CLOSE)  # type: ignore[no-untyped-call]
    finally:
        if cluster is not None:
            cluster.close(timeout=CLOSE)


def run_tasks(
    executor: futures.Executor,
    function: Callable[..., Any],
    tasks: Sequence[tuple[Any, ...]],
) -> Iterator[tuple[int, Any]]:
    """Run ``function(*task)`` for each task; yield number and result as they come in.

    Few tasks are handed out at a time, so that a caller who stops leaves little running.

    Raises
    ------
    ExecutorError
        If workers or the cluster are gone; what was yielded stays valid.
    """
    limit = max(WINDOW, WINDOW_PER_WORKER * _width(executor))
    waiting: dict[futures.Future[Any], int] = {}
    following = 0
    try:
        while waiting or following < len(tasks):
            while following < len(tasks) and len(waiting) < limit:
                future = _submit(executor, function, tasks[following])
                waiting[future] = following
                following += 1
                if future.done():  # a serial executor: hand out each result at once
                    break
            done, _ = futures.wait(waiting, return_when=futures.FIRST_COMPLETED)
            for future in done:
                yield waiting.pop(future), _result(future)
    finally:
        for future in waiting:
            future.cancel()


def _submit(executor: futures.Executor, function: Any, task: tuple[Any, ...]) -> Any:
    try:
        return executor.submit(function, *task)
    except (futures.BrokenExecutor, RuntimeError, OSError) as error:
        raise _lost(error) from error


def _result(future: futures.Future[Any]) -> Any:
    try:
        return future.result()
    except (futures.BrokenExecutor, futures.CancelledError, OSError) as error:
        raise _lost(error) from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] == "distributed":
            raise _lost(error) from error
        raise


def _lost(error: BaseException) -> ExecutorError:
    reason = f"{type(error).__name__}: {error}".rstrip(": ")
    return ExecutorError(f"workers or the cluster are gone ({reason}); finished tasks are kept")


def _width(executor: futures.Executor) -> int:
    """Return how many workers an executor has, as far as it tells."""
    client = getattr(executor, "_client", None)
    if client is not None:
        return len(client.nthreads())
    workers = getattr(executor, "_max_workers", getattr(executor, "workers", 1))
    return int(workers)
