"""Crossbars in badcrossbar's convention by plain nodal analysis: dense, from nothing but arrays."""

from __future__ import annotations

import numpy as np


def currents(
    voltages: np.ndarray,
    ohms: np.ndarray,
    row_wire: float,
    column_wire: float,
    source: float = 0.0,
    load: float = 0.0,
) -> np.ndarray:
    """Currents out of the columns, shape (points, columns), by one dense solution.

    Unknowns are the potentials of all crossings on both lines, of the heads of the rows and
    of the feet of the columns, and the currents of every piece of wire and of every source:
    resistances of zero need no special case.
    """
    rows, columns = ohms.shape
    crossing = rows * columns
    top = np.arange(crossing).reshape(rows, columns)
    bottom = crossing + top
    head = 2 * crossing + np.arange(rows)
    foot = 2 * crossing + rows + np.arange(columns)
    nodes = 2 * crossing + rows + columns
    pieces = [(p, q, row_wire) for i in range(rows)
              for p, q in zip([head[i], *top[i, :-1]], top[i], strict=True)]  # fmt: skip
    pieces += [(p, q, column_wire) for j in range(columns)
               for p, q in zip(bottom[:, j], [*bottom[1:, j], foot[j]], strict=True)]  # fmt: skip
    pieces += [(-1, p, source) for p in head]
    pieces += [(p, -1, load) for p in foot]
    size = nodes + len(pieces)
    matrix, rhs = np.zeros((size, size)), np.zeros((size, len(voltages)))
    for g, p, q in zip((1.0 / ohms).ravel(), top.ravel(), bottom.ravel(), strict=True):
        matrix[p, p] += g
        matrix[q, q] += g
        matrix[p, q] -= g
        matrix[q, p] -= g
    first = len(pieces) - rows - columns  # of the sources
    for k, (p, q, r) in enumerate(pieces):
        row = nodes + k
        for node, sign in ((p, 1.0), (q, -1.0)):
            if node >= 0:
                matrix[node, row] += sign
                matrix[row, node] += sign
        matrix[row, row] = -r
    for i in range(rows):
        rhs[nodes + first + i] = -voltages[:, i]
    return np.linalg.solve(matrix, rhs)[-columns:].T
