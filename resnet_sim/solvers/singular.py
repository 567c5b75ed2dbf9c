"""Dense square systems that may be singular, to the last digit of what they determine."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property

import numpy as np

from ..arrays import Bools, Floats
from ..graph.mixed import Extended
from ..graph.problem import EPS

#: Relative size of what counts as zero in a null space.
NOISE = 1e-9
#: Row sum of the inverse of a scaled matrix up to which it is regular for sure.
LARGEST = 1e13
#: Relative singular value that counts as zero.
RANK = 1e-12
#: Relative size of entries from which on `scales` looks at all of them, and how often.
FAR = 1e-10
SWEEPS = 30


class Square:
    """A square matrix in extended precision, and what its equations have for solutions.

    Rows and columns are scaled by powers of two, which rounds nothing; for `even` see `scales`.

    Attributes
    ----------
    null : ndarray of bool, shape (n,)
        Components that equations with this matrix do not determine.
    """

    def __init__(self, exact: Extended, *, even: bool = True) -> None:
        plain: Floats = np.asarray(exact, dtype=float)
        self._exact = exact
        self.rows, self.columns = scales(plain, even=even)
        self.matrix: Floats = plain / self.rows[:, None] / self.columns
        self.inverse, self.null = self._invert()

    @cached_property
    def exact(self) -> Extended:
        """The scaled matrix in extended precision."""
        return np.asarray(self._exact / self.rows[:, None] / self.columns, dtype=np.longdouble)

    def _invert(self) -> tuple[Floats, Bools]:
        """Return the (pseudo-)inverse of the scaled matrix, and what its null space moves."""
        inverse = regular_inverse(self.matrix)
        if inverse is not None:
            return inverse, np.zeros(len(inverse), dtype=np.bool_)
        left, values, right = np.linalg.svd(self.matrix)
        rank = int((values > RANK * values[0]).sum())
        null: Bools = np.abs(right[rank:]).max(axis=0, initial=0.0) > NOISE
        return (right[:rank].T / values[:rank]) @ left[:, :rank].T, null

    def rough(self, rhs: Extended) -> tuple[Floats, Floats]:
        """Return the solution after one correction, and how far at most it is off.

        What the inverse lacks of being one shows in the correction, not in `solve`'s bound.
        """
        scaled = rhs / self.rows
        right = scaled.astype(float)
        x = self.inverse @ right
        correction = self.inverse @ (scaled - self.exact @ x).astype(float)
        off = 1e3 * self._error(x, right)[0] + np.abs(correction)
        return (x + correction) / self.columns, off / self.columns

    def solve(
        self, rhs: Extended, start: Extended | None = None
    ) -> tuple[Floats, Floats, Floats, bool]:
        """Solve equations.

        Returns
        -------
        solution, low : ndarray
            The smallest one where there are many, or that near `start`, and its digits beyond
            double precision.
        error : ndarray
            Bound of the rounding error of each component: ``eps |A^-1| |A| |x|``
            (Higham, "Accuracy and Stability of Numerical Algorithms", section 7.2).
        consistent : bool
            False if no solution exists.
        """
        scaled = rhs / self.rows
        extended = np.zeros_like(rhs) if start is None else start * self.columns
        for _ in range(4):
            extended = extended + self.inverse @ (scaled - self.exact @ extended).astype(float)
        x = extended.astype(float)
        error, size = self._error(x, scaled.astype(float))
        consistent = True
        if self.null.any():
            # row by row: large currents elsewhere excuse no voltage but what they round to here,
            # which corrections of corrections may still leave where there should be nothing
            allowed = 1e-13 * size + np.abs(self.matrix) @ error + EPS**3 * size.max()
            consistent = bool((np.abs(scaled - self.exact @ extended) <= allowed).all())
        extended[np.abs(x) <= error] = 0.0
        extended /= self.columns
        x = extended.astype(float)
        return x, (extended - x).astype(float), error / self.columns, consistent

    def _error(self, x: Floats, rhs: Floats) -> tuple[Floats, Floats]:
        """Return a bound of the rounding error of a scaled solution, and the sizes of its terms."""
        size = np.abs(self.matrix) @ np.abs(x) + np.abs(rhs)
        error: Floats = 4 * EPS * np.abs(self.inverse) @ size
        return error, size


def solve_roughly(matrix: Floats, rhs: Floats, singular: bool = False) -> Floats:
    """Return the solution of a square system to some digits, the smallest if it is singular.

    Rounding hides from the factors what is known to be `singular`.
    """
    rows, columns, scaled = _balanced(matrix)
    if not singular:
        with suppress(np.linalg.LinAlgError):
            return np.asarray(np.linalg.solve(scaled, rhs / rows) / columns)
    return np.asarray(np.linalg.lstsq(scaled, rhs / rows, rcond=1e-13)[0] / columns)


def sign(matrix: Floats) -> float:
    """Return the sign of a determinant."""
    return float(np.linalg.slogdet(_balanced(matrix)[2])[0])


def _balanced(matrix: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the largest of rows and of columns, and what is left over them."""
    rows: Floats = np.asarray(np.abs(matrix).max(axis=1, initial=0.0), dtype=float)
    rows[rows == 0] = 1.0
    scaled: Floats = np.asarray(matrix / rows[:, None], dtype=float)
    columns: Floats = np.asarray(np.abs(scaled).max(axis=0, initial=0.0), dtype=float)
    columns[columns == 0] = 1.0
    return rows, columns, scaled / columns


