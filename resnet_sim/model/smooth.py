"""Parts of formulas that are not piecewise linear, as functions of a few sums."""

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
