"""Numbers that rules and optimisers are given: what would silently do nothing is refused."""

from __future__ import annotations

import math
from collections.abc import Iterator
from numbers import Real
from typing import Any

import numpy as np

from ..arrays import Floats
from ..errors import UsageError


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


def array(values: Any, what: str) -> Any:
    """Return values as an array.

    Raises
    ------
    UsageError
        If they are no table, or some are masked: numpy would take what is behind the mask.
    """
    if np.ma.is_masked(values):
        raise UsageError(f"{what}: some are masked; leave these samples out, or fill them")
    if isinstance(values, Iterator):
        raise UsageError(f"{what} are a {type(values).__name__}: give an array, a list or a frame")
    try:
        return np.asarray(values)
    except ValueError as error:
        raise UsageError(f"{what} must be one table, with as many numbers in each row") from error


def real(values: Any, what: str) -> Floats:
    """Return an array of floats.

    Raises
    ------
    UsageError
        If the values are no real numbers; numpy would drop imaginary parts.
    """
    found = array(values, what)
    if found.dtype.kind not in "biufO":
        text = found.dtype.kind in "SU"
        raise UsageError(
            f"{what} must be real numbers, not {'text' if text else found.dtype}"
            + ("; classes have numbers, from 0 on" if text and what == "targets" else "")
        )
    try:
        return np.asarray(found, dtype=float)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{what} must be real numbers: {error}") from None


def vector(values: Any, n: int, what: str) -> Floats:
    """Return a new array of n finite floats.

    Raises
    ------
    UsageError
        If the values are anything else.
    """
    found = np.array(values, dtype=float)
    if found.shape != (n,) or not np.isfinite(found).all():
        raise UsageError(f"{what}: needs {n} finite numbers, not an array of {found.shape}")
    return found
