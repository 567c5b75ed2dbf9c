"""Resistors."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ...arrays import Bools, Floats
from .cards import BadModel, Card, Given, Made, Model
from .device import Table, floats
from .pieces import Pieces

if TYPE_CHECKING:
    from .decks import ForeignDeck

_KNOWN = frozenset(
    {"r", "res", "resistance", "rsh", "l", "w", "defw", "narrow", "dw", "short", "dlr"}
    | {"tc1", "tc2", "tce", "tnom", "tref", "kf", "af", "lf", "wf", "ef", "bv_max", "cubic"}
)


def _made(model: Given) -> Made:
    """Return resistances as given, or the curve through the points of a table.

    Raises
    ------
    BadModel
    """
    if not model.table:
        return Made("resistors", model.numbers)
    from ..softened import cubic, straight

    v, i = model.table[::2], model.table[1::2]
    if others := sorted(set(model.numbers) - {"cubic"}):
        raise BadModel(f"{others[0]} has no place beside a table", others[0])
    if len(v) != len(i) or len(v) < 2:
        raise BadModel("a table needs pairs of a voltage and a current, two or more", "table")
    if any(b <= a for a, b in pairwise(v)):
        raise BadModel("the voltages of a table must ascend", "table")
    if not model.numbers.get("cubic"):
        return Made("behavioural_sources", {"formula": straight(v, i)})
    if any(b < a for a, b in pairwise(i)):
        hint = "leave out cubic for straight lines"
        raise BadModel("the currents of a cubic table must not fall", "table", hint)
    return Made("behavioural_sources", {"formula": cubic(v, i)})


@dataclass(frozen=True, eq=False)
class Resistors(Table):
    """Resistor, ``i = v / ohms``.  0 ohm is an ideal short, infinity an open circuit.

    ::

        p o--/\\/\\/\\--o q

    Content and co-content are both ``v**2 / (2 ohms)``; a negative value makes the
    co-content concave.
    """

    kind = "resistor"
    plural = "resistors"
    value = "ohms"
    varies = swept = True
    sets = "conductors"
    imposes = "ties {p} to {q}"  # only shorts impose anything
    infinite = frozenset({"ohms"})
    rank = 4
    cards = (Card("r", "Rname node node value", "resistor"),)
    models = (Model("resistor", ("r", "res"), _KNOWN, _made),)

    ohms: Floats = field(default_factory=floats)

    def pieces(self, out: Pieces, first: int) -> None:
        """Tie, conductor or nothing."""
        out.resistance(self.numbers(first), self.p, self.q, self.ohms)

    def varying(self) -> Bools:
        """A share of no resistance is none."""
        return np.asarray(np.isfinite(self.ohms) & (self.ohms != 0))

    def foreign_letter(self, row: int, deck: ForeignDeck) -> str:
        """0 ohm makes ngspice fail."""
        ohms = self.ohms[row]
        return "v" if ohms == 0 else "" if np.isinf(ohms) else "r"

    def resistance(self) -> Floats:
        """Return the size of each resistance."""
        return np.abs(self.ohms)

    def is_told(self) -> Bools:
        """Shorts become V sources."""
        return np.asarray(self.ohms == 0)

    def co_content(self, v: Floats) -> Floats:
        """``v**2 / (2 R)``; a short has none."""
        return np.asarray(0.5 * v**2 / np.where(self.ohms == 0, np.inf, self.ohms))
