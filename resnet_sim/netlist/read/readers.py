"""Element cards to the classes of `cards`: one function for each form that devices ask for."""

from __future__ import annotations

import re
from collections.abc import Callable

from ...model.devices import CARDS
from ...model.patterns import pattern
from ..expressions.programs import Op
from ..report import CardError, Report
from ..source import Card
from .cards import (
    Assign,
    BehaviouralSource,
    Braced,
    Device,
    Diode,
    Element,
    Expression,
    Instance,
    Line,
    LinearSource,
    Parameters,
    Plain,
    Reactance,
    Resistor,
    Switch,
    Transistor,
    Value,
    Word,
)
from .fields import CardReader, element_name
from .grammar import moved, parse_assignments
from .independent import read_source
from .items import is_numeric, read_assignments
from .misread import refuse_inserted
from .strangers import refuse_stranger, with_open_formula
from .tables import read_table
from .transfer import is_transfer, read_transfer

#: letters that others' devices have, too
_OF_STRANGERS = "aefghsy"
_UNSUPPORTED = {
    "n": "device of a compiled model",
    "o": "lossy transmission line",
    "p": "coupled transmission line",
    "u": "distributed RC line",
    "y": "transmission line",
    "z": "MESFET",
}

_NONLINEAR_FORM = re.compile(r"\s*\S+\s+\S+\s+\S+\s+(freq|chebyshev)\b").match
_TABLE = re.compile(r"\s*\S+\s+\S+\s+\S+\s+(?:\S+\s+\S+\s+)?(table)\b").match
#: what HSPICE calls the linear ones
_HSPICE_NAMES = {"e": "vcvs", "f": "cccs", "g": "vccs", "h": "ccvs"}
_REACTANCES = {"c": ("c", "capacitance"), "l": ("l", "inductance")}
_FORMULAS = {"c": ("q",), "l": ("flux",)}
_VALUE_KEY = pattern(r"(?<![^\s)])(value|vol|cur|v|i)\s*(?:=|(?=\{|'))")


def read_element(card: Card, report: Report, *, quick: bool = True) -> Element | None:
    """Return an element card, None if it has no meaning at DC (a note says so).

    Raises
    ------
    CardError
    """
    letter = card[2].lstrip()[:1]
    if letter == "k":
        report.add("N103", "coupled inductors have no effect at DC", card)
        return None
    read = OTHER_FORMS.get(letter)
    if read is None:
        try:
            read = FORMS[CARDS[letter][1].form]
        except KeyError:
            raise _no_element(card[2], letter) from None
    if letter in _OF_STRANGERS:
        refuse_stranger(card[2], letter, of_xyce=report.dialect.name == "xyce")
    if letter in "eg" and (form := _NONLINEAR_FORM(card[2])):
        hint = "give its value at DC: a gain, a table or a formula"
        raise CardError("E120", f"nonlinear: {form[1].upper()}", form.start(1), len(form[1]), hint)
    reader = CardReader(card, report, quick=quick)
    is_transfer_function = letter in "eg" and is_transfer(card[2])
    end = None
    if letter in "begfh":
        end = card[2].index("laplace") if is_transfer_function else _expression_start(card[2])
    opened = with_open_formula(card[2], quick) if letter == "r" and "(" in card[2] else None
    if opened:
        reader.items = opened[::-1]
    elif letter == "x":
        reader.load_instance()
    else:
        reader.load(end)
    name = element_name(reader.word("the name").text)
    if is_transfer_function:
        return Element(name, reader.nodes(2), read_transfer(reader, letter == "e"), card)
    nodes, device = read(reader)
    reader.finish()
    return Element(name, nodes, device, card)


def _no_element(text: str, letter: str) -> CardError:
    """Return what is wrong with a card that begins with a letter of no device here."""
    word, offset = text.split()[0], len(text) - len(text.lstrip())
    if letter in _UNSUPPORTED:
        message = f"{word} is a {_UNSUPPORTED[letter]}, a device that is not there"
        hint = "model it by devices that are: formulas, diodes, transistors, resistors, switches"
        return CardError("E115", message, offset, len(word), hint)
    return CardError("E109", f"no element begins with {letter!r}", offset, len(word))


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
    if doubtful := _doubtful(r):
        del r.items[-len(doubtful) :]
        return nodes, Resistor(None, None, r.keywords(), doubtful)
    while r.items and not isinstance(r.items[-1], Assign):
        # with neither value nor model yet, a word is one of these, whatever its name
        if (value is not None or model is not None) and r.at_parameter():
            break
        if value is None and is_numeric(r.items[-1]):
            value = r.take_value("the resistance", "ohm")
        elif model is None and not is_numeric(r.items[-1]):
            # a model or a parameter: only the elaboration can tell
            model = r.word("the model")
        else:
            break
    if value is not None:
        r.bare, r.taken = ("r", set()) if model else ("", {"r"})
    return nodes, Resistor(value, model, r.keywords())


