"""The units that formulas are sums of: clamps, and functions that are not piecewise linear."""

from __future__ import annotations

from typing import NamedTuple

from .formula import Sum
from .smooth import Smooth


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
