"""What a deck asks for: analyses, derivatives, measurements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .formula import Formula

#: where a card stands: number of the file in ``Circuit.sources`` (-1: nowhere), line from 1
Place = tuple[int, int]


@dataclass(frozen=True)
class Sweep:
    """One swept quantity: a value, a switch, a parameter of the deck, or ``temp`` (Celsius).

    Or a ``"table"``, each row of which sets several of them; `values` number the rows.
    """

    name: str
    values: tuple[float, ...]
    #: ``"element"``, ``"switch"`` (0 open, else closed), ``"parameter"``, ``"temperature"``,
    #: ``"table"``
    of: str = "element"
    #: the value of an element is so many times the swept one: temperature, m=, scale=
    factor: float = 1.0
    #: of a table: what its rows set, each with a value a row
    columns: tuple[Sweep, ...] = ()

    @property
    def quantities(self) -> tuple[Sweep, ...]:
        """What is set at each point."""
        return self.columns or (self,)

    @property
    def axes(self) -> tuple[str, ...]:
        """What results name: itself, and what else it sets."""
        return (self.name, *(column.name for column in self.columns))


@dataclass(frozen=True)
class Analysis:
    """What the deck asks for: an operating point, or a sweep (the innermost variable first)."""

    sweeps: tuple[Sweep, ...] = ()
    #: how many of them, the outermost, are runs around all that is asked for
    outer: int = field(default=0, compare=False)

    @property
    def runs(self) -> tuple[Sweep, ...]:
        """The sweeps around all that is asked for: ``.step``, ``.alter``, several ``.temp``."""
        return self.sweeps[len(self.sweeps) - self.outer :]

    @property
    def name(self) -> str:
        """``"op"`` or ``"dc"``."""
        return "dc" if self.sweeps else "op"

    @property
    def axes(self) -> list[str]:
        """What results name, the innermost first."""
        return [name for sweep in self.sweeps for name in sweep.axes]

    @property
    def quantities(self) -> list[Sweep]:
        """What is set at each point, the innermost first."""
        return [quantity for sweep in self.sweeps for quantity in sweep.quantities]


class Tabulated(NamedTuple):
    """A formula whose values ``.print`` asks for; `follows` tells whether it names parameters."""

    formula: Formula
    follows: bool


@dataclass(frozen=True)
class Derivatives:
    """What ``.sens`` asks for, or with a source ``.tf``; outputs are such as ``v(out)``."""

    output: str
    source: str = ""
    place: Place = field(default=(-1, 0), compare=False)


@dataclass(frozen=True)
class Measure:
    """What a ``.meas dc`` card asks for.

    Attributes
    ----------
    operation : str
        ``find``, ``when``, ``deriv``, ``param``, ``trig``, ``max``, ``min``, ``max_at``,
        ``min_at``, ``pp``, ``avg``, ``rms`` or ``integ``.
    when : (str, str), optional
        Formulas that are equal at the place meant.
    edge : (str, int)
        Which time, in which direction: ``("rise", 2)``; 0 is the last time.
    at, start, stop : float, optional
        Values of the swept quantity.
    until : Measure, optional
        Of ``trig``: where it ends; the answer is how far that is from where it begins.
    parameters : dict of str to float
        Values of the deck's parameters that the formulas name.
    language : optional
        In which the formulas are written; default: ours, without functions of a deck.
    """

    name: str
    operation: str
    expression: str
    when: tuple[str, str] | None = None
    edge: tuple[str, int] = ("cross", 1)
    at: float | None = None
    start: float | None = None
    stop: float | None = None
    place: Place = field(default=(-1, 0), compare=False)
    until: Measure | None = None
    parameters: Mapping[str, float] = field(default_factory=dict, hash=False)
    language: Any = field(default=None, hash=False)

    @property
    def formulas(self) -> tuple[str, ...]:
        """All formulas of the measurement."""
        others = () if self.until is None else self.until.formulas
        return (*filter(None, (self.expression, *(self.when or ()))), *others)
