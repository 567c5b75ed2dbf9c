"""Medium and large problems: sweeps of coordinate descent, rough Newton steps, exact ones.

Most rectifiers show their state long before voltages are exact, so that only the last
few Newton steps need a factorisation.  Where these go round in circles, for which a loop
of rectifiers is enough, more sweeps sort that out.  Sweeps are compiled, so that only large
problems (`is_large`) make any; medium ones begin with a `relaxation`, and Newton's own safeguard
ends circles.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from ..arrays import Bools, Floats
from ..graph.problem import Problem, Solution
from ..graph.topology import nearest_feasible
from ..workers.progress import report
from . import newton
from .coordinate_descent import sweep
from .linear.bordered import BorderedFactors
from .linear.contracted import ContractedNetwork, is_large
from .relaxation import relaxed

START_SWEEPS = 5
#: Where flips go round in circles: how far around that is swept, one after the other,
REACH = (10, 30, 100, 300)
#: as long as that is not more than this share of all coordinates for each step,
SHARE_PER_STEP = 0.01
#: and how often, for each step of this way.
SWEEPS_PER_STEP = 3
#: KCL residual and rectifier voltage, relative, from which a solution counts as wrong there.
LARGE_ERROR = 1e-9
#: Rectifiers to flip that are left to exact steps.
FEW = 6
#: A step must leave at most this share of the fewest flips so far,
PROGRESS = 0.7
#: but so many in a row may fail to.
MOST_STALLS = 2


def solve(problem: Problem, x: Floats | None = None) -> Solution:
    """Solve a convex, feasible and bounded problem without negative conductances.

    ``converged`` is False where that took too many sweeps.
    """
    inverses, iterations, compiled = BorderedFactors(problem), 0, is_large(problem)
    if compiled:
        report("%d sweeps of coordinate descent", START_SWEEPS)
        on, x = sweep(problem, START_SWEEPS, x)
    elif x is None:
        on, x = relaxed(problem)
        on |= newton.guess(problem)
    else:
        on = newton.guess(problem, x)
    for reach in (*REACH, 0) if compiled else (0,):
        on, x, wrong = approach(problem, on, x, inverses)
        count = int(wrong.sum())
        # sweeps around few rectifiers take less than an exact step that iterates
        swept = reach == REACH[0] and inverses.iterative and count > 0
        if (count <= FEW and not swept) or not reach:
            solution = newton.solve(problem, on, x, stubborn=not compiled, inverses=inverses)
            iterations += solution.iterations
            if solution.converged or not reach:
                break
            on, x, wrong = solution.current > 0, solution.x, _contradicted(solution)
        on, x = _descend_around(problem, on, x, wrong, reach)
    return dataclasses.replace(solution, iterations=iterations)


def _contradicted(solution: Solution) -> Bools:
    """Return rectifiers that are open against the solution, or next to where KCL fails."""
    prob = solution.problem
    p, q = prob.diode_p, prob.diode_q
    fails = solution.residual() > LARGE_ERROR
    above = -solution.gap() > LARGE_ERROR * solution.voltage_scale
    return np.asarray(above | fails[p] | fails[q])


def _descend_around(
    problem: Problem, on: Bools, x: Floats | None, wrong: Bools, reach: int
) -> tuple[Bools, Floats]:
    """Sweep over what lies within some steps of some rectifiers, all else being held."""
    report("sweeps around %d rectifiers", int(wrong.sum()))
    inside = np.zeros(problem.n, dtype=np.bool_)
    inside[problem.diode_p[wrong]] = inside[problem.diode_q[wrong]] = True
    p = np.concatenate((problem.edge_p, problem.diode_p))
    q = np.concatenate((problem.edge_q, problem.diode_q))
    for _ in range(reach):
        inside[0] = False
        near = inside[p] | inside[q]
        wider = inside.copy()
        wider[p[near]] = wider[q[near]] = True
        if wider.sum() > SHARE_PER_STEP * reach * problem.n:
            break
        inside = wider
    inside[0] = False
    x = nearest_feasible(problem, np.zeros(problem.n) if x is None else x)
    part = problem.inside(inside, x)
    around = inside[problem.diode_p] | inside[problem.diode_q]
    on[around], moved = sweep(part, SWEEPS_PER_STEP * reach, np.append(0.0, x[inside]))
    x[inside] = moved[1:]
    return on, x


def approach(
    problem: Problem, on: Bools, x: Floats | None, inverses: BorderedFactors
) -> tuple[Bools, Floats | None, Bools]:
    """Take rough Newton steps until few rectifiers are left to flip, or they don't get fewer.

    Returns
    -------
    on : ndarray of bool, shape (m,)
        Rectifiers that probably conduct.
    x : ndarray of float, shape (n,)
    wrong : ndarray of bool, shape (m,)
        Rectifiers that the last step flipped.
    """
    priority = np.zeros(len(on))
    fewest, waited = problem.size, 0
    while True:
        network = ContractedNetwork(problem, on, priority)
        if network.forest.count == 1:
            return on, x, np.zeros_like(on)
        # a factorisation serves a few more guesses, an iteration only one
        few = 0 if inverses.iterates(network) else FEW
        trial = newton.glance(network, on, inverses.rough(network), x)
        wrong = trial.violation > 1.0
        count = int(wrong.sum())
        report("rough step: %d rectifiers to flip", count)
        on, x = trial.kept ^ wrong, trial.x
        fewest, waited = (count, 0) if count <= PROGRESS * fewest else (fewest, waited + 1)
        if count <= few or waited > (MOST_STALLS if count > FEW else 0):
            return on, x, wrong
        priority = np.where(wrong, trial.violation, 0.0)
        del trial, network  # the next need their memory
