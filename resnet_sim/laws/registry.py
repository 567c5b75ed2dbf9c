"""Where the laws of the devices are registered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..model.circuit import Circuit
from .behavioural_source import BehaviouralSourceLaw
from .bipolar import BipolarLaw
from .capacitor import CapacitorLaw
from .controlled_source import ControlledSourceLaw
from .crossbar import CrossbarLaw
from .current_source import CurrentSourceLaw
from .diode import DiodeLaw
from .inductor import InductorLaw
from .jfet import JfetLaw
from .junction import JunctionLaw
from .law import Law
from .limiter import LimiterLaw
from .mosfet import MosfetLaw
from .resistor import ResistorLaw
from .switch import SwitchLaw
from .voltage_source import VoltageSourceLaw

#: one for each registered device; those come first whose currents control others
LAWS: tuple[type[Law[Any]], ...] = (
    ResistorLaw,
    CrossbarLaw,
    CapacitorLaw,
    InductorLaw,
    VoltageSourceLaw,
    CurrentSourceLaw,
    DiodeLaw,
    SwitchLaw,
    ControlledSourceLaw,
    LimiterLaw,
    BehaviouralSourceLaw,
    JunctionLaw,
    BipolarLaw,
    MosfetLaw,
    JfetLaw,
)


def laws(circuit: Circuit) -> Iterator[Law[Any]]:
    """Yield the laws of the devices that a circuit has."""
    yield from (law(circuit) for law in LAWS if len(circuit.tables[law.device.plural]))
