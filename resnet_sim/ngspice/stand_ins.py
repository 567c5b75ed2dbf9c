"""Cards that ngspice can't be given as they are: ideal devices, and what stands for them.

An ideal diode becomes a ``sidiode``, a switch without resistance gets a small one, a current
limiter two current sources with diodes in parallel.  The error is proportional to the
resistance that stands for none, so that runs with two of them give the limit.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from ..model.circuit import Circuit
from ..model.numbers import read_number
from .export import BLOCKING, near_resistances, resistances

#: parameters of a D model that make it linear in pieces
PIECES = frozenset(("ron", "roff", "vfwd", "vrev", "rrev"))
#: the model of diodes that have none
IDEAL = "resnet_ideal"

_MODEL = re.compile(r"\.\s*model\s+([^\s(]+)\s+([a-z]\w*)\s*\(?(.*?)\)?\s*$")
_VALUE = re.compile(r"(\w+)\s*=\s*(\{[^}]*\}|'[^']*'|[^\s,()]+)")
_FIELDS = re.compile(r"[\s,()=]+")


class Unfit(Exception):
    """A deck that ngspice can't be given as it is; the text says why."""


class StandIns:
    """Which cards of a deck are replaced, and by what.

    Attributes
    ----------
    cards : dict of str to str
        Card -> what stands for it, in words.
    finest : float
        Smallest resistance of the circuit, rounded to a power of ten, ohm.

    Raises
    ------
    Unfit
        If a card has no replacement.
    """

    def __init__(self, texts: Iterable[str], circuit: Circuit) -> None:
        self.cards: dict[str, str] = {}
        self._models: set[str] = set()
        ohms = resistances(circuit)
        self._blocking = BLOCKING * float(ohms[(ohms > 0) & (ohms < math.inf)].max(initial=1e3))
        self.finest = 10.0 ** math.floor(math.log10(near_resistances(circuit)[1]))
        elements = [text for text in texts if not self._is_model(text)]
        for text in elements:
            letter, fields = text[:1], [f for f in _FIELDS.split(text) if f]
            if letter == "d" and (len(fields) == 3 or fields[3] in self._models):
                self._diode(text, fields)
            elif letter == "r" and "inf" in fields[3:]:
                self.cards[text] = "an open circuit: a large resistance"
            elif letter == "y":
                self.cards[text] = "a current limiter: current sources with ideal diodes"
            elif letter in "sw" and fields[-1] == "fixed":
                raise Unfit(f"{fields[0]} is held in its state, which ngspice can't do")

    @property
    def approach(self) -> bool:
        """Whether a resistance stands for none."""
        return bool(self.cards)

    def _is_model(self, text: str) -> bool:
        """Note an ideal model; False if the card is none at all."""
        match = _MODEL.match(text)
        if match is None:
            return False
        name, kind, rest = match.groups()
        values = dict(_VALUE.findall(rest))
        if kind == "d" and values.keys() & PIECES:
            if others := sorted(values.keys() - PIECES):
                raise Unfit(f".model {name}: nothing stands for {', '.join(others)} beside Ron")
            self._models.add(name)
            self.cards[text] = "linear in pieces: a sidiode"
        elif kind in ("sw", "csw", "sidiode") and self._renewed(values, 1.0) != values:
            self.cards[text] = "no resistance, or an infinite one: nearly so"
        return True

    def _diode(self, text: str, fields: list[str]) -> None:
        if len(fields) > 4:
            raise Unfit(f"{text}: nothing stands for area and m of an ideal diode")
        self.cards[text] = "an ideal diode: a sidiode"

    def _renewed(self, values: dict[str, str], ohms: float) -> dict[str, str]:
        """Return resistances that are 0 or infinite replaced."""
        renewed = dict(values)
        for key in values.keys() & {"ron", "rrev", "roff", "vrev"}:
            number = read_number(values[key])
            if values[key] == "inf":
                renewed[key] = "1e9" if key == "vrev" else repr(self._blocking)
            elif number is not None and number.value == 0 and key in ("ron", "rrev"):
                renewed[key] = repr(ohms)
            elif number is None and key in ("ron", "rrev"):
                inner = values[key].strip("{}'")
                renewed[key] = f"{{max({ohms!r}, {inner})}}"
        return renewed

    def replaced(self, text: str, ohms: float) -> tuple[str, ...]:
        """Return what stands for a card; nothing if it can stay."""
        if text not in self.cards:
            return ()
        if match := _MODEL.match(text):
            name, kind, rest = match.groups()
            values = dict(_VALUE.findall(rest))
            if kind == "d":
                kind = "sidiode"
                on = values.get("ron", "0")
                values = {"ron": on, "roff": "inf", "vfwd": "0", "vrev": "inf", "rrev": on} | values
            values = self._renewed(values, ohms)
            return (f".model {name} {kind}({' '.join(f'{k}={v}' for k, v in values.items())})",)
        fields = [f for f in _FIELDS.split(text) if f]
        if text[0] == "d":
            model = fields[3] if len(fields) > 3 else IDEAL
            return (f"a{fields[0]} {fields[1]} {fields[2]} {model}",)
        if text[0] == "r":
            return (f"{' '.join(fields[:3])} {self._blocking!r}",)
        return self._limiter(text)

    def _limiter(self, text: str) -> tuple[str, ...]:
        """Return sources whose current goes back through a diode until it is all needed."""
        name, a, b, amps = [f for f in _FIELDS.split(text) if f][:4]
        ratio = dict(_VALUE.findall(text)).get("ratio", "1")
        if amps == "inf":
            return (f"v{name}_short {a} {b} 0",)
        middle = b if ratio == "inf" else f"{name}_middle"
        lines = [f"i{name}_f {a} {middle} {amps}", f"a{name}_f {middle} {a} {IDEAL}"]
        if ratio != "inf":
            back = "{{({})*({})}}".format(amps.strip("{}'"), ratio.strip("{}'"))
            lines += [f"i{name}_b {b} {middle} {back}", f"a{name}_b {middle} {b} {IDEAL}"]
        return tuple(lines)

    def definitions(self, ohms: float) -> tuple[str, ...]:
        """Return the model of diodes that have none."""
        if not any(text[0] in "dy" for text in self.cards):
            return ()
        off = repr(self._blocking)
        return (f".model {IDEAL} sidiode(ron={ohms!r} roff={off} vfwd=0 vrev=1e9 rrev={ohms!r})",)
