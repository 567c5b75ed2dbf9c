"""What is left over at the nodes of a solution, from nothing but the problem."""

from __future__ import annotations

import numpy as np

from ..compiled.kernels import kernel


@kernel
def imbalance(edge_p, edge_q, diode_p, diode_q, conductance, load, x, current):  # type: ignore[no-untyped-def]
    """Return the largest KCL residual of each point relative to the currents there, shape (S,).

    The least that counts is a millionth of the largest current, because what rounding leaves of
    that passes through its neighbours.  Shapes as in `lanes.Data`, conductances common.
    """
    count, n = x.shape
    worst = np.empty(count)
    v, left, size = np.zeros(n + 1), np.empty(n + 1), np.empty(n + 1)
    for s in range(count):
        v[1:] = x[s]
        left[1:] = load[s]
        left[0] = 0.0
        size[:] = np.abs(left)
        for e in range(len(edge_p)):
            a, b = edge_p[e], edge_q[e]
            flow = conductance[e] * (v[a] - v[b])
            left[a] -= flow
            left[b] += flow
            size[a] += abs(flow)
            size[b] += abs(flow)
        for k in range(len(diode_p)):
            a, b, flow = diode_p[k], diode_q[k], current[s, k]
            left[a] -= flow
            left[b] += flow
            size[a] += abs(flow)
            size[b] += abs(flow)
        least, most = 1e-300, 0.0
        for k in range(1, n + 1):
            least = max(least, 1e-6 * size[k])
        for k in range(1, n + 1):
            # not max, which may lose a NaN
            relative = abs(left[k]) / (size[k] + least)
            if not relative <= most:
                most = relative
        worst[s] = most
    return worst
