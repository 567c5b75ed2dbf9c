"""Sources whose voltage or current is a formula that is not affine."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ...arrays import Bools, Floats, Ints
from ..clamps import Clamp, clamped
from ..formula import Formula, Sum
from ..spelling import spelled
from .cards import Card
from .device import Table, bools
from .pieces import Pieces

if TYPE_CHECKING:
    from typing import Self

    from .decks import Deck, ForeignDeck


@dataclass(frozen=True, eq=False)
class BehaviouralSources(Table):
    """Source given by a formula of node voltages and currents of elements (B, VALUE=, TABLE).

    Formulas that are affine make `ControlledSources`.
    ::

        p o--< + - >--o q       is_voltage: v is set
        p o--<  -> >--o q       otherwise:  i is set

    Attributes
    ----------
    is_voltage : ndarray of bool, shape (rows,)
    formulas : tuple of Formula
        V or A; nodes and elements by number.
    """

    kind = "behavioural source"
    plural = "behavioural_sources"
    types = "bo"
    fixes_voltage = "is_voltage"
    rank = 1
    amplifies = True
    cards = (Card("b", "Bname node+ node- V={expression} or I={expression}", "behavioural"),)
    outline = ((-0.8, 0), (0, -0.8), (0.8, 0), (0, 0.8))
    stroke = ((-0.4, -0.2), (0, -0.2), (0.4, 0.2))

    is_voltage: Bools = field(default_factory=bools)
    formulas: tuple[Formula, ...] = ()

    @classmethod
    def made(cls, columns: list[Any], branch: Callable[[str], int]) -> Self:
        """Each formula comes in a list, with elements by name."""
        *columns, formulas = columns
        found = (some.renamed(lambda node: node, lambda e: branch(str(e))) for (some,) in formulas)
        columns.append(tuple(found))
        return cls(*columns)

    def pieces(self, out: Pieces, first: int) -> None:
        """A node within for each clamp of the formula, whose voltage is the clamp's value.

        ::

                      .--- y ---.-------.
            argument (^)       1 S    between low and high, by rectifiers
                      '--- 0 ---'-------'

        A step has no conductor.  The source is then controlled as affine ones are.
        """
        for row, formula in enumerate(self.formulas):
            element = np.array([first + row])
            found = clamped(formula)
            inner = out.inner(len(found.clamps))
            for node, clamp in zip(inner, found.clamps, strict=True):
                _clamp(out, element, node, clamp, inner)
            add = out.tie if self.is_voltage[row] else out.injection
            p, q = self.p[row : row + 1], self.q[row : row + 1]
            constant = np.array([found.value.constant])
            add(element, p, q, constant, _control(out, element, found.value, inner))

    def describe(self, row: int, p: str, q: str, across: str) -> str:
        """A voltage or a current."""
        return f"sets {across}" if self.is_voltage[row] else f"drives current from {p} to {q}"

    # ---- writing ----

    def lines(self, row: int, head: str, deck: Deck, dialect: str = "resnet-sim") -> Iterator[str]:
        """The formula."""
        text = spelled(self.formulas[row], deck.node, deck.current, dialect)
        yield f"{head} {'V' if self.is_voltage[row] else 'I'}={text}"

    def foreign_lines(self, row: int, head: str, deck: ForeignDeck) -> Iterator[str]:
        """Only V sources have a current there: others get one in series if it is wanted."""
        name, p, q = head.split()
        if not deck.is_sensed(self.names[row]):
            yield from self.lines(row, head, deck, deck.dialect)
            return
        inner = f"{p}#{name}"
        yield from self.lines(row, f"{name} {inner} {q}", deck, deck.dialect)
        yield f"v.sense.{name} {p} {inner} 0"

    def touched(self, row: int) -> list[int]:
        """The controls come last."""
        return [*super().touched(row), *map(int, self.formulas[row].nodes())]

    # ---- the rest ----

    def carries(self, flows: Bools) -> Bools:
        """Those that set a voltage."""
        return self.is_voltage

    def is_told(self) -> Bools:
        """Those that set a voltage."""
        return self.is_voltage

    def controls(self) -> tuple[Ints, Ints]:
        """Those of all formulas."""
        nodes = [int(k) for formula in self.formulas for k in formula.nodes()]
        elements = [int(k) for formula in self.formulas for k in formula.elements()]
        return np.array(nodes, dtype=np.int64), np.array(elements, dtype=np.int64)

    def moved(self, end: int, count: int) -> Self:
        """Controlling elements have numbers."""

        def late(element: str | int) -> int:
            return int(element) + count if int(element) >= end else int(element)

        formulas = tuple(some.renamed(lambda node: node, late) for some in self.formulas)
        return dataclasses.replace(self, formulas=formulas)


def _clamp(out: Pieces, element: Ints, node: int, clamp: Clamp, inner: Ints) -> None:
    """Add the node of a clamp: what is fed in raises it as far as it may go."""
    y, ground = np.array([node]), np.zeros(1, dtype=np.int64)
    none = np.zeros(1)
    rest = clamp.rest if clamp.steep else np.nan
    source = _control(out, element, clamp.argument, inner, rest)
    amps = np.array([clamp.argument.constant])
    out.injection(element, ground, y, amps, source, sign=0.0)
    if not clamp.steep:
        out.conductor(element, y, ground, np.ones(1), sign=0.0)
    for p, q, bound in ((y, ground, clamp.high), (ground, y, -clamp.low)):
        if np.isfinite(bound):
            out.rectifier(element, p, q, np.array([bound]), none, sign=0.0)


def _control(out: Pieces, element: Ints, some: Sum, inner: Ints, rest: float = np.nan) -> Ints:
    """Add a sum whose calls are nodes within; return its row."""
    voltages = [(int(k), gain) for k, gain in some.voltages]
    voltages += [(int(inner[k]), gain) for k, gain in some.calls]
    terms = voltages + [(int(k), gain) for k, gain in some.currents]
    of_current = np.arange(len(terms)) >= len(voltages)
    index = np.array([k for k, _ in terms], dtype=np.int64)
    gain: Floats = np.array([gain for _, gain in terms], dtype=np.float64)
    return out.control(element, np.array([len(terms)]), of_current, index, gain, rest)
