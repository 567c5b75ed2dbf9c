"""What expressions can compute: functions, operators, constants.  All angles in radians."""

from __future__ import annotations

import math
import operator
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random


def _sign(x: float) -> float:
    return float((x > 0) - (x < 0))


def _step(x: float) -> float:
    return float(x > 0)


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


#: what random functions draw from; None: they are what is nominal
_source: ContextVar[Random | None] = ContextVar("source", default=None)


@contextmanager
def drawing(seed: str | None) -> Iterator[None]:
    """Let random functions draw while this lasts; the same seed gives the same numbers."""
    if seed is None:
        yield
        return
    from random import Random  # which hardly any deck needs

    token = _source.set(Random(seed))
    try:
        yield
    finally:
        _source.reset(token)


def is_drawing() -> bool:
    """Tell whether random functions draw."""
    return _source.get() is not None


def _uniform() -> float:
    """Return a number between -1 and 1, 0 unless numbers are drawn."""
    source = _source.get()
    return 0.0 if source is None else source.uniform(-1.0, 1.0)


def _normal() -> float:
    """Return a number of standard deviation 1, 0 unless numbers are drawn."""
    source = _source.get()
    return 0.0 if source is None else source.gauss()


def _agauss(nominal: float, deviation: float = 0.0, sigmas: float = 1.0) -> float:
    drawn = _normal()
    return nominal + deviation / sigmas * drawn if drawn else nominal


def _gauss(x: float, deviation: float | None = None, sigmas: float = 1.0) -> float:
    # with one argument it is LTspice's, about 0
    if deviation is None:
        return x * _normal()
    drawn = _normal()
    return x * (1.0 + deviation / sigmas * drawn) if drawn else x


def _limit(x: float, a: float, b: float | None = None) -> float:
    if b is None:  # limit(nominal, variation) is one of the random functions
        return x + math.copysign(a, _uniform()) if is_drawing() else x
    return max(min(a, b), min(x, max(a, b)))


#: random functions; of what they are about unless numbers are drawn
NOMINAL: dict[str, tuple[int, int, Callable[..., float]]] = {
    "agauss": (1, 3, _agauss),
    "aunif": (2, 2, lambda nominal, off: nominal + off * _uniform()),
    "mc": (2, 2, lambda nominal, share: nominal * (1.0 + share * _uniform())),
    "unif": (2, 2, lambda nominal, share: nominal * (1.0 + share * _uniform())),
    "gauss": (1, 3, _gauss),
    "flat": (1, 1, lambda x: x * _uniform()),
    "rand": (1, 1, lambda _: 0.5 + 0.5 * _uniform()),
    "random": (1, 1, lambda _: 0.5 + 0.5 * _uniform()),
    "white": (1, 1, lambda _: 0.5 * _uniform()),
}

#: functions of what changes in time
STILL = ("ddt", "sdt", "idt", "delay", "absdelay")

