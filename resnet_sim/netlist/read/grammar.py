"""The bridge to lark: built once, only when a card needs it, and never recursive.

Expressions become programs for a stack machine while they are parsed, so that neither
parsing nor evaluating a hostile expression can exhaust Python's stack.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...model.numbers import SPICE, Numerals, read_number
from ..expressions.programs import Op, Program
from ..report import CardError
from .cards import Assign, Braced, Item, Word

if TYPE_CHECKING:
    from lark import Lark, Token

#: longest text that the grammar is asked to parse (characters)
MAX_LENGTH = 50_000

#: (name, its offset, parameter names if it is a function, program)
Definition = tuple[str, int, tuple[str, ...] | None, Program]


class _Compiler:
    """Callbacks for the rules of spice.lark, called from the leaves to the root."""

    def __init__(self, numerals: Numerals) -> None:
        self._numerals = numerals

    # ---- cards ----

    def card(self, items: list[Item]) -> tuple[Item, ...]:
        return tuple(items)

    def assignment(self, children: list[Any]) -> Assign:
        key, value = children
        return Assign(self.word([key]), value)

    def word(self, children: list[Token]) -> Word:
        return Word(str(children[0]), _start(children[0]))

    def braced(self, children: list[Token]) -> Braced:
        return Braced(str(children[0])[1:-1], _start(children[0]) + 1)

    # ---- expressions: lists of instructions ----

    def number(self, children: list[Token]) -> list[Op]:
        number = read_number(children[0], self._numerals)
        if number and number.is_rkm:
            hint = "--dialect ltspice reads it with a decimal point"
            raise CardError(
                "E128", f"{children[0]} is no number", _start(children[0]), len(children[0]), hint
            )
        # the terminal guarantees digits
        return [("number", number.value if number else 0.0)]

    def name(self, children: list[Token]) -> list[Op]:
        return [("name", str(children[0]), _start(children[0]))]

    def probe(self, children: list[Token]) -> list[Op]:
        kind, _, names = str(children[0]).partition("(")
        words = names[:-1].replace(",", " ").split()
        return [("probe", kind.strip(), _start(children[0]), len(children[0]), *words)]

    def terminal(self, children: list[Token]) -> list[Op]:
        # ib(q1) is the current of what outputs call q1:b, unless the deck has a function ib
        (op,) = self.probe(children)
        return [("terminal", *op[1:])]

    def call(self, children: list[Any]) -> list[Op]:
        name, *arguments = children
        code = [op for argument in arguments for op in argument]
        return [*code, ("call", str(name), _start(name), len(arguments))]

    def unary(self, children: list[Any]) -> list[Op]:
        operator, code = children
        code.append(("unary", "!" if operator == "~" else str(operator), _start(operator)))
        return code

    def binary(self, children: list[Any]) -> list[Op]:
        # extended in place: copying would make long sums quadratic
        left, operator, right = children
        left.extend(right)
        left.append(("binary", str(operator), _start(operator)))
        return left

    def ternary(self, children: list[list[Op]]) -> list[Op]:
        condition, yes, no = children
        return [*condition, ("unless", len(yes) + 1), *yes, ("skip", len(no)), *no]

    # ---- definitions ----

    def definition(self, children: list[Any]) -> tuple[Token, None, list[Op]]:
        return children[0], None, children[1]

    def function(self, children: list[Any]) -> tuple[Token, tuple[str, ...], list[Op]]:
        return children[0], children[1], children[2]

    def parameters(self, children: list[Token]) -> tuple[str, ...]:
        return tuple(str(name) for name in children)

    def assignments(self, children: list[Any]) -> list[Any]:
        return children


def _start(token: Token) -> int:
    return token.start_pos or 0


@cache
def _lark(numerals: Numerals) -> Lark:
    import lark

    return lark.Lark(
        (Path(__file__).parent / "spice.lark").read_text(encoding="utf-8"),
        parser="lalr",
        start=["card", "expression", "assignments", "function"],
        transformer=_Compiler(numerals),
        maybe_placeholders=False,
    )


def _parse(text: str, start: str, what: str, numerals: Numerals = SPICE) -> Any:
    if len(text) > MAX_LENGTH:
        message = f"{what} of {len(text)} characters; at most {MAX_LENGTH} are read"
        raise CardError("E125", message, hint="break it up with .param")
    import lark

    try:
        return _lark(numerals).parse(text, start=start)
    except lark.exceptions.UnexpectedToken as error:
        at_end = error.token.type == "$END"
        offset = len(text.rstrip()) if at_end else _start(error.token)
        found = "the end" if at_end else repr(str(error.token))
        missing = _missing(error.expected, "at the end" if at_end else f"before {found}")
    except lark.exceptions.UnexpectedCharacters as error:
        offset = error.pos_in_stream or 0
        found = repr(text[offset])
        missing = f"{found} means nothing in an expression: leave it out"
    raise CardError(
        "E103" if start == "card" else "E128",
        f"syntax error in {what}: {found} is not expected here",
        offset,
        hint=_syntax_hint(text) or (None if start == "card" else missing),
    )


def _missing(expected: Set[str], where: str) -> str | None:
    """Return what to write where reading stopped, by the terminals that could stand there."""
    if "NUMBER" in expected:
        return f"{where} a value is missing: a number, a parameter, v(node) or f(x)"
    if where == "before ','":
        return "commas stand between the arguments of a function, and decimals need a point"
    if "SIGN" in expected or expected <= {"$END"}:
        return f"{where} an operator is missing, such as + - * /"
    return "the form is: condition ? value : otherwise" if "COLON" in expected else None


def _syntax_hint(text: str) -> str | None:
    for opening, closing in ("()", "{}"):
        if text.count(opening) != text.count(closing):
            return f"count the {opening!r} and {closing!r}: they don't balance"
    if "{{{{" in "".join(text.split()):
        return "braces stand within each other three deep at most: use parentheses"
    if "=)" in "".join(text.split()):
        return "a value is missing behind '='"
    if text.count("'") % 2:
        return "a quote is not closed"
    if "@" in text:
        return "currents in expressions are i(r1), i(d1), ic(q1), ib(q1), id(m1)"
    if '"' in text:
        return "quote expressions with ' or { }"
    return None


def parse_card(text: str) -> tuple[Item, ...]:
    """Return the items of a card.

    Raises
    ------
    CardError
    """
    return _parse(text, "card", "card")


@cache
def parse_expression(text: str, numerals: Numerals = SPICE) -> Program:
    """Return the program of an expression.

    Raises
    ------
    CardError
    """
    return tuple(_parse(text, "expression", "expression", numerals))


def moved(program: Program, by: int) -> Iterator[Op]:
    """Yield a program whose text stands further on."""
    for op in program:
        if op[0] in ("name", "probe", "terminal", "call", "unary", "binary"):
            op = (*op[:2], int(op[2]) + by, *op[3:])
        yield op


def parse_assignments(
    text: str, start: str = "assignments", numerals: Numerals = SPICE
) -> list[Definition]:
    """Return the definitions of a .param (or, with `start` "function", .func) card.

    Raises
    ------
    CardError
    """
    found = _parse(text, start, "expression", numerals)
    tokens = found if start == "assignments" else [found]
    return [
        (str(token), _start(token), parameters, tuple(code)) for token, parameters, code in tokens
    ]
