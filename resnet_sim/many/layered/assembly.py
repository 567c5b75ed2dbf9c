"""Conductors between two layers put together to the array of a block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...arrays import Floats, Ints
from ...model.devices.crossbar import Crossbar
from .structure import Block, SparseBlock

#: Share of the pairs of two layers that must be joined for their block to be held dense.
DENSITY = 0.25


@dataclass(frozen=True)
class Singles:
    """Conductors one by one: nodes, S, and which parameters they are; arrays of shape (n,)."""

    p: Ints
    q: Ints
    g: Floats
    index: Ints

    @classmethod
    def of_crossbar(cls, device: Crossbar, index: int | Ints) -> Singles:
        """Return a crossbar taken apart, without what is neither conductor nor parameter."""
        whole = Block(device.conductances, index).numbers().ravel()
        g = device.conductances.ravel().astype(np.float64)
        rows = np.repeat(device.rows, len(device.columns))
        columns = np.tile(device.columns, len(device.rows))
        some = (g != 0) | (whole >= 0)
        return cls(rows[some], columns[some], g[some], whole[some])

    @classmethod
    def joined(cls, parts: list[Singles]) -> Singles:
        """Return several as one."""
        return cls(
            np.concatenate([part.p for part in parts]),
            np.concatenate([part.q for part in parts]),
            np.concatenate([part.g for part in parts]),
            np.concatenate([part.index for part in parts]),
        )

    def ends(self, coordinate: Ints) -> tuple[Ints, Ints]:
        """Return the coordinates of both ends; 0 and 0 where they are the same."""
        a, b = coordinate[self.p], coordinate[self.q]
        return np.where(a == b, 0, a), np.where(a == b, 0, b)


@dataclass(frozen=True)
class Joint:
    """A crossbar between two layers, and which parameters its conductances are."""

    device: Crossbar
    index: int | Ints


def block(
    shape: tuple[int, int],
    before: Ints,
    here: Ints,
    singles: Singles,
    joints: list[Joint],
    sparse: bool,
) -> Block | None:
    """Return the block between two layers.

    Parameters
    ----------
    shape : (int, int)
        Sizes of the layers.
    before, here : ndarray of int, shape (n_nodes,)
        Place of each node in the first and second layer, -1 if it is in another.
    sparse : bool
        Whether few of the pairs may be joined.

    Returns
    -------
    Block or None
        None if it is too sparse, or if several conductors join the same pair of nodes.
    """
    placed = (_placed(joint, before, here) for joint in joints)
    pieces = [found for found in placed if found is not None]
    p, q = singles.p, singles.q
    forward = (before[p] >= 0) & (here[q] >= 0)
    backward = (before[q] >= 0) & (here[p] >= 0)
    rows = np.concatenate((before[p[forward]], before[q[backward]]))
    columns = np.concatenate((here[q[forward]], here[p[backward]]))
    if len(pieces) == 1 and not len(rows):
        at_rows, at_columns, whole = pieces[0]
        in_order = np.array_equal(at_rows, np.arange(shape[0]))
        if in_order and np.array_equal(at_columns, np.arange(shape[1])):
            return whole
    filled = len(rows) + sum(piece.g.size for _, _, piece in pieces)
    full = filled >= DENSITY * shape[0] * shape[1]
    if not (full or sparse):
        return None
    where = [rows * shape[1] + columns]
    values = [np.concatenate((singles.g[forward], singles.g[backward]))]
    numbers = [np.concatenate((singles.index[forward], singles.index[backward]))]
    for at_rows, at_columns, piece in pieces:
        where.append((at_rows[:, None] * shape[1] + at_columns).ravel())
        values.append(piece.g.ravel().astype(np.float64))
        numbers.append(piece.numbers().ravel())
    at, g, index = (np.concatenate(x) for x in (where, values, numbers))
    return _scattered(shape, at, g, index, full)


def _placed(joint: Joint, before: Ints, here: Ints) -> tuple[Ints, Ints, Block] | None:
    """Return where rows and columns of a crossbar are in two layers, None if they aren't."""
    rows, columns = joint.device.rows, joint.device.columns
    part = Block(joint.device.conductances, joint.index)
    if (before[rows] >= 0).all() and (here[columns] >= 0).all():
        return before[rows], here[columns], part
    if (before[columns] >= 0).all() and (here[rows] >= 0).all():
        none = isinstance(part.index, int) and part.index < 0
        turned = Block(part.g.T, -1 if none else part.numbers().T)
        return before[columns], here[rows], turned
    return None


def _scattered(
    shape: tuple[int, int], where: Ints, values: Floats, numbers: Ints, full: bool
) -> Block | None:
    """Return a block from its entries, None if two are at the same place."""
    size = shape[0] * shape[1]
    filled = np.zeros(size, dtype=np.bool_)
    filled[where] = True
    if np.count_nonzero(filled) != len(where):
        return None
    if not full:
        order = np.argsort(where)
        row, column = np.divmod(where[order], shape[1])
        return SparseBlock(values[order], numbers[order], shape, row, column)
    g, index = np.zeros(size), np.full(size, -1)
    g[where], index[where] = values, numbers
    g.setflags(write=False)
    follow = np.array_equal(index, index[0] + np.arange(len(index)))
    if follow and index[0] >= 0:
        return Block(g.reshape(shape), int(index[0]))
    if (index < 0).all():
        return Block(g.reshape(shape), -1)
    return Block(g.reshape(shape), index.reshape(shape))
