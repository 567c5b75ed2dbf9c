"""What expressions can compute: functions, operators, constants.  All angles in radians."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable


def _sign(x: float) -> float:
    return float((x > 0) - (x < 0))


def _limit(x: float, a: float, b: float) -> float:
    return max(min(a, b), min(x, max(a, b)))


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
    "min": (1, 100, min),
    "max": (1, 100, max),
    "floor": (1, 1, lambda x: float(math.floor(x))),
    "ceil": (1, 1, lambda x: float(math.ceil(x))),
    "int": (1, 1, lambda x: float(math.trunc(x))),
    "nint": (1, 1, lambda x: float(round(x))),
    "round": (1, 1, lambda x: float(round(x))),
    "sgn": (1, 1, _sign),
    "u": (1, 1, lambda x: float(x > 0)),
    "uramp": (1, 1, lambda x: max(x, 0.0)),
    "limit": (3, 3, _limit),
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
