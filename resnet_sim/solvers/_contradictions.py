"""What the solution of a guess says of each rectifier, interpreted and compiled."""

from __future__ import annotations

from functools import partial

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..compiled.kernels import kernel
from ..graph.problem import EPS, difference
from .linear.contracted import TINY


def _by_arrays(
    x: Floats, low: Floats, noise: Floats, blur: Floats, below: Floats,
    p: Ints, q: Ints, drop: Floats, on: Bools,
    tie: Ints, parent: Ints, edge: Ints, in_tree: Bools,
    soft: Ints, soft_current: Floats, speed: Floats,
) -> tuple[Floats, Floats, Bools, Bools]:  # fmt: skip
    current = np.zeros(len(on))
    slack = np.zeros(len(on))
    child = (parent >= 0).nonzero()[0]
    diode = tie[edge[child]]
    current[diode] = np.where(p[diode] == child, below[child], -below[child])
    slack[diode] = 16 * _at(noise, child)
    current[soft] = soft_current
    slack[soft] = 16 * (_at(noise, p[soft]) + _at(noise, q[soft]))
    current[np.abs(current) <= slack] = 0.0
    redundant = np.zeros(len(on), dtype=np.bool_)
    redundant[tie[~in_tree]] = True
    # how far each is above its drop, and the rounding of that
    above = difference(x, low, p, q, drop)
    rounding = 16 * EPS * (np.abs(x[p]) + np.abs(x[q]) + np.abs(drop)) + TINY
    if len(speed):
        faster = speed[p] - speed[q]
        above = np.where(faster > 0, np.inf, np.where(faster < 0, -np.inf, above))
    unknown = rounding + 16 * (_at(blur, p) + _at(blur, q))
    violation = np.where(on & ~redundant, -current / (slack + TINY), above / unknown)
    return current, violation, redundant, ~on & (above > rounding)


def _at(values: Floats, where: Ints) -> Floats:
    """Return ``values[where]``, or the one value there is."""
    return values if len(values) == 1 else values[where]


@partial(kernel, interpreted=_by_arrays)
def contradictions(  # type: ignore[no-untyped-def]
    x, low, noise, blur, below,
    p, q, drop, on,
    tie, parent, edge, in_tree,
    soft, soft_current, speed,
):  # fmt: skip
    """Return current, violation, redundant and marginal of `newton.Trial`.

    `below` is what is left over at each coordinate and all its descendants in the forest;
    `speed` is that of parts without ground, or empty.
    """
    m = len(on)
    current = np.zeros(m)
    slack = np.zeros(m)
    redundant = np.zeros(m, dtype=np.bool_)
    marginal = np.empty(m, dtype=np.bool_)
    violation = np.empty(m)
    # one value for all or one for each: an index times 0 is that of the one value
    noisy, blurred = min(len(noise) - 1, 1), min(len(blur) - 1, 1)
    # the tie to the parent carries what a whole subtree leaves over: KCL of the tree
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
    # one pass for voltages, whose gathers bound it; no sum runs from one rectifier to the next
    for k in range(m):
        a, b = p[k], q[k]
        if abs(current[k]) <= slack[k]:
            current[k] = 0.0
        # two-sum, as in `linear._balance`
        s = x[a] - x[b]
        t = s - x[a]
        error = (x[a] - (s - t)) - (x[b] + t)
        above = (s - drop[k]) + (error + (low[a] - low[b]))
        rounding = 16 * EPS * (abs(x[a]) + abs(x[b]) + abs(drop[k])) + TINY
        if len(speed):
            # parts that move off forever: the gap is decided by how fast, not from where
            faster = speed[a] - speed[b]
            if faster != 0.0:
                above = np.inf if faster > 0.0 else -np.inf
        marginal[k] = not on[k] and above > rounding
        if on[k] and not redundant[k]:
            violation[k] = -current[k] / (slack[k] + TINY)
        else:
            violation[k] = above / (rounding + 16 * (blur[blurred * a] + blur[blurred * b]))
    return current, violation, redundant, marginal
