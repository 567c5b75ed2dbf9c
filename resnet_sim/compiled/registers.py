"""How many numbers fill a register of AVX-512, and arrays that such vectors are loaded from."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

#: float32 in a vector, and float64
LANES, DOUBLES = 16, 8
#: bytes; loads across cache lines cost a third of the speed
ALIGNMENT = 64


def aligned(
    shape: int | tuple[int, ...], dtype: npt.DTypeLike = np.float32, alignment: int = ALIGNMENT,
    zero: bool = True,
) -> npt.NDArray[Any]:  # fmt: skip
    """Return an array of zeros, or of anything, that starts at a multiple of `alignment` bytes."""
    kind = np.dtype(dtype)
    size = math.prod(shape if isinstance(shape, tuple) else (shape,)) * kind.itemsize
    # numpy aligns to 16 bytes: in three arrays of four every load would cross a cache line
    raw = (np.zeros if zero else np.empty)(size + alignment, dtype=np.uint8)
    start = -raw.ctypes.data % alignment
    return raw[start : start + size].view(kind).reshape(shape)