#: name -> (least and greatest number of arguments, function)
FUNCTIONS: dict[str, tuple[int, int, Callable[..., float]]] = {
    "abs": (1, 1, abs),
    "fabs": (1, 1, abs),
    "sqrt": (1, 1, math.sqrt),
    "cbrt": (1, 1, math.cbrt),
    "sqr": (1, 1, lambda x: x * x),
    "exp": (1, 1, math.exp),
    "ln": (1, 1, math.log),
    "log": (1, 1, math.log),
    "log10": (1, 1, math.log10),
    "db": (1, 1, lambda x: 20 * math.log10(abs(x))),
    "sin": (1, 1, math.sin),
    "cos": (1, 1, math.cos),
    "tan": (1, 1, math.tan),
    "asin": (1, 1, math.asin),
    "arcsin": (1, 1, math.asin),
    "acos": (1, 1, math.acos),
    "arccos": (1, 1, math.acos),
    "atan": (1, 1, math.atan),
    "arctan": (1, 1, math.atan),
    "atan2": (2, 2, math.atan2),
    "sinh": (1, 1, math.sinh),
    "cosh": (1, 1, math.cosh),
    "tanh": (1, 1, math.tanh),
    "asinh": (1, 1, math.asinh),
    "acosh": (1, 1, math.acosh),
    "atanh": (1, 1, math.atanh),
    "hypot": (2, 2, math.hypot),
    "pow": (2, 2, math.pow),
    # the simulators give these two different names, see `netlist.dialects`
    "pwr": (2, 2, lambda x, y: math.pow(abs(x), y)),
    "pwrs": (2, 2, lambda x, y: math.pow(x, y) if x >= 0 else -math.pow(-x, y)),
    "xor": (2, 2, lambda x, y: float((x > 0.5) != (y > 0.5))),
    # HSPICE's: of negative numbers the whole part of y counts; the others keep the sign of x
    "powi": (2, 2, lambda x, y: math.pow(x, y if x >= 0 else math.trunc(y))),
    "sqrts": (1, 1, lambda x: _sign(x) * math.sqrt(abs(x))),
    "logs": (1, 1, lambda x: _sign(x) * math.log(abs(x))),
    "log10s": (1, 1, lambda x: _sign(x) * math.log10(abs(x))),
    "fmod": (2, 2, math.fmod),
    "min": (1, 100, lambda *values: min(values)),
    "max": (1, 100, lambda *values: max(values)),
    "floor": (1, 1, lambda x: float(math.floor(x))),
    "ceil": (1, 1, lambda x: float(math.ceil(x))),
    "int": (1, 1, lambda x: float(math.trunc(x))),
    "nint": (1, 1, lambda x: float(round(x))),
    # halves go away from zero, with nint to even numbers
    "round": (1, 1, lambda x: _sign(x) * math.floor(abs(x) + 0.5)),
    "sgn": (1, 1, _sign),
    "sign": (2, 2, lambda x, y: abs(x) * _sign(y)),
    "u": (1, 1, _step),
    "stp": (1, 1, _step),
    "u2": (1, 1, lambda x: min(max(x, 0.0), 1.0)),
    "uramp": (1, 1, lambda x: max(x, 0.0)),
    "buf": (1, 1, lambda x: float(x > 0.5)),
    "inv": (1, 1, lambda x: float(x <= 0.5)),
    "eq0": (1, 1, lambda x: float(x == 0)),
    "ne0": (1, 1, lambda x: float(x != 0)),
    "gt0": (1, 1, _step),
    "ge0": (1, 1, lambda x: float(x >= 0)),
    "lt0": (1, 1, lambda x: float(x < 0)),
    "le0": (1, 1, lambda x: float(x <= 0)),
    "limit": (2, 3, _limit),
    "table": (3, 10_000, _table),
    "pwl": (5, 10_000, _pwl),
    "ddt": (1, 1, lambda _: 0.0),
    # of integrals what they start from, of delays what goes in
    "sdt": (1, 1, lambda _: 0.0),
    "idt": (1, 3, lambda _, start=0.0, reset=0.0: start),
    "delay": (2, 3, lambda x, *_: x),
    "absdelay": (2, 3, lambda x, *_: x),
    "if": (3, 3, lambda condition, yes, no: yes if condition else no),
    "ternary_fcn": (3, 3, lambda condition, yes, no: yes if condition else no),
    **NOMINAL,
}

#: name -> arguments that are not all alike
_ARGUMENTS = {
    **dict.fromkeys(("table", "pwl"), "x, x1,y1, x2,y2, ..."),
    **dict.fromkeys(("if", "ternary_fcn"), "condition, value, otherwise"),
    **{"limit": "x, low, high", "min": "x, y, ...", "max": "x, y, ..."},
    **{"gauss": "x, share, sigmas", "agauss": "x, deviation, sigmas", "aunif": "x, deviation"},
    **dict.fromkeys(("unif", "mc"), "x, share"),
}


def usage(name: str) -> str:
    """Return how a function is called."""
    return f"{name}({_ARGUMENTS.get(name, 'x' if FUNCTIONS[name][0] == 1 else 'x, y')})"


BINARY: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": math.fmod,
    "\\": lambda a, b: float(math.trunc(a / b)),
    "**": math.pow,
    "^": math.pow,
    "==": lambda a, b: float(a == b),
    "=": lambda a, b: float(a == b),
    "!=": lambda a, b: float(a != b),
    "<>": lambda a, b: float(a != b),
    "<": lambda a, b: float(a < b),
    ">": lambda a, b: float(a > b),
    "<=": lambda a, b: float(a <= b),
    ">=": lambda a, b: float(a >= b),
    "&": lambda a, b: float(bool(a) and bool(b)),
    "&&": lambda a, b: float(bool(a) and bool(b)),
    "|": lambda a, b: float(bool(a) or bool(b)),
    "||": lambda a, b: float(bool(a) or bool(b)),
}

#: at an operating point the time and the frequency are 0
CONSTANTS = {"pi": math.pi, "e": math.e, "inf": math.inf, "time": 0.0, "hertz": 0.0}
