""".model cards to the numbers that the devices need."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...model.devices import MODELS
from ...model.devices import Model as Kind
from ...model.devices.cards import BadModel, Conditions, Given
from ...model.numbers import SMALLEST, out_of_range, plain_numbers
from ...model.patterns import pattern
from ..report import CardError, Report, did_you_mean
from ..source import Card
from .blocks import pays
from .cards import Assign, Braced, Model, ModelCard, Word
from .items import ValueReader, read_items
from .scope import Evaluator, Failed, Scope

_LIST = r"\([^()=]*\)"
_TABLE = pattern(
    rf"""\btable\s*=\s*(?:"([^"]*)"|'([^']*)'|(\(\s*(?:{_LIST}[\s,]*)+\)|(?:{_LIST}[\s,]*)+))"""
)
#: as PSpice and LTspice say which model is varied
_BASE = pattern(r"(\s*\.model\s+\S+\s)(\s*ako\s*:\s*([^\s(]+))")
_WORD = r"""[^\s,()={}'"]+"""
#: name, type, and ``key=value`` in parentheses that may be missing, as separators may be
_PLAIN = re.compile(
    rf"""\.model\s+({_WORD})\s+([^\s,()={{}}'":]+)(?:[\s(]+((?:{_WORD}={_WORD}(?:[\s)]+|$))*))?"""
).fullmatch
_TYPE = pattern(r"\s*\.model\s+\S+\s+(?:r|res)\b")

Points = tuple[Word | Braced, ...]


#: types of models that are not there -> what comes near
_NEAR = {
    "vdmos": "an NMOS (PMOS, if pchan) of level 1 with its VTO, KP, LAMBDA, RD, RS comes near, "
    "and a diode from source to drain with its IS, N, RB",
}

#: what to do about PSpice's DEV and LOT
_IS_TOLERANCE = pattern(r"(?:dev|lot)(?:/\w+)?")
_TOLERANCE = "a tolerance of PSpice: resnet-sim sweep --spread NAME=5% draws samples"


def read_model(card: Card, report: Report, *, quick: bool) -> ModelCard:
    """Return a .model card.

    Raises
    ------
    CardError
    """
    if quick and (match := _PLAIN(card[2])):
        words_of = match[3].replace(")", " ").split() if match[3] else ()
        return ModelCard(match[1], match[2], (), card, plain=tuple(words_of))
    words: list[Word] = []
    parameters = []
    table, text = _cut(card, report, quick=quick)
    base = _BASE.match(text)
    if base is not None:
        text = f"{base[1]}{' ' * len(base[2])}{text[base.end() :]}"
    for item in read_items(text, quick=quick)[1:]:
        if isinstance(item, Assign):
            parameters.append(item)
        elif isinstance(item, Word) and len(words) < 2:
            words.append(item)
        elif item.text != "params:":
            message = f"{item.text!r} without a value is ignored"
            hint = _TOLERANCE if _IS_TOLERANCE.fullmatch(item.text) else None
            report.add("W110", message, card, item.offset, len(item.text), hint=hint)
    if base is not None:
        kind = words[1].text if len(words) > 1 else ""
        return ModelCard(words[0].text, kind, tuple(parameters), card, table, base[3])
    if len(words) < 2:
        hint = "the form is: .model name type(parameter=value ...)"
        raise CardError("E104", "too few fields", len(card[2].rstrip()) - 1, 1, hint)
    return ModelCard(words[0].text, words[1].text, tuple(parameters), card, table)


def _parameters(model: ModelCard) -> tuple[Assign, ...]:
    """Return the parameters that a card gives, with their places."""
    if not model.plain:
        return model.parameters
    return tuple(item for item in read_items(model.card[2]) if isinstance(item, Assign))


# ---- points of curves that models of resistors give, on the card or in a file ----


def _cut(card: Card, report: Report, *, quick: bool) -> tuple[Points, str]:
    """Return the points of a resistor's model, and the text of the card without them.

    Raises
    ------
    CardError
    """
    text = card[2]
    match = _TABLE.search(text) if _TYPE.match(text) else None
    if match is None:
        return (), text
    if match.lastindex == 3:
        start = match.start(3)
        points = _listed(" " * start + match[3], quick=quick)
    else:
        which = match.lastindex or 1
        start = match.start(which)
        original = report.files[card[0]].original(card)
        points = _filed(original[start : match.end(which)], card, start, report)
    blank = " " * (match.end() - match.start())
    return points, text[: match.start()] + blank + text[match.end() :]


