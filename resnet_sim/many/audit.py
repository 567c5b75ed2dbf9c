"""What is left over at the nodes of a solution and across its rectifiers, by the problem alone."""

from __future__ import annotations

import numpy as np

from ..compiled.kernels import inserted, loops, subloops
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


@inserted
def imbalance(  # type: ignore[no-untyped-def]
    edges, diodes, outputs, conductance, load_of, size_of, x, current, force, room, rows, worst
):
    """Set the largest KCL residual of points relative to the currents there, shape (S,).

    The least that counts is a millionth of the largest current, because what rounding leaves of
    that passes through its neighbours.  Shapes as in `lanes.Data`, conductances common; loads
    were summed from what is as large as `size_of`, without what a `force` feeds into the outputs;
    `room` is for eight points.  `rows` are the first of the points that are meant, the last, and
    that whose data come first.
    """
    (edge_p, edge_q), (diode_p, diode_q), (out_p, out_q, at_p, at_q) = edges, diodes, outputs
    v, left, size, flows, zeros = room
    n, count = x.shape[1], rows[1]
    none = load(zeros, 0)
    for first in range(rows[0], count, W):
        v[0], left[0], size[0] = 0.0, 0.0, 0.0
        # all lanes of a node at once: they share a line of the cache
        for k in range(n):
            for lane in range(W):
                s = min(first + lane, count - 1)
                v[k + 1, lane], left[k + 1, lane] = x[s, k], load_of[s - rows[2], k]
                size[k + 1, lane] = abs(size_of[s - rows[2], k])
        for o in range(force.shape[1]):
            for lane in range(W):
                f = force[min(first + lane, count - 1), o]
                left[out_p[o], lane] += at_p[o] * f
                left[out_q[o], lane] -= at_q[o] * f
                size[out_p[o], lane] += abs(at_p[o] * f)
                size[out_q[o], lane] += abs(at_q[o] * f)
        for k in range(len(diode_p)):
            for lane in range(W):
                flows[k, lane] = current[min(first + lane, count - 1), k]
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


@subloops
def _peak(row):  # type: ignore[no-untyped-def]
    """Return the largest size in a row; four at a time, which don't wait for each other."""
    a = b = c = d = lost = 0.0
    n = len(row)
    for k in range(0, n - 3, 4):
        a, b = max(a, abs(row[k])), max(b, abs(row[k + 1]))
        c, d = max(c, abs(row[k + 2])), max(d, abs(row[k + 3]))
        # a NaN does not get lost
        lost += 0.0 * ((row[k] + row[k + 1]) + (row[k + 2] + row[k + 3]))
    for k in range(n - n % 4, n):
        a, lost = max(a, abs(row[k])), lost + 0.0 * row[k]
    return max(max(a, b), max(c, d)) + lost


@subloops
def _largest(x, drops, s):  # type: ignore[no-untyped-def]
    """Return the largest voltage of a point with such drops."""
    return _peak(x[s]) + _peak(drops) + 1e-300


@subloops
def _rise(x, s, p, q):  # type: ignore[no-untyped-def]
    """Return the voltage between two coordinates of a point, 0 being the reference."""
    # numba asks of signed numbers whether they are
    high = x[s, np.uint64(p - 1)] if p > 0 else 0.0
    return high - (x[s, np.uint64(q - 1)] if q > 0 else 0.0)


@inserted
def rectified(ends, ohms, around, drop_of, x, current, on, limits, rows, found):  # type: ignore[no-untyped-def]
    """Judge the rectifiers of points, `rows` as above.

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
    p, q = ends
    lawful, touching, wrong = found
    for s in range(rows[0], rows[1]):
        drops, obeys, touches = drop_of[s - rows[2]], True, False
        volts = _largest(x, drops, s)
        near, fine = limits[1] * volts, limits[2] * volts
        for k in range(len(p)):
            above, flow = _rise(x, s, p[k], q[k]) - drops[k], current[s, k]
            wrong[s, k] = -flow > fine * around[k] if on[s, k] else above > fine
            flow = max(flow, 0.0)
            fall = ohms[k] * flow
            gap, span = fall - above, limits[0] * (volts + fall)
            # which a NaN does not
            obeys &= (gap >= -span) & ((gap <= span) | (flow == 0.0))
            touches |= (flow <= near * around[k]) & (abs(gap) <= near)
        lawful[s], touching[s] = obeys, touches


@loops
def judge(edges, diodes, outputs, tables, states, conductance, room, limits, rows, found):  # type: ignore[no-untyped-def]
    """Do both for some points, at once: threads that share them out need the interpreter once.

    `diodes` are their ends, ohms and conductances around; `tables` loads, what these were summed
    from, and drops; `states` voltages, currents, what conducts, and forces at the `outputs`.
    """
    (ends, ohms, around), (loads, sizes, drops) = diodes, tables
    x, current, on, force = states
    rectified(ends, ohms, around, drops, x, current, on, limits, rows, found[:3])
    imbalance(
        edges, ends, outputs, conductance, loads, sizes, x, current, force, room, rows, found[3]
    )


@loops
def shifted(diodes, around, drop_of, state, change, sign, fine, points, found):  # type: ignore[no-untyped-def]
    """Add `sign` times a change to states, with rectifiers as they are, and judge what comes out.

    For some of the points, -1 for none; there may be several changes of the same states, one after
    the other.
    `found` are voltages, currents (none below zero), sets in which what contradicts its state has
    flipped, and whether nothing has; relative to the largest voltage, `fine` contradicts.
    """
    (p, q), (base, flows, on_of) = diodes, state
    x, current, on, settled = found
    for first in range(0, len(x), max(len(base), 1)):
        for own in points:
            if own < 0:
                continue
            s = first + own
            for k in range(x.shape[1]):
                x[s, k] = base[own, k] + sign * change[0][s, k]
            high = fine * _largest(x, drop_of[own], s)
            for k in range(len(p)):
                above = _rise(x, s, p[k], q[k]) - drop_of[own, k]
                flow = flows[own, k] + sign * change[1][s, k]
                off = -flow > high * around[k] if on_of[own, k] else above > high
                current[s, k], on[s, k] = max(flow, 0.0), on_of[own, k] != off
                settled[s] &= not off


@subloops
def _root(root, k):  # type: ignore[no-untyped-def]
    while root[k] != k:
        root[k] = root[root[k]]
        k = root[k]
    return k


@loops
def on_knees(diodes, drop_of, x, current, near, points, root, found):  # type: ignore[no-untyped-def]
    """Set the first rectifier of some points that is on its knee, -1 for none, see `states.knees`.

    `root` is for all coordinates and the reference.
    """
    (p, q), ohms, around = diodes
    for s in points:
        high, told = near * _largest(x, drop_of[s], s), False
        for k in range(len(p)):
            gap = drop_of[s, k] + ohms[k] * current[s, k] - _rise(x, s, p[k], q[k])
            if not (abs(current[s, k]) <= high * around[k] and abs(gap) <= high):
                continue
            if not told:
                for j in range(len(root)):
                    root[j] = j
                for j in range(len(p)):
                    if current[s, j] > high * around[j]:
                        root[_root(root, p[j])] = _root(root, q[j])
                told = True
            if _root(root, p[k]) != _root(root, q[k]):
                found[s] = k
                break
