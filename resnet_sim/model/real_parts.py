"""Ideal diodes that become junctions, at the same place in the same circuit."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..arrays import Ints
from .circuit import Circuit
from .devices import DEVICES, Junctions, Table


def with_junctions(circuit: Circuit, rows: Ints, columns: Mapping[str, float]) -> Circuit:
    """Return the circuit with some of its piecewise-linear diodes as junctions.

    Names and nodes stay; only a number of an element may be another one.

    Parameters
    ----------
    circuit : Circuit
    rows : ndarray of int, shape (k,)
        Of ``circuit.diodes``.
    columns : mapping of str to float
        Columns of `Junctions`, the same for all of them.
    """
    if not len(rows):
        return circuit
    ideal = circuit.diodes
    kept = np.setdiff1d(np.arange(len(ideal)), rows)
    taken = ideal.some(rows)
    place = {name: getattr(taken, name) for name in ("names", "p", "q", "file", "line")}
    values: dict[str, Any] = {name: np.full(len(rows), value) for name, value in columns.items()}
    fresh = Junctions(**place, **values)
    old = circuit.tables.get("junctions")
    joined = _joined(old, fresh) if isinstance(old, Junctions) else fresh
    tables = {**circuit.tables, "diodes": ideal.some(kept), "junctions": joined}
    # what controls others has a number, and no diode controls: only what is behind them moves
    end, count = circuit.first["diodes"] + len(ideal), len(rows)
    tables = {name: device.moved(end, -count) for name, device in tables.items()}
    behind = 0
    for name in DEVICES:
        behind += len(tables[name]) if name in tables else 0
        if name == "junctions":
            break
    tables = {name: device.moved(behind - count, count) for name, device in tables.items()}
    return dataclasses.replace(circuit, tables=tables, rebuild=None)


def _joined(old: Table, fresh: Table) -> Table:
    """Return two tables of one device as one."""
    columns: dict[str, Any] = {}
    for column in dataclasses.fields(old):
        parts = getattr(old, column.name), getattr(fresh, column.name)
        is_tuple = isinstance(parts[0], tuple)
        columns[column.name] = (*parts[0], *parts[1]) if is_tuple else np.concatenate(parts)
    return dataclasses.replace(old, **columns)
