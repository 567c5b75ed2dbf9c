"""Formulas that differ in nothing but their numbers, as one formula whose numbers are arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .formula import Call, Formula, Sum


def shape(formula: Formula) -> Any:
    """Return what formulas of voltages share that are alike, to tell them apart by."""

    def of(some: Sum) -> Any:
        return tuple(k for k, _ in some.voltages), tuple(k for k, _ in some.calls)

    return tuple((c.name, tuple(map(of, c.arguments))) for c in formula.calls), of(formula.value)


def stacked(formulas: Sequence[Formula]) -> Formula:
    """Return formulas of one shape as one, of which `derivatives.Program` takes each at one point.

    Examples
    --------
    >>> from resnet_sim.model.alike import stacked
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
