"""Devices of more than two terminals; every terminal but the last is an element of its own."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...arrays import Bools, Floats, Ints
from ...errors import UsageError, did_you_mean
from .cards import BadModel, Given, Made, Model
from .characteristic import KELVIN
from .device import Table, number, text
from .pieces import Pieces

if TYPE_CHECKING:
    from typing import Self

    import networkx

    from .decks import Deck


#: what to do about models that are refused
_OTHER_LEVELS = {
    "level": "fit parameters of level 1 to its currents, or write its formulas as B sources"
}


def transistors(
    kind: str, types: tuple[str, str], evaluate: Callable[[Given], Made], known: Set[str]
) -> tuple[Model]:
    """Return the models of a kind of transistor."""
    words = frozenset({"mfg", "type"})
    return (Model(kind, types, words | known, evaluate, words),)


@dataclass(frozen=True, eq=False)
class Multipole(Table):
    """Device whose terminals' currents depend on all of its voltages.

    A device is as many elements as it has terminals, but for the last: that of the first
    terminal has its name, the others ``name:g`` and the like.  Each leads from its terminal to
    the last one, and its current is what flows into the terminal.

    Attributes
    ----------
    values : ndarray, shape (devices, parameters)
        The parameters, in the order of `defaults`.
    """

    #: letters of the terminals in the order of the elements, and of the last one
    terminals: ClassVar[str]
    #: order in which the card names terminals
    order: ClassVar[str]
    #: parameter of the model or the card -> what it is if not given
    defaults: ClassVar[Mapping[str, float]]
    #: other names for parameters
    aliases: ClassVar[Mapping[str, str]] = {}
    #: parameters that stand on the card rather than in the model
    own: ClassVar[tuple[str, ...]]
    #: parameters of cards that ``.options scale`` multiplies, to which power
    lengths: ClassVar[Mapping[str, int]] = {}
    #: what changes the currents and is not there, unless it has one of the harmless values
    refused: ClassVar[Mapping[str, tuple[float, ...]]] = {}
    #: types of the models, of which the second has the opposite polarity
    polarities: ClassVar[tuple[str, str]]

    #: how many of the last nodes of a card may be left out, and are ground then
    optional: ClassVar[int] = 0
    #: options that stand for what a card doesn't say
    options: ClassVar[Mapping[str, str]] = {}

    varies = True
    smooth = True
    imposes = "is controlled by its voltages, {across} among them"
    conducts = True  # all but gates do, if little

    values: Floats = field(default_factory=lambda: np.zeros((0, 0)))

    # ---- what stands in the deck ----

    @classmethod
    def evaluate(cls, model: Given) -> Mapping[str, float]:
        """Return the parameters of a model, checked, by the names of `defaults`."""
        found = {"polarity": 1.0 if model.type == cls.polarities[0] else -1.0}
        for name, value in model.numbers.items():
            key = cls.aliases.get(name, name)
            if key in cls.refused and value not in cls.refused[key]:
                raise BadModel(cls.refusal(key, value), name, _OTHER_LEVELS.get(key))
            if key in cls.defaults:
                if not math.isfinite(value):
                    raise BadModel(f"{name} must be finite", name)
                found[key] = value
        return found

    @classmethod
    def refusal(cls, name: str, value: float) -> str:
        """Return why a parameter is refused."""
        if name == "level":
            known = [f"{level:g}" for level in cls.refused[name]]
            there = f"levels {', '.join(known[:-1])} and {known[-1]} are" if known[1:] else (
                f"level {known[0]} is"
            )  # fmt: skip
            return f"{cls.kind} models of level {value:g} are not there: {there}"
        return f"{name} changes the currents of a {cls.kind} at DC, and is not there"

    @classmethod
    def from_options(cls, options: Mapping[str, float]) -> dict[str, float]:
        """Return what .options cards say about such devices."""
        return {key: options[name] for key, name in cls.options.items() if name in options}

    @classmethod
    def completed(cls, given: Mapping[str, float]) -> Mapping[str, float]:
        """Return all parameters from those that are given."""
        return {**cls.defaults, **given}

    @classmethod
    def row(cls, name: str, *values: Any, **more: Any) -> tuple[Any, ...]:
        """Return the nodes between the first and the last terminal, and the parameters."""
        nodes, given = values
        given = {cls.aliases.get(k, k): number(f"{k} of {name}", v) for k, v in given.items()}
        numbers = cls.completed(given)
        for key in numbers.keys() - cls.defaults.keys():
            meant = did_you_mean(key, list(cls.defaults))
            raise UsageError(f"{name} has no parameter {key!r}" + (meant and f": {meant}"))
        cls.sensible(name, numbers)
        return (*nodes, np.array([numbers[key] for key in cls.defaults]))

    @classmethod
    def sensible(cls, name: str, numbers: Mapping[str, float]) -> None:
        """Raise `UsageError` if parameters make no device."""
        for key in ("area", "m", "w"):
            if key in numbers and numbers[key] <= 0:
                raise UsageError(f"{key} of {name} must be above 0")
        if numbers["temp"] <= -KELVIN or numbers["tnom"] <= -KELVIN:
            raise UsageError(f"the temperature of {name} is below absolute zero")

    @classmethod
    def made(cls, columns: list[Any], branch: Callable[[str], int]) -> Self:
        """Devices become one element a terminal."""
        names, p, q, file, line, *between, numbers = columns
        width = len(cls.terminals) - 1
        ends = np.stack([p, *between], axis=1).ravel()
        suffixes = ["", *(f":{letter}" for letter in cls.terminals[1:-1])]
        elements = tuple(name + suffix for name in names for suffix in suffixes)
        q, file, line = (np.repeat(column, width) for column in (q, file, line))
        return cls(elements, ends, q, file, line, np.stack(numbers))

    # ---- the table ----

    @property
    def width(self) -> int:
        """Elements of a device."""
        return len(self.terminals) - 1

    def smooth_elements(self) -> Sequence[str]:
        """Return the names of the devices: each stands for all its terminals."""
        return self.names[:: self.width]

    def ends(self, letter: str) -> Ints:
        """Return the nodes of a terminal, shape (devices,)."""
        if letter == self.terminals[-1]:
            return self.q[:: self.width]
        return self.p[self.terminals.index(letter) :: self.width]

    def grouped(self, elements: Ints) -> Ints:
        """Return numbers of elements by device, shape (devices, elements of a device)."""
        return elements.reshape(-1, self.width)

    def behind(self, out: Pieces, letter: str, ohms: Floats) -> Ints:
        """Return the nodes behind a terminal's resistances: new ones where these are."""
        nodes = self.ends(letter).copy()
        some = ohms > 0
        nodes[some] = out.inner(int(some.sum()))
        return nodes

    def join(
        self, out: Pieces, element: Ints, letter: str, inside: Ints, ohms: Floats, some: Bools
    ) -> None:
        """Add some of the resistances of a terminal; the law tells the current of the element."""
        ends = self.ends(letter)
        out.conductor(element[some], ends[some], inside[some], 1.0 / ohms[some], 0.0)

    def channel(
        self, out: Pieces, numbers: Ints, values: Mapping[str, Floats]
    ) -> tuple[Ints, Ints]:
        """Return the ends of a channel, drain and source, behind their resistances."""
        drain, source = self.behind(out, "d", values["rd"]), self.behind(out, "s", values["rs"])
        for letter, inside, ohms in (("d", drain, values["rd"]), ("s", source, values["rs"])):
            self.join(out, numbers[:, 0], letter, inside, ohms, ohms > 0)
        return drain, source

    def parameter(self, name: str) -> Floats:
        """Return a parameter of all devices, shape (devices,)."""
        column: Floats = self.values[:, list(self.defaults).index(name)]
        return column

    def __getattr__(self, name: str) -> Floats:
        # the value that can be set, by element: NaN but for the first terminals
        if name != self.value:
            raise AttributeError(name)
        column = np.full(len(self), np.nan)
        column[:: self.width] = self.parameter(name)
        return column

    def check(self, row: int, value: float) -> None:
        """The first terminal stands for the device."""
        if row % self.width:
            raise UsageError(f"{self.names[row]} is a terminal: it has no value to set")
        if not number(self.names[row], value) > 0:
            raise UsageError(f"{self.value} of {self.names[row]} must be above 0")

    def with_values(self, values: Mapping[int, float]) -> Self:
        """Return the table with other values in some rows."""
        numbers = self.values.copy()
        for row, value in values.items():
            self.check(row, value)
            numbers[row // self.width, list(self.defaults).index(str(self.value))] = value
        return dataclasses.replace(self, values=numbers)

    def of_model(self, key: str) -> Floats:
        """Return a parameter by element: NaN but for the first terminals."""
        key = self.aliases.get(key, key)
        if key not in self.defaults:
            raise KeyError(key)
        column = np.full(len(self), np.nan)
        column[:: self.width] = self.parameter(key)
        return column

    def with_parameter(self, key: str, values: Mapping[int, float]) -> Self:
        """Return the table with another parameter of some devices."""
        numbers, key = self.values.copy(), self.aliases.get(key, key)
        for row, value in values.items():
            numbers[row // self.width, list(self.defaults).index(key)] = value
            given = zip(self.defaults, numbers[row // self.width].tolist(), strict=True)
            self.sensible(self.names[row], dict(given))
        return dataclasses.replace(self, values=numbers)

    def add_edges(self, graph: networkx.MultiGraph, nodes: Sequence[str]) -> None:
        """The parameters are those of the first terminals."""
        for row, name in enumerate(self.names):
            p, q = nodes[self.p[row]], nodes[self.q[row]]
            graph.add_edge(p, q, key=name, kind=self.kind, p=p, q=q, **self._given(row))

    def _given(self, row: int) -> dict[str, float]:
        """Return the parameters of an element that differ from the usual."""
        if row % self.width:
            return {}
        given = zip(self.defaults.items(), self.values[row // self.width].tolist(), strict=True)
        return {key: value for (key, usual), value in given if value != usual}

    # ---- writing ----

    def letter(self, row: int) -> str:
        """A device is written once."""
        return "" if row % self.width else self.cards[0].letter

    def touched(self, row: int) -> list[int]:
        """All terminals come on one card."""
        if row % self.width:
            return []
        return [int(self.ends(letter)[row // self.width]) for letter in self.order]

    def lines(self, row: int, head: str, deck: Deck) -> Iterator[str]:
        """The card, and a model for each set of parameters."""
        device, given = row // self.width, self._given(row)
        gmin, usual = self.parameter("gmin")[device], self.defaults["gmin"]
        deck.option("gmin", text(gmin), text(usual))
        given.pop("gmin", None)
        kind = self.polarities[0 if given.pop("polarity", 1.0) > 0 else 1]
        own = " ".join(f"{key}={text(given.pop(key))}" for key in self.own if key in given)
        body = " ".join(f"{key}={text(value)}" for key, value in given.items())
        nodes = " ".join(deck.node(int(self.ends(letter)[device])) for letter in self.order)
        name = head.split(None, 1)[0]
        model = deck.model(f"{kind}({body})", self.cards[0].letter)
        yield f"{name} {nodes} {model} {own}".rstrip()
