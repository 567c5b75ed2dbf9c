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
from ..compiled.kernels import kernel
from .graphs import spanning_forest

#: units in the last place of the voltages by which currents may be corrected, as `laws` allow
ROUNDINGS = 64
EPS = float(np.finfo(float).eps)


def blur(volts: Floats, p: Ints, q: Ints, largest: float = 0.0) -> Floats:
    """Return what rounding leaves open in the voltages between nodes, V.

    The largest voltage around is that of the nodes if none is given that is larger.
    """
    largest = max(largest, float(np.abs(volts).max(initial=0.0)))
    own: Floats = EPS * (ROUNDINGS * np.abs(volts) + 4 * largest)
    result: Floats = own[p] + own[q]
    return result


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
    leaving : ndarray, shape (n,)
        Sum of the currents that leave each coordinate, A.
    open_ : ndarray, shape (m,)
        What rounding leaves open in the voltages across them, V: a correction that this can't
        explain is none, and shows in the certificate.
    """
    tree = _most_conductive(n, p, q, np.abs(siemens))
    forest = spanning_forest(n, p[tree], q[tree])
    flow = forest.subtree_sums(leaving)
    child = forest.children
    edge = tree[forest.edge[child]]
    added = np.zeros(len(p))
    # the subtree has too much leaving it: less must leave through its edge
    added[edge] = np.where(p[edge] == child, -1.0, 1.0) * flow[child]
    return np.where(np.abs(added) <= np.abs(siemens) * open_, added, 0.0)


def _most_conductive(n: int, p: Ints, q: Ints, g: Floats) -> Ints:
    """Return the edges of a spanning forest whose conductances are as large as can be (Kruskal)."""
    order = np.argsort(-g, kind="stable")
    order = order[(g[order] > 0) & (p[order] != q[order])]
    arrays = p[order], q[order], np.arange(n), np.zeros(len(order), dtype=np.bool_)
    join = _join.at(len(order))
    if join is _join.interpreted:  # lists are faster then
        lists = [a.tolist() for a in arrays]
        join(*lists)
        arrays = *arrays[:-1], np.array(lists[-1], dtype=np.bool_)
    else:
        join(*arrays)
    edges: Ints = order[arrays[-1]]
    return edges


@kernel
def _join(p, q, above, chosen):  # type: ignore[no-untyped-def]
    """Choose edges that join what those before have not joined."""
    for k in range(len(p)):
        a, b = p[k], q[k]
        while above[a] != a:
            above[a] = above[above[a]]
            a = above[a]
        while above[b] != b:
            above[b] = above[above[b]]
            b = above[b]
        if a != b:
            chosen[k] = True
            above[max(a, b)] = min(a, b)
