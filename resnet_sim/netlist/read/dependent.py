"""Sources that voltages and currents set, and resistors that do, to elements of the circuit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...model.formula import Call, Formula, Sum, polynomial
from ...model.patterns import pattern
from ..expressions.programs import Reading
from ..report import CardError
from .cards import BehaviouralSource, Expression, LinearSource, Resistor, Word
from .fields import element_name
from .passive import PassivePlacer, reads_circuit
from .resistance import temperature_factor
from .sites import Control, Site

#: a gain with its name
_NAMED = pattern(r"\bgain\s*=")


class DependentPlacer(PassivePlacer):
    """Places what depends on the rest of the circuit: one method a form of card."""

    def _control(self, word: Word, site: Site, *, is_formula: bool = False) -> str:
        name = site.scope.prefix + element_name(word.text)
        self.controls.append(Control(site.card, word.offset, len(word.text), name, is_formula))
        return name

    def _linear(self, site: Site, device: LinearSource) -> None:
        given = self._parameters(device.parameters, site.scope)
        self._tell_own(site, given.get("m", 1.0))
        if site.letter == "g" and site.scope.multiplier != 1.0 and _NAMED.search(site.card[2]):
            self.differs(site, "gain=")
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
        if not device.parameters and not isinstance(device.value, Expression):
            self._resistor(site, device)
            return
        parameters = dict(device.parameters)
        named = [parameters.pop(key) for key in ("resistance", "r") if key in parameters]
        value = named[-1] if named else device.value
        if not isinstance(value, Expression) or not reads_circuit(value):
            self._resistor(site, device)
            return
        read = self.evaluator.reading(value, site.scope, in_source=True)
        if not isinstance(read, Reading):  # what it reads of the circuit is not used
            read = Reading(Formula(Sum(read)))
        given = self._parameters(tuple(parameters.items()), site.scope)
        self._tell_own(site, given.get("m", 1.0))
        ohms = self._named(site, value, read.formula)
        across = Sum(voltages=((site.p, 1.0), (site.q, -1.0)))
        amps = given.get("m", 1.0) / self._multiplied(site, device, given)
        flow = Sum(calls=((len(ohms.calls), amps),))
        formula = Formula(flow, (*ohms.calls, Call("/", (across, ohms.value))))
        read = Reading(formula, (*read.places, (0, 1)))
        self._nonlinear(site, BehaviouralSource(False, value, ()), read, formula)

    def _multiplied(self, site: Site, device: Resistor, given: Mapping[str, float]) -> float:
        """Return what else than the formula of a resistance multiplies it."""
        model: Mapping[str, float] = {}
        if device.model is not None:
            model = self._model(device.model, site.scope, "resistor").values
        # to ngspice it is a B source
        alone = self.report.dialect.misreads
        nominal = 27.0 if alone else self.nominal
        factor = temperature_factor(model, given, self.temperature, nominal)
        factor *= given.get("scale", 1.0)
        if self.report.dialect.multiplies:
            factor *= self._factor(site, dict(model), device)
        kept = {key: given[key] for key in ("tc1", "tc2") if key in given}
        if alone and factor != temperature_factor({}, kept, self.temperature, nominal):
            message = f"{site.name}: beside a formula ngspice knows m, tc1 and tc2 alone"
            raise CardError("E138", message, hint="let the formula say the rest")
        return factor

    def _named(self, site: Site, expression: Expression, formula: Formula) -> Formula:
        """Return a formula with the full names of nodes and elements."""
        places = {
            f"{op[4]}:{str(op[1])[1]}" if op[0] == "terminal" else str(op[4]): (
                expression.offset + int(op[2]),
                int(op[3]),
            )
            for op in expression.program
            if op[0] == "terminal" or op[:2] == ("probe", "i")
        }
        return formula.renamed(
            lambda node: self.nodes((str(node),), site.scope)[0],
            lambda of: self._control(
                Word(str(of), places.get(str(of), (0, 1))[0]), site, is_formula=True
            ),
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
        formula = _limited(formula, given)
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


def _limited(formula: Formula, given: Mapping[str, float]) -> Formula:
    """Return what becomes of a source whose size counts, or that has limits."""
    value, calls = formula.value, list(formula.calls)
    wanted: list[tuple[str, tuple[Sum, ...]]] = [("abs", ())] if given.get("abs") else []
    wanted += [
        (f, (Sum(given[key]),)) for key, f in (("max", "min"), ("min", "max")) if key in given
    ]
    for name, bound in wanted:
        calls.append(Call(name, (value, *bound)))
        value = Sum.of_call(len(calls) - 1)
    return Formula(value, tuple(calls))
