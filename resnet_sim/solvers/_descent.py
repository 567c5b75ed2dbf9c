"""Compiled loops of coordinate descent, on a network as `_descent_network` lays it out."""

from __future__ import annotations

from functools import partial

import numpy as np

from ..compiled.kernels import inlined, loops

#: In place of a coordinate or rectifier.
NONE = np.uint32(2**32 - 1)
#: A coordinate of a cluster: that it was found from, and the tight rectifier between, which
#: leaves it if ``lean`` is 1 and arrives if -1; the next of its piece, or `NONE`; what is left
#: over there and below, and what of that is rounding.  Only ``order`` is not by coordinate: it
#: lists all of the cluster, parents first.
WORK = np.dtype(
    [(name, np.uint32) for name in ("order", "parent", "tie", "next")]
    + [(name, float) for name in ("lean", "excess", "noise")]
)


@partial(loops, error_model="numpy")  # what nothing holds goes to infinity
def cluster_sweeps(x, tight, feed, network, work, relaxation, sweeps):  # type: ignore[no-untyped-def]
    """Sweep over all clusters; changes `x` and `tight` (the forest of tight rectifiers).

    Parameters
    ----------
    feed : tuple of injection and turnover
    network : tuple of node, rectifier, far, weight, rise, and each
        As `_descent_network.fill` leaves them; `each` is what that returned.
    work : tuple of cluster, root, and records
        The first coordinate of the cluster that each one is in, `NONE` until a sweep comes by,
        and of its piece; `WORK`.
    """
    injection, turnover = feed
    node, rectifier, far, weight, rise, each = network
    cluster, root, _ = work
    for _ in range(sweeps):
        for a in range(np.uint64(len(x))):
            cluster[a], root[a] = NONE, a
        for a in range(np.uint64(len(x))):
            if cluster[a] != NONE:
                continue
            at, here = node[a], x[a]
            slope, noise, stiffness = injection[a], turnover[a], 0.0
            for j in range(at.begin, at.end):
                # `each` is 0 where no edge has an emf: all read one zero, which stays in the cache
                i = weight[j] * (here - x[far[j]] - rise[each * j])
                slope -= i
                noise += abs(i)
                stiffness += weight[j]
            # a coordinate alone, without soft rectifiers, is moved here and the others below;
            # all divisions are off the way from one coordinate to the next
            # what rounding alone leaves is no slope: it would keep sweeps busy for ever
            step = slope * (relaxation / stiffness) if abs(slope) > 1e-15 * noise else 0.0
            alone = a > 0 and at.soft == at.stop
            limit, blocking = np.inf, NONE
            for j in range(at.hard, at.soft):
                end = rectifier[j]
                # no "and", which would branch: what comes next is as good as random
                alone &= not tight[end.name]
                gap = end.drop - end.sign * (here - x[end.far])
                if (end.sign * step > 0.0) & (gap < limit):
                    limit, blocking = max(gap, 0.0), end.name
            if not alone:
                _move_cluster(a, x, tight, feed, network, work, relaxation)
                continue
            cluster[a] = a
            if abs(step) < limit:
                x[a] = here + step
            elif blocking != NONE:
                x[a] = here + (limit if step > 0.0 else -limit)
                tight[blocking] = True


@inlined
def _move_cluster(start, x, tight, feed, network, work, relaxation):  # type: ignore[no-untyped-def]
    """Move the pieces of a cluster, each to its minimum or until something blocks it."""
    cluster, _, record = work
    size = _gather(start, x, tight, network, work)
    if size > 1:
        _leftovers(size, x, feed, network, record)
        _cut(size, tight, work)
    # what was cut goes first, and if that is held by another tie at once, the rest must
    # wait, or the two would block each other for ever
    for h in range(size - 1, -1, -1):
        a = record[h].order
        if a == 0 or record[a].parent != NONE:
            continue
        held = _move_piece(a, x, tight, feed, network, work, relaxation)
        if held != NONE and cluster[held] == start:
            break


@inlined
def _gather(start, x, tight, network, work):  # type: ignore[no-untyped-def]
    """Find a cluster, breadth first through tight rectifiers; return how many coordinates."""
    node, rectifier, _, _, _, _ = network
    cluster, _, record = work
    cluster[start] = start
    record[0].order = start
    at = record[start]
    at.parent = at.tie = at.next = NONE
    head, size = 0, 1
    while head < size:
        a = record[head].order
        head += 1
        for j in range(node[a].hard, node[a].soft):
            end = rectifier[j]
            if not tight[end.name] or end.name == record[a].tie:
                continue
            b = end.far
            gap = end.drop - end.sign * (x[a] - x[b])
            if gap > 1e-11 * (abs(x[a]) + abs(x[b]) + abs(end.drop)):
                # closed a loop that has been cut open since
                tight[end.name] = False
            elif cluster[b] == start:
                # closes a loop, which must not hold together what is cut elsewhere
                tight[end.name] = False
            elif cluster[b] == NONE:
                cluster[b] = start
                at = record[b]
                at.parent, at.tie, at.lean = a, end.name, -end.sign
                record[size].order = b
                size += 1
    return size


