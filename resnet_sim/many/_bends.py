"""Compiled loops of `bends`: tangents of curves, and how far off these they leave the curves.

Importing this imports numba.  Arrays of numbers have shape (points, entries).
"""

from __future__ import annotations

from ..compiled.kernels import loops
from ..graph.problem import EPS


@loops
def tangents(p, q, emf, v, i, slope, load):  # type: ignore[no-untyped-def]
    """Make a load one of tangents at points v, i of curves."""
    for s in range(len(load)):
        for k in range(len(p)):
            flow = i[s, k] - slope[s, k] * (v[s, k] + emf[s, k])
            if p[k] > 0:
                load[s, p[k] - 1] -= flow
            if q[k] > 0:
                load[s, q[k] - 1] += flow


@loops
def offer(edges, p, q, emf, siemens, x, v, i, slope, total, r):  # type: ignore[no-untyped-def]
    """Turn points of curves into those of the tangents at x; `r` is that of all else, ohm.

    `total` is room for a number each coordinate.
    """
    edge_p, edge_q = edges
    for s in range(len(x)):
        for k in range(len(total)):
            total[k] = 0.0
        for e in range(len(edge_p)):
            total[edge_p[e]] += abs(siemens[s, e])
            total[edge_q[e]] += abs(siemens[s, e])
        for k in range(len(p)):
            a = x[s, p[k] - 1] if p[k] > 0 else 0.0
            b = x[s, q[k] - 1] if q[k] > 0 else 0.0
            rise = a - b - emf[s, k]
            i[s, k] += slope[s, k] * (rise - v[s, k])
            v[s, k] = rise
            r[s, k] = 0.0
            for end in (p[k], q[k]):
                if end > 0:
                    others = max(total[end] - slope[s, k], EPS * total[end])
                    r[s, k] += 1.0 / max(others, 1e-300)


@loops
def distance(p, q, v, i, next_v, next_i, next_slope, scale, enough, size, off, gap):  # type: ignore[no-untyped-def]
    """Set how far points are off the curves, in units of what is `enough`, and by what power.

    `size` is room for a number each coordinate.
    """
    for s in range(len(v)):
        for k in range(len(size)):
            size[k] = 0.0
        for k in range(len(p)):
            size[p[k]] += abs(i[s, k])
            size[q[k]] += abs(i[s, k])
        worst, power = 0.0, 0.0
        for k in range(len(p)):
            away_v, away_i = abs(next_v[s, k] - v[s, k]), abs(next_i[s, k] - i[s, k])
            loud = max(size[p[k]], size[q[k]])
            few = enough * abs(i[s, k]) + EPS * loud
            few += next_slope[s, k] * (enough * abs(v[s, k]) + EPS * scale[s])
            ratio = (away_i + next_slope[s, k] * away_v) / (few if few > 0.0 else EPS)
            if not ratio <= worst:
                worst = ratio
            power += away_v * away_i
        off[s], gap[s] = worst, power


@loops
def carry(p, q, i, load, size):  # type: ignore[no-untyped-def]
    """Take what curves carry off injections, and add how much that is to a size of both."""
    for s in range(len(load)):
        for k in range(len(p)):
            if p[k] > 0:
                load[s, p[k] - 1] -= i[s, k]
                size[s, p[k] - 1] += abs(i[s, k])
            if q[k] > 0:
                load[s, q[k] - 1] += i[s, k]
                size[s, q[k] - 1] += abs(i[s, k])
