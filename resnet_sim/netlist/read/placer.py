"""Element cards to elements of the circuit: names, nodes and values are filled in here."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ...errors import UsageError
from ...model.builder import CircuitBuilder
from ...model.clamps import NotPiecewiseLinear, clamped
from ...model.devices import CARDS, MODELS
from ...model.formula import Formula, Sum
from ..expressions.machine import Reading
from ..report import CardError, Report, did_you_mean
from ..source import Card
from .cards import (
    BehaviouralSource,
    Diode,
    Element,
    Expression,
    IndependentSource,
    LinearSource,
    Model,
    Parameters,
    Plain,
    Reactance,
    Resistor,
    Switch,
    Value,
    Word,
)
from .fields import element_name
from .models import ModelReader
from .resistance import sheet_resistance, temperature_factor
from .scope import Evaluator, Failed, Scope

GROUND = ("0", "gnd")


class Control(NamedTuple):
    """A reference to the current of an element, checked when all elements are known."""

    card: Card
    offset: int
    length: int
    name: str


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


@dataclass
class Placer:
    """Adds elements to a builder.

    Attributes
    ----------
    temperature, nominal : float
        Celsius.
    branches : set of str
        Elements that fix a voltage, whose currents can control others.
    failed : set of str
        Elements that are missing because something is wrong with their cards.
    """

    builder: CircuitBuilder
    report: Report
    evaluator: Evaluator
    models: ModelReader
    temperature: float = 27.0
    nominal: float = 27.0
    global_nodes: set[str] = field(default_factory=set)
    branches: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    controls: list[Control] = field(default_factory=list)
    shorts: list[tuple[str, Card]] = field(default_factory=list)

    def place(self, element: Element, scope: Scope) -> None:
        """Add an element; what is wrong with it goes to the report."""
        p, q = self.nodes(element.nodes, scope)
        site = Site(scope.prefix + element.name, p, q, element.card, scope)
        try:
            _FORMS[type(element.device)](self, site, element.device)
        except CardError as error:
            self.report.error(error, element.card)
        except UsageError as error:
            self.report.add("E132", str(error), element.card)
        except Failed:
            pass
        else:
            return
        self.failed.add(site.name)

    def nodes(self, names: Sequence[str], scope: Scope) -> Sequence[str]:
        """Return the full names of nodes."""
        if not scope.prefix:
            return names
        known = scope.nodes
        for name in names:
            if name not in known:
                is_global = name in GROUND or name in self.global_nodes
                known[name] = name if is_global else scope.prefix + name
        return [known[name] for name in names]

    def _number(self, value: Value, scope: Scope, what: str) -> float:
        number = self.evaluator.number(value, scope)
        if not math.isfinite(number):
            raise CardError("E132", f"{what} is not finite", _offset(value))
        return number

    def _model(self, word: Word, scope: Scope, kind: str) -> Model:
        model = self.find_model(word.text, scope)
        if model is None:
            known = [name for s in scope.enclosing() for name in s.model_cards]
            hint = did_you_mean(word.text, known) or f"define it: .model {word.text} ..."
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
                home.models[name] = None
                home.models[name] = model = self.models.evaluate(home.model_cards[name], home)
                return model
        return None

    # ---- one method a form of card ----

    def _resistor(self, site: Site, device: Resistor) -> None:
        given = self._parameters(device.parameters, site.scope)
        value = given.get("r", given.get("resistance"))
        if device.value is not None:
            value = self.evaluator.number(device.value, site.scope)
        model: dict[str, float] = {}
        if device.model is not None:
            if any(device.model.text in s.model_cards for s in site.scope.enclosing()):
                model = dict(self._model(device.model, site.scope, "resistor").values)
            elif value is None:
                # a bare parameter
                code = (("name", device.model.text, 0),)
                expression = Expression(code, site.card, device.model.offset)
                value = self.evaluator.number(expression, site.scope)
            else:
                self._model(device.model, site.scope, "resistor")
        if value is None:
            value = sheet_resistance(model, given) if model else None
        if value is None:
            hint = "write 0 for an ideal short"
            raise CardError(
                "E129", f"resistor {site.name} has no value", _end(site.card), hint=hint
            )
        factor = temperature_factor(model, given, self.temperature, self.nominal)
        ohms = value * factor * given.get("scale", 1.0)
        multiplier = given.get("m", 1.0)
        if multiplier <= 0 or ohms == -math.inf or math.isnan(ohms):
            raise CardError("E132", f"{site.name}: {ohms:g} ohm, m={multiplier:g} make no resistor")
        if ohms == 0:
            self.shorts.append((site.name, site.card))
        self.builder.resistor(site.name, site.p, site.q, ohms / multiplier, at=site.card[:2])

    def _parameters(self, parameters: Parameters, scope: Scope) -> dict[str, float]:
        return {key: self.evaluator.number(value, scope) for key, value in parameters}

    def _reactance(self, site: Site, device: Reactance) -> None:
        value = self._number(device.value, site.scope, "the value")
        if site.letter == "l":
            self.branches.add(site.name)
            self.builder.inductor(site.name, site.p, site.q, value, at=site.card[:2])
        else:
            self.builder.capacitor(site.name, site.p, site.q, value, at=site.card[:2])

    def _source(self, site: Site, device: IndependentSource) -> None:
        value = self._number(device.value, site.scope, "the value")
        if site.letter == "i":
            value *= self._number(device.scale, site.scope, "m")
            self.builder.current_source(site.name, site.p, site.q, value, at=site.card[:2])
            return
        if value != 0 and self.builder.node(site.p) == self.builder.node(site.q):
            message = f"both ends of {site.name} are on node {site.p}, which shorts its {value:g} V"
            raise CardError("E122", message, *_place(site.card), "check the node names")
        self.branches.add(site.name)
        self.builder.voltage_source(site.name, site.p, site.q, value, at=site.card[:2])

    def _diode(self, site: Site, device: Diode) -> None:
        values = dict(self._model(device.model, site.scope, "diode").values)
        if device.parameters:
            given = self._parameters(device.parameters, site.scope)
            parallel = given.get("area", 1.0) * given.get("m", 1.0)
            if not 0 < parallel < math.inf:
                raise CardError("E132", f"{site.name}: area and m must be above 0")
            for key in ("r_on", "r_off", "r_reverse"):
                values[key] /= parallel
        self.builder.diode(site.name, site.p, site.q, **values, at=site.card[:2])

    def _switch(self, site: Site, device: Switch) -> None:
        of_voltage = len(device.control) == 2
        kind = "voltage switch" if of_voltage else "current switch"
        values = self._model(device.model, site.scope, kind).values
        control: Any = None
        if device.fixed:
            pass
        elif of_voltage:
            control = tuple(self.nodes([word.text for word in device.control], site.scope))
        else:
            control = self._control(device.control[0], site)
        self.builder.switch(
            site.name,
            site.p,
            site.q,
            control=control,
            closed=device.closed,
            at=site.card[:2],
            **values,
        )

    def _linear(self, site: Site, device: LinearSource) -> None:
        scale = self._number(device.scale, site.scope, "m")
        constant = self._number(device.constant, site.scope, "the constant") * scale
        voltages: list[tuple[str, float]] = []
        currents: list[tuple[str, float]] = []
        for control, value in zip(device.controls, device.gains, strict=True):
            gain = self._number(value, site.scope, "the gain") * scale
            if len(control) == 2:
                p, q = self.nodes([word.text for word in control], site.scope)
                voltages += [(p, gain), (q, 0.0 - gain)]  # 0.0 - gain: never -0.0
            else:
                currents.append((self._control(control[0], site), gain))
        self._controlled(site, device.is_voltage, voltages, currents, constant)

    def _behavioural(self, site: Site, device: BehaviouralSource) -> None:
        expression = device.expression
        read = self.evaluator.reading(expression, site.scope)
        if not isinstance(read, Reading):
            read = Reading(Formula(Sum(read)))
        places = {
            str(op[4]): (expression.offset + int(op[2]), int(op[3]))
            for op in expression.program
            if op[0] == "probe" and op[1] == "i"
        }
        formula = read.formula.renamed(
            lambda node: self.nodes((str(node),), site.scope)[0],
            lambda of: self._control(Word(str(of), places.get(str(of), (0, 1))[0]), site),
        )
        if formula.is_affine:
            constant, voltages, currents, _ = formula.value
            self._controlled(site, device.is_voltage, voltages, currents, constant)
        else:
            self._nonlinear(site, device, read, formula)

    def _nonlinear(
        self, site: Site, device: BehaviouralSource, read: Reading, formula: Formula
    ) -> None:
        """Place a source that is not affine, if it can be solved."""
        try:
            found = clamped(formula)
        except NotPiecewiseLinear as error:
            offset, length = read.places[error.call]
            hint = "sources may be sums of voltages and currents, and what max, min, abs, limit, "
            hint += "table, if ... make of such sums"
            offset += device.expression.offset
            raise CardError("E120", f"nonlinear: {error}", offset, length, hint) from None
        if found.steps:
            message = f"{site.name} jumps: where it does, any value between the ends may be meant"
            self.report.add("N109", message, site.card)
        if device.is_voltage:
            self.branches.add(site.name)
        self.builder.behavioural_source(
            site.name,
            site.p,
            site.q,
            is_voltage=device.is_voltage,
            formula=formula,
            at=site.card[:2],
        )

    def _controlled(
        self,
        site: Site,
        is_voltage: bool,
        voltages: Sequence[tuple[Any, float]],
        currents: Sequence[tuple[Any, float]],
        constant: float,
    ) -> None:
        if is_voltage:
            self.branches.add(site.name)
        self.builder.controlled_source(
            site.name,
            site.p,
            site.q,
            is_voltage=is_voltage,
            voltages=voltages,
            currents=currents,
            constant=constant,
            at=site.card[:2],
        )

    def _plain(self, site: Site, device: Plain) -> None:
        values = self._parameters(device.values, site.scope)
        table = CARDS[site.letter][0]
        if table.fixes_voltage:
            self.branches.add(site.name)
        self.builder.add(table.plural, site.name, site.p, site.q, at=site.card[:2], **values)

    def _control(self, word: Word, site: Site) -> str:
        name = site.scope.prefix + element_name(word.text)
        self.controls.append(Control(site.card, word.offset, len(word.text), name))
        return name

    # ---- when all elements are known ----

    def check(self) -> None:
        """Check the references to currents; tell which resistors are shorts."""
        for control in self.controls:
            if control.name in self.branches or control.name in self.failed:
                # what failed has its message already
                continue
            place = (control.card, control.offset, control.length)
            if control.name in self.builder:
                message = f"the current of {control.name} can't control anything"
                hint = f"put a 0 V source in series with {control.name} and use its current"
            else:
                message = f"unknown source {control.name!r}"
                hint = did_you_mean(control.name, sorted(self.branches)) or (
                    "the current of a V, L, E or H element is meant here"
                )
            self.report.add("E114", message, *place, hint=hint)
        if self.shorts:
            name, card = self.shorts[0]
            more = len(self.shorts) - 1
            message = f"{name} is an ideal short (ngspice makes it 1 mOhm)"
            if more:
                message += f"; so {'is 1 other' if more == 1 else f'are {more} others'}"
            self.report.add("N102", message, card)


def _offset(value: Value) -> int:
    return value.offset if isinstance(value, Expression) else 0


def _place(card: Card) -> tuple[int, int]:
    start = len(card[2]) - len(card[2].lstrip())
    return start, len(card[2].strip())


def _end(card: Card) -> int:
    return max(0, len(card[2].rstrip()) - 1)


#: what was read -> what places it
_FORMS: dict[type, Callable[[Placer, Site, Any], None]] = {
    Resistor: Placer._resistor,
    Reactance: Placer._reactance,
    IndependentSource: Placer._source,
    Diode: Placer._diode,
    Switch: Placer._switch,
    LinearSource: Placer._linear,
    BehaviouralSource: Placer._behavioural,
    Plain: Placer._plain,
}
