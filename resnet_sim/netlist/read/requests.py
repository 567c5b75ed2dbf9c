"""Dot cards that ask about a solution: .sens .tf .meas"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

from ...model.outputs import OUTPUT, canonical
from ...model.patterns import pattern
from ...model.requests import Derivatives, Measure
from ..expressions.programs import Function, Language
from ..report import CardError
from ..source import Card
from .cards import Braced, Word
from .fields import element_name
from .grammar import parse_expression
from .printed import check_balance

#: operations of ``.meas`` over a range of the swept quantity
OVER_RANGE = ("max", "min", "max_at", "min_at", "pp", "avg", "rms", "integ")
_FORMS = f"find ... when|at, when, {', '.join(OVER_RANGE)}, deriv ... at, trig ... targ, param"
_OPTION = pattern(r"\s+(at|from|to|rise|fall|cross|val)\s*=?\s*(\{[^{}]*\}|'[^']*'|[^\s=]+)\s*$")
_PAR = pattern(r"\bpar\s*\(")
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
    parameter : callable
        The value of a parameter of the deck, None if there is none.
    language : Language
        In which formulas are written.
    """

    def __init__(
        self,
        has_node: Callable[[str], bool],
        has_element: Callable[[str], bool],
        number: Callable[[Card, Word | Braced], float],
        parameter: Callable[[Card, str], float | None],
        language: Language,
    ) -> None:
        self._has_node, self._has_element, self._number = has_node, has_element, number
        self._parameter, self._language = parameter, language
        self.derivatives: list[Derivatives] = []
        self.measures: list[Measure] = []

    def sens(self, card: Card) -> None:
        """Read ``.sens output ...``."""
        check_balance(card[2])
        start = card[2].index("sens") + 4
        outputs = [self._output(card, match) for match in OUTPUT.finditer(card[2], start)]
        if not outputs:
            raise CardError("E104", "too few fields", start - 1, 1, "the form is: .sens v(out)")
        self.derivatives += [Derivatives(output, place=card[:2]) for output in outputs]

    def transfer(self, card: Card) -> None:
        """Read ``.tf output source``."""
        check_balance(card[2])
        start = card[2].index("tf") + 2
        match = OUTPUT.search(card[2], start)
        source = card[2][match.end() :].strip() if match else ""
        if match is None or not source:
            raise CardError("E104", "too few fields", start - 1, 1, "the form is: .tf v(out) v1")
        output = self._output(card, match)
        name = element_name(source)
        if not self._has_element(name) or source[0] not in "vi":
            place = card[2].index(source, match.end()), len(source)
            raise CardError("E131", f"{source!r} is no independent source", *place)
        self.derivatives.append(Derivatives(output, name, card[:2]))

    def measure(self, card: Card) -> bool:
        """Read ``.meas dc name ...``; False if it is about another analysis."""
        if is_elsewhere(card):
            return False
        check_balance(card[2])
        head = _MEAS.match(card[2])
        if head is None:
            hint = f"the form is: .meas dc name {_FORMS}"
            raise CardError("E104", "too few fields", len(card[2].rstrip()) - 1, 1, hint)
        operation, rest, start = head[3], card[2].rstrip()[head.end() :], head.end()
        if operation == "param":
            expression = rest.lstrip("= ").strip("'{}\" ")
            found = Measure(head[2], operation, self._formula(card, expression, start))
        elif operation == "trig":
            first, *second = re.split(r"\s+targ\s+", rest, maxsplit=1)
            end = self._located(card, "", operation, "".join(second), start + len(first))
            found = self._located(card, head[2], operation, first, start)
            found = dataclasses.replace(found, until=end)
        elif operation in ("find", "when", "deriv", *OVER_RANGE):
            found = self._located(card, head[2], operation, rest, start)
        else:
            raise CardError("E103", f"unknown measurement {operation!r}", head.start(3),
                            len(operation), f"known are {_FORMS}")  # fmt: skip
        self.measures.append(dataclasses.replace(self._worded(card, found), place=card[:2]))
        return True

    def _located(self, card: Card, name: str, operation: str, text: str, start: int) -> Measure:
        """Return a measurement at a place or over a range; its text begins at `start`."""
        options = dict[str, str]()
        last = start + len(text) - 1
        while (match := _OPTION.search(f" {text}")) is not None:
            options[match[1]] = match[2]
            text = text[: max(match.start() - 1, 0)]
        expression, condition = text, ""
        if operation in ("when", "trig"):
            expression, condition = "", text
        elif operation in ("find", "deriv"):
            expression, _, condition = re.split(r"(\s+when\s+|$)", text, maxsplit=1)
        when = None
        if condition:
            left, _, right = condition.partition("=")
            right = right.strip() or options.get("val", "")
            if not right:
                hint = "the form is: when v(out)=0.5"
                raise CardError("E103", "a condition is expected", last, 1, hint)
            when = self._formula(card, left.strip(), start), self._formula(card, right, start)
        expression = self._formula(card, expression.strip(), start)
        place = {
            name: self._value(card, options[name])
            for name in ("at", "from", "to")
            if name in options
        }
        if operation not in OVER_RANGE and when is None and "at" not in place:
            raise CardError("E104", f"{operation} needs when or at", last, 1)
        edge = "cross", 1
        for word in ("rise", "fall", "cross"):
            if word in options:
                latest = options[word] == "last"
                edge = word, 0 if latest else int(self._value(card, options[word]))
        return Measure(
            name, operation, expression, when, edge,
            place.get("at"), place.get("from"), place.get("to"),
        )  # fmt: skip

    def _value(self, card: Card, text: str) -> float:
        start = card[2].rindex(text)
        if text[0] in "{'":
            return self._number(card, Braced(text[1:-1], start + 1))
        return self._number(card, Word(text, start))

    def _worded(self, card: Card, wanted: Measure) -> Measure:
        """Return a measurement with what its formulas name: parameters and functions."""
        values, used = dict[str, float](), dict[str, Function]()
        known = self._language.functions
        waiting = list[Function]()
        for formula in wanted.formulas:
            try:
                numerals = self._language.numerals
                waiting.append(Function((), parse_expression(OUTPUT.sub("0", formula), numerals)))
            except CardError:
                continue  # whoever measures will say so
        while waiting:
            function = waiting.pop()
            named = {str(op[1]) for op in function.program if op[0] == "name"}
            for name in named.difference(function.parameters):
                if (value := self._parameter(card, name)) is not None:
                    values[name] = value
            called = {str(op[1]) for op in function.program if op[0] == "call"} & known.keys()
            waiting += [known[name] for name in called.difference(used)]
            used.update({name: known[name] for name in called})
        language = self._language._replace(functions=used)
        return dataclasses.replace(wanted, parameters=values, language=language)

    def _formula(self, card: Card, text: str, start: int) -> str:
        """Return a formula with outputs as they are called here; `start` is somewhere before."""
        first = card[2].find(text, start)
        parts, done = [], 0
        for match in OUTPUT.finditer(text):
            moved = OUTPUT.match(card[2], first + match.start())
            assert moved is not None
            parts += [text[done : match.start()], self._output(card, moved)]
            done = match.end()
        # HSPICE's par('...') is what it holds
        return _PAR.sub("(", "".join((*parts, text[done:]))).strip(" {}'")

    def _output(self, card: Card, match: re.Match[str]) -> str:
        """Return an output as it is called here; it must exist."""
        name = canonical(match, self._has_node, self._has_element, element_name)
        if name is None:
            message = f"no such voltage or current: {match[0]}"
            raise CardError("E131", message, match.start(), len(match[0]))
        return name
