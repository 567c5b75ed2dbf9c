"""What parameters of element cards mean: each is implemented, harmless at DC, or refused.

No parameter is dropped that could change an operating point.  The table of docs/netlist-syntax.md
is held to this registry by a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import NamedTuple

from ...model.devices import CARDS


class Effect(Enum):
    """What becomes of a parameter."""

    IMPLEMENTED = "implemented"
    HARMLESS = "harmless at DC"
    REFUSED = "refused"


class Parameter(NamedTuple):
    """A parameter, or a word that stands alone, of some kind of card."""

    effect: Effect
    #: the simulators whose decks have it
    dialects: str
    #: what it is; of refused ones, what to do instead
    text: str


def _table(effect: Effect, dialects: str, text: str, names: str) -> dict[str, Parameter]:
    return {name: Parameter(effect, dialects, text) for name in names.split()}


_DOES, _IS_HARMLESS, _IS_REFUSED = Effect.IMPLEMENTED, Effect.HARMLESS, Effect.REFUSED
_EVERY = "ngspice, LTspice, PSpice, Xyce, HSPICE"

_HEAT = _table(_DOES, "ngspice, PSpice, Xyce, HSPICE", "temperature coefficients", "tc tc1 tc2")
_WARM = _table(
    _DOES, "ngspice, LTspice, PSpice, HSPICE", "temperature of the element", "temp dtemp"
)
_PARALLEL = _table(_DOES, "ngspice, LTspice, Xyce, HSPICE", "so many in parallel", "m")
_CATALOGUE = _table(
    _IS_HARMLESS, "LTspice", "from a parts catalogue",
    "mfg pn type tol pwr v irms ipk iavg vds vr rating",
)  # fmt: skip
_NOISE = _table(_IS_HARMLESS, "ngspice, LTspice, HSPICE", "noise", "noisy noise noiseless")
_CAPACITIVE = _table(_IS_HARMLESS, "LTspice", "a capacitance", "cpar")
_START = _table(_IS_HARMLESS, _EVERY, "a start of transients", "ic")
_SERIES = _table(_DOES, "LTspice", "a resistance in series", "rser")
_ACROSS = _table(_DOES, "LTspice", "a resistance in parallel", "rpar")
_GEOMETRY = _table(_DOES, "ngspice, Xyce, HSPICE", "geometry of a resistor with a model", "l w")

_RESISTOR = {
    **_table(_DOES, _EVERY, "the resistance", "r resistance"),
    **_HEAT, **_WARM, **_PARALLEL, **_GEOMETRY,
    **_table(_DOES, "ngspice", "exponential temperature coefficient", "tce"),
    **_table(_DOES, "ngspice, HSPICE", "a factor", "scale"),
    **_table(_IS_HARMLESS, "ngspice, HSPICE", "of AC or of a limit that is only checked",
             "ac bv_max c"),
    **_CATALOGUE, **_NOISE, **_CAPACITIVE,
    **_table(_DOES, "LTspice", "what it may be off by, in %: for Monte Carlo", "tol"),
}  # fmt: skip
_REACTANCE = {
    **_table(_IS_HARMLESS, _EVERY, "how large it is", "tc tc1 tc2 temp dtemp scale"),
    **_PARALLEL, **_START, **_CATALOGUE, **_CAPACITIVE, **_ACROSS,
}  # fmt: skip
_CAPACITOR = {
    **_table(_DOES, _EVERY, "the capacitance", "c capacitance"),
    **_table(_IS_HARMLESS, _EVERY, "of charge and geometry", "q l w bv_max"),
    **_table(_IS_HARMLESS, "LTspice", "in series with what is open", "rser lser rlshunt"),
    **_REACTANCE,
}
_INDUCTOR = {
    **_table(_DOES, _EVERY, "the inductance", "l inductance"),
    **_table(_IS_HARMLESS, _EVERY, "of flux and windings", "flux nt"),
    **_SERIES,
    **_REACTANCE,
}
_SOURCE = {
    **_table(_DOES, _EVERY, "the value", "dc"),
    **_table(_IS_HARMLESS, _EVERY, "of other analyses, with the numbers that follow",
             "ac distof1 distof2"),
    **_table(_DOES, "ngspice", "of PWL: delay and beginning of the repetition", "td r"),
    **_table(_IS_REFUSED, "LTspice, Xyce, HSPICE",
             "files of PWL are not read: write the value at t = 0 in its place", "file pwlfile"),
    **_ACROSS, **_CAPACITIVE,
}  # fmt: skip
_VOLTAGE_SOURCE = {
    **_SOURCE, **_SERIES,
    **_table(_DOES, "ngspice", "a port with z0 in series", "portnum z0"),
    **_table(_IS_HARMLESS, "ngspice", "of a port", "pwr freq phase"),
}  # fmt: skip
_CURRENT_SOURCE = {
    **_SOURCE, **_PARALLEL,
    **_table(_DOES, "LTspice", "a resistance in place of the source; of PWL: the repetition", "r"),
    **_table(_DOES, "LTspice", "a load, which delivers nothing", "load"),
    **_table(_IS_HARMLESS, "LTspice", "in series with a current", "rser"),
}  # fmt: skip
_DIODE = {
    **_PARALLEL, **_WARM,
    **_table(_DOES, _EVERY, "so many in parallel", "area"),
    **_table(_DOES, "ngspice, HSPICE", "length of the edge, for JSW", "pj"),
    **_table(_IS_HARMLESS, "ngspice, HSPICE", "geometry of levels that are not there",
             "perim l w lm lp wm wp"),
    **_table(_IS_HARMLESS, _EVERY, "where the search starts", "off"),
    **_START, **_CATALOGUE, **_NOISE,
}  # fmt: skip
_SWITCH = {
    **_table(_DOES, "ngspice, Xyce", "the state to start from", "on off"),
    **_table(_DOES, "written by us", "holds its state", "fixed"),
    **_START, **_NOISE,
}  # fmt: skip
_CLAMPED = _table(_IS_REFUSED, "HSPICE", "of sources by points", "delta smooth")
_LIMITED = {
    **_table(_DOES, "HSPICE", "limits, and whether the size counts", "max min abs"), **_CLAMPED,
}  # fmt: skip
_LINEAR = {
    **_table(_DOES, "HSPICE", "a factor", "scale"),
    **_table(_DOES, "HSPICE", "temperature coefficients", "tc1 tc2"),
    **_START, **_LIMITED,
}  # fmt: skip
_TRANSISTOR = {
    **_table(_DOES, "ngspice, LTspice", "temperature of the element", "temp dtemp"), **_PARALLEL,
    **_table(_IS_HARMLESS, _EVERY, "where the search starts", "off"),
    **_table(_IS_HARMLESS, _EVERY, "a start of transients", "icvbe icvce icvds icvgs icvbs"),
    **_START, **_CATALOGUE, **_NOISE,
}  # fmt: skip
_AREA = _table(_DOES, _EVERY, "so many in parallel", "area")
_BIPOLAR = {
    **_TRANSISTOR, **_AREA,
    **_table(_DOES, "ngspice", "areas of base and collector, which one depends on SUBS",
             "areab areac"),
}  # fmt: skip
_MOSFET = {
    **_TRANSISTOR,
    **_table(_DOES, _EVERY, "width and length of the channel", "w l"),
    **_table(_DOES, _EVERY, "areas of drain and source, for JS; squares, for RSH", "ad as nrd nrs"),
    **_table(_IS_HARMLESS, _EVERY, "perimeters, of capacitances", "pd ps"),
}  # fmt: skip
_FORMULA = {
    **_HEAT, **_WARM,
    **_table(_DOES, "ngspice", "a factor, of a voltage too", "m"),
    **_table(_DOES, "ngspice", "divide by these factors", "reciproctc reciprocm"),
    **_SERIES, **_ACROSS, **_START, **_CAPACITIVE, **_NOISE,
    **_table(_IS_HARMLESS, "LTspice", "steps of transients", "tripdv tripdt"),
    **_LIMITED,
}  # fmt: skip
_LINE = {
    **_table(_IS_HARMLESS, _EVERY, "of a wave", "z0 td f nl rel"),
    **_table(_IS_HARMLESS, _EVERY, "a start of transients", "ic"),
}
_INSTANCE = {
    **_table(_DOES, "ngspice, LTspice, HSPICE", "so many in parallel, unless the subcircuit has "
             "a parameter of that name", "m"),
}  # fmt: skip

#: what a card is, or its form: parameter -> what it means
PARAMETERS: dict[str, dict[str, Parameter]] = {
    "r": _RESISTOR,
    "c": _CAPACITOR,
    "l": _INDUCTOR,
    "v": _VOLTAGE_SOURCE,
    "i": _CURRENT_SOURCE,
    "d": _DIODE,
    "a": _DIODE,
    "s": _SWITCH,
    "w": _SWITCH,
    "e": _LINEAR,
    "h": _LINEAR,
    "f": {**_LINEAR, **_PARALLEL},
    "g": {**_LINEAR, **_PARALLEL},
    "q": _BIPOLAR,
    "m": _MOSFET,
    "j": {**_TRANSISTOR, **_AREA},
    "formula": _FORMULA,
    "t": _LINE,
    "x": _INSTANCE,
}


@cache
def parameters_of(kind: str) -> Mapping[str, Parameter]:
    """Return what is known of a kind of card; plain cards are described by their devices."""
    if kind in PARAMETERS:
        return PARAMETERS[kind]
    return _table(_DOES, "written by us", "see the device", " ".join(CARDS[kind][1].keys))
