"""What is asked of every device: its columns, its pieces, its card, its symbol.

A device is a class; its objects are tables, one a circuit, whose rows are elements and whose
columns are arrays.  The class says what the device *is*: its terminals, its parameters, and
the law that its voltage ``v = v_p - v_q`` (V) and current ``i`` (A, from ``p`` through the
device to ``q``) must obey.  That law is stated once more, independently, in `laws`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...arrays import Bools, Floats, Ints
from ...errors import UsageError
from ..numbers import in_range, out_of_range, read_number
from .cards import Card, Model
from .pieces import Pieces

if TYPE_CHECKING:
    from typing import Self

    import networkx

    from .decks import Deck, ForeignDeck


def floats() -> Floats:
    """Return a column without rows."""
    return np.zeros(0)


def ints() -> Ints:
    """Return a column without rows."""
    return np.zeros(0, dtype=np.int64)


def bools() -> Bools:
    """Return a column without rows."""
    return np.zeros(0, dtype=np.bool_)


def number(name: str, value: float | str, *, infinite: bool = False) -> float:
    """Return a value of an element, maybe in SPICE's writing; `UsageError` if nothing has it."""
    if type(value) is float and in_range(value):
        return value
    try:
        value = float(value)
    except (TypeError, ValueError):
        value = _as_spice(name, value)
    except OverflowError:
        raise UsageError(f"the value of {name} is too large") from None
    if not in_range(value) and not (infinite and value == math.inf):
        raise UsageError(f"the value {value} of {name} {out_of_range(value)}")
    return value


def _as_number(name: str, value: float | str) -> float:
    """Return what `number` does; whether it may be infinite is not asked."""
    return number(name, value, infinite=True) if isinstance(value, str) else value


def _as_spice(name: str, value: object) -> float:
    """Return the value of ``4.7k`` and its like."""
    found = read_number(value.strip().lower()) if isinstance(value, str) else None
    if found is None or not found.is_clean:
        raise UsageError(f"the value {value!r} of {name} is not a number such as 4700 or '4.7k'")
    return found.value


def text(value: float) -> str:
    """Return the shortest text that reads back as the same number."""
    return repr(float(value))


