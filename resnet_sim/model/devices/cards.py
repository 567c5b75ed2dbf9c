"""Cards and models of devices, as far as the netlist reader must know them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from ...errors import UsageError


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


class Given(NamedTuple):
    """What a .model card says: its name, type and numbers, and where to note what was made of it.

    `forward_drop` is the forward voltage (V) of diodes whose model gives none.
    """

    name: str
    type: str
    numbers: Mapping[str, float]
    forward_drop: float
    note: Callable[[str, str, str], None]


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
        Turns what is given into columns of the device; raises `BadModel`.
    words : frozenset of str
        Parameters that are no numbers and mean nothing.
    neglected : mapping of str to str
        Parameters without effect here -> why; 0 and infinity say the same.
    """

    kind: str
    types: tuple[str, ...]
    parameters: frozenset[str]
    evaluate: Callable[[Given], Mapping[str, float]]
    words: frozenset[str] = frozenset()
    neglected: Mapping[str, str] = {}


class BadModel(UsageError):
    """A model that makes no device; `key` is the parameter to blame, if it is a single one."""

    def __init__(self, message: str, key: str = "", hint: str | None = None) -> None:
        super().__init__(message)
        self.key, self.hint = key, hint
