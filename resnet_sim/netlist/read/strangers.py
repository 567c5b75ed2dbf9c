"""Devices of other simulators that are not there: told by their names, with what to write."""

from __future__ import annotations

import re

from ...model.patterns import pattern
from ..report import CardError
from .cards import Assign, Braced, Item, Word
from .items import is_numeric, read_items

_CODE_MODEL = pattern(r"\s*\S+(?P<nodes>(?:\s+(?:\[[^\]]*\]|%\S+|[^\s=\[\]%]+))+)(?=\s+\S+=|\s*$)")
_CONTROL = pattern(r"\scontrol\s*=")
#: HSPICE's functions of E, F, G and H that have no short form here
_FUNCTION = pattern(
    r"\s*\S+\s+\S+\s+\S+\s+(?:(?:vcvs|vccs|cccs|ccvs|vcr)\s+)?"
    r"(pwl|npwl|ppwl|nand|nor|and|or|opamp|transformer|delay|vccap)\b\s*(\(?)"
)
_HINTS = {
    "opamp": "write its gain: E1 out 0 in+ in- 1e9",
    "transformer": "write an E for the voltage and an F for the current",
    "vccap": "it is open at DC: leave it out",
}
#: R=... without braces that holds a function, to the next parameter
_OPEN = pattern(r"(?<=\s)(r|resistance)\s*=\s*((?=[^{'=]*\()[^\s{'=][^{'=]*?)(?=\s+\w+\s*=|\s*$)")


def refuse_stranger(text: str, letter: str, *, of_xyce: bool) -> None:
    """Refuse a card of a device that is not there.

    Raises
    ------
    CardError
    """
    word, start = text.split(None, 1)[0], len(text) - len(text.lstrip())
    if letter == "a" and (match := _CODE_MODEL.match(text)):
        fields = re.findall(r"\[[^\]]*\]|\S+", match["nodes"])
        if len(fields) > 3 or "[" in match["nodes"] or "%" in match["nodes"]:
            hint = "of these only sidiode is there: A1 anode cathode model"
            message = f"{word} is a device by a code model or of LTspice: {fields[-1]}"
            raise CardError("E115", message, start, len(word), hint)
    elif letter == "s" and (match := _CONTROL.search(text)):
        hint = "set the voltage of a node by a B source, and let that control the switch"
        message = "a switch that a formula controls is not supported"
        raise CardError("E115", message, match.start() + 1, len("control"), hint)
    elif letter == "y" and of_xyce and word[1:].isalpha():
        hint = "model it by devices that are there: formulas, diodes, transistors, resistors"
        raise CardError(
            "E115", f"{word} is a device of Xyce that is not there", start, len(word), hint
        )
    elif letter in "efgh" and (match := _FUNCTION.match(text)) and _is_called(match, letter):
        hint = _HINTS.get(
            match[1], "write it as a formula, or E and G as TABLE {input} = (x, y) ..."
        )
        message = f"HSPICE's {match[1].upper()} is not supported"
        raise CardError("E115", message, match.start(1), len(match[1]), hint)


def _is_called(match: re.Match[str], letter: str) -> bool:
    """Tell a function from a node or source that has its name: a gain would come next."""
    behind = re.sub(r"\{[^{}]*\}|'[^']*'", "1", match.string[match.end() :])
    rest = [word for word in behind.split() if "=" not in word]
    usual = 2 if letter in "eg" else 1
    amplifier = match[1] == "opamp" and len(rest) == usual and not is_numeric(Word(rest[-1], 0))
    return bool(match[2]) or len(rest) > usual or amplifier


def with_open_formula(text: str, quick: bool) -> list[Item] | None:
    """Return the items of a resistor with ``R=f(...)`` without braces, None if there is none."""
    match = _OPEN.search(text)
    if match is None:
        return None
    formula = Assign(Word(match[1], match.start(1)), Braced(match[2], match.start(2)))
    behind = " " * match.end() + text[match.end() :]
    after = read_items(behind, quick=quick) if behind.strip() else []
    return [*read_items(text[: match.start(1)], quick=quick), formula, *after]
