"""Where elements go: names, nodes, models, and what is common to placing all of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ...model.builder import CircuitBuilder
from ...model.devices import MODELS
from ...model.numbers import read_number
from ..report import CardError, Report, suggestion
from ..source import Card
from .cards import Expression, Model, Parameters, Value, Word
from .models import ModelReader
from .scope import Evaluator, Failed, Scope

#: the names of ground, to ngspice those of ports too
GROUND = frozenset(("0", "gnd"))


class Control(NamedTuple):
    """A reference to the current of an element, checked when all elements are known."""

    card: Card
    offset: int
    length: int
    name: str
    #: of a formula, which may read the current of any element
    is_formula: bool = False


class Site(NamedTuple):
    """Where an element goes: its full name and nodes, its card, the scope of its values."""

    name: str
    p: str
    q: str
    card: Card
    scope: Scope

    @property
    def letter(self) -> str:
        """The first letter of the card."""
        return self.card[2].lstrip()[0]


@dataclass(eq=False)
class Places:
    """A builder, and what elements need to find their place in it.

    Attributes
    ----------
    options : dict of str to float
        What .options cards say about the size of devices, such as ``defl`` (m).
    branches : set of str
        Elements that fix a voltage, whose currents can control others.
    failed : set of str
        Elements that are missing because something is wrong with their cards.
    factors : dict of str to float
        So many times what their cards give are the values of elements: temperature, m= and scale=.
    spread : dict of str to float
        What the values of elements may be off by, relative, as ``tol=`` says.
    rows : dict of int to tuple
        The checked values of the columns that a model gives, by the identity of these.
    """

    builder: CircuitBuilder
    report: Report
    evaluator: Evaluator
    models: ModelReader
    options: dict[str, float] = field(default_factory=dict)
    global_nodes: set[str] = field(default_factory=set)
    branches: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    controls: list[Control] = field(default_factory=list)
    shorts: list[tuple[str, Card]] = field(default_factory=list)
    factors: dict[str, float] = field(default_factory=dict)
    spread: dict[str, float] = field(default_factory=dict)
    rows: dict[int, tuple[Mapping[str, Any], tuple[Any, ...]]] = field(default_factory=dict)

    @property
    def temperature(self) -> float:
        """That of the circuit, Celsius."""
        return self.models.conditions.temperature

    @property
    def nominal(self) -> float:
        """That at which parameters are given, Celsius."""
        return self.models.conditions.nominal

    def nodes(self, names: Sequence[str], scope: Scope) -> Sequence[str]:
        """Return the full names of nodes."""
        if not scope.prefix:
            grounds = self.report.dialect.grounds
            return ["0" if name in grounds else name for name in names] if grounds else names
        known = scope.nodes
        for name in names:
            if name not in known:
                is_global = name in GROUND or name in self.global_nodes
                if name in self.report.dialect.grounds:
                    known[name] = "0"
                    continue
                known[name] = name if is_global else scope.prefix + name
        return [known[name] for name in names]

    def _number(self, value: Value, scope: Scope, what: str) -> float:
        number = self.evaluator.number(value, scope)
        if not math.isfinite(number):
            raise CardError("E132", f"{what} is not finite", _offset(value))
        return number

    def _model(self, word: Word, scope: Scope, kind: str) -> Model:
        model = self.find_model(word.text, scope)
        if model is None and word.text in self.report.unread:
            raise Failed
        if model is None:

            def known() -> list[str]:
                return [name for s in scope.enclosing() for name in s.model_cards]

            hint = suggestion(
                word.text,
                known,
                self.report.or_elsewhere(word.text, f"define it: .model {word.text} ..."),
            )
            unit = read_number(f"1{word.text}")
            if kind == "resistor" and unit is not None and unit.is_clean:
                hint = f"if it is a unit, leave out the blank before {word.text}"
            if any(name.startswith(f"{word.text}.") for name in known()):
                hint = f"none is chosen by its size: name the one that fits, {word.text}...."
            message = f"unknown model {word.text!r}"
            raise CardError("E110", message, word.offset, len(word.text), hint)
        if model.kind != kind:
            message = f"{word.text!r} is a {model.kind} model, not a {kind} model"
            types = " or ".join(sorted(t.upper() for t, m in MODELS.items() if m.kind == kind))
            hint = f"this element needs a model of type {types}"
            raise CardError("E126", message, word.offset, len(word.text), hint)
        return model

    def find_model(self, name: str, scope: Scope) -> Model | None:
        """Return a model evaluated where it stands, None if there is none of that name.

        Raises
        ------
        Failed
            If the model is wrong.
        """
        for home in scope.enclosing():
            if name in home.models:
                model = home.models[name]
                if model is None:
                    raise Failed
                return model
            if name in home.model_cards:
                if home.is_library:
                    self.report.note_part(name, home.model_cards[name].card)
                home.models[name] = None
                home.models[name] = model = self.models.evaluate(home.model_cards[name], home)
                return model
        return None

    # ---- elements in parallel and in series ----

    def _parallel(self, site: Site, given: Mapping[str, float]) -> float:
        """Return how many of an element are in parallel, those of its instance included."""
        count = given.get("m", 1.0)
        if not 0 < count < math.inf:
            raise CardError("E132", f"{site.name}: m={count:g}, but must be above 0")
        self._tell_own(site, count)
        return count * site.scope.multiplier

    def _tell_own(self, site: Site, count: float) -> None:
        """Warn that an element has an m= within an instance with one."""
        if count != 1.0 and site.scope.multiplier != 1.0:
            self.differs(site, "m= of an element within it")

    def differs(self, site: Site, what: str) -> None:
        """Warn that ngspice does not multiply something in an instance with m=."""
        message = f"{site.scope.prefix[:-1]} has m={site.scope.multiplier:g}: so many in parallel"
        self.report.add("W119", message, site.card, hint=f"ngspice ignores here {what}")

    def shunt_nodes(self) -> None:
        """Put what ``.options rshunt`` and ``gshunt`` say between every node and ground."""
        siemens = self.options.get("gshunt", 0.0)
        if ohms := self.options.get("rshunt", 0.0):
            siemens += 1.0 / ohms
        if siemens:
            for node in self.builder.node_names()[1:]:
                self.builder.resistor(f"rshunt#{node}", node, "0", 1.0 / siemens)

    def _parameters(self, parameters: Parameters, scope: Scope) -> dict[str, float]:
        return {key: self.evaluator.number(value, scope) for key, value in parameters}

    def _behind(self, site: Site, key: str, ohms: float) -> Site:
        """Put a resistance in series; return the place behind it."""
        if ohms == 0:
            return site
        inner = f"{site.name}#{key}"
        self.builder.resistor(inner, site.p, inner, ohms, at=site.card[:2])
        return site._replace(p=inner)

    def _beside(self, site: Site, given: Mapping[str, float], count: float) -> None:
        """Put rpar in parallel, if it is given."""
        if "rpar" in given:
            ends = (f"{site.name}#rpar", site.p, site.q)
            self.builder.resistor(*ends, given["rpar"] / count, at=site.card[:2])


def _offset(value: Value) -> int:
    return value.offset if isinstance(value, Expression) else 0
