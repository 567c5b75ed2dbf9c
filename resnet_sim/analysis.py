"""Analyses: the operating point, the same circuit at many inputs, and the deck's sweeps."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .certificate import certify
from .circuit import Circuit, Sweep
from .diagnostics import Diagnostic
from .elements import Bools, Floats
from .errors import ConvergenceError, TopologyError, UsageError
from .operating_point import Engine, Point
from .results import Certificate, OperatingPoint, SolverInfo
from .solvers import METHODS

__all__ = ["check", "run", "solve", "sweep"]


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
    engine = Engine(circuit, method, tolerance, _start(circuit, start))
    if inputs is None:
        point = engine.solve(circuit)
        return _single(circuit, point, time.perf_counter() - began, tolerance)
    names, columns = _columns(inputs)
    points: list[Point] = []
    for row, values in enumerate(zip(*columns, strict=True)):
        try:
            points.append(engine.solve(circuit.with_values(dict(zip(names, values, strict=True)))))
        except (TopologyError, ConvergenceError) as error:
            error.args = (f"input {row}: {error}",)
            raise
    return _stack(circuit, points, {}, {}, time.perf_counter() - began, tolerance)


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


def _start(circuit: Circuit, start: Mapping[str, float] | None) -> Floats | None:
    """Return node voltages to start from, NaN where not given; None if none are."""
    given = circuit.nodeset if start is None else start
    if not given:
        return None
    voltages = np.full(len(circuit.nodes), np.nan)
    for name, value in given.items():
        voltages[circuit.node(name)] = value
    return voltages


def sweep(
    circuit: Circuit,
    sweeps: Sequence[Sweep],
    *,
    method: str = "auto",
    tolerance: float = 1e-9,
    start: Mapping[str, float] | None = None,
) -> OperatingPoint:
    """Solve at every combination of swept values, the first of `sweeps` varying fastest.

    Switches with hysteresis keep their state from one point to the next.  Points without a
    solution have NaN values and are explained in ``unsolved`` of the result.

    Raises
    ------
    UsageError
        If a swept quantity does not exist.
    """
    began = time.perf_counter()
    _check_arguments(method, tolerance)
    names = [s.name for s in reversed(sweeps)]
    if len(set(names)) < len(names):
        raise UsageError(f"a quantity is swept twice: {', '.join(reversed(names))}")
    if not names or not all(s.values for s in sweeps):
        raise UsageError("a sweep needs at least one quantity, each with at least one value")
    grid = list(itertools.product(*(s.values for s in reversed(sweeps))))
    walk = _Walk(circuit, sweeps, method, tolerance, start)
    points: list[Point | None] = []
    unsolved: dict[int, str] = {}
    notices: dict[str, Diagnostic] = {}
    for number, values in enumerate(grid):
        try:
            points.append(walk.solve(dict(zip(names, values, strict=True))))
        except (TopologyError, ConvergenceError) as error:
            unsolved[number] = str(error)
            points.append(None)
            for diagnostic in getattr(error, "diagnostics", ()):
                notices.setdefault(diagnostic.code, diagnostic)
    columns = dict(zip(names, np.array(grid).T, strict=True))
    axes = {s.name: columns[s.name] for s in sweeps}
    seconds = time.perf_counter() - began
    return _stack(circuit, points, axes, unsolved, seconds, tolerance, tuple(notices.values()))


class _Walk:
    """Goes from point to point of a sweep; keeps what they share and the switches' states."""

    def __init__(
        self,
        circuit: Circuit,
        sweeps: Sequence[Sweep],
        method: str,
        tolerance: float,
        start: Mapping[str, float] | None,
    ) -> None:
        self.circuit = self.base = circuit
        self.elements = [s.name for s in sweeps if s.of == "element"]
        self.parameters = [s.name for s in sweeps if s.of != "element"]
        self.method, self.tolerance, self.start = method, tolerance, start
        self.current: dict[str, float] = {}
        self.closed: Bools | None = None
        self.engine = self._engine()

    def _engine(self) -> Engine:
        return Engine(self.base, self.method, self.tolerance, _start(self.base, self.start))

    def solve(self, values: Mapping[str, float]) -> Point:
        """Return the point at given values of the swept quantities."""
        parameters = {name: values[name] for name in self.parameters}
        if parameters != self.current:
            self.base = self.circuit.with_parameters(parameters)
            self.engine, self.current = self._engine(), parameters
        elements = {name: values[name] for name in self.elements}
        variant = self.base.with_values(elements) if elements else self.base
        point = self.engine.solve(variant, self.closed)
        self.closed = point.closed
        return point


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
    engine = Engine(circuit, "auto", 1e-9, _start(circuit, None))
    try:
        return engine.solve(circuit).diagnostics
    except TopologyError as error:
        return (*engine.structure, *error.diagnostics)


