"""The structure of a deck as plain data; the parser makes it, the elaboration reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ...model.patterns import pattern
from ..report import Report
from ..source import Card
from .blocks import Block

_SPECIAL = pattern(r"\b(?:optional\s*:(.*?)|text\s*:.*?)(?=\bparams\s*:|\btext\s*:|$)")
_DEFAULT = pattern(r"([^\s=,]+)\s*=\s*([^\s=,]+)")


@dataclass(eq=False)
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
    optional : tuple of str
        Nodes that the last ports are at if an instance does not say, PSpice's ``OPTIONAL:``.
    """

    name: str
    ports: tuple[str, ...]
    card: Card
    body: Body
    enclosing: tuple[Body, ...]
    optional: tuple[str, ...] = ()

    def at(self, nodes: Sequence[str]) -> dict[str, str] | None:
        """Return port -> node where an instance names these, None if they don't fit."""
        missing = len(self.ports) - len(nodes)
        if not missing:
            return dict(zip(self.ports, nodes, strict=True))
        if not 0 <= missing <= len(self.optional):
            return None
        rest = self.optional[len(self.optional) - missing :]
        return dict(zip(self.ports, (*nodes, *rest), strict=True))


@dataclass(eq=False)
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


def without_optional(card: Card) -> tuple[Card, list[tuple[str, str]]]:
    """Return a .subckt card without PSpice's ``OPTIONAL: port=node ...``, and what that says.

    Nor has it texts (``TEXT:``): what reads one is refused there.
    """
    text, named = card[2], list[tuple[str, str]]()
    for found in _SPECIAL.finditer(card[2]):
        text = text[: found.start()] + " " * len(found[0]) + text[found.end() :]
        named += _DEFAULT.findall(found[1]) if found[1] is not None else []
    return (card if text == card[2] else (card[0], card[1], text)), named
