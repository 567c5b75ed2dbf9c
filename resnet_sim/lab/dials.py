"""Values that can be turned, and how turning one changes the text of the deck.

A value is turned by writing another number into its card, so that what is seen, shared and
exported is one deck.  Which number of a card is meant is found by trying: that with which the
deck amounts to the circuit with that value changed, and nothing else.  Where there is none, as
inside of subcircuits and in expressions, the value is kept beside the deck.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from ..errors import ResnetSimError, UsageError
from ..model.circuit import Circuit
from ..model.numbers import EXPONENTS, read_number
from ..plotting.charts import UNITS
from .state import NAME, Reader, State

#: numbers of a card that are tried, and dials that are offered
MOST_TRIED, MOST_DIALS = 5, 300

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?[a-zµμ]*"
_WORD = re.compile(rf"(?<![^\s=({{,]){_NUMBER}(?![^\s)}},])", re.IGNORECASE)
_ASSIGNED = re.compile(rf"(\w+)\s*=\s*({_NUMBER})(?=[\s,;]|$)", re.IGNORECASE)
_SUFFIXES = {power: suffix for suffix, power in EXPONENTS.items() if suffix.isascii()} | {0: ""}


@dataclass(frozen=True)
class Dial:
    """A value that can be turned: of an element, or a parameter of the deck."""

    name: str
    kind: str
    unit: str
    value: float


def dials(circuit: Circuit, state: State) -> list[Dial]:
    """Return what can be turned: parameters first, then elements, sources before others."""
    found = [
        Dial(name, "parameter", "", state.values.get(name, value))
        for name, (value, _) in parameters(state.deck).items()
    ]
    tables = [table for table in circuit.tables.values() if table.varies and table.value]
    for table in sorted(tables, key=lambda table: "source" not in table.kind):
        column, unit = getattr(table, str(table.value)), UNITS.get(str(table.value), "")
        # a transistor is several elements, of which one has its size
        known = [k for k in islice(range(len(table)), MOST_DIALS) if np.isfinite(column[k])]
        found += [Dial(table.names[k], table.kind, unit, float(column[k])) for k in known]
    return found[:MOST_DIALS]


def turned(state: State, name: str, value: float, reader: Reader) -> State:
    """Return the state with a value changed, in the deck if that is possible.

    Raises
    ------
    UsageError
        If there is nothing of that name, or it can't have that value.
    """
    name = name.lower()
    written = spice(value)
    if name not in state.values and (deck := _written(state.deck, name, written, reader)):
        return State(deck, state.values, state.switches)
    return State(state.deck, {**state.values, name: value}, state.switches)


def _written(deck: str, name: str, written: str, reader: Reader) -> str | None:
    """Return the deck with another number in one place, None if that is not all that changes."""
    circuit = reader.read(deck)
    value = _value(written)
    number = circuit.find(name)
    if number is None:
        found = parameters(deck).get(name)
        places = [] if found is None else [found[1]]
        wanted: Callable[[], Circuit] = lambda: circuit.with_parameters({name: value})  # noqa: E731
    else:
        places = list(_places(deck, circuit, number))
        wanted = lambda: circuit.with_values({name: value})  # noqa: E731
    if not places:
        return None
    goal = wanted()
    for first, last in places[:MOST_TRIED]:
        text = deck[:first] + written + deck[last:]
        try:
            if _same(reader.read(text), goal):
                return text
        except ResnetSimError:
            continue
    return None


def _places(deck: str, circuit: Circuit, number: int) -> Iterator[tuple[int, int]]:
    """Yield where in the deck the numbers of a card stand, those nearest to its value first."""
    span, (table, row) = circuit.span(number), circuit.locate(number)
    column = circuit.tables[table].value
    if span is None or span.file != NAME or "." in circuit.element_names[number] or not column:
        return
    value = float(getattr(circuit.tables[table], column)[row])
    lines = deck.split("\n")
    start = sum(len(line) + 1 for line in lines[: span.line - 1])
    end, following = start + len(lines[span.line - 1]), span.line
    while following < len(lines) and lines[following].lstrip().startswith("+"):
        end += 1 + len(lines[following])
        following += 1
    found = [m.span() for m in _WORD.finditer(deck, start, end)]
    yield from sorted(found, key=lambda place: abs(_value(deck[slice(*place)]) - value))


def parameters(deck: str) -> dict[str, tuple[float, tuple[int, int]]]:
    """Return parameters of the deck itself that are given as numbers, and where these stand."""
    found: dict[str, tuple[float, tuple[int, int]]] = {}
    start, depth, inside = 0, 0, False
    for line in deck.split("\n"):
        words = line.lower().split(None, 1)
        first = words[0] if words else ""
        depth += (first in (".subckt", ".macro")) - (first in (".ends", ".eom"))
        inside = first in (".param", ".params") or (inside and first.startswith("+"))
        if inside and not depth:
            for match in _ASSIGNED.finditer(line.partition(";")[0]):
                low, high = match.span(2)
                found[match[1].lower()] = _value(match[2]), (start + low, start + high)
        start += len(line) + 1
    return found


def _value(text: str) -> float:
    read = read_number(text.lower())
    return np.nan if read is None else read.value


def _same(one: Circuit, other: Circuit) -> bool:
    """Tell whether two circuits have the same elements with the same values."""
    if (one.nodes, one.analyses) != (other.nodes, other.analyses):
        return False
    if tuple(one.element_names) != tuple(other.element_names):
        return False
    return all(repr(a) == repr(b) or _equal(a, b) for a, b in _columns(one, other))


def _columns(one: Circuit, other: Circuit) -> Iterator[tuple[Any, Any]]:
    for name, table in one.tables.items():
        for column, values in vars(table).items():
            if column not in ("line", "file"):
                yield values, vars(other.tables[name]).get(column)


def _equal(a: Any, b: Any) -> bool:
    if not (isinstance(a, np.ndarray) and isinstance(b, np.ndarray)) or a.shape != b.shape:
        return bool(np.all(a == b)) if type(a) is type(b) else False
    return np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def spice(value: float) -> str:
    """Return a number as decks have it, rounded to six digits.

    Examples
    --------
    >>> spice(4700.0), spice(-2.5e-3), spice(1.23456789e6), spice(0.0)
    ('4.7k', '-2.5m', '1.23457meg', '0')
    """
    if value != value or abs(value) == np.inf:
        raise UsageError("a value has to be finite")
    mantissa, _, power = f"{value:.5e}".partition("e")
    shift = int(power) % 3
    suffix = _SUFFIXES.get(int(power) - shift)
    if value == 0 or suffix is None:
        return f"{value:.6g}"
    return f"{float(mantissa) * 10**shift:.6g}{suffix}"
