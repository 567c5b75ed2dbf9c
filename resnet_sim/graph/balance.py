"""Currents of conductors whose sums at the coordinates are zero to their own last digits.

A current that comes from two voltages is known to ``eps g |v|`` only.  Where next to nothing
flows, as through a resistor in front of an amplifier's input, that is more than the current
itself, and Kirchhoff's current law fails by it.  What is left over at each coordinate is therefore
led to ground along a spanning forest of the largest conductances: what an edge then carries more
is a sum of what edges at most as conductive have left, hence no more than its own voltage leaves
open.
"""

from __future__ import annotations

import numpy as np

from ..arrays import Floats, Ints
from .forests import spanning_forest

#: units in the last place of the voltages by which currents may be corrected, as `laws` allow
ROUNDINGS = 64
EPS = float(np.finfo(float).eps)


def blur(volts: Floats, p: Ints, q: Ints, largest: Floats | float = 0.0) -> Floats:
    """Return what rounding leaves open in the voltages between nodes, V; of many points, too.

    The largest voltage around is that of the nodes if none is given that is larger.
    """
    largest = np.maximum(largest, np.abs(volts).max(axis=0, initial=0.0))
    own: Floats = EPS * (ROUNDINGS * np.abs(volts) + 4 * largest)
    return own[p] + own[q]


def corrections(
    n: int, p: Ints, q: Ints, siemens: Floats, leaving: Floats, open_: Floats
) -> Floats:
    """Return what to add to the currents of conductors, A.

    Parameters
    ----------
    n : int
        Number of coordinates; 0 is ground, at which anything may be left over.
    p, q : ndarray of int, shape (m,)
        Coordinates at the ends of the conductors.
    siemens : ndarray, shape (m,)
    leaving : ndarray, shape (n,) or (n, points)
        Sum of the currents that leave each coordinate, A.
    open_ : ndarray, shape (m,) or (m, points)
        What rounding leaves open in the voltages across them, V: a correction that this can't
        explain is none, and shows in the certificate.
    """
    # earlier edges are preferred: the forest has conductances as large as can be (Kruskal)
    size = np.abs(siemens)
    order = np.argsort(-size, kind="stable")
    order = order[(size[order] > 0) & (p[order] != q[order])]
    forest = spanning_forest(n, p[order], q[order])
    edge, flow = forest.carried(p[order], leaving)
    added = np.zeros((len(p), *leaving.shape[1:]))
    # the subtree has too much leaving it: less must leave through its edge
    added[order[edge]] = -flow
    most = (size if open_.ndim == 1 else size[:, None]) * open_
    return np.where(np.abs(added) <= most, added, 0.0)
