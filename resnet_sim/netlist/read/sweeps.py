"""Dot cards that ask at which points to solve: .op .dc .step .temp."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ...model.builder import CircuitBuilder
from ...model.devices import CARDS, MODELS
from ...model.patterns import pattern
from ...model.requests import Analysis, Sweep
from ..report import CardError, Report, suggestion
from ..source import Card
from .alterations import RUN
from .cards import Assign, Braced, Item, Word
from .data_tables import Tables
from .fields import element_name
from .items import ValueReader, is_numeric, read_items
from .scope import Evaluator, Failed, Scope

#: most points of a sweep, and of nested sweeps together
MAX_POINTS = 1_000_000

_OF_ELEMENT = pattern(r"(.+):(?:r|dc|dcv0|v0)")
_VARIATIONS = ("lin", "dec", "oct")


@dataclass(eq=False)
class SweepReader:
    """Reads the cards that ask for points.

    Attributes
    ----------
    report : Report
    evaluator : Evaluator
    top : Scope
        The deck.
    builder : CircuitBuilder
        It holds all elements.
    failed : set of str
        Elements that are missing for their errors.
    factors : mapping of str to float
        Element -> what a swept value is multiplied by.
    quick : bool
        False: no short cuts around the grammar.
    """

    report: Report
    evaluator: Evaluator
    top: Scope
    builder: CircuitBuilder
    failed: set[str]
    factors: Mapping[str, float]
    quick: bool
    _plain: list[Analysis] = field(default_factory=list, init=False)
    _steps: list[Sweep] = field(default_factory=list, init=False)
    _last: Card | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.tables = Tables(self.report, self._column, self._value, quick=self.quick)

    def analyses(self) -> tuple[Analysis, ...]:
        """Return what the deck asks for; steps are wrapped around everything else."""
        steps = tuple(self._steps)
        if not self._plain:
            return (Analysis(steps, len(steps)),) if steps else ()
        return tuple(Analysis(analysis.sweeps + steps, len(steps)) for analysis in self._plain)

    def repeat(self, runs: int) -> None:
        """Wrap all that is asked for in the runs of ``.alter``."""
        if runs > 1:
            self._steps.append(Sweep(RUN, tuple(map(float, range(runs))), "parameter"))

    def check_points(self) -> None:
        """Check that the sweeps together don't have an absurd number of points."""
        for analysis in self.analyses():
            points = math.prod(len(sweep.values) for sweep in analysis.sweeps)
            if points > MAX_POINTS and self._last is not None:
                message = f"{points:.3g} points; at most {MAX_POINTS} are computed"
                self.report.add("E118", message, self._last)
            names = [q.name for q in analysis.quantities]
            again = next((name for k, name in enumerate(names) if name in names[:k]), None)
            if again is not None and self._last is not None:
                message = f"{again} is swept twice"
                self.report.add("E118", message, self._last, hint="leave out one of the sweeps")
            scaled = [q.name for q in analysis.quantities if q.factor != 1.0]
            others = [q.name for q in analysis.quantities if q.of in ("temperature", "parameter")]
            if scaled and others and self._last is not None:
                message = f"{scaled[0]} is swept, and so is {others[0]}, which may scale it"
                hint = "give it the value of a parameter, and sweep that"
                self.report.add("E115", message, self._last, hint=hint)

    def _items(self, card: Card) -> list[Item]:
        """Return the items without the keyword, in reverse: the next one is the last."""
        return read_items(card[2], quick=self.quick)[:0:-1]

    def _op(self, card: Card) -> None:
        self._plain.append(Analysis())

    def _dc(self, card: Card) -> None:
        items, sweeps = self._items(card), list[Sweep]()
        self._last = card
        while items:
            if sweeps and isinstance(items[-1], Word) and items[-1].text == "sweep":
                items.pop()  # HSPICE's word before what is swept around
            sweeps.append(self._sweep(card, items))
        if not sweeps:
            hint = "the form is: .dc source start stop step"
            raise CardError("E104", "too few fields", len(card[2].rstrip()) - 1, 1, hint)
        self._plain.append(Analysis(tuple(sweeps)))

    def _step(self, card: Card) -> None:
        items = self._items(card)
        self._last = card
        self._steps.append(self._sweep(card, items))
        if items:
            raise CardError("E105", "too many fields", _word(items[-1]).offset)

    def _temperatures(self, card: Card) -> None:
        items = self._items(card)
        if not items:
            raise CardError("E104", "too few fields: .temp needs a temperature")
        values = tuple(self._number(card, items) for _ in range(len(items)))
        self._steps.append(Sweep("temp", values, "temperature"))

    def _sweep(self, card: Card, items: list[Item]) -> Sweep:
        """Take ``[lin|dec|oct] [param] name start stop step`` or ``name list value ...``.

        Or ``data=table``.
        """
        first = items[-1] if items else None
        if isinstance(first, Assign) and first.key.text == "data":
            items.pop()
            return self.tables.sweep(first.value)
        variation = "lin"
        word = _take_word(card, items)
        if word.text in _VARIATIONS and len(items) > 3:
            variation, word = word.text, _take_word(card, items)
        if word.text in MODELS and len(items) > 3 and _are_names(items[-2:]):
            # .step D DX(Vfwd) ...: brackets are separators
            model, parameter = _take_word(card, items), _take_word(card, items)
            word = Word(f"{model.text}({parameter.text})", model.offset)
        named = word.text == "param" and bool(items) and isinstance(items[-1], Word)
        if named:
            word = _take_word(card, items)
        column = self._column(word, parameter=named)
        following = items[-1] if items else None
        if isinstance(following, Word) and following.text in ("list", "poi", *_VARIATIONS):
            items.pop()
            variation = following.text
        if variation == "poi":
            # HSPICE: how many, and which
            values = self._listed(card, items, int(self._number(card, items)))
        elif variation == "list":
            values = self._listed(card, items)
        else:
            start, stop, step = (self._number(card, items) for _ in range(3))
            values = _points(variation, start, stop, step, word)
        return replace(column, values=values)

    def _column(self, word: Word, *, parameter: bool = False) -> Sweep:
        """Return what is swept, without values yet."""
        of_element = _OF_ELEMENT.fullmatch(word.text)
        if of_element and element_name(of_element[1]) in self.builder:
            # Xyce's R1:R
            word = Word(of_element[1], word.offset)
        model, colon, of_model = word.text.partition(":")
        if colon and model in self.top.model_cards:
            # Xyce's DX:VFWD
            word = Word(f"{model}({of_model})", word.offset)
        of = self._target(word, parameter=parameter)
        name = element_name(word.text) if of in ("element", "switch") else word.text
        return Sweep(name, (), of, self.factors.get(name, 1.0) if of == "element" else 1.0)

    def _listed(self, card: Card, items: list[Item], most: int = MAX_POINTS) -> tuple[float, ...]:
        values: list[float] = []
        while items and is_numeric(items[-1]) and len(values) < most:
            values.append(self._number(card, items))
        if not values:
            raise CardError("E104", "too few fields: the list is empty", len(card[2].rstrip()) - 1)
        return tuple(values)

    def _number(self, card: Card, items: list[Item]) -> float:
        if not items:
            hint = "a sweep needs start, stop and step"
            raise CardError("E104", "too few fields", len(card[2].rstrip()) - 1, 1, hint)
        return self._value(card, items.pop())

    def _value(self, card: Card, item: Item) -> float:
        if isinstance(item, Assign):
            raise CardError("E103", "'=' is not expected here", item.key.offset)
        number = self.evaluator.number(ValueReader(card, self.report).value(item), self.top)
        if not math.isfinite(number):
            raise CardError("E132", "not a finite number", item.offset, len(item.text))
        return number

    def _target(self, word: Word, *, parameter: bool) -> str:
        """Return what a swept name is, as in `Sweep`."""
        name = element_name(word.text)
        if self._model_parameter(word.text):
            return "parameter"
        # inside an instance, x1.v1, the letter is that of the last part
        letter = (name.rpartition(".")[2] if word.text[0] == "x" else word.text)[:1]
        if not parameter and name in self.builder and _is_swept(letter):
            return "element"
        if not parameter and name in self.builder and letter == "s":
            return "switch"
        if word.text == "temp" and word.text not in self.top.definitions:
            return "temperature"
        known = [*self.top.values, *self.top.definitions]
        if word.text in known:
            return "parameter"
        if name in self.failed:
            raise Failed
        message = f"nothing to sweep: {word.text!r} is no source, resistor, switch or parameter"
        hint = suggestion(word.text, lambda: [*known, *self.builder.element_names()])
        raise CardError("E131", message, word.offset, len(word.text), hint)

    def _model_parameter(self, text: str) -> bool:
        """Tell whether a name is that of a parameter of a model, such as ``dx(vfwd)``."""
        model, _, parameter = text.rstrip(")").partition("(")
        card = self.top.model_cards.get(model)
        kind = MODELS.get(card.type) if card else None
        return kind is not None and parameter in kind.parameters


