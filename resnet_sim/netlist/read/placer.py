"""Element cards to elements of the circuit: names, nodes and values are filled in here."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...errors import UsageError
from ...model.devices import CARDS, DEVICES, Table
from ...model.formula import Call, Formula, Sum, polynomial
from ..expressions.machine import Reading
from ..report import CardError, Hint, suggestion
from .cards import (
    BehaviouralSource,
    Diode,
    Element,
    Expression,
    IndependentSource,
    Line,
    LinearSource,
    Plain,
    Reactance,
    Resistor,
    Switch,
    Transistor,
    Word,
)
from .fields import element_name
from .items import ValueReader, too_many
from .passive import PassivePlacer, reads_circuit
from .resistance import temperature_factor
from .scope import Failed, Scope
from .sites import Control, Site

if TYPE_CHECKING:
    from ...model.devices.multipole import Multipole


class Placer(PassivePlacer):
    """Adds elements to a builder."""

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

    # ---- one method a form of card ----

    def _diode(self, site: Site, device: Diode) -> None:
        if device.model is None:
            self.builder.diode(site.name, site.p, site.q, at=site.card[:2])
            return
        made = self._model(device.model, site.scope, "diode").made
        columns = made.columns
        if made.own is not None and (device.parameters or site.scope.multiplier != 1.0):
            if site.letter == "a" and site.scope.multiplier != 1.0:
                self.differs(site, "A devices")
            given = self._parameters(device.parameters, site.scope)
            columns = made.own({**given, "m": self._parallel(site, given)})
        if "formula" in columns:
            self._current(site, columns["formula"])
            return
        row = self._row(site, made.table, columns)
        self.builder.add_row(made.table, site.name, site.p, site.q, site.card[:2], *row)

    def _row(self, site: Site, table: str, columns: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the checked values of an element: once for all that share the columns."""
        kept = self.rows.get(id(columns))
        if kept is None:
            device = DEVICES[table]
            assert issubclass(device, Table)
            # the columns are kept, too, so that no others come to have their identity
            kept = self.rows[id(columns)] = columns, device.row(site.name, **columns)
        return kept[1]

    def _moving(self, site: Site, device: Switch, values: Mapping[str, float]) -> bool:
        """Place a switch that moves smoothly; False if it has states instead."""
        on, off = values["r_on"], values["r_off"]
        if device.fixed or values["hysteresis"] >= 0 or on == 0 or math.isinf(off):
            return False
        from ...model import softened

        if values["inverted"]:
            on, off = off, on
        if len(device.control) == 2:
            p, q = self.nodes([word.text for word in device.control], site.scope)
            control = Sum(voltages=((p, 1.0), (q, -1.0)))
        else:
            control = Sum(currents=((self._control(device.control[0], site), 1.0),))
        formula = softened.switch(control, on, off, values["threshold"], -values["hysteresis"])
        self._sourced(site, False, softened.at(formula, site.p, site.q))
        return True

    def _switch(self, site: Site, device: Switch) -> None:
        of_voltage = len(device.control) == 2
        kind = "voltage switch" if of_voltage else "current switch"
        values = dict(self._model(device.model, site.scope, kind).values)
        if self._moving(site, device, values):
            return
        around = site.scope.multiplier
        if around != 1.0:
            self.differs(site, "switches")
            values["r_on"] /= around
            values["r_off"] /= around
            if not of_voltage:
                values["threshold"] *= around
                values["hysteresis"] *= around
        control: Any = None
        if device.fixed:
            pass
        elif of_voltage:
            control = tuple(self.nodes([word.text for word in device.control], site.scope))
        else:
            control = self._control(device.control[0], site)
        closed = device.closed
        if values.pop("inverted"):
            if of_voltage:
                control = control and control[::-1]
                values["threshold"] *= -1.0
            elif values["r_off"] == math.inf:
                raise CardError("E115", f"{site.name} closes when its current falls: give Roff")
            else:
                # what is called closed is above the threshold
                values["r_on"], values["r_off"] = values["r_off"], values["r_on"]
                closed = not closed
        self.builder.switch(
            site.name,
            site.p,
            site.q,
            control=control,
            closed=closed,
            at=site.card[:2],
            **values,
        )

    def _linear(self, site: Site, device: LinearSource) -> None:
        given = self._parameters(device.parameters, site.scope)
        self._tell_own(site, given.get("m", 1.0))
        scale = given.get("m", 1.0) * given.get("scale", 1.0) * self._heat(given)
        constant = self._number(device.constant, site.scope, "the constant") * scale
        voltages: list[tuple[str, float]] = []
        currents: list[tuple[str, float]] = []
        forms: list[Sum] = []
        gains: list[float] = []
        for control, value in zip(device.controls, device.gains, strict=True):
            gain = self._number(value, site.scope, "the gain") * scale
            if len(control) == 2:
                p, q = self.nodes([word.text for word in control], site.scope)
                voltages += [(p, gain), (q, 0.0 - gain)]  # 0.0 - gain: never -0.0
                forms.append(Sum(voltages=((p, 1.0), (q, -1.0))))
            else:
                currents.append((self._control(control[0], site), gain))
                forms.append(Sum(currents=((currents[-1][0], 1.0),)))
            gains.append(gain)
        more = [self._number(v, site.scope, "a coefficient") * scale for v in device.products]
        formula = Formula(Sum(constant, tuple(voltages), tuple(currents)))
        if any(more):
            formula = polynomial(constant, forms, gains + more)
        formula = _limited(formula, given)
        if formula.is_affine:
            self._controlled(site, device.is_voltage, voltages, currents, constant)
        else:
            self._sourced(site, device.is_voltage, formula)

    def _heat(self, given: Mapping[str, float]) -> float:
        return temperature_factor({}, given, self.temperature, self.nominal)

    def _ohmic(self, site: Site, device: Resistor) -> None:
        """Place a resistor, or if its resistance is a formula, a source of current."""
        parameters = dict(device.parameters)
        named = [parameters.pop(key) for key in ("resistance", "r") if key in parameters]
        value = named[-1] if named else device.value
        if not isinstance(value, Expression) or not reads_circuit(value):
            self._resistor(site, device)
            return
        read = self.evaluator.reading(value, site.scope, in_source=True)
        assert isinstance(read, Reading)  # as it reads the circuit
        given = self._parameters(tuple(parameters.items()), site.scope)
        self._tell_own(site, given.get("m", 1.0))
        ohms = self._named(site, value, read.formula)
        across = Sum(voltages=((site.p, 1.0), (site.q, -1.0)))
        amps = given.get("m", 1.0) / given.get("scale", 1.0) / self._heat(given)
        flow = Sum(calls=((len(ohms.calls), amps),))
        formula = Formula(flow, (*ohms.calls, Call("/", (across, ohms.value))))
        read = Reading(formula, (*read.places, (0, 1)))
        self._nonlinear(site, BehaviouralSource(False, value, ()), read, formula)

    def _named(self, site: Site, expression: Expression, formula: Formula) -> Formula:
        """Return a formula with the full names of nodes and elements."""
        places = {
            str(op[4]): (expression.offset + int(op[2]), int(op[3]))
            for op in expression.program
            if op[0] == "probe" and op[1] == "i"
        }
        return formula.renamed(
            lambda node: self.nodes((str(node),), site.scope)[0],
            lambda of: self._control(Word(str(of), places.get(str(of), (0, 1))[0]), site),
        )

    def _behavioural(self, site: Site, device: BehaviouralSource) -> None:
        expression = device.expression
        read = self.evaluator.reading(expression, site.scope, in_source=True)
        if not isinstance(read, Reading):
            read = Reading(Formula(Sum(read)))
        given = self._parameters(device.parameters, site.scope)
        # ngspice heats formulas from 27 degrees, whatever the nominal temperature
        self._tell_own(site, given.get("m", 1.0))
        count, heat = given.get("m", 1.0), temperature_factor({}, given, self.temperature, 27.0)
        scale = (1 / count if given.get("reciprocm") else count) * (
            1 / heat if given.get("reciproctc") else heat
        )
        formula = self._named(site, expression, read.formula.scaled(scale))
        self._beside(site, given, site.scope.multiplier)
        if device.is_voltage:
            site = self._behind(site, "rser", given.get("rser", 0.0) / site.scope.multiplier)
        if formula.is_affine:
            constant, voltages, currents, _ = formula.value
            self._controlled(site, device.is_voltage, voltages, currents, constant)
        else:
            self._nonlinear(site, device, read, formula)

    def _nonlinear(
        self, site: Site, device: BehaviouralSource, read: Reading, formula: Formula
    ) -> None:
        """Place a source that is not affine."""
        from ...model.clamps import BadFormula

        try:
            self._sourced(site, device.is_voltage, formula)
        except BadFormula as error:
            offset, length = read.places[error.call]
            offset += device.expression.offset
            raise CardError("E120", str(error), offset, length) from None

    def _sourced(self, site: Site, is_voltage: bool, formula: Formula) -> None:
        """Add a source that is not affine to the circuit."""
        from ...model.clamps import clamped

        if clamped(formula).steps:
            message = f"{site.name} jumps: where it does, any value between the ends may be meant"
            self.report.add("N109", message, site.card)
        around = site.scope.multiplier
        if around != 1.0:
            # voltages are those of one, currents those of all in parallel
            self.differs(site, "what depends on a current, and B sources")
            formula = formula.shared(around)
            formula = formula if is_voltage else formula.scaled(around)
        if is_voltage:
            self.branches.add(site.name)
        self.builder.behavioural_source(
            site.name, site.p, site.q, is_voltage=is_voltage, formula=formula, at=site.card[:2]
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
        around = site.scope.multiplier
        if around != 1.0:
            # voltages are those of one, currents those of all in parallel
            if currents or (site.letter == "b" and not is_voltage):
                self.differs(site, "what depends on a current, and B sources")
            outwards, inwards = (1.0, around) if is_voltage else (around, 1.0)
            constant *= outwards
            voltages = [(node, gain * outwards) for node, gain in voltages]
            currents = [(name, gain / inwards) for name, gain in currents]
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
        table, card = CARDS[site.letter]
        for name in card.parallel:
            values[name] *= site.scope.multiplier
        if table.fixes_voltage:
            self.branches.add(site.name)
        self.builder.add(table.plural, site.name, site.p, site.q, at=site.card[:2], **values)

    def _line(self, site: Site, device: Line) -> None:
        """Place a lossless line: at DC both ports have the same voltage and current."""
        first, second = self.nodes(device.returns, site.scope)
        at = site.card[:2]
        self.branches.add(site.name)
        if self.builder.node(first) == self.builder.node(second):
            self.builder.voltage_source(site.name, site.p, site.q, 0.0, at=at)
            return
        self.builder.controlled_source(
            site.name, site.p, first, is_voltage=True,
            voltages=[(site.q, 1.0), (second, -1.0)], at=at,
        )  # fmt: skip
        self.builder.controlled_source(
            f"{site.name}#2", site.q, second, is_voltage=False, currents=[(site.name, -1.0)], at=at
        )

    def _transistor(self, site: Site, device: Transistor) -> None:
        from ...model.devices.multipole import Multipole

        kind = CARDS[site.letter][0]
        assert issubclass(kind, Multipole)
        items, at = device.items, self._model_place(device, site, kind)
        word = items[at]
        if not isinstance(word, Word):
            raise CardError("E106", "the model can't be an expression", word.offset)
        given = {"tnom": self.nominal, "temp": self.temperature}
        given |= {"gmin": self.models.conditions.gmin, **kind.from_options(self.options)}
        given |= self._model(word, site.scope, kind.kind).values
        reader = ValueReader(site.card, self.report)
        for item in items[at + 1 :]:
            if item.text != "off":
                if "area" not in kind.own:
                    raise too_many(site.card, [item], CARDS[site.letter][1].usage)
                given["area"] = self.evaluator.number(reader.value(item), site.scope)
        own = self._parameters(device.parameters, site.scope)
        own["m"] = self._parallel(site, own)
        given["temp"] += own.pop("dtemp", 0.0)
        given |= {key: value for key, value in own.items() if key in kind.defaults}
        names = [item.text for item in items[:at]] + ["0"] * (len(kind.order) - at)
        nodes = self.nodes(names, site.scope)
        self.builder.multipole(kind.plural, site.name, nodes, given, at=site.card[:2])

    def _model_place(self, device: Transistor, site: Site, kind: type[Multipole]) -> int:
        """Return where among the items the name of the model stands."""
        most = len(kind.order)
        places = [k for k in range(most - kind.optional, most + 1) if k < len(device.items)]
        for k in places:
            if any(device.items[k].text in s.model_cards for s in site.scope.enclosing()):
                return k
        return places[0]

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
                hint: Hint = f"put a 0 V source in series with {control.name} and use its current"
            else:
                message = f"unknown source {control.name!r}"
                remedy = "the current of a V, L, E or H element is meant here"
                hint = suggestion(control.name, lambda: sorted(self.branches), remedy)
            self.report.add("E114", message, *place, hint=hint)
        if self.shorts:
            name, card = self.shorts[0]
            more = len(self.shorts) - 1
            ohms = self.report.dialect.short
            what = f"{1e3 * ohms:g} mOhm" if ohms else "an ideal short (ngspice makes it 1 mOhm)"
            message = f"{name} of 0 ohm is {what}"
            if more:
                message += f"; so {'is 1 other' if more == 1 else f'are {more} others'}"
            self.report.add("N102", message, card)


def _limited(formula: Formula, given: Mapping[str, float]) -> Formula:
    """Return what becomes of a source whose size counts, or that has limits."""
    value, calls = formula.value, list(formula.calls)
    wanted: list[tuple[str, tuple[Sum, ...]]] = [("abs", ())] if given.get("abs") else []
    wanted += [
        (f, (Sum(given[key]),)) for key, f in (("max", "min"), ("min", "max")) if key in given
    ]
    for name, bound in wanted:
        calls.append(Call(name, (value, *bound)))
        value = Sum(calls=((len(calls) - 1, 1.0),))
    return Formula(value, tuple(calls))


#: what was read -> what places it
_FORMS: dict[type, Callable[[Placer, Site, Any], None]] = {
    Resistor: Placer._ohmic,
    Reactance: Placer._reactance,
    IndependentSource: Placer._source,
    Diode: Placer._diode,
    Switch: Placer._switch,
    LinearSource: Placer._linear,
    BehaviouralSource: Placer._behavioural,
    Plain: Placer._plain,
    Transistor: Placer._transistor,
    Line: Placer._line,
}
