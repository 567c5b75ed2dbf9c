"""What sources impose on a circuit: offsets of nodes, and with them the data of each stage.

All of it is linear in the values of ties, injections and drops, and written once for

- one point: values have shape (rows,);
- many points: shape (rows, points);
- coefficients: sparse arrays of shape (rows, columns), a column for each input.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Floats, Ints
from ..graph.curve_rows import NO_CURVES, CurveRows
from ..graph.graphs import bincount
from .branches import Branches
from .plan import Compiled, Plan


class Sources:
    """Values of the sources.

    Attributes
    ----------
    tie_value, injection_value : array, shape (rows,) or (rows, points)
        Volts of the ties, amps of the injections; of controlled ones as far as known.
    offset : array, shape (n_nodes,) or (n_nodes, points)
        Voltages of the nodes where their coordinate is zero, V.
    """

    def __init__(self, compiled: Compiled) -> None:
        red = compiled.reduction
        self.compiled, self.reduction = compiled, red
        self.tie_value: Any = red.ties.volts.copy()
        self.injection_value: Any = red.injections.amps.copy()
        self.refresh()

    def refresh(self) -> None:
        """Recompute what follows from the ties."""
        red = self.reduction
        self.offset = red.forest.offsets(red.ties.p, self.tie_value)
        if red.pairs:
            # the output of each scaled amplifier carries the constant part of its input
            tie = self.compiled.tie_of_source[[pair.forward for pair in red.pairs]]
            gain = column(np.array([pair.gain for pair in red.pairs]), self.offset)
            above = gain * self.offset[[pair.control for pair in red.pairs]]
            carried = _added(self.tie_value.copy(), tie, above)
            self.offset = red.forest.offsets(red.ties.p, carried)

    def control(self, owner: Ints, contribution: Any) -> None:
        """Add what controls them to the values of controlled sources, some rows of which.

        A source may have several contributions.
        """
        tie, feed = self.compiled.tie_of_source[owner], self.compiled.injection_of_source[owner]
        volts, amps = (tie >= 0).nonzero()[0], (feed >= 0).nonzero()[0]
        self.tie_value = _added(self.tie_value, tie[volts], contribution[volts])
        self.injection_value = _added(self.injection_value, feed[amps], contribution[amps])
        self.refresh()

    # ---- the data of a stage, in scaled coordinates ----

    def emf(self, plan: Plan) -> Any:
        """Return the sources in series with the conductors."""
        return self._in_series(self.reduction.conductors, plan.conductors, plan.edge_scale)

    def curve_emf(self, plan: Plan) -> Any:
        """Return the sources in series with the curves."""
        return self._in_series(self.reduction.curves, plan.curves, plan.curve_scale)

    def _in_series(self, branch: Branches, rows: Ints, scale: Floats) -> Any:
        fall = self.offset[branch.q[rows]] - self.offset[branch.p[rows]]
        return fall / column(scale, fall)

    def curves(self, plan: Plan) -> CurveRows:
        """Return the curves of one point, with the sources in series with them."""
        law, rows = self.reduction.curves.law, plan.curves
        if law is None or not len(rows):
            return NO_CURVES
        emf = self.curve_emf(plan)
        return CurveRows(plan.curve_p, plan.curve_q, emf, plan.curve_scale, law.take(rows))

    def drop(self, plan: Plan) -> Any:
        """Return the drops of the rectifiers."""
        branch, rows = self.reduction.rectifiers, plan.rectifiers
        left = branch.drop[rows] - branch.rise(self.offset, rows)
        return left / column(plan.diode_scale, left)

    def above(self, rectifiers: Ints) -> Any:
        """Return what offsets alone put across rectifiers, above their drops, V."""
        branch = self.reduction.rectifiers
        rise = branch.rise(self.offset, rectifiers)
        return rise - column(branch.drop[rectifiers], rise)

    def feeds(self, plan: Plan) -> tuple[Any, Any]:
        """Return the currents that injections take out of a stage's coordinates, and feed in."""
        feeds, rows, scale = self.reduction.injections, plan.injections, self.reduction.scale
        amps = self.injection_value[rows]
        return (
            amps / column(scale[feeds.p[rows]], amps),
            amps / column(scale[feeds.q[rows]], amps),
        )

    def injection(self, plan: Plan, feeds: tuple[Any, Any]) -> Any:
        """Return the current that `feeds` bring into each coordinate, the reference first."""
        out, into = feeds
        return bincount(plan.feed_q, into, plan.n) - bincount(plan.feed_p, out, plan.n)


def column(factor: Any, values: Any) -> Any:
    """Return a factor for each row of values, of one point or of many."""
    return factor if values.ndim == factor.ndim else factor[:, None]


def _added(total: Any, rows: Ints, values: Any) -> Any:
    """Return `total` with values added to its rows, one after the other."""
    if isinstance(total, np.ndarray):
        np.add.at(total, rows, values)
        return total
    return total + bincount(rows, values, total.shape[0])
