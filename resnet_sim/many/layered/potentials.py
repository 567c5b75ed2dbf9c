"""Which potentials are given, and how they follow the inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...arrays import Floats, Ints
from .structure import Inputs


class NotLayered(Exception):
    """The circuit is no chain of layers, for this reason."""


@dataclass(frozen=True)
class Potentials:
    """Potentials of nodes: ``gain * u[:, column] + offset``, column -1 if constant.

    Arrays have shape (n_nodes,); those of free nodes mean nothing.
    """

    column: Ints
    gain: Floats
    offset: Floats

    @classmethod
    def read(cls, coefficients: Any, coordinate: Ints) -> Potentials:
        """Return the potentials that sources impose, of their coefficients.

        These are a sparse array of shape (n_nodes, columns), of inputs and then 1.

        Raises
        ------
        NotLayered
            If one follows several inputs, or a free node is held apart from others.
        """
        n = len(coordinate)
        column, gain = np.full(n, -1), np.zeros(n)
        offset = coefficients[:, [-1]].toarray()[:, 0]
        of_inputs = coefficients[:, :-1].tocoo()
        rows = of_inputs.row
        several = len(np.unique(rows)) < len(rows)
        if several or coordinate[rows].any() or offset[coordinate > 0].any():
            raise NotLayered("a potential that depends on several inputs, or a floating source")
        column[rows], gain[rows] = of_inputs.col, of_inputs.data
        return cls(column, gain, offset)

    def at(self, nodes: Ints) -> Inputs:
        """Return the potentials of some nodes."""
        return Inputs(
            nodes, self.column[nodes], self.gain[nodes], self.offset[nodes], self._mirrored(nodes)
        )

    def _mirrored(self, nodes: Ints) -> bool:
        """Tell whether the second half is minus the first, whatever the inputs are."""
        half = len(nodes) // 2
        plus, minus = nodes[:half], nodes[half:]
        return (
            len(plus) == len(minus)
            and np.array_equal(self.column[plus], self.column[minus])
            and np.array_equal(self.gain[plus], -self.gain[minus])
            and not self.offset[nodes].any()
        )

    def in_halves(self, nodes: Ints) -> Ints:
        """Return nodes by their input, those that follow it with the opposite sign last."""
        return nodes[np.lexsort((self.column[nodes], self.gain[nodes] < 0))]
