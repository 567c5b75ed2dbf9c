"""Whether laws that fall with a step leave room for a second solution."""

from __future__ import annotations

import numpy as np

from ..arrays import Bools, Floats
from .forests import spanning_forest
from .problem import Solution


def unsettled(solution: Solution) -> Bools:
    """Tell which curves another solution might find on the other side of their steps, shape (c,).

    Two solutions differ by voltages u of the curves and by a power P in the conductances, for
    which ``u**2 <= r P`` with r the resistance of these alone at a curve's ends.  As all else
    is monotone, P is at most the sum of ``fall |u|`` over curves that may pass their steps
    (Tellegen's theorem): so ``|u| <= sqrt(r) * sum(fall sqrt(r))``.  Those that stand further away
    than that don't pass them, and the sum is smaller.
    """
    rows = solution.problem.curves
    steps = rows.steps(solution.curves)
    if steps is None:
        return np.zeros(len(rows), dtype=np.bool_)
    root = np.sqrt(_along_trees(solution) + steps.series)
    passing = steps.fall > 0
    while passing.any():
        # through ideal sources alone no voltage differs
        reach = root * (steps.fall * root)[passing].sum()
        still = passing & ~(np.abs(steps.away) > reach)
        if (still == passing).all():
            break
        passing = still
    return passing


def _along_trees(solution: Solution) -> Floats:
    """Return resistances no less than those between the ends of each curve, ohm."""
    problem, rows = solution.problem, solution.problem.curves
    good = np.flatnonzero(problem.conductance > 0)
    # trees of the best conductors
    good = good[np.argsort(-problem.conductance[good], kind="stable")]
    p, q, ohms = problem.edge_p[good], problem.edge_q[good], 1.0 / problem.conductance[good]
    forest = spanning_forest(problem.n, p, q)
    edge, _, sign = forest.upward(p)
    rise = np.zeros(len(p))
    rise[edge] = sign * ohms[edge]
    depth = forest.offsets(p, rise)
    joined = forest.label[rows.p] == forest.label[rows.q]
    return np.where(joined, depth[rows.p] + depth[rows.q], np.inf)
