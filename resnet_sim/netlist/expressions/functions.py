"""What expressions can compute: functions, operators, constants.  All angles in radians."""

from __future__ import annotations

import math
import operator
from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import pairwise


def _sign(x: float) -> float:
    return float((x > 0) - (x < 0))


def _limit(x: float, a: float, b: float) -> float:
    return max(min(a, b), min(x, max(a, b)))


def _table(x: float, *pairs: float) -> float:
    return _between(x, pairs[::2], pairs[1::2], clamped=True)


def _pwl(x: float, *pairs: float) -> float:
    return _between(x, pairs[::2], pairs[1::2], clamped=False)


def _between(x: float, at: Sequence[float], values: Sequence[float], *, clamped: bool) -> float:
    """Interpolate between pairs in ascending order; outside, hold the ends or go straight on."""
    if len(at) != len(values) or any(a > b for a, b in pairwise(at)):
        raise ValueError
    if clamped:
        x = min(max(x, at[0]), at[-1])
    k = min(max(bisect_left(at, x), 1), len(at) - 1) if len(at) > 1 else 0
    if not k or at[k] == at[k - 1]:
        return values[k]
    share = (x - at[k - 1]) / (at[k] - at[k - 1])
    return values[k - 1] * (1.0 - share) + values[k] * share


#: name -> (least and greatest number of arguments, function)
FUNCTIONS: dict[str, tuple[int, int, Callable[..., float]]] = {
    "abs": (1, 1, abs),
    "sqrt": (1, 1, math.sqrt),
    "exp": (1, 1, math.exp),
    "ln": (1, 1, math.log),
    "log": (1, 1, math.log),
    "log10": (1, 1, math.log10),
    "sin": (1, 1, math.sin),
    "cos": (1, 1, math.cos),
    "tan": (1, 1, math.tan),
    "asin": (1, 1, math.asin),
    "acos": (1, 1, math.acos),
    "atan": (1, 1, math.atan),
    "atan2": (2, 2, math.atan2),
    "sinh": (1, 1, math.sinh),
    "cosh": (1, 1, math.cosh),
    "tanh": (1, 1, math.tanh),
    "hypot": (2, 2, math.hypot),
    "pow": (2, 2, math.pow),
    "pwr": (2, 2, lambda x, y: _sign(x) * math.pow(abs(x), y)),
    "min": (1, 100, lambda *values: min(values)),
    "max": (1, 100, lambda *values: max(values)),
    "floor": (1, 1, lambda x: float(math.floor(x))),
    "ceil": (1, 1, lambda x: float(math.ceil(x))),
    "int": (1, 1, lambda x: float(math.trunc(x))),
    "nint": (1, 1, lambda x: float(round(x))),
    "round": (1, 1, lambda x: float(round(x))),
    "sgn": (1, 1, _sign),
    "u": (1, 1, lambda x: float(x > 0)),
    "uramp": (1, 1, lambda x: max(x, 0.0)),
    "u2": (1, 1, lambda x: min(max(x, 0.0), 1.0)),
    "limit": (3, 3, _limit),
    "table": (3, 10_000, _table),
    "pwl": (5, 10_000, _pwl),
    "if": (3, 3, lambda condition, yes, no: yes if condition else no),
    "ternary_fcn": (3, 3, lambda condition, yes, no: yes if condition else no),
}

BINARY: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": math.fmod,
    "**": math.pow,
    "^": math.pow,
    "==": lambda a, b: float(a == b),
    "!=": lambda a, b: float(a != b),
    "<": lambda a, b: float(a < b),
    ">": lambda a, b: float(a > b),
    "<=": lambda a, b: float(a <= b),
    ">=": lambda a, b: float(a >= b),
    "&": lambda a, b: float(bool(a) and bool(b)),
    "&&": lambda a, b: float(bool(a) and bool(b)),
    "|": lambda a, b: float(bool(a) or bool(b)),
    "||": lambda a, b: float(bool(a) or bool(b)),
}

CONSTANTS = {"pi": math.pi, "e": math.e, "inf": math.inf}
