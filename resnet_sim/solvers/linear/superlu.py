"""Sparse LU factors by SuperLU, set up for the matrices of circuits."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...arrays import Ints

#: Columns that are joined to one block though their patterns differ, and columns that are
#: eliminated together.  Factors of circuits are narrow: with more, as is usual, those of grids
#: take half as long again, and full ones no less.
RELAXED, PANEL = 1, 2
#: Entry, relative to the largest of its column, from which a pivot on the diagonal is kept.
DIAGONAL = 1e-3


def symmetric(matrix: Any, threshold: float = 0.0, ordered: bool = False) -> Any:
    """Return the factors of a matrix whose pattern is symmetric, in an order of minimum degree.

    Parameters
    ----------
    matrix : scipy.sparse.csc_array, shape (n, n)
    threshold : float
        Pivots are on the diagonal where that is at least this share of the largest entry.
    ordered : bool
        Rows and columns are in such an order already.

    Raises
    ------
    RuntimeError
        If a pivot is zero.
    """
    from scipy.sparse.linalg import splu

    return splu(
        matrix,
        permc_spec="NATURAL" if ordered else "MMD_AT_PLUS_A",
        diag_pivot_thresh=threshold,
        relax=RELAXED,
        panel_size=PANEL,
        options={"SymmetricMode": True},
    )


def order(matrix: Any) -> Ints:
    """Return the place of each column in the order that `symmetric` chooses.

    It is that of an incomplete factorisation as well, which drops nearly all there would be: on
    grids of 10,000 nodes that takes a third of the time.
    """
    from scipy.sparse.linalg import spilu

    factor = spilu(
        matrix,
        drop_tol=0.9,
        fill_factor=1.0,
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        relax=RELAXED,
        panel_size=PANEL,
        options={"SymmetricMode": True},
    )
    return np.asarray(factor.perm_c, dtype=np.int64)


def general(matrix: Any) -> Any:
    """Return the factors of any matrix.

    Where no entry on the diagonal is small, the order is that of `symmetric`, whose fill is least;
    else columns are ordered for whatever rows are chosen (COLAMD).

    Raises
    ------
    RuntimeError
        If a pivot is zero.
    """
    from scipy.sparse.linalg import splu

    largest = abs(matrix).max(axis=0).toarray().ravel()
    if (np.abs(matrix.diagonal()) < DIAGONAL * largest).any():
        return splu(matrix, permc_spec="COLAMD", relax=RELAXED, panel_size=PANEL)
    return symmetric(matrix, threshold=DIAGONAL)
