"""Compiled loops of `lanes`: Newton's method in eight lanes.  Importing this imports numba.

What is in the tuples of arrays tells `lanes.Lanes`.
"""

from __future__ import annotations

from ..compiled.kernels import loops, subloops
from ..solvers.linear.descent import across
from ..solvers.linear.frontal import W
from ._passes import (
    STIFFEST,
    STIFFNESS,
    begin,
    conduct,
    correct,
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
def _contradictions(rectifiers, work, lanes, limit, once, volts, wrong, count, missing):  # type: ignore[no-untyped-def]
    """Count rectifiers that contradict their state by more than rounding, in each lane.

    After a single pass voltages are off by the rounding of stiff conductances: what a conducting
    rectifier lacks tells nothing yet.
    """
    p, q, ohms = rectifiers
    x, current = work[0], work[2]
    d, on, around = lanes[1], lanes[2], lanes[3]
    volts[:] = 1e-300
    for k in range(len(x)):
        for lane in range(W):
            volts[lane] = max(volts[lane], abs(x[k, lane]))
    for k in range(len(p)):
        for lane in range(W):
            volts[lane] = max(volts[lane], abs(d[k, lane]))
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
def _flip(on, wrong, lane, count, memory):  # type: ignore[no-untyped-def]
    """Flip what is wrong in a lane, or only the last one; tell whether to go on."""
    fewest, waited, steps = memory
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
def _end(system, work, lanes, results, sample, lane, steps):  # type: ignore[no-untyped-def]
    """Store what was found for a sample."""
    x_of, current_of, on_of, steps_of, _, _ = results
    place, noise = system[7], 0.0
    for k in range(current_of.shape[1]):
        current_of[sample, k] = max(work[2][k, lane], 0.0)
        on_of[sample, k] = lanes[2][k, lane]
        noise = max(noise, current_of[sample, k] / lanes[3][k, lane])
    # what rounding of such currents leaves across a stiff conductance is nothing
    noise *= ROUNDING / STIFFNESS
    for k in range(len(place)):
        volts = work[0][place[k], lane]
        x_of[sample, k] = volts if abs(volts) > noise else 0.0
    steps_of[sample] = steps[lane] + 1


@loops
def settle(  # type: ignore[no-untyped-def]
    system, values, table, tables, work, room, lanes, notes, queue, results, pull, chained, slack,
    kept,
):  # fmt: skip
    """Find the states of the samples in a queue.

    With a `pull`, which is of outputs, a basis and a shift, these outputs are pulled to their aims
    with ``1 / shift`` S, unless that is NaN; without one, None, nothing of that is compiled:
    only networks that have outputs take the time.  `chained`
    samples begin with the rectifiers of the one before in their lane.  What may be missing
    across conducting ones is `slack` times the largest voltage.  Factors with which samples settle
    are `kept` while there is room for them.  Tell whether there was room enough for what outputs
    react.
    """
    rectifiers = system[6]
    c, d, on = lanes[0], lanes[1], lanes[2]
    sample, count, fewest, waited, steps, missing, volts, loose, known, pending, wrong = notes
    memory = fewest, waited, steps
    for lane in range(W):
        sample[lane], known[lane], pending[lane] = -1, False, False
    following, roomy, used, own = 0, True, 0, work
    pulled = pull is not None and pull[2] == pull[2]
    while True:
        active = 0
        for lane in range(W):
            if sample[lane] < 0 and following < len(queue):
                sample[lane] = queue[following]
                begin(system, values, table, tables, lanes, sample[lane], lane)
                if not known[lane]:
                    conduct(tables, lanes, sample[lane], lane)
                fewest[lane], waited[lane], steps[lane] = len(on) + 1, 0, 0
                following += 1
            active += sample[lane] >= 0
        if active == 0:
            break
        # with nothing to flip, and common values, all have the same factors
        fresh = len(on) > 0 or values.ndim == 2 or following <= W
        keeping = used < len(kept[0])
        work = own[:6] + (kept[1][used], kept[2][used]) if keeping else own
        if fresh:
            stiffen(system, work, lanes, STIFFNESS)
        looking, number, ready = PASSES if pulled else 1, 0, 0
        while True:
            # one place for all passes: each further one would be compiled by itself
            if number == 0:
                start(work, c)
            else:
                leave(system, values, work, c)
            correct(system, values, work, room, d, fresh)
            if fresh:
                loosen(work, loose)
            fresh = False
            number += 1
            if number < looking:
                continue
            once = number == 1
            if number == looking:
                if pull is not None and pulled:
                    outputs, basis, shift = pull
                    _begin_pull(work, tables, sample, pull)
                    stale = number == 0  # no constant, of which there would be another version
                    roomy &= lanczos(
                        system, outputs, values, work, room, basis, basis[-3], abs(shift), stale
                    )
                    _end_pull(work, results, sample, pull)
                limit = FINE if pulled else COARSE
                _contradictions(rectifiers, work, lanes, limit, once, volts, wrong, count, missing)
                for lane in range(W):
                    pending[lane] = sample[lane] >= 0 and count[lane] == 0
                    ready += pending[lane]
                    open_lane = sample[lane] >= 0 and count[lane] > 0
                    if open_lane and not _flip(on, wrong, lane, count, memory):
                        _end(system, work, lanes, results, sample[lane], lane, steps)
                        sample[lane], known[lane] = -1, False
                if 2 * ready < active:
                    break  # lanes without contradictions wait for others
            if not pulled:
                _contradictions(rectifiers, work, lanes, FINE, once, volts, wrong, count, missing)
            else:
                missing[:] = 0.0
            last = number == MOST_PASSES
            for lane in range(W):
                if not pending[lane] or (missing[lane] > slack and not last):
                    continue
                pending[lane] = False
                ready -= 1
                done = count[lane] == 0
                if done or not _flip(on, wrong, lane, count, memory):
                    good = done and not loose[lane]
                    _end(system, work, lanes, results, sample[lane], lane, steps)
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
def _begin_pull(work, tables, sample, pull):  # type: ignore[no-untyped-def]
    """Set what outputs are away from their aims, and keep what lanes hold meanwhile."""
    outputs, basis, _ = pull
    aim, kept_x, kept_current = basis[-3:]
    across(outputs, work[0], aim)
    for o in range(len(aim)):
        for lane in range(W):
            wanted = tables[4][sample[lane], o] if sample[lane] >= 0 else aim[o, lane]
            aim[o, lane] = wanted - aim[o, lane]
    move(work[0], kept_x)
    move(work[2], kept_current)


@subloops
def _end_pull(work, results, sample, pull):  # type: ignore[no-untyped-def]
    """Add what the forces at the outputs do to what lanes held before."""
    _, basis, shift = pull
    x, current = work[0], work[2]
    move(basis[-2], x)
    move(basis[-1], current)
    for lane in range(W):
        basis[10][:, lane] = 0.0
        if sample[lane] >= 0:
            forces(basis, lane, shift, results[5][sample[lane]])
    combine(basis, x, current)


@subloops
def _enter(system, values, table, tables, work, lanes, sample, stiffness):  # type: ignore[no-untyped-def]
    """Let samples begin, as they are; tell whether there are any."""
    most = -1
    for lane in range(W):
        most = max(most, sample[lane])
        if sample[lane] >= 0:
            begin(system, values, table, tables, lanes, sample[lane], lane)
            conduct(tables, lanes, sample[lane], lane)
    stiffen(system, work, lanes, stiffness)
    return most >= 0


@loops
def hold(  # type: ignore[no-untyped-def]
    system, outputs, values, table, tables, work, room, lanes, notes, basis, kept, passes, shifts,
    found,
):  # fmt: skip
    """Find the states of samples whose rectifiers stay as they are, in some `passes`.

    The samples are in `kept`, eight in a row, -1 for none, and their factors, if there are any.

    A single pass finds all but the currents of rectifiers.  With `shifts` it is how states change
    with forces f at the outputs: ``(T + shift) f = aim``, for each shift.  Tell whether there was
    room enough.
    """
    # both in one place: whatever calls `correct` compiles all that is in it once more
    x_of, current_of, force_of, fine = found
    aim, x, current = basis[12], work[0], work[2]
    loose, roomy = notes[7], True
    groups, factors, pivots = kept
    pulled, known = len(shifts) > 0, len(factors) > 0
    stiffness, least = STIFFEST if passes == 1 else STIFFNESS, 0.0
    for shift in shifts:
        least = abs(shift)
    for k in range(len(groups)):
        if known:
            work = work[:6] + (factors[k], pivots[k])
        sample = groups[k]
        if not _enter(system, values, table, tables, work, lanes, sample, stiffness):
            continue
        # with nothing to flip, and common values, all have the same factors
        fresh = not known and (k == 0 or len(lanes[2]) > 0 or values.ndim == 2)
        if pulled:
            for lane in range(W):
                for o in range(len(aim)):
                    aim[o, lane] = tables[4][sample[lane], o] if sample[lane] >= 0 else 0.0
            roomy &= lanczos(system, outputs, values, work, room, basis, aim, least, fresh)
        else:
            for number in range(passes):
                if number == 0:
                    start(work, lanes[0])
                else:
                    leave(system, values, work, lanes[0])
                correct(system, values, work, room, lanes[1], fresh and number == 0)
        if fresh or known:
            loosen(work, loose)
        for s in range(len(fine)):
            if pulled:
                x[:] = 0.0
                current[:] = 0.0
            for lane in range(W):
                if sample[lane] < 0:
                    continue
                fine[s, sample[lane]] = not loose[lane]
                if pulled:
                    definite = forces(basis, lane, shifts[s], force_of[s, sample[lane]])
                    fine[s, sample[lane]] &= definite
            if pulled:
                combine(basis, x, current)
            _store(system[7], x, current, sample, x_of[s], current_of[s])
    return roomy


@subloops
def _store(place, x, current, sample, x_of, current_of):  # type: ignore[no-untyped-def]
    """Keep what some lanes hold, all of a node at once: they share a line of the cache."""
    for k in range(len(place)):
        for lane in range(W):
            if sample[lane] >= 0:
                x_of[sample[lane], k] = x[place[k], lane]
    for k in range(len(current)):
        for lane in range(W):
            if sample[lane] >= 0:
                current_of[sample[lane], k] = current[k, lane]
