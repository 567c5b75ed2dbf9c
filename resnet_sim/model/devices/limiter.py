"""Ideal current limiters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ...arrays import Bools, Floats, Ints
from ...errors import UsageError
from .cards import Card
from .device import Table, floats, number, text
from .pieces import Pieces

if TYPE_CHECKING:
    from .decks import Deck, ForeignDeck


@dataclass(frozen=True, eq=False)
class Limiters(Table):
    """Ideal current limiter: a short that lets `amps` through from p to q, and no more.

    ::

        p o--[_/~]--o q          i |     ______ amps
                                   |    |
                             ------|----+------ v
                                   |    |
                    -ratio * amps  |____|

    ``v = 0`` while ``-ratio * amps < i < amps``; at ``i = amps`` any ``v >= 0``, at the other
    limit any ``v <= 0``.  ``ratio = 0`` lets nothing through backwards, ``ratio = inf`` everything.
    Co-content ``amps * max(v, 0) + ratio * amps * max(-v, 0)``.
    """

    kind = "limiter"
    plural = "limiters"
    types = "ff"
    value = "amps"
    varies = swept = True
    conducts = True  # what is at its limit carries that
    told = True  # by the source of 0 V
    infinite = frozenset({"amps", "ratio"})
    cards = (
        Card("y", "Yname node node limit [ratio=value]", "plain", ("amps",), ("ratio",), ("amps",)),
    )

    amps: Floats = field(default_factory=floats)
    ratio: Floats = field(default_factory=floats)

    @classmethod
    def row(cls, name: str, amps: float, ratio: float = 1.0) -> tuple[Any, ...]:
        """Return the limits of one element, checked."""
        values = number(name, amps, infinite=True), number(name, ratio, infinite=True)
        if min(values) < 0:
            raise UsageError(f"{name}: a limit can't be negative")
        return values

    def check(self, row: int, value: float) -> None:
        """Limits are not negative."""
        super().check(row, value)
        if value < 0:
            raise UsageError(f"{self.names[row]}: a limit can't be negative")

    def limits(self) -> tuple[Floats, Floats]:
        """Return what is let through forwards and backwards, A."""
        back = np.where(self.ratio == 0, 0.0, np.inf)
        np.multiply(self.amps, self.ratio, out=back, where=(back > 0) & (self.ratio < np.inf))
        return self.amps, back

    def pieces(self, out: Pieces, first: int) -> None:
        """For each limit a source with a rectifier that takes what is not wanted back.

        Two of them are in series, p -> m -> q; the current is that of the first.
        """
        element, (limit, back) = self.numbers(first), self.limits()
        ahead, behind = np.isfinite(limit), np.isfinite(back)
        free = np.flatnonzero(~ahead & ~behind)
        out.tie(element[free], self.p[free], self.q[free], np.zeros(len(free)))
        both = np.flatnonzero(ahead & behind & ((limit > 0) | (back > 0)))
        start, middle = self.q.copy(), self.q.copy()
        start[behind] = self.p[behind]
        start[both] = middle[both] = out.inner(len(both))
        rows = np.union1d(both, np.flatnonzero(ahead & ~behind))
        self._section(out, element, rows, (self.p, middle), limit, 1.0)
        rows = np.flatnonzero(~ahead & behind)
        self._section(out, element, rows, (self.q, start), back, -1.0)
        self._section(out, element, both, (self.q, start), back, 0.0)

    def _section(
        self, out: Pieces, element: Ints, rows: Ints, ends: tuple[Ints, Ints], amps: Floats,
        sign: float,
    ) -> None:  # fmt: skip
        """Let at most `amps` from the first end to the second."""
        p, q = (end[rows] for end in ends)
        none = np.zeros(len(rows))
        out.injection(element[rows], p, q, amps[rows], sign=sign)
        out.rectifier(element[rows], q, p, none, none, sign=-sign)

    def describe(self, row: int, p: str, q: str, across: str) -> str:
        """The limits."""
        limit, back = (some[row] for some in self.limits())
        return f"lets {limit:.6g} A from {p} to {q}, {back:.6g} A back"

    def varying(self) -> Bools:
        """A share of nothing is none."""
        return np.asarray(np.isfinite(self.amps) & (self.amps > 0))

    def lines(self, row: int, head: str, deck: Deck) -> Iterator[str]:
        """The limit, and the other one if it is not the same."""
        ratio = f" ratio={text(self.ratio[row])}" if self.ratio[row] != 1 else ""
        yield f"{head} {text(self.amps[row])}{ratio}"

    def foreign_letter(self, row: int, deck: ForeignDeck) -> str:
        """A source of 0 V tells the current."""
        limit, back = (some[row] for some in self.limits())
        return "v" if limit or back else ""

    def foreign_lines(self, row: int, head: str, deck: ForeignDeck) -> Iterator[str]:
        """Sources of current with diodes in parallel."""
        name, p, q = head.split()
        ends, ideal = (
            (int(self.p[row]), int(self.q[row])),
            dict.fromkeys(("v_forward", "r_on"), 0.0),
        )
        ideal |= {"r_off": np.inf, "v_reverse": np.inf, "r_reverse": 0.0}
        limit, back = (float(some[row]) for some in self.limits())
        begin = f"{p}#{name}"
        middle = begin if np.isinf(limit) else f"{name}#m" if np.isfinite(back) else q
        yield f"{name} {p} {q if middle == begin and np.isinf(back) else begin} 0"
        for what, amps, one, other in (("f", limit, begin, middle), ("b", back, q, middle)):
            if np.isfinite(amps):
                yield f"i.{what}.{name} {one} {other} {text(amps)}"
                yield deck.diode(f"{deck.diode_letter}.{what}.{name} {other} {one}", *ends, ideal)

    def is_idealised(self) -> bool:
        """The diodes are."""
        limit, back = self.limits()
        return bool(np.isfinite(limit).any() or np.isfinite(back).any())
