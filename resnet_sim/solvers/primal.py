"""Primal active-set method: slower than Newton, but no step raises the co-content.

From feasible coordinates, move towards the minimum over the current working set of
tight rectifiers; the first rectifier that blocks the way joins the set; at the minimum
the one with the most negative current leaves it (Nocedal and Wright, "Numerical
Optimization", section 16.5).  With distinct values no set comes twice, so it ends; a
small random shift of the drops makes values distinct, and Newton, started from the set
found, takes the shift back.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from ..arrays import Bools, Floats
from ..graph.graphs import bincount
from ..graph.problem import Problem, Solution
from ..graph.topology import nearest_feasible, shifted_to_fit
from . import newton


def solve(problem: Problem, attempts: int = 4) -> Solution:
    """Solve a bounded, feasible problem; see `newton.solve`."""
    rng = np.random.default_rng(0)
    iterations = 0
    solution = None
    for attempt in range(attempts):
        shift = 10.0 ** (-8 + attempt) * _voltage(problem)
        shifted = dataclasses.replace(
            problem, drop=problem.drop + shift * rng.uniform(0.5, 1.0, len(problem.drop))
        )
        on, steps = _active_set(harden(shifted))
        solution = newton.solve(problem, on[: len(problem.drop)], cap=60)
        iterations += steps + solution.iterations
        if solution.converged:
            break
    assert solution is not None
    if not solution.converged:
        solution = _shifted(solution)
    return dataclasses.replace(solution, iterations=iterations, method="primal active set")


def _shifted(solution: Solution) -> Solution:
    """Return the solution with idle parts moved to where they violate nothing, if that is all.

    Where no current flows nothing but feasibility tells what voltages are, and active sets can
    go in circles: any of them balances the currents.
    """
    moved = dataclasses.replace(solution, x=shifted_to_fit(solution))
    size = newton.EXACT * _voltage(solution.problem)
    fits = bool((moved.gap() >= -size).all() and (moved.current >= 0).all())
    settled = fits and float(moved.residual().max()) <= newton.QUICK
    return dataclasses.replace(moved, converged=True) if settled else solution


def _voltage(problem: Problem) -> float:
    """Return the voltage scale of a problem."""
    sizes = (problem.drop, problem.emf)
    return max(float(np.abs(size).max(initial=0.0)) for size in sizes) or 1.0


def harden(problem: Problem) -> Problem:
    """Return the problem with soft rectifiers as hard ones in series with a resistor."""
    soft = np.flatnonzero(~problem.hard)
    if not len(soft):
        return problem
    middle = problem.n + np.arange(len(soft))
    diode_q = problem.diode_q.copy()
    diode_q[soft] = middle
    nothing = np.zeros(len(soft))
    return dataclasses.replace(
        problem,
        n=problem.n + len(soft),
        edge_p=np.concatenate((problem.edge_p, middle)),
        edge_q=np.concatenate((problem.edge_q, problem.diode_q[soft])),
        conductance=np.concatenate((problem.conductance, 1.0 / problem.resistance[soft])),
        emf=np.concatenate((problem.emf, nothing)),
        injection=np.concatenate((problem.injection, nothing)),
        turnover=np.concatenate((problem.turnover, nothing)),
        diode_q=diode_q,
        resistance=np.zeros(len(problem.drop)),
    )


def _active_set(problem: Problem) -> tuple[Bools, int]:
    """Return the rectifiers that conduct at the minimum, and the number of linear solves."""
    x = nearest_feasible(problem, np.zeros(problem.n))
    p, q = problem.diode_p, problem.diode_q
    working = np.zeros(len(p), dtype=np.bool_)
    none = np.zeros(len(p))
    cap = 100 + 20 * len(p)
    for iteration in range(1, cap + 1):  # noqa: B007
        trial = newton.evaluate(problem, working, none)
        runaway = bool(trial.network.speed.any())
        step = trial.network.speed if runaway else trial.x - x + _free_shift(problem, trial, x)
        approach = np.where(working, 0.0, step[p] - step[q])
        gap = np.maximum(problem.drop - (x[p] - x[q]), 0.0)
        rising = approach > 1e-14 * (np.abs(step[p]) + np.abs(step[q]))
        reach = np.full(len(p), np.inf)
        reach[rising] = gap[rising] / approach[rising]
        blocking = int(reach.argmin()) if len(reach) else -1
        if blocking >= 0 and reach[blocking] < (np.inf if runaway else 1.0):
            x = x + reach[blocking] * step
            working[blocking] = True
            continue
        if runaway:
            break
        x = x + step
        backward = np.where(working & (trial.violation > 1.0), trial.current, 0.0)
        if not (backward < 0).any():
            break
        working[int(backward.argmin())] = False
    return working, iteration


def _free_shift(problem: Problem, trial: newton.Trial, x: Floats) -> Floats:
    """Return what leaves parts without ground where they are, on average."""
    members = np.bincount(trial.network.part)
    shift = bincount(trial.network.part, x - trial.x, len(members)) / members
    shift[0] = 0.0
    return shift[trial.network.part]
