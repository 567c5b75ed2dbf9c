"""Compiled loops of `borders`: one factor, and what differs by lane.  Importing this imports numba.

A pack of `borders.Borders` holds the factor and its pivots; the rectifiers that are not in it and
their ends, by place; what a unit current through each does to all nodes, eight side by side, and
across each other; and the least pivot that is trusted, relative to the diagonal.
"""

from __future__ import annotations

from typing import Any

from ..compiled.entries import Entry, call, entry
from ..compiled.kernels import loops, subloops
from ..compiled.packs import Pack, part
from ..compiled.vectors import (
    bank_of,
    broadcast,
    broadcast_bank,
    dot,
    fma,
    inverse,
    load,
    load_bank,
    mul,
    store,
    sub,
)
from ..solvers.linear.frontal import W, backward, onward
from ._passes import FACTORS, LANES, SYSTEM, WORK


@loops
def unit_currents(plan, rows, none, factor, pivot, p, q, y):  # type: ignore[no-untyped-def]
    """Set what unit currents between places, up to eight, do to nodes, (nodes, 8), all zeros."""
    first, last = plan[0], len(y) - 1
    low = last
    for k in range(len(p)):
        y[p[k], k] += 1.0
        y[q[k], k] -= 1.0
        low = min(low, p[k], q[k])
    for s in range(len(first) - 1):
        if first[s + 1] > low:  # nothing reaches what was eliminated before
            onward(s, plan, rows, factor, pivot, y)
    backward(plan, rows, none, factor, pivot, y)
    y[last] = 0.0


@subloops
def _eliminate(stiff, which, mutual, own):  # type: ignore[no-untyped-def]
    """Eliminate the currents of rectifiers, of those that are on in a lane.

    Row i is at ``i (i + 1) / 2``: factors with a minus, and the inverse of its pivot.  That is 0 of
    what is off, and where rounding leaves no pivot: others then impose the same voltage.
    """
    for i in range(len(which)):
        row, hard = i * (i + 1) // 2, load(stiff, which[i] * W)
        soft = inverse(hard)
        on = mul(hard, soft)
        total = fma(broadcast(mutual, i * len(which) + i), on, soft)
        for j in range(i):
            above, share = j * (j + 1) // 2, mul(on, broadcast(mutual, i * len(which) + j))
            for k in range(j):
                share = fma(load(own, (row + k) * W), load(own, (above + k) * W), share)
            store(own, (row + j) * W, share)
        for j in range(i):
            share = load(own, (row + j) * W)
            turn = mul(share, load(own, (j * (j + 1) // 2 + j) * W))
            total = sub(total, mul(share, turn))
            store(own, (row + j) * W, sub(sub(turn, turn), turn))
        store(own, (row + i) * W, inverse(total))


@subloops
def correct(pack, values, factors, d, fresh, ways, shared):  # type: ignore[no-untyped-def]
    """Solve for what is missing as `_passes.correct` does, with one factor for all lanes.

    Factors of a lane are its own small system, and room for the currents there.  These are
    unknowns: what stiff conductances would be fed to the ends has no digits beside the rest.
    """
    stiff, zero = part(pack, WORK)[4], load(part(pack, WORK)[5], 0)
    if fresh:
        _, _, which, _, _, _, mutual = part(shared, 0)
        _eliminate(stiff, which, mutual, factors[0])
        for k in range(len(which)):
            store(stiff, which[k] * W, zero)
        factors[1][:] = 1.0  # nothing floats
    call(ways[2], None, pack, values, factors, d, False, ways, shared)


@subloops
def bordered(pack, values, factors, fresh, ways, shared):  # type: ignore[no-untyped-def]
    """Turn what is injected into voltages, and find the currents that are not in the factor."""
    plan, rows = part(pack, SYSTEM)[0], part(pack, SYSTEM)[4]
    _, y, current, gap, _, none = part(pack, WORK)
    own, (factor, pivot, which, p, q, moved, _) = factors[0], part(shared, 0)
    count, n, eight = len(which), len(y) - 1, bank_of(own, 8)
    for s in range(len(plan[1])):
        onward(s, plan, rows, factor, pivot, y)
    backward(plan, rows, none, factor, pivot, y)
    zero, at = load(none, 0), count * (count + 1) // 2
    store(y, n * W, zero)
    for i in range(len(moved) * W):
        store(own, (at + i) * W, zero)
    # against the rectifiers, to be added
    for i in range(count):
        row, rise = i * (i + 1) // 2, sub(load(y, p[i] * W), load(y, q[i] * W))
        flow = sub(load(gap, which[i] * W), rise)
        for j in range(i):
            flow = fma(load(own, (row + j) * W), load(own, (at + j) * W), flow)
        store(own, (at + i) * W, flow)
    for i in range(count - 1, -1, -1):
        row, here = i * (i + 1) // 2, which[i] * W
        flow = mul(load(own, (at + i) * W), load(own, (row + i) * W))
        for j in range(i + 1, count):
            below = load(own, (j * (j + 1) // 2 + i) * W)
            flow = fma(below, load(own, (at + j) * W), flow)
        store(own, (at + i) * W, flow)
        store(current, here, sub(load(current, here), flow))
    for group in range(len(moved)):
        flows, begin = load_bank(own, (at + group * W) * W, W, eight), group * (n + 1) * W
        for k in range(n):
            here = broadcast_bank(moved, begin + k * W, 1, eight)
            store(y, k * W, dot(load(y, k * W), here, flows))


def sharing(pack: Pack, values: Any, ways: Any, shared: Pack) -> tuple[Entry, Entry, Entry]:
    """Return where `correct` and what it calls begin, of the `ways` of `_passes.solving`."""
    factors, d = pack.parts[FACTORS], pack.parts[LANES][1]
    return (
        entry(correct, pack, values, factors, d, True, ways, shared),
        entry(bordered, pack, values, factors, True, ways, shared), ways[0],
    )  # fmt: skip
