"""What tolerances do to outputs: worst cases, statistics of samples, yield."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Floats
from ..errors import UsageError
from ..many import jobs
from ..many.spreads import monte_carlo as draw
from ..many.variants import DISTRIBUTIONS, MonteCarlo
from ..model.circuit import Circuit
from ..model.names import one, several, whole
from ..results.operating_point import OperatingPoint
from .given import Given, as_circuit, spelled
from .sensitivity import sensitivities
from .solve import check_arguments, solve

#: all corners are solved for so many values that vary: 4,096 points
VERTICES = 12


@dataclass(frozen=True)
class WorstCase:
    """How far an output can move within the spread.

    Attributes
    ----------
    output : str
    nominal, low, high : float
        V, A or W.
    at_low, at_high : dict of str to float
        The values at which it is lowest and highest.
    by : {"vertices", "sensitivities"}
        Whether all corners of the spread were solved, or the two that derivatives at the
        nominal values point to.  Either is exact if the output rises or falls all the way
        with each value; only the first notices if it depends on the others which.
    unsolved : int
        Corners without solution.

    Examples
    --------
    >>> ladder = rs.generators.ladder(1)
    >>> rs.worst_case(ladder, {"r*": "10%"}, ["v(n1)"])[0].at_high
    {'rs0': 0.9, 'rp0': 1.1}
    """

    output: str
    nominal: float
    low: float
    high: float
    at_low: dict[str, float]
    at_high: dict[str, float]
    by: str
    unsolved: int = 0


@dataclass(frozen=True)
class Statistics:
    """What samples say about an output.

    Where every sample was swept, all but the first three are arrays with an entry per point of
    the sweep.

    Attributes
    ----------
    output : str
    limits : (float, float)
        V, A or W; infinite where there is none.
    at : dict of str to ndarray
        The points of the sweep; empty without.
    count : int
        Samples.
    mean, sigma, least, greatest : float or ndarray
        Of the samples that have a solution; sigma divides by one less than their number.
    inside : float or ndarray
        Yield: the share of all samples within the limits.  One without solution is outside.

    Examples
    --------
    >>> op = rs.monte_carlo(rs.generators.ladder(1), {"r*": "5%"}, 1000)
    >>> (found,) = rs.statistics(op, {"v(n1)": (0.49, 0.51)})
    >>> print(f"{found.mean:.3f} V, {found.sigma:.3f} V, {found.inside:.0%}")
    0.500 V, 0.010 V, 64%
    """

    output: str
    limits: tuple[float, float]
    at: dict[str, Floats]
    count: int
    mean: Any
    sigma: Any
    least: Any
    greatest: Any
    inside: Any


@spelled
def worst_case(
    circuit: Given,
    spread: Mapping[str, float | str] | None,
    outputs: Sequence[str],
    *,
    vertices: int = VERTICES,
    distribution: str = "uniform",
    method: str = "auto",
    tolerance: float = 1e-9,
) -> list[WorstCase]:
    r"""Return the lowest and highest values of outputs within a spread.

    Parameters
    ----------
    circuit : Circuit, str or path-like
        Or the path of a deck, or its text.
    spread : mapping of str to float or str
        As in `monte_carlo`: ``{"r*": "5%", "d*:vfwd": 0.1}``; values lie between the limits.
    outputs : sequence of str
        ``v(node)``, ``v(node,node)``, ``i(element)`` or ``p(element)``.
    vertices : int
        Largest number of values that vary for which all corners are solved.
    distribution : str
        As in `monte_carlo`: the limits of lognormal values are a factor of ``1 + spread`` away.
    method, tolerance
        See `solve`.

    Raises
    ------
    UsageError
        If nothing matches a name, an output is unknown or undefined, or random functions of
        the deck leave no limits.

    Examples
    --------
    >>> divider = rs.parse_netlist("divider\nV1 in 0 10\nR1 in out 1k\nR2 out 0 1k")
    >>> (found,) = rs.worst_case(divider, {"r*": "10%"}, ["v(out)"])
    >>> round(found.low, 6), round(found.high, 6), found.by  # V
    (4.5, 5.5, 'vertices')
    """
    circuit = as_circuit(circuit)
    check_arguments(method, tolerance)
    drawn = draw(circuit, {} if spread is None else spread, 1, distribution=distribution)
    if drawn.draws:
        raise UsageError("random functions of the deck have no worst case: give a spread instead")
    nominal = solve(circuit, method=method, tolerance=tolerance)
    outputs = several(outputs, "outputs")
    means = [_defined(name, nominal.value(name)) for name in outputs]
    few = len(drawn.varied) <= whole(vertices, "vertices")
    corners = _all_corners(drawn) if few else _telling_corners(circuit, drawn, outputs, tolerance)
    op = jobs.run(jobs.Job(circuit, corners, method, tolerance))
    by = "vertices" if few else "sensitivities"
    return [_extremes(op, n, mean, corners, by) for n, mean in zip(outputs, means, strict=True)]


@spelled
def statistics(
    samples: OperatingPoint, outputs: str | Sequence[str] | Mapping[str, tuple[Any, Any]]
) -> list[Statistics]:
    """Return mean, deviation, extremes and yield of what `monte_carlo` returned.

    Parameters
    ----------
    samples : OperatingPoint
    outputs : str, sequence of str, or mapping of str to (float, float)
        Outputs, with limits if a yield is wanted; None for a limit that is not there.

    Raises
    ------
    UsageError
        If the result is none of samples, an output is unknown, or a limit is above the other.

    Examples
    --------
    >>> op = rs.monte_carlo(rs.generators.ladder(1), {"r*": "5%"}, 500, sweep={"v0": [1.0, 2.0]})
    >>> (found,) = rs.statistics(op, ["v(n1)"])
    >>> found.at["v0"], found.mean.round(2)
    (array([1., 2.]), array([0.5, 1. ]))
    """
    if not isinstance(samples, OperatingPoint) or "sample" not in samples.sweep:
        raise UsageError("statistics are about samples: what monte_carlo returns")
    if not isinstance(outputs, Mapping):
        outputs = dict.fromkeys(several(outputs, "outputs"), (None, None))
    return [_statistics(samples, name, *_limits(name, given)) for name, given in outputs.items()]


def _limits(name: str, given: Any) -> tuple[float, float]:
    """Return the limits of an output, of which either may be None."""
    if not isinstance(given, Sequence) or isinstance(given, str) or len(given) != 2:
        kind = type(given).__name__
        raise UsageError(f"the limits of {name} are a pair, such as (0.1, None), not {kind}")
    low, high = (None if end is None else one(f"a limit of {name}", end) for end in given)
    return -np.inf if low is None else low, np.inf if high is None else high


def _statistics(op: OperatingPoint, name: str, low: float, high: float) -> Statistics:
    if not low <= high:
        raise UsageError(f"the limits of {name}, {low:g} and {high:g}, leave nothing between")
    count = int(op.sweep["sample"].max()) + 1
    values = np.asarray(op.value(name), dtype=float).reshape(count, -1)
    solved = np.isfinite(values)
    there = solved.sum(axis=0)
    known = np.where(solved, values, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = known.sum(axis=0) / there
        squares = np.where(solved, (values - mean) ** 2, 0.0).sum(axis=0)
        sigma = np.sqrt(squares / (there - 1))
    least = np.where(solved, values, np.inf).min(axis=0)
    greatest = np.where(solved, values, -np.inf).max(axis=0)
    inside = ((values >= low) & (values <= high)).mean(axis=0)
    points = values.shape[1]
    at = {n: x[:points] for n, x in op.sweep.items() if n != "sample"}
    found = [mean, sigma, least, greatest, inside]
    if not at:
        found = [float(x[0]) for x in found]
    return Statistics(name, (low, high), at, count, *found)


def _defined(name: str, value: float) -> float:
    if np.isnan(value):
        raise UsageError(f"{name} is undefined: nothing fixes it")
    return float(value)


@dataclass(frozen=True)
class _Corners:
    """Points at whose corners of the spread values are, +1 for the upper limit."""

    drawn: MonteCarlo
    signs: tuple[tuple[int, ...], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of what varies."""
        return self.drawn.names

    @property
    def of(self) -> tuple[str, ...]:
        """What each of them is."""
        return self.drawn.of

    @property
    def count(self) -> int:
        """Number of corners."""
        return len(self.signs)

    def values(self, first: int, last: int) -> Floats:
        """Return the values at corners first to last - 1, shape (corners, names)."""
        nominal, spread = np.array(self.drawn.nominal), np.array(self.drawn.spread)
        at = DISTRIBUTIONS[self.drawn.distribution].at
        return at(nominal, spread, np.array(self.signs[first:last], dtype=float))

    def axes(self) -> dict[str, Floats]:
        """Return the number of each corner."""
        return {"corner": np.arange(self.count, dtype=float)}

    def sampled(self) -> dict[str, Floats]:
        """Return the values at each corner."""
        return dict(zip(self.names, self.values(0, self.count).T, strict=True))


