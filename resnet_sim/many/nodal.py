"""The equations of a linear circuit: Kirchhoff's current law, and what ties impose.

Unknowns are the voltages of all nodes but ground and the currents of all ties: modified nodal
analysis (Ho, Ruehli and Brennan, IEEE Trans. Circuits Syst. 22, 1975).  Controls of sources are
entries like others, so that it doesn't matter what depends on what.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Floats, Ints
from ..compiled import policy
from ..graph.graphs import bincount
from ..point.reduction import Reduction
from ..solvers.linear import superlu


@dataclass(frozen=True)
class Entries:
    """Entries of a matrix; several at a place add up."""

    row: Ints
    column: Ints
    value: Floats

    def dense(self, size: int) -> Floats:
        """Return the matrix, shape (size, size)."""
        matrix = np.zeros((size, size))
        np.add.at(matrix, (self.row, self.column), self.value)
        return matrix

    def sparse(self, size: int) -> Any:
        """Return the matrix by columns."""
        from scipy.sparse import coo_array

        return coo_array((self.value, (self.row, self.column)), shape=(size, size)).tocsc()


def equations(red: Reduction) -> Entries:
    """Return KCL at all nodes, ground's too, and then the voltages of the ties."""
    n, one = len(red.coordinate), np.ones(len(red.ties))
    ties = n + np.arange(len(red.ties))
    branch, g = red.conductors, red.conductors.siemens
    parts = [
        (branch.p, branch.p, g), (branch.p, branch.q, -g),
        (branch.q, branch.q, g), (branch.q, branch.p, -g),
        (red.ties.p, ties, one), (red.ties.q, ties, -one),
        (ties, red.ties.p, one), (ties, red.ties.q, -one),
    ]  # fmt: skip
    row, column, gain = controls(red)
    tied = red.ties.source >= 0
    sources = [(ties[tied], red.ties.source[tied], -1.0)]
    fed, feeds = red.injections.source >= 0, red.injections
    sources += [(ends[fed], feeds.source[fed], sign) for ends, sign in
                ((feeds.p, 1.0), (feeds.q, -1.0))]  # fmt: skip
    for equation, source, sign in sources:
        at = np.full(len(red.controls), -1)
        at[source] = equation
        own = at[row] >= 0
        parts.append((at[row[own]], column[own], sign * gain[own]))
    return Entries(*(np.concatenate(kind) for kind in zip(*parts, strict=True)))


def controls(red: Reduction) -> tuple[Ints, Ints, Floats]:
    """Return control, unknown and gain of all terms of the controls."""
    table, n = red.controls, len(red.coordinate)
    row = np.repeat(np.arange(len(table)), np.diff(table.ptr))
    of_current = np.flatnonzero(table.of_current)
    column = table.index.copy()
    column[of_current] = [n + red.tie_of[k] for k in table.index[of_current].tolist()]
    return row, column, table.gain


class Factored:
    """The equations of a linear circuit, factored.

    Raises
    ------
    numpy.linalg.LinAlgError
        If they are singular.
    """

    #: Columns that are solved for at a time: more would not stay in the cache.
    COLUMNS = 8

    def __init__(self, red: Reduction) -> None:
        self.red = red
        entries, self.n = equations(red), len(red.coordinate)
        self.size = self.n + len(red.ties)
        if self.size <= policy.POLICY.dense:
            self.matrix: Any = entries.dense(self.size)[1:, 1:]
            inverse = np.linalg.inv(self.matrix)
            self._solve: Any = lambda b: inverse @ b
        else:
            self.matrix = entries.sparse(self.size)[1:, 1:].tocsc()
            try:
                self._solve = superlu.general(self.matrix).solve
            except RuntimeError as error:
                raise np.linalg.LinAlgError(str(error)) from error

    def solve(self, volts: Floats, amps: Floats) -> Floats:
        """Return voltages of the nodes and currents of the ties, shape (points, unknowns).

        Parameters
        ----------
        volts, amps : ndarray, shapes (points, ties) and (points, injections)
            What independent sources, and constants of others, impose.
        """
        feeds, n = self.red.injections, self.n
        found = np.zeros((len(volts), self.size))
        for first in range(0, len(volts), self.COLUMNS):
            part = slice(first, first + self.COLUMNS)
            fed = amps[part].T
            right = bincount(feeds.q, fed, self.size) - bincount(feeds.p, fed, self.size)
            right[n:] = volts[part].T
            right = np.asfortranarray(right[1:])
            z = self._solve(right)
            z += self._solve(np.asfortranarray(right - self.matrix @ z))
            found[part, 1:] = z.T
        return found

    def currents(self, z: Floats, amps: Floats, count: int) -> Floats:
        """Return the currents of `count` elements, A, shape (points, count)."""
        red = self.red
        row, column, gain = controls(red)
        value = bincount(row, (gain * z[:, column]).T, len(red.controls)).T
        fed = np.flatnonzero(red.injections.source >= 0)
        amps = amps.copy()
        amps[:, fed] += value[:, red.injections.source[fed]]
        found = np.zeros((len(z), count))
        branch = red.conductors
        flow = branch.siemens * (z[:, branch.p] - z[:, branch.q])
        for kind, current in ((branch, flow), (red.injections, amps)):
            found += bincount(kind.element, (kind.sign * current).T, count).T
        found[:, red.ties.element] = z[:, self.n :]
        return found
