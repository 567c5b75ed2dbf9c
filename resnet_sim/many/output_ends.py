"""Outputs of a structure: what they are at coordinates, and what forces there inject."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from ..arrays import Floats, Ints
from .states import Terminals
from .structure import Structure, applied, compact


class OutputEnds:
    """Outputs as linear functions of the coordinates.

    Attributes
    ----------
    offset : array or sparse array, shape (n_outputs, columns)
        What they are at zero.
    """

    def __init__(self, structure: Structure, at: Terminals) -> None:
        self.structure, self._p, self._q = structure, at.p, at.q
        self.offset = structure.offset[at.p] - structure.offset[at.q]

    @cached_property
    def matrix(self) -> Any:
        """Outputs per unit of each coordinate, shape (n_outputs, n)."""
        from scipy.sparse import csr_array

        s = self.structure
        rows = np.arange(len(self._p))
        value = np.concatenate((s.scale[self._p], -s.scale[self._q]))
        column = np.concatenate((s.coordinate[self._p], s.coordinate[self._q]))
        shape = (len(rows), s.n + 1)
        matrix = csr_array((value, (np.concatenate((rows, rows)), column)), shape=shape)
        return compact(matrix[:, 1:])

    @cached_property
    def _ends(self) -> tuple[Ints, Ints, Floats, Floats]:
        """Coordinates at the ends of the outputs, and their scales there; 0 where none is."""
        s = self.structure
        p, q = s.coordinate[self._p] - 1, s.coordinate[self._q] - 1
        at_p, at_q = s.scale[self._p] * (p >= 0), s.scale[self._q] * (q >= 0)
        return np.maximum(p, 0), np.maximum(q, 0), at_p, at_q

    def moved(self, x: Floats) -> Floats:
        """Return the outputs less what they are at x = 0, shape (B, n_outputs)."""
        p, q, at_p, at_q = self._ends
        if not self.structure.n:
            return np.zeros((len(x), len(p)))
        return at_p * x[:, p] - at_q * x[:, q]

    def wanted(self, target: Floats, u: Floats) -> Floats:
        """Return targets less what the outputs are at x = 0."""
        return target - applied(self.offset, u)

    def fed(self, load: Floats, force: Floats) -> Floats:
        """Return injections with forces at the outputs added."""
        p, q, at_p, at_q = self._ends
        fed = load.copy()
        if self.structure.n:
            np.add.at(fed.T, p, (at_p * force).T)
            np.subtract.at(fed.T, q, (at_q * force).T)
        return fed
