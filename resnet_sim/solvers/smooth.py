"""Problems with curves: tangents at points of the curves, a network, better points, repeat.

The state of a curve is a point on it.  With tangents in place of the curves the problem is one
that the other methods solve, hard rectifiers and all; its solution puts each curve at (v, i) off
the curve.  The next point is where the curve meets what the rest of the network offers there,
``V + r I = v + r i`` with r the resistance of all else at its ends (Minty's resolvent): a junction
that a current source feeds takes the current, one across a voltage source the voltage.

That converges within a few steps or not at all, because nothing holds it back.  Where it stalls,
tangents are taken at the voltages themselves: Newton's method on the co-content, which is
convex, with an exact search along each step (e.g. Boyd and Vandenberghe, "Convex
Optimization", 2004, section 9.5).  That converges from anywhere.
"""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..compiled import policy
from ..curves import Points
from ..errors import ConvergenceError
from ..graph.forests import spanning_forest
from ..graph.problem import EPS, Problem, Solution, difference
from ..workers.progress import report
from . import _straight_pieces as straight
from . import automatic, newton
from ._cocontent import least_on_the_way
from ._condensed import Core, condensed
from ._neighbourhood import around
from ._offers import ENOUGH, Reach, bounded, distances, resistance, turned
from .linear.bordered import BorderedFactors
from .linear.sparse_factors import SparseFactors

#: The same where no step makes it better: rounding of the voltages at large conductances.
GOOD = 1e-10
#: Distance from the curves, in such units, from which on networks are solved to their last digits,
NEAR = 1e9
#: and the relative residual of the first ones.
ROUGH = 1e-3
#: Steps without progress after which Newton's method on the co-content takes over.
PATIENCE = 6
#: The same after which curves are offered no more than what their neighbours leave.
HASTE = 2
#: Most steps of that kind at a time, and how many of the other follow.
MOST_STEPS, DESCENTS = 100, 8
#: How often either is tried.
ROUNDS = 25
#: Linear solves that the start may take.
START = 4
#: Distance from the curves, in such units, from which they are far off, and the share of them that
#: are few.
FAR, FEW = 1e6, 0.05


@dataclass(frozen=True)
class _Step:
    """A solution of the network of tangents: where it puts the curves, and how far off they are.

    Attributes
    ----------
    solution : Solution
        Of the tangents.
    v, i : ndarray of float, shape (c,)
        Volts above the emf, and currents that obey KCL.
    r : ndarray of float, shape (c,)
        Resistance of all else at the ends of each curve, ohm.
    next : Points
        Where the curves meet what is offered there.
    away : ndarray of float, shape (c,)
        Distances from the curves, in units of what is `ENOUGH`, with the sign of what is lacking.
    gap : float
        Power that all curves together are off by, W.
    """

    solution: Solution
    v: Floats
    i: Floats
    r: Floats
    next: Points
    away: Floats
    gap: float

    @property
    def off(self) -> float:
        """The largest distance from a curve."""
        return float(np.abs(self.away).max())


def solve(problem: Problem, on: Bools | None, x: Floats | None) -> Solution:
    """Solve a bounded, feasible problem with monotone curves to the last digit."""
    search = _Search(problem, SparseFactors())
    try:
        core = condensed(problem) if x is None else None
        best, count = _begun(search, on, x) if core is None else _continued(search, core, on)
    except np.linalg.LinAlgError as error:
        message = "the tangents of the junctions are singular to working precision where the search"
        raise ConvergenceError(f"{message} begins: {error}; a solution may exist") from error
    if best.off <= 1.0:
        return _finished(problem, best, count, True)
    feasible, low, used = straight.feasible(problem, best.solution.x)
    count += used
    # tangents of many decades may be singular to working precision: the best so far stands
    with suppress(np.linalg.LinAlgError):
        for _ in range(ROUNDS):
            if best.off <= 1.0:
                break
            step, feasible, low, used = _descend(search, best, feasible, low)
            count += used
            if step.off < best.off:
                best = step
            if step.off > 1.0:
                step, used = _follow(search, step.next, _conducting(step.solution), step.solution.x)
                count += used
            if step.off < best.off:
                best = step
    return _finished(problem, best, count, best.off * ENOUGH <= GOOD)


def _begun(search: _Search, on: Bools | None, x: Floats | None) -> tuple[_Step, int]:
    """Follow the points from where a search starts; return the best step, and the solves."""
    points, on, x, count = _start(search, on, x)
    best, used = _follow(search, points, on, x)
    return best, count + used


