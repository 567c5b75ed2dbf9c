"""What long work is doing and how far it is, for whoever wants to know.

Work calls `report`, or counts what is done with `counted`; both cost next to nothing unless
somebody listens.  `shown` prints it on stderr: counts as tqdm's bar where there is tqdm and a
terminal, as lines otherwise.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

#: Seconds between two lines of a count.
PAUSE = 1.0

_listeners: list[Callable[[str], None]] = []
#: what shows reports at present, if anything does
_display: _Display | None = None


def report(message: str, *values: object) -> None:
    """Tell all listeners; costs next to nothing if there are none.

    `values` go into the message by the ``%`` operator.
    """
    if _listeners:
        text = message % values
        for listener in _listeners:
            listener(text)


def listen(listener: Callable[[str], None]) -> Callable[[], None]:
    """Call `listener` with every report from now on; return the function that ends this."""
    _listeners.append(listener)
    return lambda: _listeners.remove(listener)


class Advance(Protocol):
    """Is told that `count` more are done, and maybe what is to be said of the last one."""

    def __call__(self, count: int = 1, remark: str = "") -> None: ...  # noqa: D102


@contextmanager
def counted(total: int, unit: str) -> Iterator[Advance]:
    """Count within a ``with`` statement how many of `total` units are done."""
    display, done = _display, 0
    bar = None if display is None or display.counting else display.bar(total, unit)

    def advance(count: int = 1, remark: str = "") -> None:
        nonlocal done
        done += count
        report("%s %d/%d%s", unit, done, total, f": {remark}" if remark else "")
        if bar is not None:
            bar.set_postfix_str(remark, refresh=False)
            bar.update(count)

    if display is None or bar is None:
        yield advance
        return
    display.counting = True
    try:
        yield advance
    finally:
        bar.close()
        display.counting = False


@contextmanager
def shown(wanted: bool = True) -> Iterator[None]:
    """Show on stderr what is reported and counted meanwhile, unless it is shown already."""
    global _display
    if not wanted or _display is not None:
        yield
        return
    _display = _Display()
    leave = listen(_display.note)
    try:
        yield
    finally:
        leave()
        _display = None


class _Display:
    """Lines on stderr with the time; while something is counted, nothing but the count."""

    def __init__(self) -> None:
        self.began, self.counting = time.monotonic(), False

    def note(self, text: str) -> None:
        if not self.counting:
            self.line(text)

    def line(self, text: str) -> None:
        seconds = time.monotonic() - self.began
        print(f"[{seconds:7.2f} s] {text}", file=sys.stderr, flush=True)

    def bar(self, total: int, unit: str) -> Any:
        """Return a bar of tqdm, or what does the same in lines."""
        if sys.stderr.isatty():
            try:
                from tqdm import tqdm
            except ImportError:
                pass
            else:
                return tqdm(total=total, unit=unit, file=sys.stderr)
        return _Lines(self, total, unit)


class _Lines:
    """A bar as lines: the first, the last, and about one a second between."""

    def __init__(self, display: _Display, total: int, unit: str) -> None:
        self.display, self.total, self.unit = display, total, unit
        self.done, self.remark = 0, ""
        self.told, self.last = 0, -PAUSE

    def set_postfix_str(self, remark: str, refresh: bool) -> None:
        self.remark = f": {remark}" if remark else ""

    def update(self, count: int) -> None:
        self.done += count
        if self.done >= self.total or time.monotonic() - self.last >= PAUSE:
            self.close()

    def close(self) -> None:
        """Tell where things stand, unless that is told."""
        if self.done > self.told:
            self.told, self.last = self.done, time.monotonic()
            self.display.line(f"{self.unit} {self.done}/{self.total}{self.remark}")
