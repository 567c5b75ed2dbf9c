"""Formulas among what .print, .plot and .save name: ``v(a)*2``, ``{v(a)*k}``, ``p=par('...')``."""

from __future__ import annotations

import re
from collections.abc import Callable

from ...model.builder import CircuitBuilder
from ...model.numbers import Numerals
from ...model.outputs import FORMS, NODE, OUTPUT
from ...model.patterns import pattern
from ..expressions.programs import Program
from ..report import CardError
from .fields import element_name
from .grammar import parse_expression
from .printed import Item

_VOLTAGE = rf"v\s*\(\s*({NODE})\s*\)"
#: a formula that is the voltage between two nodes
_BETWEEN = pattern(rf"\s*{_VOLTAGE}\s*-\s*{_VOLTAGE}\s*").fullmatch
_SINGLE = pattern(FORMS).fullmatch
_IS_FORMULA = pattern(r".*[-+*/^?<>=&|(]").match
#: what others call outputs, as vdb(a): formulas call functions of outputs
_IS_FOREIGN = pattern(r"\w+\s*\([^()@]*\)").fullmatch


def simple(item: Item) -> str | None:
    """Return what is named if it is no formula: an output, or a word; None for a formula."""
    text = item.text.strip()
    if not item.name and (between := _BETWEEN(text)):
        return f"v({between[1]},{between[2]})"
    is_word = not item.is_quoted and not (_IS_FORMULA(text) and not _IS_FOREIGN(text))
    return text if not item.name and (is_word or _SINGLE(text)) else None


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
    item: Item,
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

    bare = "".join(item.text.split())
    name = item.name or (bare if _SINGLE(item.text) else f"{{{bare}}}")
    return name, parse_expression(OUTPUT.sub(named, item.text), numerals)
