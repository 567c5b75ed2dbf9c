"""What expressions are compiled to, what names in them mean, and what they amount to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ...model.numbers import SPICE, Numerals

if TYPE_CHECKING:
    from ...model.formula import Formula

#: one instruction of a compiled expression
Op = tuple[str | float | int, ...]
Program = tuple[Op, ...]

NO_MEANINGS: Mapping[str, str] = {}


class Reading(NamedTuple):
    """The formula that an expression amounts to, and where its calls are: offset and length."""

    formula: Formula
    places: tuple[tuple[int, int], ...] = ()


class Function(NamedTuple):
    """A function defined by .func or .param; `card` is what defines it."""

    parameters: tuple[str, ...]
    program: Program
    card: str = ""


class Language(NamedTuple):
    """What words mean: numbers, functions of the simulator, functions of the deck."""

    numerals: Numerals = SPICE
    meanings: Mapping[str, str] = NO_MEANINGS
    functions: Mapping[str, Function] = {}


class Names(Protocol):
    """Where an expression finds its parameters and functions (see `scope.Scope`)."""

    def parameter(self, name: str) -> float | None:
        """Return a value, None if the name is unknown."""

    def function(self, name: str) -> Function | None:
        """Return a function of the deck, None if there is none."""

    def known(self) -> list[str]:
        """Return the names of all parameters, for a hint."""
