"""Stable states of reciprocal circuits that negative conductances leave without one minimum.

The co-content E is a quadratic form that need not be convex, between bounds that rectifiers
set.  A state that lasts, each node having some capacitance to ground, is a local minimum.
Coordinate descent finds one: each coordinate in turn moves to the minimum of E along it, as
far as rectifiers allow (where E bends down along it, to the lower end), so E falls until no
coordinate can move, or until the same ones are held for some sweeps.  The linear network of the
rectifiers that conduct then gives the last digits, and its Cholesky factor is the proof: a saddle
has none, and is left.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..compiled.kernels import kernel
from ..graph.graphs import bincount
from ..graph.problem import Problem, Solution, node_sums
from ..graph.topology import nearest_feasible
from . import newton
from .linear.contracted import ContractedNetwork
from .linear.laplacian import convex
from .primal import harden

#: Sweeps between looks at what has changed, and the most of them.
CHUNK, SWEEPS = 16, 20_000
#: How often rectifiers may change their states where descent has ended.
MOST_FLIPS = 19
#: Largest move of a sweep, relative to the largest coordinate, at which descent has ended.
STILL = 1e-11
#: Disturbances of a saddle, relative to the largest coordinate; each is tried once.
NUDGES = (1e-6, 1e-4, 1e-2, 1e-1, 1.0)


def solve(problem: Problem, x: Floats | None = None) -> Solution | None:
    """Return a local minimum of the co-content near where `x` leads, None if none was found.

    Parameters
    ----------
    problem : Problem
        Without curves; its rectifiers agree with each other.
    x : ndarray of float, shape (n,), optional
        Start, by default zero.
    """
    descent = _Descent(harden(problem))
    x = np.zeros(problem.n) if x is None else x
    extended = np.append(x, x[problem.diode_q[~problem.hard]])
    extended = nearest_feasible(descent.problem, extended)
    rng = np.random.default_rng(0)
    for nudge in (0.0, *NUDGES):
        size = float(np.abs(extended).max()) or 1.0
        extended = extended + nudge * size * rng.uniform(-1.0, 1.0, len(extended))
        extended[0] = 0.0
        extended = nearest_feasible(descent.problem, extended)
        for ended in descent.run(extended):
            flips = MOST_FLIPS if ended else 0
            solution = _settled(problem, extended[: problem.n], descent.sweeps, flips)
            if solution is not None:
                return solution
        if not descent.bounded:
            return None
    return None


def is_minimum(problem: Problem, on: Bools) -> bool:
    """Tell whether E has a minimum where given rectifiers conduct: what they leave is convex."""
    return _is_convex(ContractedNetwork(problem, on, np.zeros(len(on))))


def _is_convex(network: ContractedNetwork) -> bool:
    return network.forest.count == 1 or convex(*network.laplacian)


def _settled(problem: Problem, x: Floats, sweeps: int, flips: int) -> Solution | None:
    """Return the solution that x is near to, to its last digit, if it is a minimum.

    Rectifiers that x has wrong may change so many times.
    """
    on = _conducting(problem, x)
    none = np.zeros(len(on))
    for _ in range(1 + flips):
        trial = newton.evaluate(problem, on, none, lenient=True)
        wrong = trial.violation > 1.0
        if not wrong.any():
            break
        on = on ^ wrong
    else:
        return None
    if not _is_convex(trial.network):
        return None
    current = np.maximum(trial.current, 0.0)
    return Solution(problem, trial.x, trial.low, current, sweeps, True, "stable descent")


def _conducting(problem: Problem, x: Floats) -> Bools:
    """Return the rectifiers that are at their drop, and pushed there."""
    p, q = problem.diode_p, problem.diode_q
    gap = problem.drop - (x[p] - x[q])
    span = np.abs(x[p]) + np.abs(x[q]) + np.abs(problem.drop)
    flow = problem.conductance * (x[problem.edge_p] - x[problem.edge_q] - problem.emf)
    push = problem.injection - node_sums(problem.n, problem.edge_p, problem.edge_q, flow)
    push[0] = 0.0
    # of a rectifier to the reference KCL says the current; others are tried
    tried = np.where(q == 0, push[p] > 0, np.where(p == 0, push[q] < 0, True))
    touching = gap <= 1e-9 * span
    return np.where(problem.hard, touching & tried, gap < 0)


class _Descent:
    """Sweeps over one problem, whose rectifiers are hard."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.sweeps, self.bounded = problem, 0, True
        n, p, q, g = problem.n, problem.edge_p, problem.edge_q, problem.conductance
        self.diagonal = bincount(p, g, n) + bincount(q, g, n)
        self.feed = problem.injection + node_sums(n, p, q, g * problem.emf)
        inner = (p != 0) & (q != 0)  # the reference stays at zero
        self.edges = _rows(n, p[inner], q[inner], g[inner], g[inner])
        # x_p <= x_q + drop, x_q >= x_p - drop
        self.bounds = _rows(n, problem.diode_p, problem.diode_q, problem.drop, -problem.drop)
        ones = np.ones(len(problem.drop))
        self.upper = _rows(n, problem.diode_p, problem.diode_q, ones, 0.0 * ones)[2]

    def run(self, x: Floats) -> Iterator[bool]:
        """Sweep, and tell when x may be near its end: True where nothing moves any more.

        False where all that is held has been held for some sweeps: what is left may well be a
        linear network, whose solution costs less than to sweep on.
        """
        step = _sweep.at(self.problem.size, cost=10 * self.problem.size)
        still, calm, patience = np.zeros(len(x), dtype=np.bool_), 0, 1
        while self.sweeps < SWEEPS:
            before = x.copy()
            moved = step(x, self.feed, self.diagonal, *self.edges, *self.bounds, self.upper, CHUNK)
            self.sweeps += CHUNK
            if not np.isfinite(moved):
                self.bounded = False
                return
            if moved <= STILL * max(float(np.abs(x).max()), 1e-300):
                break
            calm = calm + 1 if np.array_equal(still, x == before) else 0
            still = x == before
            if calm >= patience:
                yield False
                calm, patience = 0, 2 * patience
        yield True  # what is left over, the linear network finds


