"""Bodies to elements: cards are placed, instances become what their subcircuits hold."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from ...diagnostics import Label
from ...model.builder import CircuitBuilder
from ..report import CardError, suggestion
from ..source import Card
from .blocks import Block, pays
from .body_cache import Preparer
from .cards import Element, Expression, Instance
from .deck import Body, Conditional, Subcircuit
from .declarations import Gatherer
from .fast_cards import PlainCards
from .fast_instances import INSIDE, PORT, Repeats, Template, place
from .fields import element_name
from .overruled import refuse_captured, refuse_grounded, refuse_overruled
from .placer import Placer
from .scope import Failed, Scope
from .sites import GROUND, Site

#: most elements that a deck may expand to
MAX_ELEMENTS = 5_000_000
#: longest name of an instance, such as x1.x2.x3 (characters)
MAX_NAME = 1000


class Expansion:
    """Places what bodies hold.

    Parameters
    ----------
    placer, preparer, gatherer : Placer, Preparer, Gatherer
    parts, top : Scope
        Built-in parts, and the deck.
    max_elements : int
        Limit of the expansion.
    quick : bool
        False: no short cuts around the grammar.
    draws : bool
        Random functions draw: instances that look alike differ.
    """

    def __init__(
        self,
        placer: Placer,
        preparer: Preparer,
        gatherer: Gatherer,
        parts: Scope,
        top: Scope,
        *,
        max_elements: int,
        quick: bool,
        draws: bool,
    ) -> None:
        self._report, self._evaluator = placer.report, placer.evaluator
        self._placer, self._preparer, self._gatherer = placer, preparer, gatherer
        self._parts, self._top, self._quick, self._draws = parts, top, quick, draws
        self._max_elements, self._expanded = max_elements, 0
        #: by identity; they are kept, as that of what is gone may be given away again
        self._missing: dict[int, object] = {}

    # ---- elements ----

    def elements(self, body: Body, scope: Scope) -> None:
        """Place the elements of a body, and of all instances in it."""
        for item in self._items(body, scope):
            if isinstance(item, Conditional):
                branch = scope.branches.get(id(item))
                if branch is not None:
                    self.elements(branch, scope)
            elif isinstance(item.device, Instance):
                self._instance(item, item.device, scope)
            elif scope.prefix + item.name in self._placer.builder:
                self._duplicate(item, scope)
            else:
                self._placer.place(item, scope)

    def _items(self, body: Body, scope: Scope) -> Iterator[Element | Conditional]:
        """Place plain cards directly; yield what else there is."""
        if scope is not self._top:
            for item in self._preparer.elements(body):
                if isinstance(item, Block):
                    yield from self._block(item, scope)
                else:
                    yield item
            return
        plain = PlainCards(self._placer, scope)
        for statement in body.items:
            if isinstance(statement, Conditional):
                yield statement
            elif isinstance(statement, Block):
                yield from self._block(statement, scope)
            elif not self._quick or not plain.add(statement):
                yield from self._read((statement,), scope)

    def _block(self, block: Block, scope: Scope) -> Iterator[Element]:
        if block.of_instances:
            return self._repeated(block, scope)
        if scope.multiplier != 1.0:
            return self._read(block.cards(), scope)
        return self._read(PlainCards(self._placer, scope).add_block(block), scope)

    def _reader(self, scope: Scope) -> Callable[[Card], Element | None]:
        return self._preparer.element if scope is self._top else self._preparer.remembered

    def _read(self, cards: Iterable[Card], scope: Scope) -> Iterator[Element]:
        return filter(None, map(self._reader(scope), cards))

    def _duplicate(self, element: Element, scope: Scope) -> None:
        name = scope.prefix + element.name
        labels: tuple[Label, ...] = ()
        first = next(filter(None, (_named(item, element.name) for item in scope.body.items)), None)
        if first is not None and first[:2] != element.card[:2]:
            labels = (Label(self._report.span(first), "first"),)
        message = f"there are two elements called {name}"
        start = len(element.card[2]) - len(element.card[2].lstrip())
        length = len(element.card[2].split(None, 1)[0])
        hint = "names are case-insensitive and must be unique"
        self._report.add("E113", message, element.card, start, length, hint=hint, labels=labels)

    # ---- subcircuits ----

    def _instance(self, element: Element, device: Instance, scope: Scope) -> None:
        if id(element) in self._missing:
            return
        try:
            self._expand(element, device, scope)
        except CardError as error:
            if error.code == "E111":
                # wherever the card is met again, its subcircuit will be as unknown
                self._missing[id(element)] = element
            if not error.offset:
                word = device.subcircuit
                error.offset, error.length = word.offset, len(word.text)
            self._report.error(error, element.card)
        except Failed:
            pass

    def _expand(self, element: Element, device: Instance, scope: Scope) -> None:
        home, subcircuit = found = self._find(device, scope)
        if home is self._parts:
            word = device.subcircuit
            self._report.note_part(word.text, element.card, word.offset)
        if len(subcircuit.ports) != len(element.nodes) and subcircuit.at(element.nodes) is None:
            ports, count = " ".join(subcircuit.ports), f"{len(subcircuit.ports)}"
            if subcircuit.optional:
                count = f"{len(subcircuit.ports) - len(subcircuit.optional)} to {count}"
            raise CardError(
                "E112",
                f"{subcircuit.name} has {count} ports, not {len(element.nodes)}",
                hint=f"its ports are: {ports}"[:200],
            )
        self._limit(element, subcircuit, scope)
        if scope.multiplier != 1.0 and any(key.text == "m" for key, _ in device.parameters):
            site = Site(element.name, "", "", element.card, scope)
            self._placer.differs(site, "m= of an instance within it")
        nodes = self._placer.nodes(element.nodes, scope)
        if self._report.dialect.misreads and not GROUND.isdisjoint(subcircuit.ports):
            refuse_grounded(device, subcircuit.at(nodes) or {})
        self._enter(f"{scope.prefix}{element.name}.", nodes, device, scope, found)

    def _enter(
        self, prefix: str, nodes: Sequence[str], device: Instance, scope: Scope,
        found: tuple[Scope, Subcircuit],
    ) -> None:  # fmt: skip
        """Place what an instance holds, of a subcircuit that was found somewhere."""
        home, subcircuit = found
        child = Scope(prefix, subcircuit.body, scope, home)
        child.nodes = subcircuit.at(nodes) or {}
        given = {key.text: self._evaluator.number(value, scope) for key, value in device.parameters}
        child.multiplier = scope.multiplier
        declared = 0
        for name, value in self._preparer.defaults(subcircuit):
            if name in given:
                declared += 1
            elif isinstance(value, Expression):
                child.definitions[name] = value
            else:
                child.values[name] = value
        if declared < len(given):
            child.multiplier *= self._undeclared(given, subcircuit, device)
        child.values.update(given)
        child.given = given
        if given and self._report.dialect.misreads:
            refuse_captured(self._evaluator, device, scope, child)
        self._gatherer.gather(subcircuit.body, child, self._top)
        if not self._gatherer.inner_first:
            refuse_overruled(self._evaluator, device, subcircuit.card, child, self._top)
        self.elements(subcircuit.body, child)

    def _undeclared(
        self, given: Mapping[str, float], subcircuit: Subcircuit, device: Instance
    ) -> float:
        """Return how many instances are in parallel; refuse parameters that mean nothing."""
        known = [name for name, _ in self._preparer.defaults(subcircuit)]
        names = [name for name in given if name not in known]
        for name in names:
            if name != "m" and not self._preparer.mentions(subcircuit, name):
                message = f"subcircuit {subcircuit.name} has no parameter {name!r}"
                place = next(key for key, _ in device.parameters if key.text == name)
                hint = suggestion(name, lambda: known, f"it has: {' '.join(known) or 'none'}")
                raise CardError("E136", message, place.offset, len(name), hint)
        count = given["m"] if "m" in names else 1.0
        if not 0 < count < math.inf:
            raise CardError("E132", f"m={count:g}, but must be above 0")
        return count

    # ---- many instances of the same ----

    def _repeated(self, block: Block, scope: Scope) -> Iterator[Element]:
        """Place instances that differ in names and nodes alone as columns; yield the others."""
        repeats = Repeats(block)
        templates: dict[str, Template] = {}
        row, keys = 0, repeats.keys
        read = self._reader(scope)
        while row < len(keys):
            if keys[row] in templates and not self._report.n_errors:
                stop = len(keys)
                if len(templates) < repeats.distinct:
                    stop = next((k for k in range(row, stop) if keys[k] not in templates), stop)
                rows = range(row, stop)
                yield from self._alike(block, repeats, rows, templates, scope)
                row = rows.stop
                continue
            element = read(block.card(row))
            row += 1
            if element is None:
                continue
            executed = self._gatherer.executed
            yield element
            # while the first is placed it shows what there is to say about all of them
            if self._report.n_errors or self._gatherer.executed > executed:
                continue
            if pays(repeats.counts.pop(keys[row - 1], 0)):
                template = self._template(element, scope)
                if template is not None:
                    templates[keys[row - 1]] = template

    def _alike(
        self, block: Block, repeats: Repeats, rows: range, templates: Mapping[str, Template],
        scope: Scope,
    ) -> Iterator[Element]:  # fmt: skip
        """Place instances that have templates; yield them all, and none is placed, if in doubt."""
        keys = repeats.keys[rows.start : rows.stop]
        places: dict[str, Sequence[int]] = {keys[0]: range(len(keys))}
        if keys.count(keys[0]) < len(keys):
            mixed: dict[str, list[int]] = {}
            for at, key in enumerate(keys):
                mixed.setdefault(key, []).append(at)
            places = {**mixed}
        groups, expanded, longest = [], self._expanded, 0
        for key, some in places.items():
            template = templates[key]
            groups.append(repeats.group(template, rows.start, some, scope.prefix))
            longest = max(longest, template.longest + max(map(len, groups[-1].names)))
            expanded += len(some) * template.size if scope is self._top else 0
        if (
            not pays(len(rows))
            or expanded > self._max_elements
            or longest > MAX_NAME
            or not place(self._placer, groups, scope)
        ):
            yield from self._read(map(block.card, rows), scope)
        else:
            self._expanded = expanded

    def _template(self, like: Element, scope: Scope) -> Template | None:
        """Return what instances like one that is placed become, None if there is more to each."""
        device, ports = like.device, len(like.nodes)
        assert isinstance(device, Instance)
        if self._draws:
            return None  # each draws for itself
        found = _, subcircuit = self._find(device, scope)
        if self._report.dialect.misreads and not GROUND.isdisjoint(subcircuit.ports):
            return None  # each is to be looked at
        placer, builder = self._placer, CircuitBuilder()
        self._placer = trial = dataclasses.replace(
            placer,
            builder=builder,
            branches=set(),
            failed=set(),
            controls=[],
            shorts=[],
            factors={},
            spread={},
        )
        try:
            ends = [f"{PORT}{k}" for k in range(ports)]
            self._enter(INSIDE, ends, device, scope, found)
        finally:
            self._placer = placer
        # what each instance adds to these is for `Placer.check`
        if trial.failed or trial.shorts or trial.controls or trial.factors or trial.spread:
            return None
        size = self._preparer.size(subcircuit, self._max_elements)
        template = Template(builder, trial.branches, ports, size)
        return template if template.is_whole else None

    def _find(self, device: Instance, scope: Scope) -> tuple[Scope, Subcircuit]:
        name = device.subcircuit.text
        for home in scope.enclosing():
            if name in home.subcircuits:
                return home, home.subcircuits[name]

        def known() -> list[str]:
            return [known for home in scope.enclosing() for known in home.subcircuits]

        remedy = f"define it: .subckt {name} ..."
        if name in ("params", "param"):
            remedy = "parameters follow the subcircuit at once, or after 'params:'"
        hint = suggestion(name, known, self._report.or_elsewhere(name, remedy))
        raise CardError("E111", f"unknown subcircuit {name!r}", hint=hint)

    def _limit(self, element: Element, subcircuit: Subcircuit, scope: Scope) -> None:
        """Refuse what is too large before any of it is built."""
        if len(scope.prefix) + len(element.name) > MAX_NAME:
            raise CardError("E125", f"the name is longer than {MAX_NAME} characters")
        size = self._preparer.size(subcircuit, self._max_elements)
        if scope is self._top:
            self._expanded += size
        if max(size, self._expanded) > self._max_elements:
            message = f"this expands to more than {self._max_elements} elements"
            raise self._report.abandon("E125", message, element.card, "look for runaway nesting")


def _named(item: Card | Conditional | Block, name: str) -> Card | None:
    """Return the first card of an element of that name."""
    if isinstance(item, Conditional):
        return None
    if isinstance(item, Block):
        return item.find(name)
    return item if element_name(item[2].split(None, 1)[0]) == name else None
