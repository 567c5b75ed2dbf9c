"""What the structure of a problem says, and what it says of a solution.

Three questions, each answered with a witness: are there voltages that satisfy every
constraint (else: a negative cycle), can every current that must flow flow (else: a cut
that nothing crosses), and which coordinates does the solution leave undefined.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..compiled.kernels import kernel
from .graphs import bincount, leaving, reachable, reaching_tree
from .problem import EPS, Problem, Solution, node_sums_abs

#: Relative size below which a sum of given numbers counts as rounding of zero.
ROUNDING = 1e-12
#: Current that no curve carries, A: where more would have to flow, voltages contradict.
MOST_AMPS = 1e12
#: Relative gap below which a rectifier without current counts as touching its drop.
TIGHT = 1e-11


def negative_cycle(problem: Problem) -> list[int]:
    """Return hard rectifiers and curves whose constraints contradict each other, as a cycle.

    The constraints ``x_p - x_q <= drop`` can be satisfied iff the graph with an arc
    ``q -> p`` of length ``drop`` for each has no negative cycle (Bellman 1958).  A curve
    allows the voltages at which no more than `MOST_AMPS` flow, either way.

    Returns
    -------
    list of int
        Numbers of the rectifiers along the cycle, of curves plus that of rectifiers; empty if
        the problem is feasible.
    """
    number = problem.hard.nonzero()[0]
    tail, head = problem.diode_q[number], problem.diode_p[number]
    length = problem.drop[number]
    if len(rows := problem.curves):
        most = MOST_AMPS / np.abs(rows.scale)
        high, low = (rows.emf + rows.at_current(amps).v for amps in (most, -most))
        curve = len(problem.drop) + np.arange(len(rows))
        number = np.concatenate((number, curve, curve))
        tail = np.concatenate((tail, rows.q, rows.p))
        head = np.concatenate((head, rows.p, rows.q))
        length = np.concatenate((length, high, -low))
    if not (length < 0).any():
        return []
    cycle = _shortest(tail, head, length, np.zeros(problem.n))[1]
    return [int(number[k]) for k in cycle]


def nearest_feasible(problem: Problem, x: Floats) -> Floats:
    """Return coordinates that satisfy all hard constraints, equal to `x` where that does.

    `x` is first clipped to what the reference allows, then lowered where a constraint
    asks for it; the problem must be feasible.
    """
    hard = problem.hard
    return _nearest(problem.diode_p[hard], problem.diode_q[hard], problem.drop[hard], x)


def shifted_to_fit(solution: Solution) -> Floats:
    """Return coordinates at which no rectifier is violated, if shifts of idle parts are enough.

    Parts joined by conductances, curves or conducting rectifiers are shifted as a whole, which
    changes no current; that of the reference stays.
    """
    prob, flows = solution.problem, solution.current > 0
    count, piece = prob.joined_by(flows, np.ones(len(prob.curves), dtype=np.bool_))
    gap = solution.gap()
    idle = ~flows & (piece[prob.diode_p] != piece[prob.diode_q])
    ends = piece[prob.diode_p[idle]], piece[prob.diode_q[idle]]
    if _shortest(ends[1], ends[0], gap[idle], np.zeros(count))[1]:
        return solution.x
    return solution.x + _nearest(*ends, gap[idle], np.zeros(count))[piece]


def _nearest(p: Ints, q: Ints, drop: Floats, x: Floats) -> Floats:
    """Return what satisfies ``x_p - x_q <= drop``, as `nearest_feasible`."""
    if x[0] == 0 and (x[p] - x[q] <= drop).all():
        return x.copy()
    start = np.full(len(x), np.inf)
    start[0] = 0.0
    high, low = _shortest(q, p, drop, start)[0], -_shortest(p, q, drop, start)[0]
    clipped = np.clip(x, low, high)
    clipped[0] = 0.0
    return _shortest(q, p, drop, clipped)[0]


def _shortest(tail: Ints, head: Ints, length: Floats, start: Floats) -> tuple[Floats, list[int]]:
    """Return shortest distances from `start` values, and the arcs of a negative cycle if any."""
    distance, by = start.copy(), np.full(len(start), -1)
    size = len(start) + len(tail)
    arcs_of = leaving(len(start), tail)
    node = first = _relax.at(size)(*arcs_of, tail, head, length, distance, by)
    arcs: list[int] = []
    while node >= 0 and (not arcs or node != first):
        arcs.append(int(by[node]))
        node = tail[arcs[-1]]
    return distance, arcs[::-1]


@kernel
def _relax(ptr, arc, tail, head, length, distance, by):  # type: ignore[no-untyped-def]
    """Correct `distance` and the arcs `by` which nodes are reached, with a queue.

    A cycle is looked for whenever as many labels have been corrected as there are nodes;
    returns a node on it, or -1.
    """
    n = len(distance)
    # a node is in the queue at most once: a ring of n places does
    queue = np.empty(n, dtype=np.int64)
    queued = np.zeros(n, dtype=np.bool_)
    begin, size = 0, 0
    for a in range(n):
        if ptr[a] < ptr[a + 1] and distance[a] < np.inf:
            queue[size] = a
            queued[a] = True
            size += 1
    corrections, check = 0, n
    while size > 0:
        a = queue[begin]
        begin = (begin + 1) % n
        size -= 1
        queued[a] = False
        for j in range(ptr[a], ptr[a + 1]):
            k = arc[j]
            b = head[k]
            reach = distance[a] + length[k]
            slack = ROUNDING * (abs(distance[a]) + abs(length[k]))
            if reach < distance[b] - slack:
                distance[b] = reach
                by[b] = k
                corrections += 1
                if not queued[b]:
                    queue[(begin + size) % n] = b
                    queued[b] = True
                    size += 1
        if corrections >= check:
            # follow the arcs back, each node once
            seen = np.zeros(n, dtype=np.int64)
            for start in range(n):
                a = start
                while by[a] >= 0 and seen[a] == 0:
                    seen[a] = start + 1
                    a = tail[by[a]]
                if by[a] >= 0 and seen[a] == start + 1:
                    return a
            check = corrections + n
    return -1


class Cut(NamedTuple):
    """Coordinates that a current can't leave (`excess` > 0) or can't reach (`excess` < 0)."""

    coordinates: Bools
    excess: float


def unroutable(problem: Problem) -> Cut | None:
    """Return a cut that shows that E is unbounded below, None if it is bounded.

    Parts joined by conductances are contracted; what is injected into a part must reach
    ground, or a part that lacks current, through rectifiers in their forward direction and
    curves within their limits: a feasible-flow problem.  Part 0 holds the reference.
    """
    rows = problem.curves
    low, high = rows.limits
    open_ = np.isinf(low) & np.isinf(high)
    count, part = problem.joined_by(np.zeros(len(problem.drop), dtype=np.bool_), open_)
    if count == 1:
        return None
    excess = bincount(part, problem.injection, count)
    tolerance = ROUNDING * bincount(part, problem.turnover, count)
    excess[np.abs(excess) <= tolerance] = 0.0
    excess[0] = 0.0
    if not excess.any():
        return None
    a, b = part[rows.p[~open_]], part[rows.q[~open_]]
    tail = np.concatenate((part[problem.diode_p], a, b))
    head = np.concatenate((part[problem.diode_q], b, a))
    diodes = np.full(len(problem.drop), np.inf)
    capacity = np.concatenate((diodes, high[~open_], -low[~open_]))
    whole = np.isinf(capacity)
    drains = reachable(count, head[whole], tail[whole], 0)
    feeds = reachable(count, tail[whole], head[whole], 0)
    if drains[excess > 0].all() and feeds[excess < 0].all():
        return None  # the reference takes and gives all of it
    stuck = _route(count, tail, head, capacity, excess)
    if stuck is None:
        return None
    return Cut(stuck[part], float(problem.injection[stuck[part]].sum()))


def drainage(problem: Problem) -> Bools:
    """Return rectifiers that would lead what is injected into parts to the reference.

    A guess to start from: along shortest paths, or none where there is no path.
    """
    on = np.zeros(len(problem.drop), dtype=np.bool_)
    count, part = problem.parts
    excess = bincount(part, problem.injection, count)
    excess[np.abs(excess) <= ROUNDING * bincount(part, problem.turnover, count)] = 0.0
    if count == 1 or not excess[1:].any():
        return on
    tail, head = part[problem.diode_p], part[problem.diode_q]
    for near, far, amount in ((head, tail, excess > 0), (tail, head, excess < 0)):
        order, by = reaching_tree(count, near, far, 0)
        used = amount.copy()
        for node in order[:0:-1].tolist():
            if used[node]:
                on[by[node]] = used[near[by[node]]] = True
    return on


def _route(n: int, tail: Ints, head: Ints, capacity: Floats, excess: Floats) -> Bools | None:
    """Route `excess` along arcs of given capacities; node 0 takes and gives anything.

    Augments along shortest paths of the residual graph.  Returns None on success, else
    the nodes of a cut.
    """
    arcs: list[list[tuple[int, int, bool]]] = [[] for _ in range(n)]
    for k, (a, b) in enumerate(zip(tail.tolist(), head.tolist(), strict=True)):
        if a != b:
            arcs[a].append((k, b, True))
            arcs[b].append((k, a, False))
    flow, most = [0.0] * len(tail), capacity.tolist()
    left: list[float] = excess.tolist()
    tiny = ROUNDING * float(np.abs(excess).max())
    for source in [k for k in range(n) if left[k] > 0]:
        while left[source] > tiny:
            stuck = _augment(arcs, flow, most, left, source, left[source], tiny)
            if stuck is not None:
                return stuck
    while min(left) < -tiny:
        stuck = _augment(arcs, flow, most, left, 0, np.inf, tiny)
        if stuck is not None:
            return ~stuck
    return None


def _augment(
    arcs: list[list[tuple[int, int, bool]]],
    flow: list[float],
    most: list[float],
    left: list[float],
    source: int,
    amount: float,
    tiny: float,
) -> Bools | None:
    """Send up to `amount` from `source` to a node that lacks current, or to node 0.

    Returns None if something was sent, else the nodes that can be reached.
    """
    by: dict[int, tuple[int, int, bool]] = {source: (-1, -1, True)}
    queue = deque([source])
    while queue:
        node = queue.popleft()
        if node != source and (node == 0 or left[node] < -tiny):
            break
        for k, other, forward in arcs[node]:
            free = most[k] - flow[k] if forward else flow[k]
            if other not in by and free > tiny:
                by[other] = (k, node, forward)
                queue.append(other)
    else:
        reached = np.zeros(len(arcs), dtype=np.bool_)
        reached[list(by)] = True
        return reached
    target, path = node, []
    while node != source:
        k, before, forward = by[node]
        path.append((k, forward))
        node = before
    if target != 0:
        amount = min(amount, -left[target])
    amount = min([amount, *(most[k] - flow[k] if on else flow[k] for k, on in path)])
    for k, forward in path:
        flow[k] += amount if forward else -amount
    if source != 0:
        left[source] -= amount
    if target != 0:
        left[target] += amount
    return None


def rigid_pieces(solution: Solution) -> Ints:
    """Return which coordinates the solution leaves undefined, and what moves together.

    Parts joined by conductances, curves or conducting rectifiers can only shift as a whole, and
    a rectifier without current and without gap lets its anode's part only sink against its
    cathode's.  A part is defined iff such arcs lead from the reference to it and back.

    Returns
    -------
    ndarray of int, shape (n,)
        0 where a coordinate is defined, else the number of its piece, from 1.
    """
    prob = solution.problem
    conducting = solution.current > _stray_currents(solution)
    count, piece = prob.joined_by(conducting, np.ones(len(prob.curves), dtype=np.bool_))
    if count == 1:
        return piece
    span = np.abs(solution.x[prob.diode_p]) + np.abs(solution.x[prob.diode_q]) + np.abs(prob.drop)
    noise = 16 * EPS * solution.voltage_scale
    tight = ~conducting & (np.abs(solution.gap()) <= TIGHT * span + noise)
    tail, head = piece[prob.diode_p[tight]], piece[prob.diode_q[tight]]
    defined = reachable(count, tail, head, 0) & reachable(count, head, tail, 0)
    number = np.where(defined, 0, np.cumsum(~defined))
    return number[piece]


def _stray_currents(solution: Solution) -> Floats:
    """Return for each rectifier the current that rounding elsewhere may drive through it.

    KCL holds in each resistive part but for rounding of its largest currents; what is left
    over in a part without ground leaves through a rectifier.
    """
    prob = solution.problem
    size = prob.turnover + node_sums_abs(prob.n, prob.edge_p, prob.edge_q, solution.edge_current)
    count, part = prob.joined
    loudest = np.zeros(count)
    np.maximum.at(loudest, part, size)
    loudest[0] = 0.0
    stray: Floats = np.maximum(loudest[part[prob.diode_p]], loudest[part[prob.diode_q]])
    return np.maximum(64 * EPS * stray, solution.least_current)