def _doubtful(r: CardReader) -> tuple[Word | Braced, ...]:
    """Return two items that both look like values: one, like ``1n4``, is the model."""
    items = tuple(i for i in r.items[:-3:-1] if not isinstance(i, Assign) and is_numeric(i))
    return items if len(items) == 2 else ()


def _reactance(r: CardReader) -> Read:
    nodes = r.nodes(2)
    unit = "farad" if r.letter == "c" else "henry"
    value: Value = 0.0
    while r.items and not isinstance(r.items[-1], Assign):
        if is_numeric(r.items[-1]):
            value = r.take_value("the value", unit)
        else:
            r.word("the model")
    for item in r.items:
        if isinstance(item, Assign) and item.key.text in _REACTANCES[r.letter]:
            value = r.value(item.value, unit=unit)
        elif isinstance(item, Assign) and item.key.text in _FORMULAS[r.letter]:
            # a formula without braces, which says nothing about DC
            r.items = [other for other in r.items if isinstance(other, Assign)]
    return nodes, Reactance(value, r.keywords())


def _diode(r: CardReader) -> Read:
    nodes = r.nodes(2)
    model = r.word("the model") if r.items and isinstance(r.items[-1], Word) else None
    parameters: Parameters = ()
    if r.items and is_numeric(r.items[-1]):
        parameters = (("area", r.take_value("the area")),)
        r.bare = "area"
    return nodes, Diode(model, parameters + r.keywords())


def _switch(r: CardReader) -> Read:
    nodes = r.nodes(2)
    count = 2 if r.letter == "s" else 1
    control = tuple(r.word("the control") for _ in range(count))
    model = r.word("the model")
    states = [key for key, _ in r.keywords()]
    return nodes, Switch(control, model, "on" in states, "fixed" in states)


def _controlled(r: CardReader) -> Read:
    nodes = r.nodes(2)
    is_voltage = r.letter in "eh"
    start = _expression_start(r.card[2])
    if start is not None:
        if r.letter in "eg" and r.card[2].startswith("table", start):
            return nodes, read_table(r, start, is_voltage)
        return nodes, _behaviour(r, start, is_voltage)
    per_control = 2 if r.letter in "eg" else 1
    first = r.word("the control")
    if first.text == _HSPICE_NAMES[r.letter] and len(r.items) > per_control:
        first = r.word("the control")
    if first.text == "poly":
        return nodes, _polynomial(r, per_control, is_voltage)
    if first.text == "vcr" and r.letter == "g" and len(r.items) > per_control:
        return nodes, _controlled_resistor(r, nodes)
    control = (first, *(r.word("the control") for _ in range(per_control - 1)))
    r.unname("gain")
    limits = r.keywords()  # HSPICE's may stand before the gain
    gain = r.take_value("the gain")
    return nodes, LinearSource(is_voltage, 0.0, (control,), (gain,), limits + r.keywords())


def _controlled_resistor(r: CardReader, nodes: tuple[str, ...]) -> BehaviouralSource:
    """Read HSPICE's ``VCR in+ in- factor``: a resistance of factor times a voltage."""
    p, q = (r.word("the control") for _ in range(2))
    factor, place = r.take_value("the factor"), (p.offset, len(p.text))
    code: list[Op] = [("probe", "v", *place, *nodes)]
    code += (
        [("number", factor)] if isinstance(factor, float) else moved(factor.program, factor.offset)
    )
    code += [("probe", "v", *place, p.text, q.text), ("binary", "*", p.offset)]
    code.append(("binary", "/", p.offset))
    for item in r.items:
        if isinstance(item, Assign) and item.key.text in ("max", "min", "abs", "smooth", "delta"):
            message = f"{item.key.text} of a VCR is not supported"
            raise CardError("E115", message, item.key.offset, len(item.key.text))
    return BehaviouralSource(False, Expression(tuple(code), r.card, 0), r.keywords())


