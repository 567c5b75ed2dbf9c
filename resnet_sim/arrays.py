"""Types of arrays, as all annotations name them, and rows of them."""

from __future__ import annotations

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


def plain(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return an array as loops are compiled for: C-contiguous, and not read-only.

    For arrays that can't be written each loop would be compiled once more.
    """
    flags = array.flags
    return array if flags.c_contiguous and flags.writeable else np.array(array, order="C")
