"""Compiled loops of `lanes`: linear networks, eight at a time.  Importing this imports numba.

Samples are the lanes of vectors, each with its own set of conducting rectifiers; no lane knows
of the others, so that the bits of a sample don't depend on its company, but for the last digits
where all share one factor (`borders`).  The tuples of arrays in a `pack` are those of
`lane_room.Room`, `ways` those of `solving`, with one factor for all lanes in `shared` or none.
Conductances are `values` of shape (edges,) where they are common; else of shape (edges, 8), filled
from a table.
"""

from __future__ import annotations

from typing import Any

from ..compiled.entries import NOWHERE, Entry, call, entry
from ..compiled.kernels import subloops
from ..compiled.packs import Pack, part
from ..compiled.vectors import add, broadcast, fma, load, magnitude, minimum, mul, store, sub
from ..solvers.linear.frontal import W, backward, forward

#: conductance of a conducting rectifier beside those at its ends, where passes take its excess
#: back and find its current, which two do, as its square is beyond the last digit; and where one
#: must do and the current does not count: elimination without subtraction bears any
STIFFNESS, STIFFEST = 1e8, 1e13
#: what is in a pack
SYSTEM, OUTPUTS, WORK, FACTORS, ROOM, LANES, NOTES, BASIS = range(8)


@subloops
def start(pack, c):  # type: ignore[no-untyped-def]
    """Begin with nothing known: all that is injected is left to `correct`."""
    x, y, current, _, _, none = part(pack, WORK)
    zero = load(none, 0)
    for k in range(len(x) - 1):
        store(x, k * W, zero)
        store(y, k * W, load(c, k * W))
    for k in range(len(current)):
        store(current, k * W, zero)


@subloops
def leave(pack, values, c):  # type: ignore[no-untyped-def]
    """Leave to `correct` what is injected at each node and not carried off by edges."""
    ptr, other, branch = part(pack, SYSTEM)[5]
    x, y = part(pack, WORK)[:2]
    for k in range(len(ptr) - 1):
        own, left = load(x, k * W), load(c, k * W)
        for e in range(ptr[k], ptr[k + 1]):
            rise = sub(load(x, other[e] * W), own)
            if values.ndim == 1:
                left = fma(broadcast(values, branch[e]), rise, left)
            else:
                left = fma(load(values, branch[e] * W), rise, left)
        store(y, k * W, left)


@subloops
def correct(pack, values, factors, d, fresh, ways, shared):  # type: ignore[no-untyped-def]
    """Solve for what is missing, with `fresh` factors or those that there are.

    Rectifiers conduct stiffly, which the next pass takes back: the method of multipliers.
    """
    x, y, current, gap, stiff, none = part(pack, WORK)
    p, q, ohms = part(pack, SYSTEM)[6]
    n, zero = len(x) - 1, load(none, 0)
    store(y, n * W, zero)
    for k in range(len(p)):
        a, b, flow = p[k] * W, q[k] * W, load(current, k * W)
        missing = sub(fma(broadcast(ohms, k), flow, load(d, k * W)), sub(load(x, a), load(x, b)))
        store(gap, k * W, missing)
        fed = sub(mul(load(stiff, k * W), missing), flow)
        store(y, a, add(load(y, a), fed))
        store(y, b, sub(load(y, b), fed))
    call(ways[1], None, pack, values, factors, fresh, ways, shared)
    store(y, n * W, zero)
    for k in range(n):
        store(x, k * W, add(load(x, k * W), load(y, k * W)))
    for k in range(len(p)):
        rise = sub(load(y, p[k] * W), load(y, q[k] * W))
        lack = sub(rise, load(gap, k * W))
        store(current, k * W, fma(load(stiff, k * W), lack, load(current, k * W)))


@subloops
def factored(pack, values, factors, fresh, ways, shared):  # type: ignore[no-untyped-def]
    """Turn what is injected into voltages, by factors of each lane."""
    plan, family, edges, diodes, rows = part(pack, SYSTEM)[:5]
    _, y, _, _, stiff, none = part(pack, WORK)
    room, (factor, pivot) = part(pack, ROOM), factors
    call(
        ways[2], None, plan, family, edges, diodes, values, stiff, none, room, rows, factor, pivot,
        y, fresh,
    )  # fmt: skip
    call(ways[3], None, plan, rows, none, factor, pivot, y)


