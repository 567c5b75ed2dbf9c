"""What cards are made of: items first, then one small class per kind of element card.

Offsets count characters from the beginning of the card; `report.Report.span` turns them
into lines and columns.  Named tuples rather than dataclasses: they are made in a quarter of the
time, both the classes at import and the objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ...model.devices.cards import Made
from ..expressions.functions import CONSTANTS, FUNCTIONS
from ..expressions.programs import Program
from ..source import Card


class Word(NamedTuple):
    """A run of characters between separators."""

    text: str
    offset: int


class Braced(NamedTuple):
    """The text of an expression, or a string, in braces or quotes, without these."""

    text: str
    offset: int


class Assign(NamedTuple):
    """``key=value``."""

    key: Word
    value: Word | Braced


Item = Word | Braced | Assign


class Expression(NamedTuple):
    """A compiled expression, its card, and where the text starts that it was compiled from."""

    program: Program
    card: Card
    offset: int

    @property
    def is_constant(self) -> bool:
        """Whether it names nothing but constants such as pi, nor calls a function of the deck."""
        named = {str(op[1]) for op in self.program if op[0] == "name"}
        called = {str(op[1]) for op in self.program if op[0] == "call"}
        return named <= CONSTANTS.keys() and called <= FUNCTIONS.keys()


#: a number, or what has to be computed for every instance of a subcircuit
Value = float | Expression
Parameters = tuple[tuple[str, Value], ...]


class Resistor(NamedTuple):
    """R card: ``value`` in ohm (None: from the model), further parameters by name.

    ``doubtful`` are two items that both look like values: one is the name of a model.
    """

    value: Value | None
    model: Word | None
    parameters: Parameters
    doubtful: tuple[Word | Braced, ...] = ()


class Reactance(NamedTuple):
    """C or L card; the value is kept though it does not matter at DC."""

    value: Value
    parameters: Parameters


class Waveform(NamedTuple):
    """A function of time, see `waveforms`."""

    name: Word
    arguments: tuple[Value, ...]


class IndependentSource(NamedTuple):
    """V or I card: a value in V or A, or else what a waveform is at t = 0."""

    value: Value
    waveform: Waveform | None
    parameters: Parameters


class Diode(NamedTuple):
    """D card (or an A card with a sidiode model); ideal without a model."""

    model: Word | None
    parameters: Parameters


class Switch(NamedTuple):
    """S or W card; `control` holds two nodes or one source, which don't matter if `fixed`."""

    control: tuple[Word, ...]
    model: Word
    closed: bool
    fixed: bool


class LinearSource(NamedTuple):
    """E, F, G, H card: ``constant + sum gain * control``, times what the parameters say.

    Each control is a pair of nodes, or one source whose current it is.  `products` are the
    coefficients of POLY beyond these: of all products of two controls, then of three, ...
    """

    is_voltage: bool
    constant: Value
    controls: tuple[tuple[Word, ...], ...]
    gains: tuple[Value, ...]
    parameters: Parameters
    products: tuple[Value, ...] = ()


class BehaviouralSource(NamedTuple):
    """B card, or E and G with an expression."""

    is_voltage: bool
    expression: Expression
    parameters: Parameters


class Plain(NamedTuple):
    """A card of numbers alone, by the names that its device gives them."""

    values: Parameters


class Transistor(NamedTuple):
    """Q, M or J card: what stands before the first ``key=value``, nodes first, and these.

    Where the nodes end only the names of the models tell.
    """

    items: tuple[Word | Braced, ...]
    parameters: Parameters


class Line(NamedTuple):
    """T card, a lossless line: what its two ports are connected to besides their first nodes."""

    returns: tuple[str, str]


class Instance(NamedTuple):
    """X card; the names of its parameters have their places."""

    subcircuit: Word
    parameters: tuple[tuple[Word, Value], ...]


Device = (
    Resistor
    | Reactance
    | IndependentSource
    | Diode
    | Switch
    | LinearSource
    | BehaviouralSource
    | Plain
    | Transistor
    | Line
    | Instance
)


class Element(NamedTuple):
    """An element card: name and nodes as written (lower case), and the device."""

    name: str
    nodes: tuple[str, ...]
    device: Device
    card: Card


class ModelCard(NamedTuple):
    """A .model card, not evaluated yet; `table` are points that it gives, if any.

    What it does not say is that of the model `base`, if it names one (``ako:base``); then `type`
    may be empty.  Of a card of nothing but ``key=value``, the `plain` words stand for the
    parameters, which are looked at when the model is used.
    """

    name: str
    type: str
    parameters: tuple[Assign, ...]
    card: Card
    table: tuple[Word | Braced, ...] = ()
    base: str = ""
    plain: tuple[str, ...] = ()


class Model(NamedTuple):
    """A model: its kind (see `devices.MODELS`), and what it makes of an element."""

    kind: str
    made: Made

    @property
    def values(self) -> Mapping[str, float]:
        """The columns of an element without parameters of its own."""
        return self.made.columns
