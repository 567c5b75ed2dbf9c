"""Compiled loops of `lanes`: how outputs react to forces.  Importing this imports numba.

T maps forces at the outputs to what these move.  What a conductance s at each output does follows
from ``(T + 1/s) f = aim``, s negative or infinite included; a few steps of Lanczos' method find f
for all s of a size, and with a clamp as many as there are outputs.
"""

from __future__ import annotations

import numpy as np

from ..compiled.entries import call
from ..compiled.kernels import subloops
from ..compiled.packs import part
from ..solvers.linear.descent import across
from ..solvers.linear.frontal import W
from ._passes import BASIS, OUTPUTS, WORK, leave, move, start

#: a share of f that no longer counts, and one that a single pass is good enough for; what is zero
#: beside the largest of T; what is singular
LAST, SMALL, NOTHING, SINGULAR = 1e-11, 1e-3, 1e-13, 1e-12


@subloops
def feed(pack, force, c):  # type: ignore[no-untyped-def]
    """Set c to injections that forces at the outputs amount to."""
    p, q, at_p, at_q = part(pack, OUTPUTS)
    c[:] = 0.0
    for o in range(len(p)):
        for lane in range(W):
            c[p[o], lane] += at_p[o] * force[o, lane]
            c[q[o], lane] -= at_q[o] * force[o, lane]


@subloops
def _part(vectors, k, target, lane, sign):  # type: ignore[no-untyped-def]
    """Return the product of vector k and a target in a lane, and take it out if asked to."""
    total = 0.0
    for o in range(len(target)):
        total += vectors[k, o, lane] * target[o, lane]
    for o in range(len(target)):
        target[o, lane] -= sign * total * vectors[k, o, lane]
    return total


@subloops
def _take(source, lane, target):  # type: ignore[no-untyped-def]
    for k in range(len(source)):
        target[k, lane] = source[k, lane]


@subloops
def lanczos(pack, values, factors, aim, shift, fresh, ways, shared):  # type: ignore[no-untyped-def]
    """Find vectors v_k in which T is tridiagonal, from the aim on, and the states they make.

    Enough for forces with ``(T + s) f = aim`` if s is `shift` or more, either way; with `fresh`
    factors or those that there are.  Tell whether there was room for all states that takes.
    """
    basis, (x, _, current, _, _, _) = part(pack, BASIS), part(pack, WORK)
    vectors, states, flows, diagonal, beside, size, left, source, still, reached = basis[:10]
    for lane in range(W):
        total = 0.0
        for o in range(len(aim)):
            total += aim[o, lane] ** 2
        beside[0, lane] = np.sqrt(total)
        size[lane], left[lane] = 0, 1.0 if total > 0.0 else 0.0
        for o in range(len(aim)):
            vectors[0, o, lane] = aim[o, lane] / beside[0, lane] if total > 0.0 else 0.0
    for k in range(len(states)):
        feed(pack, vectors[k], source)
        most, least = 0.0, 1.0
        for lane in range(W):
            most, least = max(most, left[lane]), min(least, left[lane])
        for number in range(2 if most > SMALL else 1):
            if number == 0:
                start(pack, source)
            else:
                leave(pack, values, source)
            renewed = fresh and k == 0 and number == 0
            call(ways[0], None, pack, values, factors, still, renewed, ways, shared)
            if number == 0 or least > SMALL:
                move(x, states[k])
                move(current, flows[k])
                continue
            for lane in range(W):
                if left[lane] > SMALL:
                    _take(x, lane, states[k])
                    _take(current, lane, flows[k])
        across(part(pack, OUTPUTS), states[k], reached)
        going = False
        for lane in range(W):
            if k + 1 < len(vectors):
                vectors[k + 1, :, lane] = 0.0
            if left[lane] == 0.0:
                continue
            size[lane] = k + 1
            diagonal[k, lane] = _part(vectors, k, reached, lane, 1.0)
            for _again in range(2):  # for rounding
                for j in range(k + 1):
                    _part(vectors, j, reached, lane, 1.0)
            total = 0.0
            for o in range(len(reached)):
                total += reached[o, lane] ** 2
            norm = np.sqrt(total)
            left[lane] *= min(1.0, norm / shift) if shift > 0.0 else 1.0
            if norm <= NOTHING * diagonal[0, lane] or left[lane] < LAST:
                left[lane] = 0.0
            elif k + 1 < len(vectors):
                going = True
                beside[k + 1, lane] = norm
                for o in range(len(reached)):
                    vectors[k + 1, o, lane] = reached[o, lane] / norm
        if not going:
            return True
    return len(states) == 0 or len(states) == len(vectors)


@subloops
def forces(pack, lane, shift, force):  # type: ignore[no-untyped-def]
    """Set the forces of a lane, and each vector's share in them; tell if T + shift is definite.

    The tridiagonal system is solved by elimination.
    """
    basis = part(pack, BASIS)
    vectors, _, _, diagonal, beside, size = basis[:6]
    share, pivot = basis[10], basis[11]
    count, definite, sign = size[lane], True, 1.0 if shift >= 0.0 else -1.0
    force[:] = 0.0
    share[:, lane] = 0.0
    for k in range(count):
        share[k, lane] = beside[0, lane] if k == 0 else 0.0
        pivot[k] = diagonal[k, lane] + shift
        if k > 0:
            factor = beside[k, lane] / pivot[k - 1]
            pivot[k] -= factor * beside[k, lane]
            share[k, lane] -= factor * share[k - 1, lane]
        definite &= sign * pivot[k] > SINGULAR * max(diagonal[0, lane], abs(shift))
    for k in range(count - 1, -1, -1):
        after = beside[k + 1, lane] * share[k + 1, lane] if k + 1 < count else 0.0
        share[k, lane] = (share[k, lane] - after) / pivot[k]
        for o in range(len(force)):
            force[o] += share[k, lane] * vectors[k, o, lane]
    return definite


@subloops
def combine(pack):  # type: ignore[no-untyped-def]
    """Add to states and currents what the forces of all lanes do."""
    basis, (x, _, current, _, _, _) = part(pack, BASIS), part(pack, WORK)
    _, states, flows, _, _, size = basis[:6]
    share, most = basis[10], 0
    for lane in range(W):
        most = max(most, size[lane])
    for k in range(most):
        for i in range(len(x)):
            for lane in range(W):
                x[i, lane] += share[k, lane] * states[k, i, lane]
        for i in range(len(current)):
            for lane in range(W):
                current[i, lane] += share[k, lane] * flows[k, i, lane]
