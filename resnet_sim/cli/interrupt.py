"""Ctrl-C and time limits that end a command even inside a long factorisation.

Python acts on a signal when compiled code returns, which may take minutes.  A thread waits
for the signal too and ends the process if nothing has happened after a moment.  Files are
replaced whole, so nothing is lost.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ..errors import ConvergenceError
from ..workers.progress import listen
from .common import INTERRUPTED, TOLERANCE, complain

#: Seconds that Python gets to act on a signal by itself.
GRACE = 2.0


class _Watch:
    """What is known of the running command."""

    def __init__(self, limit: float | None) -> None:
        self.limit = limit
        self.doing = ""
        self.expired = self.noticed = self.over = False

    def note(self, text: str) -> None:
        self.doing = text

    @property
    def message(self) -> str:
        during = f", last report: {self.doing}" if self.doing else ""
        if self.expired:
            return f"stopped by --time-limit {self.limit:g}{during}"
        return f"interrupted{during}"

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Python's own reaction, between two bytecodes."""
        self.noticed = True
        raise KeyboardInterrupt

    def expire(self) -> None:
        """The time is up."""
        if not self.over:
            self.expired = True
            # a real signal, which ends waiting too
            os.kill(os.getpid(), signal.SIGINT)

    def listen(self, pipe: int) -> None:
        """Wait for a signal, which C code writes to the pipe at once."""
        while os.read(pipe, 1) == bytes([signal.SIGINT]):
            self.insist()
        os.close(pipe)

    def insist(self) -> None:
        """End the process unless Python reacts by itself."""
        time.sleep(GRACE)
        if not (self.noticed or self.over):
            complain(self.message)
            sys.stderr.flush()
            os._exit(TOLERANCE if self.expired else INTERRUPTED)


@contextmanager
def watched(limit: float | None = None) -> Iterator[None]:
    """Watch over a block: Ctrl-C, a time limit (s).

    Raises
    ------
    ConvergenceError
        If the time limit passed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    watch = _Watch(limit)
    leave = listen(watch.note)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    handler = signal.signal(signal.SIGINT, watch.handle)
    previous = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=watch.listen, args=(reader,), daemon=True).start()
    timer = threading.Timer(limit or 0.0, watch.expire)
    timer.daemon = True
    if limit is not None:
        timer.start()
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        if not watch.noticed:
            raise
        if watch.expired:
            raise ConvergenceError(watch.message) from None
        # what the signal met in the middle of a step may have raised an error of its own: a
        # pool, a file, a lock that is let go of twice
        raise KeyboardInterrupt from error
    finally:
        watch.over = True
        timer.cancel()
        signal.set_wakeup_fd(previous)
        signal.signal(signal.SIGINT, handler)
        os.close(writer)  # ends the thread
        leave()
