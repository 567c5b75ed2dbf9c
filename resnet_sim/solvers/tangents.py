"""Smooth laws beside a mixed problem: Newton steps, each a mixed problem of tangents.

At given voltages every law is replaced by its tangent.  What is left is linear but for the
rectifiers, and `mixed` solves it; the laws say how far towards its solution their
tangents may be trusted.  Curves beside rectifiers are made of chords first: a path through their
pieces leads to a solution of these (`pivoting`), near which Newton's method begins.  Where that
leads nowhere, an easier problem is solved first and turned into the given one in steps: with
conductances across all laws (gmin stepping), with sources that grow from zero (source stepping),
or with the inertia of capacitors (pseudo-transient continuation; Kelley and Keyes, SIAM J. Numer.
Anal. 35, 1998).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from ..arrays import Bools, Floats
from ..curves import Curve
from ..graph.law_problem import LawProblem
from ..graph.mixed import Extended, MixedProblem, MixedSolution
from . import mixed, pivoting
from .last_digits import to_last_digits

#: Newton steps of one attempt, of one step of a continuation, and from where tangents nearly hold.
STEPS, SHORT, QUICK = 100, 40, 12
#: Voltages (V) that one step may move by in the attempts after the first.
CAREFUL = (5.0, 1.0, 0.2)
#: How many paths through chords are followed.
PATHS = 4
#: Steps of a continuation before it is given up.
STAGES = 400
#: Steps in time without a longer one than ever before, after which nothing is going to settle.
UNSETTLED = 30
#: Change of voltages, relative to the largest, at which tangents are as good as laws.
SETTLED = 1e-9
#: How many times further the last steps are of which each comes with all digits.
NEAR = 1e6
#: What equations may leave over that are solved but for rounding, relative to their terms.
SOLVED = 1e-3
#: Disturbance of a state that does not last, V; steps in time that it may grow for, and to what
#: multiple, and by what longer ones are tried.
DISTURBED, GROWING, GROWN, SHORTER = 1e-3, 40, 100.0, 4.0


@dataclass(frozen=True)
class Outcome:
    """A solution, or none.

    Attributes
    ----------
    solution : MixedSolution, optional
    voltages, current : ndarray, shape (laws,)
        Voltages across the branches of the laws, V, and their currents, A.
    steps : int
        Newton steps in all.
    way : str
        What led there.
    turned : bool
        The determinant's sign differs from that of the circuit with passive laws: the
        slightest disturbance leads away from this solution.
    directions : ndarray, shape (k, n + m)
        Changes of unknowns and rectifier currents that the equations leave open.
    """

    solution: MixedSolution | None
    voltages: Floats
    current: Floats
    steps: int
    way: str
    turned: bool = False
    directions: Floats = field(default_factory=lambda: np.zeros((0, 0)))


@dataclass(frozen=True)
class _Place:
    """Voltages at which tangents are taken, and which rectifiers conduct."""

    u: Floats
    on: Bools


@dataclass(frozen=True)
class _Ease:
    """What makes a problem easier; the given one by default.

    `shunt` (S) lies across every law and pulls towards the voltages `towards`; all sources
    have a `share` of their values.
    """

    shunt: float = 0.0
    towards: Floats | float = 0.0
    share: float = 1.0


def solve(
    problem: LawProblem, u: Floats | None = None, on: Bools | None = None, asked: float = 0.0
) -> Outcome:
    """Find a solution: one that lasts, if a disturbance of one that does not leads there.

    Parameters
    ----------
    problem : LawProblem
    u : ndarray, shape (laws,), optional
        Voltages to start from, V.
    on : ndarray of bool, shape (m,), optional
        Conducting set to start from.
    asked : float, optional
        A solution that near to `u`, relative and V, is what is asked for, whether it lasts or not.
    """
    search = _Search(problem)
    first = problem.laws.start() if u is None else u
    place = _Place(first, np.zeros(len(problem.linear.drop), np.bool_) if on is None else on)
    for way, found in search.attempts(place, u is not None):
        if found is not None:
            outcome = search.finished(found, way)
            if outcome.solution is not None:
                off = np.abs(outcome.voltages - first).max(initial=0.0)
                near = off < asked * (1.0 + np.abs(first).max(initial=0.0))
                return search.lasting(outcome) if outcome.turned and not near else outcome
    return Outcome(None, first, np.zeros(len(first)), search.steps, "")


class _Search:
    """Newton steps on one problem."""

    def __init__(self, problem: LawProblem) -> None:
        self.problem = problem
        self.steps = 0

    def attempts(self, place: _Place, warm: bool) -> Iterator[tuple[str, _Place | None]]:
        """Yield what is tried, from the cheapest on, and where it led."""
        curve = self.problem.laws.curve if len(place.on) else None
        if warm or curve is None:
            yield "newton", self.newton(place, _Ease(), STEPS)
        if warm:
            place = _Place(self.problem.laws.start(), np.zeros_like(place.on))
        if curve is not None:
            yield "straight pieces", self.bent(curve)
        if warm or curve is not None:
            yield "newton", self.newton(place, _Ease(), STEPS)
        for volts in CAREFUL:
            yield f"newton, {volts:g} V a step", self.newton(place, _Ease(), 2 * STEPS, volts)
        yield "gmin stepping", self.fading(place)
        yield "source stepping", self.growing(place)
        yield "pseudo-transient", self.settling(place)

    # ---- straight pieces ----

    def bent(self, curve: Curve) -> _Place | None:
        """Follow paths through curves made of chords, from there go on as always."""
        for end in pivoting.solutions(self.problem.with_ports, PATHS, curve):
            self.steps += 1
            settled = self.newton(_Place(end.u, end.on), _Ease(), QUICK, flips=True)
            if settled is not None:
                return settled
        return None

    # ---- continuations ----

    def fading(self, place: _Place) -> _Place | None:
        """Reduce conductances across all laws."""
        shunt, ratio = 1e-2, 0.1
        found = self.newton(place, _Ease(shunt), SHORT)
        for _ in range(STAGES):
            if found is None:
                return None
            smaller = 0.0 if shunt < 1e-13 else shunt * ratio
            after = self.newton(found, _Ease(smaller), SHORT)
            if after is not None:
                if smaller == 0.0:
                    return after
                found, shunt, ratio = after, smaller, ratio**1.5
            elif ratio > 0.98:
                return None
            else:
                ratio = ratio**0.25
        return None

    def growing(self, place: _Place) -> _Place | None:
        """Let all sources grow."""
        share, step = 0.0, 0.05
        found = self.newton(_Place(np.zeros_like(place.u), place.on), _Ease(share=0.0), SHORT)
        for _ in range(STAGES):
            if found is None or share == 1.0:
                return found
            larger = min(1.0, share + step)
            after = self.newton(found, _Ease(share=larger), SHORT)
            if after is not None:
                found, share, step = after, larger, 2.0 * step
            elif step < 1e-7:
                return None
            else:
                step /= 4.0
        return None

    def settling(self, place: _Place, shunt: float = 1e-3) -> _Place | None:
        """Follow capacitors across all laws until nothing moves, with growing time steps."""
        found = place
        least, waited = shunt, 0
        for _ in range(STAGES):
            after = self.newton(found, _Ease(shunt, found.u), SHORT, CAREFUL[1])
            # where nothing settles, steps in time get no longer however often they are tried
            waited += 1
            if after is not None and shunt < least:
                least, waited = shunt, 0
            if waited > UNSETTLED:
                return None
            if after is None:
                shunt *= 8.0
                if shunt > 1e9:
                    return None
                continue
            found, shunt = after, shunt / 3.0
            if shunt < 1e-15:
                return self.newton(found, _Ease(), SHORT)
        return None

    def lasting(self, fence: Outcome) -> Outcome:
        """Return where a disturbance of a state that does not last leads, or that state."""
        assert fence.solution is not None
        place = _Place(fence.voltages, fence.solution.current > 0)
        way = np.random.default_rng(0).uniform(-DISTURBED, DISTURBED, len(place.u))
        shunt = 1e-12
        while shunt < 1e3:
            for side in (way, -way):
                left = self.leaving(place, side, shunt)
                found = None if left is None else self.settling(left, shunt)
                if found is not None:
                    outcome = self.finished(found, "pseudo-transient")
                    if outcome.solution is not None and not outcome.turned:
                        return outcome
            shunt *= SHORTER
        return fence

    def leaving(self, place: _Place, way: Floats, shunt: float) -> _Place | None:
        """Follow capacitors while a disturbance grows, None if it does not at this time step.

        Steps that are too long bring an unstable state back as if it lasted.
        """
        found, far = _Place(place.u + way, place.on), DISTURBED
        for count in range(GROWING):
            after = self.newton(found, _Ease(shunt, found.u), SHORT, CAREFUL[1])
            if after is None:
                return None
            before, far = far, float(np.abs(after.u - place.u).max(initial=0.0))
            if far > GROWN * DISTURBED:
                return after
            # what does not grow fades at first
            if count > 2 and far <= before:
                return None
            found = after
        return None

    # ---- one problem ----

    def newton(
        self, place: _Place, ease: _Ease, most: int, volts: float = np.inf, flips: bool = False
    ) -> _Place | None:
        """Take Newton steps until tangents are as good as the laws.

        With `flips` a step ends where flips of rectifiers do, without a search.
        """
        u, on, near_by = place.u, place.on, False
        for _ in range(most):
            solution = self.step(_Place(u, on), ease, flips, near_by)
            if solution is None:
                return None
            z, on = solution
            new = self.problem.across(z, ease.share).astype(float)
            if not np.isfinite(new).all():
                return None
            near = self.problem.laws.limit(new, u)
            near = u + np.clip(near - u, -volts, volts)
            size = SETTLED * max(float(np.abs(new).max(initial=0.0)), 1e-3)
            change = float(np.abs(new - u).max(initial=0.0))
            if change <= size:
                return _Place(new, on)
            u, near_by = near, change <= NEAR * size
        return None

    def step(
        self, place: _Place, ease: _Ease, flips: bool = False, near: bool = False
    ) -> tuple[Floats | Extended, Bools] | None:
        """Return the unknowns that solve the problem of tangents, and what conducts there.

        Those that are `near` their end already come with all digits.
        """
        self.steps += 1
        problem = self.problem.tangent(place.u, ease.shunt, ease.towards, ease.share)
        finite = np.isfinite(problem.entries.value).all() and np.isfinite(problem.rhs).all()
        if not finite:
            return None
        if not problem.m:
            z = self._linear(problem, place.on, near)
            return None if z is None else (z, place.on)
        found = mixed.nearest(problem, place.on, flips)
        if found is None:
            return None
        solution, _ = found
        return solution.z + solution.low.astype(np.longdouble), solution.current > 0

    def _linear(self, problem: MixedProblem, on: Bools, near: bool) -> Floats | Extended | None:
        """Return what solves a problem without rectifiers, None if nothing does.

        Beside a micro-ohm rounding of voltages moves more current than junctions carry, and more
        than equations have at all where next to nothing flows: one correction takes that away
        (Skeel, "Iterative refinement implies numerical stability", 1980).
        """
        z: Floats | Extended | None = mixed.roughly(problem, on, problem.rhs)
        if z is None:
            return None
        if near or not _solves(problem, z):
            low = mixed.roughly(problem, on, problem.rhs - problem.entries.times(z, problem.n))
            z = z if low is None else z + low.astype(np.longdouble)
        # where tangents are singular, the nearest to a solution may be none
        return z if _solves(problem, z) else None

    def finished(self, place: _Place, way: str) -> Outcome:
        """Take the last steps."""
        problem, none = self.problem, Outcome(None, place.u, 0.0 * place.u, self.steps, way)
        found = mixed.nearest(problem.tangent(place.u), place.on)
        if found is None:
            return none
        solution, ways = found
        solution, steps = to_last_digits(problem, solution, open_=len(ways) > 0)
        self.steps += steps
        u, flowing = problem.flowing(solution.z.astype(np.longdouble) + solution.low)
        if not np.isfinite(flowing).all():  # steps ended beside where a formula has values
            return none
        on = solution.current > 0
        turned = mixed.sign(problem.tangent(u), on) * mixed.sign(problem.passive, on) < 0
        return Outcome(solution, u, flowing, self.steps, way, turned, ways)


def _solves(problem: MixedProblem, z: Floats | Extended) -> bool:
    """Tell whether unknowns solve the equations, but for rounding."""
    left, size = problem.entries.off(z, problem.rhs)
    return bool((left <= SOLVED * size).all())
