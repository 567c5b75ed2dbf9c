"""What preconditions networks with stiff branches, where their own factors would be full.

A node's diagonal stands for its edges; branches, which may be far stiffer, are kept.  Their graph
by itself has hardly any fill as long as they are fewer than nodes.  Done once for all networks on
one graph; the loops are in `descent`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...arrays import Floats, Ints
from .fronts import ordered


@dataclass(frozen=True)
class Stiff:
    """Factors of n nodes beside the reference, by columns in the order of elimination.

    Attributes
    ----------
    place : ndarray of int, shape (n + 1,)
        When each node is eliminated; that of the reference, node 0, is n.
    p, q, at_p, at_q : ndarray
        The ends of the branches, by place; what is across one is ``at_p x_p - at_q x_q``.
    ptr, row : ndarray of int
        Column k has the entries ``ptr[k]`` to ``ptr[k + 1]`` in these rows, all of them later.
    back, column, entry : ndarray of int
        The same by rows: the entries of row k, and the column of each.
    pair, target : ndarray of int
        Column k joins its rows pairwise, from ``pair[k]`` on, and what comes of each.
    slot : ndarray of int
        The entry of each branch.
    share, share_p, share_q : ndarray of float32
        What its conductance counts there, and towards the reference at either end.
    """

    place: Ints
    p: Ints
    q: Ints
    at_p: Any
    at_q: Any
    ptr: Ints
    row: Ints
    back: Ints
    column: Ints
    entry: Ints
    pair: Ints
    target: Ints
    slot: Ints
    share: Any
    share_p: Any
    share_q: Any

    @property
    def plan(self) -> tuple[Any, ...]:
        """What loops need to find their way."""
        return (
            (self.ptr, self.row, self.pair, self.target), (self.back, self.column, self.entry),
            (self.p, self.q, self.at_p, self.at_q), (self.slot, *self.shares),
        )  # fmt: skip

    @property
    def shares(self) -> tuple[Any, ...]:
        """What conductances count, by branches."""
        return self.share, self.share_p, self.share_q


def stiff(
    n: int, p: Ints, q: Ints, at_p: Floats, at_q: Floats, most: float = np.inf
) -> Stiff | None:
    """Return the factors of branches between n nodes, the reference included.

    None if eliminating them takes more than `most` operations.
    """
    place, ptr, row = ordered(n, p, q)
    count = np.diff(ptr)
    if int((count * (count + 1) // 2).sum()) > most:
        return None
    column = np.repeat(np.arange(n - 1), count)
    keys = column * n + row
    order = np.argsort(keys)
    row, keys = row[order], keys[order]  # rows of a column in their order
    p, q = place[p], place[q]
    low, high = np.minimum(p, q), np.maximum(p, q)
    inner = (high < n - 1) & (low != high)
    slot = np.full(len(p), len(row))
    slot[inner] = np.searchsorted(keys, low[inner] * n + high[inner])
    pairs = count * (count - 1) // 2
    first, second = _pairs(ptr, count)
    by_row = np.argsort(row, kind="stable")
    number = np.float32
    return Stiff(
        place, p, q, at_p.astype(number), at_q.astype(number), ptr, row,
        np.searchsorted(row[by_row], np.arange(n)), column[by_row], by_row,
        np.concatenate(([0], np.cumsum(pairs))),
        np.searchsorted(keys, row[first] * n + row[second]), slot,
        *(part.astype(number) for part in _shares(inner, low == high, p == n - 1, q == n - 1,
                                                  at_p, at_q)),
    )  # fmt: skip


def _pairs(ptr: Ints, count: Ints) -> tuple[Ints, Ints]:
    """Return the pairs of entries of all columns, one column after the other."""
    first, second, where = [], [], []
    for size in np.unique(count[count > 1]).tolist():
        columns = np.flatnonzero(count == size)
        a, b = np.triu_indices(size, 1)
        first.append((ptr[columns][:, None] + a).ravel())
        second.append((ptr[columns][:, None] + b).ravel())
        where.append(np.repeat(columns, len(a)))
    if not first:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    order = np.argsort(np.concatenate(where), kind="stable")
    return np.concatenate(first)[order], np.concatenate(second)[order]


def _shares(
    inner: Any, shorted: Any, from_reference: Any, to_reference: Any, at_p: Floats, at_q: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return what a branch counts between its ends, and from either end to the reference.

    Where scales differ one end would have a negative rest, which is left out: factors then are
    those of something near.
    """
    between = np.where(inner, at_p * at_q, 0.0)
    rest_p = np.where(from_reference | shorted, 0.0, np.maximum(at_p**2 - between, 0.0))
    rest_q = np.where(to_reference | shorted, 0.0, np.maximum(at_q**2 - between, 0.0))
    return between, rest_p, rest_q
