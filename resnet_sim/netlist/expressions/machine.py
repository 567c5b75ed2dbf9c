"""Evaluating expressions: numbers, and formulas of voltages and currents.

A program is run by a stack machine.  Its values are floats, or a `Sum` where a
B source or a VALUE= reads the circuit: constant + sum gain * v(node) + sum gain * i(source)
+ sum gain * call, where a call is a function of such values that is not affine.  The machine
leaves those as they are; which can be solved is decided where the formula is used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from ...model.formula import Call, Sum, ordered
from ..report import CardError, suggestion
from .functions import BINARY, CONSTANTS, FUNCTIONS, NOMINAL, STILL, usage
from .programs import NO_MEANINGS, Names, Op, Program, Reading

Number = float | Sum

#: functions and operators that are the same under two names
_SAME = {
    **{"ternary_fcn": "if", "^": "**", "&": "&&", "|": "||", "=": "==", "<>": "!="},
    **{"stp": "u", "fabs": "abs", "arcsin": "asin", "arccos": "acos", "arctan": "atan"},
}

#: powers that differ where the base is negative
_POWERS = ("pwr", "powi")

#: steps that one expression and a whole deck may take
MAX_STEPS = 100_000
MAX_TOTAL_STEPS = 20_000_000
#: calls of .func functions within each other
MAX_CALLS = 40


class Machine:
    """Runs programs; counts the steps of a deck so that none can run for ever.

    Attributes
    ----------
    drawn : str
        A random function that was called, of which the nominal value was taken.
    """

    def __init__(self) -> None:
        self._total = 0
        self.drawn = ""

    def run(
        self, program: Program, names: Names, meanings: Mapping[str, str] = NO_MEANINGS
    ) -> float | Reading:
        """Return the value of an expression: a float unless it reads the circuit.

        Parameters
        ----------
        program : Program
        names : Names
        meanings : mapping of str to str
            Functions and operators -> those of `FUNCTIONS` that they are in the deck's language.

        Raises
        ------
        CardError
            With the offset in the text that was compiled.
        """
        first = program[0]
        if len(program) == 1 and first[0] == "number":
            return first[1]  # type: ignore[return-value]
        if len(program) == 1 and first[0] == "name":
            value = names.parameter(str(first[1]))
            if value is not None:
                return value
        run = _Run(names, meanings)
        try:
            found = run.execute(program, {}, 0)
        finally:
            self._total += run.steps
            self.drawn = self.drawn or run.drawn
        if self._total > MAX_TOTAL_STEPS:
            message = f"the expressions of the deck take more than {MAX_TOTAL_STEPS} steps"
            raise CardError("E125", message)
        return run.reading(found) if isinstance(found, Sum) else found


class _Run:
    """One evaluation: the names it sees and the steps it took."""

    def __init__(self, names: Names, meanings: Mapping[str, str]) -> None:
        self.names, self.steps, self.drawn = names, 0, ""
        self.meanings = meanings
        #: calls that are no numbers -> their numbers; their places and sizes when written out
        self.calls: dict[Call, int] = {}
        self.places: list[tuple[int, int]] = []
        self.sizes: list[int] = []

    def reading(self, value: Sum) -> Reading:
        """Return a value as a formula."""
        formula, before = ordered(value, list(self.calls))
        return Reading(formula, tuple(self.places[k] for k in before))

    def execute(self, program: Program, local: Mapping[str, Number], depth: int) -> Number:
        stack: list[Number] = []
        # ends of what is chosen by a condition that is no number, innermost last
        joins: list[list[int]] = []
        at = 0
        while at < len(program) or joins:
            while joins and at == joins[-1][-1]:
                place = joins.pop()
                *stack, condition, yes, no = stack
                stack.append(self._left("if", place[0], 1, [condition, yes, no]))
            if at == len(program):
                continue
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
                stack.append(self._value(op, local))
            elif kind == "binary":
                right = stack.pop()
                if isinstance(right, Sum) or isinstance(stack[-1], Sum):
                    self.steps += _size(stack[-1]) // 16
                stack[-1] = self._binary(op, stack[-1], right)
            elif kind == "unless":
                truth = _plain(stack[-1])
                if truth is None:  # both sides are computed; the skip between tells the end
                    joins.append([_place_of(program, at - 2), at + op[1] - 1, -1])
                else:
                    stack.pop()
                    at += 0 if truth != 0 else op[1]
            elif kind == "skip":
                if joins and joins[-1][1] == at - 1:
                    joins[-1][2] = at + op[1]
                else:
                    at += op[1]
            elif kind == "call":
                n = len(stack) - op[3]
                arguments = stack[n:]
                del stack[n:]
                stack.append(self._call(op, arguments, depth))
            elif kind == "unary":
                stack[-1] = self._unary(op, stack[-1])
            elif kind == "terminal" and self.names.function(op[1]) is not None:
                stack.append(self._call(op, [self._value(("name", op[4], op[2]), local)], depth))
            else:
                stack.append(_probe(op))
        return stack[-1]

    def _value(self, op: Op, local: Mapping[str, Number]) -> Number:
        return local[op[1]] if op[1] in local else self._name(op)  # type: ignore[index]

    def _name(self, op: Op) -> float:
        name, offset = str(op[1]), int(op[2])
        value = self.names.parameter(name)
        if value is None:
            value = CONSTANTS.get(name)
        if value is None:
            hint = suggestion(name, self.names.known, f"define it: .param {name}=...")
            raise CardError("E107", f"undefined parameter {name!r}", offset, len(name), hint)
        return value

    def _call(self, op: Op, arguments: list[Number], depth: int) -> Number:
        name, offset = str(op[1]), int(op[2])
        function = self.names.function(name)
        if function is None:
            if name in NOMINAL or (name == "limit" and len(arguments) == 2):
                self.drawn = name
            meant = self.meanings.get(name, name)
            return self._builtin(meant, offset, arguments, len(name))
        if len(function.parameters) != len(arguments):
            message = f"{name}() takes {len(function.parameters)} arguments, not {len(arguments)}"
            hint = f"write {name}({', '.join(function.parameters)})"
            raise CardError("E127", message, offset, len(name), hint)
        if depth >= MAX_CALLS:
            message = f"{name}() calls itself, or functions call each other {MAX_CALLS} deep"
            raise CardError("E117", message, offset, len(name), "functions can't be recursive")
        local = dict(zip(function.parameters, arguments, strict=True))
        first = len(self.places)
        try:
            value = self.execute(function.program, local, depth + 1)
        except CardError as error:
            # the offset belongs to the function's text: point at the call instead
            error.offset, error.length = offset, len(name)
            raise
        self.places[first:] = [(offset, len(name))] * (len(self.places) - first)
        return value

    # ---- what reads the circuit ----

    def _left(self, name: str, offset: int, length: int, arguments: list[Number]) -> Sum:
        """Return a call that depends on the circuit, to be made sense of elsewhere."""
        sums = [a if isinstance(a, Sum) else Sum(a) for a in arguments]
        call = Call(name, tuple(sums))
        number = self.calls.setdefault(call, len(self.calls))
        if number == len(self.places):
            self.places.append((offset, length))
            written = 1 + sum(1 + sum(self.sizes[k] for k, _ in some.calls) for some in sums)
            self.sizes.append(written)
            self.steps += sum(len(terms) for some in sums for terms in some[1:])
            if written > MAX_STEPS:
                message = f"written out, the expression has more than {MAX_STEPS} operations"
                raise CardError("E125", message, offset, length)
        return Sum.of_call(number)

    def _binary(self, op: Op, left: Number, right: Number) -> Number:
        symbol, offset = str(op[1]), int(op[2])
        meant = self.meanings.get(symbol)
        # even powers of negative numbers are the same everywhere
        if meant is not None and (meant not in _POWERS or not _is_even(right)):
            return self._builtin(meant, offset, [left, right], len(symbol))
        if not isinstance(left, Sum) and not isinstance(right, Sum):
            return _computed(symbol, offset, BINARY[symbol], [left, right])
        # terms of gain zero are kept: their nodes belong to the circuit
        a, b = _plain(left), _plain(right)
        if symbol in "+-":
            one = left if isinstance(left, Sum) else Sum(left)
            other = right if isinstance(right, Sum) else Sum(right)
            return one.plus(other, 1.0 if symbol == "+" else -1.0)
        if symbol in "*/" and b is not None and isinstance(left, Sum):
            return left.scaled(
                b if symbol == "*" else _computed("/", offset, BINARY["/"], [1.0, b])
            )
        if symbol == "*" and a is not None and isinstance(right, Sum):
            return right.scaled(a)
        if a is not None and b is not None:
            return _computed(symbol, offset, BINARY[symbol], [a, b])
        if symbol in "**^" and b == 1.0:
            return left
        return self._left(_SAME.get(symbol, symbol), offset, len(symbol), [left, right])

    def _unary(self, op: Op, value: Number) -> Number:
        symbol, offset = str(op[1]), int(op[2])
        if symbol == "!":
            plain = _plain(value)
            return self._left("!", offset, 1, [value]) if plain is None else float(not plain)
        if symbol == "+":
            return value
        return value.scaled(-1.0) if isinstance(value, Sum) else -value

    def _builtin(self, name: str, offset: int, arguments: list[Number], length: int) -> Number:
        known = FUNCTIONS.get(name)
        if known is None:
            hint = suggestion(name, lambda: FUNCTIONS, f"define it: .func {name}(x) {{...}}")
            raise CardError("E127", f"unknown function {name!r}", offset, length, hint)
        least, most, function = known
        if not least <= len(arguments) <= most:
            expected = f"{least}" if least == most else f"{least} to {most}"
            message = f"{name}() takes {expected} arguments, not {len(arguments)}"
            raise CardError("E127", message, offset, length, f"write {usage(name)}")
        plain = [_plain(argument) for argument in arguments]
        values = [value for value in plain if value is not None]
        if len(values) < len(plain):
            if name == "limit" and len(arguments) == 2:
                message = "limit() of a voltage or current takes 3 arguments, not 2"
                raise CardError("E127", message, offset, length, f"write {usage(name)}")
            if name in NOMINAL:
                message = f"{name}() of a voltage or current has no meaning at DC"
                raise CardError("E120", message, offset, length)
            if name in STILL:
                return _still(name, arguments)
            return self._left(_SAME.get(name, name), offset, length, arguments)
        return _computed(name, offset, function, values, length)


def _still(name: str, arguments: list[Number]) -> Number:
    """Return what a derivative, an integral or a delay is where nothing changes."""
    if name in ("delay", "absdelay"):
        return arguments[0]
    if name == "idt" and len(arguments) > 1:
        return arguments[1]
    # zero, but its nodes belong to the circuit
    return arguments[0].scaled(0.0) if isinstance(arguments[0], Sum) else 0.0


def _size(value: Number) -> int:
    return value.size if isinstance(value, Sum) else 0


def _place_of(program: Program, last: int) -> int:
    """Return the offset of an instruction, 0 if it has none."""
    op = program[last]
    return int(op[2]) if len(op) > 2 else 0


def _plain(value: Number) -> float | None:
    """Return a value that reads nothing from the circuit as a float, otherwise None."""
    if isinstance(value, Sum):
        return value.constant if value.is_constant else None
    return value


def _is_even(value: Number) -> bool:
    """Tell whether a value is an even number."""
    plain = _plain(value)
    return plain is not None and plain % 2 == 0


def _computed(
    what: str,
    offset: int,
    function: Callable[..., float],
    values: list[float],
    length: int | None = None,
) -> float:
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
    raise CardError("E121", problem, offset, len(what) if length is None else length)


def _probe(op: Op) -> Sum:
    what, kind, offset, length, *names = op
    words = [str(name) for name in names]
    if what == "terminal":
        return Sum(currents=((f"{words[0]}:{str(kind)[1]}", 1.0),))
    if kind == "i":
        if len(words) > 1:
            raise CardError("E128", "i() takes one source", int(offset), int(length))
        return Sum(currents=((words[0], 1.0),))
    voltages: dict[str | int, float] = {words[0]: 1.0}
    if len(words) > 1:
        voltages[words[1]] = voltages.get(words[1], 0.0) - 1.0
    return Sum(voltages=tuple(voltages.items()))