def _continued(search: _Search, core: Core, on: Bools | None) -> tuple[_Step, int]:
    """Do the same from where a search in the core of the problem ends."""
    inner = _Search(core.problem, SparseFactors())
    try:
        best, count = _begun(inner, on, None)
    except np.linalg.LinAlgError:
        return _begun(search, on, None)
    search.factors.after(core.gone, core.kept, inner.factors)
    best, used = _follow(search, best.next, _conducting(best.solution), None, best.off)
    return best, count + used


def _follow(
    search: _Search, points: Points, on: Bools | None, x: Floats | None, off: float = np.inf
) -> tuple[_Step, int]:
    """Move points, `off` so far, by the resolvent until they settle or stall; return the best."""
    best, before, waited, count, hasty = None, None, 0, 0, False
    reach, least_gap, least_off = Reach(len(search.problem.curves)), np.inf, np.inf
    for number in range(1, MOST_STEPS + 1):
        try:
            step = search.step(points, on, x, reach, 0.0 if waited >= HASTE else off)
        except np.linalg.LinAlgError:
            if best is None:
                raise
            break
        count += step.solution.iterations
        report("tangents %d: %.1e of the tolerance off the curves", number, step.off)
        if best is None or step.gap < 0.5 * least_gap or step.off < 0.5 * least_off:
            best, waited = step, 0
        else:
            waited += 1
        least_gap, least_off = min(least_gap, step.gap), min(least_off, step.off)
        if step.off <= 1.0:
            return step, count
        if waited >= HASTE and not hasty:
            waited, hasty = 0, True
            reach.shorten()
        if waited >= PATIENCE:
            break
        points, x, on = step.next, step.solution.x, _conducting(step.solution)
        if before is not None:
            reach.learn(before.away, step.away)
            points = _halfway(search.problem, step, before)
        points, used = _settled(search.problem, step, points, on)
        count, before, off = count + used, step, step.off
    assert best is not None
    return best, count


def _halfway(problem: Problem, step: _Step, before: _Step) -> Points:
    """Return the next points; curves that turn back meet what lies half way between two offers.

    Some are offered too much and too little in turns, by neighbours who do the same, for ever.
    """
    rows = np.flatnonzero(turned(before.away, step.away))
    if not len(rows):
        return step.next
    v, i = (0.5 * (a + b)[rows] for a, b in ((before.v, step.v), (before.i, step.i)))
    some = dataclasses.replace(problem, curves=problem.curves.take(rows))
    return _replaced(step.next, rows, _moved(some, v, i, step.r[rows]))


def _settled(problem: Problem, step: _Step, points: Points, on: Bools) -> tuple[Points, int]:
    """Return points of which the last few far off have settled among neighbours, and the solves.

    Curves that block in series have their voltages between them: they give way to each other by an
    emission voltage at a time, for which the rest of a large network need not be solved again.
    """
    far = np.abs(step.away) > FAR
    if problem.size < policy.POLICY.apart or not 0 < far.sum() <= FEW * len(far):
        return points, 0
    near, x = around(problem, far, step.solution.x), step.solution.x
    search, first = _Search(near.problem, SparseFactors()), points.take(near.curves)
    try:
        best, used = _follow(search, first, on[near.rectifiers], x[near.nodes])
    except np.linalg.LinAlgError:
        return points, 0
    return (_replaced(points, near.curves, best.next) if best.off <= 1.0 else points), used


def _replaced(points: Points, rows: Ints, others: Points) -> Points:
    """Return points with others in some rows."""
    result = Points(*(column.copy() for column in points))
    for column, changed in zip(result, others, strict=True):
        column[rows] = changed
    return result


def _conducting(solution: Solution) -> Bools:
    """Tell which rectifiers conduct, those included whose current is less than its rounding."""
    problem, on = solution.problem, solution.current > 0
    touches = ~on & (np.abs(solution.gap()) <= 16 * EPS * float(solution.voltage_scale))
    if touches.any():  # those held there by others carry nothing
        tie = np.flatnonzero(on & problem.hard)
        group = spanning_forest(problem.n, problem.diode_p[tie], problem.diode_q[tie]).label
        touches &= group[problem.diode_p] != group[problem.diode_q]
    return np.asarray(on | touches)


def _finished(problem: Problem, step: _Step, count: int, converged: bool) -> Solution:
    note = f"curves are off by up to {step.off * ENOUGH:.1e} of their values"
    return dataclasses.replace(
        step.solution, problem=problem, iterations=count, converged=converged, method="tangents",
        notes=() if converged else (note,), curves=Points(step.v, step.i, step.next.slope),
    )  # fmt: skip


