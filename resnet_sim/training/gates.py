"""Gates that learn: the local rule of networks whose edges are transistors.

In its triode region a transistor is a conductance ``beta (v_g - v_t)`` that the gate sets, but for
a term that bends.  Nothing flows into a gate, and no co-content says what it is worth; Dillavou et
al. 2024 let it learn as if there were one: by how ``1/2 beta dv^2`` differs between two states,
whether the transistor conducts or not: so one that has been turned off may come back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..arrays import Floats
from ..model.affine import Affine
from ..model.circuit import Circuit

if TYPE_CHECKING:
    from ..model.devices.mosfet import Mosfets


def by_gates(circuit: Circuit, part: Affine, change: Floats, level: Floats) -> Floats:
    """Return the sums over samples that voltage sources of a part learn by, shape (n,).

    Parameters
    ----------
    part : Affine
        Of volts.
    change, level : ndarray, shape (B, n_nodes)
        How node voltages change from one state to the other, per nudge, and their mean, V.
    """
    total = np.zeros(len(part.at))
    if "mosfets" not in circuit.tables:
        return total
    from ..model.devices.mosfet import effective

    table: Mosfets = circuit.tables["mosfets"]  # type: ignore[assignment]
    drain, gate, source = (table.ends(letter) for letter in "dgs")
    values = effective(table)
    across = (x[:, drain] - x[:, source] for x in (change, level))
    by_gate = values["type"] * values["beta"] * np.prod(list(across), axis=0).sum(axis=0)
    of_node = np.bincount(gate, by_gate, len(circuit.nodes))
    of_node[0] = 0.0  # what ground holds learns nothing
    volts = circuit.voltage_sources
    total += of_node[volts.p[part.at]] - of_node[volts.q[part.at]]
    return total