def _is_swept(letter: str) -> bool:
    """Tell whether a sweep may set the value of elements of a letter."""
    return letter in CARDS and CARDS[letter][0].swept


def _word(item: Item) -> Word | Braced:
    return item.key if isinstance(item, Assign) else item


def _are_names(items: list[Item]) -> bool:
    return all(isinstance(item, Word) and not is_numeric(item) for item in items)


def _take_word(card: Card, items: list[Item]) -> Word:
    if not items:
        hint = "the form is: name start stop step"
        raise CardError("E104", "too few fields", len(card[2].rstrip()) - 1, 1, hint)
    item = items.pop()
    if not isinstance(item, Word):
        place = _word(item)
        raise CardError("E103", "the name of what is swept is expected", place.offset)
    return item


def _points(
    variation: str, start: float, stop: float, step: float, word: Word
) -> tuple[float, ...]:
    """Return the points of a sweep; a step that doesn't divide the range stops short."""
    place = (word.offset, len(word.text))
    if variation != "lin":
        return _logarithmic(variation, start, stop, step, place)
    if start == stop:
        return (start,)
    if step == 0:
        raise CardError("E118", "the step of the sweep is 0", *place)
    if step > 0 and stop < start:
        # LTspice's way to go down
        step = -step
    if (stop - start) * step < 0:
        message = f"the step leads away: from {start:g} to {stop:g} by {step:g}"
        raise CardError("E118", message, *place, f"write {-step:g}")
    # 1e-9: 0 to 1 by 0.1 has 11 points though 0.1 is no binary fraction
    count = (stop - start) / step + 1e-9
    if not count < MAX_POINTS:
        raise CardError("E118", f"more than {MAX_POINTS} points", *place)
    return tuple(start + k * step for k in range(math.floor(count) + 1))


def _logarithmic(
    variation: str, start: float, stop: float, per_interval: float, place: tuple[int, int]
) -> tuple[float, ...]:
    if not 0 < start <= stop or not 1 <= per_interval <= MAX_POINTS:
        message = f"{variation} needs 0 < start <= stop and at least one point per interval"
        raise CardError("E118", message, *place)
    interval = math.log(10.0 if variation == "dec" else 2.0)
    count = (math.log(stop) - math.log(start)) / interval * per_interval + 1e-9
    if not count < MAX_POINTS:
        raise CardError("E118", f"more than {MAX_POINTS} points", *place)
    ratio = interval / per_interval
    return tuple(start * math.exp(k * ratio) for k in range(math.floor(count) + 1))
