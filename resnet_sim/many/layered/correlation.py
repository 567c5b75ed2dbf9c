"""Derivatives of layered networks: what two states contrast in each conductance."""

from __future__ import annotations

import numpy as np

from ...arrays import Floats
from ..correlation import product_sums
from .structure import Layers, SparseBlock
from .values import in_parts

#: Columns of a block whose derivatives are computed together.
COLUMNS = 512


def correlate(
    layers: Layers, change: list[Floats], level: list[Floats], potentials: Floats,
    leak_ends: Floats,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Return sums over samples: of ``change * level`` across each parameter, of `change` at biases.

    Given potentials have no change.

    Parameters
    ----------
    change, level : list of ndarray, shape (B, n)
        Of each layer.
    potentials : ndarray, shape (B, n0)
        Levels of the inputs.
    leak_ends : ndarray, shape (B, n_leaks)
        Levels of the far ends of the leaks.
    """
    by_g, by_bias = np.zeros(layers.n_parameters), np.zeros(layers.n_biases)
    for k, block in enumerate(layers.blocks):
        if isinstance(block.index, int) and block.index < 0:
            continue
        before = (change[k - 1], level[k - 1]) if k else (None, potentials)
        if isinstance(block, SparseBlock):
            index = block.numbers()
            known = index >= 0
            by_g[index[known]] = _sparse_sums(block, before, change[k], level[k])[known]
            continue
        if isinstance(block.index, int):
            own = by_g[block.index : block.index + block.g.size].reshape(block.g.shape)
            _block_sums(own, before, change[k], level[k])
        else:
            sums = np.empty(block.g.shape)
            _block_sums(sums, before, change[k], level[k])
            known = block.index >= 0
            by_g[block.index[known]] = sums[known]
    for k, units in enumerate(layers.units):
        biased = np.flatnonzero(units.bias_index >= 0)
        into = units.bias_sign[biased] * change[k][:, biased].sum(axis=0)
        np.subtract.at(by_bias, units.bias_index[biased], into)
        leaks = layers.leaks
        (rows,) = np.nonzero((leaks.layer == k) & (leaks.index >= 0))
        j = leaks.unit[rows]
        across = level[k][:, j] - leak_ends[:, rows]
        by_g[leaks.index[rows]] = (change[k][:, j] * across).sum(axis=0)
    return by_g, by_bias


def _sparse_sums(
    block: SparseBlock, before: tuple[Floats | None, Floats], change: Floats, level: Floats
) -> Floats:
    """Return ``sum_b (change_i - change_j) (level_i - level_j)`` for the entries of a block."""
    change_i, level_i = before
    if change_i is None:
        change_i = np.zeros_like(level_i)
    one, other = np.hstack((change_i, change)), np.hstack((level_i, level))
    return product_sums(block.row, block.shape[0] + block.column, one, other)


def _block_sums(
    sums: Floats, before: tuple[Floats | None, Floats], change: Floats, level: Floats
) -> None:
    """Write ``sum_b (change_i - change_j) (level_i - level_j)`` for all pairs i, j of a block."""
    change_i, level_i = before
    own_j = (change * level).sum(axis=0)
    half = level_i.shape[1] // 2
    mirrored = change_i is None and np.array_equal(level_i[:, :half], -level_i[:, half:])

    def tile(start: int) -> None:
        j = slice(start, start + COLUMNS)
        if mirrored:
            products = level_i[:, :half].T @ change[:, j]
            np.subtract(own_j[j], products, out=sums[:half, j])
            np.add(own_j[j], products, out=sums[half:, j])
            return
        np.subtract(own_j[j], level_i.T @ change[:, j], out=sums[:, j])
        if change_i is not None:
            sums[:, j] += (change_i * level_i).sum(axis=0)[:, None]
            sums[:, j] -= change_i.T @ level[:, j]

    in_parts(tile, range(0, sums.shape[1], COLUMNS))
