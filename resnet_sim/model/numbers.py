"""SPICE numbers: ``4.7k``, ``1meg``, ``10uF``; letters after the scale factor are ignored."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

import numpy as np

from ..arrays import Bools, Floats
from .patterns import pattern

#: scale factor -> decimal exponent (``mil`` is the odd one out: 25.4e-6)
EXPONENTS = {
    "t": 12,
    "g": 9,
    "meg": 6,
    "k": 3,
    "m": -3,
    "u": -6,
    "µ": -6,
    "μ": -6,
    "n": -9,
    "p": -12,
    "f": -15,
}
MIL = 25.4e-6
#: sizes of values of elements, unless they are 0: their products and quotients are numbers
SMALLEST, LARGEST = 1e-300, 1e100

#: scale factor at the end of a word -> what `float` reads instead; MEG before G
_POWERS = tuple(
    (f"{suffix} ", f"e{EXPONENTS[suffix]} ")
    for suffix in ("meg", "t", "g", "k", "m", "u", "n", "p", "f")
)

DIGITS = frozenset("0123456789")
_MANTISSA = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
_NUMBER = re.compile(rf"({_MANTISSA})(?:[ed]([+-]?[0-9]+))?(meg|mil|[tgkmuµμnpf])?(.*)", re.DOTALL)
_PLAIN = re.compile(rf"({_MANTISSA})(?:e([+-]?[0-9]+))?(?!mil)(meg|[tgkmunpf])?([a-z]*)").fullmatch
#: letters behind a number and its scale factor
_UNIT = pattern(
    r"(?:(?<=[0-9.])(?![tgkmunpf])|(?<=[0-9.][tgkunpf])|(?<=[0-9.]m)(?!eg|il)|(?<=[0-9.]meg))"
    r"[a-z]+ "
)
_RKM = pattern(r"(?:meg|[rtgkmunpµμ])[0-9]+[a-zω]*")
_DECIMAL = pattern(r"([+-]?[0-9]+)(meg|[rtgkmunpµμ])([0-9]+)([a-zω]*)")


class Numerals(NamedTuple):
    """How a simulator reads numbers, where it is not as SPICE does.

    Attributes
    ----------
    decimal_letters : bool
        A scale factor may stand for the decimal point: ``4k7``.
    scales : tuple of (str, int)
        Further scale factors, of one letter, and their decimal exponents.
    """

    decimal_letters: bool = False
    scales: tuple[tuple[str, int], ...] = ()


SPICE = Numerals()


class Number(NamedTuple):
    """A number as read: its value, its scale factor, and the text after that."""

    value: float
    scale: str
    rest: str

    @property
    def is_rkm(self) -> bool:
        """Tell whether a letter stands for the decimal point, as in ``4k7``: SPICE reads 4k."""
        return bool(_RKM.fullmatch(self.scale + self.rest))

    @property
    def is_clean(self) -> bool:
        """Tell whether what was ignored is nothing but a unit, such as ``ohm``."""
        return self.rest == "" or self.rest.isalpha()


def read_number(text: str, numerals: Numerals = SPICE) -> Number | None:
    """Return the number that `text` (lower case) starts with, None if there is none.

    Examples
    --------
    >>> read_number("2.2kohm").value
    2200.0
    """
    match = _NUMBER.match(text)
    if match is None:
        return None
    mantissa, exponent, scale, rest = match.groups()
    if numerals.decimal_letters and (split := _DECIMAL.fullmatch(text)):
        whole, scale, part, rest = split.groups()
        scale = "" if scale == "r" else scale
        return Number(_scaled(f"{whole}.{part}", None, EXPONENTS.get(scale, 0)), scale, rest)
    for letter, shift in numerals.scales:
        if not scale and rest.startswith(letter):
            return Number(_scaled(mantissa, exponent, shift), letter, rest[1:])
    if scale == "mil":
        return Number(float(f"{mantissa}e{exponent or 0}") * MIL, scale, rest)
    return Number(_scaled(mantissa, exponent, EXPONENTS.get(scale or "", 0)), scale or "", rest)


def plain_number(text: str, *, units: bool = False) -> float | None:
    """Return the value of a number that has no oddities, otherwise None.

    Parameters
    ----------
    text : str
        In lower case.
    units : bool
        Letters may follow that mean nothing.
    """
    if text[-1] in DIGITS and "_" not in text and text.isascii():
        # float() is much faster than the expression, and as strict once "1_0" is excluded
        try:
            return float(text)
        except ValueError:
            return None
    match = _PLAIN(text)
    if match is None:
        return None
    mantissa, exponent, scale, unit = match.groups()
    if unit and not units:
        return None
    return _scaled(mantissa, exponent, EXPONENTS.get(scale, 0))


def plain_numbers(text: str, *, units: bool = False) -> Floats:
    """Return what `plain_number` gives for words that have a space after each.

    NaN stands for None and for what is not `in_range`.
    """
    values: list[float | None] | list[float]
    try:
        if "_" in text or not text.isascii():
            raise ValueError
        try:
            values = _floats(text)
        except ValueError:
            values = _floats(_UNIT.sub(" ", text)) if units else []
        if not values:
            raise ValueError
    except ValueError:
        values = [plain_number(word, units=units) for word in text.split()]
    numbers = np.array(values, dtype=np.float64)
    numbers[~are_in_range(numbers)] = np.nan
    return numbers


def _floats(text: str) -> list[float]:
    """Return numbers without units; `ValueError` if there is anything else."""
    for suffix, power in _POWERS:
        # a word that is no number, such as 1k5k, does not become one
        text = text.replace(suffix, power)
    return list(map(float, text.split()))


def in_range(value: float) -> bool:
    """Tell whether an element may have a value: 0, or a size that sums and quotients can have."""
    return SMALLEST <= abs(value) <= LARGEST or value == 0.0


def are_in_range(values: Floats) -> Bools:
    """Return what `in_range` does of each value."""
    size = np.abs(values)
    return np.asarray((size >= SMALLEST) & (size <= LARGEST) | (size == 0.0))


def out_of_range(value: float) -> str:
    """Say why an element can't have a value."""
    if not math.isfinite(value):
        return "is not finite"
    what, limit = ("large", LARGEST) if abs(value) > LARGEST else ("small", SMALLEST)
    return f"is too {what}: the limit is {limit:g}"


def _scaled(mantissa: str, exponent: str | None, shift: int) -> float:
    # one correctly rounded conversion: 1.1 * 1e-6 would be off in the last place
    if exponent is None:
        return float(f"{mantissa}e{shift}") if shift else float(mantissa)
    if len(exponent) > 9:
        # int() of a monstrous exponent is slow; the value is 0 or infinite anyway
        exponent = exponent[0] + "999999999" if exponent[0] in "+-" else "999999999"
    return float(f"{mantissa}e{int(exponent) + shift}")
