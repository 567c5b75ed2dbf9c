"""The structure of a deck as plain data; the parser makes it, the elaboration reads it."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..report import Report
from ..source import Card
from .blocks import Block


@dataclass
class Body:
    """The statements of a deck, a subcircuit, or a branch of an .if.

    Attributes
    ----------
    items : list
        Element cards and conditionals in their order; blocks of plain cards.
    declarations : list of (str, Card)
        Other dot cards with their keyword.
    subcircuits : list of Subcircuit
        Definitions that stand here.
    """

    items: list[Card | Conditional | Block] = field(default_factory=list)
    declarations: list[tuple[str, Card]] = field(default_factory=list)
    subcircuits: list[Subcircuit] = field(default_factory=list)
    _coupled: set[str] | None = None

    def couples(self, card: Card) -> bool:
        """Tell whether a K card of the body names the element of a card."""
        if self._coupled is None:
            cards = [item for item in self.items if isinstance(item, tuple)]
            words = [item[2].split() for item in cards if item[2].lstrip()[:1] == "k"]
            self._coupled = {word for some in words for word in some[1:]}
        return card[2].split(None, 1)[0] in self._coupled


@dataclass(eq=False)
class Conditional:
    """.if, .elseif, .else: the bodies with their conditions, None for .else."""

    branches: list[tuple[Card | None, Body]]


@dataclass(eq=False)
class Subcircuit:
    """.subckt.

    Attributes
    ----------
    name, ports
        Lower case.
    card : Card
        Holds the defaults of the parameters.
    body : Body
    enclosing : tuple of Body
        What the definition stands in, innermost first.
    """

    name: str
    ports: tuple[str, ...]
    card: Card
    body: Body
    enclosing: tuple[Body, ...]


@dataclass
class Deck:
    """A netlist whose structure is known.

    `parts` are definitions that stand in for missing ones, `runs` what the body is in each
    run, first as it stands, then behind each ``.alter``.
    """

    title: str
    body: Body
    report: Report
    parts: Body | None = None
    runs: tuple[Body, ...] = ()
