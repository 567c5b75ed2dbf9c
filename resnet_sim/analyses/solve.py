"""The operating point of a circuit, or of one circuit at many inputs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, overload

import numpy as np

from ..arrays import Floats
from ..diagnostics import Diagnostic
from ..errors import ResnetSimError, TopologyError, UsageError
from ..model.names import mapping, numbers, word
from ..point.certified import nodeset, single
from ..point.engine import PointSolver
from ..results.operating_point import OperatingPoint
from ..solvers import METHODS
from .given import Given, as_circuit, check_varied, spelled


@overload
def solve(
    circuit: Given,
    *,
    inputs: None = None,
    method: str = ...,
    tolerance: float = ...,
    start: Mapping[str, float] | None = ...,
    dialect: str = ...,
    title: bool = ...,
) -> OperatingPoint[float]: ...


@overload
def solve(
    circuit: Given,
    *,
    inputs: Mapping[str, Any],
    method: str = ...,
    tolerance: float = ...,
    start: Mapping[str, float] | None = ...,
    dialect: str = ...,
    title: bool = ...,
) -> OperatingPoint[Floats]: ...


@spelled
def solve(
    circuit: Given,
    *,
    inputs: Mapping[str, Any] | None = None,
    method: str = "auto",
    tolerance: float = 1e-9,
    start: Mapping[str, float] | None = None,
    dialect: str = "auto",
    title: bool = True,
) -> OperatingPoint:
    r"""Find the operating point of a circuit, or of one circuit at many inputs.

    Parameters
    ----------
    circuit : Circuit, str or path-like
        Or the path of a deck, or its text.
    inputs : mapping of str to array_like, shape (B,), optional
        Values of independent sources, V or A, at B points; a scalar holds for all points.
        Voltages and currents of the result then have shape (B,), and its ``sweep`` holds
        the inputs.
    method : {"auto", "cd", "newton"}
    tolerance : float
        Largest relative residual that the certificate lets pass.
    start : mapping of str to float, optional
        Voltages (V) of nodes to start from; they also select which of several solutions
        is returned.  By default what the deck's ``.nodeset`` says.
    dialect, title
        How a deck is read, see `read_netlist`.

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
    >>> rs.solve("divider\nV1 in 0 1\nR1 in out 1k\nR2 out 0 1k")["out"]  # or the path of a deck
    0.5
    >>> circuit = rs.parse_netlist("clamp\nV1 a 0 1\nR1 a b 1k\nD1 b 0 d\n.model d d(vfwd=0.25)")
    >>> op = rs.solve(circuit)
    >>> op.voltage("b"), op.current("d1")
    (0.25, 0.00075)
    >>> rs.solve(circuit, inputs={"v1": [-1.0, 0.2, 3.0]}).voltage("b")
    array([-1.  ,  0.2 ,  0.25])
    """
    began = time.perf_counter()
    circuit = as_circuit(circuit, dialect, title)
    check_arguments(method, tolerance)
    voltages = nodeset(circuit, start)
    if inputs is None:
        point = PointSolver(circuit, method, tolerance, voltages).solve(circuit)
        return single(circuit, point, time.perf_counter() - began, tolerance)
    from ..many.backend import Question, choose

    names, values = _columns(inputs)
    for name in names:
        check_varied(circuit, name)
    question = Question(
        circuit, names, len(values), method=method, tolerance=tolerance, start=voltages
    )
    op = choose(question).points(values, _failed)
    seconds = time.perf_counter() - began
    swept = dict(zip(names, values.T, strict=True))
    return replace(op, sweep=swept, solver=replace(op.solver, seconds=seconds))


def _failed(row: int, error: ResnetSimError) -> None:
    error.args = (f"input {row}: {error}",)
    raise error


def _columns(inputs: Mapping[str, Any]) -> tuple[tuple[str, ...], Floats]:
    """Return names, and values of shape (points, names)."""
    arrays = {name: numbers(name, value) for name, value in mapping(inputs, "inputs").items()}
    for name, array in arrays.items():
        if array.ndim > 1:
            raise UsageError(f"input {name} has {array.ndim} dimensions; it may have one")
    try:
        together = np.broadcast_arrays(*arrays.values())
    except ValueError:
        sizes = ", ".join(f"{name}: {array.size}" for name, array in arrays.items())
        raise UsageError(f"inputs differ in length ({sizes})") from None
    columns = [np.atleast_1d(array) for array in together]
    return tuple(arrays), np.column_stack(columns) if columns else np.zeros((0, 0))


def check_arguments(method: str, tolerance: float) -> None:
    """Refuse an unknown method and an accuracy out of range."""
    if word(method, "the method") not in METHODS:
        raise UsageError(f"unknown method {method!r}; there are {', '.join(METHODS)}")
    if not (isinstance(tolerance, int | float | np.number) and 0 < tolerance < 1):
        raise UsageError(f"the tolerance {tolerance} is not between 0 and 1")


@spelled
def check(circuit: Given) -> tuple[Diagnostic, ...]:
    r"""Return everything to be said about a circuit, short of its numbers.

    What floats and what is impossible shows only when the circuit is solved, so it is.

    Raises
    ------
    ConvergenceError
        If no solution was found although one may exist.

    Examples
    --------
    >>> circuit = rs.parse_netlist("loose end\nV1 a 0 1\nR1 a 0 1k\nR2 b c 1k")
    >>> [diagnostic.code for diagnostic in rs.check(circuit)]
    ['W204', 'W204', 'W201']
    """
    circuit = as_circuit(circuit)
    engine = PointSolver(circuit, "auto", 1e-9, nodeset(circuit, None))
    try:
        return engine.solve(circuit).diagnostics
    except TopologyError as error:
        return (*engine.structure, *error.diagnostics)
