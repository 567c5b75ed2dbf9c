"""Text to deck: title, subcircuits, conditionals and included files find their places here.

What a card means is not asked yet; element cards stay text until they are elaborated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ...model.patterns import pattern
from ..dialects import DIALECTS, GROUNDS, OWN, recognised
from ..report import CardError, Report
from ..source import Card, SourceFile
from .alterations import Alterations
from .blocks import Block
from .cards import Assign, Word
from .deck import Body, Conditional, Deck, Subcircuit, without_optional
from .includes import Includes, is_section_start
from .items import first_assignment, read_items
from .keywords import DECLARATIONS, IGNORED, OTHER_ANALYSES, canonical
from .lines import read_cards
from .recognise import recognise
from .title import others_depend_on, resembles_card

#: .if within .if, .subckt within .subckt
MAX_NESTING = 60

_KEYWORD = re.compile(r"\s*\.\s*([a-z_0-9]*)")
_PARAMS = pattern(r"\bparams\s*:")


@dataclass(eq=False)
class _Open:
    """A .subckt or .if that waits for its end."""

    card: Card
    body: Body
    conditional: Conditional | None = None


_ASKS_FOR_GROUND = pattern(r"(?im)^[ \t]*\.preprocess[ \t]+replaceground[ \t]+true\b")
#: an element with a node of that name
_USES_GND = pattern(
    r"^[ \t]*[a-z][^\s;$]*[^\n;$=]*[\s(,](gnd)(?=[\s),]|$)", re.IGNORECASE | re.MULTILINE
)


class Parser:
    """Reads a deck; one object a deck."""

    def __init__(
        self,
        report: Report,
        dialect: str = "auto",
        *,
        titled: bool = True,
        quick: bool = True,
        includes: Sequence[Path] | None = None,
    ) -> None:
        self.report, self._dialect, self._titled, self._quick = report, dialect, titled, quick
        report.dialect = DIALECTS.get(dialect, OWN)
        self._title = ""
        self._top = self._body = Body()
        self._alterations = Alterations(self._top, report)
        self._open: list[_Open] = []
        self._includes = Includes(report, includes, quick=quick)
        self._depth = 0
        self._ended = False
        # the keyword that ends what is being skipped, and where that began
        self._skipping: tuple[str, Card] | None = None

    def parse(self, text: str, name: str, directory: Path) -> Deck:
        """Return the deck; what is wrong with it is in the report.

        Raises
        ------
        Abandoned
        """
        source = SourceFile(len(self.report.files), name, text, directory, self._titled)
        text = source.text
        self.report.files.append(source)
        if other := recognise(text):
            message, place = f"{name} is {other[0]}, no SPICE deck", (source.index, 1, "")
            raise self.report.abandon("E137", message, place, other[1])
        if self._dialect == "auto":
            self._recognise(text, source)
        if not self.report.dialect.gnd_is_ground and _ASKS_FOR_GROUND.search(text):
            self.report.dialect = self.report.dialect._replace(grounds=GROUNDS, gnd_is_ground=True)
        cards = read_cards(source, self.report, quick=self._quick)
        if source.titled:
            self._read_title(source)
        if not cards and not self.report.n_errors:
            self._say_empty(source)
        self._process(cards)
        if self._skipping is not None:
            keyword, begun = self._skipping
            message = f"nothing ends this: .{keyword} is missing"
            self.report.add("W117" if keyword == "endc" else "E119", message, begun)
        if not self.report.dialect.gnd_is_ground:
            self._tell_ground()
        for unclosed in self._open:
            what = ".subckt without .ends" if unclosed.conditional is None else ".if without .endif"
            self.report.add("E119", what, unclosed.card)
        return Deck(self._title, self._top, self.report, runs=self._alterations.runs())

    def _recognise(self, text: str, source: SourceFile) -> None:
        """Read a deck as the simulator does whose deck it seems to be."""
        found = recognised(text)
        if found is None:
            return
        self.report.dialect, line, mark = found
        message = f"read as {self.report.dialect.name} reads it, for this line"
        hint = "--dialect chooses another reading"
        self.report.add("N110", message, (source.index, line, mark), 0, len(mark), hint=hint)

    def _tell_ground(self) -> None:
        """Say that gnd is taken for ground though the simulator would do so only if asked."""
        for source in self.report.files:
            if found := _USES_GND.search(source.text):
                line = source.text.count("\n", 0, found.start(1)) + 1
                card = (source.index, line, found[0].lower())
                name = self.report.dialect.name
                message = f"gnd is taken for ground: to {name} it is a node like others"
                hint = "call ground 0, or write .preprocess replaceground true"
                self.report.add("W107", message, card, found.start(1) - found.start(), 3, hint=hint)
                return

    def _say_empty(self, source: SourceFile) -> None:
        what = "a title" if source.titled else "comments"
        message = f"there is nothing but {what}" if source.text.strip() else "the netlist is empty"
        hint = "the first line is the title; cards begin on the second" if source.titled else ""
        self.report.add("E101", message, (source.index, 1, ""), 0, hint=hint)

    def _read_title(self, source: SourceFile) -> None:
        first, _, rest = source.text.partition("\n")
        first = first.strip()
        # as KiCad writes it
        self._title = re.sub(r"^(?:\*|\.title\b)\s*", "", first, flags=re.IGNORECASE)
        line = first.lower()
        if others_depend_on(line, rest):
            message = (
                "this deck seems to have no title line: the first line, taken for the title and "
                "not used, is an element at a node of others"
            )
        elif resembles_card(line):
            message = "the first line is the title, though it looks like a card: it is not used"
        else:
            return
        hint = "--no-title (in Python title=False) reads it as a card; else put a title line above"
        card = (source.index, 1, line)
        self.report.add("W101", message, card, 0, len(line), hint=hint)

    def _process(self, cards: Iterable[Card | Block]) -> None:
        for card in cards:
            if isinstance(card, Block):
                self._block(card)
                continue
            text = card[2]
            if text[0] == "." or text.lstrip()[0] == ".":
                self._dot(card)
            elif self._skipping is not None:
                self._skip(card)
            else:
                self._body.items.append(card)
                if self._ended:
                    self._after_end(card)

    def _block(self, block: Block) -> None:
        if self._skipping is not None:
            for card in block.cards():
                self._skip(card)
            return
        # how large a subcircuit becomes must be seen without reading its cards, see `Preparer`
        at_top = self._body is self._alterations.body
        known = at_top or not block.of_instances or block.ends_with_names
        self._body.items += [block] if known else block.cards()
        if self._ended:
            self._after_end(block.card(0))

    def _dot(self, card: Card) -> None:
        match = _KEYWORD.match(card[2])
        keyword = canonical(match[1]) if match else ""
        if self._skipping is not None:
            if keyword == self._skipping[0]:
                self._skipping = None
            else:
                self._skip(card)
            return
        if self._ended and keyword not in ("end", "control"):
            self._after_end(card)
        if keyword in _STRUCTURE:
            _STRUCTURE[keyword](self, card)
        elif keyword in DECLARATIONS:
            if not self._alterations.refuses(keyword, card):
                self._body.declarations.append((keyword, card))
        elif keyword in OTHER_ANALYSES:
            message = f".{keyword} is ignored: the operating point is computed"
            self.report.add("W108", message, card)
        elif keyword in IGNORED:
            self.report.add("N103", f".{keyword} is ignored", card)
        else:
            # it is an error, but not in a subcircuit that nobody calls
            self._body.declarations.append((keyword, card))

    # ---- .end, .title, .control ----

    def _after_end(self, card: Card) -> None:
        self.report.add("W102", "cards after .end are read all the same", card)
        self._ended = False

    def _end(self, card: Card) -> None:
        self._ended = self._ended or self._depth == 0

    def _set_title(self, card: Card) -> None:
        words = self.report.files[card[0]].original(card).split(None, 1)
        self._title = words[1].strip() if len(words) > 1 else ""

    def _control(self, card: Card) -> None:
        self.report.add("W109", ".control is never executed: skipped up to .endc", card)
        self._skipping = ("endc", card)

    def _data(self, card: Card) -> None:
        self._skipping = ("enddata", card)
        self._skip(card)

    def _skip(self, card: Card) -> None:
        """Pass over a card of a block; those of a table are kept."""
        if self._skipping is not None and self._skipping[0] == "enddata":
            self._body.declarations.append(("data", card))

    def _variation(self, card: Card) -> None:
        keyword = card[2].split()[0][1:]
        self.report.add("N103", f".{keyword} is ignored up to .end_{keyword}", card)
        self._skipping = (f"end_{keyword}", card)

    def _alter(self, card: Card) -> None:
        if not self._open:  # that .subckt lacks its end is said at the end
            self._body = self._alterations.begin()

    def _unopened(self, card: Card, message: str) -> None:
        self.report.add("E119", message, card)

    # ---- subcircuits and conditionals ----

    def _push(self, opened: _Open) -> None:
        if len(self._open) >= MAX_NESTING:
            message = f"definitions and conditions nested over {MAX_NESTING} deep"
            raise self.report.abandon("E125", message, opened.card)
        self._open.append(opened)
        self._body = opened.body

    def _close(self, card: Card, conditional: bool, message: str) -> None:
        if not self._open or (self._open[-1].conditional is not None) is not conditional:
            self._unopened(card, message)
            return
        self._open.pop()
        self._body = self._open[-1].body if self._open else self._alterations.body

    def _subckt(self, card: Card) -> None:
        card, optional = without_optional(card)
        words: list[Word] = []
        try:
            text = _PARAMS.split(card[2][: first_assignment(card[2])])[0]
            for item in read_items(text, quick=self._quick)[1:]:
                assert not isinstance(item, Assign)
                words.append(Word(item.text, item.offset))
        except CardError as error:
            self.report.error(error, card)
        if not words:
            hint = "the form is: .subckt name node ... [parameter=default ...]"
            self.report.add("E104", "too few fields: .subckt needs a name", card, hint=hint)
            words = [Word("", 0)]
        name, *ports = words
        ports += [Word(port, name.offset) for port, _ in optional]
        for k, port in enumerate(ports):
            if port.text in {p.text for p in ports[:k]}:
                message = f"port {port.text!r} is listed twice"
                self.report.add("E112", message, card, port.offset, len(port.text))
        enclosing = (*(opened.body for opened in reversed(self._open)), self._top)
        names = tuple(port.text for port in ports)
        nodes = tuple(node for _, node in optional)
        subcircuit = Subcircuit(name.text, names, card, Body(), enclosing, nodes)
        if any(name.text == other.name for other in self._body.subcircuits):
            message = f"subcircuit {name.text} is defined again: the first definition counts"
            self.report.add("W115", message, card, name.offset, len(name.text))
        else:
            self._body.subcircuits.append(subcircuit)
        self._push(_Open(card, subcircuit.body))

    def _if(self, card: Card) -> None:
        conditional = Conditional([(card, Body())])
        self._body.items.append(conditional)
        self._push(_Open(card, conditional.branches[0][1], conditional))

    def _branch(self, card: Card) -> None:
        opened = self._open[-1] if self._open else None
        if opened is None or opened.conditional is None:
            self._unopened(card, ".else or .elseif without .if")
            return
        is_else = (_KEYWORD.match(card[2]) or "  ")[1] == "else"
        if opened.conditional.branches[-1][0] is None:
            self._unopened(card, "a branch behind .else is never taken")
        opened.body = self._body = Body()
        opened.conditional.branches.append((None if is_else else card, self._body))

    # ---- files ----

    def _include(self, card: Card) -> None:
        self._depth += 1
        self._process(self._includes.enter(card))
        self._includes.leave()
        self._depth -= 1

    def _lib(self, card: Card) -> None:
        if is_section_start(card):
            self._skipping = ("endl", card)
        else:
            with self._alterations.library(card):
                self._include(card)

    def _endl(self, card: Card) -> None:
        if not self._depth:  # an included file may hold the end of a section unasked
            self._unopened(card, ".endl without .lib")


_STRUCTURE: dict[str, Callable[[Parser, Card], None]] = {
    "subckt": Parser._subckt,
    "ends": partial(Parser._close, conditional=False, message=".ends without .subckt"),
    "data": Parser._data,
    "enddata": partial(Parser._unopened, message=".enddata without .data"),
    "if": Parser._if,
    "elseif": Parser._branch,
    "else": Parser._branch,
    "endif": partial(Parser._close, conditional=True, message=".endif without .if"),
    "include": Parser._include,
    "lib": Parser._lib,
    "endl": Parser._endl,
    "alter": Parser._alter,
    "del": lambda parser, card: parser._alterations.remove(card),
    "variation": Parser._variation,
    "design_exploration": Parser._variation,
    "control": Parser._control,
    "endc": partial(Parser._unopened, message=".endc without .control"),
    "end": Parser._end,
    "title": Parser._set_title,
}
