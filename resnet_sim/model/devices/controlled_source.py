"""Sources that voltages and currents control."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ...arrays import Bools, Floats, Ints
from .cards import Card
from .dependent_source import DependentSources
from .device import bools, floats, ints, text
from .pieces import Pieces

if TYPE_CHECKING:
    from typing import Self

    from .decks import Deck


@dataclass(frozen=True, eq=False)
class ControlledSources(DependentSources):
    """Linear controlled source (E, F, G, H and affine B): its voltage or current is

        ``constant + sum_k gain_k * (voltage of a node, or current of an element)``.

    ::

        p o--< + - >--o q       is_voltage: v is set       (E, H, B V=)
        p o--<  -> >--o q       otherwise:  i is set       (G, F, B I=)

    Attributes
    ----------
    is_voltage : ndarray of bool, shape (rows,)
    constant : ndarray of float, shape (rows,)
        V or A.
    ptr : ndarray of int, shape (rows + 1,)
        Terms of row k are ``ptr[k]:ptr[k+1]`` of the following three.
    of_current : ndarray of bool, shape (terms,)
    index : ndarray of int, shape (terms,)
        Node number, or element number where `of_current`.
    gain : ndarray of float, shape (terms,)
    """

    kind = "controlled source"
    plural = "controlled_sources"
    types = "bfo"
    value = "constant"
    cards = (
        Card("e", "Ename node+ node- control+ control- gain", "controlled"),
        Card("g", "Gname node+ node- control+ control- gain", "controlled"),
        Card("f", "Fname node+ node- Vsource gain", "controlled"),
        Card("h", "Hname node+ node- Vsource gain", "controlled"),
    )

    constant: Floats = field(default_factory=floats)
    ptr: Ints = field(default_factory=lambda: np.zeros(1, dtype=np.int64))
    of_current: Bools = field(default_factory=bools)
    index: Ints = field(default_factory=ints)
    gain: Floats = field(default_factory=floats)

    @classmethod
    def made(cls, columns: list[Any], branch: Callable[[str], int]) -> Self:
        """Terms come as lists of (node number or name of an element, gain)."""
        *columns, lists = columns
        terms = [term for some in lists for term in some]
        index = [branch(of) if isinstance(of, str) else of for of, _ in terms]
        columns += [
            np.cumsum([0, *map(len, lists)], dtype=np.int64),
            np.array([isinstance(of, str) for of, _ in terms], dtype=np.bool_),
            np.array(index, dtype=np.int64),
            np.array([gain for _, gain in terms], dtype=np.float64),
        ]
        return cls(*columns)

    def pieces(self, out: Pieces, first: int) -> None:
        """Ties and injections whose values are found later."""
        count = np.diff(self.ptr)
        source = out.control(self.numbers(first), count, self.of_current, self.index, self.gain)
        for rows, add in (
            (np.flatnonzero(self.is_voltage), out.tie),
            (np.flatnonzero(~self.is_voltage), out.injection),
        ):
            add(first + rows, self.p[rows], self.q[rows], self.constant[rows], source[rows])

    # ---- writing ----

    def terms(self, row: int) -> list[tuple[bool, int, float]]:
        """Return the terms of an element: of a current?, index, gain."""
        some = slice(self.ptr[row], self.ptr[row + 1])
        columns = (self.of_current[some], self.index[some], self.gain[some])
        return list(zip(*(column.tolist() for column in columns), strict=True))

    def letter(self, row: int) -> str:
        """Return e, f, g, h where that form says everything, otherwise b."""
        terms = self.terms(row)
        if self.constant[row] == 0:
            if [t[0] for t in terms] == [False, False] and terms[0][2] == -terms[1][2]:
                return "e" if self.is_voltage[row] else "g"
            if [t[0] for t in terms] == [True]:
                return "h" if self.is_voltage[row] else "f"
        return "b"

    def lines(self, row: int, head: str, deck: Deck, dialect: str = "resnet-sim") -> Iterator[str]:
        """Control and gain, or a formula."""
        letter, terms = self.letter(row), self.terms(row)
        if letter in "eg":
            (_, p, gain), (_, q, _) = terms
            yield f"{head} {deck.node(p)} {deck.node(q)} {text(gain)}"
        elif letter in "fh":
            _, source, gain = terms[0]
            yield f"{head} {deck.current(source)} {text(gain)}"
        else:
            parts = [text(self.constant[row])]
            for of_current, index, gain in terms:
                what = f"i({deck.current(index)})" if of_current else f"v({deck.node(index)})"
                parts.append(f"{'+' if gain >= 0 else '-'}{text(abs(gain))}*{what}")
            yield f"{head} {'V' if self.is_voltage[row] else 'I'}={{{''.join(parts)}}}"

    def touched(self, row: int) -> list[int]:
        """The controls come last."""
        nodes = [index for of_current, index, _ in self.terms(row) if not of_current]
        return [*super().touched(row), *nodes]

    # ---- the rest ----

    @property
    def amplifies(self) -> bool:
        """All of them may."""
        return len(self) > 0

    def controls(self) -> tuple[Ints, Ints]:
        """Those of all terms."""
        return self.index[~self.of_current], self.index[self.of_current]

    def moved(self, end: int, count: int) -> Self:
        """Controlling elements have numbers."""
        late = self.of_current & (self.index >= end)
        return dataclasses.replace(self, index=np.where(late, self.index + count, self.index))
