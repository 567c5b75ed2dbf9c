"""Forms of expressions that ngspice computes as something else than they say.

Its calculator of parameters takes ``2*-x**2`` for ``2*x**-2``, the inner of two conditions
without parentheses for the outer, and MIL for milli; what stands in braces within the formula
of a source is inserted there as text.  Nobody means that, and nobody else computes it: such
decks are refused, with what to write instead.
"""

from __future__ import annotations

import re

from ...model.patterns import pattern
from ..expressions.programs import Program
from ..report import CardError

_SIGNED = pattern(r"(?<=[-+*/%<>&|^\\])\s*-\s*(?=[\w.(])")
_OPERAND = pattern(r"[\w.#$]*\s*")
_POWER = pattern(r"\s*(?:\*\*|\^)")
_MIL = pattern(r"(?<![\w.#$])(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?mil")
_ANY = "+-*/%^\\<>&|!?:"
#: operators, the loosest first, and those that bind no less tightly to the left and to the right
_BINDING = (
    (pattern(r"[?:&|<>=!]"), _ANY, _ANY),
    (pattern(r"[+-]"), "-*/%^\\", "*/%^\\"),
    (pattern(r"[*/%\\^]"), "/%^\\", "^"),
)
_NUMBER = pattern(r"(?<![\w.])[0-9.]+e[+-]?[0-9]+")


def refuse_misread(text: str) -> None:
    """Refuse an expression of parameters that ngspice misreads.

    Raises
    ------
    CardError
        At a place in the text.
    """
    if "mil" in text and (match := _MIL.search(text)):
        hint = "write the length in meters"
        raise _misread("MIL", "milli", match.start(), match.end() - match.start(), hint)
    if "-" in text and ("^" in text or "**" in text):
        for match in _SIGNED.finditer(text):
            end = _end_of_operand(text, match.end())
            if _POWER.match(text, end):
                at, hint = match.end() - 1, "put the power and its sign in parentheses"
                raise _misread("a signed power", "a negative exponent", at, 1, hint)
    if text.count("?") > 1:
        _refuse_nested_conditions(text)


def refuse_inserted(text: str, offset: int = 0) -> None:
    """Refuse the formula of a source where it matters that braces are no parentheses to ngspice.

    Raises
    ------
    CardError
    """
    for start, end in _inner_braces(text):
        inside = _at_level(text[start + 1 : end])
        before, after = text[:start].rstrip()[-1:], text[end + 1 :].lstrip()[:1]
        apart = any(
            operators.search(inside) and ((before and before in left) or (after and after in right))
            for operators, left, right in _BINDING
        )
        if apart:
            hint = "write parentheses in place of the inner braces"
            what = "what is in inner braces"
            raise _misread(what, "text without parentheses", start + offset, end - start + 1, hint)


def refuse_comparison(program: Program, offset: int = 0) -> None:
    """Refuse ``=`` for ``==``, which no simulator compares by in formulas and defaults.

    Raises
    ------
    CardError
    """
    for op in program:
        if op[:2] == ("binary", "="):
            hint = "write == to compare; else a name is missing before it"
            raise CardError("E128", "'=' compares nothing here", int(op[2]) + offset, 1, hint)


def _misread(what: str, otherwise: str, offset: int, length: int, hint: str) -> CardError:
    return CardError("E138", f"ngspice reads {what} as {otherwise}", offset, length, hint)


def _end_of_operand(text: str, start: int) -> int:
    """Return where a number, name, call or parenthesis ends."""
    match = _OPERAND.match(text, start)
    at = match.end() if match else start
    if text[at : at + 1] != "(":
        return at
    depth = 0
    for k in range(at, len(text)):
        depth += {"(": 1, ")": -1}.get(text[k], 0)
        if depth == 0:
            return k + 1
    return len(text)


def _refuse_nested_conditions(text: str) -> None:
    """Refuse ``a ? b ? c : d : e``."""
    waiting = [0]
    for k, c in enumerate(text):
        if c in "({":
            waiting.append(0)
        elif c in ")}" and len(waiting) > 1:
            waiting.pop()
        elif c == "?":
            if waiting[-1]:
                hint = "put the inner condition in parentheses"
                raise _misread("the inner condition", "the outer one", k, 1, hint)
            waiting[-1] += 1
        elif c == ":" and waiting[-1]:
            waiting[-1] -= 1


def _inner_braces(text: str) -> list[tuple[int, int]]:
    """Return where braces and quotes open and close that are not around the whole formula."""
    pairs, opened = [], list[int]()
    for k, c in enumerate(text):
        if c == "{" or (c == "'" and not (opened and text[opened[-1]] == "'")):
            opened.append(k)
        elif opened and (c == "}" or c == "'"):
            pairs.append((opened.pop(), k))
    return [p for p in pairs if text[: p[0]].strip("={ '") or text[p[1] + 1 :].strip(" }'")]


def _at_level(text: str) -> str:
    """Return a text without what stands in parentheses, its first sign and exponents."""
    return without_parentheses(_NUMBER.sub("1", text.lstrip("+- ")))


def without_parentheses(text: str) -> str:
    """Return a text without what stands in parentheses."""
    while (shorter := re.sub(r"\([^()]*\)", "", text)) != text:
        text = shorter
    return text