@inlined
def _leftovers(size, x, feed, network, record):  # type: ignore[no-untyped-def]
    """Find what is left over at each coordinate of a cluster."""
    injection, turnover = feed
    node, rectifier, far, weight, rise, each = network
    for h in range(size):
        a = record[h].order
        total, noise = injection[a], turnover[a]
        for j in range(node[a].begin, node[a].end):
            b = far[j]
            i = weight[j] * (x[a] - x[b] - rise[each * j])
            total -= i
            # rounding of the voltages moves a current by this, however small it is
            noise += abs(i) + 0.5 * weight[j] * (abs(x[a]) + abs(x[b]))
        for j in range(node[a].soft, node[a].stop):
            end = rectifier[j]
            i = max(end.sign * (x[a] - x[end.far]) - end.drop, 0.0) / end.resistance
            total -= end.sign * i
            noise += i
        record[a].excess, record[a].noise = total, 1e-15 * noise


@inlined
def _cut(size, tight, work):  # type: ignore[no-untyped-def]
    """Cut subtrees that would drive their tie backwards, and list the pieces."""
    _, root, record = work
    # against order of discovery, children before parents: a subtree is summed when it is met
    for h in range(size - 1, 0, -1):
        at = record[record[h].order]
        if at.lean * at.excess < -at.noise:
            tight[at.tie] = False
            at.parent = NONE
        else:
            record[at.parent].excess += at.excess
            record[at.parent].noise += at.noise
    for h in range(size):
        a = record[h].order
        record[a].next = NONE
        if record[a].parent != NONE:
            root[a] = root[record[a].parent]
    # pieces as chains in the same records, built backwards so that they begin with the root
    for h in range(size - 1, 0, -1):
        a = record[h].order
        if root[a] != a:
            record[a].next = record[root[a]].next
            record[root[a]].next = a


@inlined
def _move_piece(first, x, tight, feed, network, work, relaxation):  # type: ignore[no-untyped-def]
    """Move a piece; return the coordinate that holds it at once, or `NONE`."""
    slope, stiffness, noise, bends = _slope(first, x, feed, network, work)
    # exact line search; without soft rectifiers one step of it
    step, limit, blocking = 0.0, np.inf, np.uint64(0)
    for attempt in range(30):
        rest, steep = slope - stiffness * step, stiffness
        if bends:
            rest, steep = _bent(first, step, rest, steep, x, network, work)
        if abs(rest) <= 1e-15 * noise:
            break
        way = 1.0 if rest > 0.0 else -1.0
        if attempt == 0:
            limit, blocking = _nearest(first, step, way, False, x, network, work)
        # nothing holds it yet: to the next soft rectifier, and just beyond, where that conducts
        if steep == 0.0 and bends and limit == np.inf:
            ahead, _ = _nearest(first, step, way, True, x, network, work)
            if ahead == np.inf:
                break
            step += way * (ahead * (1.0 + 1e-12) + 1e-15)
            continue
        # infinite where nothing holds it
        step += rest / steep
        if abs(step) >= limit or not bends:
            break
    if not bends:
        step *= relaxation
    hit = step != 0.0 and limit < np.inf and abs(step) >= limit
    if hit:
        step = limit if step > 0.0 else -limit
        tight[network[1][blocking].name] = True
    a = first
    while a != NONE and abs(step) < np.inf:
        x[a] += step
        a = work[2][a].next
    return network[1][blocking].far if hit and limit == 0.0 else NONE


@inlined
def _slope(first, x, feed, network, work):  # type: ignore[no-untyped-def]
    """Return slope, stiffness and noise along a piece, and if soft rectifiers leave it."""
    injection, turnover = feed
    node, rectifier, far, weight, rise, each = network
    _, root, record = work
    slope = stiffness = noise = 0.0
    bends = False
    a = first
    while a != NONE:
        slope += injection[a]
        noise += turnover[a]
        for j in range(node[a].begin, node[a].end):
            if root[far[j]] != first:
                i = weight[j] * (x[a] - x[far[j]] - rise[each * j])
                slope -= i
                noise += abs(i)
                stiffness += weight[j]
        for j in range(node[a].soft, node[a].stop):
            bends = bends or root[rectifier[j].far] != first
        a = record[a].next
    return slope, stiffness, noise, bends


@inlined
def _bent(first, step, rest, steep, x, network, work):  # type: ignore[no-untyped-def]
    """Add soft rectifiers that conduct after a step to slope and stiffness."""
    node, rectifier, _, _, _, _ = network
    _, root, record = work
    a = first
    while a != NONE:
        for j in range(node[a].soft, node[a].stop):
            end = rectifier[j]
            above = end.sign * (x[a] + step - x[end.far]) - end.drop
            conducts = above > 0.0 or (above == 0.0 and end.sign * rest > 0.0)
            if conducts and root[end.far] != first:
                rest -= end.sign * above / end.resistance
                steep += 1.0 / end.resistance
        a = record[a].next
    return rest, steep


@inlined
def _nearest(first, step, way, soft, x, network, work):  # type: ignore[no-untyped-def]
    """Return how far it is from a step to the first rectifier that will conduct, and its end."""
    node, rectifier, _, _, _, _ = network
    _, root, record = work
    nearest, which = np.inf, np.uint64(0)
    a = first
    while a != NONE:
        at = node[a]
        begin, end = (at.soft, at.stop) if soft else (at.hard, at.soft)
        for j in range(begin, end):
            b = rectifier[j].far
            if rectifier[j].sign == way and root[b] != first:
                gap = rectifier[j].drop - way * (x[a] + step - x[b])
                if gap < nearest:
                    nearest, which = max(gap, 0.0), np.uint64(j)
        a = record[a].next
    return nearest, which
