"""Types of arrays, as all annotations name them, and rows of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def as_slice(rows: Ints) -> slice | Ints:
    """Return rows that follow each other as a slice, which takes no copy."""
    first = int(rows[0]) if len(rows) else 0
    following = (rows == np.arange(first, first + len(rows))).all()
    return slice(first, first + len(rows)) if following else rows


def different(keys: Sequence[npt.NDArray[Any]]) -> tuple[Ints, Ints]:
    """Return where different things come first, in that order, and which of them each is.

    Things are alike if all of some keys, arrays of one number for each, are.
    """
    order = np.lexsort(keys)
    new = np.zeros(len(order), dtype=np.bool_)
    new[:1] = True
    for key in keys:
        new[1:] |= key[order[1:]] != key[order[:-1]]
    # the order is stable: the first of those that are alike stands for them
    first = np.empty(len(order), dtype=np.int64)
    first[order] = order[new][np.cumsum(new) - 1]
    return ranked(first)


def ranked(first: Ints) -> tuple[Ints, Ints]:
    """Return different ones of numbers in order, and which of them each is."""
    found, which = np.unique(first, return_inverse=True)
    return found, which


def repeated(value: float, count: int) -> npt.NDArray[Any]:
    """Return one value so many times, in no memory and not to be written.

    As `numpy.broadcast_to`, which takes three times as long, and small circuits need many.
    """
    one = np.array(value)
    one.setflags(write=False)
    return np.ndarray((count,), one.dtype, one, 0, (0,))


def plain(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return an array as loops are compiled for: C-contiguous, and not read-only.

    For arrays that can't be written each loop would be compiled once more.
    """
    flags = array.flags
    return array if flags.c_contiguous and flags.writeable else np.array(array, order="C")
