"""Lemke's method: a path of pivots that leads to a solution of a circuit with feedback.

Rectifiers that bound the same quantity from both sides are a limiter.  With all limiters held at
one end, say all amplifiers at their upper rails, the rest of the circuit is linear; a
term t that pushes them further against that end makes this a solution.  As t falls, one
rectifier after the other starts or stops to conduct, and each such pivot leads to exactly
one next (`following`).  Where everything is bounded the path cannot end before t = 0 is reached:
its start is the only solution for large t (Lemke, "Bimatrix equilibrium points and mathematical
programming", 1965; Cottle, Pang and Stone, "The linear complementarity problem", 1992, section
4.4).  Junctions and other curves beside are chords between points, which the path passes one
after the other; where it ends, they are split and the path followed to its new end.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..curves import Curve
from ..curves.chords import NO_CHORDS, Chords, chords
from ..graph.mixed import MixedProblem
from ..graph.problem import EPS
from . import following

#: Ratio of the currents between which curves are chords at first, and how often these are split.
RATIO, FINER = 10.0, 3


@dataclass(frozen=True)
class Complementarity:
    """``w = q + M x``, both not negative and one of each pair zero, from a conducting set.

    Where `held` conducts, w is its current and x its gap; elsewhere it is the other way round.
    """

    held: Bools
    M: Any
    q: Any

    @classmethod
    def held_at(cls, problem: MixedProblem, held: Bools) -> Complementarity | None:
        """Return the problem in terms of what a conducting set makes zero; None if singular."""
        n, on = len(problem.rhs), np.flatnonzero(held)
        kept = np.concatenate((np.arange(n), n + on))
        matrix = problem.equations[kept[:, None], kept]
        idle = np.flatnonzero(~held)
        columns = np.zeros((len(matrix), 1 + len(held)), dtype=np.longdouble)
        columns[:, 0] = np.concatenate((problem.rhs, problem.drop[on]))
        columns[n + np.arange(len(on)), 1 + on] = -1.0  # a gap lessens what is across
        columns[:n, 1 + idle] = -problem.feed[:, idle]
        solution = refined(matrix, columns)
        if solution is None:
            return None
        z, current = solution[:n], solution[n:]
        w = np.zeros((len(held), 1 + len(held)), dtype=np.longdouble)
        w[on] = current
        w[idle] = -problem.sense[idle].astype(np.longdouble) @ z
        w[idle, 0] += problem.drop[idle]
        w[idle, 1 + idle] += problem.resistance[idle]
        return cls(held, w[:, 1:], w[:, 0])

    def turned(self, held: Bools) -> Complementarity | None:
        """Return the same problem from another conducting set; None if that is singular."""
        moved = np.flatnonzero(held ^ self.held)
        columns = np.hstack((-self.q[moved, None], -self.M[moved]))
        columns[:, 1 + moved] = np.eye(len(moved))
        x = refined(self.M[np.ix_(moved, moved)], columns)
        if x is None:
            return None
        kept = np.hstack((self.q[:, None], self.M))
        kept[:, 1 + moved] = 0.0
        w = kept + self.M[:, moved] @ x
        w[moved] = x
        return Complementarity(held, w[:, 1:], w[:, 0])


def refined(matrix: Any, columns: Any) -> Any:
    """Solve linear equations to extended precision; None if they are nearly singular."""
    rows = np.abs(matrix).max(axis=1, initial=0.0)
    if not rows.all():
        return None
    matrix, columns = matrix / rows[:, None], (columns.T / rows).T
    scale = np.abs(matrix).max(axis=0, initial=0.0)
    if not scale.all():
        return None
    matrix = matrix / scale
    try:
        inverse = np.linalg.inv(matrix.astype(float))
    except np.linalg.LinAlgError:
        return None
    if not np.isfinite(inverse).all() or np.abs(inverse).max(initial=0.0) * EPS > 1e-2:
        return None
    # products in doubles are many times faster; only residuals need all digits
    x = (inverse @ columns.astype(float)).astype(np.longdouble)
    for _ in range(2):
        x += inverse @ (columns - matrix @ x).astype(float)
    return (x.T / scale).T


def limiters(problem: MixedProblem) -> Ints:
    """Return pairs of rectifiers that bound a quantity from both sides, shape (pairs, 2)."""
    seen: dict[bytes, int] = {}
    pairs = []
    for k, row in enumerate(problem.sense.astype(float) + 0.0):
        other = seen.pop((0.0 - row).tobytes(), None)
        if other is None:
            seen[row.tobytes()] = k
        elif row.any():
            pairs.append((other, k))
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def guesses(problem: MixedProblem, most: int) -> list[Bools] | None:
    """Return all conducting sets that can be right, few conducting first; None if too many.

    A limiter is at one end at most.
    """
    m = len(problem.drop)
    if not m:
        return [np.zeros(0, dtype=np.bool_)]
    pairs = limiters(problem)
    apart = problem.drop[pairs].sum(axis=1) > 0
    pairs = pairs[apart]
    alone = np.ones(m, dtype=np.bool_)
    alone[pairs] = False
    singles = np.flatnonzero(alone)
    if 3 ** len(pairs) * 2 ** len(singles) > most:
        return None
    ends = [[(), (a,), (b,)] for a, b in pairs.tolist()] + [[(), (k,)] for k in singles.tolist()]
    states = [sorted(itertools.chain(*state))[::-1] for state in itertools.product(*ends)]
    found = np.zeros((len(states), m), dtype=np.bool_)
    for on, state in zip(found, sorted(states, key=lambda state: (len(state), state)), strict=True):
        on[state] = True
    return list(found)


def solutions(problem: MixedProblem, tries: int, curve: Curve | None = None) -> Iterator[End]:
    """Yield what paths from different starts lead to; none without limiters.

    The first paths start with all limiters at one end or the other, then ends are drawn.  The
    last rectifiers stand for a curve's rows.
    """
    pairs, m = limiters(problem), len(problem.drop) - (0 if curve is None else len(curve))
    curves = NO_CHORDS if curve is None else chords(curve, RATIO)
    pairs = pairs[(pairs < m).all(axis=1)]
    tries = tries if len(pairs) else 0
    draw = np.random.default_rng(0)
    first: Complementarity | None = None
    for number in range(tries):
        held = np.zeros(len(problem.drop), dtype=np.bool_)
        side = np.full(len(pairs), number) if number < 2 else draw.integers(0, 2, len(pairs))
        held[pairs[np.arange(len(pairs)), side]] = True
        start = first.turned(held) if first else Complementarity.held_at(problem, held)
        first = first or start
        if start is None:
            continue
        end = path(start, draw.uniform(0.5, 1.5, m), curve, curves)
        if end is not None:
            yield end


class End(NamedTuple):
    """Where a path ends: the conducting set, and the voltages of the curves beside."""

    on: Bools
    u: Floats


def path(
    start: Complementarity, push: Floats, curve: Curve | None = None, curves: Chords = NO_CHORDS
) -> End | None:
    """Return the end of a path, None if it leads nowhere.

    Parameters
    ----------
    start : Complementarity
        Its last rows belong to curves: w is less their voltage, x their current.
    push : ndarray, shape (m,)
        How t acts on each of what is negative at the start, relative to its size; above 0.
    curve : Curve, optional
    curves : Chords
        Of the curve, from which to start.
    """
    m, q = len(push), start.q
    rest = following.Path(start.M[m:, m:], 0.0 * q[m:], q[m:].astype(float), curves)
    if len(curves.v) and rest.follow(0.0, 1.0) is None:
        return None
    whole = following.Path(start.M, q, np.zeros(len(q)), curves, rest.piece)
    w = whole.resting[:m]
    size = np.abs(w).max(initial=0.0)
    low = (w < 0) | start.held[:m]
    d = np.where(low, push * np.maximum(np.abs(w), 1e-3 * size), 0.0)
    whole.d[:m] = d
    reach = np.where(d > 0, -w / np.where(d > 0, d, 1.0), 0.0).max(initial=0.0)
    found = whole.follow(float(reach), 0.0)
    for _ in range(FINER if curve else 0):
        finer = whole.finer(curve, found) if curve and found is not None else None
        if finer is None:
            return None
        whole, found = finer
    if found is None:
        return None
    return End(start.held[:m] ^ whole.positive, found[m:])
