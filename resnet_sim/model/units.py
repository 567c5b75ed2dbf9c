"""Units that formulas are sums of: clamps, and functions of sums that are not piecewise linear."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .formula import Call, Formula, Sum, ordered


class Smooth(NamedTuple):
    """A function of sums.

    The nodes of the formula are numbers of inputs, which are sums without constants whose
    first gain is 1.  The calls of inputs are numbers of earlier units, see `clamps`.
    """

    formula: Formula
    inputs: tuple[Sum, ...]

    def of(self, places: Sequence[tuple[int, float]], factor: float) -> Formula:
        """Return the function times a factor, of other inputs: for each a number and a gain."""

        def moved(some: Sum) -> Sum:
            terms = ((places[int(k)], gain) for k, gain in some.voltages)
            return some._replace(voltages=tuple((at, share * gain) for (at, share), gain in terms))

        return self.formula.mapped(moved).scaled(factor)


def inlined(
    formula: Formula, value: Sum, values: Sequence[Sum], straight: Sequence[bool]
) -> Smooth:
    """Return a sum of calls with all that they are made of, down to what is piecewise linear.

    Parameters
    ----------
    formula : Formula
    value : Sum
        Of some of its calls.
    values : sequence of Sum
        What earlier calls amount to, as sums of units.
    straight : sequence of bool
        Which of those are continuous and piecewise linear: these become inputs.
    """
    inputs: dict[Sum, int] = {}

    def split(some: Sum) -> Sum:
        """Return a sum of inputs and calls."""
        outer = some._replace(constant=0.0, calls=())
        inner = []
        for k, gain in some.calls:
            if straight[k]:
                outer = outer.plus(values[k], gain)
            else:
                inner.append((k, gain))
        constant, outer = some.constant + outer.constant, outer._replace(constant=0.0)
        if outer.is_constant:
            return Sum(constant, calls=tuple(inner))
        first, normal = _normal(outer)
        place = inputs.setdefault(normal, len(inputs))
        return Sum(constant, ((place, first),), (), tuple(inner))

    needed = [False] * len(formula.calls)
    waiting = [value]
    while waiting:
        for k, _ in waiting.pop().calls:
            if not straight[k] and not needed[k]:
                needed[k] = True
                waiting += formula.calls[k].arguments
    calls = [
        Call(call.name, tuple(map(split, call.arguments))) if own else call
        for call, own in zip(formula.calls, needed, strict=True)
    ]
    whole, _ = ordered(split(value), calls)
    return Smooth(whole, tuple(inputs))


def _normal(some: Sum) -> tuple[float, Sum]:
    """Return a factor, and a sum that it is to be multiplied by, whose first gain is 1."""
    kept = [sorted((t for t in terms if t[1]), key=_order) for terms in some[1:]]
    first = next(gain for terms in kept for _, gain in terms)
    terms = (tuple((of, gain / first) for of, gain in each) for each in kept)
    return first, Sum(0.0, *terms)


def _order(term: tuple[object, float]) -> str:
    return str(term[0])


class Clamp(NamedTuple):
    """``min(max(argument, low), high)``, or where it is steep a step at ``argument = 0``.

    The calls of the argument are numbers of earlier clamps.  `rest` is what the formula says
    of the step itself, where nothing else decides.
    """

    argument: Sum
    low: float
    high: float
    steep: bool = False
    rest: float = 0.0


Unit = Clamp | Smooth


class Clamped(NamedTuple):
    """A sum whose calls are units: clamps, and what is not piecewise linear."""

    value: Sum
    units: tuple[Unit, ...]

    @property
    def steps(self) -> bool:
        """Tell whether the function jumps anywhere."""
        return any(isinstance(unit, Clamp) and unit.steep for unit in self.units)

    @property
    def smooth(self) -> bool:
        """Tell whether anything in it is not piecewise linear."""
        return any(isinstance(unit, Smooth) for unit in self.units)


def needed(value: Sum, units: list[Unit]) -> Clamped:
    """Return a sum with the units that it needs, renumbered, without terms of gain zero."""
    needed = {k for k, gain in value.calls if gain}
    for k in range(len(units) - 1, -1, -1):
        if k in needed:
            needed |= {j for some in _arguments(units[k]) for j, gain in some.calls if gain}
    place = {k: number for number, k in enumerate(sorted(needed))}

    def kept(some: Sum) -> Sum:
        voltages, currents = (tuple(t for t in terms if t[1]) for terms in some[1:3])
        calls = tuple((place[k], gain) for k, gain in some.calls if gain)
        return Sum(some.constant, voltages, currents, calls)

    def moved(unit: Unit) -> Unit:
        if isinstance(unit, Smooth):
            return unit._replace(inputs=tuple(map(kept, unit.inputs)))
        return unit._replace(argument=kept(unit.argument))

    return Clamped(kept(value), tuple(moved(units[k]) for k in place))


def _arguments(unit: Unit) -> tuple[Sum, ...]:
    return unit.inputs if isinstance(unit, Smooth) else (unit.argument,)
