"""Scopes: which parameter, function, model and subcircuit a name means.

Parameters are looked up as ngspice does, through the chain of instances (an inner
subcircuit sees the parameters of the one that contains it); models and subcircuits where
the text stands.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..expressions.functions import is_drawing
from ..expressions.machine import Machine
from ..expressions.programs import Function, Reading
from ..report import CardError, Report
from .cards import Expression, Model, ModelCard, Value
from .misread import refuse_comparison

if TYPE_CHECKING:
    from .deck import Body, Subcircuit


#: (number of the scope, parameter) -> where and what to compute
_Waiting = dict[tuple[int, str], tuple["Scope", Expression]]


class Failed(Exception):
    """A value depends on something that is already reported as wrong."""


class _Needed(Exception):
    """A parameter that must be computed first; see `Evaluator`."""

    def __init__(self, scope: Scope, name: str) -> None:
        super().__init__(name)
        self.scope, self.name = scope, name


@dataclass(slots=True, eq=False)
class Scope:
    """One instance of a subcircuit, or the deck itself.

    Attributes
    ----------
    prefix : str
        ``""`` or ``"x1.x2."``.
    body : Body
        The statements that are elaborated.
    caller : Scope, optional
        The instance that contains this one: the chain of parameters.
    outer : Scope, optional
        The scope in which the text stands: the chain of models and subcircuits.
    values : dict
        Parameters that are computed; None where that failed.
    definitions : dict
        Parameters that are not computed yet.
    given : mapping
        What the instance gives; stronger than a .param in the body, as in ngspice.
    multiplier : float
        So many of it are in parallel.
    nodes : dict
        Node as written -> full name.
    branches : dict
        Number (``id``) of a conditional -> the branch that holds.
    """

    prefix: str
    body: Body
    caller: Scope | None = None
    outer: Scope | None = None
    values: dict[str, float | None] = field(default_factory=dict)
    definitions: dict[str, Expression] = field(default_factory=dict)
    given: Mapping[str, float] = field(default_factory=dict)
    multiplier: float = 1.0
    functions: dict[str, Function] = field(default_factory=dict)
    model_cards: dict[str, ModelCard] = field(default_factory=dict)
    models: dict[str, Model | None] = field(default_factory=dict)
    subcircuits: dict[str, Subcircuit] = field(default_factory=dict)
    nodes: dict[str, str] = field(default_factory=dict)
    branches: dict[int, Body | None] = field(default_factory=dict)

    @property
    def is_library(self) -> bool:
        """Whether it holds the built-in parts: it is outside the deck."""
        return not self.prefix and self.outer is None

    def callers(self) -> Iterator[Scope]:
        """Yield this scope and those that contain it."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.caller

    def enclosing(self) -> Iterator[Scope]:
        """Yield this scope and those around its text."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.outer

    def parameter(self, name: str) -> float | None:
        """Return the value of a parameter, None if it is unknown."""
        for scope in self.callers():
            if name in scope.values:
                value = scope.values[name]
                if value is None:
                    raise Failed
                return value
            if name in scope.definitions:
                raise _Needed(scope, name)
        return None

    def beyond(self, name: str) -> Scope:
        """Return this scope without a parameter of its own that is being computed."""
        others = {key: value for key, value in self.definitions.items() if key != name}
        return replace(self, definitions=others)

    def function(self, name: str) -> Function | None:
        """Return a function of the deck, None if there is none of that name."""
        for scope in self.callers():
            if name in scope.functions:
                return scope.functions[name]
        return None

    def independent(self) -> dict[str, float]:
        """Return the parameters whose values are known and that no others say."""
        return {
            name: value
            for name, value in self.values.items()
            if value is not None
            and name not in ("temp", "temper")
            and (name not in self.definitions or self.definitions[name].is_constant)
        }

    def known(self) -> list[str]:
        """Return the names of all parameters in sight."""
        return [name for scope in self.callers() for name in (*scope.values, *scope.definitions)]


class Evaluator:
    """Computes values on demand, parameters in whatever order they depend on each other."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._machine = Machine()

    def number(self, value: Value, scope: Scope) -> float:
        """Return a value as a finite number or an infinity.

        Raises
        ------
        Failed
            After reporting why.
        """
        if isinstance(value, float):
            return value
        result = self.reading(value, scope)
        if isinstance(result, Reading):
            if not result.formula.value.is_constant:
                message = "voltages and currents can't be used here, only in controlled sources"
                self._report.add("E120", message, value.card, value.offset)
                raise Failed
            return result.formula.value.constant
        return result

    def reading(
        self, expression: Expression, scope: Scope, *, in_source: bool = False
    ) -> float | Reading:
        """Return the value of an expression that may read voltages and currents.

        Parameters
        ----------
        in_source : bool
            It is the formula of a source, in which some functions may mean something else.

        Raises
        ------
        Failed
            After reporting why.
        """
        # parameters that wait for another one; an explicit stack, for chains may be long
        waiting: _Waiting = {}
        dialect = self._report.dialect
        current, where = expression, scope
        while True:
            try:
                # what the expression needs are parameters, whatever it is itself
                meanings = dialect.meanings
                if in_source and not waiting:
                    refuse_comparison(current.program)
                    meanings = dialect.in_sources
                result = self._machine.run(current.program, where, meanings)
                if self._machine.drawn:
                    self._note_random(current)
                if waiting:
                    _check_parameter(next(reversed(waiting))[1], result)
            except _Needed as needed:
                key = (id(needed.scope), needed.name)
                if key in waiting and key == next(reversed(waiting)) and where.caller:
                    # p={2*p} in a subcircuit: the other one is that of the instance around it
                    where = where.beyond(needed.name)
                    continue
                if key in waiting:
                    self._circular(needed, waiting)
                    raise Failed from None
                where, current = needed.scope, needed.scope.definitions[needed.name]
                waiting[key] = (where, current)
                continue
            except CardError as error:
                error.offset += current.offset
                self._report.error(error, current.card)
                self._fail(waiting)
                raise Failed from None
            except Failed:
                self._fail(waiting)
                raise
            if not waiting:
                return result
            (_, name), (home, _) = waiting.popitem()
            home.values[name] = float(result)  # type: ignore[arg-type]
            where, current = next(reversed(waiting.values())) if waiting else (scope, expression)

    def _note_random(self, expression: Expression) -> None:
        message = f"{self._machine.drawn}() is random: its nominal value is taken"
        self._machine.drawn = ""
        if is_drawing():
            return
        hint = "resnet-sim sweep --samples 1000 draws it"
        self._report.add("N107", message, expression.card, hint=hint)

    def _circular(self, needed: _Needed, waiting: _Waiting) -> None:
        names = [name for _, name in waiting]
        chain = [*names[names.index(needed.name) :], needed.name]
        if len(chain) > 8:
            chain = [*chain[:4], "...", *chain[-3:]]
        card = needed.scope.definitions[needed.name].card
        self._report.add(
            "E117",
            f"parameter {needed.name!r} is defined by itself: {' -> '.join(chain)}",
            card,
            hint="give one of them a number",
        )
        self._fail(waiting)

    def _fail(self, waiting: _Waiting) -> None:
        for (_, name), (scope, _) in waiting.items():
            scope.values[name] = None


def _check_parameter(name: str, result: float | Reading) -> None:
    if isinstance(result, Reading):
        raise CardError("E120", f"parameter {name!r} can't depend on voltages or currents")
    if math.isnan(result):
        raise CardError("E121", f"parameter {name!r} is not a number")
