"""V and I cards."""

from __future__ import annotations

from .cards import Assign, IndependentSource, Item, Value, Waveform, Word
from .fields import FLAGS, CardReader
from .items import is_numeric
from .parameters import parameters_of
from .waveforms import WAVEFORMS

#: words of LTspice's PWL that say what happens after its first time
_REPETITION = {"repeat", "forever", "endrepeat"}


def read_source(r: CardReader) -> tuple[tuple[str, ...], IndependentSource]:
    """Return the nodes of a V or I card, and what it says."""
    nodes = r.nodes(2)
    parameters: list[tuple[str, Value]] = []
    value: Value | None = None
    waveform: Waveform | None = None
    if r.items and not isinstance(r.items[-1], Assign) and not _is_word(r, r.items[-1]):
        # a bare value comes first
        value = r.take_value("the value")
    while r.items:
        item = r.items[-1]
        if isinstance(item, Word) and item.text == "dc":
            r.items.pop()
            value = 0.0
            if r.items and not isinstance(r.items[-1], Assign) and not _is_word(r, r.items[-1]):
                value = r.take_value("the value")
        elif isinstance(item, Word) and item.text in WAVEFORMS:
            r.items.pop()
            waveform = Waveform(item, _arguments(r))
        else:
            found = r.keywords()
            if not found and r.items and r.items[-1] is item:
                break
            parameters += found
    value = dict(parameters).get("dc", value)
    return nodes, _source(r, value, waveform, parameters)


def _source(
    r: CardReader,
    value: Value | None,
    waveform: Waveform | None,
    parameters: list[tuple[str, Value]],
) -> IndependentSource:
    if waveform is not None and value is None:
        message = f"{waveform.name.text.upper()} depends on time: its value at t = 0 is taken"
        place = waveform.name.offset, len(waveform.name.text)
        r.report.add("N104", message, r.card, *place)
    elif value is None and not (r.letter == "i" and "r" in dict(parameters)):
        unit = "V" if r.letter == "v" else "A"
        hint = "write DC 0 if so meant"
        r.report.add("W111", f"no value: 0 {unit} is assumed", r.card, hint=hint)
    return IndependentSource(
        0.0 if value is None else value, waveform if value is None else None, tuple(parameters)
    )


def _is_word(r: CardReader, item: Item) -> bool:
    """Tell whether an item means something by itself, rather than being a value."""
    if not isinstance(item, Word) or is_numeric(item):
        return False
    known = parameters_of(r.letter)
    return item.text in WAVEFORMS or item.text in FLAGS or item.text in known


def _arguments(r: CardReader) -> tuple[Value, ...]:
    """Take the arguments of a waveform."""
    arguments = []
    while r.items and not isinstance(r.items[-1], Assign) and not _is_word(r, r.items[-1]):
        if r.items[-1].text in _REPETITION:
            r.items.pop()
        else:
            arguments.append(r.take_value("an argument"))
    return tuple(arguments)
