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

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..curves import Curve
from ..curves.chords import NO_CHORDS, Chords, chords
from ..graph.mixed import MixedProblem, first_of_each
from ..graph.problem import EPS
from . import following

#: Ratio of the currents between which curves are chords at first, and how often these are split.
RATIO, FINER = 30.0, 3
#: Resistance and drop of ideal rectifiers on a path, relative to what they see; gains may be 1e9.
SOFT = 1e-13


@dataclass(frozen=True)
class Complementarity:
    """``w = q + M x``, each x between 0 and its span: where it is 0 no w is negative.

    Where it is its span no w is positive, and between them w is 0.  Row by row, where the `first`
    rectifier `holds`, w is its current and x its gap; elsewhere it is the other way round.  A
    limiter is one row: at the end of the span its `second` rectifier conducts, -1 elsewhere.
    `sizes` are those of what M and q were made from.
    """

    first: Ints
    second: Ints
    holds: Bools
    M: Any
    q: Any
    span: Floats
    sizes: tuple[Any, Any]

    @classmethod
    def held_at(cls, problem: MixedProblem, pairs: Ints, side: int) -> Complementarity | None:
        """Return the problem in terms of what limiters at one end make zero; None if singular."""
        n, m, on = len(problem.rhs), len(problem.drop), np.sort(pairs[:, side])
        kept = np.concatenate((np.arange(n), n + on))
        matrix = problem.equations[kept[:, None], kept]
        idle = np.setdiff1d(np.arange(m), on)
        columns = np.zeros((len(matrix), 1 + m), dtype=np.longdouble)
        columns[:, 0] = np.concatenate((problem.rhs, problem.drop[on]))
        columns[n + np.arange(len(on)), 1 + on] = -1.0  # a gap lessens what is across
        columns[:n, 1 + idle] = -problem.feed[:, idle]
        solution = refined(matrix, columns)
        if solution is None:
            return None
        z, current = solution[:n], solution[n:]
        w = np.zeros((m, 1 + m), dtype=np.longdouble)
        w[on] = current
        w[idle] = -problem.sense[idle].astype(np.longdouble) @ z
        w[idle, 0] += problem.drop[idle]
        w[idle, 1 + idle] += problem.resistance[idle]
        size = np.abs(w)
        size[idle] += np.abs(problem.sense[idle]) @ np.abs(z)
        size[idle, 0] += np.abs(problem.drop[idle])
        pairs = pairs[_are_upright(problem, pairs)]
        first, second = pairs[:, side], pairs[:, 1 - side]
        other, span = np.full(m, -1), np.full(m, np.inf)
        other[first], span[first] = second, problem.drop[pairs].sum(axis=1)
        rows = np.delete(np.arange(m), second)
        holds = np.isin(rows, on)
        place = rows[:, None], 1 + rows
        sizes = size[place], size[rows, 0]
        return cls(rows, other[rows], holds, w[place], w[rows, 0], span[rows], sizes)

    def turned(self, over: Bools) -> Complementarity:
        """Return the same problem with some limiters at their other ends."""
        sign = np.where(over, -1.0, 1.0)
        q = sign * (self.q + self.M[:, over] @ self.span[over])
        first = np.where(over, self.second, self.first)
        second = np.where(over, self.first, self.second)
        return replace(self, first=first, second=second, M=sign[:, None] * self.M * sign, q=q)

    @classmethod
    def held(cls, problem: MixedProblem, pairs: Ints) -> Complementarity | None:
        """Return the problem in terms of what limiters at the one or the other end make zero."""
        starts = (cls.held_at(problem, pairs, side) for side in range(2))
        return next((start for start in starts if start is not None), None)

    def states(self, on: Bools) -> Ints:
        """Return the states of the rows, see `conducting`, for each of many conducting sets."""
        states = np.where(on[:, self.first] == self.holds, 0, 1)
        states[on[:, self.second] & (self.second >= 0)] = 2
        return states

    def conducting(self, state: Ints, m: int) -> Bools:
        """Return which of m rectifiers conduct where each x is 0 (0), its span (2) or between."""
        on = np.zeros(m, dtype=np.bool_)
        on[self.first[: len(state)]] = (state == 0) == self.holds[: len(state)]
        on[self.first[: len(state)]] &= state < 2
        on[self.second[: len(state)][state == 2]] = True
        return on