class Device:
    """What a device is, and the answers that most devices give."""

    #: in words, and as an attribute of `Circuit`
    kind: ClassVar[str]
    plural: ClassVar[str]
    #: name of the column that ``with_values``, sweeps and ``inputs`` set
    value: ClassVar[str | None] = None
    #: whether that value has a spread in Monte Carlo, and may be swept by ``.dc``
    varies: ClassVar[bool] = False
    swept: ClassVar[bool] = False
    #: which pieces that value sets, one an element: ties, conductors, rectifiers or injections
    sets: ClassVar[str] = ""
    #: columns whose values may be infinite
    infinite: ClassVar[frozenset[str]] = frozenset()
    #: columns that edges of graphs need not tell, and what they are then
    usual: ClassVar[Mapping[str, float]] = {}
    #: parameters of its models that may differ from element to element -> their columns
    parameters: ClassVar[Mapping[str, str]] = {}
    #: whether it fixes its voltage, hence has a current that can control others; or the column
    #: that tells
    fixes_voltage: ClassVar[bool | str] = False
    #: whether its current depends on no voltage
    fixes_current: ClassVar[bool] = False
    #: whether its currents are smooth functions of several voltages
    smooth: ClassVar[bool] = False
    #: what an element imposes, in words; `across` is its voltage, such as ``v(a,b)``
    imposes: ClassVar[str] = "joins {p} and {q}"
    #: whether all elements join their ends, whatever flows, and whether ngspice tells all currents
    conducts: ClassVar[bool] = False
    told: ClassVar[bool] = False
    #: pieces come in this order; the first ties are preferred by trees
    rank: ClassVar[int] = 9
    cards: ClassVar[tuple[Card, ...]] = ()
    models: ClassVar[tuple[Model, ...]] = ()

    if TYPE_CHECKING:

        @property
        def names(self) -> Sequence[str]:
            """Names of the elements."""

        @property
        def p(self) -> Ints:
            """Their first nodes."""

        @property
        def q(self) -> Ints:
            """Their second nodes."""

        @property
        def file(self) -> Ints:
            """Where they stand: number of the file."""

        @property
        def line(self) -> Ints:
            """Where they stand: line from 1."""

        def __len__(self) -> int: ...

    def pieces(self, out: Pieces, first: int) -> None:
        """Say what the elements consist of; `first` is the number of the first."""

    def numbers(self, first: int) -> Ints:
        """Return the numbers of the elements from that of the first."""
        return first + np.arange(len(self))

    def describe(self, row: int, p: str, q: str, across: str) -> str:
        """Return what an element imposes, see `imposes`."""
        return self.imposes.format(p=p, q=q, across=across)

    def smooth_elements(self) -> Sequence[str]:
        """Return the names of the devices whose currents are smooth functions of voltages."""
        return self.names if self.smooth else ()

    # ---- values ----

    def check(self, row: int, value: float) -> None:
        """Check a new value of an element; raises `UsageError`."""
        if self.value is None:
            raise UsageError(f"{self.names[row]} is a {self.kind}: it has no value to set")
        number(self.names[row], value, infinite=self.value in self.infinite)

    def with_values(self, values: Mapping[int, float]) -> Self:
        """Return the table with other values in some rows, maybe in SPICE's writing."""
        numbers = {row: _as_number(self.names[row], value) for row, value in values.items()}
        for row, value in numbers.items():
            self.check(row, value)
        column: Floats = getattr(self, str(self.value)).copy()
        column[list(numbers)] = list(numbers.values())
        return dataclasses.replace(self, **{str(self.value): column})  # type: ignore[type-var]

    def varying(self) -> Bools:
        """Tell which elements have a value that can be off by a share of it, shape (rows,)."""
        return np.asarray(np.isfinite(getattr(self, str(self.value))))

    def of_model(self, key: str) -> Floats:
        """Return a parameter of its models for each element, shape (rows,); NaN where it has none.

        Raises
        ------
        KeyError
            If its models have none of that name.
        """
        return getattr(self, self.parameters[key])

    def with_parameter(self, key: str, values: Mapping[int, float]) -> Self:
        """Return the table with another parameter in some rows; `UsageError` if it can't be."""
        name = self.parameters[key]
        column: Floats = getattr(self, name).copy()
        column[list(values)] = list(values.values())
        changed = dataclasses.replace(self, **{name: column})  # type: ignore[type-var]
        for row in values:
            changed.sound(row)
        return changed

    def sound(self, row: int) -> None:
        """Raise `UsageError` if the parameters of an element don't go together."""

    # ---- writing ----

    def letter(self, row: int) -> str:
        """Return the letter of the card that an element is written as, ``""`` for none."""
        return self.cards[0].letter

    def lines(self, row: int, head: str, deck: Deck) -> Iterator[str]:
        """Yield the lines of an element; `head` is its name and its nodes."""
        yield f"{head} {text(getattr(self, str(self.value))[row])}"

    def foreign_letter(self, row: int, deck: ForeignDeck) -> str:
        """Return the same as `letter` for other simulators."""
        return self.letter(row)

    def foreign_lines(self, row: int, head: str, deck: ForeignDeck) -> Iterator[str]:
        """Yield the same as `lines` for other simulators."""
        return self.lines(row, head, deck)

    def touched(self, row: int) -> list[int]:
        """Return the nodes of an element in the order in which the reader meets them."""
        return [int(self.p[row]), int(self.q[row])]

    # ---- what the comparison with other simulators needs ----

    def resistance(self) -> Floats:
        """Return the resistance of each element, ohm: 0 if rigid, infinite if none or blocked.

        Switches are held.
        """
        return np.full(len(self), 0.0 if self.fixes_voltage is True else np.inf)

    def carries(self, flows: Bools) -> Bools:
        """Tell which elements join their ends; `flows`: those through which a current flows."""
        return np.isfinite(self.resistance()) | self.conducts

    def co_content(self, v: Floats) -> Floats:
        """Return the integrals of the currents over the voltages from 0 to v, W.

        That of what holds its voltage is 0.

        Parameters
        ----------
        v : ndarray, shape (..., rows)
            V.

        Raises
        ------
        UsageError
            If this device has none, or none is known.
        """
        if self.fixes_voltage is True:
            return np.zeros_like(v)
        raise UsageError(f"{self.names[0]} is a {self.kind}: its co-content is not known")

    def is_told(self) -> Bools:
        """Tell which elements' currents ngspice computes: those that become its V sources."""
        return np.full(len(self), bool(self.fixes_voltage) or self.told)

    def is_idealised(self) -> bool:
        """Tell whether an element needs an on-resistance there that it does not have."""
        return False

    # ---- elements that refer to others ----

    @property
    def amplifies(self) -> bool:
        """Whether any of them delivers power that its controls don't."""
        return False

    def controls(self) -> tuple[Ints, Ints]:
        """Return the nodes whose voltages, and the elements whose currents, control this."""
        return ints(), ints()

    def moved(self, end: int, count: int) -> Self:
        """Return the table for a circuit whose elements from number `end` on moved by `count`."""
        return self


