"""Sources that copy currents and drive nothing: what they show is linear in a state.

The current of a source follows from KCL: whatever else leaves the nodes on its one side has come
through it.  In the adjoint network it is the source whose volts are the slope of the current
(Director and Rohrer, "The generalized adjoint network and network sensitivities", 1969).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Floats, Ints
from ..point.branches import Branches
from ..point.plan import Compiled
from ..point.reduction import Reduction
from ..point.sources import Sources


@dataclass(frozen=True, eq=False)
class Readings:
    """Nodes that show the currents of sources, k in all.

    Attributes
    ----------
    node : ndarray of int, shape (k,)
    column : ndarray of int, shape (k,)
        Inputs that hold the volts of the sources.
    gain : ndarray of float, shape (k,)
        Of the currents, ohm.
    conductors, rectifiers, curves : sparse array, shape (k, rows of the reduction)
        How much of their currents counts, ohm.
    fed : sparse array, shape (k, columns)
        What injections make of the inputs, V.
    """

    node: Ints
    column: Ints
    gain: Floats
    conductors: Any
    rectifiers: Any
    curves: Any
    fed: Any

    def shown(
        self, red: Reduction, siemens: Floats, v: Floats, flows: tuple[Floats, Floats], u: Floats
    ) -> Floats:
        """Return what they show, V, shape (B, k).

        At node voltages v, shape (B, n_nodes), conductances of all conductors (S), and currents of
        all rectifiers and curves of the reduction, shape (B, rows).
        """
        branch, rows = red.conductors, np.unique(self.conductors.indices)
        p, q = branch.p[rows], branch.q[rows]
        total = (siemens[rows] * (v[:, p] - v[:, q])) @ self.conductors[:, rows].T
        for weight, current in zip((self.rectifiers, self.curves), flows, strict=True):
            total = total + current @ weight.T
        return total + u @ self.fed.T

    def slopes(self, p: Ints, q: Ints, slope: Floats) -> Floats:
        """Return dC/di of the currents, shape (B, k), for slopes dC/do of outputs p - q."""
        shown = (p[:, None] == self.node).astype(float) - (q[:, None] == self.node)
        return slope @ (shown * self.gain)


def readings(
    compiled: Compiled, sources: Sources, rows: Ints, inputs: Sequence[str]
) -> tuple[Readings | None, Ints]:
    """Return which of some controls are readings, and the rows of the others."""
    red = compiled.reduction
    if not len(rows) or red.pairs or not red.forest.in_tree.all():
        return None, rows
    of_input = {red.circuit.element(name): k for k, name in enumerate(inputs)}
    used = _uses(compiled)
    found = [_reading(compiled, row, of_input, used) for row in rows.tolist()]
    some = [one for one in found if one is not None]
    if not some:
        return None, rows
    node, column, gain, tie = (np.array(part) for part in zip(*some, strict=True))
    # a tie's current is that from its first node through it
    inner = [red.below(k)[red.ties.p[k]] for k in tie.tolist()]
    weight = gain * np.where(inner, -1.0, 1.0)

    def leaving(branches: Branches) -> Any:
        from scipy.sparse import csr_array

        parts = []
        for k, one in enumerate(tie.tolist()):
            side = red.below(one)
            out, into = side[branches.p], side[branches.q]
            which = np.flatnonzero(out != into)
            parts.append(
                (np.where(out[which], weight[k], -weight[k]), np.full(len(which), k), which)
            )
        value, row, which = (np.concatenate(part) for part in zip(*parts, strict=True))
        return csr_array((value, (row, which)), shape=(len(tie), len(branches)))

    table = Readings(
        node, column, gain, leaving(red.conductors), leaving(red.rectifiers), leaving(red.curves),
        (leaving(red.injections) @ sources.injection_value).tocsr(),
    )  # fmt: skip
    return table, rows[[one is None for one in found]]


def _uses(compiled: Compiled) -> Ints:
    """Return how many branches and controls each node has a part in."""
    red = compiled.reduction
    kinds = (red.ties, *red.joining, red.injections)
    ends = [end for kind in kinds for end in (kind.p, kind.q)]
    ends.append(red.controls.index[~red.controls.of_current])
    return np.bincount(np.concatenate(ends), minlength=len(red.coordinate))


def _reading(
    compiled: Compiled, row: int, of_input: dict[int, int], used: Ints
) -> tuple[int, int, float, int] | None:
    """Return node, input, gain and tie of a reading, None if a control is none."""
    red, table = compiled.reduction, compiled.reduction.controls
    p, q, term = int(table.p[row]), int(table.q[row]), int(table.ptr[row])
    if table.ptr[row + 1] - term != 1 or not (table.is_voltage[row] and table.of_current[term]):
        return None
    element = int(table.index[term])
    tie = red.tie_of.get(element, -1)
    if 0 not in (p, q) or used[p + q] != 1 or tie < 0 or element not in of_input:
        return None
    side = red.below(tie)
    for branch, fixed in (
        (red.rectifiers, compiled.fixed_rectifiers), (red.curves, compiled.fixed_curves),
    ):  # fmt: skip
        if (side[branch.p[fixed]] != side[branch.q[fixed]]).any():
            return None
    gain = float(table.gain[term]) * float(red.ties.sign[tie])
    return p + q, of_input[element], gain if q == 0 else -gain, tie
