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
        count, own = self.x.shape
        whole = np.empty((count, own + len(self.common)))
        whole[:, :own], whole[:, own:] = self.x, self.common
        return whole

    @cached_property
    def mirrored(self) -> bool:
        """Whether the second half of x is minus the first: inputs come in pairs."""
        half, odd = divmod(self.x.shape[1], 2)
        one, other = self.x[:, :half], self.x[:, half:]
        # most others differ in the first sample
        return bool(half and not odd and np.array_equal(one[:1], -other[:1])
                    and np.array_equal(one, -other))  # fmt: skip

    @property
    def own(self) -> Floats:
        """What tells x, shape (B, k): of pairs the first halves."""
        return self.x[:, : self.x.shape[1] // 2] if self.mirrored else self.x

    def like(self, other: Drive) -> bool:
        """Tell whether another has the same numbers in the same parts."""
        if self is other:
            return True
        pairs = (self.x, other.x), (self.common, other.common)
        return all(np.array_equal(mine, theirs) for mine, theirs in pairs)


class Map:
    """A sparse or dense map of u, in the two parts that drives have."""

    def __init__(self, matrix: Any) -> None:
        self.matrix = matrix
        #: by the columns of the samples: what is made of these, None for nothing, and of others
        self._parts: dict[int, tuple[Any, Any]] = {}

    def __call__(self, drive: Drive) -> Floats:
        """Return what is made of u, shape (rows, B), or (rows, 1)."""
        k = drive.x.shape[1]
        if k not in self._parts:
            own = self.matrix[:, :k]
            self._parts[k] = own if own.size and abs(own).max() else None, self.matrix[:, k:]
        own, others = self._parts[k]
        found: Floats = np.asarray(others @ drive.common)[:, None]
        return found if own is None else found + own @ np.ascontiguousarray(drive.x.T)
