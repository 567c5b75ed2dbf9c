"""Element cards to elements of the circuit: names, nodes and values are filled in here."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ...errors import UsageError
from ...model.devices import CARDS, DEVICES, Table
from ...model.formula import Sum
from ..report import CardError, Hint, suggestion
from .cards import (
    BehaviouralSource,
    Diode,
    Element,
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
from .dependent import DependentPlacer
from .items import ValueReader, too_many, twice
from .scope import Failed, Scope
from .sites import Site

if TYPE_CHECKING:
    from ...model.devices.multipole import Multipole


class Placer(DependentPlacer):
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
            site.name, site.p, site.q, control=control, closed=closed, at=site.card[:2], **values
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
                if any(key == "area" for key, _ in device.parameters):
                    raise twice("area", item.offset, len(item.text))
                given["area"] = self.evaluator.number(reader.value(item), site.scope)
        own = self._parameters(device.parameters, site.scope)
        own["m"] = self._parallel(site, own)
        given["temp"] += own.pop("dtemp", 0.0)
        scale = self.options.get("scale", 1.0)
        own |= {key: own[key] * scale**n for key, n in kind.lengths.items() if key in own}
        given |= {key: value for key, value in own.items() if key in kind.defaults}
        names = [item.text for item in items[:at]] + ["0"] * (len(kind.order) - at)
        nodes = self.nodes(names, site.scope)
        shunt = given.pop("rds", math.inf)
        self.builder.multipole(kind.plural, site.name, nodes, given, at=site.card[:2])
        if shunt < math.inf:
            ends = (f"{site.name}#rds", nodes[0], nodes[2])
            self.builder.resistor(*ends, shunt / own["m"], at=site.card[:2])

    def _model_place(self, device: Transistor, site: Site, kind: type[Multipole]) -> int:
        """Return where among the items the name of the model stands."""
        most = len(kind.order)
        places = [k for k in range(most - kind.optional, most + 1) if k < len(device.items)]
        for k in places:
            if any(device.items[k].text in s.model_cards for s in site.scope.enclosing()):
                return k
        return places[0]

    # ---- when all elements are known ----

    def check(self) -> None:
        """Check the references to currents; tell which resistors are shorts."""
        formulas = {control.name for control in self.controls if control.is_formula}
        self.builder.measure(formulas - self.branches)
        for control in self.controls:
            if control.name in self.branches or control.name in self.failed:
                # what failed has its message already
                continue
            place = (control.card, control.offset, control.length)
            if control.is_formula and self.builder.is_measured(control.name):
                continue
            device, _, letter = control.name.rpartition(":")
            if device in self.builder:
                message = f"{device} has no terminal {letter!r}"
                hint: Hint = "terminals are c b e s of Q, d g s b of M, d g s of J elements"
            elif control.name in self.builder:
                message = f"the current of {control.name} can't control anything"
                hint = f"put a 0 V source in series with {control.name} and use its current"
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
