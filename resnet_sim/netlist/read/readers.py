"""Element cards to the classes of `cards`: one function for each form that devices ask for."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from ...model.devices import CARDS
from ..report import CardError, Report
from ..source import Card
from .cards import (
    Assign,
    BehaviouralSource,
    Device,
    Diode,
    Element,
    Expression,
    IndependentSource,
    Instance,
    Item,
    LinearSource,
    Parameters,
    Plain,
    Reactance,
    Resistor,
    Switch,
    Value,
    Word,
)
from .fields import IGNORED_KEYS, CardReader, element_name
from .grammar import parse_assignments
from .items import is_numeric
from .tables import read_table

_UNSUPPORTED = {
    "j": "JFET",
    "m": "MOSFET",
    "n": "device",
    "o": "lossy transmission line",
    "p": "coupled transmission line",
    "q": "bipolar transistor",
    "t": "transmission line",
    "u": "distributed RC line",
    "y": "transmission line",
    "z": "MESFET",
}

_RESISTOR_KEYS = {"r", "resistance", "tc", "tc1", "tc2", "temp", "dtemp", "m", "scale", "l", "w"}
_TIME_FUNCTIONS = {"pulse", "sin", "sine", "exp", "pwl", "sffm", "am", "trnoise", "trrandom"}
_NONLINEAR_FORM = re.compile(r"\s*\S+\s+\S+\s+\S+\s+(laplace|freq|chebyshev)\b").match
_TABLE = re.compile(r"\s*\S+\s+\S+\s+\S+\s+(?:\S+\s+\S+\s+)?(table)\b").match
_VALUE_KEY = re.compile(r"(?<![^\s)])(value|vol|cur|v|i)\s*(?:=|(?=\{|'))")


def read_element(card: Card, report: Report, *, quick: bool = True) -> Element | None:
    """Return an element card, None if it has no meaning at DC (a note says so).

    Raises
    ------
    CardError
    """
    letter = card[2].lstrip()[:1]
    offset = len(card[2]) - len(card[2].lstrip())
    if letter in _UNSUPPORTED and letter not in CARDS:
        name = card[2].split()[0]
        message = f"{name} is a {_UNSUPPORTED[letter]}: only piecewise-linear devices are solved"
        hint = "model it by diodes, switches and controlled sources"
        raise CardError("E115", message, offset, len(name), hint)
    if letter == "k":
        report.add("N103", "coupled inductors have no effect at DC", card)
        return None
    if letter not in CARDS and letter != "x":
        word = card[2].split()[0]
        message = f"no element begins with {letter!r}"
        comment = "comments begin with '*'" if letter in "#%!/-" else None
        raise CardError("E109", message, offset, len(word), comment)
    if letter in "eg" and (form := _NONLINEAR_FORM(card[2])):
        hint = "only linear sources are solved"
        raise CardError("E120", f"nonlinear: {form[1].upper()}", form.start(1), len(form[1]), hint)
    reader = CardReader(card, report, quick=quick)
    reader.load(_expression_start(card[2]) if letter in "begfh" else None)
    name = element_name(reader.word("the name").text)
    nodes, device = FORMS[CARDS[letter][1].form](reader) if letter != "x" else _instance(reader)
    reader.finish()
    return Element(name, nodes, device, card)


def _expression_start(text: str) -> int | None:
    """Return where ``V=``, ``VALUE=`` or the like begins, None if the card has none."""
    match = _VALUE_KEY.search(text)
    if match is None and (table := _TABLE(text)):
        return table.start(1)
    return match.start() if match else None


Read = tuple[tuple[str, ...], Device]


def _resistor(r: CardReader) -> Read:
    nodes = r.nodes(2)
    value: Value | None = None
    model: Word | None = None
    while r.items and not isinstance(r.items[-1], Assign):
        if value is None and is_numeric(r.items[-1]):
            value = r.take_value("the resistance", "ohm")
        elif model is None and not is_numeric(r.items[-1]):
            # a model or a parameter: only the elaboration can tell
            model = r.word("the model")
        else:
            break
    parameters = r.keywords(_RESISTOR_KEYS, "ohm")
    return nodes, Resistor(value, model, parameters)


def _reactance(r: CardReader) -> Read:
    nodes = r.nodes(2)
    unit = "farad" if r.letter == "c" else "henry"
    value: Value = 0.0
    while r.items and not isinstance(r.items[-1], Assign):
        if is_numeric(r.items[-1]):
            value = r.take_value("the value", unit)
        else:
            r.word("the model")
    for key, given in r.keywords({"c", "l", "m", "scale", "capacitance", "inductance", "ic"}, unit):
        if key[0] == r.letter or key in ("capacitance", "inductance"):
            value = given
    return nodes, Reactance(value)


def _independent(r: CardReader) -> Read:
    nodes = r.nodes(2)
    dc: Value | None = None
    initial: Value | None = None
    scale: Value = 1.0
    while r.items:
        item = r.items.pop()
        if isinstance(item, Assign) and item.key.text == "m" and r.letter == "i":
            scale = r.value(item.value)
        elif isinstance(item, Assign) and item.key.text == "dc":
            dc = r.value(item.value)
        elif isinstance(item, Assign):
            _source_parameter(r, item)
        elif isinstance(item, Word) and item.text == "dc":
            dc = r.take_value("the value") if r.items and _is_value(r.items[-1]) else 0.0
        elif isinstance(item, Word) and item.text in ("ac", "distof1", "distof2"):
            for _ in range(2):
                if r.items and is_numeric(r.items[-1]):
                    r.take_value("the magnitude")
        elif isinstance(item, Word) and item.text in _TIME_FUNCTIONS:
            initial = _initial_value(r, item)
        elif dc is None and initial is None:
            dc = r.value(item)
        else:
            r.items.append(item)
            break
    if dc is None and initial is None:
        unit = "V" if r.letter == "v" else "A"
        r.report.add(
            "W111", f"no value: 0 {unit} is assumed", r.card, hint="write DC 0 if so meant"
        )
    value = dc if dc is not None else initial if initial is not None else 0.0
    return nodes, IndependentSource(value, scale)


def _is_value(item: Item) -> bool:
    return is_numeric(item) or (
        isinstance(item, Word) and item.text not in _TIME_FUNCTIONS and item.text != "ac"
    )


def _source_parameter(r: CardReader, item: Assign) -> None:
    key = item.key
    if key.text in ("rser", "rpar"):
        message = f"{key.text} inside a source is not supported"
        raise CardError("E115", message, key.offset, len(key.text), "add a resistor to the deck")
    if key.text not in IGNORED_KEYS:
        message = f"parameter {key.text!r} is ignored"
        r.report.add("W113", message, r.card, key.offset, len(key.text))


def _initial_value(r: CardReader, function: Word) -> Value:
    """Return the value of a time function at t = 0 and take its arguments."""
    arguments = []
    while r.items and is_numeric(r.items[-1]):
        arguments.append(r.take_value("an argument"))
    if function.text == "pwl" and len(arguments) < 2:
        message = "PWL needs pairs of time and value"
        raise CardError("E104", message, function.offset, len(function.text))
    value: Value = 0.0
    if arguments and function.text not in ("am", "trnoise", "trrandom"):
        value = arguments[1 if function.text == "pwl" else 0]
    if function.text in ("sin", "sine") and len(arguments) > 5:
        numbers = [a for a in (arguments[0], arguments[1], arguments[5]) if isinstance(a, float)]
        if len(numbers) < 3:
            message = "a SIN with a phase must be given by numbers"
            raise CardError("E106", message, function.offset, len(function.text))
        value = numbers[0] + numbers[1] * math.sin(math.radians(numbers[2]))
    message = f"{function.text.upper()} depends on time: its value at t = 0 is taken"
    r.report.add("N104", message, r.card, function.offset, len(function.text))
    return value


def _diode(r: CardReader) -> Read:
    nodes = r.nodes(2)
    model = r.word("the model")
    parameters: Parameters = ()
    if r.items and is_numeric(r.items[-1]):
        parameters = (("area", r.take_value("the area")),)
    if r.items and r.items[-1] == ("off", getattr(r.items[-1], "offset", None)):
        r.items.pop()
    return nodes, Diode(model, parameters + r.keywords({"area", "m"}))


def _switch(r: CardReader) -> Read:
    nodes = r.nodes(2)
    count = 2 if r.letter == "s" else 1
    control = tuple(r.word("the control") for _ in range(count))
    model = r.word("the model")
    closed = False
    if r.items and isinstance(r.items[-1], Word) and r.items[-1].text in ("on", "off"):
        closed = r.word("the state").text == "on"
    fixed = bool(r.items) and r.items[-1][0] == "fixed"
    if fixed:
        r.items.pop()
    return nodes, Switch(control, model, closed, fixed)


def _controlled(r: CardReader) -> Read:
    nodes = r.nodes(2)
    is_voltage = r.letter in "eh"
    start = _expression_start(r.card[2])
    if start is not None:
        if r.letter in "eg" and r.card[2].startswith("table", start):
            return nodes, read_table(r, start, is_voltage)
        r.finish()
        return nodes, _behaviour(r, start, is_voltage)
    per_control = 2 if r.letter in "eg" else 1
    first = r.word("the control")
    if first.text == "poly":
        return nodes, _polynomial(r, per_control, is_voltage)
    control = (first, *(r.word("the control") for _ in range(per_control - 1)))
    gain = r.take_value("the gain")
    scale = dict(r.keywords({"m"})).get("m", 1.0)
    return nodes, LinearSource(is_voltage, 0.0, (control,), (gain,), scale)


def _polynomial(r: CardReader, per_control: int, is_voltage: bool) -> LinearSource:
    count = r.word("the number of controls")
    n = int(count.text) if count.text.isdecimal() and len(count.text) < 4 else 0
    if n < 1:
        message = "POLY(n) needs the number of its controls"
        raise CardError("E106", message, count.offset, len(count.text))
    controls = tuple(tuple(r.word("a control") for _ in range(per_control)) for _ in range(n))
    places = [item.key if isinstance(item, Assign) else item for item in r.items[::-1]]
    values = [r.take_value("a coefficient")]
    while r.items:
        values.append(r.take_value("a coefficient"))
    if n == 1 and len(values) == 1:
        # SPICE2's exception: a lone coefficient is the gain, not the constant
        values.insert(0, 0.0)
    for value, place in zip(values[n + 1 :], places[n + 1 :], strict=False):
        if value != 0.0:
            message = "nonlinear: POLY with a coefficient of second or higher order"
            raise CardError("E120", message, place.offset, len(place.text))
    gains = (*values[1 : n + 1], *[0.0] * (n + 1 - len(values)))
    return LinearSource(is_voltage, values[0], controls, gains, 1.0)


def _behaviour(r: CardReader, start: int, is_voltage: bool | None) -> BehaviouralSource:
    text = r.card[2]
    match = _VALUE_KEY.match(text, start)
    if match is not None and not match[0].endswith("="):
        # VALUE {...} without an equals sign
        text = text[: match.end(1)] + "=" + text[match.end(1) + 1 :]
    try:
        definitions = parse_assignments(text[start:])
    except CardError as error:
        error.offset += start
        raise
    name, offset, parameters, program = definitions[0]
    expected = {"e": ("value", "vol", "v"), "g": ("value", "cur", "i"), "b": ("v", "i")}
    allowed = expected.get(r.letter, ("value",))
    if name not in allowed or parameters is not None:
        message = f"{name!r} can't be given here"
        hint = "this source takes " + " or ".join(f"{a.upper()}=" for a in allowed)
        raise CardError("E103", message, offset + start, len(name), hint)
    for other, offset, *_ in definitions[1:]:
        message = f"parameter {other!r} is ignored"
        r.report.add("W113", message, r.card, offset + start, len(other))
    expression = Expression(program, r.card, start)
    return BehaviouralSource(name == "v" if is_voltage is None else is_voltage, expression)


def _behavioural(r: CardReader) -> Read:
    nodes = r.nodes(2)
    start = _expression_start(r.card[2])
    if start is None:
        r.items.clear()
        r.word("V= or I=")
        start = 0
    r.finish()
    return nodes, _behaviour(r, start, None)


def _plain(r: CardReader) -> Read:
    nodes = r.nodes(2)
    card = CARDS[r.letter][1]
    values = tuple((name, r.take_value(name)) for name in card.values)
    return nodes, Plain(values + r.keywords(set(card.keys)))


def _instance(r: CardReader) -> Read:
    words = []
    while r.items and isinstance(r.items[-1], Word):
        word = r.word("a node")
        if word.text == "params:":
            break
        words.append(word)
    if not words:
        words.append(r.word("the subcircuit"))
    parameters = []
    while (item := r.assignment()) is not None:
        key, value = item
        parameters.append((key.text, r.value(value)))
    return tuple(w.text for w in words[:-1]), Instance(words[-1], tuple(parameters))


#: form of a card, see `devices.cards.Card`, -> what reads it
FORMS: dict[str, Callable[[CardReader], Read]] = {
    "plain": _plain,
    "resistor": _resistor,
    "reactance": _reactance,
    "independent": _independent,
    "diode": _diode,
    "switch": _switch,
    "controlled": _controlled,
    "behavioural": _behavioural,
}
