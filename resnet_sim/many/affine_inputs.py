"""What the sources impose, as affine functions of the inputs.

A form is a row ``{column: coefficient}`` over the columns *inputs, then 1*.  Potentials
that ideal sources fix, and currents that sources feed in, have such forms whatever the
conductances are; so they are worked out once for all inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays import Ints
from ..model.circuit import Circuit
from ..point.branches import Branches
from ..point.reduction import Reduction

Form = dict[int, float]


class Forms:
    """Forms of all ties, injections and node offsets.

    Attributes
    ----------
    columns : int
        Inputs plus one.
    ties, injections, offsets : list of Form
        Volts, amps, and volts that a node's voltage exceeds ``scale * coordinate`` by.
    one_way : list of int
        Rows of controlled sources whose values depend on the state, not on inputs alone.
    """

    def __init__(self, reduction: Reduction, inputs: Sequence[str]) -> None:
        self.reduction, self.columns = reduction, len(inputs) + 1
        circuit = reduction.circuit
        column = {circuit.element(name): k for k, name in enumerate(inputs)}
        self._pair_of = {pair.forward: pair for pair in reduction.pairs}
        self._backward = {pair.backward for pair in reduction.pairs}
        self._known: dict[int, Form] = {}
        self.ties = self._given(reduction.ties, column)
        while self._learn_sources():
            pass
        self.offsets = [form or {} for form in self._offsets()]
        rows = range(len(circuit.controlled_sources))
        known = self._known.keys() | self._backward
        self.one_way = [row for row in rows if row not in known]
        self.injections = self._given(reduction.injections, column)

    def _given(self, branches: Branches, column: dict[int, int]) -> list[Form | None]:
        """Return the forms of branches that carry a value; None where it is not known yet."""
        constant = self.columns - 1
        forms: list[Form | None] = []
        for element, value, source in zip(
            branches.element.tolist(), branches.value.tolist(), branches.source.tolist(),
            strict=True,
        ):  # fmt: skip
            if source >= 0:
                forms.append({} if source in self._backward else self._known.get(source))
            elif element in column:
                forms.append({column[element]: 1.0})
            else:
                forms.append({constant: value} if value else {})
        return forms

    def _offsets(self) -> list[Form | None]:
        """Return the forms of all nodes' offsets, None where a tie on the way is not known."""
        red = self.reduction
        forest, p = red.forest, red.ties.p
        forms: list[Form | None] = [{} for _ in red.coordinate]
        for node in forest.order.tolist():
            edge = int(forest.edge[node])
            if edge >= 0:
                above, rise = forms[forest.parent[node]], self.ties[edge]
                sign = 1.0 if p[edge] == node else -1.0
                forms[node] = None if above is None or rise is None else add(above, rise, sign)
        return forms

    def _learn_sources(self) -> bool:
        """Work out controlled sources whose controls are known by now; tell if there were any."""
        table = self.reduction.circuit.controlled_sources
        waiting = [
            row for row in range(len(table)) if row not in self._known and row not in self._backward
        ]
        if not waiting:
            return False
        offsets = self._offsets()
        found = {row: form for row in waiting if (form := self._value(row, offsets)) is not None}
        self._known |= found
        for tie, source in enumerate(self.reduction.ties.source.tolist()):
            if source in found:
                self.ties[tie] = found[source]
        return bool(found)

    def _value(self, row: int, offsets: list[Form | None]) -> Form | None:
        red = self.reduction
        table = red.circuit.controlled_sources
        pair = self._pair_of.get(row)
        if pair is not None:
            # the output of a scaled amplifier carries the constant part of its input
            above = offsets[pair.control]
            return None if above is None else add({}, above, pair.gain)
        constant = float(table.constant[row])
        form: Form = {self.columns - 1: constant} if constant else {}
        for term in range(table.ptr[row], table.ptr[row + 1]):
            index = int(table.index[term])
            if table.of_current[term] or red.coordinate[index] != 0:
                return None
            above = offsets[index]
            if above is None:
                return None
            form = add(form, above, float(table.gain[term]))
        return form


def add(one: Form, other: Form, factor: float) -> Form:
    """Return ``one + factor * other``."""
    total = dict(one)
    for column, value in other.items():
        total[column] = total.get(column, 0.0) + factor * value
    return total


def as_matrix(forms: Sequence[Form | None], columns: int) -> Any:
    """Return forms as a sparse array of shape (len(forms), columns)."""
    from scipy.sparse import csr_array

    rows = [dict(form or {}) for form in forms]
    ptr = np.cumsum([0] + [len(row) for row in rows])
    index: Ints = np.array([column for row in rows for column in row], dtype=np.int64)
    data = np.array([value for row in rows for value in row.values()], dtype=float)
    return csr_array((data, index, ptr), shape=(len(rows), columns))


def one_way_sources(circuit: Circuit, rows: Sequence[int]) -> list[str]:
    """Return the names of controlled sources given by their rows."""
    first = circuit.first["controlled_sources"]
    return [circuit.element_names[first + row] for row in rows]
