"""What is left over at the nodes of a solution and across its rectifiers, by the problem alone."""

from __future__ import annotations

import numpy as np

from ..compiled.kernels import loops, subloops
from ..compiled.vectors import add, broadcast, div, load, magnitude, maximum, mul, store, sub

#: float64 in a vector
W = 8


@subloops
def _carry(a, b, flow, left, size):  # type: ignore[no-untyped-def]
    amount = magnitude(flow)
    store(left, a * W, sub(load(left, a * W), flow))
    store(left, b * W, add(load(left, b * W), flow))
    store(size, a * W, add(load(size, a * W), amount))
    store(size, b * W, add(load(size, b * W), amount))


@loops
def imbalance(edges, diodes, conductance, load_of, size_of, x, current, room, worst):  # type: ignore[no-untyped-def]
    """Set the largest KCL residual of each point relative to the currents there, shape (S,).

    The least that counts is a millionth of the largest current, because what rounding leaves of
    that passes through its neighbours.  Shapes as in `lanes.Data`, conductances common; loads
    were summed from what has the sizes `size_of`; `room` is for eight points.
    """
    (edge_p, edge_q), (diode_p, diode_q) = edges, diodes
    v, left, size, flows, zeros = room
    count, n = x.shape
    none = load(zeros, 0)
    for first in range(0, count, W):
        for lane in range(W):
            s = min(first + lane, count - 1)
            v[0, lane] = left[0, lane] = size[0, lane] = 0.0
            for k in range(n):
                v[k + 1, lane], left[k + 1, lane] = x[s, k], load_of[s, k]
                size[k + 1, lane] = size_of[s, k]
            for k in range(len(diode_p)):
                flows[k, lane] = current[s, k]
        for e in range(len(edge_p)):
            rise = sub(load(v, edge_p[e] * W), load(v, edge_q[e] * W))
            flow = mul(broadcast(conductance, e), rise)
            _carry(edge_p[e], edge_q[e], flow, left, size)
        for k in range(len(diode_p)):
            _carry(diode_p[k], diode_q[k], load(flows, k * W), left, size)
        peak = most = lost = none
        for k in range(1, n + 1):
            peak = maximum(peak, load(size, k * W))
        for lane in range(W):
            size[0, lane], left[0, lane] = 1e-6, 1e-300
        least = maximum(load(left, 0), mul(load(size, 0), peak))
        for k in range(1, n + 1):
            relative = div(magnitude(load(left, k * W)), add(load(size, k * W), least))
            # a NaN does not get lost
            most, lost = maximum(most, relative), add(lost, mul(none, relative))
        store(v, 0, add(most, lost))
        for lane in range(min(W, count - first)):
            worst[first + lane] = v[0, lane]


@loops
def rectified(ends, ohms, around, volts_of, drop_of, x, current, on, limits, found):  # type: ignore[no-untyped-def]
    """Judge the rectifiers of each point.

    Parameters
    ----------
    around : ndarray, shape (m,)
        Conductances at their ends, S.
    volts_of : ndarray, shape (S,)
        The largest voltage.
    limits : (float, float, float)
        Relative to the largest voltage: what a law may leave over, what touches, and what
        contradicts.
    found : tuple of ndarray of bool, shapes (S,), (S,) and (S, m)
        Set to where all obey their laws, where one has neither current nor voltage left to its
        drop, and which contradict their states in `on`.
    """
    p, q = ends
    lawful, touching, wrong = found
    for s in range(len(x)):
        volts, obeys, touches = volts_of[s], True, False
        near, fine = limits[1] * volts, limits[2] * volts
        for k in range(len(p)):
            # numba asks of signed numbers whether they are
            high = x[s, np.uint64(p[k] - 1)] if p[k] > 0 else 0.0
            low = x[s, np.uint64(q[k] - 1)] if q[k] > 0 else 0.0
            above, flow = high - low - drop_of[s, k], current[s, k]
            wrong[s, k] = -flow > fine * around[k] if on[s, k] else above > fine
            flow = max(flow, 0.0)
            fall = ohms[k] * flow
            gap, span = fall - above, limits[0] * (volts + fall)
            # which a NaN does not
            obeys &= (gap >= -span) & ((gap <= span) | (flow == 0.0))
            touches |= (flow <= near * around[k]) & (abs(gap) <= near)
        lawful[s], touching[s] = obeys, touches
