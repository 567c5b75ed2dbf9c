"""Value variants of one circuit, many at once.

Variants share nodes, elements and what is connected to what.  Where the circuit is one convex
problem its structure is analysed once and `solvers.many` solves the variants side by side;
the certificate judges each.  A variant that does not settle or does not pass, and any variant
of any other circuit, is solved by `operating_point.PointSolver`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ..arrays import Floats, Ints
from ..diagnostics import Diagnostic
from ..errors import ConvergenceError, TopologyError, UsageError
from ..model.circuit import TABLES, Circuit
from ..point.certified import join, stack
from ..point.engine import Point, PointSolver
from ..results.operating_point import OperatingPoint
from ..solvers import prepare
from .side_by_side import Together

__all__ = ["Batch"]

#: Variants times size of the problem (plus what any takes) from which it pays to import numba.
WORTH, ANY = 30_000, 50
#: Variants solved side by side: more would not stay in the cache.
BLOCK = 64


class Batch:
    """Solves variants of a circuit in which the values of some elements differ.

    Parameters
    ----------
    circuit : Circuit
    names : sequence of str
        The elements.
    method, tolerance
        See `analysis.solve`; only ``"auto"`` solves variants together.
    start : ndarray of float, shape (n_nodes,), optional
        V; only used for variants that are solved one by one.
    expected : int
        How many variants there will be in all.

    Raises
    ------
    UsageError
        If a name is unknown or has no value.
    """

    def __init__(
        self,
        circuit: Circuit,
        names: Sequence[str],
        method: str = "auto",
        tolerance: float = 1e-9,
        start: Floats | None = None,
        expected: int = 1,
    ) -> None:
        self.circuit, self.names, self.tolerance = circuit, tuple(names), tolerance
        self.method, self.start, self.expected = method, start, expected
        places = [circuit.locate(circuit.element(name)) for name in names]
        for name, (table, _) in zip(names, places, strict=True):
            if TABLES[table] is None:
                raise UsageError(
                    f"{name} is a {getattr(circuit, table).kind}: it has no value to set"
                )
        self.tables = np.array([table for table, _ in places], dtype=np.str_)
        self.rows = np.array([row for _, row in places], dtype=np.int64)

    @cached_property
    def together(self) -> Together | None:
        """What solves variants side by side, None if the circuit is not one convex problem."""
        if self.method != "auto" or len(self.circuit.controlled_sources):
            return None
        if not self.circuit.switches.fixed.all() or not len(self.names):
            return None
        if self.expected * (len(self.circuit.nodes) + ANY) < WORTH:
            return None
        together = Together(self)
        return together if together.possible else None

    def solve(self, values: Floats) -> OperatingPoint:
        """Solve variants.

        Parameters
        ----------
        values : ndarray of float, shape (points, names)
            Ohms, volts, amps: what `Circuit.with_values` takes.

        Returns
        -------
        OperatingPoint
            With a leading axis of points.  Points without a solution are in ``unsolved``.
        """
        blocks = [self._block(values[k : k + BLOCK]) for k in range(0, len(values), BLOCK)]
        return join(self.circuit, blocks, {}, 0.0)

    def _block(self, values: Floats) -> OperatingPoint:
        if self.together is None:
            return self._one_by_one(values)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            result, good = self.together.solve(values)
        rest = np.flatnonzero(~good)
        if not len(rest):
            return result
        return _merge(result, np.flatnonzero(good), self._one_by_one(values[rest]), rest)

    def engine(self) -> PointSolver:
        """Return an engine that knows nothing of other points: results don't depend on them."""
        prepare(len(self.circuit.nodes) + 2 * self.circuit.n_elements)
        return PointSolver(self.circuit, self.method, self.tolerance, self.start)

    def _one_by_one(self, values: Floats) -> OperatingPoint:
        points: list[Point | None] = []
        unsolved: dict[int, str] = {}
        notices: dict[str, Diagnostic] = {}
        engine = self.engine()
        for number, row in enumerate(values.tolist()):
            variant = self.circuit.with_values(dict(zip(self.names, row, strict=True)))
            try:
                points.append(engine.solve(variant))
            except (TopologyError, ConvergenceError) as error:
                points.append(None)
                unsolved[number] = str(error)
                for diagnostic in getattr(error, "diagnostics", ()):
                    notices.setdefault(diagnostic.code, diagnostic)
        return stack(
            self.circuit, points, {}, unsolved, 0.0, self.tolerance, tuple(notices.values())
        )

    def variants(self, values: Floats) -> Circuit:
        """Return the circuit with columns of values of shape (points, rows)."""
        columns: dict[str, dict[str, Any]] = {}
        for table in np.unique(self.tables).tolist():
            mine = self.tables == table
            name = str(TABLES[table])
            column = getattr(getattr(self.circuit, table), name)
            many = np.repeat(column[None, :], len(values), axis=0)
            many[:, self.rows[mine]] = values[:, mine]
            columns[table] = {name: many}
        return self.circuit._with_columns(columns)


def _merge(one: OperatingPoint, rows: Ints, other: OperatingPoint, others: Ints) -> OperatingPoint:
    """Put chosen points of one result and all points of another at their places."""
    order = np.argsort(np.concatenate((rows, others)))
    return join(one.circuit, (one.pick(rows), other), {}, 0.0).pick(order)
