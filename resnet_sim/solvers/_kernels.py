"""Compiled inner loops, and nothing else."""

from __future__ import annotations

import numpy as np

from ..kernels import kernel
from ..problem import EPS
from .merged import TINY


@kernel
def cluster_sweeps(  # type: ignore[no-untyped-def]
    x, tight,
    edge_ptr, edge, edge_other, edge_end,
    hard_ptr, hard, hard_other, hard_end,
    soft_ptr, soft, soft_other, soft_end,
    conductance, emf, injection, turnover,
    drop, resistance,
    relaxation, sweeps,
):  # fmt: skip
    """Sweep over all clusters; changes `x` and `tight` (the forest of tight rectifiers)."""
    n = len(x)
    order = np.empty(n, dtype=np.int64)
    parent = np.empty(n, dtype=np.int64)
    tie = np.empty(n, dtype=np.int64)
    tie_end = np.empty(n, dtype=np.int64)
    excess = np.empty(n)
    noise = np.empty(n)
    piece = np.empty(n, dtype=np.int64)
    cluster = np.empty(n, dtype=np.int64)
    for _sweep in range(sweeps):
        cluster[:] = -1
        for k in range(n):
            piece[k] = k
        for start in range(n):
            if cluster[start] >= 0:
                continue
            # breadth first through tight rectifiers: one cluster, that of the reference first
            order[0] = start
            parent[start] = -1
            tie[start] = -1
            cluster[start] = start
            head, end = 0, 1
            while head < end:
                a = order[head]
                head += 1
                for j in range(hard_ptr[a], hard_ptr[a + 1]):
                    b = hard_other[j]
                    if not tight[hard[j]] or hard[j] == tie[a]:
                        continue
                    gap = drop[hard[j]] - hard_end[j] * (x[a] - x[b])
                    if gap > 1e-11 * (abs(x[a]) + abs(x[b]) + abs(drop[hard[j]])):
                        # closed a loop that has been cut open since
                        tight[hard[j]] = False
                    elif cluster[b] == start:
                        # closes a loop, which must not hold together what is cut elsewhere
                        tight[hard[j]] = False
                    elif cluster[b] < 0:
                        cluster[b] = start
                        parent[b] = a
                        tie[b] = hard[j]
                        tie_end[b] = -hard_end[j]  # +1 if b is the anode of its tie
                        order[end] = b
                        end += 1
            # what is left over at each coordinate
            for h in range(end):
                a = order[h]
                total = injection[a]
                size = turnover[a]
                for j in range(edge_ptr[a], edge_ptr[a + 1]):
                    k = edge[j]
                    b = edge_other[j]
                    i = conductance[k] * (x[a] - x[b] - edge_end[j] * emf[k])
                    total -= i
                    # rounding of the voltages moves a current by this, however small it is
                    size += abs(i) + 0.5 * conductance[k] * (abs(x[a]) + abs(x[b]))
                for j in range(soft_ptr[a], soft_ptr[a + 1]):
                    k = soft[j]
                    above = soft_end[j] * (x[a] - x[soft_other[j]]) - drop[k]
                    if above > 0.0:
                        i = above / resistance[k]
                        total -= soft_end[j] * i
                        size += i
                excess[a] = total
                noise[a] = 1e-15 * size
            # cut subtrees that would drive their tie backwards
            for h in range(end - 1, 0, -1):
                a = order[h]
                if tie_end[a] * excess[a] < -noise[a]:
                    tight[tie[a]] = False
                    parent[a] = -1
                else:
                    excess[parent[a]] += excess[a]
                    noise[parent[a]] += noise[a]
            for h in range(end):
                a = order[h]
                piece[a] = a if parent[a] < 0 else piece[parent[a]]
            # move the pieces, each to its minimum or until something blocks it; what was cut
            # goes first, and if that is held by another tie at once, the rest must wait, or
            # the two would block each other for ever
            held = False
            for h in range(end - 1, -1, -1):
                root = order[h]
                if parent[root] >= 0 or piece[0] == root or held:
                    continue
                slope = 0.0
                stiffness = 0.0
                noisy = 0.0
                bends = False
                last = h
                for g in range(h, end):
                    a = order[g]
                    if piece[a] != root:
                        continue
                    last = g
                    slope += injection[a]
                    noisy += turnover[a]
                    for j in range(edge_ptr[a], edge_ptr[a + 1]):
                        b = edge_other[j]
                        if piece[b] == root and b != a:
                            continue
                        k = edge[j]
                        i = conductance[k] * (x[a] - x[b] - edge_end[j] * emf[k])
                        slope -= i
                        noisy += abs(i)
                        if b != a:
                            stiffness += conductance[k]
                    for j in range(soft_ptr[a], soft_ptr[a + 1]):
                        if piece[soft_other[j]] != root:
                            bends = True
                # exact line search; without soft rectifiers one step of it
                step = 0.0
                blocking = joined = -1
                limit = np.inf
                for attempt in range(30):
                    rest = slope - stiffness * step
                    steep = stiffness
                    if bends:
                        for g in range(h, last + 1):
                            a = order[g]
                            if piece[a] != root:
                                continue
                            for j in range(soft_ptr[a], soft_ptr[a + 1]):
                                b = soft_other[j]
                                if piece[b] == root:
                                    continue
                                k = soft[j]
                                above = soft_end[j] * (x[a] + step - x[b]) - drop[k]
                                if above > 0.0 or (above == 0.0 and soft_end[j] * rest > 0.0):
                                    rest -= soft_end[j] * above / resistance[k]
                                    steep += 1.0 / resistance[k]
                    if abs(rest) <= 1e-15 * noisy:
                        break
                    if attempt == 0:
                        # the direction is known: what blocks it?
                        up = rest > 0.0
                        for g in range(h, last + 1):
                            a = order[g]
                            if piece[a] != root:
                                continue
                            for j in range(hard_ptr[a], hard_ptr[a + 1]):
                                b = hard_other[j]
                                if piece[b] == root or (hard_end[j] > 0) != up:
                                    continue
                                gap = drop[hard[j]] - hard_end[j] * (x[a] - x[b])
                                if gap < limit:
                                    limit = max(gap, 0.0)
                                    blocking = hard[j]
                                    joined = b
                    if steep == 0.0:
                        if bends and limit == np.inf:
                            # move on to the nearest knee
                            ahead = np.inf
                            for g in range(h, last + 1):
                                a = order[g]
                                if piece[a] != root:
                                    continue
                                for j in range(soft_ptr[a], soft_ptr[a + 1]):
                                    b = soft_other[j]
                                    if piece[b] == root or (soft_end[j] > 0) != (rest > 0.0):
                                        continue
                                    away = drop[soft[j]] - soft_end[j] * (x[a] + step - x[b])
                                    if away < ahead:
                                        ahead = away
                            if ahead == np.inf:
                                break
                            ahead = ahead * (1.0 + 1e-12) + 1e-15
                            step += ahead if rest > 0.0 else -ahead
                            continue
                        step = np.inf if rest > 0.0 else -np.inf
                    else:
                        step += rest / steep
                    if abs(step) >= limit or not bends:
                        break
                if not bends:
                    step *= relaxation
                if step == 0.0:
                    continue
                hit = abs(step) >= limit
                if hit:
                    step = limit if step > 0.0 else -limit
                if abs(step) == np.inf:
                    continue
                for g in range(h, last + 1):
                    if piece[order[g]] == root:
                        x[order[g]] += step
                if hit:
                    tight[blocking] = True
                    held = cluster[joined] == start and limit == 0.0


@kernel
def incidence(n, p, q):  # type: ignore[no-untyped-def]
    """Return the branches at each node, first those that leave it: ptr, branch, other end, +-1."""
    ptr = np.zeros(n + 1, dtype=np.int64)
    for k in range(len(p)):
        ptr[p[k] + 1] += 1
        ptr[q[k] + 1] += 1
    for k in range(n):
        ptr[k + 1] += ptr[k]
    fill = ptr[:-1].copy()
    branch = np.empty(2 * len(p), dtype=np.int64)
    other = np.empty(2 * len(p), dtype=np.int64)
    sign = np.empty(2 * len(p), dtype=np.int64)
    for k in range(len(p)):
        place = fill[p[k]]
        branch[place], other[place], sign[place] = k, q[k], 1
        fill[p[k]] += 1
    for k in range(len(p)):
        place = fill[q[k]]
        branch[place], other[place], sign[place] = k, p[k], -1
        fill[q[k]] += 1
    return ptr, branch, other, sign


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
