"""Formulas among what .print, .plot and .save name: ``v(a)*2``, ``{v(a)*k}``, ``p=par('...')``."""

from __future__ import annotations

import re
from collections.abc import Callable

from ...model.numbers import Numerals
from ...model.outputs import FORMS, OUTPUT
from ...model.patterns import pattern
from ..expressions.programs import Program
from ..report import CardError
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


def simple(match: re.Match[str]) -> str | None:
    """Return what is named if it is no formula: an output, or a word; None for a formula."""
    text = (match[2] or match[3] or match[4] or match[5] or "").strip()
    if between := _BETWEEN(text):
        return f"v({between[1]},{between[2]})"
    is_word = match[5] is not None and not _IS_FORMULA(text)
    return text if match[1] is None and (is_word or _SINGLE(text)) else None


def program_of(
    match: re.Match[str],
    numerals: Numerals,
    known: Callable[[re.Match[str]], str | None],
    ends_of: Callable[[str], tuple[str, ...]],
) -> tuple[str, Program]:
    """Return what a formula is called, and its program.

    Parameters
    ----------
    known : callable
        What an output is called here, None if there is no such thing.
    ends_of : callable
        The nodes of an element with two terminals.

    Raises
    ------
    CardError
    """

    def named(output: re.Match[str]) -> str:
        name = known(output)
        if not name:
            raise CardError("E131", f"no such voltage or current: {output[0]}")
        if name[0] == "p":
            ends = ",".join(ends_of(name[2:-1]))
            if not ends:
                raise CardError("E131", f"{name} is not a product of one voltage and one current")
            return f"(v({ends})*i({name[2:-1]}))"
        return name

    text = next(text for text in match.group(2, 3, 4, 5) if text is not None)
    name = match[1] or f"{{{''.join(text.split())}}}"
    return name, parse_expression(OUTPUT.sub(named, text), numerals)
