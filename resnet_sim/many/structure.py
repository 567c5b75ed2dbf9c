"""The structure that all samples and all conductances share.

In coordinates x (see `reduction`) a reciprocal circuit is the convex problem

    minimise 1/2 x'K x - c'x + sum F(x_p - x_q - e)  (curves)
    subject to   x_p - x_q - r i <= d,  i >= 0  (rectifiers),

where K depends on the conductances, c on conductances and inputs, and d and e on inputs.  All
are linear in the inputs; the maps are kept here, sparse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..arrays import Floats, Ints, as_slice
from ..compiled import policy
from ..curves import Points
from ..graph.curve_rows import NO_CURVES, CurveRows
from ..graph.topology import MOST_AMPS
from ..model.circuit import Circuit
from ..model.display import few
from ..point.amplifiers import scale_pairs
from ..point.infeasible import names_of
from ..point.plan import Compiled, Plan
from ..point.reduction import Reduction, reduce
from ..point.sources import Sources
from ..point.state import State
from .affine_inputs import imposed
from .readings import Readings, readings


class Unsupported(Exception):
    """The circuit is not one convex problem whose data are affine in the inputs.

    `one_way` names controlled sources and transistors, which have no co-content.
    """

    def __init__(self, reason: str, one_way: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.one_way = tuple(one_way)


@dataclass(frozen=True)
class Structure:
    """Maps from inputs u (the inputs, then 1) and conductances g to the problem's data.

    Matrices are sparse where that is worth it.

    Attributes
    ----------
    reduction : Reduction
    n : int
        Coordinates, without the reference.
    edge_p, edge_q : ndarray of int, shape (e,)
        Ends of the conductors that count, from 1; 0 is the reference.
    edge : ndarray of int, shape (e,)
        Their rows among the reduction's conductors.
    emf : array or sparse array, shape (e, columns)
    injection : array or sparse array, shape (n + 1, columns)
    diode_p, diode_q, resistance : ndarray, shape (m,)
    rectifier : ndarray of int, shape (m,)
        Rows among the reduction's rectifiers.
    drop : array or sparse array, shape (m, columns)
    curves : CurveRows
        With no sources in series.
    curve : ndarray of int, shape (c,)
        Their rows among the reduction's curves.
    curve_emf : array or sparse array, shape (c, columns)
    offset : array or sparse array, shape (n_nodes, columns)
        V.
    loops : array or sparse array, shape (loops, columns)
        What redundant ties contradict, V: must be zero.
    above : array or sparse array, shape (fixed, columns)
        What ideal rectifiers between given potentials exceed their drop by, and curves there the
        voltages up to which currents are in reason, either way: must not be positive.
    readings : Readings, optional
        Sources that copy currents and drive nothing.
    """

    reduction: Reduction
    columns: int
    n: int
    edge: Ints
    edge_p: Ints
    edge_q: Ints
    emf: Any
    injection: Any
    rectifier: Ints
    diode_p: Ints
    diode_q: Ints
    resistance: Floats
    drop: Any
    curves: CurveRows
    curve: Ints
    curve_emf: Any
    offset: Any
    loops: Any
    above: Any
    readings: Readings | None = None

    @property
    def scale(self) -> Floats:
        """Voltage of a node per unit of its coordinate, shape (n_nodes,)."""
        return self.reduction.scale

    @property
    def coordinate(self) -> Ints:
        """Coordinate of each node, shape (n_nodes,), 0 for none."""
        return self.reduction.coordinate

    def voltages(self, x: Floats, u: Floats) -> Floats:
        """Return node voltages (V), shape (B, n_nodes), of coordinates, shape (B, n)."""
        _, held, offset = self._given
        result = self._at_nodes(x, self.scale)
        if len(held):
            result[:, held] += (offset @ u.T).T
        return result

    def _at_nodes(self, x: Floats, scale: Floats) -> Floats:
        """Return what nodes have of their coordinates, shapes (B, n_nodes) and (B, n)."""
        if not self.n:
            return np.zeros((len(x), len(scale)))
        own, place = self._moving
        if isinstance(own, slice) and isinstance(place, slice):
            result: Floats = np.zeros((len(x), len(scale)))
            result[:, own] = x[:, place]
        else:
            # those without a coordinate take any: that is overwritten
            result = np.take(x, self.coordinate - 1, axis=1, mode="wrap")
            result[:, self._given[0]] = 0.0
        if (scale != 1.0).any():
            result *= scale
        return result

    def imposed(self, u: Floats) -> Floats:
        """Return what inputs add to the nodes that have an offset, shape (held, B), V."""
        return np.asarray(self._given[2] @ np.ascontiguousarray(u.T))

    def by_node(self, x: Floats, imposed: Floats) -> Floats:
        """Return node voltages, shape (n_nodes, B), V, of coordinates, shape (n, B)."""
        fixed, held, _ = self._given
        # as in `voltages`, with samples in a row
        result: Floats = np.take(x, self.coordinate - 1, axis=0, mode="wrap")
        result[fixed] = 0.0
        if (self.scale != 1.0).any():
            result *= self.scale[:, None]
        result[held] += imposed
        return result

    @cached_property
    def _moving(self) -> tuple[slice | Ints, slice | Ints]:
        """Nodes with a coordinate, and these; most circuits number both alike."""
        own = np.flatnonzero(self.coordinate)
        return as_slice(own), as_slice(self.coordinate[own] - 1)

    @cached_property
    def _given(self) -> tuple[Ints, Ints, Any]:
        """Nodes without a coordinate, and those with an offset; the rows of these."""
        offset = self.offset
        held = np.flatnonzero(abs(offset).sum(axis=1))
        return np.flatnonzero(self.coordinate == 0), held, offset[held]

    def coordinates(self, voltages: Floats, u: Floats) -> Floats:
        """Return coordinates, shape (B, n), of node voltages, shape (B, n_nodes)."""
        node = np.zeros(self.n + 1, dtype=np.int64)
        node[self.coordinate] = np.arange(len(self.coordinate))
        node = node[1:]
        offset = (self.offset @ u.T).T
        return (voltages[:, node] - offset[:, node]) / self.scale[node]

    def points(self, state: State) -> Points:
        """Return where the curves are in a state that was found by itself."""
        branch, rows, v = state.reduction.curves, self.curve, state.node_voltages()
        rise, scale = v[branch.p[rows]] - v[branch.q[rows]], self.curves.scale
        return Points(rise / scale, state.curve_current[rows] / scale, state.curve_slope[rows])

    def node_adjoint(self, multiplier: Floats) -> Floats:
        """Return the adjoint of nodes, shape (B, n_nodes), of coordinates', shape (B, n)."""
        return self._at_nodes(multiplier, 1.0 / self.scale)


