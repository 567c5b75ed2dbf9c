"""Problems of feedback of any size.

Small ones are dense (`complementarity`).  Of large ones one conducting set is factored as a
sparse matrix; what its rectifiers ask for is then a problem of these alone:

    w = q + P t,  w >= 0,  t >= 0,  complementary

with t the currents of rectifiers off in that set and the gaps of those on, w the other way round
(a principal pivot transform; Cottle, Pang and Stone).  With few rectifiers it is searched like a
small problem, which proves what there is; with many, flips of the whole find a solution.
"""

from __future__ import annotations

import itertools
from functools import partial

import numpy as np

from ..arrays import Bools, Floats
from ..compiled import policy
from ..errors import ConvergenceError
from ..graph.graphs import bincount
from ..graph.mixed import Extended, MixedProblem, MixedSolution
from ..graph.problem import EPS
from . import complementarity, singular
from .complementarity import QUICK, STEPS, Outcome
from .freedom import directions
from .singular import solve_roughly
from .sparse import FINEST, LOOKS, STEADY, WRONG, Factored, Singular

#: Rectifiers in which a set may differ from that whose factors serve it: each costs a solve,
#: and some tens as much as new factors.
ALIKE = 8
#: Sets from which no other start is tried, however large the problem is.
LEAST = 60


def solve(problem: MixedProblem, on: Bools | None = None, scale: float = 0.0) -> Outcome:
    """Find solutions, see `complementarity.solve`.

    Raises
    ------
    ConvergenceError
        If a large problem leaves something undefined that only a dense matrix could tell.
    """
    if _is_large(problem):
        start = np.zeros(problem.m, dtype=np.bool_) if on is None else on
        try:
            return _Large(problem).solve(start)
        except Singular:
            if not _fits(problem):
                most = policy.POLICY.feedback
                message = (
                    f"the equations of a feedback loop of {problem.n + problem.m} unknowns are "
                    f"singular: at most {most} unknowns can be searched for what is undefined"
                )
                raise ConvergenceError(message) from None
    return complementarity.solve(problem, on, scale)


def nearest(
    problem: MixedProblem, on: Bools, flips: bool = False
) -> tuple[MixedSolution, Floats] | None:
    """Return a solution, the one that flips from a conducting set lead to if there is such.

    With it come the directions in which it may change, see `freedom.directions`.  With `flips`
    nothing else is tried in small problems.
    """
    if _is_large(problem):
        try:
            solution = _Large(problem).nearest(on)
            return None if solution is None else (solution, np.zeros((0, problem.n + problem.m)))
        except Singular:
            if not _fits(problem):
                return None
    found = complementarity.nearest(problem, on, flips)
    if found is None:
        return None
    solution, search = found
    return solution, directions(problem, [solution], search.loose)


def roughly(problem: MixedProblem, on: Bools, rhs: Extended, open_: bool = False) -> Floats | None:
    """Return what solves the equations of a conducting set to some digits.

    It is the smallest where the equations are singular, as `open_` tells if they are known to be;
    None where that would take too long.
    """
    if _is_large(problem):
        try:
            return Factored(problem, on).solve(rhs)[0].astype(float)
        except Singular:
            if not _fits(problem):
                return None
    return solve_roughly(_dense(problem, on), rhs.astype(float), open_)


def sign(problem: MixedProblem, on: Bools) -> float:
    """Return the sign of the determinant of the equations of a conducting set, 0 if singular."""
    if not _is_large(problem):
        return singular.sign(_dense(problem, on))
    try:
        return Factored(problem, on).sign()
    except Singular:
        return 0.0


def _is_large(problem: MixedProblem) -> bool:
    """Tell whether equations are factored as sparse ones."""
    return problem.n + problem.m > policy.POLICY.dense


def _fits(problem: MixedProblem) -> bool:
    """Tell whether dense matrices of the equations have room."""
    return problem.n + problem.m <= policy.POLICY.feedback


def _dense(problem: MixedProblem, on: Bools) -> Floats:
    """Return the equations of a conducting set."""
    kept = np.flatnonzero(np.append(np.ones(problem.n, dtype=np.bool_), on))
    return np.asarray(problem.equations[kept[:, None], kept], dtype=float)


