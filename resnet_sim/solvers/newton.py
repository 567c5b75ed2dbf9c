"""Active-set Newton: guess which rectifiers conduct, solve, flip what contradicts, repeat.

With the conducting set fixed the problem is a linear network: conducting hard
rectifiers merge coordinates, conducting soft ones add conductances.  Currents of hard
rectifiers are flows on the spanning forest that they form.  For a strictly convex
problem the guess is a semismooth Newton step (Hintermueller, Ito and Kunisch 2003); the
safeguard when all flips together make no progress is Murty's rule, one flip with the
largest index.

Parts that nothing connects to the reference get the limit of vanishing leaks from every
coordinate: what is injected into such a part leaks away evenly, and how fast the part
moves off is compared before voltages are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..elements import Bools, Floats, Ints
from ..graphs import Forest, components, spanning_forest
from ..problem import EPS, Problem, Solution, bincount, difference, node_sums, node_sums_abs
from ..topology import ROUNDING
from .linear import laplacian_solver

PATIENCE = 10
TINY = 1e-300


@dataclass(frozen=True)
class Trial:
    """The linear network of one guess, and what contradicts it."""

    x: Floats
    low: Floats
    current: Floats
    on: Bools
    #: how much each rectifier contradicts its state, relative to its tolerance; <= 1 is fine
    violation: Floats
    #: conducting rectifiers that close a loop of conducting ones: their current is 0
    redundant: Bools
    #: blocking rectifiers above their drop by more than rounding of the voltages themselves
    marginal: Bools
    #: how fast coordinates of parts without ground move off, A per coordinate
    speed: Floats
    #: connected part of each coordinate; part 0 is that of the reference
    part: Ints


def solve(
    problem: Problem, on: Bools | None = None, x: Floats | None = None, cap: int | None = None
) -> Solution:
    """Solve a bounded, feasible problem.

    Parameters
    ----------
    problem : Problem
    on : ndarray of bool, shape (m,), optional
        Rectifiers to start with as conducting; by default those that `x` violates.
    x : ndarray of float, shape (n,), optional
        Start; zero by default.
    cap : int, optional
        Largest number of linear solves.

    Returns
    -------
    Solution
        ``converged`` is False if the cap was reached.
    """
    m = len(problem.diode_p)
    if cap is None:
        cap = 60 + 8 * m
    start = np.zeros(problem.n) if x is None else x
    if on is None:
        gap = start[problem.diode_p] - start[problem.diode_q] - problem.drop
        on = gap > 0 if x is None else gap > -1e-12
    priority = np.zeros(m)
    fewest, waited = m + 1, 0
    best: Trial | None = None
    for iteration in range(1, cap + 1):
        trial = evaluate(problem, on, priority, waited >= PATIENCE)
        wrong = trial.violation > 1.0
        count = int(wrong.sum())
        if count == 0:
            return _solution(problem, _settle(problem, trial, priority), iteration, True)
        if count < fewest:
            fewest, waited, best = count, 0, trial
        else:
            waited += 1
        on = trial.on & ~trial.redundant
        if waited < PATIENCE:
            on = on ^ wrong
        else:
            last = int(np.flatnonzero(wrong)[-1])
            on[last] = not on[last]
        # a redundant rectifier that is still violated must come first into the next forest
        priority = np.where(wrong, trial.violation, 0.0)
    return _solution(problem, best or trial, cap, False)


def _settle(problem: Problem, trial: Trial, priority: Floats) -> Trial:
    """Return the same set without violations that only uncertain coordinates excuse, if any.

    Where KCL noise over a tiny conductance makes a voltage uncertain, both states of a
    rectifier pass; that which leaves the smaller voltage is better.
    """
    if not trial.marginal.any():
        return trial
    other = evaluate(problem, trial.on | trial.marginal, priority)
    better = not (other.violation > 1.0).any() and not other.marginal.any()
    return other if better else trial


def _solution(problem: Problem, trial: Trial, iterations: int, converged: bool) -> Solution:
    current = np.maximum(trial.current, 0.0)
    return Solution(problem, trial.x, trial.low, current, iterations, converged, "newton")


def evaluate(problem: Problem, on: Bools, priority: Floats, lenient: bool = False) -> Trial:
    """Solve the linear network of a guess and compare it with what was guessed.

    `priority` says which rectifiers come first into the forest; `lenient` takes a current
    for zero that rounding anywhere in the same part could have made, not only rounding in
    the same group.
    """
    tie = np.flatnonzero(on & problem.hard)
    tie = tie[np.argsort(-priority[tie], kind="stable")]
    forest = spanning_forest(
        problem.n, problem.diode_p[tie], problem.diode_q[tie], problem.drop[tie]
    )
    soft = np.flatnonzero(on & ~problem.hard)
    p = np.concatenate((problem.edge_p, problem.diode_p[soft]))
    q = np.concatenate((problem.edge_q, problem.diode_q[soft]))
    g = np.concatenate((problem.conductance, 1.0 / problem.resistance[soft]))
    emf = np.concatenate((problem.emf, problem.drop[soft]))

    network = _Network(problem, forest, p, q, g, emf)
    x, low, noise = network.solve()
    flow = g * difference(x, low, p, q, emf)
    excess = problem.injection - network.leak - node_sums(problem.n, p, q, flow)

    current = np.zeros(len(on))
    slack = np.zeros(len(on))
    child = np.flatnonzero(forest.parent >= 0)
    diode = tie[forest.edge[child]]
    downward = problem.diode_p[diode] == child
    current[diode] = np.where(downward, 1.0, -1.0) * forest.subtree_sums(excess)[child]
    # what any coordinate of a group gets wrong may come out at any of its rectifiers
    domain = network.part if lenient else forest.label
    loudest = np.zeros(forest.count)
    np.maximum.at(loudest, domain, noise)
    noise = 8 * loudest[domain]
    slack[diode] = 16 * noise[child]
    current[soft] = flow[len(problem.edge_p) :]
    slack[soft] = 16 * (noise[problem.diode_p[soft]] + noise[problem.diode_q[soft]])
    current[np.abs(current) <= slack] = 0.0
    redundant = np.zeros(len(on), dtype=np.bool_)
    redundant[tie[~forest.in_tree]] = True

    backward = -current / (slack + TINY)
    above, blur = _forward(problem, x, low, network)
    violation = np.where(on & ~redundant, backward, above / blur)
    strict = 16 * EPS * (np.abs(x[problem.diode_p]) + np.abs(x[problem.diode_q]))
    marginal = ~on & (above > strict + 16 * EPS * np.abs(problem.drop) + TINY)
    return Trial(x, low, current, on, violation, redundant, marginal, network.speed, network.part)


def _forward(problem: Problem, x: Floats, low: Floats, network: _Network) -> tuple[Floats, Floats]:
    """Return how far each rectifier is above its drop, and what rounding makes of that."""
    p, q, drop = problem.diode_p, problem.diode_q, problem.drop
    slack = 16 * EPS * (np.abs(x[p]) + np.abs(x[q]) + np.abs(drop)) + TINY
    slack += 16 * (network.blur[p] + network.blur[q])
    above = difference(x, low, p, q, drop)
    faster = network.speed[p] - network.speed[q]
    return np.where(faster > 0, np.inf, np.where(faster < 0, -np.inf, above)), slack


class _Network:
    """The merged linear network: its parts, leaks and solution."""

    def __init__(
        self, problem: Problem, forest: Forest, p: Ints, q: Ints, g: Floats, emf: Floats
    ) -> None:
        self.problem, self.forest, self.p, self.q, self.g, self.emf = problem, forest, p, q, g, emf
        #: uncertainty of the coordinates, V
        self.blur = np.zeros(problem.n)
        self.highest_emf = float(np.abs(emf).max(initial=0.0))
        self.conductance = node_sums_abs(problem.n, p, q, g)
        label = forest.label
        self.group_p, self.group_q = label[p], label[q]
        outer = self.group_p != self.group_q
        self.outer = outer
        count, part_of_group = components(forest.count, self.group_p[outer], self.group_q[outer])
        self.part = part_of_group[label]
        self.n_parts = count
        self._find_leaks(part_of_group)

    def _find_leaks(self, part_of_group: Ints) -> None:
        """Spread what is injected into each part without ground over its coordinates."""
        prob = self.problem
        net = bincount(self.part, prob.injection, self.n_parts)
        scale = bincount(self.part, prob.turnover, self.n_parts)
        net[0] = 0.0
        self.leak = (net / np.bincount(self.part, minlength=self.n_parts))[self.part]
        rounding = np.abs(net) <= ROUNDING * scale
        self.speed = np.where(rounding[self.part], 0.0, self.leak)
        #: current that should be zero but is not, because of rounding in the injections
        self.stray = np.where(rounding, np.abs(net), 0.0)[self.part]
        # one group of each part without ground is pinned while values are computed
        _, self.pins = np.unique(part_of_group, return_index=True)
        self.pins = self.pins[1:]

    def solve(self) -> tuple[Floats, Floats, Floats]:
        """Return coordinates as a double-double, and the rounding noise of KCL at each (A).

        Parts without ground are centred on zero.
        """
        prob, forest, outer = self.problem, self.forest, self.outer
        p, q = self.group_p[outer], self.group_q[outer]
        pin_conductance = np.full(len(self.pins), float(np.abs(self.g).max(initial=1.0)))
        inverse = laplacian_solver(
            forest.count,
            np.concatenate((p, self.pins)),
            np.concatenate((q, np.zeros_like(self.pins))),
            np.concatenate((self.g[outer], pin_conductance)),
        )
        x, low = forest.offset.copy(), np.zeros(prob.n)
        last = np.inf
        for pass_ in range(6):
            excess, size = self._balance(x, low)
            residual = bincount(forest.label, excess, forest.count)
            scale = bincount(forest.label, size, forest.count)
            worst = float((np.abs(residual) / (scale + TINY))[1:].max(initial=0.0))
            # the first pass finds the voltages, the second may shrink the scale with the error
            if worst <= EPS or (pass_ > 2 and worst >= 0.5 * last):
                break
            last = worst
            x, low = _add(x, low, inverse(residual)[forest.label])
            if len(self.pins):
                mean = bincount(self.part, x, self.n_parts) / np.bincount(self.part)
                mean[0] = 0.0
                x, low = _add(x, low, -mean[self.part])
        # the inverse of an M-matrix is not negative, so it maps bounds to bounds; where some
        # conductances are negative this is an estimate
        self.blur = np.abs(inverse(EPS * scale))[forest.label]
        return x, low, EPS * size + self.stray

    def _balance(self, x: Floats, low: Floats) -> tuple[Floats, Floats]:
        """Return the current left over at each coordinate, and the size of what flows there."""
        prob = self.problem
        flow = self.g * difference(x, low, self.p, self.q, self.emf)
        excess = prob.injection - self.leak - node_sums(prob.n, self.p, self.q, flow)
        voltage = max(float(np.abs(x).max()), self.highest_emf)
        size = prob.turnover + np.abs(self.leak) + node_sums_abs(prob.n, self.p, self.q, flow)
        return excess, size + EPS * voltage * self.conductance


def _add(x: Floats, low: Floats, step: Floats) -> tuple[Floats, Floats]:
    """Add a step to a double-double number (two-sum, then renormalised)."""
    total = x + step
    t = total - x
    error = (x - (total - t)) + (step - t)
    return total, low + error