def _listed(text: str, *, quick: bool) -> Points:
    items = read_items(text, quick=quick)
    if any(isinstance(item, Assign) for item in items):
        raise CardError("E106", "a table holds pairs of numbers", len(text) - len(text.lstrip()))
    return tuple(item for item in items if not isinstance(item, Assign))


def _filed(name: str, card: Card, start: int, report: Report) -> Points:
    """Read a file: a line each point, numbers apart by commas or blanks; a first line of words."""
    place = start, len(name)
    path = Path(report.files[card[0]].directory) / name
    text = report.data(name, path, card)
    points: list[Word | Braced] = []
    lines = enumerate(text.splitlines(), 1)
    rows = [(k, re.split(r"[\s,;]+", line.strip())) for k, line in lines if line.strip()]
    for position, (number, fields) in enumerate(rows):
        try:
            pair = [float(field) for field in fields if field]
        except ValueError:
            if position == 0 or fields[0][:1] in "#*":
                continue
            pair = []
        if len(pair) != 2:
            message = f"line {number} of {name} is no pair of a voltage and a current"
            raise CardError("E106", message, *place)
        points += (Word(repr(x), start) for x in pair)
    return tuple(points)


class ModelReader:
    """Evaluates models.

    Parameters
    ----------
    conditions : Conditions
        What the whole deck says.
    overrides : mapping of str to float, optional
        Values that replace those of models of the deck itself, by ``model(parameter)``.
    """

    def __init__(
        self,
        report: Report,
        evaluator: Evaluator,
        conditions: Conditions,
        overrides: Mapping[str, float] | None = None,
    ) -> None:
        self._report, self._evaluator, self._overrides = report, evaluator, overrides or {}
        self.conditions = conditions

    def evaluate(self, model: ModelCard, scope: Scope) -> Model:
        """Return the numbers of a model.

        Raises
        ------
        Failed
            After reporting why.
        """
        lineage = self._lineage(model, scope)
        of_type = next((known.type for known, _ in lineage if known.type), "")
        kind = MODELS.get(of_type)
        if kind is None:
            message = f"model {model.name} is of type {of_type}, which no device here can use"
            known_types = f"known types: {', '.join(MODELS)}"
            hint = _NEAR.get(of_type) or did_you_mean(of_type, MODELS) or known_types
            self._report.add("E126", message, model.card, hint=hint)
            raise Failed

        def note(code: str, message: str, hint: str) -> None:
            self._report.add(code, message, model.card, hint=hint)

        numbers = self._numbers(lineage[-1][0], kind, lineage[-1][1])
        for known, home in reversed(lineage[:-1]):
            for key, number in self._numbers(known, kind, home).items():
                # the last of several counts, also among aliases
                numbers.pop(key, None)
                numbers[key] = number
        table = self._table(model, scope)
        given = Given(model.name, of_type, numbers, self.conditions, note, table)
        try:
            return Model(kind.kind, kind.evaluate(given))
        except BadModel as error:
            place = next((p.key for p in _parameters(model) if p.key.text == error.key), None)
            offset, length = (place.offset, len(place.text)) if place else (None, 1)
            self._report.add("E123", str(error), model.card, offset, length, hint=error.hint)
            raise Failed from None

    def together(self, models: Iterable[ModelCard]) -> dict[str, tuple[str, tuple[Any, ...]]]:
        """Return tables and rows of models that have parameters in common, by their names.

        Those that are missing have something to say, or are few: `evaluate` takes them one by one.
        """
        groups: dict[tuple[str, ...], list[ModelCard]] = {}
        values: dict[tuple[str, ...], list[str]] = {}
        varied = {name.partition("(")[0] for name in self._overrides if "(" in name}
        for model in models:
            if model.plain and model.name not in varied:
                words = "=".join(model.plain).split("=")
                form = (model.type, *words[::2])
                groups.setdefault(form, []).append(model)
                values.setdefault(form, []).extend(words[1::2])
        rows: dict[str, tuple[str, tuple[Any, ...]]] = {}
        for form, some in groups.items():
            if pays(len(some)):
                rows.update(self._rows(form, [model.name for model in some], values[form]))
        return rows

    def _rows(
        self, form: tuple[str, ...], names: list[str], words: list[str]
    ) -> Iterator[tuple[str, tuple[str, tuple[Any, ...]]]]:
        """Yield the tables and rows of models of one form that there is nothing to say about."""
        of_type, *keys = form
        kind = MODELS.get(of_type)
        if kind is None or kind.together is None or len({*keys}) < len(keys):
            return
        told = {*kind.words, *kind.neglected, *self._report.dialect.ignored}
        if not told.isdisjoint(keys) or not kind.parameters.issuperset(keys):
            return
        numbers = plain_numbers(" ".join(words) + " ").reshape(-1, len(keys))
        found = kind.together(of_type, dict(zip(keys, numbers.T, strict=True)), self.conditions)
        if found is None:
            return
        table, columns, odd = found
        odd |= np.isnan(numbers).any(axis=1)
        # an M of an ohmic value is worth a message
        ohmic = [k for k, key in enumerate(keys) if key[0] == "r"]
        for k, row in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
            if not odd[k] and all(words[k * len(keys) + at][-1] != "m" for at in ohmic):
                yield names[k], (table, row)

    def _lineage(self, model: ModelCard, scope: Scope) -> list[tuple[ModelCard, Scope]]:
        """Return a model, that which it varies, and so on, each with where it stands."""
        found = [(model, scope)]
        while base := found[-1][0].base:
            homes = (home for home in found[-1][1].enclosing() if base in home.model_cards)
            home = next(homes, None)
            if home is None or any(home.model_cards[base] is known for known, _ in found):
                what = "unknown model" if home is None else "a model can't vary itself:"
                self._report.add("E110", f"{what} {base!r}", found[-1][0].card)
                raise Failed
            found.append((home.model_cards[base], home))
        return found

    def _table(self, model: ModelCard, scope: Scope) -> tuple[float, ...]:
        """Return the numbers of a model's table."""
        if not model.table:
            return ()
        reader = ValueReader(model.card, self._report)
        try:
            values = [reader.value(item) for item in model.table]
        except CardError as error:
            self._report.error(error, model.card)
            raise Failed from None
        return tuple(self._evaluator.number(value, scope) for value in values)

    def _numbers(self, model: ModelCard, kind: Kind, scope: Scope) -> dict[str, float]:
        reader = ValueReader(model.card, self._report)
        numbers: dict[str, float] = {}
        ignored = self._report.dialect.ignored
        parameters = _parameters(model)
        for key, item in parameters:
            if key.text not in kind.parameters:
                message = f"unknown parameter {key.text!r} of a {kind.kind} model is ignored"
                hint = did_you_mean(key.text, sorted(kind.parameters))
                hint = _TOLERANCE if _IS_TOLERANCE.fullmatch(key.text) else hint
                self._report.add("W110", message, model.card, key.offset, len(key.text), hint=hint)
                continue
            if key.text in kind.words:
                continue
            if key.text in ignored:
                message = f"{key.text} is ignored, as ngspice does"
                hint = "LTspice and PSpice know it: see --dialect"
                self._report.add("W110", message, model.card, key.offset, len(key.text), hint=hint)
                continue
            try:
                value = reader.value(item, unit="ohm" if key.text[0] == "r" else "")
            except CardError as error:
                self._report.error(error, model.card)
                raise Failed from None
            # the last of several counts, also among aliases
            if numbers.pop(key.text, None) is not None:
                self._report.warn_again(key.text, model.card, key.offset)
            numbers[key.text] = self._evaluator.number(value, scope)
        if not scope.prefix:
            # as a sweep names them: model(parameter)
            for name, value in self._overrides.items():
                of, _, parameter = name.rstrip(")").partition("(")
                if of == model.name and parameter in kind.parameters:
                    numbers[parameter] = value
        for key, _ in parameters:
            value = numbers.get(key.text, 0.0)
            if key.text in kind.neglected and value not in (0.0, math.inf):
                message = f"{key.text} is not solved: {kind.neglected[key.text]}"
                hint = "leave it out, or give 0 or inf, if that is what is meant"
            elif 0.0 < abs(value) < SMALLEST:
                message, hint = (
                    f"{key.text} {out_of_range(value)}",
                    "give 0 if that is what is meant",
                )
            else:
                continue
            place = (key.offset, len(key.text))
            self._report.add("E123", message, model.card, *place, hint=hint)
            raise Failed
        return numbers
