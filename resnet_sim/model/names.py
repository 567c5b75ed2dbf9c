"""What people give as names, numbers and arguments, and the answer when it is something else."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

from ..arrays import Floats
from ..errors import UsageError, did_you_mean
from .devices.device import number

P = ParamSpec("P")
R = TypeVar("R")
V = TypeVar("V")


def folded(name: object) -> str:
    """Return a name as circuits have it; nodes may be numbers, as in SPICE.

    Examples
    --------
    >>> folded("Out"), folded(1)
    ('out', '1')
    """
    if isinstance(name, str) and name:
        return name.lower()
    if isinstance(name, int | np.integer) and not isinstance(name, bool):
        return str(name)
    what = "an empty one" if isinstance(name, str) else type(name).__name__
    raise UsageError(f"a name is needed, such as 'out', not {what}")


def mapping(given: Mapping[str, V], what: str) -> Mapping[str, V]:
    """Return a mapping of names, or a data frame, with names as circuits have them.

    Raises
    ------
    UsageError
        If it is neither, or a name is given twice, in capitals for instance.
    """
    if not callable(getattr(given, "keys", None)):
        kind = type(given).__name__
        raise UsageError(f"{what} go by name, as {{'r1': 1000.0}}; {kind} has no names")
    keys = list(given.keys())
    found = {folded(name): given[name] for name in keys}
    if len(found) < len(keys):
        names = [folded(name) for name in keys]
        twice = next(name for k, name in enumerate(names) if name in names[:k])
        raise UsageError(f"{what}: {twice} is given twice; upper and lower case are the same")
    return found


def several(names: str | Sequence[str], what: str = "names") -> tuple[str, ...]:
    """Return names; one alone needs no brackets. Nodes may be numbers."""
    if isinstance(names, str):
        return (names,)
    if isinstance(names, Iterable) and not isinstance(names, bytes):
        found = tuple(names)
        if all(isinstance(name, str | int | np.integer) for name in found):
            return tuple(map(str, found))
    raise UsageError(f"{what} are needed, such as ['a', 'b'], not {_shown(names)}")


def word(value: Any, what: str) -> str:
    """Return a word; `UsageError` if it is anything else."""
    if isinstance(value, str):
        return value
    raise UsageError(f"{what} is a word, not {_shown(value)}")


def file_name(value: Any, what: str) -> str | os.PathLike[str]:
    """Return the name of a file or folder; `UsageError` if it is anything else."""
    if isinstance(value, str | os.PathLike):
        return value
    raise UsageError(f"{what} is a path, not {_shown(value)}")


def _shown(value: Any) -> str:
    """Return a value as messages show it: what is long by its kind alone."""
    short = value is None or isinstance(value, str | int | float | bytes)
    text = repr(value) if short else ""
    return text if 0 < len(text) < 40 else type(value).__name__


def selected(names: Sequence[str], wanted: str | Sequence[str], what: str) -> tuple[str, ...]:
    """Return the names that are given or match a glob, in the order of all; each must find one."""
    chosen: set[str] = set()
    for pattern in map(str.lower, several(wanted)):
        found = [name for name in names if name == pattern or fnmatchcase(name, pattern)]
        if not found:
            raise UsageError(f"no {what} is called {pattern!r}")
        chosen.update(found)
    return tuple(name for name in names if name in chosen)


def whole(value: Any, what: str, least: int = 0) -> int:
    """Return a whole number from `least` on; `UsageError` if it is anything else."""
    if isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= least:
        return int(value)
    raise UsageError(f"{what} must be a whole number from {least} on, not {_shown(value)}")


def numbers(name: str, given: Any) -> Floats:
    """Return the values that something takes, which may be in SPICE's writing.

    Examples
    --------
    >>> numbers("r1", ["1k", 2000])
    array([1000., 2000.])
    """
    if isinstance(given, np.ndarray) and given.dtype.kind in "biufc":
        return real(given, name)
    try:
        return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        pass  # texts such as 4.7k, a generator, or no numbers at all
    if isinstance(given, str) or not isinstance(given, Iterable):
        return np.array(number(name, given))
    return np.array([number(name, value) for value in given])


def one(name: str, given: Any) -> float:
    """Return the number that something takes, which may be in SPICE's writing."""
    value = numbers(name, given)
    if value.ndim:
        raise UsageError(f"{name} must be one number, not {value.size}")
    return float(value)


def array(values: Any, what: str) -> Any:
    """Return values as an array.

    Raises
    ------
    UsageError
        If they are no table, or some are masked: numpy would take what is behind the mask.
    """
    if type(values) is np.ndarray:
        return values  # most are
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
    except (TypeError, ValueError, OverflowError) as error:
        raise UsageError(f"{what} must be real numbers: {error}") from None


def untaken(stem: str, count: int, taken: Collection[str]) -> list[str]:
    """Return so many names, numbered from 1, of which none is taken.

    Examples
    --------
    >>> untaken("r", 2, ["r2"])
    ['r_1', 'r_2']
    """
    known = set(taken)
    while any(f"{stem}{k + 1}" in known for k in range(count)):
        stem += "_"
    return [f"{stem}{k + 1}" for k in range(count)]


def spelled(function: Callable[P, R]) -> Callable[P, R]:
    """Return the function, which answers an unknown keyword with the nearest right one."""
    code = function.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    names = names[names[:1] == ("self",) :]
    name = function.__qualname__.removesuffix(".__init__")

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        for word in kwargs:
            if word not in names:
                meant = did_you_mean(word, names) or f"it has {', '.join(names)}"
                raise UsageError(f"{name}() has no argument {word!r}: {meant}")
        return function(*args, **kwargs)

    return call
