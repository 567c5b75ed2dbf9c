"""LAPLACE sources: at an operating point their gain at s = 0."""

from __future__ import annotations

import re

from ...model.patterns import pattern
from ..expressions.programs import Op
from ..report import CardError
from .cards import BehaviouralSource, Braced, Expression, Word
from .fields import CardReader
from .grammar import moved, parse_expression
from .items import ValueReader, read_items

_FORM = re.compile(r"\s*\S+\s+\S+\s+\S+\s+(?:(\S+)\s+(\S+)\s+)?(laplace)\b\s*=?\s*").match
_BRACED = re.compile(r"\{((?:[^{}]|\{[^{}]*\})*)\}|'([^']*)'").match
#: what LTspice says of how to compute impulse responses
_NUMERICS = pattern(r"\b(?:window|nfft|mtol)\s*=.*")


def is_transfer(text: str) -> bool:
    """Tell whether a card is a source with a transfer function."""
    return "laplace" in text and _FORM(text) is not None


def read_transfer(r: CardReader, is_voltage: bool) -> BehaviouralSource:
    """Read ``LAPLACE {input} = {function}``, LTspice's ``a b LAPLACE=function``, HSPICE's lists.

    Raises
    ------
    CardError
    """
    text = r.card[2]
    form = _FORM(text)
    assert form is not None  # see `is_transfer`
    start, at = form.start(3), form.end()
    if form[1] is not None:
        code: list[Op] = [("probe", "v", form.start(1), len(form[1]), form[1], form[2])]
        return _source(r, code, _NUMERICS.sub("", text), at, is_voltage)
    braced = _BRACED(text, at)
    if braced is None:
        return _of_coefficients(r, text[at:], start, is_voltage)
    inside = 1 if braced[1] is not None else 2
    program = parse_expression(braced[inside], r.report.dialect.numerals)
    code = list(moved(program, braced.start(inside)))
    behind = re.compile(r"[\s=]*").match(text, braced.end())
    return _source(r, code, text, behind.end() if behind else braced.end(), is_voltage)


def _source(
    r: CardReader, code: list[Op], text: str, at: int, is_voltage: bool
) -> BehaviouralSource:
    """Multiply an input by the function of s that stands at a place."""
    braced = _BRACED(text, at)
    function = text[at:]
    if braced is not None:
        inside = 1 if braced[1] is not None else 2
        function, at = braced[inside], braced.start(inside)
    try:
        program = parse_expression(function, r.report.dialect.numerals)
    except CardError as error:
        error.offset += at
        raise
    for op in moved(program, at):
        if op[0] == "name" and op[1] == "s":
            code.append(("number", 0.0))
        elif op[:2] == ("binary", "^"):
            # a power, also where it is else an exclusive or
            code.append(("binary", "**", *op[2:]))
        else:
            code.append(op)
    code.append(("binary", "*", at))
    return BehaviouralSource(is_voltage, Expression(tuple(code), r.card, 0), ())


def _of_coefficients(r: CardReader, text: str, start: int, is_voltage: bool) -> BehaviouralSource:
    """Read ``in+ in- k0 k1 ... / d0 d1 ...``."""
    words = [item for item in read_items(text) if isinstance(item, Word | Braced)]
    slash = next((k for k, word in enumerate(words) if word.text == "/"), 0)
    if slash < 3 or slash + 1 == len(words):
        hint = "the form is: LAPLACE {input} {function of s}"
        raise CardError("E103", "LAPLACE needs an input and a function", start, 7, hint)
    p, q = words[0].text, words[1].text
    code: list[Op] = [("probe", "v", start, 7, p, q)]
    reader = ValueReader(r.card, r.report)
    for word, operator in ((words[2], "*"), (words[slash + 1], "/")):
        value = reader.value(word)
        code += [("number", value)] if isinstance(value, float) else list(value.program)
        code.append(("binary", operator, start))
    return BehaviouralSource(is_voltage, Expression(tuple(code), r.card, 0), ())
