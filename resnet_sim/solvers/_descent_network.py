"""Compiled loops that lay out a network for the sweeps of `_descent`, and nothing else.

Branches are stored at both of their ends, by coordinates, with all that sweeps need of them.
Indices are unsigned, as in `linear._sparse_rows`.  An array of records is one argument instead of
many, of which each takes time to compile.
"""

from __future__ import annotations

import numpy as np

from ..compiled.kernels import inlined, loops

#: Unsigned as well: an unsigned and a signed integer add up to a float.
ONE, TWO = np.uint32(1), np.uint32(2)

#: A coordinate: its edges are ``range(begin, end)``; its rectifiers begin at ``hard`` with the
#: hard ones, the others are ``range(soft, stop)``.
NODE = np.dtype([(name, np.uint32) for name in ("begin", "end", "hard", "soft", "stop")])
#: A rectifier at one of its ends: its number, the other end, 1 if it leaves and -1 if it arrives.
RECTIFIER = np.dtype(
    [("name", np.uint32), ("far", np.uint32)]
    + [(name, float) for name in ("sign", "drop", "resistance")]
)


@loops
def fill(edges, rectifiers, network, place):  # type: ignore[no-untyped-def]
    """Fill the arrays of a network; return 0 if `rise` stays zero, or 1.

    Parameters
    ----------
    edges : tuple of both ends, conductance, and emf
    rectifiers : tuple of both ends, drop, and resistance
    network : tuple of node, rectifier, far, weight, and rise
        The last is zeros; current from a to ``far`` is ``weight * (x[a] - x[far] - rise)``.
    place : ndarray of uint32, shape (3, n)
        Zeros.
    """
    _place_nodes(edges, rectifiers, network, place)
    _place_rectifiers(rectifiers, network, place)
    return _place_edges(edges, network, place)


@inlined
def _place_nodes(edges, rectifiers, network, place):  # type: ignore[no-untyped-def]
    """Fill `node`; `place` becomes where its edges, hard and soft rectifiers begin."""
    p, q, _, _ = edges
    diode_p, diode_q, _, resistance = rectifiers
    node, _, _, _, _ = network
    # counting sort: sweeps read edges and rectifiers of a coordinate from end to end
    for k in range(len(p)):
        if p[k] != q[k]:
            place[0, p[k]] += ONE
            place[0, q[k]] += ONE
    for k in range(len(resistance)):
        kind = ONE if resistance[k] == 0.0 else TWO
        place[kind, diode_p[k]] += ONE
        place[kind, diode_q[k]] += ONE
    edge = diode = np.uint32(0)
    for a in range(len(node)):
        at = node[a]
        at.begin, at.end = edge, edge + place[0, a]
        at.hard, at.soft = diode, diode + place[1, a]
        at.stop = at.soft + place[2, a]
        edge, diode = at.end, at.stop
        place[0, a], place[1, a], place[2, a] = at.begin, at.hard, at.soft


@inlined
def _place_rectifiers(rectifiers, network, place):  # type: ignore[no-untyped-def]
    """Fill the rows of rectifiers, hard ones first, those that leave before those that arrive."""
    p, q, drop, resistance = rectifiers
    _, rectifier, _, _, _ = network
    for leaves in (True, False):
        here, there = (p, q) if leaves else (q, p)
        for k in range(len(p)):
            kind = ONE if resistance[k] == 0.0 else TWO
            end = rectifier[place[kind, here[k]]]
            place[kind, here[k]] += ONE
            end.name, end.far, end.sign = k, there[k], 1.0 if leaves else -1.0
            end.drop, end.resistance = drop[k], resistance[k]


@inlined
def _place_edges(edges, network, place):  # type: ignore[no-untyped-def]
    """Fill the rows of edges, loops left out."""
    p, q, conductance, emf = edges
    _, _, far, weight, rise = network
    each = np.uint64(0)
    for k in range(len(p)):
        a, b = p[k], q[k]
        if a == b:
            continue
        i, j = place[0, a], place[0, b]
        place[0, a] += ONE
        place[0, b] += ONE
        far[i], far[j] = b, a
        weight[i] = weight[j] = conductance[k]
        if emf[k] != 0.0:
            rise[i], rise[j] = emf[k], -emf[k]
            each = np.uint64(1)
    return each
