"""The devices, and the one place where they are registered."""

from __future__ import annotations

from .behavioural_source import BehaviouralSources
from .bipolar import Bipolars
from .capacitor import Capacitors
from .cards import Card, Model
from .controlled_source import ControlledSources
from .crossbar import Crossbars
from .current_source import CurrentSources
from .device import Device, Table
from .diode import Diodes
from .inductor import Inductors
from .jfet import Jfets
from .junction import Junctions
from .limiter import Limiters
from .mosfet import Mosfets
from .resistor import Resistors
from .switch import Switches
from .voltage_source import VoltageSources

#: name of its table -> device; elements are numbered in this order
DEVICES: dict[str, type[Table] | type[Crossbars]] = {
    device.plural: device
    for device in (
        Resistors,
        Crossbars,
        Capacitors,
        Inductors,
        VoltageSources,
        CurrentSources,
        Diodes,
        Switches,
        ControlledSources,
        Limiters,
        BehaviouralSources,
        Junctions,
        Bipolars,
        Mosfets,
        Jfets,
    )
}

#: letter -> device and card
CARDS: dict[str, tuple[type[Device], Card]] = {
    card.letter: (device, card) for device in DEVICES.values() for card in device.cards
}

#: type on a .model card -> what it is
MODELS: dict[str, Model] = {
    name: model for d in DEVICES.values() for model in d.models for name in model.types
}

__all__ = [
    "CARDS",
    "DEVICES",
    "MODELS",
    "BehaviouralSources",
    "Bipolars",
    "Capacitors",
    "Card",
    "ControlledSources",
    "Crossbars",
    "CurrentSources",
    "Device",
    "Diodes",
    "Inductors",
    "Jfets",
    "Junctions",
    "Limiters",
    "Model",
    "Mosfets",
    "Resistors",
    "Switches",
    "Table",
    "VoltageSources",
]
