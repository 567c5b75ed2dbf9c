"""Sparse LU factors by SuperLU, set up for the matrices of circuits."""

from __future__ import annotations

from functools import cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ...arrays import Floats, Ints

#: Columns that are joined to one block though their patterns differ, and columns that are
#: eliminated together.  Factors of circuits are narrow: with more, as is usual, those of grids
#: take half as long again, and full ones no less.
BLOCKS = {"Relax": 1, "PanelSize": 2}
#: Entry, relative to the largest of its column, from which a pivot on the diagonal is kept.
DIAGONAL = 1e-3
#: What scipy has compiled.
NAME = "scipy.sparse.linalg._dsolve._superlu"


class Columns(NamedTuple):
    """A square matrix by columns, as scipy has them: entries, their rows, where columns begin."""

    data: Floats
    indices: Any
    indptr: Any


@cache
def compiled() -> Any:
    """Return the function that scipy has compiled, by itself: what is around it imports for .3 s.

    It is not public, so it is tried first.  None if it isn't there as it is known.
    """
    scipy = find_spec("scipy")
    places = (scipy and scipy.submodule_search_locations) or ()
    folders = [str(Path(place, *NAME.split(".")[1:-1])) for place in places]
    found = PathFinder.find_spec(NAME, folders)
    try:
        module = module_from_spec(found)  # type: ignore[arg-type]
        found.loader.exec_module(module)  # type: ignore[union-attr]
        one = Columns(np.array([2.0]), np.array([0]), np.array([0, 1]))
        known = _called(module.gstrf, one, False, BLOCKS).solve(np.array([4.0]))[0] == 2.0
        return module.gstrf if known else None
    except (AttributeError, ImportError, TypeError, ValueError):
        return None


def _as_array(*parts: Any) -> Any:
    """Return what factors are asked for as matrices."""
    from scipy.sparse import csc_array

    return csc_array(*parts)


def _called(gstrf: Any, matrix: Any, ilu: bool, options: dict[str, Any]) -> Any:
    rows, begins = (part.astype(np.intc, copy=False) for part in (matrix.indices, matrix.indptr))
    return gstrf(
        len(begins) - 1, len(rows), matrix.data, rows, begins,
        csc_construct_func=_as_array, ilu=ilu, options=options,
    )  # fmt: skip


def _factors(matrix: Any, ilu: bool = False, **options: Any) -> Any:
    options = BLOCKS | options
    if gstrf := compiled():
        return _called(gstrf, matrix, ilu, options)
    from scipy.sparse.linalg import spilu, splu

    matrix = _as_array((matrix.data, matrix.indices, matrix.indptr))
    return (spilu if ilu else splu)(matrix, options=options)


def symmetric(matrix: Any, threshold: float = 0.0, ordered: bool = False) -> Any:
    """Return the factors of a matrix whose pattern is symmetric, in an order of minimum degree.

    Parameters
    ----------
    matrix : Columns or scipy.sparse.csc_array, shape (n, n)
        No entry is there twice.
    threshold : float
        Pivots are on the diagonal where that is at least this share of the largest entry.
    ordered : bool
        Rows and columns are in such an order already.

    Raises
    ------
    RuntimeError
        If a pivot is zero.
    """
    order = "NATURAL" if ordered else "MMD_AT_PLUS_A"
    return _factors(matrix, ColPerm=order, DiagPivotThresh=threshold, SymmetricMode=True)


def order(matrix: Any) -> Ints:
    """Return the place of each column in the order that `symmetric` chooses.

    It is that of an incomplete factorisation as well, which drops nearly all there would be: on
    grids of 10,000 nodes that takes a third of the time.
    """
    factor = _factors(
        matrix, ilu=True, ILU_DropTol=0.9, ILU_FillFactor=1.0,
        ColPerm="MMD_AT_PLUS_A", DiagPivotThresh=0.0, SymmetricMode=True,
    )  # fmt: skip
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
    matrix.sum_duplicates()
    largest = abs(matrix).max(axis=0).toarray().ravel()
    if (np.abs(matrix.diagonal()) < DIAGONAL * largest).any():
        return _factors(matrix, ColPerm="COLAMD")
    return symmetric(matrix, threshold=DIAGONAL)