def _rows(n: int, p: Ints, q: Ints, forward: Floats, backward: Floats) -> tuple[Ints, Ints, Floats]:
    """Return where each coordinate's entries begin, their other ends, and their values."""
    ends, others = np.concatenate((p, q)), np.concatenate((q, p))
    small = np.uint16 if n <= 1 << 16 else np.int64  # which numpy sorts in linear time
    order = np.argsort(ends.astype(small), kind="stable")
    start = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(ends, minlength=n), out=start[1:])
    return start, others[order], np.concatenate((forward, backward))[order]


@kernel
def _sweep(x, feed, diagonal, first, other, g, bound, end, drop, upper, sweeps):  # type: ignore[no-untyped-def]
    """Sweep, and return the largest move of the last sweep; infinite if E has no bound."""
    pulls = feed.copy()
    for k in range(1, len(x)):
        if x[k] != 0.0:
            for e in range(first[k], first[k + 1]):
                pulls[other[e]] += g[e] * x[k]
    moved = 0.0
    for _ in range(sweeps):
        moved = 0.0
        for k in range(1, len(x)):
            pull = pulls[k]
            low, high = -np.inf, np.inf
            for e in range(bound[k], bound[k + 1]):
                limit = x[end[e]] + drop[e]
                if upper[e] > 0:
                    high = min(high, limit)
                else:
                    low = max(low, limit)
            if diagonal[k] > 0:
                new = min(max(pull / diagonal[k], low), high)
            else:  # a hill or a slope along this coordinate: one of the ends is lowest
                a = 0.5 * diagonal[k] * low * low - pull * low if low > -np.inf else -np.inf
                b = 0.5 * diagonal[k] * high * high - pull * high if high < np.inf else -np.inf
                new = low if a < b else high
                if not abs(new) < np.inf:
                    return np.inf
            move = new - x[k]
            if move != 0.0:  # many are held: what moves tells its neighbours
                for e in range(first[k], first[k + 1]):
                    pulls[other[e]] += g[e] * move
            moved = max(moved, abs(move))
            x[k] = new
        if moved == 0.0:
            break
    return moved
