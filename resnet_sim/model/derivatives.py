"""Formulas on numbers, with their derivatives: what Newton's method needs of them.

Derivatives are carried forward through the calls (Wengert, "A simple automatic derivative
evaluation program", Comm. ACM 7, 1964).  Where a function bends or jumps they are those of one
side, which is enough for a search; what it *means* there is stated by `laws`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays import Floats
from .formula import Formula, Sum

#: beyond this an exponential goes on as its tangent: no solution lies there
STEEPEST = 300.0
#: what stands for an infinite slope, as that of a root at zero
VERTICAL = 1e12

#: a value and the derivatives by the arguments
Slopes = tuple[Floats, tuple[Any, ...]]


def evaluate(formula: Formula, x: Floats) -> tuple[Floats, Floats]:
    """Return values and derivatives.

    Parameters
    ----------
    formula : Formula
        Its nodes are numbers of inputs.
    x : ndarray, shape (points, inputs)

    Returns
    -------
    value : ndarray, shape (points,)
        Infinite or NaN where the formula is undefined.
    slope : ndarray, shape (points, inputs)

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
    found: list[tuple[Floats, Floats]] = []
    with np.errstate(all="ignore"):
        for call in formula.calls:
            arguments = [_sum(some, x, found) for some in call.arguments]
            value, partial = FUNCTIONS[call.name](*(a[0] for a in arguments))
            slope = np.zeros(x.shape)
            for by, (_, inner) in zip(partial, arguments, strict=False):
                finite = np.nan_to_num(by, nan=0.0, posinf=VERTICAL, neginf=-VERTICAL)
                slope += np.broadcast_to(finite, len(x))[:, None] * inner
            found.append((value + np.zeros(len(x)), slope))
        return _sum(formula.value, x, found)


def _sum(some: Sum, x: Floats, found: list[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    value, slope = np.full(len(x), some.constant), np.zeros(x.shape)
    for k, gain in some.voltages:
        value = value + gain * x[:, int(k)]
        slope[:, int(k)] += gain
    for k, gain in some.calls:
        # a gain may be a number for each point
        value, slope = value + gain * found[k][0], slope + (gain * found[k][1].T).T
    return value, slope


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
    return np.sign(x) * value, (by_x, np.sign(x) * by_y)


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
