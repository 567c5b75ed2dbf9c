"""Compiled loops of `lanes`: Newton's method in eight lanes.  Importing this imports numba.

What is in the tuples of arrays of a `pack` tells `lane_room.Room`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compiled.entries import Entry, call, entry
from ..compiled.kernels import loops, subloops
from ..compiled.packs import Pack, part
from ..compiled.vectors import load, magnitude, maximum, store
from ..solvers.linear.descent import across
from ..solvers.linear.frontal import W
from ._passes import (
    BASIS,
    FACTORS,
    LANES,
    NOTES,
    OUTPUTS,
    STIFFEST,
    STIFFNESS,
    SYSTEM,
    WORK,
    begin,
    conduct,
    fill,
    leave,
    loosen,
    move,
    start,
    stiffen,
)
from ._reactions import combine, forces, lanczos

#: Newton steps without fewer contradictions after which only the last one flips (Murty), steps
#: at most; passes at most, and with a pull
MURTY_AFTER, MOST_STEPS, MOST_PASSES, PASSES = 3, 150, 6, 2
#: contradictions that count after the first pass and after the last, relative to the largest
#: voltage; what rounding leaves across a conducting rectifier, relative to the voltages at its ends
COARSE, FINE, ROUNDING = 1e-6, 1e-12, 3e-15
UNKNOWN = float("inf")


@subloops
def _contradictions(pack, limit, once):  # type: ignore[no-untyped-def]
    """Count rectifiers that contradict their state by more than rounding, in each lane.

    After a single pass voltages are off by the rounding of stiff conductances: what a conducting
    rectifier lacks tells nothing yet.
    """
    p, q, ohms = part(pack, SYSTEM)[6]
    (x, _, current, _, _, _), (_, d, on, around, _) = part(pack, WORK), part(pack, LANES)
    _, count, _, _, _, missing, volts, _, _, _, wrong = part(pack, NOTES)
    volts[:] = 1e-300
    most = load(volts, 0)
    for k in range(len(x)):
        most = maximum(most, magnitude(load(x, k * W)))
    for k in range(len(p)):
        most = maximum(most, magnitude(load(d, k * W)))
    store(volts, 0, most)
    count[:] = 0
    missing[:] = 0.0
    for k in range(len(p)):
        for lane in range(W):
            high = limit * volts[lane]
            above = x[p[k], lane] - x[q[k], lane] - d[k, lane]
            if on[k, lane]:
                off = -current[k, lane] > high * around[k, lane]
                lack = abs(above - ohms[k] * current[k, lane])
                lack -= ROUNDING * (abs(x[p[k], lane]) + abs(x[q[k], lane]))
                missing[lane] = max(missing[lane], UNKNOWN if once else lack)
            else:
                off = above > high
            wrong[k, lane] = off
            count[lane] += off
    for lane in range(W):
        missing[lane] /= volts[lane]


@subloops
def _flip(pack, lane):  # type: ignore[no-untyped-def]
    """Flip what is wrong in a lane, or only the last one; tell whether to go on."""
    on = part(pack, LANES)[2]
    _, count, fewest, waited, steps, _, _, _, _, _, wrong = part(pack, NOTES)
    if count[lane] < fewest[lane]:
        fewest[lane], waited[lane] = count[lane], 0
    else:
        waited[lane] += 1
    for k in range(len(on) - 1, -1, -1):
        if wrong[k, lane]:
            on[k, lane] = not on[k, lane]
            if waited[lane] >= MURTY_AFTER:
                break
    steps[lane] += 1
    return steps[lane] < MOST_STEPS


@subloops
def _end(pack, results, sample, lane):  # type: ignore[no-untyped-def]
    """Store what was found for a sample."""
    x_of, current_of, on_of, steps_of, _, _ = results
    (x, _, current, _, _, _), (_, _, on, around, _) = part(pack, WORK), part(pack, LANES)
    place, noise = part(pack, SYSTEM)[7], 0.0
    for k in range(current_of.shape[1]):
        current_of[sample, k] = max(current[k, lane], 0.0)
        on_of[sample, k] = on[k, lane]
        noise = max(noise, current_of[sample, k] / around[k, lane])
    # what rounding of such currents leaves across a stiff conductance is nothing
    noise *= ROUNDING / STIFFNESS
    for k in range(len(place)):
        volts = x[place[k], lane]
        x_of[sample, k] = volts if abs(volts) > noise else 0.0
    steps_of[sample] = part(pack, NOTES)[4][lane] + 1


@loops
def settle(  # type: ignore[no-untyped-def]
    pack, values, table, tables, queue, results, pull, chained, slack, kept, ways, shared
):
    """Find the states of the samples in a queue.

    With a `pull`, shifts and entries (`pulling`), outputs are pulled to their aims with
    ``1 / shift`` S, if there are any.  `chained` samples begin with the rectifiers of the one
    before in their lane.  What may be missing across conducting ones is `slack` times the largest
    voltage.  Factors with which samples settle are `kept` while there is room for them.  Tell
    whether there was room enough for what outputs react.
    """
    (c, d, on, _, _), own = part(pack, LANES), part(pack, FACTORS)
    sample, count, fewest, waited, steps, missing, _, loose, known, pending, _ = part(pack, NOTES)
    for lane in range(W):
        sample[lane], known[lane], pending[lane] = -1, False, False
    following, roomy, used = 0, True, 0
    (shifts, others), pulled = pull, len(pull[0]) > 0
    while True:
        active, before = 0, following
        for lane in range(W):
            if sample[lane] < 0 and following < len(queue):
                sample[lane] = queue[following]
                begin(pack, tables, sample[lane], lane)
                if not known[lane]:
                    conduct(pack, tables[2], sample[lane], lane)
                fewest[lane], waited[lane], steps[lane] = len(on) + 1, 0, 0
                following += 1
            active += sample[lane] >= 0
        if active == 0:
            break
        if values.ndim == 2 and following > before:
            fill(pack, values, table, tables[3], sample)
        # with nothing to flip, and common values, all have the same factors
        # numba 0.59 takes what it knows of dimensions for a number, and an entry wants a bool
        fresh = bool(len(on) > 0 or values.ndim == 2 or following <= W)
        keeping = used < len(kept[0])
        factors = (kept[1][used], kept[2][used]) if keeping else own
        if fresh:
            stiffen(pack, STIFFNESS)
        looking, number, ready = PASSES if pulled else 1, 0, 0
        while True:
            # one place for all passes: each further one would be compiled by itself
            if number == 0:
                start(pack, c)
            else:
                leave(pack, values, c)
            call(ways[0], None, pack, values, factors, d, fresh, ways, shared)
            if fresh:
                loosen(pack, factors[1])
            fresh = False
            number += 1
            if number < looking:
                continue
            once = number == 1
            if number == looking:
                if pulled:
                    roomy &= call(
                        others[0], True, pack, values, factors, tables[4], results[5], shifts, ways,
                        shared, others[1],
                    )  # fmt: skip
                limit = FINE if pulled else COARSE
                _contradictions(pack, limit, once)
                for lane in range(W):
                    pending[lane] = sample[lane] >= 0 and count[lane] == 0
                    ready += pending[lane]
                    open_lane = sample[lane] >= 0 and count[lane] > 0
                    if open_lane and not _flip(pack, lane):
                        _end(pack, results, sample[lane], lane)
                        sample[lane], known[lane] = -1, False
                if 2 * ready < active:
                    break  # lanes without contradictions wait for others
            if not pulled:
                _contradictions(pack, FINE, once)
            else:
                missing[:] = 0.0
            last = number == MOST_PASSES
            for lane in range(W):
                if not pending[lane] or (missing[lane] > slack and not last):
                    continue
                pending[lane] = False
                ready -= 1
                done = count[lane] == 0
                if done or not _flip(pack, lane):
                    good = done and not loose[lane]
                    _end(pack, results, sample[lane], lane)
                    results[4][sample[lane]] = good
                    if good and keeping:
                        kept[0][used, lane] = sample[lane]
                    sample[lane], known[lane] = -1, chained and good
            if ready == 0:
                break
        for lane in range(W):
            if keeping and kept[0][used, lane] >= 0:
                used += 1
                break
    return roomy


@subloops
def _pull(pack, values, factors, aims, force_of, shifts, ways, shared, react):  # type: ignore[no-untyped-def]
    """Pull outputs to their aims, from where they are; tell whether there was room enough."""
    (x, _, current, _, _, _), sample = part(pack, WORK), part(pack, NOTES)[0]
    share, _, aim, kept_x, kept_current = part(pack, BASIS)[10:]
    across(part(pack, OUTPUTS), x, aim)
    for o in range(len(aim)):
        for lane in range(W):
            wanted = aims[sample[lane], o] if sample[lane] >= 0 else aim[o, lane]
            aim[o, lane] = wanted - aim[o, lane]
    move(x, kept_x)
    move(current, kept_current)
    roomy = call(react, True, pack, values, factors, aim, abs(shifts[0]), False, ways, shared)
    move(kept_x, x)
    move(kept_current, current)
    for lane in range(W):
        share[:, lane] = 0.0
        if sample[lane] >= 0:
            forces(pack, lane, shifts[sample[lane]], force_of[sample[lane]])
    combine(pack)
    return roomy


def reacting(pack: Pack, values: Any, ways: Any, shared: Pack) -> Entry:
    """Return where `lanczos` begins."""
    aim = pack.parts[BASIS][12]
    return entry(lanczos, pack, values, pack.parts[FACTORS], aim, 1.0, True, ways, shared)


def pulling(pack: Pack, values: Any, ways: Any, shared: Pack) -> tuple[Entry, Entry]:
    """Return where what pulls outputs begins, and `lanczos`."""
    react, table = reacting(pack, values, ways, shared), np.zeros((1, 1))
    numbers = pack.parts[FACTORS], table, table, table[0]
    return entry(_pull, pack, values, *numbers, ways, shared, react), react


@subloops
def _enter(pack, values, table, tables, sample, stiffness):  # type: ignore[no-untyped-def]
    """Let samples begin, as they are; tell whether there are any."""
    most = -1
    for lane in range(W):
        most = max(most, sample[lane])
        if sample[lane] >= 0:
            begin(pack, tables, sample[lane], lane)
            conduct(pack, tables[2], sample[lane], lane)
    if values.ndim == 2:
        fill(pack, values, table, tables[3], sample)
    stiffen(pack, stiffness)
    return most >= 0


@loops
def hold(pack, values, table, tables, kept, passes, found, ways, shared):  # type: ignore[no-untyped-def]
    """Find the states of samples whose rectifiers stay as they are, in some `passes`.

    The samples are in `kept`, eight in a row, -1 for none, and their factors, if there are any.
    A single pass finds all but the currents of rectifiers.
    """
    x_of, current_of, fine = found
    (c, d, on, _, _), loose, factors = part(pack, LANES), part(pack, NOTES)[7], part(pack, FACTORS)
    known = len(kept[1]) > 0
    stiffness = STIFFEST if passes == 1 else STIFFNESS
    for k in range(len(kept[0])):
        sample = kept[0][k]
        if known:
            factors = kept[1][k], kept[2][k]
        if not _enter(pack, values, table, tables, sample, stiffness):
            continue
        # with nothing to flip, and common values, all have the same factors
        fresh = bool(not known and (k == 0 or len(on) > 0 or values.ndim == 2))
        for number in range(passes):
            if number == 0:
                start(pack, c)
            else:
                leave(pack, values, c)
            call(ways[0], None, pack, values, factors, d, fresh and number == 0, ways, shared)
        if fresh or known:
            loosen(pack, factors[1])
        for lane in range(W):
            if sample[lane] >= 0:
                fine[sample[lane]] = not loose[lane]
        _store(pack, sample, x_of, current_of)


@loops
def respond(pack, values, table, tables, kept, shifts, found, ways, shared, react):  # type: ignore[no-untyped-def]
    """Find how such states change with forces f at the outputs: ``(T + shift) f = aim``.

    For each of the `shifts`, which have one size.  Tell whether there was room enough.
    """
    x_of, current_of, force_of, fine = found
    (x, _, current, _, _, _), aim = part(pack, WORK), part(pack, BASIS)[12]
    on, loose = part(pack, LANES)[2], part(pack, NOTES)[7]
    factors, roomy = part(pack, FACTORS), True
    known = len(kept[1]) > 0
    for k in range(len(kept[0])):
        sample = kept[0][k]
        if known:
            factors = kept[1][k], kept[2][k]
        if not _enter(pack, values, table, tables, sample, STIFFNESS):
            continue
        fresh = bool(not known and (k == 0 or len(on) > 0 or values.ndim == 2))
        for o in range(len(aim)):
            for lane in range(W):
                aim[o, lane] = tables[4][sample[lane], o] if sample[lane] >= 0 else 0.0
        roomy &= call(react, True, pack, values, factors, aim, abs(shifts[0]), fresh, ways, shared)
        if fresh or known:
            loosen(pack, factors[1])
        for s in range(len(shifts)):
            x[:] = 0.0
            current[:] = 0.0
            for lane in range(W):
                if sample[lane] >= 0:
                    definite = forces(pack, lane, shifts[s], force_of[s, sample[lane]])
                    fine[s, sample[lane]] = definite and not loose[lane]
            combine(pack)
            _store(pack, sample, x_of[s], current_of[s])
    return roomy


@subloops
def _store(pack, sample, x_of, current_of):  # type: ignore[no-untyped-def]
    """Keep what some lanes hold, all of a node at once: they share a line of the cache."""
    place, (x, _, current, _, _, _) = part(pack, SYSTEM)[7], part(pack, WORK)
    for k in range(len(place)):
        for lane in range(W):
            if sample[lane] >= 0:
                x_of[sample[lane], k] = x[place[k], lane]
    for k in range(len(current)):
        for lane in range(W):
            if sample[lane] >= 0:
                current_of[sample[lane], k] = current[k, lane]
