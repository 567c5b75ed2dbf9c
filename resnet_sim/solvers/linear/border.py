"""The factor of one network for another that differs from it in few rectifiers.

A group that has come apart is an extra unknown, one that has grown an extra constraint, a soft
rectifier that has changed an extra current (bordering, see e.g. Gill, Murray, Saunders and
Wright, "Sparse matrix methods in optimization", 1984).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...arrays import Floats, Ints
from ...graph.graphs import bincount
from .contracted import ContractedNetwork, Inverse
from .sparse_factors import Solve


class _Pieces(NamedTuple):
    """What the groups of two networks have in common, where they differ.

    Attributes
    ----------
    coordinate, piece : ndarray of int
        Coordinates of groups that differ, and the piece of each.
    old, new : ndarray of int
        Group of each piece in either network.
    first : ndarray of int
        Smallest coordinate of each piece.
    """

    coordinate: Ints
    piece: Ints
    old: Ints
    new: Ints
    first: Ints


class _Border(NamedTuple):
    """Columns of the border in the old groups, and the block of their own unknowns."""

    column: Ints
    row: Ints
    value: Floats
    block: Floats


class Bordered:
    """A factored network that serves others like it, by a border of `most` columns at most."""

    def __init__(self, network: ContractedNetwork, solve: Solve, most: int) -> None:
        self.network, self.solve, self.most = network, solve, most
        self._solved: dict[bytes, Floats] = {}

    def inverse(self, other: ContractedNetwork) -> Inverse | None:
        """Return the inverse of another network of the same problem; None if it differs much."""
        base = self.network
        if other.n_parts != base.n_parts or (
            base.n_parts > 1 and not np.array_equal(other.part, base.part)
        ):
            return None
        pieces = _common_pieces(base, other)
        split = (pieces.first != _smallest(pieces.old, pieces.first)).nonzero()[0]
        merged = (pieces.first != _smallest(pieces.new, pieces.first)).nonzero()[0]
        changed = np.setxor1d(base.soft, other.soft, assume_unique=True)
        if not len(split) and not len(merged) and not len(changed):
            return base.by_groups(self.solve)
        if len(split) + len(merged) + len(changed) > self.most:
            return None
        border = _border(base, pieces, split, merged, changed)
        solved = np.stack([self._column(border, k) for k in range(len(border.block))])
        schur = border.block.copy()
        np.subtract.at(schur, border.column, border.value[:, None] * solved[:, border.row].T)
        try:
            small = np.linalg.inv(schur)
        except np.linalg.LinAlgError:
            return None
        number = np.full(len(pieces.first), -1)
        number[split] = np.arange(len(split))
        apart = number[pieces.piece] >= 0
        moved, extra = pieces.coordinate[apart], number[pieces.piece[apart]]
        label, count, size = base.forest.label, base.forest.count, len(schur)
        root = (other.forest.parent < 0).nonzero()[0]

        def inverse(members: Floats) -> Floats:
            # currents between members, of which the sum is a last digit, need not be solved for
            excess = np.zeros(len(members))
            excess[root] = bincount(other.forest.label, members, other.forest.count)
            groups = self.solve(bincount(label, excess, count))
            rhs = bincount(extra, excess[moved], size)
            rhs -= bincount(border.column, border.value * groups[border.row], size)
            unknown = small @ rhs
            step = (groups - unknown @ solved)[label]
            step[moved] += unknown[extra]
            # what rounding makes differ within a group, gaps of rectifiers would show
            return step[root][other.forest.label]

        return inverse

    def _column(self, border: _Border, k: int) -> Floats:
        """Return the solution for one column, which earlier borders may have had too."""
        chosen = border.column == k
        row, value = border.row[chosen], border.value[chosen]
        key = row.tobytes() + value.tobytes()
        if key not in self._solved:
            if len(self._solved) > 2 * self.most:
                self._solved.clear()
            self._solved[key] = self.solve(bincount(row, value, self.network.forest.count))
        return self._solved[key]


def _common_pieces(base: ContractedNetwork, other: ContractedNetwork) -> _Pieces:
    """Return the pieces of all groups that are not the same in both networks."""
    old, new = base.forest.label, other.forest.label
    # trees are numbered by their smallest coordinate, which is their root
    root_old = (base.forest.parent < 0).nonzero()[0]
    root_new = (other.forest.parent < 0).nonzero()[0]
    differs = root_old[old] != root_new[new]
    in_old = np.zeros(base.forest.count, dtype=np.bool_)
    in_new = np.zeros(other.forest.count, dtype=np.bool_)
    in_old[old[differs]] = True
    in_new[new[differs]] = True
    coordinate = (in_old[old] | in_new[new]).nonzero()[0]
    pair = old[coordinate] * other.forest.count + new[coordinate]
    _, first, piece = np.unique(pair, return_index=True, return_inverse=True)
    first = coordinate[first]
    return _Pieces(coordinate, piece, old[first], new[first], first)


def _smallest(group: Ints, first: Ints) -> Ints:
    """Return for each piece the smallest coordinate of any piece of its group."""
    smallest = np.full(group.max(initial=-1) + 1, first.max(initial=0))
    np.minimum.at(smallest, group, first)
    result: Ints = smallest[group]
    return result


class _Columns:
    """A border while it is made.

    `unknown` has the number of each coordinate that has come apart from its old group, -1 for
    others.
    """

    def __init__(self, base: ContractedNetwork, unknown: Ints, size: int) -> None:
        self.base, self.unknown = base, unknown
        self.block = np.zeros((size, size))
        self.columns: list[Ints] = []
        self.rows: list[Ints] = []
        self.values: list[Floats] = []

    def add(self, column: Ints, row: Ints, value: Floats) -> None:
        """Add values to columns, in rows of old groups."""
        self.columns.append(column)
        self.rows.append(row)
        self.values.append(value)

    def conductances(self) -> None:
        """Let the conductances of what has come apart lead to where they lead."""
        base, label, unknown = self.base, self.base.forest.label, self.unknown
        near = ((unknown[base.p] >= 0) | (unknown[base.q] >= 0)).nonzero()[0]
        for here, there in ((base.p[near], base.q[near]), (base.q[near], base.p[near])):
            apart = unknown[here] >= 0
            a, b, g = unknown[here[apart]], unknown[there[apart]], base.g[near][apart]
            self.add(a, label[here[apart]], g)
            self.add(a, label[there[apart]], -g)
            np.add.at(self.block, (a, a), g)
            np.subtract.at(self.block, (a[b >= 0], b[b >= 0]), g[b >= 0])

    def tie(self, k: int, p: int, q: int) -> None:
        """Let unknown k be the current from coordinate p to q."""
        for end, sign in ((p, 1.0), (q, -1.0)):
            self.add(np.array([k]), self.base.forest.label[[end]], np.array([sign]))
            if self.unknown[end] >= 0:
                self.block[k, self.unknown[end]] += sign
                self.block[self.unknown[end], k] += sign

    def border(self) -> _Border:
        """Return all of it but the row of the reference."""
        row = np.concatenate(self.rows)
        inner = row > 0
        column, value = np.concatenate(self.columns), np.concatenate(self.values)
        return _Border(column[inner], row[inner], value[inner], self.block)


def _border(
    base: ContractedNetwork, pieces: _Pieces, split: Ints, merged: Ints, changed: Ints
) -> _Border:
    """Return the border: what came apart, what grew together, soft rectifiers that changed."""
    number = np.full(len(pieces.first), -1)
    number[split] = np.arange(len(split))
    unknown = np.full(base.problem.n, -1)
    unknown[pieces.coordinate] = number[pieces.piece]
    made = _Columns(base, unknown, len(split) + len(merged) + len(changed))
    made.conductances()
    lowest = _smallest(pieces.new, pieces.first)
    for k, piece in enumerate(merged.tolist(), len(split)):
        made.tie(k, int(pieces.first[piece]), int(lowest[piece]))
    for k, rectifier in enumerate(changed.tolist(), len(split) + len(merged)):
        made.tie(k, int(base.problem.diode_p[rectifier]), int(base.problem.diode_q[rectifier]))
        gone = rectifier in base.soft
        made.block[k, k] = base.problem.resistance[rectifier] * (1.0 if gone else -1.0)
    return made.border()
