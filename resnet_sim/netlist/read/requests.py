"""Dot cards that ask about a solution: .sens .tf .meas"""

from __future__ import annotations

import re
from collections.abc import Callable

from ...model.patterns import pattern
from ...model.requests import Derivatives, Measure
from ..report import CardError
from ..source import Card
from .cards import Braced, Word
from .fields import element_name

#: operations of ``.meas`` over a range of the swept quantity
OVER_RANGE = ("max", "min", "pp", "avg", "rms", "integ")
_FORMS = "find ... when|at, when, max, min, pp, avg, rms, integ, deriv ... at, param"
_OUTPUT = pattern(r"([vi])\s*\(\s*([^\s,()]+)\s*(?:,\s*([^\s,()]+)\s*)?\)")
_OPTION = pattern(r"\s+(at|from|to|rise|fall|cross)\s*=?\s*(\{[^{}]*\}|'[^']*'|[^\s=]+)\s*$")
_MEAS = pattern(r"\s*\.meas\w*\s+(?:(dc)\s+)?(\S+)\s+(\w+)\s*")
#: analyses that have measurements, in any abbreviation
_OTHERS = ("transient", "ac", "noise", "op", "sp", "four", "fourier", "fft", "hb", "error", "phase")


def is_elsewhere(card: Card) -> bool:
    """Tell whether a .meas card is about another analysis than .dc."""
    words = card[2].split(None, 3)
    word = words[1] if len(words) > 2 else ""
    return any(
        word == other or (len(word) > 1 and other.startswith(word)) or word.startswith(f"{other}_")
        for other in _OTHERS
    )


def is_ours(card: Card) -> bool:
    """Tell whether a .meas card says that it is about .dc."""
    return card[2].split(None, 2)[1:2] == ["dc"]


class RequestReader:
    """Reads the cards that ask about a solution.

    Parameters
    ----------
    has_node, has_element : callable
        Tell whether the circuit has something of a name.
    number : callable
        The value of an item of a card.
    """

    def __init__(
        self,
        has_node: Callable[[str], bool],
        has_element: Callable[[str], bool],
        number: Callable[[Card, Word | Braced], float],
    ) -> None:
        self._has_node, self._has_element, self._number = has_node, has_element, number
        self.derivatives: list[Derivatives] = []
        self.measures: list[Measure] = []

    def sens(self, card: Card) -> None:
        """Read ``.sens output ...``."""
        start = card[2].index("sens") + 4
        outputs = self._outputs(card, start, len(card[2]))
        if not outputs:
            raise CardError("E104", "too few fields", start - 1, 1, "the form is: .sens v(out)")
        self.derivatives += [Derivatives(output, place=card[:2]) for output in outputs]

    def transfer(self, card: Card) -> None:
        """Read ``.tf output source``."""
        start = card[2].index("tf") + 2
        match = _OUTPUT.search(card[2], start)
        source = card[2][match.end() :].strip() if match else ""
        if match is None or not source:
            raise CardError("E104", "too few fields", start - 1, 1, "the form is: .tf v(out) v1")
        (output,) = self._outputs(card, start, match.end())
        name = element_name(source)
        if not self._has_element(name) or source[0] not in "vi":
            place = card[2].index(source, match.end()), len(source)
            raise CardError("E131", f"{source!r} is no independent source", *place)
        self.derivatives.append(Derivatives(output, name, card[:2]))

    def measure(self, card: Card) -> bool:
        """Read ``.meas dc name ...``; False if it is about another analysis."""
        if is_elsewhere(card):
            return False
        head = _MEAS.match(card[2])
        if head is None:
            hint = f"the form is: .meas dc name {_FORMS}"
            raise CardError("E104", "too few fields", len(card[2].rstrip()) - 1, 1, hint)
        text, operation, options = card[2].rstrip(), head[3], dict[str, str]()
        while (match := _OPTION.search(text, head.end())) is not None:
            options[match[1]] = match[2]
            text = text[: match.start()]
        if operation == "param":
            expression = text[head.end() :].lstrip("= ").strip("'{}\" ")
            self.measures.append(Measure(head[2], operation, expression, place=card[:2]))
            return True
        if operation not in ("find", "when", "deriv", *OVER_RANGE):
            raise CardError("E103", f"unknown measurement {operation!r}", head.start(3),
                            len(operation), f"known are {_FORMS}")  # fmt: skip
        self.measures.append(self._located(card, head, text, options))
        return True

    def _located(
        self, card: Card, head: re.Match[str], text: str, options: dict[str, str]
    ) -> Measure:
        """Return a measurement at a place or over a range."""
        operation = head[3]
        body = text[head.end() :]
        expression, _, condition = (
            ("", "", body) if operation == "when" else re.split(r"(\s+when\s+|$)", body, maxsplit=1)
        )
        when = None
        if condition:
            left, equals, right = condition.partition("=")
            if not equals or not right.strip():
                hint = "the form is: when v(out)=0.5"
                raise CardError("E103", "a condition is expected", len(text) - 1, 1, hint)
            when = left.strip(), right.strip().strip("'{}")
        for formula in (expression, *(when or ())):
            start = card[2].index(formula, head.end())
            self._outputs(card, start, start + len(formula))
        place = {
            name: self._value(card, options[name])
            for name in ("at", "from", "to")
            if name in options
        }
        if operation in ("find", "deriv", "when") and when is None and "at" not in place:
            raise CardError("E104", f"{operation} needs when or at", len(text) - 1, 1)
        edge = "cross", 1
        for name in ("rise", "fall", "cross"):
            if name in options:
                last = options[name] == "last"
                edge = name, 0 if last else int(self._value(card, options[name]))
        return Measure(
            head[2], operation, expression.strip(" {}'"), when, edge,
            place.get("at"), place.get("from"), place.get("to"), card[:2],
        )  # fmt: skip

    def _value(self, card: Card, text: str) -> float:
        start = card[2].rindex(text)
        if text[0] in "{'":
            return self._number(card, Braced(text[1:-1], start + 1))
        return self._number(card, Word(text, start))

    def _outputs(self, card: Card, first: int, last: int) -> list[str]:
        """Return the outputs named in a part of a card, all of which must exist."""
        found = []
        for match in _OUTPUT.finditer(card[2], first, last):
            kind, one, other = match.groups()
            if kind == "v":
                nodes = [one] if other is None else [one, other]
                known = all(self._has_node(node) for node in nodes)
                name = f"v({','.join(nodes)})"
            else:
                known = other is None and self._has_element(element_name(one))
                name = f"i({element_name(one)})"
            if not known:
                place = match.start(), len(match[0])
                raise CardError("E131", f"no such voltage or current: {match[0]}", *place)
            found.append(name)
        return found
