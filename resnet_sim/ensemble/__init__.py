"""One circuit, many inputs, conductances that change: states in batches.

`backend` picks the way: all samples share one factorisation where the circuit is one convex
problem whose data are affine in the inputs; any other circuit is solved sample by sample.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..circuit import Circuit
from .additions import Terminals
from .fast import Ensemble
from .single import PerSample
from .states import Backend, Nudge, States
from .structure import Unsupported, analyse, reduced

__all__ = [
    "Backend",
    "Ensemble",
    "Nudge",
    "PerSample",
    "States",
    "Terminals",
    "Unsupported",
    "backend",
    "terminals",
]


def terminals(circuit: Circuit, outputs: Sequence[tuple[str, str]]) -> Terminals:
    """Return the nodes of outputs, each measured between two nodes."""
    p = np.array([circuit.node(a) for a, _ in outputs], dtype=np.int64)
    q = np.array([circuit.node(b) for _, b in outputs], dtype=np.int64)
    red = reduced(circuit)
    fixed_p, fixed_q = red.coordinate[p] == 0, red.coordinate[q] == 0
    scale_p = np.where(fixed_p, red.scale[q], red.scale[p])
    scale_q = np.where(fixed_q, red.scale[p], red.scale[q])
    names = tuple(a if b == "0" else f"{a},{b}" for a, b in outputs)
    return Terminals(names, p, q, scale_p, scale_q)


def backend(
    circuit: Circuit, sources: Sequence[str], trainable: Sequence[str], outputs: Terminals
) -> tuple[Backend, Unsupported | None]:
    """Return what solves a circuit, and why that is not the fast way, None if it is."""
    rescue = PerSample(circuit, sources, trainable, outputs)
    try:
        return Ensemble(analyse(circuit, sources), rescue), None
    except Unsupported as reason:
        return rescue, reason
