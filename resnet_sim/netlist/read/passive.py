"""Resistors, reactances and independent sources to elements of the circuit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ...model.devices import CARDS
from ...model.formula import Formula
from ..report import CardError
from ..source import Card
from .cards import Expression, IndependentSource, Reactance, Resistor, Value, Waveform, Word
from .items import ValueReader, too_many
from .resistance import latest, sheet_resistance, temperature_factor
from .sites import Places, Site
from .waveforms import WAVEFORMS, Shift, Unspecified


class PassivePlacer(Places):
    """Places what depends on nothing else in the circuit: one method a form of card."""

    def _resistor(self, site: Site, device: Resistor) -> None:
        device = self._settled(site, device) if device.doubtful else device
        given: dict[str, float] = {}
        value = None
        if device.parameters:
            given = self._parameters(device.parameters, site.scope)
            value = latest(given, "r", "resistance")
        if value is None and device.value is not None:
            value = self.evaluator.number(device.value, site.scope)
        model: dict[str, Any] = {}
        if device.model is not None:
            model, value = self._model_or_value(site, device.model, value)
        if "formula" in model:
            self._tabled(site, device, model["formula"], value, given)
            return
        if value is None:
            value = self._of_model(site, model, given)
        if value is None:
            hint = "write 0 for an ideal short"
            raise CardError(
                "E129", f"resistor {site.name} has no value", _end(site.card), hint=hint
            )
        factor = self._factor(site, model, device) if self.report.dialect.multiplies else 1.0
        if model or given:
            factor *= temperature_factor(model, given, self.temperature, self.nominal)
            factor *= given.get("scale", 1.0)
        ohms = value * factor
        if ohms == -math.inf or math.isnan(ohms):
            raise CardError("E132", f"{site.name}: {ohms:g} ohm make no resistor")
        if ohms == 0:
            ohms = self.report.dialect.short
            self.shorts.append((site.name, site.card))
        if given or site.scope.multiplier != 1.0:
            count = self._parallel(site, given)
            ohms, factor = ohms / count, factor / count
        if factor != 1.0:
            self.factors[site.name] = factor
        if "tol" in given:
            if not 0 <= given["tol"] < math.inf:
                raise CardError("E132", f"{site.name}: tol={given['tol']:g} is no tolerance in %")
            self.spread[site.name] = given["tol"] / 100.0
        self.builder.resistor(site.name, site.p, site.q, ohms, at=site.card[:2])

    def _model_or_value(
        self, site: Site, word: Word, value: float | None
    ) -> tuple[dict[str, Any], float | None]:
        """Return the model that a word names, and the value: a bare parameter gives one."""
        known = any(word.text in scope.model_cards for scope in site.scope.enclosing())
        if known or value is not None:
            return dict(self._model(word, site.scope, "resistor").values), value
        parameter: Value = Expression((("name", word.text, 0),), site.card, word.offset)
        if word.text[0] in "+-":
            parameter = ValueReader(site.card, self.report).value(word)
        return {}, self.evaluator.number(parameter, site.scope)

    def _current(self, site: Site, formula: Formula) -> None:
        """Add a source of current by a formula of its ends."""
        from ...model.softened import at as ending

        formula = ending(formula, site.p, site.q)
        ends, at = (site.name, site.p, site.q), site.card[:2]
        self.builder.behavioural_source(*ends, is_voltage=False, formula=formula, at=at)

    def _tabled(
        self, site: Site, device: Resistor, formula: Formula, value: float | None,
        given: Mapping[str, float],
    ) -> None:  # fmt: skip
        """Add a resistor whose model is a table."""
        assert device.model is not None
        others = [key for key in given if key not in ("m", "noisy", "dtemp", "temp")]
        if value is not None or others:
            message = f"{site.name} has a table: nothing else can be given but m="
            raise CardError("E104", message, device.model.offset, len(device.model.text))
        count = self._parallel(site, given)
        self._current(site, formula.scaled(count) if count != 1.0 else formula)

    def _settled(self, site: Site, device: Resistor) -> Resistor:
        """Tell which of two items that look like values is the name of a model."""
        cards = [home.model_cards for home in site.scope.enclosing()]
        words = [item for item in device.doubtful if isinstance(item, Word)]
        models = [w for w in words if any(w.text in known for known in cards)]
        values = [item for item in device.doubtful if item not in models[:1]]
        if len(values) > 1:
            raise too_many(site.card, values[1:], CARDS["r"][1].usage)
        if self.report.dialect.misreads and (models[0] is device.doubtful[0] or len(words) < 2):
            message = f"ngspice takes {models[0].text} for a number here"
            place = models[0].offset, len(models[0].text)
            raise CardError("E138", message, *place, "call the model otherwise")
        reader = ValueReader(site.card, self.report)
        value = reader.value(values[0], unit="ohm") if values else None
        return Resistor(value, models[0] if models else None, device.parameters)

    def _factor(self, site: Site, model: Mapping[str, float], device: Resistor) -> float:
        """Return what a model multiplies by, in PSpice and Xyce."""
        if model.get("rsh") and (model.get("narrow") or model.get("short")):
            raise CardError("E115", f"{site.name}: narrow and short are read as in ngspice only")
        gives_value = device.value is not None or any(k == "r" for k, _ in device.parameters)
        return model.get("r", 1.0) if gives_value or model.get("rsh") else 1.0

    def _of_model(
        self, site: Site, model: Mapping[str, float], given: Mapping[str, float]
    ) -> float | None:
        """Return the resistance that a model gives, None if it gives none."""
        scale = self.options.get("scale", 1.0)
        sized = {key: scale * given[key] for key in ("l", "w") if key in given}
        value = sheet_resistance(model, {**given, **sized})
        if value is None:
            return latest(model, "r", "resistance", "res")
        if any(model.get(key) for key in ("narrow", "dw", "short", "dlr")):
            message = f"{site.name} has rsh (l - 2 short) / (w - 2 narrow) = {value:g} ohm"
            self.report.add("N106", message, site.card, hint="this is ngspice's law")
        return value

    def _reactance(self, site: Site, device: Reactance) -> None:
        value = 0.0
        if isinstance(device.value, float) or not reads_circuit(device.value):
            value = self._number(device.value, site.scope, "the value")
        plain = [p for p in device.parameters if isinstance(p[1], float) or not reads_circuit(p[1])]
        given = self._parameters(tuple(plain), site.scope)
        count = self._parallel(site, given)
        if site.letter == "l":
            series, across = given.get("rser"), given.get("rpar", math.inf)
            if series is None:
                series = self._coil(site)
            ohms = series if across == math.inf else 1 / (1 / series + 1 / across) if series else 0
            site = self._behind(site, "rser", ohms / count)
            self.branches.add(site.name)
            self.builder.inductor(site.name, site.p, site.q, value / count, at=site.card[:2])
        elif "rpar" in given:
            # its current at DC is that of the resistance
            self.builder.resistor(
                site.name, site.p, site.q, given["rpar"] / count, at=site.card[:2]
            )
        else:
            self.builder.capacitor(site.name, site.p, site.q, value * count, at=site.card[:2])

    def _coil(self, site: Site) -> float:
        """Return the resistance of a coil that gives none: coupled ones have none."""
        ohms = self.report.dialect.coil
        return 0.0 if not ohms or site.scope.body.couples(site.card) else ohms

    def _source(self, site: Site, device: IndependentSource) -> None:
        given = self._parameters(device.parameters, site.scope)
        value = self._number(device.value, site.scope, "the value")
        if device.waveform is not None:
            value = self._at_start(site, device.waveform, given)
        if site.letter == "i":
            self._current_source(site, device, value, given)
            return
        around = site.scope.multiplier
        self._beside(site, given, around)
        series = given.get("rser", given.get("z0", 50.0) if "portnum" in given else 0.0)
        site = self._behind(site, "rser", series / around)
        if value != 0 and self.builder.node(site.p) == self.builder.node(site.q):
            message = f"both ends of {site.name} are on node {site.p}, which shorts its {value:g} V"
            raise CardError("E122", message, *_place(site.card), "check the node names")
        self.branches.add(site.name)
        self.builder.voltage_source(site.name, site.p, site.q, value, at=site.card[:2])

    def _at_start(self, site: Site, waveform: Waveform, given: Mapping[str, float]) -> float:
        """Return what a function of time is at t = 0."""
        arguments = [self._number(a, site.scope, "an argument") for a in waveform.arguments]
        shift = Shift(given.get("td", 0.0), given.get("r"))
        try:
            return WAVEFORMS[waveform.name.text](arguments, shift)
        except (Unspecified, ArithmeticError) as error:
            word = waveform.name
            raise CardError("E104", str(error), word.offset, len(word.text)) from None

    def _current_source(
        self, site: Site, device: IndependentSource, value: float, given: Mapping[str, float]
    ) -> None:
        count = self._parallel(site, given)
        ends, at = (site.name, site.p, site.q), site.card[:2]
        if count != 1.0:
            self.factors[site.name] = count
        self._beside(site, given, count)
        is_pwl = device.waveform is not None and device.waveform.name.text == "pwl"
        if "r" in given and not is_pwl:
            if value != 0:
                raise CardError("E115", f"{site.name} is a current source and a resistance")
            self.builder.resistor(*ends, given["r"] / count, at=at)
        elif "load" in given:
            # a load takes its current, but delivers none
            if value < 0:
                raise CardError("E132", f"{site.name}: a load takes a positive current")
            self.builder.add("limiters", *ends, value * count, 0.0, at=at)
        else:
            self.builder.current_source(*ends, value * count, at=at)


def reads_circuit(value: Expression) -> bool:
    """Tell whether an expression is about voltages or currents."""
    return any(op[0] == "probe" for op in value.program)


def _place(card: Card) -> tuple[int, int]:
    start = len(card[2]) - len(card[2].lstrip())
    return start, len(card[2].strip())


def _end(card: Card) -> int:
    return max(0, len(card[2].rstrip()) - 1)
