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
    r"""Solve at every combination of swept values, the first of `sweeps` varying fastest.

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

    Examples
    --------
    >>> circuit = rs.parse_netlist("clamp\nV1 a 0 1\nR1 a b 1k\nD1 b 0 ideal\n.model ideal d")
    >>> from resnet_sim.model.requests import Sweep
    >>> op = rs.sweep(circuit, [Sweep("v1", (-1.0, 0.0, 1.0)), Sweep("r1", (1e3, 2e3))])
    >>> op.voltage("b"), op.current("d1")
    (array([-1.,  0.,  0., -1.,  0.,  0.]), array([0.    , 0.    , 0.001 , 0.    , 0.    , 0.0005]))
    """
    from ..many import jobs
    from ..many.variants import Grid

    check_arguments(method, tolerance)
    job = jobs.Job(circuit, Grid(tuple(sweeps)), method, tolerance, start)
    return jobs.run(job, executor, journal, progress, chunk)


def run(circuit: Circuit, *, method: str = "auto", tolerance: float = 1e-9) -> list[OperatingPoint]:
    r"""Do what the deck asks for: one result per analysis, an operating point by default.

    Examples
    --------
    >>> deck = "load line\nV1 a 0 1\nR1 a b 1k\nR2 b 0 1k\n.op\n.dc V1 0 2 1"
    >>> [op.voltage("b") for op in rs.run(rs.parse_netlist(deck))]
    [0.5, array([0. , 0.5, 1. ])]
    """
    if not circuit.analyses:
        return [solve(circuit, method=method, tolerance=tolerance)]
    return [
        sweep(circuit, a.sweeps, method=method, tolerance=tolerance)
        if a.sweeps
        else solve(circuit, method=method, tolerance=tolerance)
        for a in circuit.analyses
    ]
