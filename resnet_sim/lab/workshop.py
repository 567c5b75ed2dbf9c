"""Processes that compute for the page: kept warm, ended when they exceed a limit, and replaced."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ResnetSimError

#: seconds that a process may take until it is ready: compiling comes first on a new machine
PATIENCE = 300.0
#: bytes that are read at once, and of one reply
CHUNK, MOST = 1 << 20, 64 << 20


class Exceeded(ResnetSimError):
    """A job took more time or memory than it may, or broke its process."""


@dataclass(frozen=True)
class Limits:
    """What a job may take: seconds, those of a training run, and bytes beyond an idle process."""

    seconds: float = 10.0
    training_seconds: float = 300.0
    bytes: int = 1 << 30


#: job -> who does it: answers must not wait for pictures, nor either for training
WHO = {"answer": "answer", "picture": "picture", "curves": "curves", "table": "curves",
       "training": "training"}  # fmt: skip
#: what they do for practice
PRACTICE = {
    "answer": ("answer",), "picture": ("answer", "picture"), "curves": ("curves",), "training": (),
}  # fmt: skip


class Worker:
    """One process that does one job at a time.

    Parameters
    ----------
    limits : Limits
    folders : sequence of Path
        What decks may include files from.
    how : mapping
        How decks are read, see `Reader`.
    practice : sequence of str
        Jobs that it tries before the first that counts.
    """

    def __init__(
        self,
        limits: Limits,
        folders: Sequence[Path],
        how: Mapping[str, Any],
        practice: Sequence[str] = (),
    ) -> None:
        self.limits = limits
        self._config = {
            "bytes": limits.bytes,
            "folders": list(map(str, folders)),
            "how": dict(how),
            "practice": [*practice],
        }
        self._lock = threading.Lock()
        self._closed = False
        self._start()

    def _start(self) -> None:
        # -P: what lies in the working directory is nobody's module
        command = [sys.executable, "-P", "-m", "resnet_sim.lab.worker", json.dumps(self._config)]
        home = str(Path(__file__).parents[2])
        path = os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH", ""))))
        # each thread of OpenBLAS takes address space, of which there is a limit
        environment = os.environ | {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=environment, bufsize=0, start_new_session=True,
        )  # fmt: skip
        self._buffer = b""
        self._ready = False

    def ask(self, job: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return the result of a job.

        Raises
        ------
        Exceeded
            If it takes too much; the process has been replaced by then.
        """
        with self._lock:
            for reply in self._replies(job, data, self.limits.seconds):
                if "result" in reply:
                    found: dict[str, Any] = reply["result"]
        return found

    def stream(self, job: str, data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield what a long job gives; who stops listening ends it."""
        with self._lock:
            whole = False
            try:
                yield from self._replies(job, data, self.limits.training_seconds)
                whole = True
            finally:
                if not whole:
                    self._replace()

    def close(self) -> None:
        """End the process."""
        self._closed = True
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()

    # ---- one job ----

    def _replies(self, job: str, data: Mapping[str, Any], seconds: float) -> Iterator[Any]:
        if not self._ready:
            self._read(time.monotonic() + PATIENCE)
            self._ready = True
        deadline = time.monotonic() + seconds
        self._write(json.dumps({"job": job, "data": data}).encode() + b"\n", deadline)
        while True:
            reply = self._read(deadline)
            if "over" in reply:
                return
            if "exceeded" in reply:
                self._give_up(f"the {job} takes more memory than the lab may: {self._room}")
            if "broken" in reply:
                self._give_up(f"internal error: {reply['broken']}; please report it")
            yield reply

    @property
    def _room(self) -> str:
        return f"{self.limits.bytes >> 20} MB (--memory-limit)"

    def _write(self, line: bytes, deadline: float) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        view = memoryview(line)
        while view:
            _, ready, _ = select.select([], [pipe], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                self._late()
            try:
                view = view[os.write(pipe.fileno(), view[:4096]) :]
            except BrokenPipeError:
                self._died()

    def _read(self, deadline: float) -> Any:
        """Return the next reply."""
        pipe = self._process.stdout
        assert pipe is not None
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                self._late()
            chunk = os.read(pipe.fileno(), CHUNK)
            self._buffer += chunk
            if not chunk or len(self._buffer) > MOST:
                self._died()
        line, _, self._buffer = self._buffer.partition(b"\n")
        return json.loads(line)

    def _late(self) -> None:
        limit = self.limits.seconds
        self._give_up(f"stopped after {limit:g} s (--time-limit): the deck asks for too much")

    def _died(self) -> None:
        self._give_up(f"the process ended: most likely it needed more memory than {self._room}")

    def _give_up(self, message: str) -> None:
        self._replace()
        raise Exceeded(message)

    def _replace(self) -> None:
        """End the process and begin another, which gets ready while the page shows why."""
        if not self._closed:
            self.close()
            self._closed = False
            self._start()


class Workshop:
    """The processes of a lab, by what they do; each begins with the first job that needs it."""

    def __init__(
        self, limits: Limits, folders: Sequence[Path], how: Mapping[str, Any] | None = None
    ) -> None:
        self.limits, self.folders, self.how = limits, folders, how or {}
        self._workers: dict[str, Worker] = {}
        self._lock = threading.Lock()

    def worker(self, job: str) -> Worker:
        """Return who does a job."""
        who = WHO[job]
        with self._lock:
            if who not in self._workers:
                self._workers[who] = Worker(self.limits, self.folders, self.how, PRACTICE[who])
            return self._workers[who]

    def close(self) -> None:
        """End all processes."""
        with self._lock:
            for worker in self._workers.values():
                worker.close()
            self._workers.clear()