def _all_corners(drawn: MonteCarlo) -> _Corners:
    count = len(drawn.varied)
    bits = (np.arange(2**count)[:, None] >> np.arange(count)) & 1
    return _Corners(drawn, tuple(map(tuple, (2 * bits - 1).tolist())))


def _telling_corners(
    circuit: Circuit, drawn: MonteCarlo, outputs: Sequence[str], tolerance: float
) -> _Corners:
    """Return, for each output, the corners where derivatives say that it is lowest and highest."""
    signs: list[tuple[int, ...]] = []
    for found in sensitivities(circuit, outputs, tolerance=tolerance):
        unknown = [name for name in drawn.varied if name not in found.derivatives]
        if unknown:
            raise UsageError(
                f"no derivative by {unknown[0]}, which the worst case of {len(drawn.varied)} "
                "values needs: raise vertices, or use monte_carlo"
            )
        slopes = np.array([found.derivatives[name] for name in drawn.varied]) * drawn.nominal
        upper = np.where(slopes > 0, 1, -1)
        signs += [tuple((-upper).tolist()), tuple(upper.tolist())]
    return _Corners(drawn, tuple(signs))


def _extremes(
    op: OperatingPoint, name: str, nominal: float, corners: _Corners, by: str
) -> WorstCase:
    values = np.asarray(op.value(name), dtype=float)
    if np.isnan(values).all():
        raise UsageError(f"{name} has a value at no corner: {next(iter(op.unsolved.values()), '')}")
    low, high = int(np.nanargmin(values)), int(np.nanargmax(values))
    at_low, at_high = (
        {name: float(x[k]) for name, x in corners.sampled().items()} for k in (low, high)
    )
    return WorstCase(
        name, nominal, float(values[low]), float(values[high]), at_low, at_high, by,
        len(op.unsolved),
    )  # fmt: skip
