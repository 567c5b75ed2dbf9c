"""Mixed linear complementarity: circuits with feedback, where no co-content exists.

For each guess of the conducting set the equations are linear; the guess is right if all
currents and gaps come out non-negative.  No pivoting rule finds every solution of such a
problem, so with few rectifiers all guesses are tried, which also tells how many solutions
there are; with many, Newton flips from several starts are followed by a search for a
mixed-integer solution.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Bools, Floats
from ..compiled import policy
from ..graph.problem import EPS, MixedProblem, MixedSolution

STARTS = 60
STEPS = 60
TINY = 1e-300


@dataclass(frozen=True)
class Outcome:
    """All solutions found, how many guesses were tried, and whether none was left out."""

    solutions: tuple[MixedSolution, ...]
    tried: int
    exhaustive: bool
    method: str


def solve(problem: MixedProblem, on: Bools | None = None, scale: float = 0.0) -> Outcome:
    """Find solutions.

    Parameters
    ----------
    problem : MixedProblem
    on : ndarray of bool, shape (m,), optional
        Conducting set to start from; what Newton finds from it comes first.
    scale : float
        Size of what the unknowns were made from; solutions that differ by less than 1e-11
        of it are the same.
    """
    m = len(problem.drop)
    search = _Search(problem)
    first = search.newton(np.zeros(m, dtype=np.bool_) if on is None else on)
    if m <= policy.POLICY.enumerated:
        # few conducting first: sets with redundant ones are singular and less exact
        codes = sorted(range(2**m), key=lambda code: code.bit_count())
        found: list[MixedSolution] = []
        for code in codes:
            guess = (code >> np.arange(m) & 1).astype(np.bool_)
            _add(found, scale, search.attempt(guess))
        found = _strict_only(problem, found, scale)
        if first is not None:
            found.sort(key=lambda s: float(np.abs(s.z - first.z).max(initial=0.0)))
        return Outcome(tuple(found), search.tried, True, "enumeration")
    found = [] if first is None else [first]
    rng = np.random.default_rng(0)
    for k in range(STARTS):
        share = (1.0, 0.5, 0.2, 0.8)[k % 4]
        _add(found, scale, search.newton(rng.random(m) < share))
        if len(found) > 1 or (found and k >= 8):
            break
    if not found:
        integer = mixed_integer(problem)
        if integer is not None:
            _add(found, scale, search.newton(integer))
    return Outcome(tuple(found), search.tried, False, "complementarity")


def _strict_only(
    problem: MixedProblem, found: list[MixedSolution], scale: float
) -> list[MixedSolution]:
    """Drop what only uncertainty excuses, where something better is there.

    In an ill-conditioned system a set passes although its voltages overstep the drops by
    far more than their own rounding.
    """
    strict = []
    for solution in found:
        gap = problem.drop + problem.resistance * solution.current - problem.sense @ solution.z
        terms = np.abs(problem.sense) @ np.abs(solution.z)
        size = scale + np.abs(problem.drop).max(initial=0.0) + terms.max(initial=0.0)
        if (gap >= -64 * EPS * size).all():
            strict.append(solution)
    return strict or found


def _add(found: list[MixedSolution], scale: float, new: MixedSolution | None) -> None:
    """Append a solution unless it is there already."""
    if new is None:
        return
    for old in found:
        fixed = ~(old.free | new.free)
        size = np.abs(old.z).max(initial=0.0) + np.abs(new.z).max(initial=0.0)
        if new.free_current.any():  # a singular system, solved less exactly
            size, scale = 1e3 * size, 1e3 * scale
        if (np.abs(old.z - new.z)[fixed] <= 1e-9 * size + 1e-11 * scale).all():
            return
    found.append(new)


class _Search:
    """Tries conducting sets of one problem."""

    def __init__(self, problem: MixedProblem) -> None:
        self.problem = problem
        self.n, self.m = len(problem.rhs), len(problem.drop)
        self.tried = 0
        self.known: dict[bytes, tuple[MixedSolution, Bools]] = {}

    def attempt(self, on: Bools) -> MixedSolution | None:
        """Return the solution with exactly this conducting set, None if it is none."""
        solution, wrong = self.evaluate(on)
        return None if wrong.any() else solution

    def newton(self, on: Bools) -> MixedSolution | None:
        """Flip what is wrong until nothing is, or guesses repeat."""
        on = on.copy()
        seen: set[bytes] = set()
        single = False
        for _ in range(STEPS):
            solution, wrong = self.evaluate(on)
            if not wrong.any():
                return solution
            if not self.m:
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

    def evaluate(self, on: Bools) -> tuple[MixedSolution, Bools]:
        """Solve the equations of a conducting set; tell which rectifiers contradict it."""
        key = on.tobytes()
        if key not in self.known:
            self.tried += 1
            self.known[key] = self._evaluate(on)
        return self.known[key]

    def _evaluate(self, on: Bools) -> tuple[MixedSolution, Bools]:
        prob, n = self.problem, self.n
        set_ = np.flatnonzero(on)
        matrix = np.block(
            [
                [prob.matrix, prob.feed[:, set_]],
                [prob.sense[set_], -np.diag(prob.resistance[set_])],
            ]
        )
        rhs = np.concatenate((prob.rhs, prob.drop[set_]))
        y, low, error, null, consistent = solve_linear(matrix, rhs)
        current = np.zeros(self.m)
        current[set_] = y[n:]
        slack_current = np.zeros(self.m)
        slack_current[set_] = error[n:]
        gap = prob.drop + prob.resistance * current - prob.sense @ y[:n]
        size = np.abs(prob.drop) + np.abs(prob.sense) @ np.abs(y[:n])
        slack = 64 * EPS * size + np.abs(prob.sense) @ error[:n] + prob.resistance * slack_current
        wrong = np.where(on, current < -slack_current, gap < -slack)
        if not consistent:
            # no solution here; let what is off and nearest to conducting flip, else what is on
            wrong = wrong if wrong.any() else np.ones(self.m, dtype=np.bool_)
        free_current = np.zeros(self.m, dtype=np.bool_)
        free_current[set_] = null[n:]
        current = np.maximum(current, 0.0)
        if not self.m and not consistent:
            wrong = np.ones(1, dtype=np.bool_)
        return MixedSolution(y[:n], low[:n], current, null[:n], free_current), wrong


def solve_linear(matrix: Floats, rhs: Floats) -> tuple[Floats, Floats, Floats, Bools, bool]:
    """Solve a square system that may be singular.

    Returns
    -------
    solution, low : ndarray
        The smallest one where there are many, and its digits beyond double precision.
    error : ndarray
        Bound of the rounding error of each component: ``eps |A^-1| |A| |x|``
        (Higham, "Accuracy and Stability of Numerical Algorithms", section 7.2).
    null : ndarray of bool
        Components that the system does not determine.
    consistent : bool
        False if no solution exists.
    """
    n = len(rhs)
    if n == 0:
        none = np.zeros(0)
        return none, none, none, np.zeros(0, dtype=np.bool_), True
    rows = np.abs(matrix).max(axis=1)
    rows[rows == 0] = 1.0
    matrix, rhs = matrix / rows[:, None], rhs / rows
    columns = np.abs(matrix).max(axis=0)
    columns[columns == 0] = 1.0
    matrix = matrix / columns
    try:
        inverse = np.linalg.inv(matrix)
    except np.linalg.LinAlgError:
        return _singular(matrix, rhs, columns)
    if not np.isfinite(inverse).all() or np.abs(inverse).sum(axis=1).max() > 1e13:
        return _singular(matrix, rhs, columns)
    exact, extended = matrix.astype(np.longdouble), (inverse @ rhs).astype(np.longdouble)
    for _ in range(3):
        extended = extended + inverse @ (rhs - exact @ extended).astype(float)
    x = extended.astype(float)
    error = 4 * EPS * np.abs(inverse) @ (np.abs(matrix) @ np.abs(x) + np.abs(rhs))
    extended[np.abs(x) <= error] = 0.0
    extended /= columns
    x = extended.astype(float)
    low = (extended - x).astype(float)
    return x, low, error / columns, np.zeros(n, dtype=np.bool_), True


def _singular(
    matrix: Floats, rhs: Floats, columns: Floats
) -> tuple[Floats, Floats, Floats, Bools, bool]:
    """Least-squares solution of a scaled singular system, and its null space."""
    left, values, right = np.linalg.svd(matrix)
    rank = int((values > 1e-12 * values[0]).sum())
    x = right[:rank].T @ ((left[:, :rank].T @ rhs) / values[:rank])
    residual = rhs - matrix @ x
    size = np.abs(matrix) @ np.abs(x) + np.abs(rhs)
    consistent = bool((np.abs(residual) <= 1e-9 * size.max(initial=TINY)).all())
    null = np.abs(right[rank:]).max(axis=0, initial=0.0) > 1e-9
    error = 4 * EPS * np.abs(right[:rank].T) @ (np.abs(left[:, :rank].T) @ size / values[:rank])
    x[np.abs(x) <= error] = 0.0
    return x / columns, np.zeros(len(x)), error / columns, null, consistent


def undetermined(problem: MixedProblem, solution: MixedSolution) -> Bools:
    """Tell which unknowns may change without leaving the solution set, shape (n,).

    Directions are the null space of the equations with the rectifiers that carry current;
    those that are just not conducting let a direction pass one way only.
    """
    n = len(problem.rhs)
    size = np.abs(solution.current).max(initial=0.0)
    on = np.flatnonzero(solution.current > 1e-12 * size)
    matrix = np.block(
        [
            [problem.matrix, problem.feed[:, on]],
            [problem.sense[on], -np.diag(problem.resistance[on])],
        ]
    )
    if not matrix.size:
        return np.zeros(n, dtype=np.bool_)
    rows = np.abs(matrix).max(axis=1)
    matrix = matrix / np.where(rows > 0, rows, 1.0)[:, None]
    columns = np.abs(matrix).max(axis=0)
    columns[columns == 0] = 1.0
    _, values, right = np.linalg.svd(matrix / columns)
    null = right[int((values > 1e-12 * values[0]).sum()) :] / columns
    null = null[:, :n]
    if not null.size or np.abs(null).max() <= 1e-9:
        return np.zeros(n, dtype=np.bool_)
    idle = np.setdiff1d(np.arange(len(problem.drop)), on)
    gap = problem.drop[idle] - problem.sense[idle] @ solution.z
    reach = np.abs(problem.drop[idle]) + np.abs(problem.sense[idle]) @ np.abs(solution.z)
    noise = 16 * EPS * float(np.abs(solution.z).max(initial=0.0))
    tight = idle[np.abs(gap) <= 1e-11 * reach + noise]
    return _movable(null, problem.sense[tight] @ null.T)


def _movable(null: Floats, closing: Floats) -> Bools:
    """Tell which components of ``t @ null`` can differ from zero where ``closing t <= 0``."""
    moving: Bools = np.abs(null).max(axis=0) > 1e-9
    if not len(closing):
        return moving
    from scipy.optimize import linprog

    for k in np.flatnonzero(moving):
        reach = 0.0
        for sign in (1.0, -1.0):
            result = linprog(
                sign * null[:, k], A_ub=closing, b_ub=np.zeros(len(closing)), bounds=(-1.0, 1.0)
            )
            reach = max(reach, -result.fun if result.fun is not None else 0.0)
        moving[k] = reach > 1e-9
    return moving


def mixed_integer(problem: MixedProblem, seconds: float = 10.0) -> Bools | None:
    """Return a conducting set found by branch and bound (HiGHS), None if there is none.

    Binary y: ``0 <= i <= big y``, ``0 <= gap <= big (1 - y)``.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    n, m = len(problem.rhs), len(problem.drop)
    scale = 1.0 + float(np.abs(problem.drop).max(initial=0.0))
    big = 1e3 * scale
    eye, zero = np.eye(m), np.zeros((n, m))
    gap = np.hstack((-problem.sense, np.diag(problem.resistance), np.zeros((m, m))))
    rows = np.abs(np.hstack((problem.matrix, problem.feed))).max(axis=1)
    rows[rows == 0] = 1.0
    constraints = [
        LinearConstraint(
            np.hstack((problem.matrix, problem.feed, zero)) / rows[:, None],
            problem.rhs / rows,
            problem.rhs / rows,
        ),
        LinearConstraint(gap, -problem.drop, np.inf),
        LinearConstraint(
            gap + np.hstack((np.zeros((m, n + m)), big * eye)), -np.inf, big - problem.drop
        ),
        LinearConstraint(np.hstack((np.zeros((m, n)), eye, -big * eye)), -np.inf, 0.0),
    ]
    low = np.concatenate((np.full(n, -np.inf), np.zeros(2 * m)))
    high = np.concatenate((np.full(n + m, np.inf), np.ones(m)))
    result = milp(
        np.zeros(n + 2 * m),
        integrality=np.concatenate((np.zeros(n + m), np.ones(m))),
        bounds=Bounds(low, high),
        constraints=constraints,
        options={"time_limit": seconds},
    )
    return None if result.x is None else np.asarray(result.x[n + m :] > 0.5)
