"""Cards and models of devices, as far as the netlist reader must know them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ...arrays import Bools, Floats
from ...errors import UsageError
from ..patterns import pattern


class Card(NamedTuple):
    """A card that makes a device.

    Attributes
    ----------
    letter, usage : str
        The first letter, and the form of the card for messages.
    form : str
        How it is read, see `readers`; ``"plain"`` is ``name node node value ... key=value``.
    values, keys : tuple of str
        Of a plain card: what is given in its order, and what by name (see `Device.row`).
    parallel : tuple of str
        Of a plain card: which of these are n times as large for n elements in parallel.
    """

    letter: str
    usage: str
    form: str = "plain"
    values: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    parallel: tuple[str, ...] = ()


#: of all diodes: the model tells which it is
DIODE = Card("d", "Dname anode cathode model", "diode")

#: how models of junction diodes can be read, beside so many straight pieces
READINGS = ("real", "ideal")
#: what asks for pieces
_PIECES = pattern(r"pieces:([1-9]\d{0,2}|1000)")


def pieces_of(reading: str) -> int:
    """Return the number of pieces in ``pieces:K``; 0 if that is not what is said."""
    match = _PIECES.fullmatch(reading) if isinstance(reading, str) else None
    return int(match[1]) if match else 0


def bad_reading(reading: str) -> str:
    """Return what to write instead of a reading of diodes that is not known, ``""`` if it is."""
    if isinstance(reading, str) and (reading in READINGS or pieces_of(reading)):
        return ""
    return f"{', '.join(READINGS)} or pieces:K with K from 1 to 1000, such as pieces:8"


@dataclass(eq=False)
class Conditions:
    """What a whole deck says about its devices.

    Attributes
    ----------
    temperature, nominal : float
        Of the circuit, and at which parameters are given, Celsius.
    gmin : float
        Conductance across junctions, S.
    forward_drop : float, optional
        Forward voltage (V) of piecewise-linear diodes whose model gives none; None: 0 V.
    diodes : str
        How models of junction diodes are read: ``"real"`` as they stand, ``"ideal"`` as
        piecewise linear with one knee, ``"pieces:8"`` with as many straight pieces.
    r_on : float
        Of piecewise-linear diodes whose model gives none, ohm.
    leaks : bool
        Their Roff is then that of gmin, and not infinite.
    knows_ideal : bool
        Models of type D can be piecewise linear in the deck's language.
    junction : mapping of str to float
        Parameters of junctions that a model does not give.
    shunts : bool
        RDS of a MOSFET's model lies between drain and source.
    """

    temperature: float = 27.0
    nominal: float = 27.0
    gmin: float = 1e-12
    forward_drop: float | None = None
    diodes: str = "real"
    r_on: float = 0.0
    leaks: bool = False
    knows_ideal: bool = True
    junction: Mapping[str, float] = field(default_factory=dict)
    shunts: bool = False


class Given(NamedTuple):
    """What a .model card says: name, type and numbers; and where to note what is made of it.

    `table` are points of a curve, V and A in turn.
    """

    name: str
    type: str
    numbers: Mapping[str, float]
    conditions: Conditions
    note: Callable[[str, str, str], None]
    table: tuple[float, ...] = ()


class Made(NamedTuple):
    """What a model makes of an element.

    Attributes
    ----------
    table : str
        Of which device it becomes one.
    columns : mapping of str to float
        Of a behavioural source: its formula, with the ends of `softened`.
    own : callable, optional
        Returns the columns for an element with parameters of its own, such as its area; raises
        `BadModel`.
    """

    table: str
    columns: Mapping[str, Any]
    own: Callable[[Mapping[str, float]], Mapping[str, Any]] | None = None


Together = tuple[str, list[Floats], Bools]


class Model(NamedTuple):
    """Models of one kind.

    Attributes
    ----------
    kind : str
        In words, such as ``"voltage switch"``.
    types : tuple of str
        What the card may call it.
    parameters : frozenset of str
        What it knows.
    evaluate : callable
        Turns what is given into what it makes; raises `BadModel`.
    words : frozenset of str
        Parameters that are no numbers and mean nothing.
    neglected : mapping of str to str
        Parameters without effect here -> why; 0 and infinity say the same.
    together : callable, optional
        Does for many models of a type with the same parameters, which are arrays, what `evaluate`
        does for one: returns the table, its columns, and which models are not to be had so and
        must be evaluated alone; None if that is all of them.
    """

    kind: str
    types: tuple[str, ...]
    parameters: frozenset[str]
    evaluate: Callable[[Given], Made]
    words: frozenset[str] = frozenset()
    neglected: Mapping[str, str] = {}
    together: Callable[[str, Mapping[str, Floats], Conditions], Together | None] | None = None


class BadModel(UsageError):
    """A model that makes no device; `key` is the parameter to blame, if it is a single one."""

    def __init__(self, message: str, key: str = "", hint: str | None = None) -> None:
        super().__init__(message)
        self.key, self.hint = key, hint


def bounded(given: Mapping[str, float], above: Iterable[str], least: Iterable[str]) -> None:
    """Raise `BadModel` if parameters are not above 0, or not 0 or more."""
    for key in above:
        if given.get(key, 1.0) <= 0:
            raise BadModel(f"{key} must be above 0", key)
    for key in least:
        if given.get(key, 0.0) < 0:
            raise BadModel(f"{key} must be 0 or more", key)
