"""Sources given by points: E and G cards with TABLE."""

from __future__ import annotations

import re

from ..expressions.machine import Op
from ..report import CardError
from .cards import BehaviouralSource, Expression
from .fields import CardReader
from .grammar import moved, parse_expression

_BRACED = re.compile(r"\s*=?\s*(?:\{((?:[^{}]|\{[^{}]*\})*)\}|'([^']*)')").match


def read_table(r: CardReader, start: int, is_voltage: bool) -> BehaviouralSource:
    """Read ``TABLE {expression} = (x, y) ...``, or LTspice's ``node node TABLE=(x, y, ...)``."""
    text = r.card[2]
    code: list[Op] = []
    at = start + len("table")
    if r.items:
        p, q = (r.word("the control") for _ in range(2))
        code.append(("probe", "v", p.offset - start, 1, p.text, q.text))
        r.finish()
    else:
        braced = _BRACED(text, at)
        if braced is None:
            hint = "the form is: TABLE {expression} = (x, y) (x, y) ..."
            raise CardError("E103", "TABLE needs an expression", start, 5, hint)
        inside = 1 if braced[1] is not None else 2
        program = parse_expression(braced[inside], r.report.dialect.numerals)
        code += moved(program, braced.start(inside) - start)
        at = braced.end()
    points = r.points(at)
    for value in points:
        if isinstance(value, float):
            code.append(("number", value))
        else:
            code += moved(value.program, value.offset - start)
    if len(points) < 2 or len(points) % 2:
        raise CardError("E104", "TABLE needs pairs of numbers", start, 5)
    code.append(("call", "table", 0, 1 + len(points)))
    return BehaviouralSource(is_voltage, Expression(tuple(code), r.card, start), ())
