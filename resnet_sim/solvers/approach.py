"""Large problems: sweeps of coordinate descent, rough Newton steps, exact ones.

Most rectifiers show their state long before voltages are exact, so that only the last
few Newton steps need a factorisation.  Where these go round in circles, for which a loop
of rectifiers is enough, more sweeps sort that out.
"""

from __future__ import annotations

import dataclasses
from functools import partial

import numpy as np

from ..elements import Bools, Floats
from ..problem import Problem, Solution
from ..progress import report
from . import newton
from .coordinate_descent import sweep
from .inverses import Inverses
from .merged import Merged
from .multigrid import Multigrid

START_SWEEPS = 3
#: Sweeps where steps make no progress, one after the other.
MORE_SWEEPS = (10, 30, 100, 300, 1000)
#: Residual that a rough step leaves of that it starts from.
ROUGH = 0.1
#: Rectifiers to flip that are left to exact steps.
FEW = 12
#: Flips per coordinate up to which a network is similar to that before.
SIMILAR = 0.02
#: A step must leave at most this share of the flips of the one before.
PROGRESS = 0.7


def solve(problem: Problem, x: Floats | None = None) -> Solution:
    """Solve a convex, feasible and bounded problem without negative conductances.

    ``converged`` is False where that took too many sweeps.
    """
    inverses, iterations = Inverses(problem), 0
    for sweeps in (START_SWEEPS, *MORE_SWEEPS):
        report("%d sweeps of coordinate descent", sweeps)
        on, x = sweep(problem, sweeps, x)
        on, x, count = approach(problem, on, x)
        if count > FEW and sweeps < MORE_SWEEPS[-1]:
            continue
        solution = newton.solve(problem, on, x, stubborn=False, inverses=inverses)
        iterations += solution.iterations
        if solution.converged:
            break
        x = solution.x
    return dataclasses.replace(solution, iterations=iterations)


def approach(problem: Problem, on: Bools, x: Floats) -> tuple[Bools, Floats, int]:
    """Take rough Newton steps until few rectifiers are left to flip, or they don't get fewer.

    Returns
    -------
    on : ndarray of bool, shape (m,)
        Rectifiers that probably conduct.
    x : ndarray of float, shape (n,)
    count : int
        Rectifiers that the last step flipped.
    """
    priority = np.zeros(len(on))
    before = problem.size
    base: tuple[Merged, Multigrid] | None = None
    while True:
        network = Merged(problem, on, priority)
        if network.forest.count == 1:
            return on, x, 0
        if base is None or before > SIMILAR * problem.n:
            multigrid = Multigrid(*network.laplacian)
            base = network, multigrid
        else:
            multigrid = Multigrid(*network.laplacian, (base[1], network.like(base[0])))
        inverse = network.by_groups(partial(multigrid.solve, reduction=ROUGH))
        trial = newton.glance(network, on, inverse, x)
        wrong = trial.violation > 1.0
        count = int(wrong.sum())
        report("rough step: %d rectifiers to flip", count)
        on, x = trial.kept ^ wrong, trial.x
        if count <= FEW or count > PROGRESS * before:
            return on, x, count
        before, priority = count, np.where(wrong, trial.violation, 0.0)
