"""A circuit of ideal diodes as a quadratic program, and how well a point solves it.

    minimise  1/2 x'Kx - c'x   subject to  A x <= d

It is assembled from the tables of the circuit and shares nothing with the solvers of
`resnet_sim`: the other contenders are given this program, and all are judged by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from resnet_sim import Circuit
from resnet_sim.arrays import Floats, Ints


class Amplifiers(NamedTuple):
    """Sources that hold x[out] at ``gain * (x[plus] - x[minus])``; coordinate -1 is ground."""

    out: Ints
    plus: Ints
    minus: Ints
    gain: Floats

    def error(self, x: Floats) -> Floats:
        """Return by how much they miss that, V."""
        grounded = np.append(x, 0.0)
        off: Floats = x[self.out] - self.gain * (grounded[self.plus] - grounded[self.minus])
        return off


@dataclass(frozen=True)
class QuadraticProgram:
    """A circuit's co-content in the n node voltages that sources and shorts leave free.

    Attributes
    ----------
    matrix : scipy.sparse.csc_matrix, shape (n, n)
        K, S.
    vector : ndarray, shape (n,)
        c, A.
    branches : scipy.sparse.csr_matrix, shape (e, n)
    siemens, rise : ndarray, shape (e,)
        The current of a resistor, or of one in a crossbar, is ``siemens * (branches @ x + rise)``.
    fed : ndarray, shape (n,)
        A, from current sources.
    constraints : scipy.sparse.csc_matrix, shape (m, n)
        A, one row per diode.
    bounds : ndarray, shape (m,)
        d, V.
    diodes : ndarray of int, shape (m,)
        Row of each constraint in the table of diodes; one between two nodes that sources
        hold has none.
    coordinate : ndarray of int, shape (nodes,)
        Where in x a node's voltage is, -1 if it is given.
    offset : ndarray, shape (nodes,)
        Node voltages are ``x[coordinate] + offset``, V.
    amplifiers : Amplifiers
        With any there is no such program: `matrix` is that without them, and it is their laws,
        and Kirchhoff's everywhere but at their outputs, that `residual` looks at.
    """

    matrix: sparse.csc_matrix
    vector: Floats
    branches: sparse.csr_matrix
    siemens: Floats
    rise: Floats
    fed: Floats
    constraints: sparse.csc_matrix
    bounds: Floats
    diodes: Ints
    coordinate: Ints
    offset: Floats
    amplifiers: Amplifiers

    def reduce(self, voltages: Floats) -> Floats:
        """Return x of node voltages, from the first node of each group."""
        free = np.flatnonzero(self.coordinate >= 0)
        _, first = np.unique(self.coordinate[free], return_index=True)
        x: Floats = (voltages - self.offset)[free[first]]
        return x

    def residual(self, x: Floats, current: Floats) -> float:
        """Return the largest violation of the conditions of Karush, Kuhn and Tucker.

        Currents count relative to the largest sum of the absolute currents of resistors and
        sources at any node, voltages to the largest voltage: ``Kx - c + A'i = 0``,
        ``i >= 0``, ``Ax <= d`` and ``min(i, d - Ax) = 0`` of the relative values.

        Parameters
        ----------
        x : ndarray, shape (n,)
            V.
        current : ndarray, shape (m,)
            Of the diodes, A.
        """
        if not (np.isfinite(x).all() and np.isfinite(current).all()):
            return np.inf
        amperes = self.siemens * (self.branches @ x + self.rise)
        balance = self.branches.T @ amperes - self.fed + self.constraints.T @ current
        turnover = abs(self.branches).T @ np.abs(amperes) + np.abs(self.fed)
        balance[self.amplifiers.out] = 0.0  # what they deliver is what is missing there
        # 1e-300: where nothing flows nothing is relative
        amps = max(float(turnover.max()), 1e-300)
        volts = max(float(np.abs(x).max()), 1e-300)
        gap = (self.bounds - self.constraints @ x) / volts
        i = current / amps
        return max(
            float(np.abs(balance).max()) / amps,
            float(np.abs(self.amplifiers.error(x)).max(initial=0.0)) / volts,
            float((-gap).max(initial=0.0)),
            float((-i).max(initial=0.0)),
            float(np.minimum(i, gap).max(initial=0.0)),
        )


def quadratic_program(circuit: Circuit) -> QuadraticProgram:
    """Assemble the program of resistors, independent sources and ideal diodes.

    Raises
    ------
    ValueError
        If the circuit has other devices (but for crossbars, and VCVS from ground).
    """
    d = circuit.diodes
    ideal = (d.r_on == 0) & np.isinf(d.r_off) & np.isinf(d.v_reverse)
    others = (circuit.capacitors, circuit.inductors, circuit.switches)
    e = circuit.controlled_sources
    amplifiers = e.is_voltage.all() and not (e.q.any() or e.of_current.any() or e.constant.any())
    if not ideal.all() or not amplifiers or any(len(table) for table in others):
        raise ValueError("a benchmark circuit has resistors, sources and ideal diodes only")
    coordinate, offset = _eliminate(circuit)
    n = int(coordinate.max()) + 1
    r, x, s = circuit.resistors, circuit.crossbars, circuit.current_sources
    p, q = np.concatenate((r.p, x.p)), np.concatenate((r.q, x.q))
    of_resistor = np.divide(1.0, r.ohms, out=np.zeros(len(r)), where=r.ohms > 0)
    siemens = np.concatenate((of_resistor, x.siemens))
    incidence = _incidence(coordinate, n, p, q)
    weighted = incidence.T @ sparse.diags(siemens)
    rise = offset[p] - offset[q]
    fed = -(_incidence(coordinate, n, s.p, s.q).T @ s.amps)
    rows = np.flatnonzero(coordinate[d.p] != coordinate[d.q])
    p, q = d.p[rows], d.q[rows]
    return QuadraticProgram(
        _sorted(weighted @ incidence),
        fed - weighted @ rise,
        incidence,
        siemens,
        rise,
        fed,
        _sorted(_incidence(coordinate, n, p, q)),
        d.v_forward[rows] - offset[p] + offset[q],
        rows,
        coordinate,
        offset,
        _amplifiers(circuit, coordinate),
    )


def _amplifiers(circuit: Circuit, coordinate: Ints) -> Amplifiers:
    """Return the VCVS, which sense one node, or the difference of two."""
    e = circuit.controlled_sources
    first, last = e.ptr[:-1], e.ptr[1:] - 1
    minus = np.where(last > first, coordinate[e.index[last]], -1) if len(e) else first
    return Amplifiers(coordinate[e.p], coordinate[e.index[first]], minus, e.gain[first])


def _sorted(matrix: sparse.spmatrix) -> sparse.csc_matrix:
    """Return a matrix by columns with row numbers in order, which PIQP relies on."""
    result = sparse.csc_matrix(matrix)
    result.sort_indices()
    return result


def _incidence(coordinate: Ints, n: int, p: Ints, q: Ints) -> sparse.csr_matrix:
    """Return the matrix of ``x_p - x_q``, shape (branches, n); given voltages have no column."""
    row = np.tile(np.arange(len(p)), 2)
    column = np.concatenate((coordinate[p], coordinate[q]))
    sign = np.repeat((1.0, -1.0), len(p))
    kept = column >= 0
    return sparse.csr_matrix((sign[kept], (row[kept], column[kept])), shape=(len(p), n))


def _eliminate(circuit: Circuit) -> tuple[Ints, Floats]:
    """Return coordinate and offset of each node: sources and shorts tie nodes into groups."""
    nodes = len(circuit.nodes)
    v, r = circuit.voltage_sources, circuit.resistors
    short = r.ohms == 0
    p = np.concatenate((v.p, r.p[short]))
    q = np.concatenate((v.q, r.q[short]))
    volts = np.concatenate((v.volts, np.zeros(int(short.sum()))))
    ties = sparse.coo_matrix((np.ones(len(p)), (p, q)), shape=(nodes, nodes))
    count, group = csgraph.connected_components(ties, directed=False)
    # a further node, joined to the first of each group, makes one tree of all of them
    _, first = np.unique(group, return_index=True)
    top = np.full(count, nodes)
    joined = sparse.coo_matrix(
        (np.ones(len(p) + count), (np.append(p, first), np.append(q, top))),
        shape=(nodes + 1, nodes + 1),
    ).tocsr()
    _, parent = csgraph.breadth_first_order(joined, nodes, directed=False)
    parent[nodes] = nodes
    return group - 1, _offsets(parent, nodes, p, q, volts)


def _offsets(parent: Ints, nodes: int, p: Ints, q: Ints, volts: Floats) -> Floats:
    """Return the voltage of each node above the first of its group, by pointer doubling."""
    offset = np.zeros(nodes + 1)
    # the same pair tied twice has the same voltage, or no solution
    for child, other, rise in ((p, q, volts), (q, p, -volts)):
        below = parent[child] == other
        offset[child[below]] = rise[below]
    while (parent != nodes).any():
        offset = offset + offset[parent]
        parent = parent[parent]
    return offset[:nodes]
