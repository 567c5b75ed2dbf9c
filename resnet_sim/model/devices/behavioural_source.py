"""Sources whose voltage or current is a formula that is not affine."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ...arrays import Ints
from ..clamps import clamped
from ..formula import Formula
from ..spelling import spelled
from ..units import Clamped
from .cards import Card
from .dependent_source import DependentSources
from .formula_curves import Rising, curves_of, rising
from .formula_pieces import Part, add_units
from .pieces import Pieces

if TYPE_CHECKING:
    from typing import Self

    from .decks import Deck


@dataclass(frozen=True, eq=False)
class BehaviouralSources(DependentSources):
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
    cards = (Card("b", "Bname node+ node- V={expression} or I={expression}", "behavioural"),)

    formulas: tuple[Formula, ...] = ()

    @classmethod
    def made(cls, columns: list[Any], branch: Callable[[str], int]) -> Self:
        """Each formula comes in a list, with elements by name."""
        *columns, formulas = columns
        found = (some.renamed(lambda node: node, lambda e: branch(str(e))) for (some,) in formulas)
        columns.append(tuple(found))
        return cls(*columns)

    @cached_property
    def parts(self) -> tuple[Clamped, ...]:
        """The formulas as sums of clamps and smooth functions."""
        return tuple(map(clamped, self.formulas))

    @cached_property
    def rising(self) -> dict[int, Rising]:
        """Rows whose current never falls as their own voltage rises."""
        found = {}
        for k in np.flatnonzero(~self.is_voltage).tolist():
            some = rising(self.formulas[k], self.parts[k], int(self.p[k]), int(self.q[k]))
            if some is not None:
                found[k] = some
        return found

    def smooth_elements(self) -> tuple[str, ...]:
        """Those whose formula is neither piecewise linear nor a curve."""
        named = enumerate(zip(self.names, self.parts, strict=True))
        return tuple(name for k, (name, part) in named if part.smooth and k not in self.rising)

    def pieces(self, out: Pieces, first: int) -> None:
        """Curves, or nodes within whose voltages are values of functions, see `formula_pieces`."""
        own = list(self.rising.values())
        at = np.array(list(self.rising), dtype=np.int64)
        for some, curve in curves_of(own):
            rows = at[some]
            out.curve(first + rows, self.p[rows], self.q[rows], curve)
        amps = np.array([each.rest for each in own])
        fed = np.flatnonzero(amps)
        out.injection(first + at[fed], self.p[at[fed]], self.q[at[fed]], amps[fed])
        ends = enumerate(
            zip(self.p.tolist(), self.q.tolist(), self.is_voltage.tolist(), strict=True)
        )
        others = ((k, end) for k, end in ends if k not in self.rising)
        add_units(out, [Part(first + k, *end, self.parts[k]) for k, end in others])

    # ---- writing ----

    def lines(self, row: int, head: str, deck: Deck, dialect: str = "resnet-sim") -> Iterator[str]:
        """The formula."""
        text = spelled(self.formulas[row], deck.node, deck.current, dialect)
        yield f"{head} {'V' if self.is_voltage[row] else 'I'}={text}"

    def touched(self, row: int) -> list[int]:
        """The controls come last."""
        return [*super().touched(row), *map(int, self.formulas[row].nodes())]

    # ---- the rest ----

    @property
    def amplifies(self) -> bool:
        """All but curves through the origin."""
        return len(self.rising) < len(self) or any(each.rest for each in self.rising.values())

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
