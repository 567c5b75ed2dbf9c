"""What is left over at the nodes of a solution and across its rectifiers, by the problem alone."""

from __future__ import annotations

from ..compiled.kernels import loops, subloops
from ..compiled.vectors import add, broadcast, load, maximum, mul, store, sub

#: float64 in a vector
W = 8


@subloops
def _carry(a, b, flow, none, left, size):  # type: ignore[no-untyped-def]
    amount = maximum(flow, sub(none, flow))
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
            _carry(edge_p[e], edge_q[e], flow, none, left, size)
        for k in range(len(diode_p)):
            _carry(diode_p[k], diode_q[k], load(flows, k * W), none, left, size)
        for lane in range(min(W, count - first)):
            least, most = 1e-300, 0.0
            for k in range(1, n + 1):
                least = max(least, 1e-6 * size[k, lane])
            for k in range(1, n + 1):
                relative = abs(left[k, lane]) / (size[k, lane] + least)
                if not relative <= most:  # nor does a NaN get lost
                    most = relative
            worst[first + lane] = most


@loops
def rectified(ends, ohms, around, drop_of, x, current, on, limits, found):  # type: ignore[no-untyped-def]
    """Judge the rectifiers of each point.

    Parameters
    ----------
    around : ndarray, shape (m,)
        Conductances at their ends, S.
    limits : (float, float, float)
        Relative to the largest voltage: what a law may leave over, what touches, and what
        contradicts.
    found : tuple of ndarray of bool, shapes (S,), (S,) and (S, m)
        Set to where all obey their laws, where one has neither current nor voltage left to its
        drop, and which contradict their states in `on`.
    """
    (p, q), (tight, near, fine) = ends, limits
    lawful, touching, wrong = found
    for s in range(len(x)):
        volts, most = 0.0, 0.0
        for k in range(x.shape[1]):
            volts = max(volts, abs(x[s, k]))
        for k in range(len(p)):
            most = max(most, abs(drop_of[s, k]))
        volts = max(volts + most, 1e-300)
        obeys, touches = True, False
        for k in range(len(p)):
            high = x[s, p[k] - 1] if p[k] > 0 else 0.0
            low = x[s, q[k] - 1] if q[k] > 0 else 0.0
            above, flow = high - low - drop_of[s, k], current[s, k]
            wrong[s, k] = (-flow / around[k] if on[s, k] else above) > fine * volts
            flow = max(flow, 0.0)
            gap, span = ohms[k] * flow - above, tight * (volts + ohms[k] * flow)
            obeys &= gap >= -span and (gap <= span or flow == 0.0)  # which a NaN does not
            touches |= max(flow / around[k], abs(gap)) <= near * volts
        lawful[s], touching[s] = obeys, touches
