"""Points as rows of arrays: from values to problems, from solutions to voltages and currents.

What `point.state.State` does for one point, or for many with an axis of points, of circuits
whose sources are independent: there all is linear in values that are known at the beginning.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..arrays import Bools, Floats, Ints, as_slice
from ..point.branches import Branches
from ..point.plan import Compiled, Plan
from .lane_data import Data

#: Kind of branches -> the numbers of their laws, shape (points, rows), or (1, rows) if all points
#: have the same.
Columns = Mapping[str, Floats]


def _parts(branches: Branches, rows: Ints) -> tuple[Any, ...]:
    """Return some branches as loops want them: which don't ask unsigned numbers for their sign."""
    ends = (index[rows].astype(np.uint64) for index in (branches.element, branches.p, branches.q))
    return *ends, branches.sign[rows].astype(float), rows.astype(np.uint64)


class Rows:
    """The structure that rows share."""

    def __init__(self, compiled: Compiled) -> None:
        self.compiled, self.reduction = compiled, compiled.reduction
        red = compiled.reduction
        self._coordinate = red.coordinate.astype(np.uint64)
        forest, ties = red.forest, red.ties
        edge, child, sign = forest.upward(ties.p)
        self._forest = (child, forest.parent[child], edge, sign, ties.element[edge])
        lifted = forest.parent >= 0
        fed = lifted[red.conductors.p] | lifted[red.conductors.q]
        self._fed: Bools = fed
        self._curve_ends = [
            (red.curves.p[plan.curves], red.curves.q[plan.curves]) for plan in compiled.plans
        ]
        plain, driven, rectifiers, curves, injections = (
            _parts(branches, rows)
            for branches, rows in (
                (red.conductors, np.flatnonzero(~fed)), (red.conductors, np.flatnonzero(fed)),
                *((kind, np.arange(len(kind)))
                  for kind in (red.rectifiers, red.curves, red.injections)),
            )
        )  # fmt: skip
        # what has currents of its own
        bent = tuple(np.concatenate(pair) for pair in zip(rectifiers, curves, strict=True))
        self._branches = plain, driven, bent, injections
        fixed = compiled.fixed_rectifiers
        self._fixed = fixed, np.ascontiguousarray(red.rectifiers.resistance[fixed])
        self._stages = [self._stage(plan) for plan in compiled.plans]

    @staticmethod
    def fit(compiled: Compiled) -> bool:
        """Tell whether all sources are independent, and no curve is between given potentials."""
        red, fixed = compiled.reduction, compiled.fixed_curves
        return not (len(red.controls) or len(fixed) or len(red.laws) or red.pairs)

    def _stage(self, plan: Plan) -> tuple[Any, ...]:
        red = self.reduction
        fed = np.flatnonzero(self._fed[plan.conductors])
        rows = plan.conductors[fed]
        return (
            (plan.injections, plan.feed_p, plan.feed_q),
            (_parts(red.conductors, rows), plan.edge_p[fed], plan.edge_q[fed]),
            _parts(red.rectifiers, plan.rectifiers),
        )

    def offsets(self, columns: Columns, count: int) -> Floats:
        """Return the voltages of the nodes where coordinates are zero, shape (points, n_nodes)."""
        from ._rows import impose

        offset = np.empty((count, len(self.reduction.coordinate)))
        impose(self._forest, columns["ties"], offset)
        return offset

    def data(self, number: int, columns: Columns, offset: Floats) -> Data:
        """Return the data of a stage."""
        from ._rows import state

        plan, count = self.compiled.plans[number], len(offset)
        load, drop = np.empty((count, plan.n - 1)), np.empty((count, len(plan.rectifiers)))
        siemens = columns["conductors"]
        state(
            offset, columns["injections"], siemens, columns["rectifiers"], *self._stages[number],
            load, drop,
        )  # fmt: skip
        siemens = np.ascontiguousarray(siemens[:, as_slice(plan.conductors)])
        return Data(siemens[0] if len(siemens) == 1 else siemens, load, drop)

    def emf(self, number: int, offset: Floats) -> Floats:
        """Return what is in series with the curves of a stage, V, shape (points, curves)."""
        p, q = self._curve_ends[number]
        return np.ascontiguousarray(offset[:, q] - offset[:, p])

    def results(
        self, columns: Columns, offset: Floats, x: Floats, current: Floats, v: Floats, i: Floats
    ) -> None:
        """Set voltages and currents, shapes (points, n_nodes) and (points, n_elements).

        At coordinates `x`, V, shape (points, coordinates), and currents of the rectifiers and
        then the curves, A.
        """
        from ._rows import amount

        red = self.reduction
        numbers = columns["conductors"], columns["injections"], columns["rectifiers"], current
        amount(
            x, offset, self._coordinate, numbers, self._branches, self._fixed, self._forest,
            np.empty(len(red.coordinate)), v, i,
        )  # fmt: skip
