"""Compiled loops over lanes: several problems on one graph, side by side in vectors.

Arrays that hold one vector of `LANES` numbers per entry are flat; importing this module
imports numba.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from ..compiled.kernels import kernel

#: Problems side by side: the doubles of a 512-bit register.
LANES = 8


def _multiply_add(context, target, t, one, a, other, b):  # type: ignore[no-untyped-def]
    """Compute ``target[t] += one[a] * other[b]`` on vectors.

    A loop over lanes would be checked for overlapping arrays at each entry, which takes
    several times as long.
    """
    signature = types.void(target, types.intp, one, types.intp, other, types.intp)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = ir.VectorType(ir.DoubleType(), LANES)

        def place(k: int) -> Any:
            array = context.make_array(signature.args[k])(context, builder, args[k])
            offset = builder.mul(args[k + 1], ir.Constant(args[k + 1].type, LANES))
            return builder.bitcast(builder.gep(array.data, [offset]), vector.as_pointer())

        result = place(0)
        old, x, y = (builder.load(where, align=8) for where in (result, place(2), place(4)))
        builder.store(builder.fadd(old, builder.fmul(x, y)), result, align=8)
        return context.get_dummy_value()

    return signature, generate


multiply_add: Any = intrinsic(_multiply_add)


@kernel
def factor(ptr, row, target, weight, ground, share, pivot, bad):  # type: ignore[no-untyped-def]
    """Eliminate node by node without a subtraction (Grassmann, Taksar and Heyman 1985).

    `weight` holds the conductances of the pattern's entries, `ground` those to the reference;
    both are overwritten.  A node connected to nothing makes its lane `bad`.
    """
    total = np.empty(LANES)
    pair = 0
    for k in range(len(ptr) - 1):
        for lane in range(LANES):
            total[lane] = ground[k * LANES + lane]
        for a in range(ptr[k], ptr[k + 1]):
            for lane in range(LANES):
                total[lane] += weight[a * LANES + lane]
        for lane in range(LANES):
            if not total[lane] > 0.0:
                bad[lane] = True
                total[lane] = 1.0
            pivot[k * LANES + lane] = total[lane]
            total[lane] = 1.0 / total[lane]
        for a in range(ptr[k], ptr[k + 1]):
            for lane in range(LANES):
                share[a * LANES + lane] = weight[a * LANES + lane] * total[lane]
        for a in range(ptr[k], ptr[k + 1]):
            multiply_add(ground, row[a], share, a, ground, k)
            for b in range(a + 1, ptr[k + 1]):
                multiply_add(weight, target[pair], share, a, weight, b)
                pair += 1


@kernel
def substitute(ptr, row, share, pivot, y):  # type: ignore[no-untyped-def]
    """Solve with the factor in place; ``y[n]``, the reference, becomes zero."""
    n = len(ptr) - 1
    for k in range(n):
        for a in range(ptr[k], ptr[k + 1]):
            multiply_add(y, row[a], share, a, y, k)
    y[n * LANES : (n + 1) * LANES] = 0.0
    for k in range(n - 1, -1, -1):
        for lane in range(LANES):
            y[k * LANES + lane] /= pivot[k * LANES + lane]
        for a in range(ptr[k], ptr[k + 1]):
            multiply_add(y, k, share, a, y, row[a])


@kernel
def add_conductances(slot, g, first, weight, ground):  # type: ignore[no-untyped-def]
    """Add conductances, shape (e, S), of some columns to the entries of a pattern."""
    for k in range(len(slot)):
        s = slot[k]
        for lane in range(LANES):
            if s >= 0:
                weight[s * LANES + lane] += g[k, first + lane]
            else:
                ground[(-1 - s) * LANES + lane] += g[k, first + lane]


@kernel
def leave(p, q, g, emf, injection, x, first, y):  # type: ignore[no-untyped-def]
    """Set y to the current left over at each node: injected, and not carried off by edges."""
    for k in range(injection.shape[0] - 1):
        for lane in range(LANES):
            y[k * LANES + lane] = injection[k, first + lane]
    for k in range(len(p)):
        a, b = p[k], q[k]
        for lane in range(LANES):
            at = first + lane
            flow = g[k, at] * (x[a, at] - x[b, at] - emf[k, at])
            y[a * LANES + lane] -= flow
            y[b * LANES + lane] += flow


@kernel
def rectify(p, q, stiff, drop, resistance, x, current, first, y, gap):  # type: ignore[no-untyped-def]
    """Add to y what rectifiers carry and still lack; `stiff` is zero where they block."""
    for k in range(len(p)):
        a, b = p[k], q[k]
        for lane in range(LANES):
            at = first + lane
            missing = drop[k, at] + resistance[k] * current[k, at] - (x[a, at] - x[b, at])
            gap[k * LANES + lane] = missing
            fed = stiff[k, at] * missing - current[k, at]
            y[a * LANES + lane] += fed
            y[b * LANES + lane] -= fed


@kernel
def advance(p, q, stiff, first, y, gap, x, current):  # type: ignore[no-untyped-def]
    """Add a solution y to the coordinates, and what follows from it to the currents."""
    for k in range(x.shape[0] - 1):
        for lane in range(LANES):
            x[k, first + lane] += y[k * LANES + lane]
    for k in range(len(p)):
        a, b = p[k], q[k]
        for lane in range(LANES):
            rise = y[a * LANES + lane] - y[b * LANES + lane]
            current[k, first + lane] += stiff[k, first + lane] * (rise - gap[k * LANES + lane])


_factor, _substitute, _add = factor.compiled, substitute.compiled, add_conductances.compiled
_leave, _rectify, _advance = leave.compiled, rectify.compiled, advance.compiled


@kernel
def solve_lanes(  # type: ignore[no-untyped-def]
    ptr, row, target, edge_slot, p, q, diode_slot, dp, dq,
    g, emf, injection, stiff, drop, resistance, passes,
):  # fmt: skip
    """Solve the linear networks of guesses, one per column.

    A conducting rectifier is a conductance `stiff`, and what its voltage then is above its
    drop is taken back by further passes (method of multipliers): each multiplies the error
    by about the rectifier's resistance 1/stiff over that of the network.  Where `stiff` is
    zero it blocks.

    Returns coordinates (by place) and rectifier currents, shapes (n + 1, S) and (m, S), and
    which columns are singular.
    """
    n, m, count = len(ptr) - 1, len(dp), g.shape[1]
    x, current = np.zeros((n + 1, count)), np.zeros((m, count))
    singular = np.zeros(count, dtype=np.bool_)
    weight, share = np.empty(len(row) * LANES), np.empty(len(row) * LANES)
    ground, pivot = np.empty(n * LANES), np.empty(n * LANES)
    y, gap = np.empty((n + 1) * LANES), np.empty(m * LANES)
    for first in range(0, count, LANES):
        weight[:] = 0.0
        ground[:] = 0.0
        _add(edge_slot, g, first, weight, ground)
        _add(diode_slot, stiff, first, weight, ground)
        bad = singular[first : first + LANES]
        _factor(ptr, row, target, weight, ground, share, pivot, bad)
        for _pass in range(passes):
            _leave(p, q, g, emf, injection, x, first, y)
            _rectify(dp, dq, stiff, drop, resistance, x, current, first, y, gap)
            _substitute(ptr, row, share, pivot, y)
            _advance(dp, dq, stiff, first, y, gap, x, current)
    return x, current, singular
