"""Dot cards that ask for something: .op .dc .step .temp .print .save .nodeset .ic and more."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any

from ...model.formula import Formula, Sum
from ...model.outputs import FORMS, NODE, canonical
from ...model.patterns import pattern
from ...model.requests import Tabulated
from ..expressions.machine import Machine
from ..expressions.programs import Language, Reading
from ..report import CardError, Hint
from ..source import Card
from .cards import Braced, Expression, Word
from .fields import element_name
from .items import ValueReader
from .printed import Item, check_balance, is_no_output, items
from .requests import RequestReader, is_ours
from .scope import Failed
from .sweeps import SweepReader
from .tabulated import last_terminal, program_of, simple

_ANALYSIS_TYPES = {"dc", "op", "tran", "ac", "noise", "disto", "pz"}
_OUTPUT = pattern(rf"{FORMS}|\S+")
_NODESET = pattern(r"\s*\.\w+\s*")
_NODESET_ENTRY = pattern(
    rf"(?:v\s*\(\s*({NODE})\s*\)|(all))\s*=?\s*(\{{[^{{}}]*\}}|'[^']*'|[^\s,()={{}}']+)\s*,?\s*"
)
#: of AC, or of Xyce and Spectre, which name parameters
_FOREIGN_SENS = pattern(r"objfunc|objvars|param\s*=|\b(?:ac|tran|dec|oct|lin)\b")
#: cards that ask about a solution
_QUESTIONS = ("sens", "tf", "meas")


@dataclass(eq=False)
class AnalysisReader(SweepReader):
    """Reads the cards that ask for analyses and outputs.

    Attributes
    ----------
    nodeset : dict of str to float
        Node -> V.
    outputs : list of str
        Such as ``v(out)``, ``i(v1)``.
    plots : list of tuple of str
        Those of each ``.plot`` card.
    formulas : dict of str to Tabulated
        What those of them are that are formulas.
    """

    nodeset: dict[str, float] = field(default_factory=dict, init=False)
    outputs: list[str] = field(default_factory=list, init=False)
    plots: list[tuple[str, ...]] = field(default_factory=list, init=False)
    formulas: dict[str, Tabulated] = field(default_factory=dict, init=False)
    _unsaid: list[Card] = field(default_factory=list, init=False)
    _meant: dict[str, str] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        has_element = self.builder.__contains__
        dialect = self.report.dialect
        language = Language(dialect.numerals, dialect.meanings, self.top.functions)
        self.requests = RequestReader(
            self._is_node, has_element, self._asked, self._known, language
        )

    def read(self, keyword: str, card: Card) -> None:
        """Read one card; what is wrong with it goes to the report."""
        try:
            _READERS[keyword](self, card)
        except CardError as error:
            if keyword not in _QUESTIONS:
                self.report.error(error, card)
            else:
                # the operating point does not depend on it
                message = f"not answered: {error.message}"
                place = error.offset, error.length
                self.report.add("W121", message, card, *place, hint=error.hint)
        except Failed:
            pass

    def finish(self) -> None:
        """Read what had to wait for other cards, and check all sweeps together."""
        self._measure_unsaid()
        self.tables.tell_unused()
        self.check_points()

    # ---- outputs ----

    def _print(self, card: Card) -> None:
        self.outputs = list(dict.fromkeys([*self.outputs, *self._named(card)]))

    def _plot(self, card: Card) -> None:
        if named := tuple(dict.fromkeys(self._named(card))):
            self.plots.append(named)

    def _named(self, card: Card) -> Iterator[str]:
        """Yield the outputs that a card names."""
        words = card[2].split(None, 2)
        start = card[2].index(words[0]) + len(words[0])
        if len(words) > 1 and words[1] in _ANALYSIS_TYPES:
            if words[1] not in ("dc", "op"):
                self.report.add("N103", f"{words[0]} {words[1]} is ignored", card)
                return
            start = card[2].index(words[1], start) + len(words[1])
        for item in items(card[2], start, self._is_node):
            place = item.offset, item.length
            said = card[2][item.offset : item.offset + item.length]
            if is_no_output(said):
                self.report.add("N105", f"{said} has no effect", card, *place)
                continue
            text = item.text if self._is_named(item) else simple(item)
            try:
                if item.wrong:
                    raise CardError("W114", item.wrong[0], hint=item.wrong[1])
                output = self._simple(text) if text is not None else None
                if text is None or (output is None and self._is_last(text)):
                    output = self._formula(item, card)
            except CardError as error:
                message, hint = f"{said!r} is ignored: {error.message}", self._remedy(error)
                self.report.add("W114", message, card, *place, hint=hint)
                continue
            if output is None:
                self._unknown_output(said, card, place)
            elif output:
                yield output

    def _is_named(self, item: Item) -> bool:
        return not (item.name or item.is_quoted) and self._is_node(item.text)

    def _remedy(self, error: CardError) -> Hint:
        """Return what to write in place of what is wrong in a formula."""
        name = error.message.split("'")[1] if error.code == "E107" else ""
        return f"write v({name}) for the voltage" if self._is_node(name) else error.hint

    def _simple(self, text: str) -> str | None:
        match = _OUTPUT.fullmatch(text)
        return self._output(match) if match else None

    def _is_last(self, text: str) -> bool:
        match = _OUTPUT.fullmatch(text)
        has_element = self.builder.__contains__
        return bool(match and (match[2] or match[4]) and last_terminal(match, has_element))

    def _formula(self, item: Item, card: Card) -> str:
        """Keep a formula; return what it is called."""
        dialect = self.report.dialect
        name, program = program_of(item, dialect.numerals, self._output, self.builder)
        names: Any = SimpleNamespace(
            parameter=partial(self._known, card), function=self.top.function, known=self.top.known
        )
        read = Machine().run(program, names, dialect.meanings)
        formula = read.formula if isinstance(read, Reading) else Formula(Sum(read))
        follows = any(op[0] in ("name", "call") for op in program)
        text = "".join(item.text.split())
        if item.name == name and self._is_taken(name, text):
            message = f"the name {name} has no effect: something else is called so"
            self.report.add("N105", message, card, item.offset, len(name))
            name = f"{{{text}}}"
        self.formulas[name] = Tabulated(formula, follows)
        return name

    def _is_taken(self, name: str, text: str) -> bool:
        """Tell whether results may have something else of the name of a formula."""
        known = name in ("temp", "sample", *self.top.known())
        known = known or name in self.builder or self.builder.has_node(name)
        return known or self._meant.setdefault(name, text) != text

    def _output(self, match: re.Match[str]) -> str | None:
        """Return the name of an output, ``""`` if it says nothing, None if it is unknown."""
        if match[1] or match[4]:
            has_element = self.builder.__contains__
            known = canonical(match, self._is_node, has_element, element_name)
            if known is None and match[1] == "v" and match[3] is None:
                return self._across(match[2])
            return known
        if match[0] in ("all", "alli", "allv"):
            return ""
        return f"v({match[0]})" if self._is_node(match[0]) else None

    def _across(self, name: str) -> str | None:
        """Return the voltage of an element, ``v(r1)``, of a pin, ``v(r1:2)``, or ``v([a])``."""
        if name[0] == "[" and self._is_node(name[1:-1]):
            return f"v({name[1:-1]})"
        element, _, pin = name.partition(":")
        ends = self.builder.ends_of(element_name(element))
        if not ends or pin not in ("", "1", "2"):
            return None
        return f"v({ends[int(pin) - 1] if pin else ','.join(ends)})"

    def _is_node(self, name: str) -> bool:
        return self.builder.has_node(name)

    def _unknown_output(self, said: str, card: Card, place: tuple[int, int]) -> None:
        message = f"{said!r} is ignored: no such voltage or current"
        hint = "outputs are v(node), v(node,node), i(element), p(element), and formulas of them"
        self.report.add("W114", message, card, *place, hint=hint)

    # ---- nodeset ----

    def _nodeset(self, card: Card) -> None:
        check_balance(card[2])
        start = _NODESET.match(card[2])
        position = start.end() if start else 0
        while position < len(card[2].rstrip()):
            match = _NODESET_ENTRY.match(card[2], position)
            if match is None:
                hint = "the form is: .nodeset v(node)=value"
                raise CardError("E103", "syntax error", position, 1, hint)
            position = match.end()
            node, value = match[1] or match[2], match[3]
            item: Word | Braced = Word(value, match.start(3))
            if value[0] in "{'":
                item = Braced(value[1:-1], match.start(3) + 1)
            number = self._number(card, [item])
            if match[2]:
                # what says so of one node comes first, wherever it stands
                names = self.builder.node_names()[1:]
                self.nodeset = dict.fromkeys(names, number) | self.nodeset
            elif self._is_node(node):
                self.nodeset["0" if node == "gnd" else node] = number
            else:
                message = f"no node {node!r}"
                self.report.add("W114", message, card, match.start(1), len(node))

    # ---- questions about a solution ----

    def _asked(self, card: Card, item: Word | Braced) -> float:
        """Return a number of a question, in which no unknown name is an error of the deck."""
        value = ValueReader(card, self.report).value(item)
        known = set() if isinstance(value, float) else {"temp", "temper", *self.top.known()}
        for op in () if isinstance(value, float) else value.program:
            if op[0] == "name" and op[1] not in known:
                raise CardError("E107", f"undefined parameter {op[1]!r}", item.offset)
        return self._number(card, [item])

    def _known(self, card: Card, name: str) -> float | None:
        """Return the value of a parameter of the deck, None if there is none of that name."""
        if name not in self.top.known():
            return None
        return self.evaluator.number(Expression((("name", name, 0),), card, 0), self.top)

    def _sens(self, card: Card) -> None:
        try:
            self.requests.sens(card)
        except CardError:
            if not _FOREIGN_SENS.search(card[2]):
                raise
            self.report.add("N103", "this .sens is ignored: it is not of an output", card)

    def _tf(self, card: Card) -> None:
        self.requests.transfer(card)

    def _measure(self, card: Card) -> None:
        if is_ours(card):
            self.requests.measure(card)
        else:
            # LTspice leaves the analysis out: it is known when all of them are
            self._unsaid.append(card)

    def _measure_unsaid(self) -> None:
        """Read the measurements that don't say of which analysis; none of them is an error."""
        swept = any(analysis.sweeps for analysis in self.analyses())
        for card in self._unsaid:
            try:
                read = swept and self.requests.measure(card)
            except (CardError, Failed):
                read = False
            if not read:
                self.report.add("N103", ".meas is ignored but for .meas dc", card)

    def _ic(self, card: Card) -> None:
        hint = ".nodeset chooses between several solutions"
        if self.report.dialect.holds_initial:
            message = f"{self.report.dialect.name} holds the voltages of .ic: that is not done here"
            raise CardError("E115", message, card[2].index("."), 3, f"{hint}; a source holds one")
        self.report.add("N103", ".ic has no effect on an operating point", card, hint=hint)


_READERS: dict[str, Callable[[AnalysisReader, Card], None]] = {
    "op": AnalysisReader._op,
    "dc": AnalysisReader._dc,
    "step": AnalysisReader._step,
    "temp": AnalysisReader._temperatures,
    "data": lambda reader, card: reader.tables.add(card),
    "print": AnalysisReader._print,
    "plot": AnalysisReader._plot,
    "save": AnalysisReader._print,
    "nodeset": AnalysisReader._nodeset,
    "ic": AnalysisReader._ic,
    "sens": AnalysisReader._sens,
    "tf": AnalysisReader._tf,
    "meas": AnalysisReader._measure,
}
