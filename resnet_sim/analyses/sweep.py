"""Sweeps, and whatever else the deck asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Floats
from ..errors import UsageError, did_you_mean
from ..model.circuit import Circuit
from ..model.names import folded, numbers
from ..model.requests import Sweep
from ..point.certified import CHUNK
from ..results.operating_point import OperatingPoint

if TYPE_CHECKING:
    from concurrent.futures import Executor

from .given import Given, as_circuit, check_varied, spelled
from .solve import check_arguments, solve


def sweep(
    circuit: Given,
    sweeps: Sequence[Sweep] | Mapping[str, Any] = (),
    *,
    method: str = "auto",
    tolerance: float = 1e-9,
    start: Mapping[str, float] | None = None,
    executor: str | Executor = "threads",
    journal: str | Path | None = None,
    progress: bool = False,
    chunk: int = CHUNK,
    **values: Any,
) -> OperatingPoint[Floats]:
    r"""Solve at every combination of swept values, the first one varying fastest.

    Switches that follow their controls start from their states at the point before; then all
    points are one task.  Points without a solution have NaN values and are explained in
    ``unsolved`` of the result.

    Parameters
    ----------
    circuit : Circuit, str or path-like
        Or the path of a deck, or its text.
    sweeps : sequence of Sweep, or mapping of str to array_like
        What is swept, and its values: ohms, volts, amps, forward drops of diodes; 0 or 1 for
        switches; parameters of the deck; ``temp`` in Celsius.  They take the place of what has been
        set before; what follows a swept parameter must not have been.
    method, tolerance, start
        See `solve`.
    executor, journal, progress, chunk
        See `monte_carlo`.
    **values : array_like
        More to be swept, by name: ``r1=[1e3, 2e3]``.

    Raises
    ------
    UsageError
        If a swept quantity does not exist.

    Examples
    --------
    >>> circuit = rs.parse_netlist("clamp\nV1 a 0 1\nR1 a b 1k\nD1 b 0")
    >>> op = rs.sweep(circuit, v1=[-1, 0, 1], r1=[1e3, 2e3])
    >>> op.voltage("b"), op.current("d1")
    (array([-1.,  0.,  0., -1.,  0.,  0.]), array([0.    , 0.    , 0.001 , 0.    , 0.    , 0.0005]))
    """
    from ..many import jobs
    from ..many.variants import Grid

    circuit = as_circuit(circuit)
    check_arguments(method, tolerance)
    grid = Grid((*as_sweeps(circuit, sweeps), *as_sweeps(circuit, values)))
    job = jobs.Job(circuit, grid, method, tolerance, start)
    return jobs.run(job, executor, journal, progress, chunk)


def as_sweeps(circuit: Circuit, given: Sequence[Sweep] | Mapping[str, Any]) -> tuple[Sweep, ...]:
    """Return what is swept: sweeps as they stand, or names with their values."""
    if isinstance(given, Mapping):
        return tuple(_named(circuit, name, values) for name, values in given.items())
    plain = isinstance(given, Iterable) and not isinstance(given, str)
    if not plain or not all(isinstance(one, Sweep) for one in given):
        raise UsageError("what is swept goes by name, as {'r1': [1e3, 2e3]}")
    return tuple(given)


def varied(circuit: Circuit, quantities: Sequence[Sweep], values: Sequence[float]) -> Circuit:
    """Return a circuit at one point of a sweep.

    Parameters
    ----------
    circuit : Circuit
    quantities : sequence of Sweep
        What is set: `Grid.names`.
    values : sequence of float
        What each is set to, factors included: a row of `Grid.values`.
    """
    found: dict[str, dict[str, float]] = {}
    for quantity, value in zip(quantities, values, strict=True):
        found.setdefault(quantity.of, {})[quantity.name] = value
    parameters = found.get("parameter", {}) | found.get("temperature", {})
    circuit = circuit.with_parameters(parameters) if parameters else circuit
    switches = {name: value != 0 for name, value in found.get("switch", {}).items()}
    circuit = circuit.with_switches(switches) if switches else circuit
    return circuit.with_values(found.get("element", {}))


def _named(circuit: Circuit, name: str, given: Any) -> Sweep:
    """Return the sweep of what has a name: an element, a switch, a parameter, or ``temp``."""
    name = folded(name)
    number = circuit.find(name)
    try:
        values = np.atleast_1d(numbers(name, given))
    except UsageError:
        if number is None and name != "temp":  # a misspelt argument, rather than a value
            _check_parameter(circuit, name, 1.0)
        raise
    if values.ndim > 1 or not np.isfinite(values).all():
        raise UsageError(f"the values of {name} must be finite numbers in one dimension")
    if not len(values):
        raise UsageError(f"the sweep of {name} has no values")
    if number is not None:
        check_varied(circuit, name)
        of = "switch" if circuit.kind(number) == "switch" else "element"
        if of == "switch" and not np.isin(values, (0.0, 1.0)).all():
            raise UsageError(f"{name} is a switch: it is swept over 0 (open) and 1 (closed)")
        return Sweep(name, tuple(values.tolist()), of)
    if name == "temp":
        return Sweep(name, tuple(values.tolist()), "temperature")
    if circuit.rebuild is None:
        circuit.element(name)  # says what may have been meant
    _check_parameter(circuit, name, float(values[0]))
    return Sweep(name, tuple(values.tolist()), "parameter")


def _check_parameter(circuit: Circuit, name: str, value: float) -> None:
    """Refuse what the deck has no parameter for, with the nearest that may be meant."""
    try:
        # whether what follows it was changed by hand is another matter
        (circuit.rebuild or circuit.with_parameters)({name: value})
    except UsageError:
        known = [*circuit.element_names, *(sweep.__kwdefaults__ or ())]
        meant = did_you_mean(name, known, quoted=True)
        hint = meant and f": {meant}"
        raise UsageError(
            f"{name!r} is no element, parameter or argument that could be swept{hint}"
        ) from None


@spelled
def run(
    circuit: Given,
    *,
    method: str = "auto",
    tolerance: float = 1e-9,
    dialect: str = "auto",
    title: bool = True,
) -> list[OperatingPoint]:
    r"""Do what the deck asks for: one result per analysis, an operating point by default.

    Parameters
    ----------
    circuit : Circuit, str or path-like
        Or the path of a deck, or its text.
    method, tolerance, dialect, title
        See `solve`.

    Raises
    ------
    NetlistError
        If the deck can't be read.
    TopologyError, ConvergenceError
        If an operating point has no solution, or none was found; points of sweeps that have none
        are in ``unsolved``.

    Examples
    --------
    >>> deck = "load line\nV1 a 0 1\nR1 a b 1k\nR2 b 0 1k\n.op\n.dc V1 0 2 1"
    >>> [op.voltage("b") for op in rs.run(rs.parse_netlist(deck))]
    [0.5, array([0. , 0.5, 1. ])]
    """
    circuit = as_circuit(circuit, dialect, title)
    if not circuit.analyses:
        return [solve(circuit, method=method, tolerance=tolerance)]
    return [
        sweep(circuit, a.sweeps, method=method, tolerance=tolerance)
        if a.sweeps
        else solve(circuit, method=method, tolerance=tolerance)
        for a in circuit.analyses
    ]