def _polynomial(r: CardReader, per_control: int, is_voltage: bool) -> LinearSource:
    r.polynomial = True
    count = r.word("the number of controls")
    n = int(count.text) if count.text.isdecimal() and len(count.text) < 4 else 0
    if n < 1:
        message = "POLY(n) needs the number of its controls"
        raise CardError("E106", message, count.offset, len(count.text), f"the form is: {r.usage}")
    controls = tuple(tuple(r.word("a control") for _ in range(per_control)) for _ in range(n))
    values = [r.take_value("a coefficient")]
    while r.items and not isinstance(r.items[-1], Assign):
        values.append(r.take_value("a coefficient"))
    if n == 1 and len(values) == 1:
        # SPICE2's exception: a lone coefficient is the gain, not the constant
        if r.report.dialect.misreads:
            message = "a lone coefficient of POLY(1) is the constant in ngspice, the gain elsewhere"
            place = count.offset, len(count.text)
            raise CardError("E138", message, *place, "write 0 and the gain: two coefficients")
        values.insert(0, 0.0)
    gains = (*values[1 : n + 1], *[0.0] * (n + 1 - len(values)))
    products = tuple(values[n + 1 :])
    return LinearSource(is_voltage, values[0], controls, gains, r.keywords(), products)


def _behaviour(r: CardReader, start: int, is_voltage: bool | None) -> BehaviouralSource:
    before = r.keywords("formula")
    r.finish()
    text = r.card[2]
    match = _VALUE_KEY.match(text, start)
    if match is not None and not match[0].endswith("="):
        # VALUE {...} without an equals sign
        text = text[: match.end(1)] + "=" + text[match.end(1) + 1 :]
    if r.report.dialect.misreads:
        refuse_inserted(text[start:].partition("=")[2], start + text[start:].index("=") + 1)
    try:
        definitions = parse_assignments(text[start:], numerals=r.report.dialect.numerals)
    except CardError as error:
        error.offset += start
        raise
    name, _, parameters, program = definitions[0]
    expected = {"e": ("value", "vol", "v"), "g": ("value", "cur", "i"), "b": ("v", "i")}
    allowed = expected.get(r.letter, ("value",))
    for k, (word, place, *_) in enumerate(definitions):
        if (word in allowed) is (k > 0) or parameters is not None:  # one of them comes first
            hint = "this source takes " + " or ".join(f"{a.upper()}=" for a in allowed)
            raise CardError("E103", f"{word!r} can't be given here", place + start, len(word), hint)
    after = tuple(
        (other, Expression(code, r.card, start))
        for other, offset, _, code in definitions[1:]
        if r.parameter(Word(other, offset + start), "formula")
    )
    is_voltage = name == "v" if is_voltage is None else is_voltage
    return BehaviouralSource(is_voltage, Expression(program, r.card, start), before + after)


def _behavioural(r: CardReader) -> Read:
    nodes = r.nodes(2)
    start = _expression_start(r.card[2])
    if start is None:
        r.items.clear()
        r.word("V= or I=")
        start = 0
    return nodes, _behaviour(r, start, None)


def _plain(r: CardReader) -> Read:
    nodes = r.nodes(2)
    values = tuple((name, r.take_value(name)) for name in CARDS[r.letter][1].values)
    return nodes, Plain(values + r.keywords())


def _transistor(r: CardReader) -> Read:
    nodes = r.nodes(3)
    items: list[Word | Braced] = [Word(node, 0) for node in nodes]
    while r.items and not isinstance(item := r.items[-1], Assign):
        items.append(item)
        r.items.pop()
    if len(items) < (5 if r.letter == "m" else 4):
        raise r.missing("the bulk or the model" if r.letter == "m" else "the model")
    return (nodes[0], nodes[2]), Transistor(tuple(items), r.keywords())


def _instance(r: CardReader) -> Read:
    words = []
    while r.items and isinstance(word := r.items[-1], Word):
        r.items.pop()
        if word.text == "params:":
            break
        words.append(word)
    if words[1:] and words[-2].text == "/":
        del words[-2]  # CDL's mark before the subcircuit
    if not words:
        words.append(r.word("the subcircuit"))
    r.finish()
    assert r.end is not None
    parameters = read_assignments(r.card, r.end, r.report, quick=r.quick, items=r.assigned)
    return tuple(w.text for w in words[:-1]), Instance(words[-1], tuple(parameters))


def _line(r: CardReader) -> Read:
    p, first, q, second = r.nodes(4)
    r.keywords()
    return (p, q), Line((first, second))


#: letters of cards that are no devices of their own -> what reads them
OTHER_FORMS: dict[str, Callable[[CardReader], Read]] = {"t": _line, "x": _instance}

#: form of a card, see `devices.cards.Card`, -> what reads it
FORMS: dict[str, Callable[[CardReader], Read]] = {
    "plain": _plain,
    "resistor": _resistor,
    "reactance": _reactance,
    "independent": read_source,
    "diode": _diode,
    "switch": _switch,
    "controlled": _controlled,
    "transistor": _transistor,
    "behavioural": _behavioural,
}
