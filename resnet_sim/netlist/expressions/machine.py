"""Evaluating expressions: numbers, and values that are affine in voltages and currents.

A program is run by a stack machine.  Its values are floats, or `Affine` objects where a
B source or a VALUE= reads the circuit: constant + sum gain * v(node) + sum gain * i(source).
Everything that would leave that family is refused by the name of the operation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from ..report import CardError, did_you_mean
from .functions import BINARY, CONSTANTS, FUNCTIONS

#: one instruction of a compiled expression
Op = tuple[str | float | int, ...]
Program = tuple[Op, ...]

#: steps that one expression and a whole deck may take
MAX_STEPS = 100_000
MAX_TOTAL_STEPS = 20_000_000
#: calls of .func functions within each other
MAX_CALLS = 40


@dataclass(frozen=True, slots=True)
class Affine:
    """``constant + sum gain * v(node) + sum gain * i(source)``.

    Attributes
    ----------
    constant : float
    voltages, currents : dict
        Node, or source, as written -> gain.
    """

    constant: float = 0.0
    voltages: Mapping[str, float] = field(default_factory=dict)
    currents: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_constant(self) -> bool:
        """Tell whether no gain is left."""
        return not any(self.voltages.values()) and not any(self.currents.values())

    def scaled(self, factor: float) -> Affine:
        """Return the product with a number."""
        return Affine(
            self.constant * factor,
            {node: gain * factor for node, gain in self.voltages.items()},
            {source: gain * factor for source, gain in self.currents.items()},
        )

    def plus(self, other: Affine, sign: float) -> Affine:
        """Return ``self + sign * other``."""
        voltages, currents = dict(self.voltages), dict(self.currents)
        for node, gain in other.voltages.items():
            voltages[node] = voltages.get(node, 0.0) + sign * gain
        for source, gain in other.currents.items():
            currents[source] = currents.get(source, 0.0) + sign * gain
        return Affine(self.constant + sign * other.constant, voltages, currents)


Number = float | Affine


class Function(NamedTuple):
    """A function defined by .func or .param."""

    parameters: tuple[str, ...]
    program: Program


class Names(Protocol):
    """Where an expression finds its parameters and functions (see `scope.Scope`)."""

    def parameter(self, name: str) -> float | None:
        """Return a value, None if the name is unknown."""

    def function(self, name: str) -> Function | None:
        """Return a function of the deck, None if there is none."""

    def known(self) -> list[str]:
        """Return the names of all parameters, for a hint."""


class Machine:
    """Runs programs; counts the steps of a deck so that none can run for ever."""

    def __init__(self) -> None:
        self._total = 0

    def run(self, program: Program, names: Names) -> Number:
        """Return the value of an expression: a float unless it reads the circuit.

        Raises
        ------
        CardError
            With the offset in the text that was compiled.
        """
        first = program[0]
        if len(program) == 1 and first[0] == "number":
            return first[1]  # type: ignore[return-value]
        run = _Run(names)
        try:
            value = run.execute(program, {}, 0)
        finally:
            self._total += run.steps
        if self._total > MAX_TOTAL_STEPS:
            message = f"the expressions of the deck take more than {MAX_TOTAL_STEPS} steps"
            raise CardError("E125", message)
        return value


class _Run:
    """One evaluation: the names it sees and the steps it took."""

    def __init__(self, names: Names) -> None:
        self.names, self.steps = names, 0

    def execute(self, program: Program, local: Mapping[str, Number], depth: int) -> Number:
        stack: list[Number] = []
        at = 0
        while at < len(program):
            op: Any = program[at]
            at += 1
            self.steps += 1
            if self.steps > MAX_STEPS:
                message = f"the expression takes more than {MAX_STEPS} steps"
                raise CardError("E125", message, hint="functions that call each other multiply")
            kind = op[0]
            if kind == "number":
                stack.append(op[1])
            elif kind == "name":
                stack.append(local[op[1]] if op[1] in local else self._name(op))
            elif kind == "binary":
                right = stack.pop()
                if isinstance(right, Affine) or isinstance(stack[-1], Affine):
                    self.steps += _size(stack[-1]) // 16
                stack[-1] = _binary(op, stack[-1], right)
            elif kind == "unless":
                at += 0 if _truth(stack.pop()) else op[1]
            elif kind == "skip":
                at += op[1]
            elif kind == "call":
                n = len(stack) - op[3]
                arguments = stack[n:]
                del stack[n:]
                stack.append(self._call(op, arguments, depth))
            elif kind == "unary":
                stack[-1] = _unary(op, stack[-1])
            else:
                stack.append(_probe(op))
        return stack[-1]

    def _name(self, op: Op) -> float:
        name, offset = str(op[1]), int(op[2])
        value = self.names.parameter(name)
        if value is None:
            value = CONSTANTS.get(name)
        if value is None:
            raise CardError(
                "E107",
                f"undefined parameter {name!r}",
                offset,
                len(name),
                did_you_mean(name, self.names.known()) or f"define it: .param {name}=...",
            )
        return value

    def _call(self, op: Op, arguments: list[Number], depth: int) -> Number:
        name, offset = str(op[1]), int(op[2])
        function = self.names.function(name)
        if function is None:
            return _builtin(name, offset, arguments)
        if len(function.parameters) != len(arguments):
            raise CardError(
                "E127",
                f"{name}() takes {len(function.parameters)} arguments, not {len(arguments)}",
                offset,
                len(name),
            )
        if depth >= MAX_CALLS:
            message = f"{name}() calls itself, or functions call each other {MAX_CALLS} deep"
            raise CardError("E117", message, offset, len(name), "functions can't be recursive")
        local = dict(zip(function.parameters, arguments, strict=True))
        try:
            return self.execute(function.program, local, depth + 1)
        except CardError as error:
            # the offset belongs to the function's text: point at the call instead
            error.offset, error.length = offset, len(name)
            raise


def _size(value: Number) -> int:
    return len(value.voltages) + len(value.currents) if isinstance(value, Affine) else 0


def _truth(value: Number) -> bool:
    if isinstance(value, Affine):
        if not value.is_constant:
            raise _nonlinear("a condition on a voltage or current", 0, 1)
        value = value.constant
    return value != 0


def _nonlinear(what: str, offset: int, length: int) -> CardError:
    return CardError(
        "E120",
        f"nonlinear: {what}",
        offset,
        length,
        "sources may only depend on voltages and currents as constant + sum of gain * v or i",
    )


def _plain(value: Number) -> float | None:
    """Return a value that reads nothing from the circuit as a float, otherwise None."""
    if isinstance(value, Affine):
        return value.constant if value.is_constant else None
    return value


def _binary(op: Op, left: Number, right: Number) -> Number:
    symbol, offset = str(op[1]), int(op[2])
    if not isinstance(left, Affine) and not isinstance(right, Affine):
        return _computed(symbol, offset, BINARY[symbol], [left, right])
    # terms of gain zero are kept: their nodes belong to the circuit
    a, b = _plain(left), _plain(right)
    if symbol in "+-":
        one = left if isinstance(left, Affine) else Affine(left)
        other = right if isinstance(right, Affine) else Affine(right)
        return one.plus(other, 1.0 if symbol == "+" else -1.0)
    if symbol in "*/" and b is not None and isinstance(left, Affine):
        return left.scaled(b if symbol == "*" else _computed("/", offset, BINARY["/"], [1.0, b]))
    if symbol == "*" and a is not None and isinstance(right, Affine):
        return right.scaled(a)
    if a is not None and b is not None:
        return _computed(symbol, offset, BINARY[symbol], [a, b])
    if symbol in "**^" and b == 1.0:
        return left
    what = {
        "*": "the product of two voltages or currents",
        "/": "a division by a voltage or current",
        "**": "a power of a voltage or current",
        "^": "a power of a voltage or current",
    }.get(symbol, f"{symbol!r} of a voltage or current")
    raise _nonlinear(what, offset, len(symbol))


def _unary(op: Op, value: Number) -> Number:
    symbol, offset = str(op[1]), int(op[2])
    if symbol == "!":
        plain = _plain(value)
        if plain is None:
            raise _nonlinear("'!' of a voltage or current", offset, 1)
        return float(not plain)
    if symbol == "+":
        return value
    return value.scaled(-1.0) if isinstance(value, Affine) else -value


def _builtin(name: str, offset: int, arguments: list[Number]) -> float:
    known = FUNCTIONS.get(name)
    if known is None:
        hint = did_you_mean(name, FUNCTIONS) or f"define it: .func {name}(x) {{...}}"
        raise CardError("E127", f"unknown function {name!r}", offset, len(name), hint)
    least, most, function = known
    if not least <= len(arguments) <= most:
        expected = f"{least}" if least == most else f"{least} or more"
        message = f"{name}() takes {expected} arguments, not {len(arguments)}"
        raise CardError("E127", message, offset, len(name))
    plain = [_plain(argument) for argument in arguments]
    values = [value for value in plain if value is not None]
    if len(values) < len(plain):
        raise _nonlinear(f"{name}() of a voltage or current", offset, len(name))
    return _computed(name, offset, function, values)


def _computed(what: str, offset: int, function: Callable[..., float], values: list[float]) -> float:
    shown = ", ".join(f"{value:g}" for value in values)
    try:
        result = function(*values)
    except ZeroDivisionError:
        problem = "division by zero"
    except OverflowError:
        problem = f"overflow: {what} of {shown}"
    except ValueError:
        problem = f"{what} of {shown} is undefined"
    else:
        if not math.isnan(result):
            return result
        problem = f"{what} of {shown} is undefined"
    raise CardError("E121", problem, offset, len(what))


def _probe(op: Op) -> Affine:
    _, kind, offset, length, *names = op
    words = [str(name) for name in names]
    if kind == "i":
        if len(words) > 1:
            raise CardError("E128", "i() takes one source", int(offset), int(length))
        return Affine(0.0, {}, {words[0]: 1.0})
    voltages = {words[0]: 1.0}
    if len(words) > 1:
        voltages[words[1]] = voltages.get(words[1], 0.0) - 1.0
    return Affine(0.0, voltages, {})
