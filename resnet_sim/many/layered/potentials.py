"""Which potentials are given, and how they follow the inputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...arrays import Floats, Ints
from ..affine_inputs import Forms
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
    def read(cls, forms: Forms, coordinate: Ints) -> Potentials:
        """Return the potentials that sources impose.

        Raises
        ------
        NotLayered
            If one follows several inputs, or a free node is held apart from others.
        """
        n = len(coordinate)
        column, gain, offset = np.full(n, -1), np.zeros(n), np.zeros(n)
        for node, form in enumerate(forms.offsets):
            if not form:
                continue
            rest = dict(form)
            offset[node] = rest.pop(forms.columns - 1, 0.0)
            if len(rest) > 1 or coordinate[node] != 0:
                raise NotLayered("a potential that depends on several inputs, or a floating source")
            for key, value in rest.items():
                column[node], gain[node] = key, value
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
