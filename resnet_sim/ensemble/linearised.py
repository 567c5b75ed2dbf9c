"""The linear network that a state lives in, and its adjoint, for any circuit at all.

With its rectifiers and switches in the states of a solution a circuit is linear, and its
equations (KCL at the nodes; the laws of ties and conducting rectifiers) can be transposed,
one-way controlled sources included.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..cocontent import State
from ..elements import Floats, Ints
from ..errors import UsageError
from ..reduction import Reduction

#: Unknowns up to which the dense method is used.
LARGEST = 4000


def adjoint(state: State, slope: Floats) -> Floats:
    """Return the multipliers of KCL for slopes dC/dv of the nodes, shape (n_nodes,).

    Raises
    ------
    UsageError
        If C depends on voltages that nothing fixes.
    """
    matrix = _matrix(state)
    size = len(matrix)
    if size > LARGEST:
        raise UsageError(f"the adjoint of {size} equations; at most {LARGEST} can be solved")
    rhs = np.zeros(size)
    n = len(slope) - 1
    rhs[:n] = slope[1:]
    try:
        solution = np.linalg.solve(matrix.T, rhs)
        solved = _fits(matrix, solution, rhs)
    except np.linalg.LinAlgError:
        solved = False
    if not solved:
        # loops of ideal elements leave currents undefined; voltages do not depend on them
        solution = np.linalg.lstsq(matrix.T, rhs, rcond=None)[0]
        if not _fits(matrix, solution, rhs):
            raise UsageError("the outputs have no derivative: nothing fixes their voltages")
    return np.concatenate(([0.0], solution[:n]))


def _fits(matrix: Floats, solution: Any, rhs: Floats) -> bool:
    if not np.isfinite(solution).all():
        return False
    size = np.abs(matrix.T) @ np.abs(solution) + np.abs(rhs)
    return bool((np.abs(matrix.T @ solution - rhs) <= 1e-9 * size.max(initial=0.0)).all())


def _matrix(state: State) -> Floats:
    """Return the equations; unknowns are node voltages, tie and rectifier currents."""
    red = state.reduction
    on = np.flatnonzero(state.rectifier_current > 0)
    n, n_ties = len(red.coordinate), len(red.ties)
    matrix = np.zeros((n + n_ties + len(on),) * 2)
    branch = red.conductors
    for a, b in ((branch.p, branch.q), (branch.q, branch.p)):
        np.add.at(matrix, (a, a), branch.value)
        np.add.at(matrix, (a, b), -branch.value)
    rows = n + np.arange(n_ties)
    _tie(matrix, rows, red.ties.p, red.ties.q)
    rows = n + n_ties + np.arange(len(on))
    _tie(matrix, rows, red.rectifiers.p[on], red.rectifiers.q[on])
    matrix[rows, rows] -= red.rectifiers.resistance[on]
    for k in np.flatnonzero(red.ties.source >= 0):
        _control(red, matrix[n + k], int(red.ties.source[k]), -1.0)
    for k in np.flatnonzero(red.injections.source >= 0):
        for node, sign in ((red.injections.p[k], 1.0), (red.injections.q[k], -1.0)):
            _control(red, matrix[node], int(red.injections.source[k]), sign)
    return matrix[1:, 1:]


def _tie(matrix: Floats, rows: Ints, p: Ints, q: Ints) -> None:
    """Add branches whose currents are unknowns and whose voltages are given."""
    for node, sign in ((p, 1.0), (q, -1.0)):
        np.add.at(matrix, (node, rows), sign)
        np.add.at(matrix, (rows, node), sign)


def _control(red: Reduction, row: Floats, source: int, factor: float) -> None:
    """Add the controls of a source to an equation."""
    table = red.circuit.controlled_sources
    for term in range(table.ptr[source], table.ptr[source + 1]):
        index, gain = int(table.index[term]), float(table.gain[term])
        if table.of_current[term]:
            tie = int(np.flatnonzero(red.ties.element == index)[0])
            row[len(red.coordinate) + tie] += factor * gain
        else:
            row[index] += factor * gain
