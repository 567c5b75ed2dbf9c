"""Whether rounding alone explains what node voltages leave over of Kirchhoff's current law.

Elimination in floating point solves a neighbouring circuit: with A the matrix of conductances,
the sum at a node is off by a few units in the last place of ``|A| |v|`` there (Higham, "Accuracy
and Stability of Numerical Algorithms", 2002, theorem 9.4).  Beside a resistance of an ohm, that
is more than what flows through a blocked diode.
"""

from __future__ import annotations

import numpy as np

from ..arrays import Floats
from ..model.circuit import Circuit
from .check import EPS, clusters
from .judged import Judged
from .registry import laws


def units(circuit: Circuit, voltages: Floats) -> float:
    """Return by how many units in the last place of its terms a sum of currents is off at most.

    Parameters
    ----------
    circuit : Circuit
        Its switches are held.
    voltages : ndarray, shape (n_nodes,)
        V; NaN where a node floats.

    Returns
    -------
    float
        Infinite where it can't be told: where an ideal element is off its voltage by more than
        such a unit, or its current is limited or controls another.
    """
    judged = Judged(circuit, voltages)
    for law in laws(circuit):
        law.judge(judged)
    free = (judged.low != 0) | (judged.high != 0)
    limited = free & (np.isfinite(judged.low) | np.isfinite(judged.high))
    if judged.floats.any() or limited.any() or any(len(right) for _, right, _ in judged.equations):
        return float("inf")
    if judged.error.max(initial=0.0) > EPS * judged.largest:
        return float("inf")
    n, p, q = len(circuit.nodes), judged.p, judged.q
    # what flows through ideal elements is open: their ends are one node
    whole = clusters(n, p[free], q[free])
    p, q, terms = whole[p], whole[q], judged.size + judged.inner
    left = np.abs(np.bincount(p, judged.known, n) - np.bincount(q, judged.known, n))
    size = np.bincount(p, terms, n) + np.bincount(q, terms, n)
    # the sum at ground is that of all others, and no equation of its own
    left[whole[0]] = 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(np.nan_to_num(left / (EPS * size), posinf=np.inf).max(initial=0.0))
