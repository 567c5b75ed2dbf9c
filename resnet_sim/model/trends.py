"""How a formula of one voltage moves with it, as far as its functions tell.

Functions are known to rise or fall, to be odd or even; so are sums, multiples, products and
compositions of what is known.  Products of one clamp with itself are polynomials, whose slopes are
looked at within the clamp's bounds.  Where all this says nothing, a formula may do anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from .formula import Call, Formula, Sum

#: Relative fall that is rounding, and the highest power that is looked at.
ROUNDING, HIGHEST = 1e-12, 9


class Clamped(NamedTuple):
    """A value within bounds, of which others are polynomials; `call` is its number."""

    call: int
    low: float
    high: float
    up: bool
    down: bool


class Trend(NamedTuple):
    """How a value moves with the voltage x.

    Attributes
    ----------
    up, down : bool
        It never falls, or never rises; both for a constant.
    odd, even : int
        Times this sign the value is 0 at x = 0, has the sign of x elsewhere and a size that grows
        with that of x; or it is 0 or more everywhere and grows with the size of x.
    of, powers : Clamped and tuple of float, optional
        It is this polynomial of a clamp, lowest power first.
    """

    up: bool = False
    down: bool = False
    odd: int = 0
    even: int = 0
    of: Clamped | None = None
    powers: tuple[float, ...] = ()

    def times(self, factor: float) -> Trend:
        """Return that of a multiple."""
        if factor == 0:
            return constant(0.0)
        sign = 1 if factor > 0 else -1
        up, down = (self.up, self.down) if sign > 0 else (self.down, self.up)
        powers = tuple(factor * x for x in self.powers)
        return Trend(up, down, sign * self.odd, sign * self.even, self.of, powers)

    def plus(self, other: Trend) -> Trend:
        """Return that of a sum."""
        odd = self.odd if self.odd == other.odd else 0
        even = self.even if self.even == other.even else 0
        return Trend(self.up and other.up, self.down and other.down, odd, even)


def constant(value: float) -> Trend:
    """Return the trend of a number; zero counts as odd where it is added, see `_trend`."""
    return Trend(True, True, 0, 1 if value > 0 else -1 if value < 0 else 0)


def rises(formula: Formula) -> bool:
    """Tell whether a formula of input 0 is known never to fall, and defined everywhere."""
    found: list[Trend] = []
    for number, call in enumerate(formula.calls):
        arguments = [_trend(some, found) for some in call.arguments]
        rule = _RULES.get(call.name)
        trend = Trend() if rule is None else rule(call, arguments)
        if call.name in ("limit", "uramp") and (trend.up or trend.down):
            bounds = [some.constant for some in call.arguments[1:]] or [0.0, np.inf]
            of = Clamped(number, min(bounds), max(bounds), trend.up, trend.down)
            trend = trend._replace(of=of, powers=(0.0, 1.0))
        found.append(trend)
    return _trend(formula.value, found).up


def _trend(some: Sum, found: list[Trend]) -> Trend:
    terms = [Trend(True, False, 1).times(gain) for _, gain in some.voltages if gain]
    every = [found[k].times(gain) for k, gain in some.calls if gain]
    terms += [term for term in every if term.of is None]
    added: dict[Clamped, tuple[float, ...]] = {}
    for term in every:
        if term.of is not None:
            added[term.of] = _plus(added.get(term.of, ()), term.powers)
    polynomials = [_polynomial(of, powers) for of, powers in added.items()]
    alone = not terms and len(polynomials) == 1
    terms += polynomials
    if some.constant or not terms:
        terms.append(constant(some.constant))
    total = terms[0]
    for term in terms[1:]:
        total = total.plus(term)
    if not alone:
        return total
    # with nothing else beside it, a sum is a polynomial again
    ((of, powers),) = added.items()
    return total._replace(of=of, powers=_plus(powers, (some.constant,)))


def _plus(one: Sequence[float], other: Sequence[float]) -> tuple[float, ...]:
    size = max(len(one), len(other))
    a, b = (np.pad(np.array(some, dtype=float), (0, size - len(some))) for some in (one, other))
    return tuple((a + b).tolist())


def _polynomial(of: Clamped, powers: Sequence[float]) -> Trend:
    """Return the trend of a polynomial of a clamp, by the sign of its slope within the bounds."""
    slope = np.polynomial.Polynomial(powers).deriv()
    if not np.isfinite((of.low, of.high)).all():
        one_way = np.asarray(slope.coef)
        low, high = (one_way.min(), one_way.max()) if of.low >= 0 else (-np.inf, np.inf)
    else:
        bends = slope.deriv().roots() if slope.degree() > 1 else np.zeros(0)
        inner = bends[np.abs(np.imag(bends)) <= 1e-9 * (1.0 + np.abs(bends))].real
        at = np.concatenate((np.clip(inner, of.low, of.high), [of.low, of.high]))
        low, high = slope(at).min(), slope(at).max()
    most = ROUNDING * np.abs(slope.coef) @ _largest(of) ** np.arange(len(slope.coef))
    rises, falls = low >= -most, high <= most
    if np.isnan(most):
        return Trend()
    up = (rises and of.up) or (falls and of.down)
    return Trend(bool(up), bool((falls and of.up) or (rises and of.down)))


def _largest(of: Clamped) -> float:
    """Return the largest size of a clamp as far as it has one."""
    return max((abs(x) for x in (of.low, of.high) if np.isfinite(x)), default=1.0)


def _increasing(call: Call, arguments: list[Trend]) -> Trend:
    """Functions that rise and pass through the origin."""
    return arguments[0]


def _exponential(call: Call, arguments: list[Trend]) -> Trend:
    of = arguments[0]
    return Trend(of.up, of.down, 0, 1 if of.even > 0 else 0)


def _even(call: Call, arguments: list[Trend]) -> Trend:
    """Functions that are 0 or more and grow with the size of what they are of."""
    of = arguments[0]
    if of.up and of.down:
        return constant(1.0)
    return Trend(even=1) if of.odd or of.even else Trend()


def _product(call: Call, arguments: list[Trend]) -> Trend:
    one, other = arguments
    if one.of is not None and one.of == other.of:
        powers = np.convolve(one.powers, other.powers)
        if len(powers) <= HIGHEST + 1:
            found = _polynomial(one.of, powers.tolist())
            return found._replace(of=one.of, powers=tuple(powers.tolist()))
    if one.odd and other.odd:
        return Trend(even=one.odd * other.odd)
    if one.even and other.even:
        flat = one.up and one.down and other.up and other.down
        return Trend(flat, flat, 0, one.even * other.even)
    for odd, even in ((one, other), (other, one)):
        if odd.odd and even.even:
            sign = odd.odd * even.even
            return Trend(sign > 0, sign < 0, sign)
        if even.up and even.down and even.even:  # a number
            return odd.times(even.even)
    return Trend()


def _power(call: Call, arguments: list[Trend]) -> Trend:
    base, exponent = arguments[0], call.arguments[1]
    if not exponent.is_constant or exponent.constant < 1:
        return Trend()
    n = exponent.constant
    if n % 2 == 1 and base.odd:
        return Trend(base.up, base.down, base.odd)
    if base.even > 0 or (n % 2 == 0 and (base.odd or base.even)):
        return Trend(even=1)
    return Trend()


def _size_power(call: Call, arguments: list[Trend]) -> Trend:
    exponent = call.arguments[1]
    grows = exponent.is_constant and exponent.constant >= 1
    return _even(call, arguments) if grows else Trend()


def _signed_power(call: Call, arguments: list[Trend]) -> Trend:
    exponent = call.arguments[1]
    return arguments[0] if exponent.is_constant and exponent.constant >= 1 else Trend()


def _clamp(call: Call, arguments: list[Trend]) -> Trend:
    if not all(some.is_constant for some in call.arguments[1:]):
        return Trend()
    return Trend(arguments[0].up, arguments[0].down)


def _extreme(call: Call, arguments: list[Trend]) -> Trend:
    return Trend(all(a.up for a in arguments), all(a.down for a in arguments))


def _given_by_points(call: Call, arguments: list[Trend]) -> Trend:
    points = call.arguments[1:]
    if not all(point.is_constant for point in points):
        return Trend()
    x, y = (np.array([point.constant for point in points[k::2]]) for k in (0, 1))
    if not (np.diff(x) > 0).all():
        return Trend()
    up, down = bool((np.diff(y) >= 0).all()), bool((np.diff(y) <= 0).all())
    of = arguments[0]
    return Trend((of.up and up) or (of.down and down), (of.up and down) or (of.down and up))


_RULES: dict[str, Callable[[Call, list[Trend]], Trend]] = {
    **dict.fromkeys(("sinh", "tanh", "atan", "asinh", "cbrt", "sqrts"), _increasing),
    **dict.fromkeys(("abs", "cosh", "sqr"), _even),
    **dict.fromkeys(("limit", "uramp", "u2"), _clamp),
    **dict.fromkeys(("min", "max"), _extreme),
    **dict.fromkeys(("table", "pwl"), _given_by_points),
    **dict.fromkeys(("**", "pow", "powi"), _power),
    "exp": _exponential,
    "*": _product,
    "pwr": _size_power,
    "pwrs": _signed_power,
}
