"""Measurements on sweeps: what ``.meas dc`` asks for.

Between two points of a sweep everything is taken to be straight, which it is within each
combination of diode states as a function of one source.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Floats
from ..errors import UsageError
from ..model.outputs import OUTPUT
from ..model.requests import Measure
from ..netlist.expressions.functions import CONSTANTS
from ..netlist.expressions.machine import Machine
from ..netlist.expressions.programs import Language, Program
from ..netlist.read.grammar import parse_expression
from ..netlist.report import CardError
from ..results.operating_point import OperatingPoint
from ..results.tabulated import readings


def measure(
    op: OperatingPoint, *, on_error: Callable[[Measure, UsageError], None] | None = None
) -> dict[str, Any]:
    r"""Return what the deck's ``.meas`` cards find in a sweep.

    Parameters
    ----------
    on_error : callable, optional
        Is given each measurement whose formula makes no sense, and why; without it, the first
        of these is raised.

    Returns
    -------
    dict of str to float or ndarray
        A number for each measurement; where several quantities are swept, an array with an
        entry per combination of all but the innermost, in the order of the sweep.  NaN where
        a condition is never met.

    Raises
    ------
    UsageError
        If the result is no sweep, or a formula makes no sense.

    Examples
    --------
    >>> deck = "clamp\nV1 a 0 1\nR1 a b 1k\nD1 b 0 d\n.model d d(vfwd=0.5)\n.dc V1 0 2 0.5"
    >>> cards = "\n.meas dc top max v(b)\n.meas dc knee when v(b)=0.25"
    >>> rs.measure(rs.run(rs.parse_netlist(deck + cards))[0])
    {'top': 0.5, 'knee': 0.25}
    """
    if not isinstance(op, OperatingPoint):
        raise UsageError(f"the result of a sweep is measured, not {type(op).__name__}")
    if not op.sweep:
        raise UsageError(".meas dc needs a sweep, and the deck asks for none")
    found: dict[str, Any] = {}
    with np.errstate(invalid="ignore", divide="ignore"):
        for wanted in op.circuit.measures:
            try:
                values = [curve.measure(wanted) for curve in _curves(op, found)]
            except UsageError as error:
                if on_error is None:
                    raise
                on_error(wanted, error)
                continue
            found[wanted.name] = values[0] if len(values) == 1 else np.array(values)
    return found


class Mark(NamedTuple):
    """Where a measurement was found in one run of the innermost quantity.

    `x` is a value of that quantity and `y` the value of `expression` there; both are NaN for what
    has no place, such as a mean.  `value` is what the measurement says.
    """

    name: str
    operation: str
    expression: str
    run: int
    x: float
    y: float
    value: float


def marks(op: OperatingPoint) -> list[Mark]:
    r"""Return where each measurement of a sweep was found; those without an answer are left out.

    Examples
    --------
    >>> deck = "clamp\nV1 a 0 1\nR1 a b 1k\nD1 b 0 d\n.model d d(vfwd=0.5)\n.dc V1 0 2 0.5"
    >>> (mark,) = marks(rs.run(rs.parse_netlist(deck + "\n.meas dc knee when v(b)=0.25"))[0])
    >>> mark.name, mark.expression, mark.x, mark.y
    ('knee', 'v(b)', 0.25, 0.25)
    """
    found = measure(op, on_error=lambda *_: None) if op.circuit.measures else {}
    placed = []
    with np.errstate(invalid="ignore", divide="ignore"):
        for wanted in op.circuit.measures:
            if wanted.name in found:
                expression = wanted.expression or (wanted.when or ("",))[0]
                values = np.atleast_1d(found[wanted.name])
                for curve, value in zip(_curves(op, found), values.tolist(), strict=True):
                    x, y = curve.place(wanted, expression)
                    of = wanted.name, wanted.operation, expression.replace(" ", "")
                    placed.append(Mark(*of, curve.number, x, y, value))
    return placed


def _curves(op: OperatingPoint, known: Mapping[str, Any]) -> Iterator[_Curve]:
    """Yield the runs of the innermost swept quantity."""
    axis = np.asarray(next(iter(op.sweep.values())))
    step = np.flatnonzero(axis == axis[0])
    length = int(step[1]) if len(step) > 1 else len(axis)
    for number, first in enumerate(range(0, len(axis), length)):
        yield _Curve(op, slice(first, first + length), number, known)


class _Curve:
    """One run of the innermost swept quantity, ascending."""

    def __init__(
        self, op: OperatingPoint, rows: slice, number: int, known: Mapping[str, Any]
    ) -> None:
        self.op, self.rows, self.known = op, rows, known
        self.number = number
        self.name, axis = next(iter(op.sweep.items()))
        self.given: Floats = axis[rows]
        self.order = np.argsort(self.given, kind="stable")
        self.x = self.given[self.order]

    def measure(self, wanted: Measure) -> float:
        """Return one measurement."""
        self.wanted = wanted
        if wanted.operation == "param":
            return float(self.formula(wanted.expression, of_points=False))
        if wanted.operation in ("find", "when", "deriv", "trig"):
            at = self.located(wanted)
            if wanted.operation == "when" or np.isnan(at):
                return at
            if wanted.until is not None:
                return self.located(wanted.until) - at
            y = self.values(wanted.expression)
            if wanted.operation == "deriv":
                return self.slope(y, at)
            return float(np.interp(at, self.x, y))
        return self.over_range(wanted)

    def located(self, wanted: Measure) -> float:
        """Return where a condition is met, or what is named as the place; NaN if outside."""
        at = wanted.at if wanted.when is None else self.crossing(wanted)
        return math.nan if at is None or not self.x[0] <= at <= self.x[-1] else float(at)

    def place(self, wanted: Measure, expression: str) -> tuple[float, float]:
        """Return where a measurement is found, and the value of an expression there."""
        self.wanted = wanted
        if wanted.operation in ("find", "when", "deriv"):
            at = self.located(wanted)
            if not math.isnan(at):
                return at, float(np.interp(at, self.x, self.values(expression)))
        elif wanted.operation[:3] in ("max", "min"):
            x, y = self.part(wanted)
            if len(x):
                k = _extreme(wanted.operation, y)
                return float(x[k]), float(y[k])
        return math.nan, math.nan

    def values(self, formula: str) -> Floats:
        """Return a formula at the points, by ascending swept quantity."""
        values = np.broadcast_to(self.formula(formula), self.x.shape)
        return values[self.order]

    def crossing(self, wanted: Measure) -> float:
        """Return where a condition is met, counted in the direction of the sweep."""
        left, right = wanted.when or ("", "")
        y = np.broadcast_to(self.formula(left) - self.formula(right), self.given.shape)
        before, after = y[:-1], y[1:]
        rises = (before < 0) & (after >= 0)
        falls = (before > 0) & (after <= 0)
        places = {"rise": rises, "fall": falls, "cross": rises | falls}[wanted.edge[0]]
        hits = np.flatnonzero(places)
        touching = y[0] == 0 and wanted.edge[0] == "cross"
        count = len(hits) + touching
        number = wanted.edge[1] or count
        if not 1 <= number <= count:
            return float("nan")
        if touching and number == 1:
            return float(self.given[0])
        k = int(hits[number - 1 - touching])
        share = y[k] / (y[k] - y[k + 1])
        return float(self.given[k] + share * (self.given[k + 1] - self.given[k]))

    def slope(self, y: Floats, at: float) -> float:
        """Return the derivative, the mean of both sides at a point of the sweep."""
        slopes = np.diff(y) / np.diff(self.x)
        last = len(slopes) - 1
        left = min(max(int(np.searchsorted(self.x, at, "left")) - 1, 0), last)
        right = min(max(int(np.searchsorted(self.x, at, "right")) - 1, 0), last)
        return float((slopes[left] + slopes[right]) / 2) if len(slopes) else float("nan")

    def over_range(self, wanted: Measure) -> float:
        """Return an extreme, mean or integral between two values of the swept quantity."""
        x, y = self.part(wanted)
        if not len(x):
            return float("nan")
        width, dx = x[-1] - x[0], np.diff(x)
        if wanted.operation == "pp":
            return float(y.max() - y.min())
        if wanted.operation[:3] in ("max", "min"):
            k = _extreme(wanted.operation, y)
            return float(x[k] if wanted.operation.endswith("_at") else y[k])
        integral = float((dx * (y[1:] + y[:-1])).sum() / 2)
        if wanted.operation == "integ":
            return integral
        if width == 0:
            return float(abs(y[0]) if wanted.operation == "rms" else y[0])
        if wanted.operation == "avg":
            return integral / float(width)
        squares = dx * (y[1:] ** 2 + y[1:] * y[:-1] + y[:-1] ** 2) / 3
        return float(np.sqrt(squares.sum() / width))

    def part(self, wanted: Measure) -> tuple[Floats, Floats]:
        """Return the curve between two values of the swept quantity; empty if there is none."""
        low = self.x[0] if wanted.start is None else max(wanted.start, self.x[0])
        high = self.x[-1] if wanted.stop is None else min(wanted.stop, self.x[-1])
        if not low <= high:
            return np.zeros(0), np.zeros(0)
        inside = self.x[(self.x > low) & (self.x < high)]
        x = np.concatenate(([low], inside, [high]))
        return x, np.interp(x, self.x, self.values(wanted.expression))

    def formula(self, text: str, of_points: bool = True) -> Any:
        """Evaluate an expression: a float, or one for each point; NaN where undefined."""
        outputs: dict[str, str] = {}

        def named(match: re.Match[str]) -> str:
            return outputs.setdefault(match[0], f"output#{len(outputs)}")

        try:
            language = self.wanted.language or Language()
            program = parse_expression(OUTPUT.sub(named, text), language.numerals)
            meant = {name: output for output, name in outputs.items()}
            names = {str(op[1]) for op in program if op[0] == "name"}
            names.update(self.wanted.parameters if language.functions else ())
            values = {name: self._values_of(meant.get(name, name), of_points) for name in names}
            values = {name: value for name, value in values.items() if value is not None}
            if len(program) == 1 and len(values) == 1:
                return values.popitem()[1]
            if not any(np.ndim(value) for value in values.values()):
                return _evaluate(program, values, language)
            columns = np.broadcast_arrays(*values.values())
            rows = zip(*(column.tolist() for column in columns), strict=True)
            points = (dict(zip(values, row, strict=True)) for row in rows)
            return np.array([_evaluate(program, point, language) for point in points])
        except CardError as error:
            raise UsageError(f".meas: can't evaluate {text!r}: {error.message}") from None

    def _values_of(self, name: str, of_points: bool) -> Any:
        """Return what a name stands for: a number, or one for each point; None for constants."""
        if name in self.known:
            return float(np.atleast_1d(self.known[name])[self.number])
        swept = self.op.sweep.get(name)
        if swept is not None and (of_points or name != self.name):
            return swept[self.rows] if of_points else float(swept[self.rows][0])
        if name in self.wanted.parameters:
            return self._parameter(name, of_points)
        is_formula, circuit = name in self.op.circuit.formulas, self.op.circuit
        if "(" in name or is_formula or (name in circuit.nodes and name not in CONSTANTS):
            if not of_points:
                raise UsageError(f".meas: {name} has no one value; use find ... at=")
            value = self.op.value if "(" in name or is_formula else self.op.voltage
            return value(name)[self.rows]
        if name in CONSTANTS:
            return None
        what = "output, formula of .print, swept quantity, parameter or earlier measurement"
        raise UsageError(f".meas: {name} is no {what}")

    def _parameter(self, name: str, of_points: bool) -> Any:
        """Return a parameter of the deck, which may follow parameters that are swept."""
        place = next(k for k, each in enumerate(self.op.circuit.measures) if each is self.wanted)
        found = np.full(len(self.op.sweep[self.name]), np.nan)
        for read in readings(self.op):
            found[read.points] = read.parameters[place][name]
        values = found[self.rows]
        if of_points:
            return values
        if len(set(values.tolist())) > 1:
            raise UsageError(f".meas: {name} has no one value: it follows what is swept")
        return float(values[0])


def _extreme(operation: str, y: Floats) -> int:
    """Return where a curve is highest or lowest."""
    return int(np.argmax(y) if operation.startswith("max") else np.argmin(y))


def _evaluate(program: Program, values: Mapping[str, float], language: Language) -> float:
    """Return the value at one point."""
    if any(map(math.isnan, values.values())):
        return math.nan
    function = language.functions.get
    names: Any = SimpleNamespace(parameter=values.get, function=function, known=list)
    try:
        value = Machine().run(program, names, language.meanings)
    except CardError as error:
        if error.code == "E121":  # a division by zero, the logarithm of a negative number
            return math.nan
        raise
    assert isinstance(value, float | int)
    return float(value)