@dataclass(frozen=True, eq=False)
class Table(Device):
    """A device that is held row by row; arrays have shape (rows,).

    Attributes
    ----------
    names : tuple of str
        Full lower-case names, such as ``x1.r1``.
    p, q : ndarray of int
        Node numbers of the first and second terminal.
    file, line : ndarray of int
        Where the card stands: index into ``Circuit.sources`` (-1: nowhere), line from 1.
    """

    #: of the columns after `line`: f(loat), i(nt), b(ool), or o(bject), which `made` resolves
    types: ClassVar[str] = "f"

    names: tuple[str, ...] = ()
    p: Ints = field(default_factory=ints)
    q: Ints = field(default_factory=ints)
    file: Ints = field(default_factory=ints)
    line: Ints = field(default_factory=ints)

    def __len__(self) -> int:
        return len(self.names)

    def __post_init__(self) -> None:
        for column in fields(self):
            value = getattr(self, column.name)
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    @classmethod
    @cache
    def own_columns(cls) -> tuple[str, ...]:
        """Return the names of the columns after those that all devices have."""
        return tuple(column.name for column in fields(cls)[5:])

    @classmethod
    def row(cls, name: str, *values: Any, **more: Any) -> tuple[Any, ...]:
        """Return the values of one element, checked, in the order of the columns."""
        given = dict(zip(cls.own_columns(), values, strict=False)) | more
        return tuple(number(name, x, infinite=c in cls.infinite) for c, x in given.items())

    @classmethod
    def made(cls, columns: list[Any], branch: Callable[[str], int]) -> Self:
        """Return the table of what was collected; `branch` numbers elements with a current."""
        return cls(*columns)

    def some(self, rows: Ints) -> Self:
        """Return some elements of a device whose columns have a value for each."""
        columns: dict[str, Any] = {}
        for column in fields(self):
            values = getattr(self, column.name)
            as_tuple = isinstance(values, tuple)
            columns[column.name] = tuple(values[k] for k in rows) if as_tuple else values[rows]
        return dataclasses.replace(self, **columns)

    def add_edges(self, graph: networkx.MultiGraph, nodes: Sequence[str]) -> None:
        """Add each element to a graph, with its values."""
        # what comes last and is resolved is no column of one entry a row
        columns = [f.name for f in fields(self)[3 : 5 + len(self.types.rstrip("o"))]]
        for row, name in enumerate(self.names):
            values = {c: getattr(self, c)[row].item() for c in columns if len(getattr(self, c))}
            p, q = nodes[self.p[row]], nodes[self.q[row]]
            graph.add_edge(p, q, key=name, kind=self.kind, p=p, q=q, **values)
