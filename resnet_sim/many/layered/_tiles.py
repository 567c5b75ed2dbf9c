"""Between plain arrays and the layouts of the compiled loops (see `_crossbar`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from ...arrays import Floats
from ...compiled.registers import aligned
from ._crossbar import COLUMNS, ROWS
from .structure import Block, Layers, Units

Array = npt.NDArray[Any]

#: Blocks of rows that `crossbar_rows` takes at once.
SOME = 8


def tile_count(columns: int) -> int:
    """Return how many tiles hold so many columns."""
    return -(-columns // COLUMNS)


def pack_crossbar(g: Array, signs: int) -> Array:
    """Return conductances of shape (signs * rows, columns) as tiles."""
    rows, columns = g.shape[0] // signs, g.shape[1]
    blocks = -(-rows // ROWS)
    G = aligned((tile_count(columns), blocks, signs, ROWS, COLUMNS))
    piece = np.zeros((blocks * ROWS, COLUMNS), dtype=np.float32)
    for tile, first in enumerate(range(0, columns, COLUMNS)):
        width = min(COLUMNS, columns - first)
        for sign in range(signs):
            piece[:rows, :width] = g[sign * rows : (sign + 1) * rows, first : first + width]
            # the tile before has left its columns there
            piece[:, width:] = 0.0
            G[tile, :, sign] = piece.reshape(blocks, ROWS, COLUMNS)
    return G


def unpack_crossbar(G: Array, g: Array) -> Array:
    """Write tiles to an array of shape (signs * rows, columns), and return that."""
    signs = G.shape[2]
    rows, columns = g.shape[0] // signs, g.shape[1]
    for tile, first in enumerate(range(0, columns, COLUMNS)):
        width = min(COLUMNS, columns - first)
        for sign in range(signs):
            piece = G[tile, :, sign].reshape(-1, COLUMNS)[:rows, :width]
            g[sign * rows : (sign + 1) * rows, first : first + width] = piece
    return g


def crossbar_rows(G: Array, shape: tuple[int, ...]) -> Iterator[Array]:
    """Yield tiles as an array of `shape` (signs * rows, columns), some rows at a time."""
    tiles, blocks, signs = G.shape[:3]
    rows = shape[0] // signs
    # some blocks at a time: no second copy of all conductances is ever made
    for sign in range(signs):
        for block in range(0, blocks, SOME):
            piece = G[:, block : block + SOME, sign].transpose(1, 2, 0, 3)
            yield piece.reshape(-1, tiles * COLUMNS)[: rows - block * ROWS, : shape[1]]


def pack_rows(rows: Array) -> Array:
    """Return an array of shape (n, columns) as shape (tiles, n, COLUMNS)."""
    n, columns = rows.shape
    tiles = tile_count(columns)
    whole = np.zeros((n, tiles * COLUMNS), dtype=np.float32)
    whole[:, :columns] = rows
    packed = aligned((tiles, n, COLUMNS))
    packed[...] = whole.reshape(n, tiles, COLUMNS).transpose(1, 0, 2)
    return packed


def unpack_rows(packed: Array, columns: int) -> Array:
    """Return the rows of shape (n, columns) that `pack_rows` packed."""
    n = packed.shape[1]
    return packed.transpose(1, 0, 2).reshape(n, -1)[:, :columns].copy()


def pack_row(row: Array) -> Array:
    """Return an array of shape (columns,) as shape (tiles, COLUMNS)."""
    return pack_rows(np.asarray(row)[None])[:, 0]


# ---- momentum of the inputs' crossbar ----


def join_momentum(mean: Array, column: Array, signs: int) -> Array:
    """Return the decaying sum of the gradient, shape (signs * rows, columns).

    With P in `mean` and Q in `column`, the compiled loops change ``g+`` along ``P - Q`` and
    ``g-`` along ``-P - Q``.
    """
    P, Q = mean.astype(np.float64), column.astype(np.float64)
    return np.concatenate((Q - P, Q + P)[:signs])


def split_momentum(gradient: Array, signs: int) -> tuple[Array, Array]:
    """Return P, shape (rows, columns), and Q, shape (columns,), of `join_momentum`."""
    if signs == 1:
        return -gradient, np.zeros(gradient.shape[1])
    half = len(gradient) // 2
    P = 0.5 * (gradient[half:] - gradient[:half])
    return P, (gradient[0] + P[0] if half else np.zeros(gradient.shape[1]))


# ---- parameters ----


def given(block: Block, parameters: Array | None) -> Array:
    """Return the conductances of a block, S; without parameters those of the circuit."""
    return block.g if parameters is None else block.at(parameters)


def learns(block: Block) -> bool:
    """Tell whether conductances of a block learn."""
    return bool((np.asarray(block.index) >= 0).any())


def put(block: Block, g: Array, parameters: Array) -> None:
    """Write the conductances of a block to where they are among the parameters."""
    if isinstance(block.index, int):
        parameters[block.index : block.index + g.size] = g.reshape(-1)
    else:
        parameters[block.index] = g


def put_crossbar(block: Block, G: Array, parameters: Array) -> None:
    """Write tiles of a block to where they are among the parameters."""
    if isinstance(block.index, int):
        unpack_crossbar(G, block.at(parameters))  # a view
    else:
        put(block, unpack_crossbar(G, np.empty(block.g.shape, dtype=np.float32)), parameters)


def biases_of(units: Units, biases: Floats) -> Floats:
    """Return the currents of biases that learn into units, A."""
    # where there is no bias the index is -1: it finds the 0 at the end
    known = np.append(biases, 0.0)
    return np.asarray(units.bias_sign * known[units.bias_index])


def leaks_of(layers: Layers) -> tuple[list[Floats], list[Floats]]:
    """Return, by layer, conductances to given potentials (S) and currents from there (A)."""
    leaks = layers.leaks
    conductance = [np.zeros(len(units)) for units in layers.units]
    current = [np.zeros(len(units)) for units in layers.units]
    for k in range(len(layers.units)):
        rows = leaks.layer == k
        np.add.at(conductance[k], leaks.unit[rows], leaks.g[rows])
        np.add.at(current[k], leaks.unit[rows], leaks.g[rows] * leaks.far.offset[rows])
    return conductance, current


def learned(units: Units, values: Array, biases: Floats) -> None:
    """Write the currents into units to where they are among the biases that learn, A."""
    some = units.bias_index >= 0
    biases[units.bias_index[some]] = (units.bias_sign * values)[some]