def solving(pack: Pack, values: Any, shared: Pack) -> tuple[Entry, Entry, Entry, Entry]:
    """Return where `correct` begins, and what it calls: the `ways`."""
    (plan, family, edges, diodes, rows, *_), _, work, factors, room, lanes, *_ = pack.parts
    _, y, _, _, stiff, none = work
    down = entry(
        forward, plan, family, edges, diodes, values, stiff, none, room, rows, *factors, y, True
    )
    up = entry(backward, plan, rows, none, *factors, y)
    ways = NOWHERE, NOWHERE, down, up
    own = entry(factored, pack, values, factors, True, ways, shared)
    return entry(correct, pack, values, factors, lanes[1], True, ways, shared), own, down, up


@subloops
def move(source, target):  # type: ignore[no-untyped-def]
    """Copy what is in all lanes."""
    for k in range(len(source)):
        store(target, k * W, load(source, k * W))


@subloops
def begin(pack, tables, sample, lane):  # type: ignore[no-untyped-def]
    """Let a sample begin in a lane, with rectifiers as they are there."""
    load_of, drop_of, _, around_of, _ = tables
    c, d, _, around, _ = part(pack, LANES)
    place = part(pack, SYSTEM)[7]
    for k in range(load_of.shape[1]):
        c[place[k], lane] = load_of[sample, k]
    for k in range(drop_of.shape[1]):
        d[k, lane] = drop_of[sample, k]
        around[k, lane] = around_of[k]


@subloops
def fill(pack, values, table, around_of, sample):  # type: ignore[no-untyped-def]
    """Set the conductances of samples, and those at the ends of each rectifier, S.

    All lanes of an edge at once: they share a line of the cache.
    """
    _, _, _, around, sums = part(pack, LANES)
    (p, q, _), _, (edge_p, edge_q) = part(pack, SYSTEM)[6:]
    zero = load(part(pack, WORK)[5], 0)
    for k in range(len(sums)):
        store(sums, k * W, zero)
    for e in range(len(edge_p)):
        for lane in range(W):
            if sample[lane] >= 0:
                values[e, lane] = table[sample[lane], e]
        a, b, size = edge_p[e] * W, edge_q[e] * W, magnitude(load(values, e * W))
        store(sums, a, add(load(sums, a), size))
        store(sums, b, add(load(sums, b), size))
    store(sums, (len(sums) - 1) * W, zero)
    for k in range(len(p)):
        for lane in range(W):
            here = sums[p[k], lane] + sums[q[k], lane]
            around[k, lane] = here if here > 0.0 else around_of[k]


@subloops
def conduct(pack, on_of, sample, lane):  # type: ignore[no-untyped-def]
    """Let the rectifiers conduct that a sample is known or thought to have."""
    on = part(pack, LANES)[2]
    for k in range(len(on)):
        on[k, lane] = on_of[sample, k]


@subloops
def stiffen(pack, stiffness):  # type: ignore[no-untyped-def]
    """Set the conductances of the rectifiers, of those that are on, for fresh factors."""
    ohms, stiff = part(pack, SYSTEM)[6][2], part(pack, WORK)[4]
    _, _, on, around, _ = part(pack, LANES)
    for k in range(len(ohms)):
        for lane in range(W):
            hard = 1.0 / (ohms[k] + 1.0 / (stiffness * around[k, lane]))
            stiff[k, lane] = hard if on[k, lane] else 0.0


@subloops
def loosen(pack, pivot):  # type: ignore[no-untyped-def]
    """Tell in which lanes something floats."""
    _, _, _, _, _, _, least, loose, _, _, _ = part(pack, NOTES)
    least[:] = 1.0
    small = load(least, 0)
    for k in range(len(pivot)):
        small = minimum(small, load(pivot, k * W))
    store(least, 0, small)
    for lane in range(W):
        loose[lane] = least[lane] == 0.0
