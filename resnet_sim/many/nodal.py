"""The equations of a linear circuit, or of tangents: Kirchhoff's current law, and what ties impose.

Unknowns are the voltages of all nodes but ground and the currents of all ties: modified nodal
analysis (Ho, Ruehli and Brennan, IEEE Trans. Circuits Syst. 22, 1975).  Controls of sources are
entries like others, so that it doesn't matter what depends on what.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..arrays import Floats, Ints
from ..compiled import policy
from ..graph.graphs import bincount
from ..model.circuit import Circuit
from ..point.reduction import Reduction
from ..solvers.linear import superlu

#: rows, columns and values
Part = tuple[Ints, Ints, Floats]
#: values of sources by table, and by what they are called there, shape (points, rows)
Columns = Mapping[str, Mapping[str, Floats]]
#: tables whose numbers are right sides of the equations, and the branches that carry them
SOURCES = {"voltage_sources": "ties", "current_sources": "injections"}


class Entries:
    """Entries of a matrix; several at a place add up."""

    def __init__(self, parts: Sequence[Part] = ()) -> None:
        self._parts = list(parts)

    def add(self, row: Ints, column: Ints, value: Floats) -> None:
        """Add entries."""
        self._parts.append((row, column, value))

    def add_ties(self, rows: Ints, p: Ints, q: Ints) -> None:
        """Add branches whose currents are unknowns and whose voltages are given."""
        for node, sign in ((p, 1.0), (q, -1.0)):
            value = np.full(len(rows), sign)
            self.add(node, rows, value)
            self.add(rows, node, value)

    def matrix(self, size: int) -> Any:
        """Return the matrix, sparse by columns if it is large."""
        row, column, value = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        if size <= policy.POLICY.dense:
            dense = np.zeros((size, size))
            np.add.at(dense, (row, column), value)
            return dense
        from scipy.sparse import csc_array

        return csc_array((value, (row, column)), shape=(size, size))


def conductances(p: Ints, q: Ints, siemens: Floats) -> list[Part]:
    """Return the entries of conductances between nodes."""
    return [(p, p, siemens), (p, q, -siemens), (q, q, siemens), (q, p, -siemens)]


def equations(red: Reduction, tangents: Sequence[Part] = ()) -> Entries:
    """Return KCL at all nodes, ground's too, and then the voltages of the ties.

    `tangents` are entries of what is not linear.
    """
    ties, feeds, branch = red.ties, red.injections, red.conductors
    e = Entries([*conductances(branch.p, branch.q, branch.siemens), *tangents])
    rows = len(red.coordinate) + np.arange(len(ties))
    e.add_ties(rows, ties.p, ties.q)
    row, column, gain = controls(red)
    for at, source, sign in (
        (rows, ties.source, -1.0), (feeds.p, feeds.source, 1.0), (feeds.q, feeds.source, -1.0)
    ):  # fmt: skip
        of_control = np.full(len(red.controls), -1)
        of_control[source[source >= 0]] = at[source >= 0]
        own = of_control[row] >= 0
        e.add(of_control[row[own]], column[own], sign * gain[own])
    return e


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
        self.n = len(red.coordinate)
        self.size = self.n + len(red.ties)
        self.matrix = equations(red).matrix(self.size)[1:, 1:]
        if isinstance(self.matrix, np.ndarray):
            inverse = np.linalg.inv(self.matrix)
            self._solve: Any = lambda b, how: (inverse.T if how == "T" else inverse) @ b
        else:
            try:
                self._solve = superlu.general(self.matrix).solve
            except RuntimeError as error:
                raise np.linalg.LinAlgError(str(error)) from error

    def imposed(self, circuit: Circuit, columns: Columns) -> tuple[Floats, Floats]:
        """Return what `solve` is given for values of sources."""
        red, count = self.red, len(next(iter(next(iter(columns.values())).values())))
        held = {"ties": red.ties.volts, "injections": red.injections.amps}
        many = {kind: np.repeat(row[None], count, axis=0) for kind, row in held.items()}
        for table, some in columns.items():
            row_of = getattr(red, SOURCES[table]).row_of(circuit.n_elements)
            for column in some.values():
                first = circuit.first[table]
                many[SOURCES[table]][:, row_of[first : first + column.shape[1]]] = column
        return many["ties"], many["injections"]

    def solve(self, volts: Floats, amps: Floats) -> Floats:
        """Return voltages of the nodes and currents of the ties, shape (points, unknowns).

        Parameters
        ----------
        volts, amps : ndarray, shapes (points, ties) and (points, injections)
            What independent sources, and constants of others, impose.
        """
        feeds, n = self.red.injections, self.n

        def right(part: slice) -> Floats:
            fed = amps[part].T
            sums = bincount(feeds.q, fed, self.size) - bincount(feeds.p, fed, self.size)
            sums[n:] = volts[part].T
            return sums

        return self._solved(right, len(volts), self.matrix, "N")

    def multipliers(self, slope: Floats) -> Floats:
        """Return the multipliers of KCL for slopes dC/dv of the nodes, shapes (points, n)."""

        def right(part: slice) -> Floats:
            return np.pad(slope[part].T, ((0, self.size - self.n), (0, 0)))

        return self._solved(right, len(slope), self.matrix.T, "T")[:, : self.n]

    def _solved(
        self, right: Callable[[slice], Floats], count: int, matrix: Any, how: str
    ) -> Floats:
        """Return the solutions for some right sides, ground's unknown being zero."""
        found = np.zeros((count, self.size))
        for first in range(0, count, self.COLUMNS):
            part = slice(first, first + self.COLUMNS)
            b = np.asfortranarray(right(part)[1:])
            z = self._solve(b, how)
            z += self._solve(np.asfortranarray(b - matrix @ z), how)
            found[part, 1:] = z.T
        return found

    def currents(self, z: Floats, amps: Floats, count: int) -> Floats:
        """Return the currents of `count` elements, A, shape (points, count)."""
        red = self.red
        row, column, gain = controls(red)
        # the numbers of all points side by side: whole rows are picked in a fraction of the time
        z, amps = np.ascontiguousarray(z.T), np.array(amps.T, order="C")
        value = bincount(row, gain[:, None] * z[column], len(red.controls))
        fed = np.flatnonzero(red.injections.source >= 0)
        amps[fed] += value[red.injections.source[fed]]
        found = np.zeros((count, z.shape[1]))
        branch = red.conductors
        flow = branch.siemens[:, None] * (z[branch.p] - z[branch.q])
        for kind, current in ((branch, flow), (red.injections, amps)):
            found += bincount(kind.element, kind.sign[:, None] * current, count)
        found[red.ties.element] = z[self.n :]
        return np.ascontiguousarray(found.T)
