"""Formulas of voltages and currents, as decks state them for sources and resistances.

A formula is kept as a list of steps that refer to earlier ones, so that neither evaluating nor
comparing it recurses, and what occurs twice is there once.  What it *means* is stated by
`laws`; which of them are solved, and how, by what takes it apart (`clamps`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations_with_replacement
from typing import Any, NamedTuple

import numpy as np

#: a name as written or a number, and a gain
Terms = tuple[tuple[Any, float], ...]


class Sum(NamedTuple):
    """``constant + sum gain * v(node) + sum gain * i(element) + sum gain * call``.

    Nodes and elements are names as written, or their numbers; calls are numbers.
    """

    constant: float = 0.0
    voltages: Terms = ()
    currents: Terms = ()
    calls: Terms = ()

    @classmethod
    def of_call(cls, number: int) -> Sum:
        """Return the value of a call."""
        return cls(calls=((number, 1.0),))

    @property
    def is_constant(self) -> bool:
        """Tell whether it depends on nothing."""
        return not any(gain for terms in self[1:] for _, gain in terms)

    @property
    def size(self) -> int:
        """How many terms there are."""
        return len(self.voltages) + len(self.currents) + len(self.calls)

    def scaled(self, factor: float) -> Sum:
        """Return the product with a number."""
        terms = (tuple((of, gain * factor) for of, gain in some) for some in self[1:])
        return Sum(self.constant * factor, *terms)

    def plus(self, other: Sum, factor: float = 1.0) -> Sum:
        """Return ``self + factor * other``; terms whose gains cancel are kept."""
        terms = []
        for some, more in zip(self[1:], other[1:], strict=True):
            if not more:
                terms.append(some)
                continue
            total = dict(some)
            for of, gain in more:
                total[of] = total.get(of, 0.0) + factor * gain
            terms.append(tuple(total.items()))
        return Sum(self.constant + factor * other.constant, *terms)


class Call(NamedTuple):
    """A function of sums that is not itself a sum."""

    name: str
    arguments: tuple[Sum, ...]


class Formula(NamedTuple):
    """The value of a sum that may refer to calls, of which each refers to earlier ones alone.

    Calls stand in the order in which they are met when the formula is read as text.
    """

    value: Sum
    calls: tuple[Call, ...] = ()

    @property
    def is_affine(self) -> bool:
        """Tell whether no function is called."""
        return not self.calls

    def sums(self) -> Iterator[Sum]:
        """Yield all sums, in the order in which text has them."""
        for call in self.calls:
            yield from call.arguments
        yield self.value

    def nodes(self) -> list[str | int]:
        """Return the nodes whose voltages matter, each once."""
        return list(dict.fromkeys(node for some in self.sums() for node, _ in some.voltages))

    def elements(self) -> list[str | int]:
        """Return the elements whose currents matter, each once."""
        return list(dict.fromkeys(name for some in self.sums() for name, _ in some.currents))

    def renamed(
        self, node: Callable[[str | int], str | int], element: Callable[[str | int], str | int]
    ) -> Formula:
        """Return the formula with nodes and elements called otherwise."""

        def sum_(some: Sum) -> Sum:
            voltages = tuple((node(k), gain) for k, gain in some.voltages)
            currents = tuple((element(k), gain) for k, gain in some.currents)
            return Sum(some.constant, voltages, currents, some.calls)

        return self.mapped(sum_)

    def shared(self, count: float) -> Formula:
        """Return the formula of what takes one of `count` equal shares of each current."""
        return self.mapped(
            lambda s: s._replace(currents=tuple((k, gain / count) for k, gain in s.currents))
        )

    def mapped(self, change: Callable[[Sum], Sum]) -> Formula:
        """Return the formula with other sums."""
        calls = tuple(Call(c.name, tuple(map(change, c.arguments))) for c in self.calls)
        return Formula(change(self.value), calls)

    def scaled(self, factor: float) -> Formula:
        """Return the product with a number."""
        return Formula(self.value.scaled(factor), self.calls)


def ordered(value: Sum, calls: list[Call]) -> tuple[Formula, list[int]]:
    """Return a formula with the calls that it needs, in their order, and what they were before."""
    place: dict[int, int] = {}
    before: list[int] = []
    # depth first through the sums, without recursion: (sums left to look at, call to add then)
    stack: list[tuple[list[int], int]] = [([k for k, _ in value.calls][::-1], -1)]
    while stack:
        waiting, own = stack[-1]
        if waiting:
            k = waiting.pop()
            if k not in place:
                inner = [j for some in calls[k].arguments for j, _ in some.calls]
                stack.append((inner[::-1], k))
                place[k] = -1
            continue
        stack.pop()
        if own >= 0:
            place[own] = len(before)
            before.append(own)

    def moved(some: Sum) -> Sum:
        return some._replace(calls=tuple((place[k], gain) for k, gain in some.calls))

    kept = tuple(Call(calls[k].name, tuple(map(moved, calls[k].arguments))) for k in before)
    return Formula(moved(value), kept), before


def polynomial(constant: float, controls: Sequence[Sum], gains: Sequence[float]) -> Formula:
    """Return a polynomial of controls, in the order of SPICE's POLY.

    `gains` are those of the controls, then of all products of two controls, then of three, and
    so on: of two controls x and y those of x, y, xx, xy, yy, xxx, xxy, xyy, yyy, ...
    """
    calls: list[Call] = []
    made: dict[tuple[int, ...], Sum] = {(k,): some for k, some in enumerate(controls)}
    total, waiting, degree = Sum(constant), iter(gains), 1
    while degree == 1 or len(made) < len(gains):
        for factors in combinations_with_replacement(range(len(controls)), degree):
            gain = next(waiting, None)
            if gain is None:
                break
            if degree > 1:
                calls.append(Call("*", (made[factors[:-1]], controls[factors[-1]])))
                made[factors] = Sum.of_call(len(calls) - 1)
            if gain or degree == 1:
                total = total.plus(made[factors], gain)
        degree += 1
    return ordered(total, calls)[0]


def shape(formula: Formula) -> Any:
    """Return what formulas of voltages share that are alike, to tell them apart by."""

    def of(some: Sum) -> Any:
        return tuple(k for k, _ in some.voltages), tuple(k for k, _ in some.calls)

    return tuple((c.name, tuple(map(of, c.arguments))) for c in formula.calls), of(formula.value)


def stacked(formulas: Sequence[Formula]) -> Formula:
    """Return formulas of one shape as one, of which `derivatives.Program` takes each at one point.

    Examples
    --------
    >>> from resnet_sim.model.formula import stacked
    >>> from resnet_sim.model.formula import Formula, Sum
    >>> both = stacked([Formula(Sum(1.0, ((0, 2.0),))), Formula(Sum(3.0, ((0, 4.0),)))])
    >>> both.value.constant.tolist()
    [1.0, 3.0]
    """

    def stack(sums: Sequence[Sum]) -> Any:
        terms: list[Any] = []
        for name in ("voltages", "calls"):
            every = [getattr(some, name) for some in sums]
            gains = [np.array([own[j][1] for own in every]) for j in range(len(every[0]))]
            terms.append(tuple((k, gain) for (k, _), gain in zip(every[0], gains, strict=True)))
        constant: Any = np.array([some.constant for some in sums])
        return Sum(constant, terms[0], (), terms[1])

    calls = []
    for number, call in enumerate(formulas[0].calls):
        every = [formula.calls[number].arguments for formula in formulas]
        calls.append(Call(call.name, tuple(map(stack, zip(*every, strict=True)))))
    return Formula(stack([formula.value for formula in formulas]), tuple(calls))
