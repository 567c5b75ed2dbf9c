"""Wires that are not ideal: crossbars whose rows and columns have resistance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..arrays import Ints
from ..many.nudges import add_elements
from ..model.circuit import Circuit
from ..model.names import untaken


def wired(circuit: Circuit, cells: Ints, ohms: float) -> Circuit:
    """Return the circuit with resistance along the rows and columns of a crossbar.

    ::

        a -+-[rwire1]-+-[rwire2]-+      row: the cells whose first node is a
           r1         r2         r3
           |          |          |      columns: the cells with the same second node b,
           b1         b2         b3     wired the same way, the last of them at b

    Parameters
    ----------
    circuit : Circuit
    cells : ndarray of int
        Rows of ``circuit.resistors``.  Their order is that of the crossings: the first cell
        of a row is at the row's own node, the last cell of a column at the column's.
    ohms : float
        Resistance of each piece of wire between neighbouring crossings.

    Returns
    -------
    Circuit
        With a node for every crossing that is not at an old node, on either wire; elements
        keep their names, the pieces of wire are called ``rwire1``, ...
    """
    resistors = circuit.resistors
    p, q = resistors.p.copy(), resistors.q.copy()
    before, after = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    count = len(circuit.nodes)
    for ends, order in ((p, cells), (q, cells[::-1])):
        old = ends[order]
        ends[order], pieces = _spread(old, count)
        count += len(pieces)
        before.append(pieces)
        after.append(np.arange(count - len(pieces), count))
    more = count - len(circuit.nodes)
    nodes = (*circuit.nodes, *untaken("wire", more, circuit.nodes))
    names = untaken("rwire", more, resistors.names)
    bare = replace(circuit.with_tables(resistors=replace(resistors, p=p, q=q)), nodes=nodes)
    return add_elements(
        bare, "resistors", names, np.concatenate(before), np.concatenate(after), ohms=ohms
    )


def _spread(ends: Ints, first: int) -> tuple[Ints, Ints]:
    """Give every end but the first at a node a new node of its own.

    Returns
    -------
    spread : ndarray
        The ends, where new nodes count from `first`.
    pieces : ndarray
        For each new node, the one before it on the wire.
    """
    order = np.argsort(ends, kind="stable")
    again = np.zeros(len(ends), dtype=np.bool_)
    again[1:] = ends[order][1:] == ends[order][:-1]
    spread = ends.copy()
    spread[order[again]] = first + np.arange(int(again.sum()))
    return spread, spread[order[np.flatnonzero(again) - 1]]