@dataclass(frozen=True)
class _Search:
    """A problem, and what has factored networks of its tangents."""

    problem: Problem
    factors: SparseFactors

    def step(
        self, points: Points, on: Bools | None, x: Floats | None, reach: Reach, off: float = 0.0
    ) -> _Step:
        """Solve the network of tangents at some points, of which the last were so far `off`.

        What is far off need not be more exact than the next step will be (Dembo, Eisenstat and
        Steihaug, "Inexact Newton methods", 1982).
        """
        points = _representable(self.problem.curves.emf, points)
        tangent = self.problem.tangent(points)
        inverses = BorderedFactors(tangent, self.factors)
        if off > NEAR:
            enough = ROUGH * min(1.0, ENOUGH * off) ** 2
            solution = automatic.solve(tangent, on=on, x=x, inverses=inverses, enough=enough)
            step = self._measured(tangent, points, solution, reach)
            if step.off * ENOUGH > GOOD:
                return step
            on, x = _conducting(solution), solution.x
        solution = automatic.solve(tangent, on=on, x=x, inverses=inverses)
        return self._measured(tangent, points, solution, reach)

    def _measured(
        self, tangent: Problem, points: Points, solution: Solution, reach: Reach
    ) -> _Step:
        """Return a step: how far off the curves the solution of their tangents is."""
        problem, rows = self.problem, self.problem.curves
        v = difference(solution.x, solution.low, rows.p, rows.q, rows.emf)
        edges = len(problem.edge_p)
        i = points.i + solution.edge_current[edges:]
        r = resistance(tangent, solution, tangent.conductance[edges:], reach.far)
        following = _moved(problem, v, i, r)
        away = distances(problem, solution, v, i, following)
        gap = float((np.abs(following.v - v) * np.abs(following.i - i)).sum())
        return _Step(solution, v, i, r, following, away, gap)


def _moved(problem: Problem, v: Floats, i: Floats, r: Floats) -> Points:
    """Return the points where curves meet what is offered to them."""
    return bounded(problem, problem.curves.point(v + r * i, r), i)


def _representable(emf: Floats, points: Points) -> Points:
    """Return the points of the tangents whose voltage in series with the emf is a double."""
    v = (emf + points.v) - emf
    return Points(v, points.i + points.slope * (v - points.v), points.slope)


# ---- where to start ----


def _start(
    search: _Search, on: Bools | None, x: Floats | None
) -> tuple[Points, Bools | None, Floats | None, int]:
    """Return points near the solution of the same problem with curves in straight pieces."""
    problem, rows = search.problem, search.problem.curves
    pieces, bends = straight.pieces_of(problem, straight.local_load(problem))
    m, inverses = len(problem.drop), BorderedFactors(pieces, search.factors)
    on = newton.guess(pieces, x)
    rough = newton.solve(pieces, on, x, cap=START, stubborn=False, inverses=inverses)
    v = difference(rough.x, rough.low, rows.p, rows.q, rows.emf)
    i = straight.currents(problem, rough, bends)
    slope = pieces.conductance[len(problem.edge_p) :].copy()
    for part in bends:
        on = rough.current[part.rectifier] > 0
        slope[part.curve] += np.where(on, 1.0 / pieces.resistance[part.rectifier], 0.0)
    tangent = dataclasses.replace(
        pieces, conductance=np.concatenate((problem.conductance, slope)),
        diode_p=problem.diode_p, diode_q=problem.diode_q, drop=problem.drop,
        resistance=problem.resistance,
    )  # fmt: skip
    rough = dataclasses.replace(rough, current=rough.current[:m])
    r = resistance(tangent, rough, slope, Reach(len(rows)).far)
    return _moved(problem, v, i, r), rough.current > 0, rough.x, rough.iterations


# ---- Newton's method on the co-content ----


def _descend(
    search: _Search, start: _Step, x: Floats, low: Floats
) -> tuple[_Step, Floats, Floats, int]:
    """Go some steps down from a feasible point, with tangents at the voltages themselves.

    Returns the last step, and the point with its low parts to go on from.
    """
    problem, step, count = search.problem, start, 0
    rows, reach = problem.curves, Reach(len(problem.curves))
    for _ in range(DESCENTS):
        v = difference(x, low, rows.p, rows.q, rows.emf)
        points = bounded(problem, rows.point(v, np.zeros(len(rows))), step.i)
        step = search.step(points, _conducting(step.solution), x, reach)
        count += step.solution.iterations
        report("Newton on the co-content: %.1e of the tolerance off the curves", step.off)
        if step.off <= 1.0:
            break
        size = least_on_the_way(problem, x, step.solution.x)
        x = x + size * (step.solution.x - x)
        low = step.solution.low if size == 1.0 else np.zeros_like(low)
    return step, x, low, count