class _Large:
    """Searches a large problem."""

    def __init__(self, problem: MixedProblem) -> None:
        self.problem, self.tried = problem, 0
        self.last: Factored | None = None
        #: the last that has factors of its own
        self.base: Factored | None = None

    def solve(self, on: Bools) -> Outcome:
        """Find all solutions if there are few rectifiers, else one."""
        problem = self.problem
        if 0 < problem.m <= policy.POLICY.enumerated:
            return self._search(on)
        rng = np.random.default_rng(0)
        starts = [on, ~on, *(rng.random(problem.m) < share for share in (0.5, 0.2, 0.8))]
        # where dense matrices cost little their paths lead further than flips from anywhere
        quick = complementarity.most_sets(problem) > complementarity.LEAST
        most = 0 if quick else max(LEAST, policy.POLICY.flips / (problem.n + problem.m))
        found = None
        for start, lenient in itertools.product(starts, (False, True)):
            if found is None and self.tried <= most:
                evaluate = partial(self.evaluate, lenient=lenient)
                found = complementarity.newton(evaluate, start, QUICK if quick else STEPS)
        if found is None:
            if _fits(problem):
                raise Singular  # dense matrices are searched by more than flips
            return Outcome((), self.tried, False, "sparse", problem, _regular)
        self._check_rigid(found)
        alone = problem.m == 0  # nothing else could be tried
        return Outcome(([found],), self.tried, alone, "sparse", problem, _regular)

    def nearest(self, on: Bools) -> MixedSolution | None:
        """Return a solution, the one that flips lead to if there is such."""
        found = complementarity.newton(self.evaluate, on)
        if found is None:
            groups = self.solve(on).groups
            return groups[0][0] if groups else None
        self._check_rigid(found)
        return found

    def _check_rigid(self, found: MixedSolution) -> None:
        """Raise `Singular` if a solution may change."""
        on = self.problem.carrying(found)
        for conducts in (on, on | self.problem.touching(found)):
            if self.factored(conducts).open[: self.problem.n].any():
                raise Singular

    def factored(self, on: Bools) -> Factored:
        """Return the equations of a conducting set; the last are kept."""
        if self.last is not None and np.array_equal(self.last.on, on):
            return self.last
        self.tried += 1
        many = self.problem.m > policy.POLICY.enumerated
        if many and self.base is not None and (self.base.on != on).sum() <= ALIKE:
            try:
                self.last = Factored(self.problem, on, self.base)
                return self.last
            except Singular:
                pass
        return self._anew(on)

    def _anew(self, on: Bools) -> Factored:
        """Return the equations of a conducting set with factors of their own."""
        self.base = self.last = None  # their memory is needed
        self.base = self.last = Factored(self.problem, on)
        return self.base

    def evaluate(self, on: Bools, lenient: bool = False) -> tuple[MixedSolution, Bools]:
        """Solve the equations of a conducting set; tell which rectifiers contradict it."""
        problem, factored, rhs = self.problem, self.factored(on), _joined(self.problem, on)
        start = None
        if problem.m:  # what is wrong by so much that more digits change nothing needs none
            y, change = factored.solve(rhs, LOOKS)
            if not (factored.is_own or factored.settled(y, change, STEADY)):
                factored = self._anew(on)
                y, _ = factored.solve(rhs, LOOKS)
            start = y
            scale = WRONG * float(np.abs(y * factored.columns).max(initial=0.0))
            solution, wrong = self._judge(on, y, scale / factored.columns)
            if wrong.any():
                return solution, wrong
        y, change = factored.solve(rhs, start=start)
        if not (factored.is_own or factored.settled(y, change, STEADY)):
            factored = self._anew(on)
            y, change = factored.solve(rhs)
        if not problem.m:
            return self._judge(on, y, change)
        # what is nothing but rounding is nothing: a clamp that rests gives 0, not 1e-30
        y = np.where(np.abs(y) <= factored.error(rhs, y, change, lenient=False), 0.0, y)
        solution, wrong = self._judge(on, y, factored.error(rhs, y, change, lenient))
        if not factored.settled(y, change):  # no solution
            wrong = wrong if wrong.any() else np.ones(problem.m, dtype=np.bool_)
        return solution, wrong

    def _judge(self, on: Bools, y: Extended, error: Floats) -> tuple[MixedSolution, Bools]:
        """Return what solves the equations of a set but for an error, and what contradicts it."""
        problem, n = self.problem, self.problem.n
        x = y.astype(float)
        z, low = x[:n], (y - x).astype(float)[:n]
        current, slack = np.zeros(problem.m), np.zeros(problem.m)
        current[on], slack[on] = x[n:], error[n:]
        gap = problem.drop + problem.resistance * current - problem.across(z)
        size = np.abs(problem.drop) + problem.across(z, size=True)
        blur = 64 * EPS * size + problem.across(error[:n], size=True) + problem.resistance * slack
        wrong = np.where(on, current, gap) < -np.where(on, slack, blur)
        none = np.zeros(n, dtype=np.bool_)
        free = np.zeros(problem.m, dtype=np.bool_)
        return MixedSolution(z, low, np.maximum(current, 0.0), none, free), wrong

    # ---- few rectifiers ----

    def _search(self, on: Bools) -> Outcome:
        """Find all solutions of a problem of few rectifiers."""
        base = self._base(on)
        small = self._reduced(base)
        outcome = complementarity.solve(small, base ^ base)
        if not outcome.is_rigid():
            raise Singular
        sets = [base ^ (group[0].current > 0) for group in outcome.groups]
        if any(self.factored(on).open.any() for on in sets):
            raise Singular
        found = [self.evaluate(on, lenient=True) for on in sets]
        groups = tuple([solution] for solution, wrong in found if not wrong.any())
        exhaustive = len(groups) == len(found)
        return Outcome(groups, self.tried, exhaustive, "sparse", self.problem, _regular)

    def _base(self, on: Bools) -> Bools:
        """Return a conducting set whose equations are regular."""
        for base in (on, np.zeros_like(on), np.ones_like(on)):
            try:
                regular = not self.factored(base).open.any()
            except Singular:
                continue
            if regular:
                return base
        raise Singular

    def _reduced(self, base: Bools) -> MixedProblem:
        """Return the problem of the rectifiers alone."""
        problem, n, m = self.problem, self.problem.n, self.problem.m
        responses = np.column_stack([self._response(base, j) for j in range(m + 1)])
        sense = problem.entries.where((problem.entries.row >= n) & (problem.entries.column < n))
        seen, size = np.zeros((m, m + 1), dtype=np.longdouble), np.zeros((m, m + 1))
        terms = sense.value[:, None] * responses[sense.column]
        np.add.at(seen, sense.row - n, terms)
        np.add.at(size, sense.row - n, np.abs(terms).astype(float))
        own = np.column_stack((np.diag(problem.resistance), problem.drop))
        answer = np.where(base[:, None], responses[n:], own - seen)
        # what would be zero but for rounding is: rectifiers between both states must show
        currents = np.abs(responses[n:]).max(axis=0, initial=0.0).astype(float)
        size = np.where(base[:, None], currents, size + np.abs(own))
        # small answers have the last digits of the largest
        reach = bincount(sense.row - n, np.abs(sense.value).astype(float), m)
        blur = 16 * FINEST * np.outer(reach, np.abs(responses).max(axis=0, initial=0.0))
        # currents have those of all that was solved for with them, as it is scaled
        factored = self.factored(base)
        scaled = np.abs(responses[factored.kept] * factored.columns[:, None]).max(
            axis=0, initial=0.0
        )
        blur[base] = 16 * FINEST * np.outer(1.0 / factored.columns[n:], scaled)
        answer[np.abs(answer) <= 64 * EPS * size + blur.astype(float)] = 0.0
        # currents become volts
        per_volt = np.abs(np.diag(answer[:, :m])).astype(float)
        turned = base & (per_volt > 0)
        answer[turned] /= per_volt[turned, None]
        eye, none = np.eye(m), np.zeros(m)
        return MixedProblem.dense(eye, -answer[:, :m], answer[:, m], -eye, none, none)

    def _response(self, base: Bools, j: int) -> Extended:
        """Return how all answers to one ampere of rectifier j, or to one volt of its gap.

        Unknowns, then currents, which are zero for those off; the last j is for the rest.
        """
        problem, n = self.problem, self.problem.n
        factored, entries = self.factored(base), problem.entries
        place = np.cumsum(factored.kept) - 1
        right = np.zeros(factored.size, dtype=np.longdouble)
        if j == problem.m:
            right = _joined(problem, base)
        elif base[j]:
            right[place[n + j]] = -1.0
        else:
            own = entries.where((entries.column == n + j) & factored.kept[entries.row])
            right[place[own.row]] = -own.value
        whole = np.zeros(n + problem.m, dtype=np.longdouble)
        whole[factored.kept], _ = factored.solve(right)
        return whole


def _regular(on: Bools) -> bool:
    """Tell that a conducting set is not singular: else no solution is returned."""
    return False


def _joined(problem: MixedProblem, on: Bools) -> Extended:
    """Return the right side of the equations of a conducting set."""
    return np.concatenate((problem.rhs, problem.drop[on]), dtype=np.longdouble)
