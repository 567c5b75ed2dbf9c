"""Arrays in, arrays out: the currents of crossbars whose wires have resistance."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import Floats
from ..compiled import policy
from ..errors import ConvergenceError, UsageError
from ..generators import crossbar
from ..laws.certificate import certify_points
from ..laws.points import ResistorCurrents
from ..model.circuit import Circuit
from ..model.names import real
from ..solvers.linear.laplacian import laplacian_solver
from .given import spelled
from .solve import check_arguments, solve

#: Input vectors that are solved at once: more need memory, and are no faster.
CHUNK = 128


@spelled
def crossbar_currents(
    voltages: npt.ArrayLike,
    resistances: npt.ArrayLike,
    row_wire: float = 0.0,
    column_wire: float = 0.0,
    *,
    source: float = 0.0,
    load: float = 0.0,
    drive: str = "rows",
    tolerance: float = 1e-9,
) -> Any:
    """Return what flows out of the columns of a crossbar, for many input vectors at once.

    Parameters
    ----------
    voltages : array_like, shape (rows,) or (points, rows)
        V, of the sources at the beginning of the rows.
    resistances : array_like, shape (rows, columns)
        Of the cells, ohm; infinite for open ones.
    row_wire, column_wire : float
        Resistance (ohm) of each piece of wire: every cell has one before it on its row, and
        one after it on its column, as in badcrossbar.
    source, load : float
        Resistance (ohm) between each source and its row, and from each column to ground.
    drive : {"rows", "columns"}
        With columns, sources are at the beginning of the columns, and rows end at ground.
    tolerance : float
        Of the certificate.

    Returns
    -------
    ndarray, shape (columns,) or (points, columns)
        A, into ground; of the rows if columns are driven.

    Raises
    ------
    UsageError
        If shapes don't fit, or a value makes no sense.
    ConvergenceError
        If an answer does not fulfil every law of the circuit to `tolerance`.

    Notes
    -----
    The circuit is that of `generators.crossbar`.  It is factored once for all vectors.

    Examples
    --------
    >>> ohms = [[1e3, 2e3], [2e3, np.inf]]
    >>> rs.crossbar_currents([1.0, 0.5], ohms)  # A
    array([0.00125, 0.0005 ])
    >>> rs.crossbar_currents([[1.0, 0.5], [0.0, 1.0]], ohms, 1.0, 2.0).round(7)
    array([[0.0012427, 0.000498 ],
           [0.0004983, 0.       ]])
    """
    check_arguments("auto", tolerance)
    ohms = real(resistances, "resistances")
    if ohms.ndim != 2 or not ohms.size or not (ohms > 0).all():
        raise UsageError("resistances need rows and columns, all positive (open: infinite)")
    v = real(voltages, "voltages")
    vectors = np.atleast_2d(v)
    lines = ohms.shape[drive == "columns"]
    if v.ndim not in (1, 2) or vectors.shape[1] != lines or not np.isfinite(v).all():
        raise UsageError(
            f"voltages have shape {v.shape}; they need {lines} finite columns, one for each of "
            f"the {drive}"
        )
    circuit = crossbar(
        1.0 / ohms, volts=np.zeros(lines), row_wire=row_wire, column_wire=column_wire,
        source=source, load=load, drive=drive,
    )  # fmt: skip
    ends = ohms.size // lines
    large = ohms.size * len(vectors) >= policy.POLICY.currents
    outflow = partial(_solved, circuit, lines, ends) if large else (
        _Network(circuit, lines, ends).outflow
    )  # fmt: skip
    currents = np.zeros((len(vectors), ends))
    for first in range(0, len(vectors), CHUNK):
        rows = slice(first, first + CHUNK)
        currents[rows] = outflow(vectors[rows], tolerance)
    return currents if v.ndim == 2 else currents[0]


def _solved(circuit: Circuit, lines: int, ends: int, vectors: Floats, tolerance: float) -> Floats:
    """Return what `_Network` does, of a circuit that is large enough for compiled loops."""
    names = circuit.voltage_sources.names[:lines]
    op = solve(circuit, inputs=dict(zip(names, vectors.T, strict=True)), tolerance=tolerance)
    # the last elements of either table are where lines end
    table = "resistors" if len(circuit.voltage_sources) == lines else "voltage_sources"
    last = circuit.first[table] + len(circuit.tables[table])
    return op.element_currents[:, last - ends : last]


class _Network:
    """A linear circuit of positive resistances and sources to ground, factored.

    Voltages have shape (n_nodes, points).
    """

    def __init__(self, circuit: Circuit, lines: int, ends: int) -> None:
        from scipy.sparse import csr_array

        self.circuit, self.lines, self.ends = circuit, lines, ends
        r, n, g = circuit.resistors, len(circuit.nodes), 1.0 / circuit.resistors.ohms
        # nodes whose potentials sources give are ground, and feed their neighbours
        place = np.ones(n, dtype=np.int64)
        place[circuit.voltage_sources.p] = place[0] = 0
        self.free = np.flatnonzero(place)
        place[self.free] = 1 + np.arange(len(self.free))
        p, q = place[r.p], place[r.q]
        used = (p != q) & (g > 0)
        self.solve = laplacian_solver(1 + len(self.free), p[used], q[used], g[used])
        entries = np.concatenate((g, -g, -g, g))
        rows, columns = np.concatenate((r.p, r.p, r.q, r.q)), np.concatenate((r.p, r.q, r.p, r.q))
        self.nodal: Any = csr_array((entries, (rows, columns)), shape=(n, n))
        self.currents = ResistorCurrents(circuit)

    def outflow(self, vectors: Floats, tolerance: float) -> Floats:
        """Return certified currents out of the lines that end at ground, shape (points, ends)."""
        sources = self.circuit.voltage_sources
        volts = np.tile(sources.volts, (len(vectors), 1))
        volts[:, : self.lines] = vectors
        v = np.zeros((len(self.circuit.nodes), len(vectors)))
        v[sources.p] = volts.T
        for last in (False, False, True):
            # nothing but what the last solution has left over
            left = -(self.nodal @ v)[self.free]
            v[self.free] += self.solve(np.concatenate((np.zeros((1, len(vectors))), left)))[1:]
            current = self.currents.of(v)
            if self.currents.balanced(v, current, tolerance).all():
                break
            if last:
                self._certify(volts, v, current, tolerance)
        if len(sources) == self.lines:  # loads are the last resistors
            return np.asarray(current[-self.ends :].T)
        return np.asarray(-(self.nodal[sources.p[self.lines :]] @ v).T)

    def _certify(self, volts: Floats, v: Floats, current: Floats, tolerance: float) -> None:
        """Raise `ConvergenceError` unless the points fulfil every law."""
        sources = self.circuit.voltage_sources
        circuit = self.circuit.with_tables(voltage_sources=replace(sources, volts=volts))
        i = np.zeros((circuit.n_elements, len(volts)))
        first = circuit.first["resistors"]
        i[first : first + len(current)] = current
        first = circuit.first["voltage_sources"]
        i[first : first + len(sources)] = -(self.nodal @ v)[sources.p]
        proof, _ = certify_points(circuit, v.T, i.T, np.zeros(0, dtype=np.bool_), tolerance)
        if not proof.ok:
            raise ConvergenceError("; ".join(proof.failures[:3]))
