"""The elements that are curves, judged by their own laws."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from ..arrays import Bools, Floats
from ..laws.points import obeyed
from ..model.devices import Table
from .structure import Structure


class CurveLaws:
    """The elements behind the curves of a structure, as a circuit of their own."""

    def __init__(self, structure: Structure) -> None:
        branch, whole = structure.reduction.curves, structure.reduction.circuit
        elements, self._place = np.unique(branch.element[structure.curve], return_inverse=True)
        self._sign = branch.sign[structure.curve] * structure.curves.scale
        tables: dict[str, Any] = {}
        for name, table in whole.tables.items():
            rows = elements - whole.first[name]
            rows = rows[(rows >= 0) & (rows < len(table))]
            if isinstance(table, Table) and len(rows):
                tables[name] = table.some(rows)
        self.circuit = dataclasses.replace(whole, tables=tables, rebuild=None)

    def obeyed(self, voltages: Floats, current: Floats, tolerance: float) -> Bools:
        """Tell which points obey the laws, at voltages of all nodes and currents of the curves.

        Shapes are (points, nodes) and (points, curves).
        """
        amps = np.zeros((len(current), self.circuit.n_elements))
        np.add.at(amps.T, self._place, (current * self._sign).T)
        return obeyed(self.circuit, voltages[:, : len(self.circuit.nodes)], amps, tolerance)