def _single(circuit: Circuit, point: Point, seconds: float, tolerance: float) -> OperatingPoint:
    with np.errstate(over="ignore", invalid="ignore"):
        certificate = certify(
            point.circuit, point.voltages, point.currents, point.closed, tolerance
        )
    return OperatingPoint(
        circuit=circuit,
        node_voltages=point.masked_voltages,
        element_currents=point.masked_currents,
        certificate=certificate,
        solver=SolverInfo(point.method, point.iterations, seconds, point.notes),
        diagnostics=point.diagnostics,
        floating=tuple(circuit.nodes[k] for k in np.flatnonzero(point.floating)),
        nonunique=point.nonunique,
        closed=point.closed,
    )


def _stack(
    circuit: Circuit,
    points: Sequence[Point | None],
    axes: Mapping[str, Floats],
    unsolved: Mapping[int, str],
    seconds: float,
    tolerance: float,
    notices: tuple[Diagnostic, ...] = (),
) -> OperatingPoint:
    """Return many points as one result with a leading axis."""
    singles = [None if p is None else _single(circuit, p, 0.0, tolerance) for p in points]
    solved = [s for s in singles if s is not None]
    voltages = np.full((len(points), len(circuit.nodes)), np.nan)
    currents = np.full((len(points), circuit.n_elements), np.nan)
    closed = np.zeros((len(points), len(circuit.switches)), dtype=np.bool_)
    for k, single in enumerate(singles):
        if single is not None:
            voltages[k], currents[k] = single.node_voltages, single.element_currents
            closed[k] = single.closed
    diagnostics = dict.fromkeys([d for s in solved for d in s.diagnostics] + list(notices))
    methods = dict.fromkeys(s.solver.method for s in solved)
    notes = dict.fromkeys(note for s in solved for note in s.solver.notes)
    return OperatingPoint(
        circuit=circuit,
        node_voltages=voltages,
        element_currents=currents,
        certificate=_worst([s.certificate for s in solved], tolerance),
        solver=SolverInfo(
            ", ".join(methods), sum(s.solver.iterations for s in solved), seconds, tuple(notes)
        ),
        diagnostics=tuple(diagnostics),
        floating=tuple(dict.fromkeys(n for s in solved for n in s.floating)),
        nonunique=tuple(dict.fromkeys(n for s in solved for n in s.nonunique)),
        closed=closed,
        sweep=axes,
        unsolved=unsolved,
    )


def _worst(certificates: Sequence[Certificate], tolerance: float) -> Certificate:
    """Return the certificate of many points: the largest of every residual."""

    def largest(name: str) -> float:
        return max((float(getattr(c, name)) for c in certificates), default=0.0)

    return Certificate(
        ok=all(c.ok for c in certificates),
        kcl_residual=largest("kcl_residual"),
        kcl_relative=largest("kcl_relative"),
        law_residual=largest("law_residual"),
        diode_voltage_violation=largest("diode_voltage_violation"),
        diode_current_violation=largest("diode_current_violation"),
        power_mismatch=largest("power_mismatch"),
        tolerance=tolerance,
        failures=tuple(f for c in certificates for f in c.failures)[:20],
    )
