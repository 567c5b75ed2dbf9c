"""Running ngspice: in a directory of its own, with a time limit, and believing only the log.

Its exit status is no verdict: a floating pair of nodes gives ``singular matrix`` and 0.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ..errors import SimulatorError, UsageError
from ..results.rawfile import Plot, read_raw
from ..workers.progress import report

#: seconds that one run may take unless told otherwise
TIME_LIMIT = 600.0

INSTALL = (
    "install it ('apt-get install ngspice', 'brew install ngspice', or ngspice.sourceforge.io)"
)

_FAILURE = re.compile(
    r"singular matrix|stepping failed|Transient op failed|timestep too small|"
    r"^\s*(?:fatal )?error\b|unable to find definition|run simulation\(s\) aborted",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True)
class Outcome:
    """What a run has left: the plot, and how long it took (s)."""

    plot: Plot
    seconds: float


def find() -> str:
    """Return the path of ngspice.

    Raises
    ------
    SimulatorError
        If it is not installed; says how to get it.
    """
    path = shutil.which("ngspice")
    if path is None:
        raise SimulatorError(f"ngspice is not installed, or not on PATH: {INSTALL}")
    return path


@lru_cache(maxsize=1)
def version() -> str:
    """Return what ngspice calls itself, such as ``"ngspice-39"``."""
    try:
        run = subprocess.run(
            [find(), "--version"], capture_output=True, text=True, errors="replace", timeout=10,
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "ngspice"
    found = re.search(r"ngspice-[\w.+]+", run.stdout)
    return found[0] if found else "ngspice"


def simulate(deck: str, time_limit: float = TIME_LIMIT) -> Outcome:
    """Run a deck with one analysis.

    Raises
    ------
    SimulatorError
        If ngspice is missing, takes too long, reports a failure or leaves no result.
    """
    command = find()
    report("running ngspice")
    with tempfile.TemporaryDirectory(prefix="resnet-sim-") as name:
        directory = Path(name)
        (directory / "deck.cir").write_text(deck, encoding="utf-8")
        began = time.perf_counter()
        try:
            run = subprocess.run(
                [command, "-n", "-b", "-r", "out.raw", "deck.cir"], cwd=directory,
                capture_output=True, text=True, errors="replace", timeout=time_limit,
                stdin=subprocess.DEVNULL, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise SimulatorError(f"ngspice did not end within {time_limit:g} s") from None
        seconds = time.perf_counter() - began
        log = run.stdout + "\n" + run.stderr
        complaint = _complaint(log)
        if complaint:
            raise SimulatorError(f"ngspice failed: {complaint}")
        raw = directory / "out.raw"
        if not raw.exists():
            raise SimulatorError(f"ngspice left no result: {_tail(log)}")
        try:
            (plot,) = read_raw(raw.read_bytes())
        except (UsageError, ValueError) as error:
            raise SimulatorError(f"ngspice left a result that can't be read: {error}") from None
    return Outcome(plot, seconds)


def _complaint(log: str) -> str:
    """Return the lines of a log that say that something failed, each once."""
    lines = [line.strip() for line in log.splitlines() if _FAILURE.search(line)]
    return " / ".join(list(dict.fromkeys(lines))[:4])


def _tail(log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return " / ".join(lines[-3:])
