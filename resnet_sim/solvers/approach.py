"""A start for large problems: sweeps of coordinate descent, then rough Newton steps.

Most rectifiers show their state long before voltages are exact, so that only the last
few Newton steps need a factorisation.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from ..elements import Bools, Floats
from ..problem import Problem
from ..progress import report
from .coordinate_descent import sweep
from .merged import Merged
from .multigrid import Multigrid
from .newton import glance

START_SWEEPS = 3
#: Residual that a rough step leaves of that it starts from.
ROUGH = 0.1
#: Rectifiers to flip that are left to exact steps.
FEW = 12
#: Flips per coordinate up to which a network is similar to that before.
SIMILAR = 0.005
#: A step must leave at most this share of the flips of the one before.
PROGRESS = 0.7


def approach(problem: Problem, x: Floats | None = None) -> tuple[Bools, Floats]:
    """Return rectifiers that probably conduct, and coordinates.

    All conductances must be positive.
    """
    report("%d sweeps of coordinate descent", START_SWEEPS)
    on, x = sweep(problem, START_SWEEPS, x)
    priority = np.zeros(len(on))
    before = np.inf
    base: tuple[Merged, Multigrid] | None = None
    while True:
        network = Merged(problem, on, priority)
        if network.forest.count == 1:
            return on, x
        if base is None or before > SIMILAR * problem.n:
            multigrid = Multigrid(*network.laplacian)
            base = network, multigrid
        else:
            multigrid = Multigrid(*network.laplacian, (base[1], network.like(base[0])))
        inverse = network.by_groups(partial(multigrid.solve, reduction=ROUGH))
        trial = glance(network, on, inverse, x)
        wrong = trial.violation > 1.0
        count = int(wrong.sum())
        report("rough step: %d rectifiers to flip", count)
        if count > PROGRESS * before:
            return on, x
        on, x = trial.kept ^ wrong, trial.x
        if count <= FEW:
            return on, x
        before, priority = count, np.where(wrong, trial.violation, 0.0)
