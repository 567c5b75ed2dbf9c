"""What a network answers to samples, as a result that can be written like operating points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ..arrays import Floats
from ..model.circuit import Circuit
from .operating_point import OperatingPoint


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a circuit gives out for a table of inputs.

    Attributes
    ----------
    names : tuple of str
        Such as ``v(o1,o2)``, and ``class`` where there are classes.
    values : ndarray, shape (points, names)
        V, and class numbers.
    words : mapping of str to sequence of str
        Column -> what its numbers 0, 1, ... stand for.
    """

    circuit: Circuit
    names: tuple[str, ...]
    values: Floats
    words: Mapping[str, Sequence[str]]

    #: of columns that are neither voltages nor powers
    unit: ClassVar[str] = ""
    sweep: ClassVar[Mapping[str, Floats]] = {}
    nonunique: ClassVar[tuple[str, ...]] = ()

    def table(self, outputs: Sequence[str] = ()) -> tuple[list[str], Floats]:
        """Return names and values; there is nothing else to choose from."""
        return list(self.names), self.values

    def headings(self, outputs: Sequence[str] = ()) -> Iterator[str]:
        """Yield the names of `table`."""
        return iter(self.names)

    def rows(self, outputs: Sequence[str] = ()) -> Floats:
        """Return the values of `table`."""
        return self.values


#: what can be written in any of the output formats
Result = OperatingPoint | Predictions
#: what is known beside voltages and currents, as JSON data
Answers = Mapping[str, Any] | None
