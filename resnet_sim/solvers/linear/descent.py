"""Compiled loops of conjugate gradients, sixteen networks on one graph at a time.

A vector of float32 holds one number of each of the sixteen; no lane knows of the others.  `plan`
is that of `stiff.Stiff`.  Arrays of nodes have a row more, for the reference, which is zero.
Importing this imports numba.
"""

from __future__ import annotations

import numpy as np

from ...compiled.kernels import compiled, loops, subloops
from ...compiled.vectors import add, broadcast, fma, inverse, load, maximum, mul, store, sub

#: float32 in a vector, and float64
W, HALF = 16, 8


@compiled
def factorise(plan, diagonal, siemens, entry, turn):  # type: ignore[no-untyped-def]
    """Eliminate all nodes of the branches, and of each diagonal to the reference.

    No subtraction: see `frontal`.  Negative conductances are left out.

    Parameters
    ----------
    diagonal : ndarray, shape (n,)
    siemens : ndarray, shape (branches, 16)
    entry, turn : ndarray
        The factors, and the inverse of the sum of each column, to be filled; the last row of
        `turn` is zero.
    """
    (ptr, row, pair, target), _, (p, q, _, _), (slot, share, share_p, share_q) = plan
    none = load(turn, len(diagonal) * W)
    for e in range(len(entry)):
        store(entry, e * W, none)
    for k in range(len(diagonal)):
        store(turn, k * W, broadcast(diagonal, k))
    for b in range(len(p)):
        flow = maximum(load(siemens, b * W), none)
        place = slot[b] * W
        store(entry, place, fma(broadcast(share, b), flow, load(entry, place)))
        place = p[b] * W
        store(turn, place, fma(broadcast(share_p, b), flow, load(turn, place)))
        place = q[b] * W
        store(turn, place, fma(broadcast(share_q, b), flow, load(turn, place)))
    for k in range(len(diagonal)):
        ground = load(turn, k * W)
        total = ground
        for e in range(ptr[k], ptr[k + 1]):
            total = add(total, load(entry, e * W))
        total = inverse(total)
        store(turn, k * W, total)
        t = pair[k]
        for e in range(ptr[k], ptr[k + 1]):
            part, place = mul(load(entry, e * W), total), row[e] * W
            store(turn, place, fma(part, ground, load(turn, place)))
            for f in range(e + 1, ptr[k + 1]):
                place = target[t] * W
                store(entry, place, fma(part, load(entry, f * W), load(entry, place)))
                t += 1


@subloops
def _multiply(rows, branches, diagonal, siemens, x, product):  # type: ignore[no-untyped-def]
    """Set the product of the network's matrix with x; return that with x again."""
    first, other, weight = rows
    p, q, at_p, at_q = branches
    n = len(diagonal)
    total = load(x, n * W)
    for k in range(n):
        own = load(x, k * W)
        value = mul(broadcast(diagonal, k), own)
        for e in range(first[k], first[k + 1]):
            value = fma(broadcast(weight, e), load(x, other[e] * W), value)
        store(product, k * W, value)
        total = fma(own, value, total)
    for b in range(len(p)):
        a, c = p[b] * W, q[b] * W
        rise = sub(mul(broadcast(at_p, b), load(x, a)), mul(broadcast(at_q, b), load(x, c)))
        flow = mul(load(siemens, b * W), rise)
        store(product, a, fma(broadcast(at_p, b), flow, load(product, a)))
        store(product, c, sub(load(product, c), mul(broadcast(at_q, b), flow)))
        total = fma(flow, rise, total)
    return total


@subloops
def _step(plan, entry, turn, size, vectors):  # type: ignore[no-untyped-def]
    """Go a step, and apply the factors to what is left; return the product of both."""
    (ptr, row, _, _), (back, column, where), _, _ = plan
    x, left, way, product, z = vectors
    n = len(back) - 1
    for k in range(n):
        place = k * W
        store(x, place, fma(size, load(way, place), load(x, place)))
        rest = sub(load(left, place), mul(size, load(product, place)))
        store(left, place, rest)
        for e in range(back[k], back[k + 1]):
            rest = fma(load(entry, where[e] * W), load(z, column[e] * W), rest)
        store(z, place, mul(rest, load(turn, place)))
    total = load(left, n * W)
    for k in range(n - 1, -1, -1):
        value = load(z, k * W)
        if ptr[k] < ptr[k + 1]:
            above = load(left, n * W)
            for e in range(ptr[k], ptr[k + 1]):
                above = fma(load(entry, e * W), load(z, row[e] * W), above)
            value = fma(above, load(turn, k * W), value)
            store(z, k * W, value)
        total = fma(load(left, k * W), value, total)
    return total


