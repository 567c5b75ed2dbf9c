"""What drives a batch: inputs of each sample, and values that all samples have in common.

Units that share parameters have sources by the thousand: as columns of every sample they would
take more time than its inputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..arrays import Floats


@dataclass(frozen=True)
class Drive:
    """Columns of u, as `Backend.solve` has them, in two parts.

    Attributes
    ----------
    x : ndarray, shape (B, k)
    common : ndarray, shape (c,)
        What is the same in all rows.
    """

    x: Floats
    common: Floats

    def __len__(self) -> int:
        return len(self.x)

    @classmethod
    def of(cls, u: Floats | Drive) -> Drive:
        """Return a drive, of rows of u as one whose columns all belong to the samples."""
        return u if isinstance(u, Drive) else cls(u, np.zeros(0))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Floats:
        return self.whole

    @cached_property
    def whole(self) -> Floats:
        """The columns side by side, shape (B, k + c)."""
        common = np.broadcast_to(self.common, (len(self.x), len(self.common)))
        return np.concatenate((self.x, common), axis=1)

    def like(self, other: Drive) -> bool:
        """Tell whether another has the same numbers in the same parts."""
        pairs = (self.x, other.x), (self.common, other.common)
        return all(np.array_equal(mine, theirs) for mine, theirs in pairs)

    def through(self, matrix: Any) -> Floats:
        """Return what a sparse or dense map of u makes of it, shape (rows, B), or (rows, 1)."""
        k = self.x.shape[1]
        if not isinstance(matrix, np.ndarray) and not matrix.nnz:
            return np.zeros((matrix.shape[0], 1))
        found: Floats = np.asarray(matrix[:, k:] @ self.common)[:, None]
        own = matrix[:, :k]
        if own.shape[0] * k and abs(own).max():
            found = found + own @ np.ascontiguousarray(self.x.T)
        return found
