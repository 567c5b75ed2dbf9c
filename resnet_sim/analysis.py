"""Analyses: the operating point, the same circuit at many inputs, sweeps, Monte Carlo."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .circuit import Circuit, Sweep
from .diagnostics import Diagnostic
from .errors import ConvergenceError, TopologyError, UsageError
from .operating_point import Engine, Point
from .points import CHUNK, nodeset, single, stack
from .results import OperatingPoint
from .solvers import METHODS

if TYPE_CHECKING:
    from concurrent.futures import Executor

__all__ = ["check", "monte_carlo", "run", "solve", "sweep"]


def solve(
    circuit: Circuit,
    *,
    inputs: Mapping[str, Any] | None = None,
    method: str = "auto",
    tolerance: float = 1e-9,
    start: Mapping[str, float] | None = None,
) -> OperatingPoint:
    """Find the operating point of a circuit, or of one circuit at many inputs.

    Parameters
    ----------
    circuit : Circuit
    inputs : mapping of str to array_like, shape (B,), optional
        Values of independent sources, V or A, at B points; a scalar holds for all points.
        Voltages and currents of the result then have shape (B,).
    method : {"auto", "cd", "newton"}
    tolerance : float
        Largest relative residual that the certificate lets pass.
    start : mapping of str to float, optional
        Voltages (V) of nodes to start from; they also select which of several solutions
        is returned.  By default what the deck's ``.nodeset`` says.

    Returns
    -------
    OperatingPoint
        Its ``certificate`` says whether it is exact to `tolerance`.

    Raises
    ------
    TopologyError
        If there is no solution; names the elements that make it impossible.
    ConvergenceError
        If no solution was found although one may exist.
    UsageError
        If an argument names what the circuit lacks.

    Examples
    --------
    >>> import resnet_sim as rs
    >>> b = rs.CircuitBuilder()
    >>> b.voltage_source("v1", "in", "0", 1.0)
    >>> b.resistor("r1", "in", "out", 1e3)
    >>> b.diode("d1", "out", "0", v_forward=0.25)
    >>> rs.solve(b.build()).voltage("out")
    0.25
    """
    began = time.perf_counter()
    _check_arguments(method, tolerance)
    engine = Engine(circuit, method, tolerance, nodeset(circuit, start))
    if inputs is None:
        point = engine.solve(circuit)
        return single(circuit, point, time.perf_counter() - began, tolerance)
    names, columns = _columns(inputs)
    points: list[Point] = []
    for row, values in enumerate(zip(*columns, strict=True)):
        try:
            points.append(engine.solve(circuit.with_values(dict(zip(names, values, strict=True)))))
        except (TopologyError, ConvergenceError) as error:
            error.args = (f"input {row}: {error}",)
            raise
    return stack(circuit, points, {}, {}, time.perf_counter() - began, tolerance)


def _columns(inputs: Mapping[str, Any]) -> tuple[list[str], list[list[float]]]:
    try:
        arrays = {name: np.asarray(value, dtype=float) for name, value in inputs.items()}
    except (TypeError, ValueError) as error:
        raise UsageError(f"inputs must be numbers or arrays of them: {error}") from None
    for name, array in arrays.items():
        if array.ndim > 1:
            raise UsageError(f"input {name} has {array.ndim} dimensions; it may have one")
    try:
        together = np.broadcast_arrays(*arrays.values())
    except ValueError:
        sizes = ", ".join(f"{name}: {array.size}" for name, array in arrays.items())
        raise UsageError(f"inputs differ in length ({sizes})") from None
    return list(arrays), [np.atleast_1d(array).tolist() for array in together]


def _check_arguments(method: str, tolerance: float) -> None:
    if method not in METHODS:
        raise UsageError(f"unknown method {method!r}; there are {', '.join(METHODS)}")
    if not 0 < tolerance < 1:
        raise UsageError(f"the tolerance {tolerance} is not between 0 and 1")


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
    from . import jobs
    from .variants import Grid

    _check_arguments(method, tolerance)
    job = jobs.Job(circuit, Grid(tuple(sweeps)), method, tolerance, start)
    return jobs.run(job, executor, journal, progress, chunk)


def monte_carlo(
    circuit: Circuit,
    tolerance: Mapping[str, float],
    samples: int,
    *,
    seed: int = 0,
    distribution: str = "uniform",
    method: str = "auto",
    accuracy: float = 1e-9,
    executor: str | Executor = "threads",
    journal: str | Path | None = None,
    progress: bool = False,
    chunk: int = CHUNK,
) -> OperatingPoint:
    """Solve random samples of a circuit whose values have tolerances.

    Parameters
    ----------
    tolerance : mapping of str to float
        Name of an element, or glob such as ``r*``, to what its value may be off by,
        relative; where several match, the last counts.
    samples, seed : int
        The same seed gives the same samples, whatever their number.
    distribution : {"uniform", "normal"}
        Uniform between the limits, or normal with the tolerance as three standard deviations.
    accuracy : float
        Largest relative residual that the certificate lets pass.
    executor : str or concurrent.futures.Executor
        ``"serial"``, ``"threads"``, ``"processes"``, ``"dask"``, each but the first with a
        number of workers as in ``"threads:4"``; or ``"dask:tcp://host:port"``.
    journal : path, optional
        File to which finished tasks are appended; what is found there is not computed again.
    progress : bool
        Show a bar (needs tqdm).
    chunk : int
        Points per task.

    Returns
    -------
    OperatingPoint
        With a leading axis of samples; samples without a solution are in ``unsolved``.

    Raises
    ------
    UsageError
        If nothing matches a name, or arguments make no sense.
    ExecutorError
        If workers are lost for good.

    Examples
    --------
    >>> import resnet_sim as rs
    >>> b = rs.CircuitBuilder()
    >>> b.voltage_source("v1", "in", "0", 1.0)
    >>> b.resistor("r1", "in", "out", 1e3)
    >>> b.resistor("r2", "out", "0", 1e3)
    >>> found = rs.monte_carlo(b.build(), {"r*": 0.05}, samples=100)
    >>> bool(abs(found.voltage("out") - 0.5).max() < 0.026)
    True
    """
    from . import jobs
    from .variants import monte_carlo as draw

    _check_arguments(method, accuracy)
    variants = draw(circuit, tolerance, samples, seed, distribution)
    job = jobs.Job(circuit, variants, method, accuracy)
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


def check(circuit: Circuit) -> tuple[Diagnostic, ...]:
    """Return everything to be said about a circuit, short of its numbers.

    What floats and what is impossible shows only when the circuit is solved, so it is.

    Raises
    ------
    ConvergenceError
        If no solution was found although one may exist.
    """
    engine = Engine(circuit, "auto", 1e-9, nodeset(circuit, None))
    try:
        return engine.solve(circuit).diagnostics
    except TopologyError as error:
        return (*engine.structure, *error.diagnostics)