@compiled
def descend(plan, rows, diagonal, siemens, factors, vectors, looks, tolerance, most):  # type: ignore[no-untyped-def]
    """Solve for x by conjugate gradients with preconditioning; return the iterations.

    Parameters
    ----------
    rows : (ndarray, ndarray, ndarray)
        Where the edges of each node begin, their other ends, and minus their conductances.
    diagonal : ndarray, shape (n,)
    siemens : ndarray, shape (branches, 16)
        Conductances of the branches, beside the edges.
    factors : (ndarray, ndarray)
        Of `factorise`.
    vectors : tuple of ndarray, shape (n + 1, 16)
        x, which is changed and begins as zero; what is left to be solved, changed to what is in
        the end; and three more.
    looks : ndarray, shape (3, 16)
        The first becomes 1 where there is a direction of negative curvature, else 0.
    tolerance : float
        Of what is left, in the norm of the preconditioner, relative.
    """
    x, _, way, product, z = vectors
    entry, turn = factors
    n = len(diagonal)
    none = load(x, n * W)
    goal, energy = np.empty(W), np.empty(W)
    store(looks, 0, none)
    for k in range(n + 1):
        store(way, k * W, none)
        store(product, k * W, none)
    size = none
    for number in range(most + 1):
        store(looks, W, _step(plan, entry, turn, size, vectors))
        going = False
        for lane in range(W):
            value = looks[1, lane]
            looks[2, lane] = 0.0
            if number == 0:
                goal[lane] = tolerance**2 * value
            elif energy[lane] > 0.0:
                looks[2, lane] = value / energy[lane]
            # who is there stays there: a lane must not depend on how long others take
            energy[lane] = value if value > goal[lane] and (number == 0 or energy[lane] > 0) else 0
            if looks[0, lane] > 0.0:
                energy[lane] = 0.0
            going |= energy[lane] > 0.0
        if not going or number == most:
            return number
        ratio = load(looks, 2 * W)
        for k in range(n):
            store(way, k * W, fma(ratio, load(way, k * W), load(z, k * W)))
        store(looks, W, _multiply(rows, plan[2], diagonal, siemens, way, product))
        for lane in range(W):
            value = looks[1, lane]
            looks[2, lane] = 0.0
            if energy[lane] > 0.0:
                if value > 0.0:
                    looks[2, lane] = energy[lane] / value
                else:
                    looks[0, lane], energy[lane] = 1.0, 0.0
        size = load(looks, 2 * W)
        store(product, n * W, none)
    return most


@loops
def leave(rows, siemens, injected, x, left, carried):  # type: ignore[no-untyped-def]
    """Set what is injected at each node and not carried off by edges, and all that flows there.

    In float64, shape (n + 1, 16); the last row, of the reference, is zero.
    """
    first, other, branch = rows
    n = len(first) - 1
    zero = load(x, n * W)
    for k in range(n):
        for half in range(0, W, HALF):
            at = k * W + half
            own, rest = load(x, at), load(injected, at)
            size = maximum(rest, sub(zero, rest))
            for e in range(first[k], first[k + 1]):
                rise = sub(load(x, other[e] * W + half), own)
                flow = mul(broadcast(siemens, branch[e]), rise)
                rest = add(rest, flow)
                size = add(size, maximum(flow, sub(zero, flow)))
            store(left, at, rest)
            store(carried, at, size)


@loops
def across(branches, x, above):  # type: ignore[no-untyped-def]
    """Set ``at_p x_p - at_q x_q`` of each branch, shape (branches, lanes), in float64."""
    p, q, at_p, at_q = branches
    for b in range(len(p)):
        for lane in range(above.shape[1]):
            above[b, lane] = at_p[b] * x[p[b], lane] - at_q[b] * x[q[b], lane]
