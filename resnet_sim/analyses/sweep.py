"""Sweeps, and whatever else the deck asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..model.circuit import Circuit
from ..model.requests import Sweep
from ..point.certified import CHUNK
from ..results.operating_point import OperatingPoint

if TYPE_CHECKING:
    from concurrent.futures import Executor

from .solve import check_arguments, solve


def sweep(
    circuit: Circuit,
    sweeps: Sequence[Sweep],
    *,
    method: str = "auto",
    tolerance: float = 1e-9,
    start: Mapping[str, float] | None = None,
    executor: str | Executor = "threads",
    journal: str | Path | None = None,
    progress: bool = False,
    chunk: int = CHUNK,
) -> OperatingPoint:
    """Solve at every combination of swept values, the first of `sweeps` varying fastest.

    Switches that follow their controls start from their states at the point before; then all
    points are one task.  Points without a solution have NaN values and are explained in
    ``unsolved`` of the result.

    Parameters
    ----------
    executor, journal, progress, chunk
        See `monte_carlo`.

    Raises
    ------
    UsageError
        If a swept quantity does not exist.
    """
    from ..many import jobs
    from ..many.variants import Grid

    check_arguments(method, tolerance)
    job = jobs.Job(circuit, Grid(tuple(sweeps)), method, tolerance, start)
    return jobs.run(job, executor, journal, progress, chunk)


def run(circuit: Circuit, *, method: str = "auto", tolerance: float = 1e-9) -> list[OperatingPoint]:
    """Do what the deck asks for: one result per analysis, an operating point by default."""
    if not circuit.analyses:
        return [solve(circuit, method=method, tolerance=tolerance)]
    return [
        sweep(circuit, a.sweeps, method=method, tolerance=tolerance)
        if a.sweeps
        else solve(circuit, method=method, tolerance=tolerance)
        for a in circuit.analyses
    ]
