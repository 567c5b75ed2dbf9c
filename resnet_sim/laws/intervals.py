"""Functions of intervals: all values that they may have, given all that their arguments may.

The intervals here are narrow: they hold what rounding leaves open.  Where a function jumps, both
ends and all between them count; where it is undefined its interval is NaN.  Angles are radians.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..arrays import Floats

#: lowest and highest value, shape (points,)
Interval = tuple[Floats, Floats]
#: a function of the intervals of its arguments
OfIntervals = Callable[[Sequence[Interval]], Interval]


def _rising(function: Callable[..., Floats]) -> Callable[[Sequence[Interval]], Interval]:
    """Return what a function that falls in none of its arguments is on intervals."""

    def on(arguments: Sequence[Interval]) -> Interval:
        return function(*(a[0] for a in arguments)), function(*(a[1] for a in arguments))

    return on


def _maximum(*values: Floats) -> Floats:
    return np.asarray(np.max(values, axis=0))


def _minimum(*values: Floats) -> Floats:
    return np.asarray(np.min(values, axis=0))


def _middle(x: Floats, *ends: Floats) -> Floats:
    # of two, the second is the variation of a nominal value
    return np.asarray(np.median([x, *ends], axis=0)) if len(ends) == 2 else x


def _absolute(arguments: Sequence[Interval]) -> Interval:
    ((low, high),) = arguments
    through = (low <= 0) & (high >= 0)
    least = np.where(through, 0.0, np.minimum(np.abs(low), np.abs(high)))
    return least, np.maximum(np.abs(low), np.abs(high))


def _jump(below: float, above: float) -> Callable[[Sequence[Interval]], Interval]:
    def on(arguments: Sequence[Interval]) -> Interval:
        ((low, high),) = arguments
        return np.where(low > 0, above, below), np.where(high < 0, below, above)

    return on


def _over(arguments: Sequence[Interval]) -> Interval:
    """``a > b``."""
    (a, b), (c, d) = arguments
    return _jump(0.0, 1.0)([(a - d, b - c)])


def _under(arguments: Sequence[Interval]) -> Interval:
    return _over(arguments[::-1])


def _truth(interval: Interval) -> Interval:
    """Return whether a value is not zero."""
    low, high = interval
    surely, maybe = (low > 0) | (high < 0), (low != 0) | (high != 0)
    return surely.astype(np.float64), maybe.astype(np.float64)


def _equal(arguments: Sequence[Interval]) -> Interval:
    (a, b), (c, d) = arguments
    surely, maybe = (a == b) & (c == d) & (a == c), (a <= d) & (c <= b)
    return surely.astype(np.float64), maybe.astype(np.float64)


def _opposite(arguments: Sequence[Interval]) -> Interval:
    low, high = _truth(arguments[0])
    return 1.0 - high, 1.0 - low


def _both(arguments: Sequence[Interval]) -> Interval:
    return _rising(_minimum)([_truth(a) for a in arguments])


def _either(arguments: Sequence[Interval]) -> Interval:
    return _rising(_maximum)([_truth(a) for a in arguments])


def _chosen(arguments: Sequence[Interval]) -> Interval:
    (never, always), yes, no = _truth(arguments[0]), *arguments[1:]
    surely, hardly = never >= 1.0, always <= 0.0
    low = np.where(surely, yes[0], np.where(hardly, no[0], np.minimum(yes[0], no[0])))
    return low, np.where(surely, yes[1], np.where(hardly, no[1], np.maximum(yes[1], no[1])))


def _product(arguments: Sequence[Interval]) -> Interval:
    (a, b), (c, d) = arguments
    ends = np.array([a * c, a * d, b * c, b * d])
    return ends.min(axis=0), ends.max(axis=0)


def _quotient(arguments: Sequence[Interval]) -> Interval:
    over, (low, high) = arguments
    none = (low <= 0) & (high >= 0)
    ends = (1.0 / np.where(none, 1.0, high), 1.0 / np.where(none, 1.0, low))
    found = _product([over, ends])
    return np.where(none, np.nan, found[0]), np.where(none, np.nan, found[1])


def _within(
    function: Callable[[Floats], Floats], least: float = -np.inf, most: float = np.inf,
    falls: bool = False,
) -> OfIntervals:  # fmt: skip
    """Return a monotone function that has a domain: what rounding alone takes beyond it is cut."""

    def on(arguments: Sequence[Interval]) -> Interval:
        ((low, high),) = arguments
        outside = (high < least) | (low > most)
        with np.errstate(all="ignore"):
            ends = [function(np.clip(x, least, most)) for x in (low, high)]
        low, high = ends[::-1] if falls else ends
        return np.where(outside, np.nan, low), np.where(outside, np.nan, high)

    return on


def _even(function: Callable[[Floats], Floats]) -> OfIntervals:
    """Return a function of the size alone, with which it grows."""
    return lambda arguments: _within(function)([_absolute(arguments)])


def _wave(crest: float) -> OfIntervals:
    """Return ``cos(x - crest)``."""

    def on(arguments: Sequence[Interval]) -> Interval:
        ((low, high),) = arguments
        ends = [np.sin(x) if crest else np.cos(x) for x in (low, high)]
        top, bottom = (
            np.ceil((low - at) / (2 * np.pi)) <= np.floor((high - at) / (2 * np.pi))
            for at in (crest, crest + np.pi)
        )
        return (
            np.where(bottom, -1.0, np.minimum(*ends)),
            np.where(top, 1.0, np.maximum(*ends)),
        )

    return on


def _tangent(arguments: Sequence[Interval]) -> Interval:
    ((low, high),) = arguments
    pole = np.round(low / np.pi) != np.round(high / np.pi)
    return np.where(pole, -np.inf, np.tan(low)), np.where(pole, np.inf, np.tan(high))


def _power(arguments: Sequence[Interval]) -> Interval:
    (a, b), (c, d) = arguments
    whole = (c == d) & (c == np.round(c))
    a = np.where(~whole & (b >= 0), np.maximum(a, 0.0), a)
    with np.errstate(all="ignore"):
        ends = np.array([np.power(x, y) for x in (a, b) for y in (c, d)])
    low, high = ends.min(axis=0), ends.max(axis=0)
    through = (a < 0) & (b > 0)
    inside = np.where(c > 0, 0.0, np.nan)  # what it is at zero
    return (
        np.where(through, np.minimum(low, inside), low),
        np.where(through, np.maximum(high, inside), high),
    )


def _size_power(arguments: Sequence[Interval]) -> Interval:
    return _power([_absolute(arguments[:1]), arguments[1]])


def _signed_power(arguments: Sequence[Interval]) -> Interval:
    return _nearly(lambda x, y: np.where(x < 0, -1.0, 1.0) * np.abs(x) ** y)(arguments)


def _whole_power(arguments: Sequence[Interval]) -> Interval:
    (low, high), (least, most) = arguments
    back = high < 0
    return _power([
        (low, high), (np.where(back, np.trunc(least), least), np.where(back, np.trunc(most), most))
    ])  # fmt: skip


def _differ(arguments: Sequence[Interval]) -> Interval:
    (a, b), (c, d) = (_at(0.5, 1.0)([x]) for x in arguments)
    clear = (a == b) & (c == d)
    return np.where(clear, np.abs(a - c), 0.0), np.where(clear, np.abs(a - c), 1.0)


def _sized(function: Callable[[Floats], Floats]) -> OfIntervals:
    """Return a function of the size with the sign of its argument."""

    def on(arguments: Sequence[Interval]) -> Interval:
        low, high = _within(function, least=0.0)([_absolute(arguments)])
        return _product([(low, high), _jump(-1.0, 1.0)(arguments)])

    return on


def _signed(arguments: Sequence[Interval]) -> Interval:
    return _product([_absolute(arguments[:1]), _jump(-1.0, 1.0)(arguments[1:])])


def _nearly(function: Callable[..., Floats]) -> OfIntervals:
    """Return a function that is nearly straight on the interval of each argument alone."""

    def on(arguments: Sequence[Interval]) -> Interval:
        middle = [(low + high) / 2 for low, high in arguments]
        with np.errstate(all="ignore"):
            value = np.asarray(function(*middle), dtype=np.float64)
            low, high = np.zeros(len(value)), np.zeros(len(value))
            for k, ends in enumerate(arguments):
                off = [function(*middle[:k], x, *middle[k + 1 :]) - value for x in ends]
                low = low + np.minimum(np.minimum(*off), 0.0)
                high = high + np.maximum(np.maximum(*off), 0.0)
        return value + low, value + high

    return on


def _interpolated(held: bool) -> OfIntervals:
    """Return a function given by points: its ends on an interval, and all points within."""

    def of_moving(x: Floats, *points: Floats) -> Floats:
        rows = zip(x, np.array(points).T, strict=True)
        found = [_along(row[None], p[::2], p[1::2], held)[0] for row, p in rows]
        return np.array(found)

    def on(arguments: Sequence[Interval]) -> Interval:
        (low, high), *points = arguments
        if any((p[0] != p[1]).any() or np.ptp(p[0]) for p in points):
            return _nearly(of_moving)(arguments)
        at, values = (np.array([float(p[0][0]) for p in points[k::2]]) for k in (0, 1))
        ends = [_along(x, at, values, held) for x in (low, high)]
        inside = (at >= low[:, None]) & (at <= high[:, None])
        least = np.where(inside, values, np.inf).min(axis=1)
        most = np.where(inside, values, -np.inf).max(axis=1)
        return np.minimum(np.minimum(*ends), least), np.maximum(np.maximum(*ends), most)

    return on


def _along(x: Floats, at: Floats, values: Floats, held: bool) -> Floats:
    found = np.interp(x, at, values)
    if held or len(at) < 2:
        return found
    before = values[0] + (x - at[0]) * (values[1] - values[0]) / (at[1] - at[0])
    after = values[-1] + (x - at[-1]) * (values[-1] - values[-2]) / (at[-1] - at[-2])
    return np.where(x < at[0], before, np.where(x > at[-1], after, found))


def _at(threshold: float, above: float) -> OfIntervals:
    """Return a jump from or to 1, at some threshold."""
    jump = _jump(1.0 - above, above)
    return lambda arguments: jump([(arguments[0][0] - threshold, arguments[0][1] - threshold)])


_ZERO = (np.zeros(1), np.zeros(1))

FUNCTIONS: dict[str, OfIntervals] = {
    "max": _rising(_maximum),
    "min": _rising(_minimum),
    "limit": _rising(_middle),
    "uramp": _rising(lambda x: np.maximum(x, 0.0)),
    "u2": _rising(lambda x: np.clip(x, 0.0, 1.0)),
    "abs": _absolute,
    "u": _jump(0.0, 1.0),
    "sgn": _jump(-1.0, 1.0),
    "sign": _signed,
    ">": _over,
    ">=": _over,
    "<": _under,
    "<=": _under,
    "==": _equal,
    "!=": lambda arguments: _opposite([_equal(arguments)]),
    "&&": _both,
    "||": _either,
    "!": _opposite,
    "if": _chosen,
    "gt0": _at(0.0, 1.0),
    "ge0": _at(0.0, 1.0),
    "lt0": _at(0.0, 0.0),
    "le0": _at(0.0, 0.0),
    "buf": _at(0.5, 1.0),
    "inv": _at(0.5, 0.0),
    "eq0": lambda arguments: _equal([*arguments, _ZERO]),
    "ne0": lambda arguments: _truth(arguments[0]),
    "floor": _rising(np.floor),
    "ceil": _rising(np.ceil),
    "int": _rising(np.trunc),
    "nint": _rising(np.round),
    "round": _rising(lambda x: np.sign(x) * np.floor(np.abs(x) + 0.5)),
    "*": _product,
    "/": _quotient,
    "\\": lambda arguments: _rising(np.trunc)([_quotient(arguments)]),
    "%": _nearly(np.fmod),
    "fmod": _nearly(np.fmod),
    "**": _power,
    "pow": _power,
    "pwr": _size_power,
    "pwrs": _signed_power,
    "powi": _whole_power,
    "sqrts": _sized(np.sqrt),
    "logs": _sized(np.log),
    "log10s": _sized(np.log10),
    "xor": _differ,
    "sqr": _even(np.square),
    "sqrt": _within(np.sqrt, least=0.0),
    "cbrt": _within(np.cbrt),
    "hypot": _nearly(np.hypot),
    "exp": _within(np.exp),
    "ln": _within(np.log, least=0.0),
    "log": _within(np.log, least=0.0),
    "log10": _within(np.log10, least=0.0),
    "db": _even(lambda x: 20.0 * np.log10(x)),
    "sin": _wave(np.pi / 2),
    "cos": _wave(0.0),
    "tan": _tangent,
    "asin": _within(np.arcsin, -1.0, 1.0),
    "acos": _within(np.arccos, -1.0, 1.0, falls=True),
    "atan": _within(np.arctan),
    "atan2": _nearly(np.arctan2),
    "sinh": _within(np.sinh),
    "cosh": _even(np.cosh),
    "tanh": _within(np.tanh),
    "asinh": _within(np.arcsinh),
    "acosh": _within(np.arccosh, least=1.0),
    "atanh": _within(np.arctanh, -1.0, 1.0),
    "table": _interpolated(True),
    "pwl": _interpolated(False),
}
