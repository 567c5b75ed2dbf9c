"""Bodies read once, however often they are instantiated, and how large they will become."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from ...model.patterns import pattern
from ..expressions.programs import Function
from ..report import CardError, Report, suggestion
from ..source import Card
from .blocks import Block
from .cards import Assign, Element, Expression, Instance, ModelCard, Value
from .deck import Body, Conditional, Subcircuit
from .fast_cards import separate
from .fields import element_name
from .grammar import parse_assignments
from .items import ValueReader, first_assignment, read_assignments, read_items
from .keywords import DECLARATIONS, IGNORED, OTHER_ANALYSES, STRUCTURE
from .misread import refuse_comparison, refuse_misread
from .models import read_model

#: subcircuits within each other
MAX_DEPTH = 100

#: the forms of what `parse_assignments` reads
_USAGE = {
    "assignments": "the form is: .param name=value",
    "function": "the form is: .func name(x) {expression}",
}
_REST = pattern(r"\s*\.\s*\w+\s*")
_PARAMETER = re.compile(r"[^\W0-9][\w.#$]*").fullmatch


@dataclass(eq=False)
class Declarations:
    """What the dot cards of a body declare."""

    parameters: list[tuple[str, Value]] = field(default_factory=list)
    functions: dict[str, Function] = field(default_factory=dict)
    models: dict[str, ModelCard] = field(default_factory=dict)
    subcircuits: dict[str, Subcircuit] = field(default_factory=dict)
    commands: list[tuple[str, Card]] = field(default_factory=list)


class Preparer:
    """Reads the cards of bodies and remembers what it read; `top` is what stands for the deck."""

    def __init__(self, report: Report, deck: Body, top: Body, *, quick: bool) -> None:
        self._report, self._deck, self._top, self._quick = report, deck, top, quick
        self._declarations: dict[int, Declarations] = {}
        self._elements: dict[int, list[Element | Conditional | Block]] = {}
        self._single: dict[tuple[int, int], Element | None] = {}
        self._defaults: dict[int, list[tuple[str, Value]]] = {}
        self._sizes: dict[int, tuple[int, int]] = {}
        self._visible: dict[int, dict[str, Subcircuit]] = {}
        self._mentions: dict[tuple[int, str], bool] = {}
        #: names of elements whose cards are wrong
        self.unreadable: set[str] = set()

    def element(self, card: Card) -> Element | None:
        """Return an element card, None if it is wrong (now reported) or has no effect."""
        try:
            return self._read_element(card, self._report, quick=self._quick)
        except CardError as error:
            self._report.error(error, card)
            self.unreadable.add(element_name(card[2].split(None, 1)[0]))
            return None

    @cached_property
    def _read_element(self) -> Callable[..., Element | None]:
        # a deck of plain cards needs no reader
        from .readers import read_element

        return read_element

    def remembered(self, card: Card) -> Element | None:
        """Return what `element` does, for cards that are asked for again and again."""
        if card[:2] not in self._single:
            self._single[card[:2]] = self.element(card)
        return self._single[card[:2]]

    def elements(self, body: Body) -> list[Element | Conditional | Block]:
        """Return the elements and conditionals of a body; what needs no reader stays in blocks."""
        found = self._elements.get(id(body))
        if found is None:
            found = self._elements[id(body)] = []
            for item in self._parts(body):
                if isinstance(item, Conditional | Block):
                    found.append(item)
                elif (element := self.element(item)) is not None:
                    found.append(element)
        return found

    def _parts(self, body: Body) -> Iterator[Card | Conditional | Block]:
        for item in body.items:
            if isinstance(item, Block) and not item.of_instances:
                yield from separate(item, self._report)
            else:
                yield item

    def declarations(self, body: Body) -> Declarations:
        """Return what the dot cards of a body declare."""
        found = self._declarations.get(id(body))
        if found is None:
            found = self._declarations[id(body)] = Declarations()
            found.subcircuits = {s.name: s for s in body.subcircuits}
            for keyword, card in body.declarations:
                try:
                    self._declare(found, keyword, card)
                except CardError as error:
                    self._report.error(error, card)
                    if keyword == "model":
                        self._report.unread.update(card[2].split()[1:2])
        return found

    def _declare(self, found: Declarations, keyword: str, card: Card) -> None:
        if keyword == "model":
            model = read_model(card, self._report, quick=self._quick)
            first = found.models.setdefault(model.name, model)
            if first is not model and first.card[2].split() != card[2].split():
                message = f"model {model.name} is defined again: the first definition counts"
                self._report.add("W115", message, card)
        elif keyword == "param":
            self._parameters(found, card)
        elif keyword == "func":
            self._define(found, card, "function")
        elif keyword in DECLARATIONS:
            found.commands.append((keyword, card))
        else:
            offset, known = (
                card[2].index("."),
                [*DECLARATIONS, *OTHER_ANALYSES, *IGNORED, *STRUCTURE],
            )
            hint = suggestion(keyword, lambda: sorted(known))
            raise CardError("E108", f"unknown card .{keyword}", offset, len(keyword) + 1, hint)

    def _parameters(self, found: Declarations, card: Card) -> None:
        """Read a .param card: simple ones without the grammar."""
        if self._report.dialect.misreads:
            refuse_misread(card[2])
        reader = ValueReader(card, self._report)
        simple: list[tuple[str, Value]] = []
        try:
            for item in read_items(card[2], quick=self._quick)[1:]:
                if not isinstance(item, Assign) or not _PARAMETER(item.key.text):
                    raise CardError("E103", "not a simple definition")
                simple.append((item.key.text, reader.value(item.value)))
        except CardError:
            # unquoted expressions and functions; or an error, which the grammar explains
            self._define(found, card, "assignments")
            return
        found.parameters += simple

    def _define(self, found: Declarations, card: Card, start: str) -> None:
        match = _REST.match(card[2])
        offset = match.end() if match else 0
        try:
            definitions = parse_assignments(card[2][offset:], start, self._report.dialect.numerals)
        except CardError as error:
            error.offset += offset
            error.hint = error.hint or _USAGE[start]
            raise
        for name, _, parameters, program in definitions:
            if parameters is None:
                found.parameters.append((name, Expression(program, card, offset)))
            else:
                found.functions[name] = Function(parameters, program, card[2])

    def defaults(self, subcircuit: Subcircuit) -> list[tuple[str, Value]]:
        """Return the parameters of a subcircuit and their defaults."""
        found = self._defaults.get(id(subcircuit))
        if found is None:
            card, values = subcircuit.card, dict[str, Value]()
            start = first_assignment(card[2])
            try:
                given = read_assignments(card, start, self._report, quick=self._quick)
                values = {key.text: value for key, value in given}
                for value in values.values():
                    if isinstance(value, Expression):
                        refuse_comparison(value.program, value.offset)
            except CardError as error:
                self._report.error(error, card)
            found = self._defaults[id(subcircuit)] = list(values.items())
        return found

    def mentions(self, subcircuit: Subcircuit, name: str) -> bool:
        """Tell whether a name occurs in a subcircuit, or in one that it uses."""
        key = (id(subcircuit), name)
        if key not in self._mentions:
            word = re.compile(rf"(?<![\w.#$]){re.escape(name)}(?![\w.#$])").search
            waiting, seen = [subcircuit], {id(subcircuit)}
            found = False
            while waiting and not found:
                current = waiting.pop()
                found = any(map(word, _texts(current.body)))
                used = [s for s, _ in self._uses(current) if id(s) not in seen]
                seen.update(map(id, used))
                waiting += used
            self._mentions[key] = found
        return self._mentions[key]

    # ---- sizes ----

    def size(self, subcircuit: Subcircuit, limit: int) -> int:
        """Return how many elements an instance becomes, at most (all branches of an .if count).

        Raises
        ------
        CardError
            If the subcircuit contains itself, or is nested too deeply.
        """
        # depth first with a stack of our own: the nesting may be as deep as the deck is long
        path = [subcircuit]
        while path:
            current = path[-1]
            if id(current) in self._sizes:
                path.pop()
                continue
            uses = self._uses(current)
            missing = next((s for s, _ in uses if id(s) not in self._sizes), None)
            if missing is None:
                items = [item for body in _bodies(current.body) for item in self.elements(body)]
                own = sum(len(item) if isinstance(item, Block) else 1 for item in items)
                children = [self._sizes[id(s)] for s, _ in uses]
                total = own + sum(n * self._sizes[id(s)][0] for s, n in uses)
                depth = 1 + max((d for _, d in children), default=0)
                # a bomb's true size has thousands of digits
                self._sizes[id(current)] = (min(total, limit + 1), depth)
            elif missing in path:
                names = [s.name for s in path[path.index(missing) :]] + [missing.name]
                chain = " -> ".join(names if len(names) < 9 else [*names[:4], "...", *names[-3:]])
                raise CardError("E116", f"subcircuit {missing.name} contains itself: {chain}")
            else:
                path.append(missing)
        total, depth = self._sizes[id(subcircuit)]
        if depth > MAX_DEPTH:
            raise CardError("E125", f"subcircuits nested over {MAX_DEPTH} deep")
        return total

    def _uses(self, subcircuit: Subcircuit) -> list[tuple[Subcircuit, int]]:
        names: Counter[str] = Counter()
        for body in _bodies(subcircuit.body):
            for item in self.elements(body):
                if isinstance(item, Block) and item.of_instances:
                    names.update(line.split()[-1] for line in item.text.split("\n"))
                elif isinstance(item, Element) and isinstance(item.device, Instance):
                    names[item.device.subcircuit.text] += 1
        enclosing = (self._top if p is self._deck else p for p in subcircuit.enclosing)
        places = (subcircuit.body, *enclosing)
        found = []
        for name, count in names.items():
            used = next((s for p in places if (s := self._known(p).get(name))), None)
            if used is not None:
                found.append((used, count))
        return found

    def _known(self, body: Body) -> dict[str, Subcircuit]:
        known = self._visible.get(id(body))
        if known is None:
            known = {s.name: s for part in _bodies(body) for s in part.subcircuits}
            self._visible[id(body)] = known
        return known


def _bodies(body: Body) -> list[Body]:
    """Return a body and all branches of the conditionals in it."""
    bodies, waiting = [], [body]
    while waiting:
        current = waiting.pop()
        bodies.append(current)
        for item in current.items:
            if isinstance(item, Conditional):
                waiting += [branch for _, branch in item.branches]
    return bodies


def _texts(body: Body) -> Iterator[str]:
    """Yield the text of all cards of a body."""
    for part in _bodies(body):
        yield from (card[2] for _, card in part.declarations)
        for item in part.items:
            if isinstance(item, Block):
                yield item.text
            elif isinstance(item, Conditional):
                yield from (card[2] for card, _ in item.branches if card is not None)
            else:
                yield item[2]
        # definitions within have defaults, which may name it
        yield from (inner.card[2] for inner in part.subcircuits)
