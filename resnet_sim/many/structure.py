"""The structure that all samples and all conductances share.

In coordinates x (see `reduction`) a reciprocal circuit is the convex problem

    minimise 1/2 x'K x - c'x   subject to   x_p - x_q - r i <= d,  i >= 0  (rectifiers),

where K depends on the conductances, c on conductances and inputs, and d on inputs.  All
are linear in the inputs; the maps are kept here, sparse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..model.circuit import Circuit
from ..point.amplifiers import scale_pairs
from ..point.branches import Branches
from ..point.infeasible import names_of
from ..point.reduction import Reduction, reduce
from .affine_inputs import Forms, as_matrix, one_way_sources

#: Entries up to which a matrix is held dense.
SMALL = 20_000


class Unsupported(Exception):
    """The circuit is not one convex problem whose data are affine in the inputs.

    `one_way` names controlled sources that have no co-content.
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
    offset : array or sparse array, shape (n_nodes, columns)
        V.
    loops : array or sparse array, shape (loops, columns)
        What redundant ties contradict, V: must be zero.
    above : array or sparse array, shape (fixed, columns)
        What ideal rectifiers between given potentials exceed their drop by: must not be positive.
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
    offset: Any
    loops: Any
    above: Any

    @cached_property
    def ends(self) -> Any:
        """Sparse (m, n): +1 at the anode of each rectifier, -1 at its cathode."""
        from scipy.sparse import csr_array

        k = np.arange(len(self.diode_p))
        value = np.concatenate((np.ones(len(k)), -np.ones(len(k))))
        where = (np.concatenate((k, k)), np.concatenate((self.diode_p, self.diode_q)))
        return compact(csr_array((value, where), shape=(len(k), self.n + 1))[:, 1:])

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
        result: Floats = np.take(_with_reference(x), self.coordinate, axis=1)
        result *= self.scale
        result += (self.offset @ u.T).T
        return result

    def coordinates(self, voltages: Floats, u: Floats) -> Floats:
        """Return coordinates, shape (B, n), of node voltages, shape (B, n_nodes)."""
        node = np.zeros(self.n + 1, dtype=np.int64)
        node[self.coordinate] = np.arange(len(self.coordinate))
        node = node[1:]
        offset = (self.offset @ u.T).T
        x: Floats = (voltages[:, node] - offset[:, node]) / self.scale[node]
        return x

    def node_adjoint(self, multiplier: Floats) -> Floats:
        """Return the adjoint of nodes, shape (B, n_nodes), of coordinates', shape (B, n)."""
        result: Floats = _with_reference(multiplier)[:, self.coordinate] / self.scale
        return result


def _with_reference(x: Floats) -> Floats:
    """Return rows of coordinates with that of the reference, 0, before them."""
    return np.concatenate((np.zeros((len(x), 1)), x), axis=1)


def analyse(circuit: Circuit, inputs: Sequence[str]) -> Structure:
    """Return the structure of a circuit with given inputs.

    Raises
    ------
    Unsupported
        With the reason: what cannot be written as one convex problem.
    """
    red = reduced(circuit)
    forms = Forms(red, inputs)
    if forms.one_way:
        names = one_way_sources(circuit, forms.one_way)
        shown = ", ".join(names[:8])
        raise Unsupported(f"{shown}: a source controlled one way has no co-content", names)
    if not circuit.switches.fixed.all():
        first = circuit.first["switches"]
        rows = (first + np.flatnonzero(~circuit.switches.fixed)).tolist()
        raise Unsupported(f"the state of {names_of(circuit, rows)} depends on the solution")
    columns = forms.columns
    offset = as_matrix(forms.offsets, columns)
    wanted = as_matrix(forms.ties, columns)
    edge = np.flatnonzero(red.branch_parts(red.conductors) >= 0)
    rise, edge_scale = _rise(red, red.conductors, edge, offset)
    rectifier = np.flatnonzero(red.branch_parts(red.rectifiers) >= 0)
    fixed = np.flatnonzero(red.branch_parts(red.rectifiers) < 0)
    fixed = fixed[red.rectifiers.resistance[fixed] == 0]
    p, q, drop = _rectifiers(red, rectifier, offset)
    loose = np.flatnonzero(~red.forest.in_tree)
    loops = offset[red.ties.p[loose]] - offset[red.ties.q[loose]] - wanted[loose]
    above = offset[red.rectifiers.p[fixed]] - offset[red.rectifiers.q[fixed]]
    above = above - _constant(red.rectifiers.value[fixed], columns)
    return Structure(
        red, columns, len(red.part) - 1,
        edge, red.coordinate[red.conductors.p[edge]], red.coordinate[red.conductors.q[edge]],
        _scaled(-rise, 1.0 / edge_scale), compact(_injections(red, forms, columns)),
        rectifier, p, q, red.rectifiers.resistance[rectifier], compact(drop),
        compact(offset), compact(loops), compact(above),
    )  # fmt: skip


def reduced(circuit: Circuit) -> Reduction:
    """Return the coordinates of a circuit with its switches as they stand."""
    return scale_pairs(reduce(circuit, circuit.switches.closed))


def _rise(red: Reduction, branches: Branches, rows: Ints, offset: Any) -> tuple[Any, Floats]:
    rise = offset[branches.p[rows]] - offset[branches.q[rows]]
    return rise, red.branch_scale(branches, rows)


def _rectifiers(red: Reduction, rows: Ints, offset: Any) -> tuple[Ints, Ints, Any]:
    """Return the ends and drops of rectifiers; a negative scale turns them round."""
    rise, scale = _rise(red, red.rectifiers, rows, offset)
    p, q = red.coordinate[red.rectifiers.p[rows]], red.coordinate[red.rectifiers.q[rows]]
    turned: Bools = scale < 0
    drop = _constant(red.rectifiers.value[rows], offset.shape[1]) - rise
    p, q = np.where(turned, q, p), np.where(turned, p, q)
    return p, q, _scaled(drop, 1.0 / np.abs(scale))


def _injections(red: Reduction, forms: Forms, columns: int) -> Any:
    """Return what the sources feed into each coordinate, reference included."""
    from scipy.sparse import csr_array

    amps = as_matrix(forms.injections, columns)
    k = np.arange(len(red.injections))
    rows = np.concatenate((red.coordinate[red.injections.q], red.coordinate[red.injections.p]))
    weight = np.concatenate((1.0 / red.scale[red.injections.q], -1.0 / red.scale[red.injections.p]))
    gather = csr_array((weight, (rows, np.concatenate((k, k)))), shape=(len(red.part), len(k)))
    return (gather @ amps).tocsr()


def compact(matrix: Any) -> Any:
    """Return a matrix as whatever multiplies faster: sparse, or dense if small or full."""
    size = matrix.shape[0] * matrix.shape[1]
    return matrix.toarray() if size <= SMALL or matrix.nnz > 0.05 * size else matrix.tocsr()


def dense(matrix: Any) -> Floats:
    """Return a matrix as a plain array."""
    return np.asarray(matrix if isinstance(matrix, np.ndarray) else matrix.toarray())


def _constant(values: Floats, columns: int) -> Any:
    from scipy.sparse import csr_array

    rows = np.flatnonzero(values)
    where = (rows, np.full(len(rows), columns - 1))
    return csr_array((values[rows], where), shape=(len(values), columns))


def _scaled(matrix: Any, factor: Floats) -> Any:
    from scipy.sparse import dia_array

    n = len(factor)
    return (dia_array((factor[None, :], 0), shape=(n, n)) @ matrix).tocsr()
