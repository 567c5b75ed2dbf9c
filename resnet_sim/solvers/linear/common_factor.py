"""One network and the injections of many points: factored once, solved for eight at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...arrays import Floats, plain
from ...compiled.registers import aligned
from .fronts import Fronts


class CommonFactor:
    """A network of positive conductances, eliminated without a subtraction.

    Parameters
    ----------
    fronts : Fronts
        Of its graph.
    entries : tuple
        Of edges, see `Fronts.entries`.
    conductance : ndarray, shape (e,)
        S.

    Attributes
    ----------
    factor, pivot : ndarray
        See `frontal`.
    regular : bool
        Whether all nodes are connected to the reference, node 0.
    """

    def __init__(self, fronts: Fronts, entries: tuple[Any, ...], conductance: Floats) -> None:
        from ._eliminated_fronts import W, eliminate_common

        def room(size: int) -> Floats:
            return aligned((size, W), np.float64)

        self._fronts, self._none = fronts, room(1)
        self._place = plain(fronts.place[1:])
        self.factor, self.pivot = np.empty(fronts.size), np.empty(fronts.n)
        block, turns = np.diff(fronts.kept).max(initial=1), np.diff(fronts.first).max(initial=1)
        eliminate_common(
            fronts.plan, fronts.family, entries, plain(conductance),
            self._none, (room(fronts.front), room(fronts.stack)), room(block + 4), room(turns),
            self.factor, self.pivot,
        )  # fmt: skip
        self.regular = bool((self.pivot > 0).all())

    def solve(self, load: Floats) -> Floats:
        """Return voltages, V, for injections, A, both of shape (points, nodes but the reference).

        Threads may call it at the same time.
        """
        from ._eliminated_fronts import W
        from .frontal import solve_columns

        fronts, x = self._fronts, np.empty(load.shape)
        solve_columns(
            fronts.plan, fronts.rows, self._none, self.factor, self.pivot, self._place,
            plain(load), aligned((max(fronts.n, 1), W), np.float64), x,
        )  # fmt: skip
        return x
