"""Numbers that rules and optimisers are given: what would silently do nothing is refused."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np

from ..arrays import Floats
from ..errors import UsageError
from ..model.names import real

#: share of a conductance, or of the way to a target, that moves nothing but last digits
LOST = 1e-14


def amount(value: Any, what: str, least: float | None = None) -> float:
    """Return a finite number that is not zero; or, with `least`, one that is no smaller.

    Raises
    ------
    UsageError
        If it is anything else: complex, NaN, infinite, zero.
    """
    number = float(value) if isinstance(value, Real) else math.nan
    if math.isfinite(number) and (number != 0 if least is None else number >= least):
        return number
    wanted = "a finite number other than zero" if least is None else f"a number from {least} on"
    raise UsageError(f"{what} must be {wanted}, not {value!r}")


def refuse_lost(nudge: float, beside: float, unit: str) -> None:
    """Refuse a nudge of which rounding leaves nothing: its contrast is zero, or noise."""
    if abs(nudge) < LOST * beside:
        raise UsageError(
            f"a nudge of {nudge:g} {unit} is lost in the rounding of states; "
            f"{1e-3 * beside:.1g} {unit} is small"
        )


def share(value: Any, what: str) -> float:
    """Return a number from 0 on, below 1.

    Raises
    ------
    UsageError
        If it is anything else.
    """
    number = float(value) if isinstance(value, Real) else math.nan
    if 0 <= number < 1:
        return number
    raise UsageError(f"{what} must be a number from 0 on, below 1, not {value!r}")


def vector(values: Any, n: int, what: str) -> Floats:
    """Return a new array of n finite floats.

    Raises
    ------
    UsageError
        If the values are anything else.
    """
    found = np.array(real(values, what))
    if found.shape != (n,) or not np.isfinite(found).all():
        raise UsageError(f"{what}: needs {n} finite numbers, not an array of {found.shape}")
    return found
