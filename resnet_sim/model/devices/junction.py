"""Junction diodes, and what a D model of SPICE makes of its parameters."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...arrays import Bools, Floats
from ...curves.junction import JunctionCurve
from ...errors import UsageError
from ..numbers import are_in_range
from .cards import BadModel, Conditions
from .characteristic import KELVIN
from .characteristic import THERMAL as BOLTZMANN  # over the elementary charge, V/K
from .device import floats, number, text
from .junction_table import GMIN, JunctionTable
from .pieces import Pieces

if TYPE_CHECKING:
    from .decks import Deck

#: Kelvin of the temperature that emission coefficients refer to.
ROOM = 300.15
#: Thermal voltage at 27 Celsius, V.
THERMAL = BOLTZMANN * ROOM


@dataclass(frozen=True, eq=False)
class Junctions(JunctionTable):
    """Junction diode with anode p and cathode q.

    ::

        p o--[series]--|>|--o q        i |        |
                        |  |             |       |   emission: how steep
                       [leak]            |     .'
                              -----------+--'------ v
                        ._____---- saturation
                        |
                        | breakdown

    With u, the voltage across the junction, ``v - series i``:

    - ``i = saturation (exp(u / n) - 1)`` above ``-3 n``, with ``n`` the emission coefficient
      times the thermal voltage, `THERMAL`;
    - ``i = -saturation (1 + (3 n / (e u))**3)`` down to ``-breakdown``;
    - ``i = -saturation exp(-(breakdown + u) / nb)`` below, ``nb`` as n;

    and everywhere ``leak u`` in addition.  `recombination` adds ``recombination (exp(u / nr) -
    1) ((1 - u / potential)**2 + .005)**(grading / 2)`` above ``-3 n``; `knee` and
    `reverse_knee` divide what flows then, either side, by ``1 + sqrt(i / knee)``.  That is the
    law of ngspice.  At ``-3 n``, where recombination and the reverse knee end, its current falls
    with a step: a circuit may have several solutions, each above the step or below it.
    """

    kind = "junction diode"
    plural = "junctions"
    types = "f" * 12
    infinite = JunctionTable.infinite | {"knee", "reverse_knee"}
    parameters: ClassVar[Mapping[str, str]] = {
        **JunctionTable.parameters, "isr": "recombination", "nr": "recombination_emission",
        "vj": "potential", "m": "grading", "ikf": "knee", "ikr": "reverse_knee",
    }  # fmt: skip
    rank = 8
    conducts = True  # if only a little

    recombination: Floats = field(default_factory=floats)
    recombination_emission: Floats = field(default_factory=floats)
    potential: Floats = field(default_factory=floats)
    grading: Floats = field(default_factory=floats)
    knee: Floats = field(default_factory=floats)
    reverse_knee: Floats = field(default_factory=floats)

    @classmethod
    def row(
        cls, name: str, saturation: float = 1e-14, emission: float = 1.0, *, series: float = 0.0,
        leak: float = GMIN, breakdown: float = math.inf, breakdown_emission: float | None = None,
        recombination: float = 0.0, recombination_emission: float = 2.0, potential: float = 1.0,
        grading: float = 0.5, knee: float = math.inf, reverse_knee: float = math.inf,
    ) -> tuple[Any, ...]:  # fmt: skip
        """Return the values of one element, checked."""
        steep = emission if breakdown_emission is None else breakdown_emission
        values = {
            "saturation": saturation, "emission": emission, "series": series, "leak": leak,
            "breakdown": breakdown, "breakdown_emission": steep,
            "recombination": recombination, "recombination_emission": recombination_emission,
            "potential": potential, "grading": grading,
            "knee": knee, "reverse_knee": reverse_knee,
        }  # fmt: skip
        row = tuple([number(name, x, infinite=c in cls.infinite) for c, x in values.items()])
        for column, value in zip(values, row, strict=True):
            if value > 0:
                continue
            least = column in ("series", "leak", "recombination", "grading")
            if value < 0 or not least:
                raise UsageError(f"{name}: {column} must be {'0 or more' if least else 'above 0'}")
        return row

    def pieces(self, out: Pieces, first: int) -> None:
        """One curve."""
        out.curve(self.numbers(first), self.p, self.q, self.curve())

    def curve(self) -> JunctionCurve:
        """Return the curve of each junction, in V and A."""
        return JunctionCurve(
            self.saturation, THERMAL * self.emission,
            self.breakdown, THERMAL * self.breakdown_emission, self.leak, self.series,
            self.recombination, THERMAL * self.recombination_emission,
            self.potential, self.grading, self.knee, self.reverse_knee,
            # where nothing leaks, the other branch is level, and less than its current may flow
            (self.leak == 0) & self.steps,
        )  # fmt: skip

    @property
    def steps(self) -> Bools:
        """Which have a current that falls with a step."""
        return (self.recombination > 0) | np.isfinite(self.reverse_knee)

    def describe(self, row: int, p: str, q: str, across: str) -> str:
        """The current that it is known for."""
        return f"joins {p} and {q} by a junction, saturation current {self.saturation[row]:.6g} A"

    def lines(self, row: int, head: str, deck: Deck) -> Iterator[str]:
        """A model for each set of values; a breakdown current of 0 leaves BV as it is."""
        columns = {
            "IS": self.saturation, "N": self.emission, "RS": self.series,
            "BV": self.breakdown, "NBV": self.breakdown_emission,
            "ISR": self.recombination, "NR": self.recombination_emission,
            "VJ": self.potential, "M": self.grading,
            "IKF": self.knee, "IKR": self.reverse_knee,
        }  # fmt: skip
        given = {key: float(column[row]) for key, column in columns.items()}
        if given["RS"] == 0:
            del given["RS"]
        if given["ISR"] == 0:
            for key in ("ISR", "NR", "VJ", "M"):
                del given[key]
        if math.isinf(given["BV"]):
            del given["NBV"]
        body = " ".join(f"{k}={text(v)}" for k, v in given.items() if math.isfinite(v))
        if "BV" in body:
            body += " IBV=0.0"
        deck.option("gmin", text(self.leak[row]), text(GMIN))
        yield f"{head} {deck.model(f'D({body})', 'd')}"


#: parameter -> other names of it
ALIASES = {
    "js": "is", "vb": "bv", "ib": "ibv", "ik": "ikf", "pb": "vj", "mj": "m",
    "trs": "trs1", "tref": "tnom", "cj0": "cjo", "cj": "cjo",
}  # fmt: skip
#: what has an effect at DC, and its value if it is not given
DEFAULTS = {
    "is": 1e-14, "n": 1.0, "rs": 0.0, "bv": math.inf, "ibv": 1e-3, "isr": 0.0, "nr": 2.0,
    "vj": 1.0, "m": 0.5, "ikf": 0.0, "ikr": 0.0, "eg": 1.11, "xti": 3.0, "trs1": 0.0,
    "trs2": 0.0, "tcv": 0.0, "tm1": 0.0, "tm2": 0.0, "level": 1.0, "area": 1.0,
    "jsw": 0.0, "pj": 0.0, "tbv1": 0.0, "tbv2": 0.0, "tikf": 0.0,
}  # fmt: skip
#: what would have one but is not there, and the values that switch it off
MISSING = {"jtun": 0.0, "jtunsw": 0.0, "tlev": 0.0, "tlevc": 0.0, "ibvl": 0.0}
#: what has an effect away from the nominal temperature, in PSpice
MISSING_WARM = ("tbv",)


class JunctionModel:
    """What a D model says, for diodes of any area at any temperature.

    Temperature dependence as in ngspice: Vladimirescu (1994), section 3.3, with the gap of
    silicon after Varshni for the built-in potential.
    """

    def __init__(self, given: Mapping[str, float], conditions: Conditions) -> None:
        named = {ALIASES.get(key, key): value for key, value in given.items()}
        self.given = {**DEFAULTS, **conditions.junction, **named}
        self.conditions = conditions
        self.nominal = named.get("tnom", conditions.nominal) + KELVIN
        self._check()

    def _check(self) -> None:
        given = self.given
        for key, off in MISSING.items():
            if given.get(key, off) != off:
                hint = "ngspice ignores it: --dialect ngspice" if key == "ibvl" else ""
                raise BadModel(f"{key}={given[key]:g} is not implemented", key, hint)
        for key in ("is", "n", "nr", "vj", "area"):
            if not 0 < given[key] < math.inf:
                raise BadModel(f"{key} must be above 0", key)
        for key in ("rs", "isr", "ibv", "ikf", "ikr", "m"):
            if not 0 <= given[key] < math.inf:
                raise BadModel(f"{key} must be 0 or more", key)
        if given["level"] != 1:
            message = f"level {given['level']:g} of diode models is not implemented"
            raise BadModel(message, "level", "level 1 is")
        if given["jsw"] and "ns" in given:
            raise BadModel("ns, of the current at the edge, is not implemented", "ns")
        if given["bv"] == 0:
            raise BadModel("bv must not be 0", "bv")

    def columns(self, own: Mapping[str, float]) -> Mapping[str, float]:
        """Return the columns of `Junctions` for an element with its own parameters.

        Raises
        ------
        BadModel
        """
        given, conditions = self.given, self.conditions
        area, m = own.get("area", given["area"]), own.get("m", 1.0)
        if not (0 < area < math.inf and 0 < m < math.inf):
            raise BadModel("area and m must be above 0")
        celsius = own.get("temp", conditions.temperature + own.get("dtemp", 0.0))
        kelvin = celsius + KELVIN
        if not 0 < kelvin < math.inf:
            raise BadModel(f"{celsius:g} Celsius is no temperature")
        rise, units = kelvin - self.nominal, kelvin / ROOM
        for key in MISSING_WARM:
            if rise and given.get(key):
                at = f"at {celsius:g} Celsius"
                raise BadModel(f"{key}={given[key]:g} has an effect {at}: not implemented", key)
        # the current at the edge swells as one of emission 1, whatever n is
        edge = m * given["jsw"] * own.get("pj", given["pj"]) * self._swell(kelvin, 1.0)
        bottom = m * given["is"] * area * self._swell(kelvin, given["n"])
        factor = 1.0 + rise * (given["trs1"] + rise * given["trs2"])
        nb = given.get("nbv", given["n"]) if math.isfinite(given["bv"]) else given["n"]
        columns = {
            "saturation": bottom + edge,
            "emission": given["n"] * units,
            "series": given["rs"] * factor / (area * m),
            "leak": conditions.gmin,
            # to ngspice and Xyce the edge has no part in where that is, but breaks down too
            "breakdown": self._breakdown(bottom, nb, m, kelvin),
            "breakdown_emission": nb * units,
            "knee": given["ikf"] * (1.0 + rise * given["tikf"]) * m * area or math.inf,
            "reverse_knee": given["ikr"] * m * area or math.inf,
        }
        if given["isr"]:
            grading = given["m"] * (1.0 + rise * (given["tm1"] + rise * given["tm2"]))
            columns |= {
                "recombination": m * area * given["isr"] * self._swell(kelvin, given["nr"]),
                "recombination_emission": given["nr"] * units,
                "potential": self._potential(kelvin),
                "grading": min(grading, 0.9),
            }
        return columns

    def _swell(self, kelvin: float, emission: float) -> float:
        """Return what temperature multiplies a saturation current by."""
        if kelvin == self.nominal:
            return 1.0
        ratio, given = kelvin / self.nominal, self.given
        volts = emission * BOLTZMANN * kelvin
        exponent = (ratio - 1.0) * given["eg"] / volts + given["xti"] / emission * math.log(ratio)
        return math.exp(exponent) if exponent < 600 else math.inf

    def _breakdown(self, saturation: float, nb: float, m: float, t: float) -> float:
        """Return where the exponential of breakdown begins, so that IBV flows at BV."""
        given, thermal = self.given, BOLTZMANN * t
        if math.isinf(given["bv"]):
            return math.inf
        rise = t - self.nominal
        volts = abs(given["bv"]) * (1.0 + rise * (given["tbv1"] + rise * given["tbv2"]))
        volts -= given["tcv"] * rise
        amps = m * given["ibv"]
        if amps < saturation * volts / thermal:
            return volts
        begin = volts
        for _ in range(25):
            begin = volts - nb * thermal * math.log(amps / saturation + 1.0 - begin / thermal)
            there = math.exp((volts - begin) / (nb * thermal)) - 1.0 + begin / thermal
            if abs(saturation * there - amps) <= 1e-12 * amps:
                break
        return begin

    def _potential(self, kelvin: float) -> float:
        """Return the built-in potential at a temperature."""
        if kelvin == self.nominal:
            return self.given["vj"]

        def shift(t: float) -> float:
            gap = 1.16 - 7.02e-4 * t * t / (t + 1108.0)
            # electron volts over volts: charges cancel
            bend = -gap / (2 * BOLTZMANN * t) + 1.1150877 / (2 * BOLTZMANN * ROOM)
            return -2 * BOLTZMANN * t * (1.5 * math.log(t / ROOM) + bend)

        at_room = (self.given["vj"] - shift(self.nominal)) * ROOM / self.nominal
        return shift(kelvin) + kelvin / ROOM * at_room


#: all that decides at the nominal temperature, and what has no effect then; see `columns_of`
_COLD = ("is", "n", "rs", "bv", "ibv", "nbv", "isr", "nr", "vj", "m", "ikf", "ikr", "area")
_IDLE = ("cjo", "tt", "fc", "kf", "af", "eg", "xti", "trs1", "trs2", "tbv1", "tbv2", "iave", "vpk")


@np.errstate(all="ignore")  # what is out of all range is evaluated alone
def columns_of(
    given: Mapping[str, Floats], conditions: Conditions
) -> tuple[list[Floats], Bools] | None:
    """Return the columns of many models of the same parameters, and which must be made alone.

    These are what `JunctionModel` and `Junctions.row` return for each, to the last bit, but for
    those that are wrong or take more than arithmetic; None if all would be such.
    """
    named = {ALIASES.get(key, key): values for key, values in given.items()}
    cold = conditions.temperature == conditions.nominal
    if not cold or len(named) < len(given) or not named.keys() <= {*_COLD, *_IDLE}:
        return None
    known = {"nbv": named.get("n", DEFAULTS["n"]), **DEFAULTS, **conditions.junction, **named}
    shape = np.broadcast_shapes(*map(np.shape, given.values()))
    of = {key: np.broadcast_to(np.float64(1) * known[key], shape) for key in _COLD}
    kelvin = conditions.temperature + KELVIN
    units, area, bv = kelvin / ROOM, of["area"], np.abs(of["bv"])
    saturation = of["is"] * area
    finite, recombines = np.isfinite(bv), of["isr"] > 0
    steep = np.where(finite, of["nbv"], of["n"]) * units
    columns = [
        saturation, of["n"] * units, of["rs"] / area, np.full(shape, conditions.gmin),
        bv, steep, area * of["isr"],
        np.where(recombines, of["nr"] * units, 2.0), np.where(recombines, of["vj"], 1.0),
        np.where(recombines, np.minimum(of["m"], 0.9), 0.5),
        *(np.where(of[key] > 0, of[key] * area, math.inf) for key in ("ikf", "ikr")),
    ]  # fmt: skip
    odd = finite & ~(of["ibv"] < saturation * bv / (BOLTZMANN * kelvin)) | (bv == 0)
    for key in ("is", "n", "nr", "vj", "area"):
        odd |= ~(of[key] > 0)
    for key in ("rs", "isr", "ibv", "ikf", "ikr", "m"):
        odd |= ~(of[key] >= 0)
    for field_of, column in zip(fields(Junctions)[5:], columns, strict=True):
        infinite = field_of.name in Junctions.infinite
        odd |= ~(are_in_range(column) | (column == math.inf) & infinite)
    return columns, odd | (steep <= 0)
