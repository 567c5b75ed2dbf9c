"""The devices, and the one place where they are registered.

A device is imported when a circuit first has one, or a card of its letter is read: most decks
have a few kinds, and imports cost them more than solving.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from .cards import Card, Model
from .device import Device, Table

if TYPE_CHECKING:
    from .behavioural_source import BehaviouralSources
    from .bipolar import Bipolars
    from .capacitor import Capacitors
    from .controlled_source import ControlledSources
    from .crossbar import Crossbars
    from .current_source import CurrentSources
    from .diode import Diodes
    from .inductor import Inductors
    from .jfet import Jfets
    from .junction import Junctions
    from .limiter import Limiters
    from .mosfet import Mosfets
    from .resistor import Resistors
    from .segmented_diode import SegmentedDiodes
    from .switch import Switches
    from .voltage_source import VoltageSources

T = TypeVar("T")


class _Entry(NamedTuple):
    """Where a device is, and by which letters and types of models a deck asks for it."""

    plural: str
    module: str
    name: str
    letters: str = ""
    types: tuple[str, ...] = ()


#: elements are numbered in this order
_ENTRIES = (
    _Entry("resistors", "resistor", "Resistors", "r", ("r", "res")),
    _Entry("crossbars", "crossbar", "Crossbars"),
    _Entry("capacitors", "capacitor", "Capacitors", "c"),
    _Entry("inductors", "inductor", "Inductors", "l"),
    _Entry("voltage_sources", "voltage_source", "VoltageSources", "v"),
    _Entry("current_sources", "current_source", "CurrentSources", "i"),
    _Entry("diodes", "diode", "Diodes", "da", ("d", "sidiode")),
    _Entry("switches", "switch", "Switches", "sw", ("sw", "vswitch", "switch", "csw", "iswitch")),
    _Entry("controlled_sources", "controlled_source", "ControlledSources", "egfh"),
    _Entry("limiters", "limiter", "Limiters", "y"),
    _Entry("behavioural_sources", "behavioural_source", "BehaviouralSources", "b"),
    _Entry("junctions", "junction", "Junctions"),
    _Entry("segmented_diodes", "segmented_diode", "SegmentedDiodes"),
    _Entry("bipolars", "bipolar", "Bipolars", "q", ("npn", "pnp")),
    _Entry("mosfets", "mosfet", "Mosfets", "m", ("nmos", "pmos")),
    _Entry("jfets", "jfet", "Jfets", "j", ("njf", "pjf")),
)


class _AtFirstUse(Mapping[str, T]):
    """A mapping whose values are made when they are asked for; its keys are known before."""

    def __init__(self, makers: Mapping[str, Callable[[], T]]) -> None:
        self._makers = makers
        self._made: dict[str, T] = {}

    def __getitem__(self, key: str) -> T:
        try:
            return self._made[key]
        except KeyError:
            made = self._made[key] = self._makers[key]()
            return made

    def __contains__(self, key: object) -> bool:
        return key in self._makers

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


def _device(entry: _Entry) -> type[Table] | type[Crossbars]:
    return getattr(import_module(f"{__name__}.{entry.module}"), entry.name)


def _card(entry: _Entry, letter: str) -> tuple[type[Device], Card]:
    device = _device(entry)
    return device, next(card for card in device.cards if card.letter == letter)


def _model(entry: _Entry, name: str) -> Model:
    return next(model for model in _device(entry).models if name in model.types)


#: name of its table -> device
DEVICES: Mapping[str, type[Table] | type[Crossbars]] = _AtFirstUse(
    {entry.plural: partial(_device, entry) for entry in _ENTRIES}
)

#: letter -> device and card
CARDS: Mapping[str, tuple[type[Device], Card]] = _AtFirstUse(
    {letter: partial(_card, entry, letter) for entry in _ENTRIES for letter in entry.letters}
)

#: letter -> name of the table that its elements are usually held in
PLURALS = {letter: entry.plural for entry in _ENTRIES for letter in entry.letters}

#: type on a .model card -> what it is
MODELS: Mapping[str, Model] = _AtFirstUse(
    {name: partial(_model, entry, name) for entry in _ENTRIES for name in entry.types}
)

_ENTRY = {entry.name: entry for entry in _ENTRIES}


def __getattr__(name: str) -> Any:
    if name in _ENTRY:
        return _device(_ENTRY[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "CARDS", "DEVICES", "MODELS", "PLURALS", "BehaviouralSources", "Bipolars", "Capacitors", "Card",
    "ControlledSources", "Crossbars", "CurrentSources", "Device", "Diodes", "Inductors", "Jfets",
    "Junctions", "Limiters", "Model", "Mosfets", "Resistors", "SegmentedDiodes", "Switches",
    "Table", "VoltageSources",
]  # fmt: skip
