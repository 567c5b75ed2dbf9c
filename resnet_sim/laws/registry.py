"""Where the laws of the devices are registered; one is imported when a circuit first needs it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

from ..model.circuit import Circuit
from .law import Law

#: name of its table -> module and name of the law of each registered device; those come first
#: whose currents control others
LAWS = {
    "resistors": ("resistor", "ResistorLaw"),
    "crossbars": ("crossbar", "CrossbarLaw"),
    "capacitors": ("capacitor", "CapacitorLaw"),
    "inductors": ("inductor", "InductorLaw"),
    "voltage_sources": ("voltage_source", "VoltageSourceLaw"),
    "current_sources": ("current_source", "CurrentSourceLaw"),
    "diodes": ("diode", "DiodeLaw"),
    "switches": ("switch", "SwitchLaw"),
    "controlled_sources": ("controlled_source", "ControlledSourceLaw"),
    "limiters": ("limiter", "LimiterLaw"),
    "behavioural_sources": ("behavioural_source", "BehaviouralSourceLaw"),
    "junctions": ("junction", "JunctionLaw"),
    "segmented_diodes": ("segmented_diode", "SegmentedDiodeLaw"),
    "bipolars": ("bipolar", "BipolarLaw"),
    "mosfets": ("mosfet", "MosfetLaw"),
    "jfets": ("jfet", "JfetLaw"),
}


@cache
def law_of(table: str) -> type[Law[Any]]:
    """Return the law of a device, by the name of its table."""
    module, name = LAWS[table]
    return getattr(import_module(f"{__package__}.{module}"), name)


def laws(circuit: Circuit) -> Iterator[Law[Any]]:
    """Yield the laws of the devices that a circuit has."""
    yield from (law_of(table)(circuit) for table in LAWS if table in circuit.present)
