"""Formulas, exactly, as sums of clamps and of what is not piecewise linear.

Every piecewise-linear function is a sum of bounded ones,

    clamp(x) = min(max(x, low), high),      step(x) = low if x < 0, high if x > 0,

whose arguments are sums of voltages, currents and other clamps: ``max(a, b) = b +
clamp(a - b, 0, inf)``, a table one clamp for each of its lines.  This is the one place
that tells what is piecewise linear from what is not: functions that bend otherwise are units
of their own (`Smooth`), beside and within clamps.  At a step any value between its
ends counts: ideal comparators with feedback rest there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from .formula import Call, Formula, Sum
from .units import Clamp, Clamped, Unit, inlined, needed

#: what rounding of decimal numbers may leave of a difference, relative
ROUNDING = 1e-12


class BadFormula(ValueError):
    """A formula that means nothing; `call` is the number of the function to blame."""

    def __init__(self, message: str, call: int) -> None:
        super().__init__(message)
        self.call = call


class _Bent(Exception):
    """A function is not piecewise linear."""


def clamped(formula: Formula) -> Clamped:
    """Return a formula as a sum of clamps and other functions.

    Raises
    ------
    BadFormula

    Examples
    --------
    >>> from resnet_sim.model.clamps import clamped
    >>> from resnet_sim.model.formula import Call, Formula, Sum
    >>> x = Sum(0.0, (("a", 2.0),))
    >>> clamped(Formula(Sum(1.0, (), (), ((0, 3.0),)), (Call("max", (x, Sum(0.5))),)))
    Clamped(value=Sum(constant=1.0, voltages=(), currents=(), calls=((0, 3.0),)), \
units=(Clamp(argument=Sum(constant=0.0, voltages=(('a', 2.0),), currents=(), calls=()), \
low=0.5, high=inf, steep=False, rest=0.0),))
    """
    return _Rewriting(formula).result()


class _Rewriting:
    """Calls of a formula, one after the other, to sums of units."""

    def __init__(self, formula: Formula) -> None:
        self.formula = formula
        self.units: dict[Unit, int] = {}
        self.made: list[Unit] = []
        #: of each unit: whether it jumps nowhere; of each call: whether it is made of clamps
        self.continuous: list[bool] = []
        self.straight: list[bool] = []
        self.curved: list[bool] = []
        #: of each call: its value; of those that are 0 or 1 also what is positive where it is 1
        self.values: list[Sum] = []
        self.truths: dict[int, Sum | None] = {}

    def result(self) -> Clamped:
        """Return the whole, without what turned out not to matter."""
        for number, call in enumerate(self.formula.calls):
            try:
                value = self._value(number, call)
            except ValueError as error:
                raise BadFormula(str(error), number) from None
            except _Bent:
                value = None
            self.values.append(value or Sum())
            self.curved.append(value is None)
            self.straight.append(
                value is not None and all(self.continuous[k] for k, _ in value.calls)
            )
        return needed(self.meant(self.formula.value), self.made)

    def _value(self, number: int, call: Call) -> Sum:
        name, arguments = call.name, call.arguments
        if name in _COMPARISONS:
            sign, rest = _COMPARISONS[name]
            left, right = map(self.meant, arguments)
            return self._step(number, left.plus(right, -1.0).scaled(sign), rest)
        if name == "u":
            return self._step(number, self.meant(arguments[0]), 0.5)  # as ngspice has it
        if name in _LOGIC:
            return _LOGIC[name](self, number, arguments)
        if name not in _FUNCTIONS:
            raise _Bent
        return _FUNCTIONS[name](self, [self.meant(some) for some in arguments])

    def meant(self, some: Sum) -> Sum:
        """Return a sum of calls as one of units."""
        total, bent = some._replace(calls=()), tuple(self.bent(some).items())
        for number, gain in some.calls:
            total = total.plus(self.values[number], gain)
        if not bent:
            return total
        whole = inlined(self.formula, Sum(calls=bent), self.values, self.straight)
        return total.plus(self._unit(whole))

    def bent(self, some: Sum) -> dict[int, float]:
        """Return the calls in a sum that are not made of clamps, and their gains."""
        return {number: gain for number, gain in some.calls if self.curved[number] and gain}

    # ---- clamps ----

    def clamp(self, x: Sum, low: float, high: float) -> Sum:
        """Return ``min(max(x, low), high)``."""
        if x.is_constant:
            return Sum(min(max(x.constant, low), high))
        if low == -math.inf and high == math.inf:
            return x
        terms = [(k, gain) for k, gain in x.calls if gain]
        inner = self.made[terms[0][0]] if len(terms) == 1 else None
        if not isinstance(inner, Clamp) or not x._replace(calls=()).is_constant:
            return self._unit(Clamp(x, low, high))
        # bounds of a single clamp are drawn closer
        (_, gain), offset = terms[0], x.constant
        ends = sorted(((low - offset) / gain, (high - offset) / gain))
        low, high, rest = (
            min(max(y, ends[0]), ends[1]) for y in (inner.low, inner.high, inner.rest)
        )
        if low == high:
            return Sum(offset + gain * low)
        return Sum(offset).plus(self._unit(inner._replace(low=low, high=high, rest=rest)), gain)

    def step(self, x: Sum, low: float, high: float, rest: float) -> Sum:
        """Return what jumps from low to high where x passes 0."""
        if x.is_constant:
            return Sum(rest if x.constant == 0 else high if x.constant > 0 else low)
        return self._unit(Clamp(x, low, high, True, rest))

    def _unit(self, unit: Unit) -> Sum:
        number = self.units.setdefault(unit, len(self.units))
        if number == len(self.made):
            self.made.append(unit)
            jumps = isinstance(unit, Clamp) and (
                unit.steep or not all(self.continuous[k] for k, _ in unit.argument.calls)
            )
            self.continuous.append(not jumps)
        return Sum.of_call(number)

    def ends(self, some: Sum) -> tuple[tuple[Sum, Sum], float, float] | None:
        """Return the condition, and the values where it holds or not, of what is one of two."""
        if self.bent(some):
            return None
        value = self.meant(some)
        terms = [(k, gain) for k, gain in value.calls if gain]
        if len(terms) != 1 or not value._replace(calls=()).is_constant:
            return None
        (number, gain), *_ = terms
        unit = self.made[number]
        if not isinstance(unit, Clamp) or not unit.steep:
            return None
        x, low, high, _, rest = unit
        truth = self.step(x, 0.0, 1.0, (rest - low) / (high - low))
        return (truth, x), value.constant + gain * high, value.constant + gain * low

    # ---- what is 0 or 1 ----

    def _step(self, number: int, x: Sum, rest: float) -> Sum:
        self.truths[number] = x
        return self.step(x, 0.0, 1.0, rest)

    def truth(self, some: Sum) -> tuple[Sum, Sum | None]:
        """Return a condition as a sum that is 0 or 1, and what is positive where it is 1."""
        if len(some.calls) == 1 and not some.voltages and not some.currents:
            (number, gain), *_ = some.calls
            if some.constant == 0 and gain == 1.0 and number in self.truths:
                return self.values[number], self.truths[number]
        value = self.meant(some)
        if value.is_constant:
            return Sum(float(value.constant != 0)), Sum(1.0 if value.constant else -1.0)
        raise _Bent

    def logic(self, number: int, value: Sum, positive: Sum | None) -> Sum:
        """Note that a call is 0 or 1, and return it."""
        self.truths[number] = positive
        return value

    def chosen(self, condition: Sum, yes: Sum, no: Sum) -> Sum:
        """Return one of two values."""
        truth, positive = self.truth(condition)
        units = [] if positive is None else [self.made[k] for k, _ in positive.calls]
        # what bends may cancel, or with what the condition says; to look in vain takes long
        may = self.bent(yes) == self.bent(no) or any(not isinstance(u, Clamp) for u in units)
        if not (truth.is_constant or may):
            raise _Bent
        return self.switched((truth, positive), self.meant(yes), self.meant(no))

    def switched(self, condition: tuple[Sum, Sum | None], yes: Sum, no: Sum) -> Sum:
        """Return one of two sums of clamps; a condition as `truth` returns it."""
        truth, positive = condition
        if truth.is_constant:
            return yes if truth.constant else no
        found, off = no, yes.plus(no, -1.0)
        ratio, off = _share(off, positive) if positive is not None else (0.0, off)
        if not off.is_constant:
            raise _Bent
        if positive is not None and ratio:
            found = found.plus(self.clamp(positive, 0.0, math.inf), ratio)
        return found.plus(truth, off.constant) if off.constant else found


def _share(value: Sum, of: Sum) -> tuple[float, Sum]:
    """Return a ratio and what is left, ``value = ratio * of + left``; 0 if that helps nothing."""
    gains = [
        (dict(mine).get(k, 0.0), dict(other).get(k, 0.0))
        for mine, other in zip(value[1:], of[1:], strict=True)
        for k, _ in (*mine, *other)
    ]
    largest, ratio = max(((abs(g), m / g) for m, g in gains if g), default=(0.0, 0.0))
    if not largest or not ratio:
        return 0.0, value
    if any(abs(m - ratio * g) > ROUNDING * (abs(m) + abs(ratio * g)) for m, g in gains):
        return 0.0, value
    left = value.constant - ratio * of.constant
    size = abs(value.constant) + abs(ratio * of.constant)
    return ratio, Sum(left if abs(left) > ROUNDING * size else 0.0)


# ---- what each function is ----


def _maximum(r: _Rewriting, values: Sequence[Sum]) -> Sum:
    best = values[0]
    for other in values[1:]:
        if best.is_constant:
            best, other = other, best
        if other.is_constant:
            best = r.clamp(best, other.constant, math.inf)
        else:
            best = other.plus(r.clamp(best.plus(other, -1.0), 0.0, math.inf))
    return best


def _minimum(r: _Rewriting, values: Sequence[Sum]) -> Sum:
    return _maximum(r, [value.scaled(-1.0) for value in values]).scaled(-1.0)


def _limit(r: _Rewriting, values: Sequence[Sum]) -> Sum:
    if len(values) == 2:  # a nominal value and its variation
        return values[0]
    x, a, b = values
    if a.is_constant and b.is_constant:
        return r.clamp(x, *sorted((a.constant, b.constant)))
    inside = _minimum(r, [x, _maximum(r, [a, b])])
    return _maximum(r, [_minimum(r, [a, b]), inside])


def _absolute(r: _Rewriting, values: Sequence[Sum]) -> Sum:
    return r.clamp(values[0], 0.0, math.inf).scaled(2.0).plus(values[0], -1.0)


def _lines(r: _Rewriting, values: Sequence[Sum], ends: bool) -> Sum:
    """Return a function given by points: each line is a clamp of the part of x within it."""
    x, points = values[0], values[1:]
    if len(points) % 2 or not points:
        raise ValueError("a table with an odd number of coordinates")
    if not all(point.is_constant for point in points):
        raise _Bent
    at, height = ([p.constant for p in points[k::2]] for k in (0, 1))
    total, last = Sum(height[0]), len(at) - 2
    for k in range(len(at) - 1):
        width, rise = at[k + 1] - at[k], height[k + 1] - height[k]
        if width < 0:
            raise ValueError("a table whose points are not in ascending order")
        off = x.plus(Sum(at[k]), -1.0)
        if width == 0:
            total = total.plus(r.step(off, 0.0, rise, 0.0)) if rise else total
            continue
        low = -math.inf if ends and k == 0 else 0.0
        high = math.inf if ends and k == last else width
        total = total.plus(r.clamp(off, low, high), rise / width) if rise else total
    return total


_FUNCTIONS: dict[str, Callable[[_Rewriting, Sequence[Sum]], Sum]] = {
    "max": _maximum,
    "min": _minimum,
    "limit": _limit,
    "abs": _absolute,
    "uramp": lambda r, values: r.clamp(values[0], 0.0, math.inf),
    "u2": lambda r, values: r.clamp(values[0], 0.0, 1.0),
    "sgn": lambda r, values: r.step(values[0], -1.0, 1.0, 0.0),
    "table": lambda r, values: _lines(r, values, False),
    "pwl": lambda r, values: _lines(r, values, True),
}

#: sign of the difference that is positive where it holds, and what holds where that is 0
_COMPARISONS = {">": (1.0, 0.0), ">=": (1.0, 1.0), "<": (-1.0, 0.0), "<=": (-1.0, 1.0)}


def _both(r: _Rewriting, number: int, some: Sequence[Sum]) -> Sum:
    truths = [r.truth(each)[0] for each in some]
    return r.logic(number, _minimum(r, truths), None)


def _either(r: _Rewriting, number: int, some: Sequence[Sum]) -> Sum:
    truths = [r.truth(each)[0] for each in some]
    return r.logic(number, _maximum(r, truths), None)


def _opposite(r: _Rewriting, number: int, some: Sequence[Sum]) -> Sum:
    value, positive = r.truth(some[0])
    turned = None if positive is None else positive.scaled(-1.0)
    return r.logic(number, Sum(1.0).plus(value, -1.0), turned)


def _product(r: _Rewriting, number: int, some: Sequence[Sum]) -> Sum:
    for one, other in (some, some[::-1]):
        if (found := r.ends(one)) is not None:
            (condition, yes, no), value = found, r.meant(other)
            return r.switched(condition, value.scaled(yes), value.scaled(no))
    raise _Bent


def _quotient(r: _Rewriting, number: int, some: Sequence[Sum]) -> Sum:
    over, under = some
    if (found := r.ends(under)) is None or not found[1] or not found[2]:
        raise _Bent
    (condition, yes, no), value = found, r.meant(over)
    return r.switched(condition, value.scaled(1.0 / yes), value.scaled(1.0 / no))


#: what does not look at all of its arguments
_LOGIC: dict[str, Callable[[_Rewriting, int, Sequence[Sum]], Sum]] = {
    "&&": _both,
    "||": _either,
    "!": _opposite,
    "if": lambda r, number, some: r.chosen(*some),
    "*": _product,
    "/": _quotient,
}
