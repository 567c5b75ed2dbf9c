"""Compiled loops of Newton's method, and nothing else."""

from __future__ import annotations

import numpy as np

from ..compiled.kernels import kernel
from ..graph.problem import EPS
from .linear.contracted import TINY


@kernel
def balance(x, low, p, q, conductance, emf, injection, turnover):  # type: ignore[no-untyped-def]
    """Return edge currents, and what is left over and its size at each coordinate."""
    excess = injection.copy()
    size = turnover.copy()
    flow = np.empty(len(p))
    for k in range(len(p)):
        a, b = p[k], q[k]
        s = x[a] - x[b]
        t = s - x[a]
        error = (x[a] - (s - t)) - (x[b] + t)
        i = conductance[k] * ((s - emf[k]) + (error + (low[a] - low[b])))
        flow[k] = i
        excess[a] -= i
        excess[b] += i
        size[a] += abs(i)
        size[b] += abs(i)
    return flow, excess, size


@kernel
def contradictions(  # type: ignore[no-untyped-def]
    x, low, noise, blur, below,
    p, q, drop, on,
    tie, parent, edge, in_tree,
    soft, soft_current, speed,
):  # fmt: skip
    """Compare a solution with what was guessed; see `newton._contradictions`."""
    m = len(on)
    current = np.zeros(m)
    slack = np.zeros(m)
    redundant = np.zeros(m, dtype=np.bool_)
    marginal = np.empty(m, dtype=np.bool_)
    violation = np.empty(m)
    # one value for all or one for each
    noisy, blurred = min(len(noise) - 1, 1), min(len(blur) - 1, 1)
    for a in range(len(parent)):
        if parent[a] >= 0:
            k = tie[edge[a]]
            current[k] = below[a] if p[k] == a else -below[a]
            slack[k] = 16 * noise[noisy * a]
    for j in range(len(soft)):
        k = soft[j]
        current[k] = soft_current[j]
        slack[k] = 16 * (noise[noisy * p[k]] + noise[noisy * q[k]])
    for j in range(len(tie)):
        redundant[tie[j]] = not in_tree[j]
    for k in range(m):
        a, b = p[k], q[k]
        if abs(current[k]) <= slack[k]:
            current[k] = 0.0
        s = x[a] - x[b]
        t = s - x[a]
        error = (x[a] - (s - t)) - (x[b] + t)
        above = (s - drop[k]) + (error + (low[a] - low[b]))
        rounding = 16 * EPS * (abs(x[a]) + abs(x[b]) + abs(drop[k])) + TINY
        if len(speed):
            faster = speed[a] - speed[b]
            if faster != 0.0:
                above = np.inf if faster > 0.0 else -np.inf
        marginal[k] = not on[k] and above > rounding
        if on[k] and not redundant[k]:
            violation[k] = -current[k] / (slack[k] + TINY)
        else:
            violation[k] = above / (rounding + 16 * (blur[blurred * a] + blur[blurred * b]))
    return current, violation, redundant, marginal
