"""What .print, .plot and .save name, one by one: ngspice's rule is that blanks mean nothing.

A formula goes on as long as it can: ``v(a) -1`` and ``v(a)* 2`` are one, ``v(a) v(b)`` are two,
since no operator stands between them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from ...model.patterns import pattern
from ..report import CardError

_BLANKS = pattern(r"\s*")
_OPERATOR = pattern(r"\*\*|[=!<>]=|<>|&&?|\|\|?|[-+*/%^\\<>=?]")
#: operators that may stand before a value
_PREFIX = pattern(r"[-+!~]\s*")
_WORD = pattern(r"""[^\s,(){}'"]+""")
#: what a value may hold that is no bracket: no operators, but the sign of an exponent
_VALUE = pattern(r"""(?:(?<![\w.])[0-9.]+e[-+](?=[0-9])|[^\s,(){}'"+*/%^\\<>=?&|!~:-])+""")
_COLON = pattern(r":[^\s,(){}'\"+*/%^\\<>=?&|!~:-]*")
#: where a function or an output has a blank before its brackets
_CALL = pattern(r"(?<!\))\s+(?=\()")
_NAMED = pattern(r"([^\W\d][\w.]*)\s*=\s*(?=par\s*\(|['\"{])")
#: what stands in quotes, braces or par() alone
_QUOTED = pattern(r"par\s*\(\s*(?:'([^']*)'|\{(.*)\}|\"([^\"]*)\")\s*\)"
                  r"|par\s*\((.*)\)|'([^']*)'|\"([^\"]*)\"|\{(.*)\}")  # fmt: skip
_PAR = pattern(r"\bpar\s*\(")
#: what a plot of SPICE2 shows at most
_LIMITS = pattern(r"\(\s*[-+.\w]+\s*,\s*[-+.\w]+\s*\)")
_ASSIGNED = pattern(r"([^\W\d][\w.]*)\s*=(?!=)(?=.*[(@])")
#: Xyce's
_FORMAT = pattern(r"(?:format|file|width|precision|filter|delimiter|timescalefactor)\s*=")
#: operators of ngspice that are words -> what they are in formulas
WORDS = {"and": "&&", "or": "||", "not": "!", "gt": ">", "lt": "<", "ge": ">=", "le": "<=",
         "eq": "==", "ne": "!="}  # fmt: skip
_CLOSING = {"(": ")", "{": "}", "'": "'", '"': '"'}
_HINT = "between outputs stands a blank or a comma, between values an operator"


class Item(NamedTuple):
    """What is named on a card, and where; `name` is what a formula is to be called.

    `wrong` is what to say of it, and what to write, where it could be something else.
    """

    name: str
    text: str
    is_quoted: bool
    offset: int
    length: int
    wrong: tuple[str, str] | None = None


def items(text: str, at: int, is_node: Callable[[str], bool]) -> Iterator[Item]:
    """Yield what a card names from a place on.

    Raises
    ------
    CardError
        If a bracket or quote is not closed or never opened.
    """
    before = ""
    while (at := _after_blanks(text, at)) < len(text):
        if text[at] == ",":
            before, at = ",", at + 1
            continue
        named = _NAMED.match(text, at)
        start = named.end() if named else at
        limits = _limits(text, at)
        end = at + len(limits) if limits else max(_end(text, start, is_node), at + 1)
        item = _item(text, named[1] if named else "", at, start, end)
        if before == "," and text[at] in "+-":
            message = f"ngspice takes {text[at]!r} behind a comma for a part of what is before it"
            hint = "leave the comma out, or put what is an output by itself in par('...')"
            item = item._replace(wrong=(message, hint))
        elif (before not in ("", ",") and text[at] == "(" and not limits) or text[at] == ":":
            item = item._replace(wrong=(f"{text[at]!r} is not expected here", _HINT))
        elif item.text in WORDS and not is_node(item.text):
            hint = f"write {WORDS[item.text]} in its place"
            item = item._replace(wrong=(f"{item.text!r} is no operator here", hint))
        yield item
        before, at = text[at], end


def check_balance(text: str) -> None:
    """Refuse a card in which something is not closed, or never opened.

    Raises
    ------
    CardError
    """
    at = 0
    while at < len(text):
        if text[at] in ")}":
            raise _unopened(text, at)
        at = _closed(text, at) if text[at] in _CLOSING else at + 1


def _unopened(text: str, at: int) -> CardError:
    hint = "leave it out, or open it before"
    return CardError("E103", f"{text[at]!r} closes nothing", at, 1, hint)


def is_no_output(said: str) -> bool:
    """Tell whether something is only about how a table or picture looks: ``width=80``, (0,5)."""
    return _FORMAT.match(said) is not None or _LIMITS.fullmatch(said) is not None


def _limits(text: str, at: int) -> str:
    match = _LIMITS.match(text, at)
    return match[0] if match else ""


def _item(text: str, name: str, first: int, start: int, end: int) -> Item:
    """Return what stands between two places; a name is before it."""
    said = text[start:end].rstrip()
    place = first, start + len(said) - first
    quoted = _QUOTED.fullmatch(said)
    # {a}*{b} is none
    if quoted and (said[0] != "{" or _closed(said, 0) == len(said)):
        inner = next(part for part in quoted.groups() if part is not None)
        return Item(name, inner, True, *place)
    wrong = None
    if assigned := _ASSIGNED.match(said):
        hint = f"write {assigned[1]}=par('{said[assigned.end() :].strip()}')"
        wrong = f"{assigned[1]}= names a formula only where that is quoted", hint
    return Item(name, _PAR.sub("(", said), False, *place, wrong)


def _end(text: str, at: int, is_node: Callable[[str], bool]) -> int:
    """Return where a formula ends that begins at a place."""
    word = _WORD.match(text, at)
    # out- may be the name of a node
    at = word.end() if word and is_node(word[0]) else _operand(text, at)
    conditions = 0
    while True:
        behind = _after_blanks(text, at)
        operator = _OPERATOR.match(text, behind)
        if operator is None and conditions and text[behind : behind + 1] == ":":
            conditions, at = conditions - 1, _operand(text, behind + 1)
        elif operator is None:
            return at
        else:
            conditions += operator[0] == "?"
            at = _operand(text, operator.end())


def _operand(text: str, at: int) -> int:
    """Return where a value ends: a number, a word, what is in brackets, and what follows each."""
    at = _after_blanks(text, at)
    while prefix := _PREFIX.match(text, at):
        at = prefix.end()
    start = at
    while at < len(text):
        if text[at] in _CLOSING:
            at = _closed(text, at)
        elif match := _VALUE.match(text, at):
            at = match.end()
            call = _CALL.match(text, at)
            # a word and the limits of a plot, or a voltage
            if call and (match[0] == "v" or not _limits(text, call.end())):
                at = call.end()
        elif at > start and text[at] == ":" and text[at - 1] not in " )" and "?" not in text:
            match = _COLON.match(text, at)
            assert match is not None
            at = match.end()
        elif text[at] in ")}":
            raise _unopened(text, at)
        else:
            break
    return at


def _closed(text: str, at: int) -> int:
    """Return where what opens at a place is closed."""
    waiting = list[tuple[str, int]]()
    for k in range(at, len(text)):
        c = text[k]
        within = waiting[-1][0] if waiting else ""
        if c == within:
            waiting.pop()
            if not waiting:
                return k + 1
        elif within in ("'", '"'):
            continue
        elif c in _CLOSING:
            waiting.append((_CLOSING[c], k))
        elif c in ")}":
            break
    closing, place = waiting[-1]
    what = {"'": "quote", '"': "quote", "}": "brace", ")": "bracket"}[closing]
    hint = f"write {closing!r} where it ends"
    raise CardError("E103", f"the {what} that opens here is not closed", place, 1, hint)


def _after_blanks(text: str, at: int) -> int:
    match = _BLANKS.match(text, at)
    assert match is not None
    return match.end()
