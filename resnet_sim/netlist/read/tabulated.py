"""Formulas among what .print, .plot and .save name: ``v(a)*2``, ``{v(a)*k}``, ``p=par('...')``."""

from __future__ import annotations

import re
from collections.abc import Callable

from ...model.builder import CircuitBuilder
from ...model.numbers import Numerals
from ...model.outputs import FORMS, OUTPUT
from ...model.patterns import pattern
from ..expressions.programs import Program
from ..report import CardError
from .fields import element_name
from .grammar import parse_expression

_INNER = r"\((?:[^()]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))*\)"
_ATOM = rf"(?:(?<![\w)])[vip]\s+(?=\()|[^\s,(){{}}'\"]|{_INNER})+"
#: what is named on a card: a formula in quotes or braces, maybe with a name, or one without
ITEM = pattern(
    rf"""(?:([^\W\d][\w.]*)\s*=\s*(?=par\b|['{{]))?"""
    rf"""(?:(?:par\s*\(\s*)?(?:'([^']*)'|\{{([^{{}}]*)\}}|"([^"]*)")\s*\)?"""
    rf"""|({_ATOM}(?:(?:\s*[*/^]\s*|\s[-+]\s+){_ATOM})*))"""
)
_VOLTAGE = r"v\s*\(\s*([^\s,()]+)\s*\)"
#: a formula that is the voltage between two nodes
_BETWEEN = pattern(rf"\s*{_VOLTAGE}\s*-\s*{_VOLTAGE}\s*").fullmatch
_SINGLE = pattern(FORMS).fullmatch
_IS_FORMULA = pattern(r".*[-+*/^?<>=&|(]").match
#: what others call outputs, as vdb(a): formulas call functions of outputs
_IS_FOREIGN = pattern(r"\w+\s*\([^()@]*\)").fullmatch


def text_of(match: re.Match[str]) -> str:
    """Return what is named, without quotes and a name."""
    return next(text for text in match.group(2, 3, 4, 5) if text is not None)


def simple(match: re.Match[str]) -> str | None:
    """Return what is named if it is no formula: an output, or a word; None for a formula."""
    text = text_of(match).strip()
    if between := _BETWEEN(text):
        return f"v({between[1]},{between[2]})"
    is_word = match[5] is not None and not _IS_FORMULA(text)
    is_word = is_word or (match[5] is not None and _IS_FOREIGN(text) is not None)
    return text if match[1] is None and (is_word or _SINGLE(text)) else None


def last_terminal(match: re.Match[str], has_element: Callable[[str], bool]) -> str:
    """Return the current of an emitter or a source, of which the other terminals tell.

    `match` is an output such as ``ie(q1)``; ``""`` if it is none of these.
    """
    kind, device = match[1] or match[5], element_name(match[2] or match[4])
    others = [f"{device}:{letter}" for letter in "bgs" if has_element(f"{device}:{letter}")]
    if not others or kind != ("ie" if f"{device}:s" in others else "is"):
        return ""
    return f"(-i({')-i('.join((device, *others))}))"


def program_of(
    match: re.Match[str],
    numerals: Numerals,
    known: Callable[[re.Match[str]], str | None],
    builder: CircuitBuilder,
) -> tuple[str, Program]:
    """Return what a formula is called, and its program.

    Parameters
    ----------
    known : callable
        What an output is called here, None if there is no such thing.

    Raises
    ------
    CardError
    """

    def named(output: re.Match[str]) -> str:
        name = known(output)
        if not name and (current := last_terminal(output, builder.__contains__)):
            return current
        if not name:
            raise CardError("E131", f"no such voltage or current: {output[0]}")
        if name[0] == "p":
            ends = ",".join(builder.ends_of(name[2:-1]))
            if not ends:
                raise CardError("E131", f"{name} is not a product of one voltage and one current")
            return f"(v({ends})*i({name[2:-1]}))"
        return name

    text = text_of(match)
    bare = "".join(text.split())
    name = match[1] or (bare if _SINGLE(text) else f"{{{bare}}}")
    return name, parse_expression(OUTPUT.sub(named, text), numerals)
