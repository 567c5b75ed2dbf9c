"""The linear network that a state lives in, and its adjoint, for any circuit at all.

With its rectifiers and switches in the states of a solution a circuit is linear, and its
equations (KCL at the nodes; the laws of ties and conducting rectifiers) can be transposed,
one-way controlled sources included.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Floats, Ints
from ..compiled import policy
from ..errors import UsageError
from ..graph.graphs import spanning_forest
from ..point.reduction import Reduction
from ..point.state import State


def adjoint(state: State, slope: Floats, flows: Ints) -> Floats:
    """Return the multipliers of KCL for slopes dC/dv of the nodes, shape (n_nodes + flows,).

    After them come those of the voltages of elements with given numbers, `flows`.

    Raises
    ------
    UsageError
        If C depends on voltages that nothing fixes.
    """
    red = state.reduction
    n = len(slope)
    rhs = np.zeros(len(red.coordinate) + len(red.ties) + len(conducting(state)))
    rhs[:n] = slope
    found, on = multipliers(state, rhs), conducting(state)
    ties, rectifiers = np.split(found[len(red.coordinate) :], [len(red.ties)])
    return np.concatenate((found[:n], _by_element(state, flows, ties, on, rectifiers)))


def flowing(state: State, flows: Ints) -> Floats:
    """Return the currents of the ties and rectifiers of elements with given numbers, A."""
    on = np.arange(len(state.rectifier_current))
    return _by_element(state, flows, state.tie_currents(), on, state.rectifier_current)


def _by_element(state: State, flows: Ints, ties: Floats, rows: Ints, rectifiers: Floats) -> Floats:
    """Return sums over the ties and over some rows of the rectifiers of elements."""
    red, total = state.reduction, np.zeros(state.reduction.circuit.n_elements)
    np.add.at(total, red.ties.element, ties)
    if len(rows):
        own = red.rectifiers
        np.add.at(total, own.element[rows], own.sign[rows] * rectifiers)
    found: Floats = total[flows]
    return found


def conducting(state: State) -> Ints:
    """Return the rectifiers that conduct."""
    return np.flatnonzero(state.rectifier_current > 0)


def multipliers(state: State, slope: Floats) -> Floats:
    """Return the multipliers of all equations for slopes dC/dz of their unknowns.

    Unknowns are the voltages of all nodes, the currents of the ties and of the rectifiers
    that conduct; equations KCL at all nodes (zero for ground), the voltages of ties and
    rectifiers.

    Raises
    ------
    UsageError
        If C depends on what nothing fixes.
    """
    size = len(slope) - 1
    most = policy.POLICY.adjoint
    if size > most:
        raise UsageError(f"the adjoint of {size} equations; at most {most} can be solved")
    matrix, rhs = _matrix(state), slope[1:]
    solved = False
    if not _singular(state):
        try:
            solution = np.linalg.solve(matrix.T, rhs)
            solved = _fits(matrix, solution, rhs)
        except np.linalg.LinAlgError:
            pass
    if not solved:
        # what floats and loops of ideal elements leave unknowns undefined that need not matter
        solution = np.linalg.lstsq(matrix.T, rhs, rcond=None)[0]
        if not _fits(matrix, solution, rhs):
            raise UsageError("the outputs have no derivative: nothing fixes them")
    return np.concatenate(([0.0], solution))


def tangents(state: State) -> tuple[Ints, Ints, Floats]:
    """Return pairs of rows of the laws: the first's current by the second's voltage, S."""
    laws = state.reduction.laws
    v = state.node_voltages()
    return *laws.pattern, laws.evaluate(v[laws.p] - v[laws.q])[1]


def _singular(state: State) -> bool:
    """Tell whether a part floats or ideal elements form a loop."""
    red = state.reduction
    on = conducting(state)
    hard = on[red.rectifiers.resistance[on] == 0]
    p = np.concatenate((red.ties.p, red.rectifiers.p[hard]))
    q = np.concatenate((red.ties.q, red.rectifiers.q[hard]))
    loops = not spanning_forest(len(red.coordinate), p, q).in_tree.all()
    return loops or bool(state.piece.any())


def _fits(matrix: Floats, solution: Any, rhs: Floats) -> bool:
    if not np.isfinite(solution).all():
        return False
    size = np.abs(matrix.T) @ np.abs(solution) + np.abs(rhs)
    return bool((np.abs(matrix.T @ solution - rhs) <= 1e-9 * size.max(initial=0.0)).all())


def _matrix(state: State) -> Floats:
    """Return the equations; unknowns are node voltages, tie and rectifier currents."""
    red = state.reduction
    on = conducting(state)
    n, n_ties = len(red.coordinate), len(red.ties)
    matrix = np.zeros((n + n_ties + len(on),) * 2)
    for branch, siemens in (
        (red.conductors, red.conductors.siemens), (red.curves, state.curve_slope),
    ):  # fmt: skip
        for a, b in ((branch.p, branch.q), (branch.q, branch.p)):
            np.add.at(matrix, (a, a), siemens)
            np.add.at(matrix, (a, b), -siemens)
    laws, (row, column, slope) = red.laws, tangents(state)
    for node, sign in ((laws.p, 1.0), (laws.q, -1.0)):
        np.add.at(matrix, (node[row], laws.p[column]), sign * slope)
        np.add.at(matrix, (node[row], laws.q[column]), -sign * slope)
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
    table = red.controls
    for term in range(table.ptr[source], table.ptr[source + 1]):
        index, gain = int(table.index[term]), float(table.gain[term])
        if table.of_current[term]:
            tie = int(np.flatnonzero(red.ties.element == index)[0])
            row[len(red.coordinate) + tie] += factor * gain
        else:
            row[index] += factor * gain
