"""Mixed linear complementarity: circuits with feedback, where no co-content exists.

For each guess of the conducting set the equations are linear; the guess is right if all
currents and gaps come out non-negative.  No pivoting rule finds every solution of such a
problem, so with few rectifiers all guesses are tried, which also tells how many solutions
there are; with many, Newton flips from several starts are followed by a search for a
mixed-integer solution.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..compiled import policy
from ..graph.mixed import Extended, MixedProblem, MixedSolution
from ..graph.problem import EPS
from . import guesses, pivoting
from .freedom import directions, inside, is_rigid
from .mixed_integer import mixed_integer
from .singular import Square

PATHS = 4
STARTS = 60
STEPS = 60
#: Flips after which paths are followed: these lead further, and cost little.
QUICK = 15
#: Sets that are tried at least, however large the problem is.
LEAST = 20


@dataclass(frozen=True)
class Outcome:
    """All solutions found, how many guesses were tried, and whether none was left out.

    Solutions come in groups that hang together; the first of each stands for it.
    """

    groups: tuple[list[MixedSolution], ...]
    tried: int
    exhaustive: bool
    method: str
    problem: MixedProblem
    loose: Callable[[Bools], bool]

    def directions(self, group: int) -> Floats:
        """Return how the solutions of a group may change, see `freedom.directions`."""
        return directions(self.problem, self.groups[group], self.loose)

    def is_rigid(self) -> bool:
        """Tell whether no solution may change."""
        return all(is_rigid(self.problem, group, self.loose) for group in self.groups)


def solve(
    problem: MixedProblem, on: Bools | None = None, scale: float = 0.0, *, tangent: bool = False
) -> Outcome:
    """Find solutions.

    Parameters
    ----------
    problem : MixedProblem
    on : ndarray of bool, shape (m,), optional
        Conducting set to start from; what Newton finds from it comes first.
    scale : float
        Size of what the unknowns were made from; solutions that differ by less than 1e-11
        of it are the same.
    tangent : bool
        See `Search`.
    """
    m = len(problem.drop)
    search = Search(problem, tangent)
    if m:  # currents alone make voltages too: at least these
        scale = max(scale, _made_by_currents(problem))
    on = np.zeros(m, dtype=np.bool_) if on is None else on
    sets = guesses.every(problem)
    quick = sets is None and len(pivoting.limiters(problem)) > 0
    first = search.newton(on, QUICK if quick else STEPS)
    if sets is not None:
        wrong = guesses.refuted(problem, sets)
        search.tried += int(wrong.sum())
        # few conducting first: sets with redundant ones are singular and less exact
        passed = [s for s in map(search.attempt, sets[~wrong]) if s is not None]
        found = _strict_only(search, passed, scale)
        if first is not None:
            found.sort(key=lambda group: float(np.abs(group[0].z - first.z).max(initial=0.0)))
        return Outcome(tuple(found), search.tried, True, "enumeration", problem, search.loose)
    groups = [] if first is None else [[first]]
    ends = [end.on for end in pivoting.solutions(problem, PATHS)]
    for end in ends:
        _add(groups, search, scale, search.newton(end, QUICK))
    for start in () if groups else (on, *ends):  # from where that was, further
        _add(groups, search, scale, search.newton(start))
    rng = np.random.default_rng(0)
    for k in range(0 if groups and ends else STARTS):
        if search.left <= 0:
            break
        share = (1.0, 0.5, 0.2, 0.8)[k % 4]
        _add(groups, search, scale, search.newton(rng.random(m) < share))
        if len(groups) > 1 or (groups and k >= 8):
            break
    if not groups:
        integer = mixed_integer(problem)
        if integer is not None:
            _add(groups, search, scale, search.newton(integer))
    return Outcome(tuple(groups), search.tried, False, "complementarity", problem, search.loose)


def nearest(
    problem: MixedProblem, on: Bools, flips: bool = False
) -> tuple[MixedSolution, Search] | None:
    """Return a solution, the one that flips from a conducting set lead to if there is such.

    With it comes what found it.  Where flips lead nowhere, one path to a solution is enough, and
    with `flips` that is all.
    """
    search = Search(problem, tangent=True)
    solution = search.newton(on)
    if flips:
        pass
    elif solution is None and guesses.every(problem) is not None:
        groups = solve(problem, on, tangent=True).groups
        solution = groups[0][0] if groups else None
    elif solution is None:
        ends = (search.newton(end.on) for end in pivoting.solutions(problem, PATHS))
        solution = next((end for end in ends if end is not None), None)
    return None if solution is None else (solution, search)


def most_sets(problem: MixedProblem) -> int:
    """Return how many sets of a problem are tried: each takes the cube of the unknowns."""
    most = policy.POLICY.searched / max(problem.n + problem.m, 1) ** 3
    return max(LEAST, int(min(most, 1e9)))


def _made_by_currents(problem: MixedProblem) -> float:
    """Return the least size of the unknowns that the right side alone asks for."""
    n, entries = problem.n, problem.entries
    own = entries.where((entries.row < n) & (entries.column < n))
    largest = np.zeros(n)
    np.maximum.at(largest, own.row, np.abs(own.value).astype(float))
    largest[largest == 0] = 1.0
    return float((np.abs(problem.rhs).astype(float) / largest).max(initial=0.0))


def _strict_only(
    search: Search, passed: list[MixedSolution], scale: float
) -> list[list[MixedSolution]]:
    """Return the groups; of what only uncertainty excuses, where nothing better is there.

    In an ill-conditioned system a set passes although its voltages overstep the drops by
    far more than their own rounding.  The same solution may come from another set that does
    not, so each set counts before any are taken for the same.
    """
    if len(passed) == 1:
        return [passed]
    strict: list[list[MixedSolution]] = []
    excused: list[list[MixedSolution]] = []
    for solution in passed:
        gap = search.problem.gap(solution)
        terms = search.problem.across(solution.z, size=True)
        size = scale + np.abs(search.problem.drop).max(initial=0.0) + terms.max(initial=0.0)
        target = strict if (gap >= -64 * EPS * size).all() else excused
        _add(target, search, scale, solution)
    return strict or excused


def _add(
    groups: list[list[MixedSolution]], search: Search, scale: float, new: MixedSolution | None
) -> None:
    """Put a solution to those that hang together with it, unless it is there already."""
    if new is None:
        return
    near = [g for g in groups if any(_same(s, new, scale) or search.joined(s, new) for s in g)]
    if not near:
        groups.append([new])
        return
    near[0] += [s for g in near[1:] for s in g]
    groups[:] = [g for g in groups if not any(g is other for other in near[1:])]
    if not any(_same(s, new, scale, everywhere=True) for s in near[0]):
        near[0].append(new)


def _same(old: MixedSolution, new: MixedSolution, scale: float, everywhere: bool = False) -> bool:
    """Tell whether two solutions agree where both are determined."""
    fixed = ~(old.free | new.free) | everywhere
    one, other = old.z[fixed], new.z[fixed]
    size = np.abs(one).max(initial=0.0) + np.abs(other).max(initial=0.0)
    return bool((np.abs(one - other) <= 1e-9 * size + 1e-11 * scale).all())


class Search:
    """Tries conducting sets of one problem.

    Of a `tangent` of steep laws next to nothing stays nothing: what it would determine is far off.
    """

    def __init__(self, problem: MixedProblem, tangent: bool = False) -> None:
        self.problem, self.tangent = problem, tangent
        self.n, self.m = len(problem.rhs), len(problem.drop)
        self.tried = 0
        self.known: dict[bytes, tuple[MixedSolution, Bools]] = {}
        #: a solution of the equations of singular sets that have any, and its rounding
        self.equations: dict[bytes, tuple[Extended, Floats]] = {}
        self.rhs: Extended = np.concatenate((problem.rhs, problem.drop), dtype=np.longdouble)
        self.sense = np.abs(problem.sense)

    def attempt(self, on: Bools) -> MixedSolution | None:
        """Return a solution with exactly this conducting set, None if there is none.

        Of many it is one amid them: that nearest to zero may lack what the others have.
        """
        solution, wrong = self.evaluate(on)
        if not self.loose(on):
            return None if wrong.any() else solution
        fixed = np.where(
            on, ~solution.free_current, ~(self.problem.sense[:, solution.free] != 0).any(axis=1)
        )
        if (wrong & fixed).any():
            return None
        key = on.tobytes()
        amid = inside(self.problem, on, *self.equations[key]) if key in self.equations else None
        if amid is None:
            return None
        near, free = amid
        solution, wrong = self._evaluate(on, near)
        if wrong.any():
            return None
        return replace(solution, free=free[: self.n], free_current=free[self.n :])

    @property
    def left(self) -> int:
        """How many sets may still be tried."""
        return most_sets(self.problem) - self.tried

    def newton(self, on: Bools, most: int = STEPS) -> MixedSolution | None:
        """Flip what is wrong until nothing is, or guesses repeat."""
        return newton(self.evaluate, on, min(most, self.left))

    def joined(self, one: MixedSolution, other: MixedSolution) -> bool:
        """Tell whether all that lies between two solutions solves the problem too.

        It does if no rectifier carries current in one and has a gap in the other, and the
        set of those that carry current leaves room to move.
        """
        problem = self.problem
        on = problem.carrying(one) | problem.carrying(other)
        if not (problem.touching(one) & problem.touching(other))[on].all():
            return False
        return self.loose(on)

    def loose(self, on: Bools) -> bool:
        """Tell whether the equations of a conducting set are singular."""
        solution, _ = self.evaluate(on)
        return bool(solution.free.any() or solution.free_current.any())

    def evaluate(self, on: Bools) -> tuple[MixedSolution, Bools]:
        """Solve the equations of a conducting set; tell which rectifiers contradict it."""
        key = on.tobytes()
        if key not in self.known:
            self.tried += 1
            self.known[key] = self._evaluate(on)
        return self.known[key]

    def _evaluate(self, on: Bools, near: Extended | None = None) -> tuple[MixedSolution, Bools]:
        """Solve the equations; where many solve them the one nearest to zero or to `near`."""
        kept = np.flatnonzero(np.concatenate((np.ones(self.n, dtype=np.bool_), on)))
        square = Square(self.problem.equations[kept[:, None], kept], even=not self.tangent)
        rhs = self.rhs[kept]
        if self.m and not square.null.any():
            y, off = square.rough(rhs)
            solution, wrong, _ = self._judge(on, kept, square.null, y, np.zeros(len(y)), off)
            if wrong.any():
                return solution, wrong  # by so much that more digits change nothing
        start = None if near is None else near[kept]
        y, low, error, consistent = square.solve(rhs, start)
        solution, wrong, slack = self._judge(on, kept, square.null, y, low, error)
        if consistent and square.null.any():
            known = np.zeros(self.n + self.m, dtype=np.longdouble)
            known[kept] = y + low.astype(np.longdouble)
            self.equations[on.tobytes()] = (known, slack)
        if not consistent:
            # no solution here; let what is off and nearest to conducting flip, else what is on
            wrong = wrong if wrong.any() else np.ones(max(self.m, 1), dtype=np.bool_)
        return solution, wrong

    def _judge(
        self, on: Bools, kept: Ints, null: Bools, y: Floats, low: Floats, error: Floats
    ) -> tuple[MixedSolution, Bools, Floats]:
        """Return what solves the equations of a set, what contradicts it, and what rounding may.

        The last is the rounding of the currents of the set and of the gaps of the others.
        """
        prob, n = self.problem, self.n
        current, slack_current = np.zeros(n + self.m), np.zeros(n + self.m)
        free = np.zeros(n + self.m, dtype=np.bool_)
        current[kept], slack_current[kept], free[kept] = y, error, null
        current, slack_current = current[n:], slack_current[n:]
        z = y[:n]
        gap = prob.drop + prob.resistance * current - prob.sense @ z
        size = np.abs(prob.drop) + self.sense @ np.abs(z)
        slack = 64 * EPS * size + self.sense @ error[:n] + prob.resistance * slack_current
        slack = np.where(on, slack_current, slack)
        wrong = np.where(on, current, gap) < -slack
        solution = MixedSolution(z, low[:n], np.maximum(current, 0.0), free[:n], free[n:])
        return solution, wrong, slack


def newton(
    evaluate: Callable[[Bools], tuple[MixedSolution, Bools]], on: Bools, steps: int = STEPS
) -> MixedSolution | None:
    """Flip what is wrong until nothing is, or guesses repeat; None if nothing was found.

    `evaluate` returns what solves the equations of a set, and what contradicts it.
    """
    on = on.copy()
    seen: set[bytes] = set()
    single = False
    for _ in range(steps):
        solution, wrong = evaluate(on)
        if not wrong.any():
            return solution
        if not len(on):
            return None
        key = on.tobytes()
        single = single or key in seen
        seen.add(key)
        if single:
            last = int(np.flatnonzero(wrong)[-1])
            on[last] = not on[last]
            if on.tobytes() in seen:
                last = int(np.flatnonzero(wrong)[0])
                on[last] = not on[last]
        else:
            on = on ^ wrong
    return None
