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
        from ._common_elimination import W, eliminate_common, room_for

        self._fronts, self._none = fronts, aligned((1, W), np.float64)
        self._place = plain(fronts.place[1:])
        self.factor, self.pivot = np.zeros(fronts.size), np.empty(fronts.n)
        waits = np.empty_like(fronts.waits)
        largest, most = room_for(fronts.plan, fronts.family, waits)
        eliminate_common(
            fronts.plan, fronts.family, entries, plain(conductance), self._none, waits, largest,
            aligned(2 * largest + most, np.float64, zero=False), self.factor, self.pivot,
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
