"""Charts as data: axes, curves, marks, histograms.  Nothing here draws, or needs matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..arrays import Floats
from ..results.formats.table import PREFIXES, engineering

#: column of values of a device -> their unit
UNITS = {
    "ohms": "Ω", "volts": "V", "amps": "A", "v_forward": "V", "saturation": "A", "w": "m",
    "farads": "F", "henries": "H",
}  # fmt: skip


@dataclass(frozen=True)
class Axis:
    """What an axis shows: a label, the unit of its numbers, and whether it is logarithmic."""

    label: str
    unit: str = ""
    log: bool = False

    def say(self, value: float, digits: int = 4) -> str:
        """Return a value with its unit, such as ``1.5 mA``; zeros at the end are left out."""
        if self.unit == "°C" or not np.isfinite(value):
            return f"{value:.{digits}g} {self.unit}".strip()
        number, _, unit = engineering(value, self.unit, digits).partition(" ")
        if "." in number and "e" not in number:
            number = number.rstrip("0").rstrip(".")
        return f"{number} {unit}".strip()


@dataclass(frozen=True)
class Curve:
    """One curve, in the order of its points, shape (points,) each; NaN is a gap.

    `family` numbers curves that show the same output: they are of one colour.
    """

    label: str
    x: Floats
    y: Floats
    family: int = 0


@dataclass(frozen=True)
class Mark:
    """What a ``.meas`` card found: a place on a curve, or a value of x alone (`y` is NaN)."""

    label: str
    x: float
    y: float


@dataclass(frozen=True)
class Panel:
    """One pair of axes.

    Attributes
    ----------
    kind : str
        ``"lines"``, ``"bars"`` (each curve is one bar, of its first value) or ``"histogram"``
        (of the values `y` of each curve).
    limits : (float, float), optional
        Between which values should be.
    notes : sequence of str
        What is written below: mean and yield, measurements without a place.
    """

    title: str
    x: Axis
    y: Axis
    curves: Sequence[Curve]
    kind: str = "lines"
    marks: Sequence[Mark] = ()
    limits: tuple[float, float] | None = None
    notes: Sequence[str] = field(default=())

    def bins(self) -> tuple[Floats, Floats]:
        """Return the counts and the edges of a histogram, shapes (bins,) and (bins + 1,)."""
        values = self.curves[0].y
        values = values[np.isfinite(values)]
        if not len(values):
            return np.zeros(1), np.array([0.0, 1.0])
        low, high = float(values.min()), float(values.max())
        if high - low <= 1e-12 * max(abs(low), abs(high)):  # one value but for rounding
            width = max(abs(low), 1e-12) * 0.05
            low, high = low - width, high + width
        count = int(np.clip(round(2.0 * len(values) ** (1 / 3)), 5, 60))  # Rice's rule
        counts, edges = np.histogram(values, bins=count, range=(low, high))
        return counts.astype(np.float64), edges


def metric(value: float) -> tuple[float, str]:
    """Return the power of a thousand that a value is said in, and its prefix.

    Examples
    --------
    >>> metric(0.02), metric(0.0)
    ((0.001, 'm'), (1.0, ''))
    """
    prefix = engineering(value, "", 3).partition(" ")[2]
    exponents = {said: exponent for exponent, said in PREFIXES.items()}
    return (10.0 ** exponents[prefix], prefix) if value else (1.0, "")


def telling(low: float, high: float, least: int) -> int:
    """Return how many digits tell values from `low` to `high` apart, and no fewer than `least`."""
    size, span = max(abs(low), abs(high)), high - low
    return min(max(least, 3 + int(np.ceil(np.log10(size / span)))), 16) if span > 0 else least


def spread_of(values: Floats, axis: Axis, limits: tuple[float, float] | None) -> list[str]:
    """Return mean, standard deviation and yield of samples, in words."""
    known = values[np.isfinite(values)]
    notes = [f"{len(known)} samples"]
    if len(known) < len(values):
        notes = [f"{len(known)} of {len(values)} samples have a value"]
    if len(known):
        sigma = float(known.std(ddof=1)) if len(known) > 1 else 0.0
        low, high = float(known.min()), float(known.max())
        digits = telling(low, high, 5)
        notes.append(f"mean {axis.say(float(known.mean()), digits)}, sigma {axis.say(sigma, 3)}")
        notes.append(f"from {axis.say(low, digits)} to {axis.say(high, digits)}")
    if limits is not None and len(values):
        inside = (values >= limits[0]) & (values <= limits[1])
        bounds = f"{axis.say(limits[0])} to {axis.say(limits[1])}"
        notes.append(f"yield {inside.mean():.1%} within {bounds}")
    return notes


def is_geometric(values: Floats) -> bool:
    """Tell whether values are spaced by a factor, over a decade at least."""
    if len(values) < 3 or not (values > 0).all():
        return False
    steps = np.diff(np.log(values))
    even = np.allclose(steps, steps[0], rtol=1e-6)
    return bool(even and abs(np.log(values[-1] / values[0])) >= np.log(10.0) - 1e-9)