def regular_inverse(matrix: Floats) -> Floats | None:
    """Return the inverse of a scaled matrix, None if it may be singular."""
    try:
        inverse = np.asarray(np.linalg.inv(matrix), dtype=float)
    except np.linalg.LinAlgError:
        return None
    # not a number is no bound either
    return inverse if np.abs(inverse).sum(axis=1).max(initial=0.0) <= LARGEST else None


def null_space(exact: Extended) -> Floats:
    """Return a basis of a scaled matrix' null space, in rows, zeros to the last digit."""
    matrix = exact.astype(float)
    if regular_inverse(matrix) is not None:
        return np.zeros((0, len(matrix)))
    left, values, right = np.linalg.svd(matrix)
    rank = int((values > RANK * values[0]).sum())
    null = right[rank:].T.astype(np.longdouble)
    for _ in range(2):
        rest = left[:, :rank].T @ (exact @ null).astype(float)
        null -= right[:rank].T @ (rest / values[:rank, None])
    return np.ascontiguousarray(null.T, dtype=float)


def scales(matrix: Floats, *, even: bool) -> tuple[Floats, Floats]:
    """Return powers of two to divide rows and columns by: the largest entries come near 1.

    Picosiemens beside plain numbers would look like zeros, and what they determine like free.
    Where entries are so far apart, `even` brings their logarithms near each other first, in the
    sense of least squares: Curtis and Reid, J. Inst. Maths Applics 10 (1972), 118.
    """
    rows = power_of_two(matrix, 1)
    columns = power_of_two(matrix / rows[:, None], 0)
    size = np.abs(matrix) / rows[:, None] / columns
    used = size > 0.0
    if not even or size.min(where=used, initial=1.0) > FAR:
        return rows, columns
    logs = np.log2(np.abs(matrix), where=used, out=np.zeros_like(matrix))
    column = np.zeros(len(columns))
    for _ in range(SWEEPS):
        row = (logs - column * used).sum(axis=1) / np.maximum(used.sum(axis=1), 1)
        column = (logs - row[:, None] * used).sum(axis=0) / np.maximum(used.sum(axis=0), 1)
    columns = np.exp2(np.rint(column))
    rows = power_of_two(matrix / columns, 1)
    return rows, columns * power_of_two(matrix / columns / rows[:, None], 0)


def power_of_two(matrix: Floats, axis: int) -> Floats:
    """Return powers of two above the largest entries along an axis, 1 where all are zero."""
    size = np.abs(matrix).max(axis=axis, initial=0.0)
    return np.ldexp(1.0, np.frexp(size)[1])