def _are_upright(problem: MixedProblem, pairs: Ints) -> Bools:
    """Tell which limiters are steps without a slope: their rectifiers feed the same, too."""
    upper, lower = pairs.T
    feeds = (problem.feed[:, upper] == -problem.feed[:, lower]).all(axis=0)
    steep = (problem.resistance[pairs] == 0.0).all(axis=1)
    apart = problem.drop[pairs].sum(axis=1) > 0
    upright: Bools = feeds & steep & apart
    return upright


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
    row, column = np.nonzero(matrix)
    value, start = matrix[row, column][:, None], first_of_each(row)
    for _ in range(2):
        left = columns - np.add.reduceat(value * x[column], start)
        x += inverse @ left.astype(float)
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


def solutions(problem: MixedProblem, tries: int, curve: Curve | None = None) -> Iterator[End]:
    """Yield what paths from different starts lead to; none without limiters.

    The first paths start with all limiters at one end or the other, then ends are drawn.  The
    last rectifiers stand for a curve's rows.
    """
    pairs, m = limiters(problem), len(problem.drop) - (0 if curve is None else len(curve))
    curves = NO_CHORDS if curve is None else chords(curve, RATIO)
    pairs = pairs[(pairs < m).all(axis=1)]
    if not len(pairs):
        return
    draw = np.random.default_rng(0)
    first = Complementarity.held(problem, pairs)
    if first is None:
        return
    for number in range(tries):
        over = np.isfinite(first.span)
        if number < 2:
            over &= number == 1
        else:
            over &= draw.random(len(over)) < 0.5
        push = draw.uniform(0.5, 1.5, len(over) - len(curves.v))
        end = path(first.turned(over), m, push, curve, curves)
        if end is not None:
            yield end


def _softened(start: Complementarity, push: Floats) -> tuple[Any, Any]:
    """Return q and M with small drops and resistances of the rectifiers among the first rows.

    Any current may go around a loop of ideal ones, and with it a path would go on for ever; of
    two in parallel one is enough.
    """
    q, M = start.q.copy(), start.M.copy()
    alone = np.flatnonzero(np.isinf(start.span[: len(push)]) & ~start.holds[: len(push)])
    own = np.abs(M[alone, alone]).astype(float)
    least = own[own > 0].min(initial=np.inf)
    M[alone, alone] += SOFT * np.where(own > 0, own, least if np.isfinite(least) else 1.0)
    q[alone] += SOFT * push[alone] * float(np.abs(q[: len(push)]).max(initial=0.0))
    return q, M


class End(NamedTuple):
    """Where a path ends: the conducting set, and the voltages of the curves beside."""

    on: Bools
    u: Floats


def path(
    start: Complementarity, m: int, push: Floats, curve: Curve | None, curves: Chords
) -> End | None:
    """Return the end of a path, None if it leads nowhere.

    Parameters
    ----------
    start : Complementarity
        Its last rows belong to curves: w is less their voltage, x their current.
    m : int
        Number of rectifiers that there are.
    push : ndarray
        How t acts on each of what is negative at the start, relative to its size; above 0.
    curve : Curve or None
    curves : Chords
        Of the curve, from which to start.
    """
    k, (q, M) = len(push), _softened(start, push)
    rest = following.Path(M[k:, k:], 0.0 * q[k:], q[k:].astype(float), start.span[k:], curves)
    if len(curves.v) and rest.follow(0.0, 1.0) is None:
        return None
    whole = following.Path(M, q, np.zeros(len(q)), start.span, curves, rest.piece)
    w = whole.resting[:k]
    size = np.abs(w).max(initial=0.0)
    low = (w < 0) | start.holds[:k]
    d = np.where(low, push * np.maximum(np.abs(w), 1e-3 * size), 0.0)
    whole.d[:k] = d
    reach = np.where(d > 0, -w / np.where(d > 0, d, 1.0), 0.0).max(initial=0.0)
    found = whole.follow(float(reach), 0.0)
    for _ in range(FINER if curve else 0):
        finer = whole.finer(curve, found) if curve and found is not None else None
        if finer is None:
            return None
        whole, found = finer
    if found is None:
        return None
    return End(start.conducting(whole.state, m), found[k:])
