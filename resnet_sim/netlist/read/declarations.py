"""Declarations into scopes: parameters, functions, models, options, conditions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ...errors import UsageError
from ...model.devices.cards import bad_reading
from ...model.patterns import pattern
from ..dialects import OWN
from ..report import CardError, Report, did_you_mean
from ..source import Card
from .body_cache import Preparer
from .bracketed import masked, unmasked
from .cards import Assign, Braced, Expression, Item, Word
from .deck import Body, Conditional
from .grammar import parse_expression
from .items import ValueReader, read_items
from .placer import Placer
from .scope import Evaluator, Failed, Scope

#: a parameter that is swept, and the first of its values
_SWEPT = pattern(
    r"""\bparam\s+([^\W0-9][\w.#$]*)\s+(?:(?:list|lin|dec|oct)\s+)?(\{[^{}]*\}|'[^']*'|[^\s,{}']+)"""
)
_CONDITION = pattern(r"\s*\.\s*\w+\s*")
#: options for MOSFETs whose cards don't say how large they are
GEOMETRY = ("defl", "defw", "defad", "defas")
#: options for what lies between every node and ground
SHUNTS = ("rshunt", "gshunt")
#: options that change the circuit; the others are about algorithms that are not used here
_OPTIONS = ("temp", "tnom", "vfwd", "gmin", "diodes", "scale", *SHUNTS, *GEOMETRY)
#: options that change it and are refused: where they do nothing, in whose decks they mean
#: something, and what can be done
_REFUSED = {
    "rseries": (0.0, ("ltspice",), "write Rser= on the L cards"),
    "minres": (0.0, ("xyce",), "give the models the resistances that they lack"),
    "gmindc": (1e-12, ("hspice",), "write gmin="),
    "gdcpath": (0.0, ("hspice",), "write gshunt="),
    "scalm": (1.0, ("hspice",), "write the sizes in the models in metres"),
    "wl": (0.0, ("hspice",), "write l= and w="),
}


class Gatherer:
    """Enters the declarations of bodies into their scopes.

    Attributes
    ----------
    commands : list of (str, Card)
        Dot cards that ask for analyses or outputs.
    executed : int
        How many dot cards were executed that change more than their scope.
    inner_first : bool
        Parameters of subcircuits come before those of the deck.
    """

    def __init__(
        self,
        report: Report,
        preparer: Preparer,
        evaluator: Evaluator,
        placer: Placer,
        overrides: Mapping[str, float],
        fixed: frozenset[str],
        *,
        quick: bool,
    ) -> None:
        self._report, self._preparer = report, preparer
        self._evaluator, self._placer, self._quick = evaluator, placer, quick
        self._overrides = overrides
        self._fixed = fixed
        self.commands: list[tuple[str, Card]] = []
        self.executed = 0
        self.inner_first = report.dialect.inner_first
        self._has_temperature = False

    def gather(self, body: Body, scope: Scope, top: Scope) -> None:
        """Enter what a body declares, then what the branches declare that hold."""
        declared = self._preparer.declarations(body)
        for name, value in declared.parameters:
            if scope is top and name in self._overrides:
                scope.values[name] = self._overrides[name]
            elif name in scope.given:
                continue
            elif isinstance(value, Expression):
                scope.values.pop(name, None)
                scope.definitions[name] = value
            else:
                scope.values[name] = value
        scope.functions.update(declared.functions)
        scope.model_cards.update(declared.models)
        scope.subcircuits.update(declared.subcircuits)
        if scope is top:
            self._declare_swept(declared.commands, scope)
        for keyword, card in declared.commands:
            self.executed += 1
            try:
                self._command(keyword, card, top)
            except CardError as error:
                self._report.error(error, card)
            except Failed:
                pass
        for item in body.items:
            if isinstance(item, Conditional):
                branch = self._branch(item, scope)
                scope.branches[id(item)] = branch
                if branch is not None:
                    self.gather(branch, scope, top)

    def _declare_swept(self, commands: list[tuple[str, Card]], top: Scope) -> None:
        """Declare parameters that only a sweep gives a value: its first one."""
        for keyword, card in commands:
            for match in _SWEPT.finditer(card[2]) if keyword in ("step", "dc") else ():
                name, start = match[1], match.start(2)
                if name in top.values or name in top.definitions:
                    continue
                text = match[2]
                item = Braced(text[1:-1], start + 1) if text[0] in "{'" else Word(text, start)
                if name in self._overrides:
                    top.values[name] = self._overrides[name]
                    continue
                try:
                    value = ValueReader(card, self._report).value(item)
                except CardError:
                    continue  # what is wrong with the sweep is said when it is read
                if isinstance(value, Expression):
                    top.definitions[name] = value
                else:
                    top.values[name] = value

    def set_temperature(self, temperature: float, top: Scope) -> None:
        """Set the temperature (Celsius) unless an override has."""
        temperature = self._overrides.get("temp", temperature)
        self._placer.models.conditions.temperature = top.values["temper"] = temperature
        if "temp" not in top.definitions:
            top.values["temp"] = temperature

    def check_overrides(self, top: Scope, others: set[str]) -> None:
        """Check that the overrides name parameters, or one of some others.

        Raises
        ------
        UsageError
        """
        known = {*top.values, *top.definitions, *others}
        for name, value in self._overrides.items():
            model, _, parameter = name.partition("(")
            if name not in known and not (parameter and model in top.model_cards):
                hint = did_you_mean(name, sorted(known))
                raise UsageError(f"no parameter {name!r}" + (f": {hint}" if hint else ""))
            if math.isnan(value):
                raise UsageError(f"the value of parameter {name!r} is not a number")

    def _command(self, keyword: str, card: Card, top: Scope) -> None:
        if keyword == "global":
            text = masked(card[2], len(card[2])) or card[2]
            for item in unmasked(read_items(text, quick=self._quick)[1:]):
                if isinstance(item, Word):
                    self._placer.global_nodes.add(item.text)
        elif keyword == "options":
            self._options(card, top)
        elif keyword == "temp":
            items = read_items(card[2].replace("=", " "), quick=self._quick)[1:]
            if len(items) == 1 and not isinstance(items[0], Assign):
                value = ValueReader(card, self._report).value(items[0])
                self.set_temperature(self._evaluator.number(value, top), top)
                self._has_temperature = True
            else:
                # several temperatures are a sweep
                self.commands.append((keyword, card))
        else:
            self.commands.append((keyword, card))

    def _options(self, card: Card, top: Scope) -> None:
        reader = ValueReader(card, self._report)
        for item in read_items(card[2], quick=self._quick)[1:]:
            key = item.key if isinstance(item, Assign) else item
            if isinstance(item, Assign) and key.text == "parhier":
                self.inner_first = item.value.text == "local"
                continue
            if key.text in _REFUSED:
                self._refuse(card, item, top)
                continue
            if not isinstance(item, Assign) or key.text not in _OPTIONS:
                message = f"option {key.text} has no effect"
                self._report.add("N105", message, card, key.offset, len(key.text))
                continue
            if key.text == "diodes":
                self._read_diodes(card, item)
                continue
            value = self._evaluator.number(reader.value(item.value), top)
            if not math.isfinite(value):
                raise CardError("E132", f"{key.text} is not finite", key.offset, len(key.text))
            if key.text == "temp":
                # a .temp card counts, wherever it stands
                if not self._has_temperature:
                    self.set_temperature(value, top)
            elif key.text == "gmin" and value < 0:
                raise CardError("E132", "gmin must be 0 or more", key.offset, len(key.text))
            elif (key.text in SHUNTS and value < 0) or (key.text == "scale" and value <= 0):
                message = (
                    f"{key.text} must be {'more than 0' if key.text == 'scale' else '0 or more'}"
                )
                raise CardError("E132", message, key.offset, len(key.text))
            elif key.text in ("scale", *SHUNTS, *GEOMETRY):
                self._placer.options[key.text] = value
            else:
                self._set(
                    {"tnom": "nominal", "vfwd": "forward_drop"}.get(key.text, key.text), value
                )

    def _refuse(self, card: Card, item: Item, top: Scope) -> None:
        """Refuse an option that changes the circuit; where nobody knows it, it does nothing."""
        key = item.key if isinstance(item, Assign) else item
        neutral, whose, hint = _REFUSED[key.text]
        value = 1.0
        if isinstance(item, Assign):
            value = self._evaluator.number(ValueReader(card, self._report).value(item.value), top)
        name = self._report.dialect.name
        if value != neutral and name in (OWN.name, *whose):
            message = f"option {key.text} is not supported"
            raise CardError("E115", message, key.offset, len(key.text), hint)
        self._report.add(
            "N105", f"option {key.text} has no effect", card, key.offset, len(key.text)
        )

    def _read_diodes(self, card: Card, item: Assign) -> None:
        reading = item.value.text
        if known := bad_reading(reading):
            hint = f"diodes= takes {known}"
            message = f"diodes={reading} is not known"
            raise CardError("E103", message, item.value.offset, len(reading), hint)
        self._set("diodes", reading)

    def _set(self, name: str, value: float | str) -> None:
        """Set what the whole deck says, unless the caller has."""
        if name not in self._fixed:
            setattr(self._placer.models.conditions, name, value)

    def _branch(self, conditional: Conditional, scope: Scope) -> Body | None:
        """Return the first branch whose condition holds."""
        chosen = None
        bodies = [body for _, body in conditional.branches]
        for card, body in conditional.branches:
            if card is None or self._holds(card, scope):
                chosen = body
                break
        if self._report.dialect.misreads:
            self._warn_of_parameters(bodies, chosen)
        return chosen

    def _warn_of_parameters(self, bodies: Sequence[Body], chosen: Body | None) -> None:
        """Warn of parameters that ngspice takes from branches whose condition does not hold."""
        found = [
            next((c for key, c in body.declarations if key == "param"), None) for body in bodies
        ]
        at = bodies.index(chosen) if chosen is not None else -1
        # the last card of the text counts there
        card = next((c for c in found[at + 1 :] if c), None)
        if card is None and at >= 0 and found[at] is None:
            card = next((c for c in found[:at] if c), None)
        if card is not None:
            message = "ngspice takes parameters from all branches, whatever the conditions"
            hint = "write one card: .param r='condition ? value : otherwise'"
            self._report.add("W123", message, card, hint=hint)

    def _holds(self, card: Card, scope: Scope) -> bool:
        match = _CONDITION.match(card[2])
        offset = match.end() if match else 0
        try:
            if not card[2][offset:].strip():
                hint = "the form is: .if (condition)"
                raise CardError("E104", "too few fields: the condition is missing", -1, 1, hint)
            program = parse_expression(card[2][offset:], self._report.dialect.numerals)
            return self._evaluator.number(Expression(program, card, offset), scope) != 0
        except CardError as error:
            error.offset += offset
            self._report.error(error, card)
        except Failed:
            pass
        return False
