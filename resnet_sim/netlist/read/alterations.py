"""HSPICE's ``.alter``: runs of the deck in which some cards stand in place of others.

Each block begins with the deck as the blocks before it left it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate

from ..report import Report
from ..source import Card
from .blocks import Block
from .deck import Body, Conditional

#: what is swept in place of a parameter: the number of the run, 0 for the deck as it stands
RUN = ".alter"
#: what blocks may declare; what a deck asks for is the same in all runs
DECLARED = {"param", "func", "model", "temp", "options", "global"}


@dataclass(eq=False)
class Alteration:
    """A block: its cards, and the places (file, line) of those that are taken out."""

    body: Body = field(default_factory=Body)
    removed: set[tuple[int, int]] = field(default_factory=set)


class Alterations:
    """The runs of a deck, while it is read.

    Attributes
    ----------
    body : Body
        Where cards go that stand in no subcircuit: the deck, then the blocks.
    """

    def __init__(self, deck: Body, report: Report) -> None:
        self.body, self._deck, self._report = deck, deck, report
        self._blocks = list[Alteration]()
        self._brought: dict[str, list[tuple[Body, list[slice]]]] = {}

    def runs(self) -> tuple[Body, ...]:
        """Return what the deck is in each run."""
        return tuple(accumulate(self._blocks, altered, initial=self._deck))

    def begin(self) -> Body:
        """Begin a block."""
        self._blocks.append(Alteration())
        self.body = self._blocks[-1].body
        return self.body

    def refuses(self, keyword: str, card: Card) -> bool:
        """Tell whether a card may not stand here, and say so."""
        if not self._blocks or keyword in DECLARED:
            return False
        hint = "write it above the first .alter: all runs are asked the same"
        self._report.add("E115", f".{keyword} within .alter is not supported", card, hint=hint)
        return True

    @contextmanager
    def library(self, card: Card) -> Iterator[None]:
        """Remember what a .lib card brings to the body."""
        body, before = self.body, _lengths(self.body)
        yield
        gained = [slice(*span) for span in zip(before, _lengths(body), strict=True)]
        self._brought.setdefault(_file(card, 1), []).append((body, gained))

    def remove(self, card: Card) -> None:
        """Take out what a .lib card brought that a ``.del lib`` card names."""
        removed = set[tuple[int, int]]()
        for body, (items, declarations, subcircuits) in self._brought.get(_file(card, 2), ()):
            removed.update(_places(body.items[items]))
            removed.update(entry[:2] for _, entry in body.declarations[declarations])
            removed.update(entry.card[:2] for entry in body.subcircuits[subcircuits])
        if not self._blocks:
            self._report.add("E119", ".del lib without .alter", card)
        elif not removed:
            message = "no .lib card above brought anything of this file and section"
            self._report.add("E124", message, card)
        else:
            self._blocks[-1].removed |= removed


def altered(body: Body, by: Alteration) -> Body:
    """Return what a body becomes; of names that both have, the block's count."""
    new = by.body
    added, others = dict[str, Card](), list[Card | Conditional | Block]()
    for item in _cards(new.items):
        if isinstance(item, tuple) and _name(item) not in added:
            added[_name(item)] = item
        else:
            others.append(item)
    models = {_model(card) for keyword, card in new.declarations if keyword == "model"}
    subcircuits = {subcircuit.name for subcircuit in new.subcircuits}
    items = list[Card | Conditional | Block]()
    for item in _cards(body.items):
        if not isinstance(item, tuple):
            items.append(item)
        elif item[:2] not in by.removed:
            # in its place: elements and nodes keep their order
            items.append(added.pop(_name(item), item))
    declarations = [
        (keyword, card)
        for keyword, card in body.declarations
        if card[:2] not in by.removed and not (keyword == "model" and _model(card) in models)
    ]
    kept = [
        subcircuit
        for subcircuit in body.subcircuits
        if subcircuit.card[:2] not in by.removed and subcircuit.name not in subcircuits
    ]
    return Body(
        [*items, *added.values(), *others],
        [*declarations, *new.declarations],
        [*kept, *new.subcircuits],
    )


def _lengths(body: Body) -> tuple[int, int, int]:
    return len(body.items), len(body.declarations), len(body.subcircuits)


def _cards(items: Iterable[Card | Conditional | Block]) -> Iterator[Card | Conditional]:
    for item in items:
        if isinstance(item, Block):
            yield from item.cards()
        else:
            yield item


def _places(items: Iterable[Card | Conditional | Block]) -> Iterator[tuple[int, int]]:
    for item in _cards(items):
        if isinstance(item, tuple):
            yield item[:2]
        else:
            for card, body in item.branches:
                yield from [] if card is None else [card[:2]]
                yield from _places(body.items)


def _name(card: Card) -> str:
    return card[2].split(None, 1)[0]


def _model(card: Card) -> str:
    return "".join(card[2].replace("(", " ").split()[1:2])


def _file(card: Card, start: int) -> str:
    """Return the file and section that a .lib or .del lib card names."""
    return " ".join(card[2].replace('"', " ").replace("'", " ").split()[start:])
