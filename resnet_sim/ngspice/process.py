"""Running ngspice: in a directory of its own, with a time limit, and believing only the log.

Its exit status is no verdict: a floating pair of nodes gives ``singular matrix`` and 0.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ..errors import SimulatorError, UsageError, writing
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


#: what stands before a complaint when ngspice tries one conductance after another
_TRIAL = re.compile(r"^Trying gmin =\s*\S+")


@dataclass(frozen=True)
class Outcome:
    """What a run has left: plots, how long it took (s), and what ngspice says that it ignores."""

    plots: tuple[Plot, ...]
    seconds: float
    ignored: tuple[str, ...] = ()

    @property
    def plot(self) -> Plot:
        """The one plot of a run of one analysis."""
        if len(self.plots) != 1:
            raise SimulatorError(f"ngspice left {len(self.plots)} results for one analysis")
        return self.plots[0]


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
    return run_files({"deck.cir": deck}, time_limit)


def run_files(files: Mapping[str, str], time_limit: float = TIME_LIMIT) -> Outcome:
    """Run ``deck.cir`` of some files; what it writes itself must be called ``out.raw``.

    Raises
    ------
    SimulatorError
        As `simulate`.
    """
    command = find()
    report("running ngspice")
    with tempfile.TemporaryDirectory(prefix="resnet-sim-") as name:
        directory = Path(name)
        with writing(directory):
            for file, text in files.items():
                (directory / file).write_text(text, encoding="utf-8")
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
            plots = read_raw(raw.read_bytes())
        except (UsageError, ValueError) as error:
            raise SimulatorError(f"ngspice left a result that can't be read: {error}") from None
    ignored = [line.strip() for line in log.splitlines() if "ignored" in line]
    return Outcome(tuple(plots), seconds, tuple(dict.fromkeys(ignored)))


def _complaint(log: str) -> str:
    """Return the lines of a log that say that something failed, each once, and what is next."""
    lines = [_TRIAL.sub("", line).strip() for line in log.splitlines()]
    found: list[str] = []
    for k, line in enumerate(lines):
        if _FAILURE.search(line):
            # the card that an error is about stands below it, what it can't go on from above
            reasons = [x for x in lines[:k] if x and not x.startswith("Netlist line no.")]
            before = reasons[-3:] if "fatal error in ngspice" in line else []
            found += [*before, line, *(lines[k + 1 : k + 3] if line.endswith(":") else [])]
    return " / ".join([line for line in dict.fromkeys(found) if line][:4])


def _tail(log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return " / ".join(lines[-3:])
