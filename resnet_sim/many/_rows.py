"""Compiled loops of `rows`: problems of many points, and what their solutions amount to.

Importing this imports numba.  Arrays of numbers have shape (points, entries), or (1, entries)
where all points have the same.  Branches are tuples ``element, p, q, sign, row``, of nodes.
"""

from __future__ import annotations

from ..compiled.kernels import loops, subloops
from ..graph.problem import EPS


@loops
def impose(forest, ties, offset):  # type: ignore[no-untyped-def]
    """Set the voltages of nodes where coordinates are zero."""
    child, parent, edge, sign, _ = forest
    for s in range(len(offset)):
        t = s % len(ties)
        for k in range(offset.shape[1]):
            offset[s, k] = 0.0
        for k in range(len(child)):
            offset[s, child[k]] = offset[s, parent[k]] + sign[k] * ties[t, edge[k]]


@loops
def state(offset, amps, siemens, drop, feeds, fed, rectifiers, load, drops):  # type: ignore[no-untyped-def]
    """Set what is injected at the coordinates of a stage, and the drops in these."""
    feed, feed_p, feed_q = feeds
    (_, p, q, _, row), edge_p, edge_q = fed
    _, a, b, _, rectifier = rectifiers
    for s in range(len(offset)):
        j, g, d = s % len(amps), s % len(siemens), s % len(drop)
        for k in range(load.shape[1]):
            load[s, k] = 0.0
        for k in range(len(feed)):
            if feed_q[k] > 0:
                load[s, feed_q[k] - 1] += amps[j, feed[k]]
            if feed_p[k] > 0:
                load[s, feed_p[k] - 1] -= amps[j, feed[k]]
        for k in range(len(p)):
            flow = siemens[g, row[k]] * (offset[s, q[k]] - offset[s, p[k]])
            if edge_p[k] > 0:
                load[s, edge_p[k] - 1] += flow
            if edge_q[k] > 0:
                load[s, edge_q[k] - 1] -= flow
        for k in range(len(a)):
            drops[s, k] = drop[d, rectifier[k]] - (offset[s, a[k]] - offset[s, b[k]])


@subloops
def _difference(x, y, offset_x, offset_y):  # type: ignore[no-untyped-def]
    """Return the difference of ``x + offset_x`` and ``y + offset_y`` to the last digit."""
    rise = x - y
    other = rise - x
    rounding = (x - (rise - other)) + (-y - other)
    return (rise - (offset_y - offset_x)) + rounding


@loops
def amount(x, offset, coordinate, numbers, branches, fixed, forest, room, v, i):  # type: ignore[no-untyped-def]
    """Set the voltages of all nodes and the currents of all elements.

    Ties carry what KCL leaves for them.  What is below the last digit of double-double
    coordinates is zero.
    """
    siemens, amps, drop, current = numbers
    plain, fed, rectifiers, injections = branches
    child, parent, _, sign, tie = forest
    largest, around = 0.0, 0.0
    for s in range(len(x)):
        g, j, d = s % len(siemens), s % len(amps), s % len(drop)
        if s == 0 or len(siemens) > 1:
            largest = 0.0
            for k in range(siemens.shape[1]):
                largest = max(largest, abs(siemens[g, k]))
        high = 0.0
        for k in range(x.shape[1]):
            high = max(high, abs(x[s, k]))
        _, p, q, _, _ = fed
        for k in range(len(p)):
            high = max(high, abs(offset[s, p[k]] - offset[s, q[k]]))
        around = high
        _, p, q, _, row = rectifiers
        for k in range(drop.shape[1]):  # behind them are curves
            around = max(around, abs(drop[d, row[k]] - (offset[s, p[k]] - offset[s, q[k]])))
        least = 16.0 * EPS * EPS * around * largest
        for k in range(len(coordinate)):
            first, second = x[s, coordinate[k]], offset[s, k]
            value = first + second
            nothing = abs(value) <= 16.0 * EPS * EPS * (abs(first) + abs(second))
            room[k] = 0.0
            if k < v.shape[1]:
                v[s, k] = 0.0 if nothing else value
        for k in range(i.shape[1]):
            i[s, k] = 0.0
        element, p, q, turn, row = plain
        for k in range(len(p)):
            siemens_here = siemens[g, row[k]]
            flow = siemens_here * (x[s, coordinate[p[k]]] - x[s, coordinate[q[k]]])
            if abs(flow) <= min(least, 16.0 * EPS * high * abs(siemens_here)):
                flow = 0.0
            i[s, element[k]] += turn[k] * flow
        element, p, q, turn, row = fed
        for k in range(len(p)):
            siemens_here = siemens[g, row[k]]
            flow = siemens_here * _difference(
                x[s, coordinate[p[k]]], x[s, coordinate[q[k]]], offset[s, p[k]], offset[s, q[k]]
            )
            if abs(flow) <= min(least, 16.0 * EPS * high * abs(siemens_here)):
                flow = 0.0
            i[s, element[k]] += turn[k] * flow
            room[p[k]] += flow
            room[q[k]] -= flow
        rows, ohms = fixed
        element, p, q, turn, row = rectifiers
        for k in range(len(rows)):
            above = offset[s, p[rows[k]]] - offset[s, q[rows[k]]] - drop[d, row[rows[k]]]
            current[s, rows[k]] = max(above, 0.0) / ohms[k] if ohms[k] > 0.0 else 0.0
        for k in range(len(p)):
            flow = current[s, k]
            i[s, element[k]] += turn[k] * flow
            room[p[k]] += flow
            room[q[k]] -= flow
        element, p, q, turn, row = injections
        for k in range(len(p)):
            flow = amps[j, row[k]]
            i[s, element[k]] += turn[k] * flow
            room[p[k]] += flow
            room[q[k]] -= flow
        for k in range(len(child) - 1, -1, -1):
            flow = room[child[k]]
            i[s, tie[k]] = -sign[k] * flow
            room[parent[k]] += flow


@loops
def looping(p, q, hard, x, high, drop, tight, on, edges, degree):  # type: ignore[no-untyped-def]
    """Set which ideal rectifiers lie on loops of such, shape (points, rectifiers).

    Of what is `on` or touches its drop, which is then in `edges`; `on` keeps what is in both.
    `high` is the largest voltage of each point.
    """
    for s in range(len(edges)):
        d, again = s % len(drop), True
        for k in range(len(degree)):
            degree[k] = 0
        for k in range(len(p)):
            first = x[s, p[k] - 1] if p[k] > 0 else 0.0
            second = x[s, q[k] - 1] if q[k] > 0 else 0.0
            gap = drop[d, k] - (first - second)
            near = gap <= tight * (high[s] + abs(drop[d, k]))
            edges[s, k] = hard[k] and (on[s, k] or near)
            if edges[s, k]:
                degree[p[k]] += 1
                degree[q[k]] += 1
        # what ends nowhere is on no loop
        while again:
            again = False
            for k in range(len(p)):
                if edges[s, k] and (degree[p[k]] < 2 or degree[q[k]] < 2):
                    edges[s, k] = False
                    degree[p[k]] -= 1
                    degree[q[k]] -= 1
                    again = True
        for k in range(len(p)):
            on[s, k] &= edges[s, k]
