"""Formulas on numbers, with their derivatives: what Newton's method needs of them.

Derivatives are carried forward through the calls (Wengert, "A simple automatic derivative
evaluation program", Comm. ACM 7, 1964).  Where a function bends or jumps they are those of one
side, which is enough for a search; what it *means* there is stated by `laws`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from typing import Any

import numpy as np

from ..arrays import Floats, Ints
from .formula import Formula, Sum

#: beyond this an exponential goes on as its tangent: no solution lies there
STEEPEST = 300.0
#: what stands for an infinite slope, as that of a root at zero
VERTICAL = 1e12

#: a value and the derivatives by the arguments
Slopes = tuple[Floats, tuple[Any, ...]]


def evaluate(formula: Formula, x: Floats) -> tuple[Floats, Floats]:
    """Return values and derivatives; see `Program`, which is worth making for more than once.

    Examples
    --------
    >>> import numpy as np
    >>> from resnet_sim.model.derivatives import evaluate
    >>> from resnet_sim.model.formula import Call, Formula, Sum
    >>> a, b = (Sum(voltages=((k, 1.0),)) for k in (0, 1))
    >>> product = Formula(Sum(calls=((0, 2.0),)), (Call("*", (a, b)),))
    >>> value, slope = evaluate(product, np.array([[3.0, 5.0]]))
    >>> value.tolist(), slope.tolist()
    ([30.0], [[10.0, 6.0]])
    """
    return Program(formula).evaluate(x)


class Program:
    """A formula in steps, of which each is all calls of a function that need no other's value.

    Parameters
    ----------
    formula : Formula
        Its nodes are numbers of inputs.  Its numbers may be arrays, of one for each point.
    """

    def __init__(self, formula: Formula) -> None:
        depth: list[int] = []
        steps: dict[tuple[int, str, int], list[int]] = {}
        for number, call in enumerate(formula.calls):
            needed = [depth[k] for some in call.arguments for k, _ in some.calls]
            depth.append(1 + max(needed, default=0))
            steps.setdefault((depth[-1], call.name, len(call.arguments)), []).append(number)
        self._count = len(formula.calls)
        self._steps = [
            (name, np.array(some), [_Sums([formula.calls[k].arguments[j] for k in some])
                                    for j in range(arity)])
            for (_, name, arity), some in sorted(steps.items())
        ]  # fmt: skip
        self._value = _Sums([formula.value])

    def some(self, points: Ints) -> Program:
        """Return the same for some of the points for which there are numbers."""
        other = copy(self)
        other._steps = [(n, k, [a.some(points) for a in every]) for n, k, every in self._steps]
        other._value = self._value.some(points)
        return other

    def evaluate(self, x: Floats) -> tuple[Floats, Floats]:
        """Return values and derivatives.

        Parameters
        ----------
        x : ndarray, shape (points, inputs)

        Returns
        -------
        value : ndarray, shape (points,)
            Infinite or NaN where the formula is undefined.
        slope : ndarray, shape (points, inputs)
        """
        points, width = x.shape
        # the last one is nothing: sums with fewer terms than others have that instead
        values = np.zeros((points, width + self._count + 1))
        slopes = np.zeros((*values.shape, width))
        values[:, :width], slopes[:, :width] = x, np.eye(width)
        with np.errstate(all="ignore"):
            for name, calls, arguments in self._steps:
                found = [some.evaluate(values, slopes, width) for some in arguments]
                value, partial = FUNCTIONS[name](*(v.ravel() for v, _ in found))
                values[:, width + calls] = value.reshape(points, -1)
                total = np.zeros((points, len(calls), width))
                for by, (_, inner) in zip(partial, found, strict=False):
                    finite = np.nan_to_num(by, nan=0.0, posinf=VERTICAL, neginf=-VERTICAL)
                    every = np.broadcast_to(finite, value.shape).reshape(points, -1, 1)
                    total += every * inner
                slopes[:, width + calls] = total
            value, slope = self._value.evaluate(values, slopes, width)
        return value[:, 0], slope[:, 0]


class _Sums:
    """Sums of inputs and calls, each with as many terms as the longest.

    Attributes
    ----------
    constant : ndarray, shape (sums,) or (points, sums)
    index : ndarray of int, shape (sums, terms)
    call : ndarray of bool, shape (sums, terms)
        Which terms are calls, not inputs.
    gain : ndarray, shape (sums, terms) or (points, sums, terms)
    """

    def __init__(self, sums: Sequence[Sum]) -> None:
        self.constant = _columns([some.constant for some in sums])
        terms = [[*((int(k), False, g) for k, g in some.voltages),
                  *((k, True, g) for k, g in some.calls)] for some in sums]  # fmt: skip
        shape = len(sums), max(map(len, terms))
        every = [term for own in terms for term in own + [(-1, False, 0.0)] * (shape[1] - len(own))]
        index, call, gain = zip(*every, strict=True) if every else ((), (), ())
        self.index = np.array(index, dtype=np.int64).reshape(shape)
        self.call = np.array(call, dtype=np.bool_).reshape(shape)
        columns = _columns(gain)
        self.gain = columns.reshape(*columns.shape[:-1], *shape)

    def some(self, points: Ints) -> _Sums:
        """Return the same for some points."""
        other = copy(self)
        if self.constant.ndim > 1:
            other.constant = self.constant[points]
        if self.gain.ndim > 2:
            other.gain = self.gain[points]
        return other

    def evaluate(self, values: Floats, slopes: Floats, width: int) -> tuple[Floats, Floats]:
        """Return values, shape (points, sums), and derivatives, shape (points, sums, inputs)."""
        column = np.where(self.call, self.index + width, self.index)
        value = self.constant + (self.gain * values[:, column]).sum(axis=-1)
        return value, (self.gain[..., None] * slopes[:, column]).sum(axis=-2)


def _columns(numbers: Sequence[Any]) -> Floats:
    """Return numbers as a row, or as columns if any of them has one for each point."""
    points = [np.shape(x) for x in numbers if np.ndim(x)]
    if points:
        return np.stack([np.broadcast_to(x, points[0]) for x in numbers], axis=1).astype(float)
    return np.array(numbers, dtype=float)


# ---- functions of arrays ----


def _exp(x: Floats) -> Slopes:
    grown = np.exp(np.minimum(x, STEEPEST))
    return grown * (1.0 + np.maximum(x - STEEPEST, 0.0)), (grown,)


def _power(x: Floats, y: Floats) -> Slopes:
    value = np.power(x, y)
    return value, (y * np.power(x, y - 1.0), np.where(x > 0, value * np.log(np.abs(x)), 0.0))


def _size_power(x: Floats, y: Floats) -> Slopes:
    value, (by_x, by_y) = _power(np.abs(x), y)
    return value, (np.sign(x) * by_x, by_y)


def _signed_power(x: Floats, y: Floats) -> Slopes:
    value, (by_x, by_y) = _power(np.abs(x), y)
    sign = np.where(x < 0, -1.0, 1.0)  # zero to the power of zero is one
    return sign * value, (by_x, sign * by_y)


def _whole_power(x: Floats, y: Floats) -> Slopes:
    return _power(x, np.where(x >= 0, y, np.trunc(y)))


def _signed(function: Callable[[Floats], Floats], by: Callable[[Floats], Floats]) -> Any:
    """Return a function of the size with the sign of its argument."""
    return lambda x: (np.sign(x) * function(np.abs(x)), (by(np.abs(x)),))


def _tanh(x: Floats) -> Slopes:
    value = np.tanh(x)
    return value, (1.0 - value * value,)


def _tan(x: Floats) -> Slopes:
    value = np.tan(x)
    return value, (1.0 + value * value,)


def _hypot(x: Floats, y: Floats) -> Slopes:
    value = np.hypot(x, y)
    return value, (x / value, y / value)


def _atan2(x: Floats, y: Floats) -> Slopes:
    square = x * x + y * y
    return np.arctan2(x, y), (y / square, -x / square)


def _extreme(pick: Callable[..., np.intp]) -> Callable[..., Slopes]:
    def on(*values: Floats) -> Slopes:
        every = np.array(values)
        number = np.asarray(pick(every, axis=0))
        chosen = np.take_along_axis(every, number[None], axis=0)[0]
        return chosen, tuple((number == k) * 1.0 for k in range(len(values)))

    return on


def _limit(x: Floats, *ends: Floats) -> Slopes:
    low, high = np.minimum(*ends), np.maximum(*ends)
    first = ends[0] <= ends[1]
    at_low, at_high = x < low, x > high
    by_first = np.where(first, at_low, at_high) * 1.0
    by_other = np.where(first, at_high, at_low) * 1.0
    return np.clip(x, low, high), (~(at_low | at_high) * 1.0, by_first, by_other)


def _lines(held: bool) -> Callable[..., Slopes]:
    """Return a function given by points, which may depend on voltages, too."""

    def on(x: Floats, *points: Floats) -> Slopes:
        at, values = np.array(points[::2]), np.array(points[1::2])
        last = len(at) - 1
        k = np.clip((at < x).sum(axis=0), min(1, last), last)
        each = np.arange(at.shape[1])
        x0, x1, y0, y1 = at[k - 1, each], at[k, each], values[k - 1, each], values[k, each]
        share = (x - x0) / np.where(x1 > x0, x1 - x0, 1.0)
        out = (share < 0) | (share > 1) if held else np.zeros(len(x), dtype=np.bool_)
        share = np.clip(share, 0.0, 1.0) if held else share
        steep = np.where(out, 0.0, (y1 - y0) / np.where(x1 > x0, x1 - x0, np.inf))
        partial = [np.zeros(len(each)) for _ in points]
        for j in range(len(at)):
            partial[2 * j] = -steep * ((k - 1 == j) * (1.0 - share) + (k == j) * share)
            partial[2 * j + 1] = (k - 1 == j) * (1.0 - share) + (k == j) * share
        return y0 + share * (y1 - y0), (steep, *partial)

    return on


def _smooth(
    function: Callable[[Floats], Floats], slope: Callable[[Floats], Floats]
) -> Callable[..., Slopes]:
    return lambda x: (function(x), (slope(x),))


def _flat(function: Callable[..., Floats]) -> Callable[..., Slopes]:
    """Return a function that only jumps."""
    return lambda *values: (np.asarray(function(*values), dtype=np.float64), ())


def _chosen(condition: Floats, yes: Floats, no: Floats) -> Slopes:
    holds = condition != 0
    return np.where(holds, yes, no), (0.0, holds * 1.0, ~holds * 1.0)


#: name -> values and derivatives by the arguments; those that are left out are zero
FUNCTIONS: dict[str, Callable[..., Slopes]] = {
    "*": lambda x, y: (x * y, (y, x)),
    "/": lambda x, y: (x / y, (1.0 / y, -x / (y * y))),
    "**": _power,
    "%": lambda x, y: (np.fmod(x, y), (1.0, -np.trunc(x / y))),
    "\\": _flat(lambda x, y: np.trunc(x / y)),
    "==": _flat(np.equal),
    "!=": _flat(np.not_equal),
    "<": _flat(np.less),
    ">": _flat(np.greater),
    "<=": _flat(np.less_equal),
    ">=": _flat(np.greater_equal),
    "&&": _flat(np.logical_and),
    "||": _flat(np.logical_or),
    "!": _flat(np.logical_not),
    "if": _chosen,
    "abs": lambda x: (np.abs(x), (np.sign(x),)),
    "sqrt": _smooth(np.sqrt, lambda x: 0.5 / np.sqrt(x)),
    "cbrt": _smooth(np.cbrt, lambda x: 1.0 / (3.0 * np.cbrt(x) ** 2)),
    "sqr": _smooth(np.square, lambda x: 2.0 * x),
    "exp": _exp,
    "ln": _smooth(np.log, np.reciprocal),
    "log": _smooth(np.log, np.reciprocal),
    "log10": _smooth(np.log10, lambda x: 1.0 / (np.log(10.0) * x)),
    "db": _smooth(lambda x: 20.0 * np.log10(np.abs(x)), lambda x: 20.0 / (np.log(10.0) * x)),
    "sin": _smooth(np.sin, np.cos),
    "cos": _smooth(np.cos, lambda x: -np.sin(x)),
    "tan": _tan,
    "asin": _smooth(np.arcsin, lambda x: 1.0 / np.sqrt(1.0 - x * x)),
    "acos": _smooth(np.arccos, lambda x: -1.0 / np.sqrt(1.0 - x * x)),
    "atan": _smooth(np.arctan, lambda x: 1.0 / (1.0 + x * x)),
    "atan2": _atan2,
    "sinh": _smooth(np.sinh, np.cosh),
    "cosh": _smooth(np.cosh, np.sinh),
    "tanh": _tanh,
    "asinh": _smooth(np.arcsinh, lambda x: 1.0 / np.sqrt(x * x + 1.0)),
    "acosh": _smooth(np.arccosh, lambda x: 1.0 / np.sqrt(x * x - 1.0)),
    "atanh": _smooth(np.arctanh, lambda x: 1.0 / (1.0 - x * x)),
    "hypot": _hypot,
    "pow": _power,
    "pwr": _size_power,
    "pwrs": _signed_power,
    "powi": _whole_power,
    "sqrts": _signed(np.sqrt, lambda x: 0.5 / np.sqrt(x)),
    "logs": _signed(np.log, np.reciprocal),
    "log10s": _signed(np.log10, lambda x: 1.0 / (np.log(10.0) * x)),
    "xor": _flat(lambda x, y: (x > 0.5) != (y > 0.5)),
    "fmod": lambda x, y: (np.fmod(x, y), (1.0, -np.trunc(x / y))),
    "min": _extreme(np.argmin),
    "max": _extreme(np.argmax),
    "floor": _flat(np.floor),
    "ceil": _flat(np.ceil),
    "int": _flat(np.trunc),
    "nint": _flat(np.round),
    "round": _flat(lambda x: np.sign(x) * np.floor(np.abs(x) + 0.5)),
    "sgn": _flat(np.sign),
    "sign": lambda x, y: (np.abs(x) * np.sign(y), (np.sign(x) * np.sign(y),)),
    "u": _flat(lambda x: np.heaviside(x, 0.5)),
    "u2": lambda x: (np.clip(x, 0.0, 1.0), (((x >= 0) & (x < 1)) * 1.0,)),
    "uramp": lambda x: (np.maximum(x, 0.0), ((x >= 0) * 1.0,)),
    "buf": _flat(lambda x: x > 0.5),
    "inv": _flat(lambda x: x <= 0.5),
    "eq0": _flat(lambda x: x == 0),
    "ne0": _flat(lambda x: x != 0),
    "gt0": _flat(lambda x: x > 0),
    "ge0": _flat(lambda x: x >= 0),
    "lt0": _flat(lambda x: x < 0),
    "le0": _flat(lambda x: x <= 0),
    "limit": _limit,
    "table": _lines(held=True),
    "pwl": _lines(held=False),
}
