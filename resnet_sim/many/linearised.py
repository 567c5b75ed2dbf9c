"""The linear network that a state lives in, and its adjoint, for any circuit at all.

With its rectifiers and switches in the states of a solution a circuit is linear, and its
equations (KCL at the nodes; the laws of ties and conducting rectifiers) can be transposed,
one-way controlled sources included.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from ..arrays import Floats, Ints
from ..compiled import policy
from ..errors import UsageError
from ..graph.forests import spanning_forest
from ..point.state import State
from .nodal import conductances, equations


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
    found, on = Transposed(state).multipliers(rhs), conducting(state)
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
    return total[flows]


def conducting(state: State) -> Ints:
    """Return the rectifiers that conduct."""
    return np.flatnonzero(state.rectifier_current > 0)


class Transposed:
    """The transposed equations of a state, factored once for all outputs.

    Unknowns are the voltages of all nodes, the currents of the ties and of the rectifiers
    that conduct; equations KCL at all nodes (zero for ground), the voltages of ties and
    rectifiers.
    """

    def __init__(self, state: State) -> None:
        self._matrix = _matrix(state)
        self._singular = singular(state)

    def multipliers(self, slope: Floats) -> Floats:
        """Return the multipliers of all equations for slopes dC/dz of their unknowns.

        Raises
        ------
        UsageError
            If C depends on what nothing fixes.
        """
        matrix, rhs = self._matrix, slope[1:]
        solution = None if self._singular else self._solved(rhs)
        if solution is None or not _fits(matrix, solution, rhs):
            size, most = len(rhs), policy.POLICY.adjoint
            if size > most:
                raise UsageError(
                    f"the adjoint of {size} equations that are singular; at most {most} can be "
                    "solved"
                )
            # what floats and loops of ideal elements leave unknowns undefined that need not matter
            whole = matrix if isinstance(matrix, np.ndarray) else matrix.toarray()
            solution = np.linalg.lstsq(whole.T, rhs, rcond=None)[0]
            if not _fits(matrix, solution, rhs):
                raise UsageError("the outputs have no derivative: nothing fixes them")
        return np.concatenate(([0.0], solution))

    def _solved(self, rhs: Floats) -> Floats | None:
        """Return the solution, None if there is none."""
        try:
            if isinstance(self._matrix, np.ndarray):
                return np.asarray(np.linalg.solve(self._matrix.T, rhs), dtype=float)
            return np.asarray(self._factor.solve(rhs))
        except (np.linalg.LinAlgError, RuntimeError):  # singular
            return None

    @cached_property
    def _factor(self) -> Any:
        from scipy.sparse.linalg import splu

        return splu(self._matrix.T.tocsc())


def tangents(state: State) -> tuple[Ints, Ints, Floats]:
    """Return pairs of rows of the laws: the first's current by the second's voltage, S."""
    laws = state.reduction.laws
    v = state.node_voltages()
    return *laws.pattern, laws.evaluate(v[laws.p] - v[laws.q])[1]


def singular(state: State) -> bool:
    """Tell whether a part floats or ideal elements form a loop."""
    red = state.reduction
    on = conducting(state)
    hard = on[red.rectifiers.resistance[on] == 0]
    p = np.concatenate((red.ties.p, red.rectifiers.p[hard]))
    q = np.concatenate((red.ties.q, red.rectifiers.q[hard]))
    loops = not spanning_forest(len(red.coordinate), p, q).in_tree.all()
    return loops or bool(state.piece.any())


def _fits(matrix: Any, solution: Floats, rhs: Floats) -> bool:
    if not np.isfinite(solution).all():
        return False
    size = abs(matrix.T) @ np.abs(solution) + np.abs(rhs)
    return bool((np.abs(matrix.T @ solution - rhs) <= 1e-9 * size.max(initial=0.0)).all())


def _matrix(state: State) -> Any:
    """Return the equations, those of many unknowns sparse.

    Unknowns are node voltages, tie and rectifier currents.
    """
    red, on = state.reduction, conducting(state)
    curves, laws, rectifiers, (row, column, slope) = (
        red.curves, red.laws, red.rectifiers, tangents(state)
    )  # fmt: skip
    bent = conductances(curves.p, curves.q, state.curve_slope)
    for node, sign in ((laws.p, 1.0), (laws.q, -1.0)):
        bent.append((node[row], laws.p[column], sign * slope))
        bent.append((node[row], laws.q[column], -sign * slope))
    e, size = equations(red, bent), len(red.coordinate) + len(red.ties)
    rows = size + np.arange(len(on))
    e.add_ties(rows, rectifiers.p[on], rectifiers.q[on])
    e.add(rows, rows, -rectifiers.resistance[on])
    return e.matrix(size + len(on))[1:, 1:]
