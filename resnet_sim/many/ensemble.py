"""One circuit, many inputs, conductances that change: states in batches.

`backend` picks the way: all samples share one factorisation where the circuit is one convex
problem whose data are affine in the inputs; any other circuit is solved sample by sample.
In single precision, on request, samples are the lanes of vector registers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import UsageError
from ..model.circuit import Circuit
from .boxes import Lanes
from .nudges import Terminals
from .one_by_one import PerSample
from .shared_factor import Ensemble
from .states import Backend, Nudge, States
from .structure import Unsupported, analyse, reduced

__all__ = [
    "Backend",
    "Ensemble",
    "Lanes",
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
    circuit: Circuit,
    sources: Sequence[str],
    trainable: Sequence[str],
    outputs: Terminals,
    precision: str = "double",
) -> tuple[Backend, Unsupported | None]:
    """Return what solves a circuit, and why that is not the fast way, None if it is.

    Raises
    ------
    UsageError
        If the precision is ``"single"``, and the circuit is not made for it; says why.
    """
    if precision not in ("double", "single"):
        raise UsageError(f"unknown precision {precision!r}: double or single")
    rescue = PerSample(circuit, sources, trainable, outputs)
    try:
        ensemble = Ensemble(analyse(circuit, sources), rescue)
        return (Lanes(ensemble) if precision == "single" else ensemble), None
    except Unsupported as reason:
        if precision == "single":
            raise UsageError(f"single precision: {reason}") from None
        return rescue, reason
