"""Digital potentiometers: resistances that come in equal steps, behind a wiper."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..arrays import Floats
from ..errors import UsageError


@dataclass(frozen=True)
class Potentiometer:
    """A digital potentiometer as a variable resistor, ``wiper + k ohms / positions``.

    Steps are equal in ohms, so conductances are dense where they are small: between the two
    largest there is a factor.

    Attributes
    ----------
    positions : int
        k goes from 0 to ``positions - 1``.
    ohms : float
        End to end.
    wiper : float
        Resistance of the wiper, ohm.
    """

    positions: int
    ohms: float
    wiper: float

    @cached_property
    def levels(self) -> Floats:
        """Conductances that it can have, S, ascending, shape (positions,)."""
        k = np.arange(self.positions)[::-1]
        return np.asarray(1.0 / (self.wiper + k * self.ohms / self.positions))


#: Nominal values, from the manufacturers' data sheets.
PARTS = {
    "ad5206-10k": Potentiometer(256, 10e3, 45.0),
    "ad5206-50k": Potentiometer(256, 50e3, 45.0),
    "ad5206-100k": Potentiometer(256, 100e3, 45.0),
    "mcp4151-10k": Potentiometer(257, 10e3, 75.0),
    "mcp4151-100k": Potentiometer(257, 100e3, 75.0),
}


def potentiometer(part: str | Potentiometer) -> Potentiometer:
    """Return a part that is called by its name.

    Raises
    ------
    UsageError
        If it is unknown.
    """
    if isinstance(part, Potentiometer):
        return part
    if part.lower() not in PARTS:
        raise UsageError(
            f"no potentiometer is called {part!r}; there are {', '.join(PARTS)}, "
            "and Potentiometer(positions, ohms, wiper)"
        )
    return PARTS[part.lower()]


def nearest(levels: Floats, g: Floats) -> Floats:
    """Return the nearest of ascending levels, S, for conductances of any shape."""
    return np.asarray(np.where(_upper(levels, g) < 0.5, *_around(levels, g)))


def at_random(levels: Floats, g: Floats, random: Floats) -> Floats:
    """Return one of the two levels around each conductance, right on average.

    `random` are numbers from 0 to 1.
    """
    return np.asarray(np.where(random >= _upper(levels, g), *_around(levels, g)))


def _around(levels: Floats, g: Floats) -> tuple[Floats, Floats]:
    """Return the levels below and above."""
    high = np.clip(np.searchsorted(levels, g), 1, len(levels) - 1)
    return levels[high - 1], levels[high]


def _upper(levels: Floats, g: Floats) -> Floats:
    """Return how far conductances are from the level below to that above, 0 to 1."""
    low, high = _around(levels, g)
    width = high - low
    share = np.divide(g - low, width, out=np.zeros(np.shape(g)), where=width > 0)
    return np.asarray(np.clip(share, 0.0, 1.0))
