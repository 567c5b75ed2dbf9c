"""The deck as its user wrote it, for ngspice: a copy that starts nothing and asks for one analysis.

Cards are handed over as they stand, so that ngspice reads them and not what this package has
made of them.  What the copy leaves out:

- comments and ``.control`` blocks, since ngspice executes both ``.control`` and ``*#``; and every
  dot card that isn't known to declare something;
- output cards, and options about accuracy;
- analyses, but for the one that is asked for.

Files that the deck includes are copied likewise, and their names in it replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..model.circuit import Circuit
from ..model.lines import Source
from .stand_ins import StandIns, Unfit

#: dot cards that are handed over as they are
DECLARATIONS = frozenset(
    ("subckt", "macro", "ends", "eom", "model", "param", "params", "func", "global", "nodeset")
    + ("if", "elseif", "else", "endif", "temp", "endl")
)
#: options that change what a circuit is; the others are about how it is solved
OPTIONS = frozenset(("temp", "tnom", "gmin", "rshunt", "scale", "defl", "defw", "defad", "defas"))
#: digital models of XSPICE, of which some start programs or load libraries
_PROGRAM = re.compile(r"d_\w+$")

#: cards that begin what is left out, and those that end it
_BLOCKS = {"control": "endc", "data": "enddata"}

_KEYWORD = re.compile(r"\.\s*(\w+)")
_FILE = re.compile(r"""\s*\.\s*\w+\s+(?:"([^"]*)"|'([^']*)'|(\S+))\s*(\S*)""")
_OPTION = re.compile(r"(\w+)(?:\s*=\s*(\{[^}]*\}|'[^']*'|[^\s,]+))?")
_INLINE = re.compile(r";|//|(?<=[\s,])\$")


@dataclass(frozen=True)
class Card:
    """A card: its physical lines, continuations included."""

    lines: tuple[str, ...]

    @cached_property
    def text(self) -> str:
        """The card in one line, in lower case and without comments at the ends of lines."""
        parts = [_INLINE.split(line.lstrip("+ \t"), 1)[0] for line in self.lines]
        return " ".join(parts).strip().lower()

    @cached_property
    def keyword(self) -> str:
        """What follows the dot; empty for an element."""
        match = _KEYWORD.match(self.text)
        return match[1] if match else ""


def cards(source: Source) -> Iterator[Card]:
    """Yield the cards of a file, without anything that ngspice would execute."""
    lines: list[str] = []
    skipping = ""
    for line in source.lines[1:] if source.titled else source.lines:
        line = line.strip()
        # ngspice takes odd first characters for comments, and comments may be commands
        if line[:1] == "+" and lines:
            lines.append(line)
        if not line[:1].isalpha() and line[:1] != ".":
            continue
        if lines:
            yield Card(tuple(lines))
        keyword = Card((line,)).keyword
        skipping = skipping or _BLOCKS.get(keyword, "")
        lines = [] if skipping or keyword in _BLOCKS.values() else [line]
        skipping = "" if keyword == skipping else skipping
    if lines:
        yield Card(tuple(lines))


class OwnDeck:
    """The files of a deck, and copies of them.

    Attributes
    ----------
    analyses : list of str
        Its ``.op`` and ``.dc`` cards.
    steps : int
        How many sweeps stand around each of them.
    stand_ins : StandIns
        What is replaced because ngspice has no such device.
    notes : list of str
        What the copies lack that the deck has.

    Raises
    ------
    Unfit
        If there is no deck, or it has what ngspice can't be given; says what.
    """

    def __init__(self, circuit: Circuit) -> None:
        if not circuit.sources:
            raise Unfit("the circuit was not read from a deck")
        self.sources = circuit.sources
        self.paths = {_path(source): k for k, source in enumerate(self.sources)}
        self.cards = {k: list(cards(source)) for k, source in enumerate(self.sources)}
        self.notes: list[str] = []
        self.analyses: list[str] = []
        self.steps = 0
        self.stand_ins = StandIns([c.text for some in self.cards.values() for c in some], circuit)
        self._gather(0, frozenset())

    def _gather(self, index: int, opened: frozenset[int]) -> None:
        """Find what is asked for, in the order in which it is read."""
        for card in self.cards[index]:
            if card.keyword in ("op", "dc"):
                self.analyses.append(card.text)
            elif card.keyword == "step" or (card.keyword == "temp" and len(card.text.split()) > 2):
                self.steps += 1
            elif card.keyword == "alter":
                raise Unfit("ngspice knows no .alter")
            elif card.keyword == "model" and _PROGRAM.match(f"{card.text}  ".split()[2]):
                raise Unfit(f"{card.text[:40]}: such models may start programs")
            elif (place := self._included(index, card)) is not None:
                if place not in opened:
                    self._gather(place, opened | {index, place})
            elif card.keyword.startswith("inc"):
                self.notes.append(f"left out: {card.text} (the file was not read here either)")

    def says(self, option: str) -> bool:
        """Tell whether the deck sets an option."""
        options = [c for some in self.cards.values() for c in some if c.keyword.startswith("opt")]
        return any(option in card.text for card in options)

    def copies(self, ohms: float, asked: tuple[str, ...]) -> dict[str, str]:
        """Return name -> text of the files; the deck is ``deck.cir``.

        Parameters
        ----------
        ohms : float
            Resistance that stands for none in ideal devices.
        asked : tuple of str
            Lines that say what is wanted.
        """
        files = {}
        for index in self.cards:
            lines = [line for card in self.cards[index] for line in self._copied(index, card, ohms)]
            if not index:
                lines = ["as written", *lines, *self.stand_ins.definitions(ohms), *asked, ".end"]
            files[_name(index)] = "\n".join(lines) + "\n"
        return files

    def _copied(self, index: int, card: Card, ohms: float) -> tuple[str, ...]:
        """Return what becomes of a card."""
        if not card.keyword or card.keyword == "model":
            return self.stand_ins.replaced(card.text, ohms) or card.lines
        if card.keyword == "temp" and len(card.text.split()) > 2:
            return ()
        if card.keyword.startswith("opt"):
            kept = [match[0] for match in _OPTION.finditer(card.text) if match[1] in OPTIONS]
            return (".options " + " ".join(kept),) if kept else ()
        place = self._included(index, card)
        if place is not None:
            match = _FILE.match(card.text)
            section = match[4] if match and card.keyword == "lib" else ""
            return (f".{card.keyword} {_name(place)} {section}".rstrip(),)
        is_section = card.keyword == "lib" and len(card.text.split()) == 2
        return card.lines if card.keyword in DECLARATIONS or is_section else ()

    def _included(self, index: int, card: Card) -> int | None:
        """Return the file that a card includes, None if it doesn't, or the file wasn't read."""
        if card.keyword not in ("include", "incl", "inc", "lib"):
            return None
        match = _FILE.match(" ".join(line.lstrip("+") for line in card.lines))
        if match is None:
            return None
        name = match[1] or match[2] or match[3] or ""
        path = str(Path(self.sources[index].directory, name).resolve())
        if path in self.paths:
            return self.paths[path]
        # found elsewhere, as a library path may say
        last = re.split(r"[/\\]", name)[-1]
        others = [k for p, k in self.paths.items() if k and Path(p).name == last]
        return others[0] if len(others) == 1 else None


def _name(index: int) -> str:
    return f"file{index}.lib" if index else "deck.cir"


def _path(source: Source) -> str:
    return str(Path(source.directory, Path(source.name).name).resolve())
