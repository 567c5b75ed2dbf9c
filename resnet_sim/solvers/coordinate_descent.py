"""Exact coordinate descent with cluster moves.

One coordinate at a time is set to the minimum of the co-content along it, as far as the
hard rectifiers at it allow (Scellier, arXiv 2402.11674).  Alone this jams where a hard
rectifier joins two free coordinates: each would have to move with the other.  So tight
rectifiers join coordinates into clusters, trees of rectifiers that carry current; what
moves is a cluster, or a subtree whose net current would drive its tie backwards, and a
move that is blocked adds the rectifier that blocks it.  Every move lowers the co-content.

Convergence is linear; it takes long where conductances spread over many decades.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial

import numpy as np

from ..arrays import Bools, Floats
from ..compiled import policy
from ..graph.forests import spanning_forest
from ..graph.graphs import bincount, components
from ..graph.problem import EPS, Problem, Solution, node_sums, node_sums_abs
from ..graph.topology import ROUNDING, TIGHT, nearest_feasible
from ..workers.progress import report
from . import newton

#: Over-relaxation: a move goes this many times as far as the minimum.
RELAXATION = 1.7
START_RELAXATION = 1.5
CHUNK = 40
#: Residuals of all coordinates add up at ground, whose currents may be small.
MARGIN = 1e-3
#: Chunks without progress after which the linear solve is tried.
POLISH_AFTER = 5


def solve(
    problem: Problem,
    tolerance: float = 1e-9,
    on: Bools | None = None,
    x: Floats | None = None,
    sweeps: int = 20_000,
) -> Solution:
    """Minimise by coordinate descent from any start.

    Parameters
    ----------
    problem : Problem
        Convex, feasible and bounded.
    tolerance : float
        Stops when the KKT residual is `MARGIN` times this, relative.
    on : optional
        Not used: what conducts follows from `x`.
    x : ndarray of float, shape (n,), optional
        Start; moved to the nearest feasible point.
    sweeps : int
        Most sweeps; ``converged`` is False when they are used up.
    """
    x = nearest_feasible(problem, np.zeros(problem.n) if x is None else x)
    tight = np.zeros(len(problem.drop), dtype=np.bool_)
    run = _sweeper(problem, x, tight)
    done, relaxation, stalled, best = 0, RELAXATION, 0, np.inf
    while True:
        before = x.copy()
        run(relaxation, CHUNK)
        done += CHUNK
        solution = _solution(problem, x, tight, done)
        error = _error(solution)
        report("%d sweeps: residual %.1e", done, error)
        if error <= MARGIN * tolerance:
            converged = dataclasses.replace(solution, converged=True)
            if problem.size > policy.POLICY.polished:
                return converged
            return _polish(problem, solution, tight) or converged
        stalled = 0 if error < 0.5 * best else stalled + 1
        best = min(best, error)
        if stalled >= POLISH_AFTER or done >= sweeps:
            polished = _polish(problem, solution, tight)
            if polished is not None:
                return polished
            if error <= tolerance:  # no further, but far enough
                return dataclasses.replace(solution, converged=True)
            stalled = 0
        if done >= sweeps:
            note = f"not converged after {done} sweeps: try method='newton'"
            return dataclasses.replace(solution, notes=(note,))
        # over-relaxation may chatter around a kink that plain steps settle at once
        relaxation = RELAXATION if stalled == 0 or relaxation == 1.0 else 1.0
        _leap(problem, x, before)
        _drift(problem, x, tight)


def _leap(problem: Problem, x: Floats, before: Floats) -> None:
    """Go on in the direction of the last sweeps, to the minimum along it.

    What sweeps leave over changes slowly and all in one direction.  A rectifier that would
    open or close on the way ends it, so the co-content is a parabola there.
    """
    direction = x - before
    p, q = problem.diode_p, problem.diode_q
    approach, gap = direction[p] - direction[q], problem.drop - (x[p] - x[q])
    approach[np.abs(approach) <= 1e-9 * (np.abs(direction[p]) + np.abs(direction[q]))] = 0.0
    conducting = ~problem.hard & (gap < 0)
    meeting = np.where(conducting, -approach, approach) > 0
    reach = float((np.abs(gap[meeting]) / np.abs(approach[meeting])).min(initial=np.inf))
    soft = np.flatnonzero(conducting)
    rise = direction[problem.edge_p] - direction[problem.edge_q]
    flow = problem.conductance * (x[problem.edge_p] - x[problem.edge_q] - problem.emf)
    slope = float(problem.injection @ direction - flow @ rise)
    slope += float((gap[soft] / problem.resistance[soft]) @ approach[soft])
    stiffness = float(problem.conductance @ rise**2)
    stiffness += float((1.0 / problem.resistance[soft]) @ approach[soft] ** 2)
    if slope > 0 and stiffness > 0:
        x += min(slope / stiffness, reach) * direction


def sweep(problem: Problem, sweeps: int, x: Floats | None = None) -> tuple[Bools, Floats]:
    """Return which rectifiers conduct after a few sweeps, and the coordinates: a start."""
    x = nearest_feasible(problem, np.zeros(problem.n) if x is None else x)
    tight = np.zeros(len(problem.drop), dtype=np.bool_)
    _sweeper(problem, x, tight)(START_RELAXATION, sweeps)
    p, q = problem.diode_p, problem.diode_q
    return tight | (~problem.hard & (x[p] - x[q] > problem.drop)), x


def _polish(problem: Problem, solution: Solution, tight: Bools) -> Solution | None:
    """Solve the linear network of the rectifiers that conduct; None if it contradicts them.

    Gives the last digits, which plain double precision can't where nearly no current flows.
    """
    on = tight | (solution.current > 0)
    trial = newton.evaluate(problem, on, np.zeros(len(on)), lenient=True)
    if trial.redundant.any():
        on = on & ~trial.redundant
        trial = newton.evaluate(problem, on, np.zeros(len(on)), lenient=True)
    if (trial.violation > 1.0).any():
        return None
    current = np.maximum(trial.current, 0.0)
    notes = ("polished by one linear solve",)
    return Solution(problem, trial.x, trial.low, current, solution.iterations, True, "cd", notes)


def _drift(problem: Problem, x: Floats, tight: Bools) -> None:
    """Move parts without ground, whose current must leave through rectifiers, up to the next.

    The co-content falls linearly along this way, which single moves follow only slowly.
    """
    p, q = problem.diode_p, problem.diode_q
    on = tight | (~problem.hard & (x[p] - x[q] > problem.drop))
    joined = (np.concatenate((problem.edge_p, p[on])), np.concatenate((problem.edge_q, q[on])))
    count, part = components(problem.n, *joined)
    if count == 1:
        return
    net = bincount(part, problem.injection, count)
    net[np.abs(net) <= ROUNDING * bincount(part, problem.turnover, count)] = 0.0
    for k in np.flatnonzero(net[1:]) + 1:
        inside = part == k
        ends = (p, q) if net[k] > 0 else (q, p)
        leaving = np.flatnonzero(inside[ends[0]] & ~inside[ends[1]])
        if len(leaving):
            gap = problem.drop[leaving] - (x[p[leaving]] - x[q[leaving]])
            x[inside] += np.sign(net[k]) * max(float(gap.min()), 0.0)
            first = leaving[gap.argmin()]
            tight[first] = problem.hard[first]


def _sweeper(problem: Problem, x: Floats, tight: Bools) -> Callable[[float, int], None]:
    """Return what sweeps, given relaxation and number; changes `x` and `tight`."""
    from ._descent import WORK, cluster_sweeps
    from ._descent_network import NODE, RECTIFIER, fill

    n, e, m = problem.n, len(problem.edge_p), len(problem.drop)
    p, q, diode_p, diode_q = (
        ends.view(np.uint64)
        for ends in (problem.edge_p, problem.edge_q, problem.diode_p, problem.diode_q)
    )
    edges = p, q, problem.conductance, problem.emf
    rectifiers = diode_p, diode_q, problem.drop, problem.resistance
    network = (
        np.empty(n, NODE), np.empty(2 * m, RECTIFIER),
        np.empty(2 * e, np.uint32), np.empty(2 * e), np.zeros(2 * e),
    )  # fmt: skip
    place = np.zeros((3, n), np.uint32)
    each = fill(edges, rectifiers, network, place)
    feed = problem.injection, problem.turnover
    work = place[0], place[1], np.empty(n, WORK)
    return partial(cluster_sweeps, x, tight, feed, (*network, each), work)


def _solution(problem: Problem, x: Floats, tight: Bools, sweeps: int) -> Solution:
    """Return the solution with currents of tight rectifiers from KCL on their trees."""
    x = x.copy()
    low, current = np.zeros(problem.n), np.zeros(len(problem.drop))
    p, q = problem.diode_p, problem.diode_q
    soft = ~problem.hard
    above = x[p[soft]] - x[q[soft]] - problem.drop[soft]
    current[soft] = np.maximum(above, 0.0) / problem.resistance[soft]
    draft = Solution(problem, x, low, current, sweeps, False, "cd")
    excess = problem.injection - node_sums(
        problem.n, problem.edge_p, problem.edge_q, draft.edge_current
    )
    excess -= node_sums(problem.n, p, q, current)
    span = np.abs(x[p]) + np.abs(x[q]) + np.abs(problem.drop)
    tie = np.flatnonzero(tight & (problem.drop - (x[p] - x[q]) <= TIGHT * span))
    edge, flow = spanning_forest(problem.n, p[tie], q[tie]).carried(p[tie], excess)
    current[tie[edge]] = flow
    return draft


def _error(solution: Solution) -> float:
    """Return the KKT residual: KCL, and currents that flow backwards, relative."""
    prob = solution.problem
    residual = float(solution.residual().max())
    p, q = prob.diode_p, prob.diode_q
    scale = prob.turnover + node_sums_abs(prob.n, prob.edge_p, prob.edge_q, solution.edge_current)
    scale += node_sums_abs(prob.n, p, q, solution.current)
    scale += 1e-6 * scale.max() + EPS
    backward = np.maximum(-solution.current, 0.0) / (scale[p] + scale[q])
    np.maximum(solution.current, 0.0, out=solution.current)
    return max(residual, float(backward.max(initial=0.0)))