def analyse(circuit: Circuit, inputs: Sequence[str]) -> Structure:
    """Return the structure of a circuit with given inputs.

    Raises
    ------
    Unsupported
        With the reason: what cannot be written as one convex problem.
    """
    compiled = Compiled(circuit, circuit.switches.closed)
    if circuit.smooth:
        shown = names_of(circuit, map(circuit.element, circuit.smooth))
        raise Unsupported(f"{shown}: smooth laws are solved one by one", circuit.smooth)
    sources, one_way = imposed(compiled, inputs)
    read, one_way = readings(compiled, sources, one_way, inputs)
    if len(one_way):
        elements = dict.fromkeys(compiled.reduction.controls.element[one_way].tolist())
        names = [circuit.element_names[k] for k in elements]
        raise Unsupported(f"{few(names)}: a source controlled one way has no co-content", names)
    if not circuit.switches.fixed.all():
        first = circuit.first["switches"]
        rows = (first + np.flatnonzero(~circuit.switches.fixed)).tolist()
        raise Unsupported(f"the state of {names_of(circuit, rows)} depends on the solution")
    red, plan, offset = compiled.reduction, compiled.whole, sources.offset
    resistance = red.rectifiers.resistance
    fixed = compiled.fixed_rectifiers[resistance[compiled.fixed_rectifiers] == 0]
    loose = np.flatnonzero(~red.forest.in_tree)
    loops = offset[red.ties.p[loose]] - offset[red.ties.q[loose]] - sources.tie_value[loose]
    return Structure(
        red, len(inputs) + 1, plan.n - 1,
        plan.conductors, plan.edge_p, plan.edge_q,
        sources.emf(plan).tocsr(), compact(sources.injection(plan, sources.feeds(plan))),
        plan.rectifiers, plan.diode_p, plan.diode_q, resistance[plan.rectifiers],
        compact(sources.drop(plan)),
        _curves(red, plan), plan.curves, compact(sources.curve_emf(plan)),
        compact(offset), compact(loops),
        compact(_above(compiled, sources, fixed)), read,
    )  # fmt: skip


def _above(compiled: Compiled, sources: Sources, fixed: Ints) -> Any:
    """Return what stands across rectifiers, and across curves, between given potentials.

    As in `Structure.above`; who solves single points has the last word on currents.
    """
    branch, rows = compiled.reduction.curves, compiled.fixed_curves
    above = sources.above(fixed)
    if branch.law is None or not len(rows):
        return above
    from scipy.sparse import csr_array, vstack

    law, rise = branch.law.take(rows), branch.rise(sources.offset, rows)
    parts = [above]
    for sign in (1.0, -1.0):
        most = law.at_current(np.full(len(rows), sign * 0.5 * MOST_AMPS)).v
        last = np.full(len(rows), rise.shape[1] - 1)
        parts.append(sign * (rise - csr_array((most, (np.arange(len(rows)), last)), rise.shape)))
    return vstack(parts)


def _curves(red: Reduction, plan: Plan) -> CurveRows:
    """Return the curves without the sources in series with them."""
    law = red.curves.law
    if law is None or not len(plan.curves):
        return NO_CURVES
    none = np.zeros(len(plan.curves))
    return CurveRows(plan.curve_p, plan.curve_q, none, plan.curve_scale, law.take(plan.curves))


def reduced(circuit: Circuit) -> Reduction:
    """Return the coordinates of a circuit with its switches as they stand."""
    return scale_pairs(reduce(circuit, circuit.switches.closed))


def applied(matrix: Any, u: Floats) -> Floats:
    """Return what a map makes of inputs u, shape (B, rows); most maps of most circuits are zero."""
    if not isinstance(matrix, np.ndarray) and not matrix.nnz:
        return np.zeros((len(u), matrix.shape[0]))
    return np.ascontiguousarray((matrix @ u.T).T)


def compact(matrix: Any) -> Any:
    """Return a matrix as whatever multiplies faster: sparse, or dense if small or full."""
    size = matrix.shape[0] * matrix.shape[1]
    is_dense = size <= policy.POLICY.dense_entries or matrix.nnz > 0.05 * size
    return matrix.toarray() if is_dense else matrix.tocsr()


def dense(matrix: Any) -> Floats:
    """Return a matrix as a plain array."""
    return np.asarray(matrix if isinstance(matrix, np.ndarray) else matrix.toarray())
