"""Which rows of the branches carry the values in which points differ, and their numbers there."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import numpy as np

from ..arrays import Bools, Floats, Ints, as_slice
from ..model.devices import DEVICES
from .question import Question

#: The branches that carry the values of tables.
KINDS = {name: device.sets for name, device in DEVICES.items() if device.sets}


class VariedRows:
    """The rows of what varies.

    Attributes
    ----------
    of : dict of str to (index, index)
        Table to places among the names that vary, and rows of the branches of `KINDS`.
    without : list of str
        Names that no row carries.
    """

    def __init__(self, question: Question) -> None:
        self.circuit, self.red = question.circuit, question.compiled.reduction
        self.of: dict[str, tuple[slice | Ints, slice | Ints]] = {}
        self.without: list[str] = []
        self._places = question.places[1]
        for table, (mine, places) in question.by_table.items():
            row_of = np.full(self.circuit.n_elements, -1)
            if table in KINDS:
                branch = getattr(self.red, KINDS[table])
                forward = branch.sign > 0
                row_of[branch.element[forward]] = np.flatnonzero(forward)
            rows = row_of[self.circuit.first[table] :][places]
            missing = np.arange(len(self._places))[mine][rows < 0]
            self.without += [question.varied[k] for k in missing.tolist()]
            self.of[table] = mine, as_slice(rows)

    def columns(self, values: Floats) -> list[tuple[str, Floats]]:
        """Return the numbers of the branches of each kind, shape (points or 1, rows).

        At values of what varies, shape (points, names).
        """
        found = []
        for kind in ("conductors", "ties", "injections", "rectifiers"):
            held = getattr(self.red, kind).held[None]
            tables = [table for table in self.of if KINDS[table] == kind]
            column = np.repeat(held, len(values) if tables else 1, axis=0)
            for mine, rows, table in ((*self.of[table], table) for table in tables):
                chosen = values[:, mine]
                column[:, rows] = 1.0 / chosen if table == "resistors" else chosen
            found.append((kind, column))
        return found

    def branches(self, values: Floats, kinds: Container[str] = KINDS.values()) -> dict[str, Any]:
        """Return branches of some kinds that hold numbers of all points, shape (rows, points)."""
        found = {}
        for kind, column in self.columns(values):
            if kind in kinds:
                many = np.broadcast_to(column, (len(values), column.shape[1]))
                found[kind] = getattr(self.red, kind).holding(np.ascontiguousarray(many.T))
        return found

    def allowed(self, values: Floats) -> Bools:
        """Tell which points have values that leave the structure as it is."""
        allowed = np.asarray(np.isfinite(values).all(axis=1))
        if "resistors" in self.of:
            allowed &= (values[:, self.of["resistors"][0]] > 0).all(axis=1)
        if "diodes" in self.of:
            mine = self.of["diodes"][0]
            lowest = -self.circuit.diodes.v_reverse[self._places[mine]]
            allowed &= (values[:, mine] >= lowest).all(axis=1)
        return allowed
