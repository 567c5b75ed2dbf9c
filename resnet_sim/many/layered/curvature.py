"""Whether states of layers with conductances of either sign last, and their linear answers.

Layers have two colours, every other one, and units of one colour are joined to units of the other
alone.  With D1 and D2 the sums of the conductances at the units that no diode holds, and W what
joins the colours, the second derivative of the co-content is

    [[D1, -W], [-W', D2]],    positive definite where D1 > 0 and D2 - W' D1^-1 W is.

A state where it is lasts, each unit having some capacitance to ground.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...arrays import Bools, Floats, Ints
from .structure import Layers, outer

#: What a pivot must exceed, relative to the largest sum of conductances.
MARGIN = 1e-12


class Curvature:
    """The second derivative of the co-content of a layered network.

    Parameters
    ----------
    layers : Layers
    blocks : sequence of ndarray
        Conductances, S.
    total : sequence of ndarray, shape (n,)
        Sums of the conductances at the units of each layer, S.
    """

    def __init__(
        self, layers: Layers, blocks: Sequence[npt.NDArray[Any]], total: Sequence[Floats]
    ) -> None:
        self.layers = layers
        sizes = [len(units) for units in layers.units]
        layer = np.repeat(np.arange(len(sizes)), sizes)
        second = np.isin(layer, outer(layers))
        #: places of the units of either colour among all, layer after layer
        self.at = np.flatnonzero(~second), np.flatnonzero(second)
        place = np.zeros(len(layer), dtype=np.int64)
        for at in self.at:
            place[at] = np.arange(len(at))
        units = np.split(place, np.cumsum(sizes)[:-1])
        self.joined = np.zeros((len(self.at[0]), len(self.at[1])))
        for k, block in enumerate(blocks[1:]):
            g = block if isinstance(block, np.ndarray) else block.toarray()
            if k in outer(layers):
                self.joined[np.ix_(units[k + 1], units[k])] = g.T
            else:
                self.joined[np.ix_(units[k], units[k + 1])] = g
        self.total = np.concatenate(total)
        self._last = units[-1]
        self._margin = MARGIN * float(np.abs(self.total).max(initial=0.0))

    def step(self, free: Bools, load: Floats, stiffness: float = 0.0) -> Floats | None:
        """Return what currents (A) move units by (V), None if they would not come to rest.

        Parameters
        ----------
        free : ndarray of bool, shape (m,)
            Units that no diode holds.
        load : ndarray, shape (m,)
        stiffness : float
            Of what joins outputs to their targets, S; infinite where these are kept as they are.
        """
        inner, rest = (np.flatnonzero(free[at]) for at in self.at)
        basis = self._basis(rest, stiffness)
        one, other = self.at[0][inner], self.at[1][rest]
        d, between = self.total[one], self.joined[np.ix_(inner, rest)]
        if (d <= self._margin).any():
            return None
        matrix = np.diag(self.total[other]) - between.T @ (between / d[:, None])
        if np.isfinite(stiffness):
            ends = self._ends(rest)
            matrix += stiffness * (ends.T @ ends)
        matrix, fed = (
            basis.T @ matrix @ basis,
            basis.T @ (load[other] + between.T @ (load[one] / d)),
        )
        if not _positive(matrix, self._margin):
            return None
        v = np.zeros(len(load))
        v[other] = basis @ np.linalg.solve(matrix, fed)
        v[one] = (load[one] + between @ v[other]) / d
        return v

    def _ends(self, rest: Ints) -> Floats:
        """Return outputs per unit of some of the second colour, shape (n_outputs, n)."""
        ends = np.zeros((len(self.layers.outputs), len(self.at[1])))
        for k, (p, q) in enumerate(self.layers.outputs.tolist()):
            ends[k, self._last[p]] += 1.0
            if q >= 0:
                ends[k, self._last[q]] -= 1.0
        return ends[:, rest]

    def _basis(self, rest: Ints, stiffness: float) -> Floats:
        """Return how units of the second colour may move: outputs don't where they are held."""
        basis = np.eye(len(rest))
        if np.isfinite(stiffness):
            return basis
        row = {unit: k for k, unit in enumerate(rest.tolist())}
        gone = []
        for p, q in self.layers.outputs.tolist():
            one, other = (
                row.get(int(self._last[p])),
                row.get(int(self._last[q])) if q >= 0 else None,
            )
            if one is not None:
                gone.append(one)
                if other is not None:
                    basis[one, other] = 1.0
        return np.delete(basis, gone, axis=1)


def _positive(matrix: Floats, margin: float) -> bool:
    """Tell whether a symmetric matrix is positive definite, and not nearly otherwise."""
    if not np.isfinite(matrix).all():
        return False
    try:
        np.linalg.cholesky(matrix - margin * np.eye(len(matrix)))
    except np.linalg.LinAlgError:
        return False
    return True
