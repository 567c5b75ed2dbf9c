"""Active-set Newton: guess which rectifiers conduct, solve, flip what contradicts, repeat.

With the conducting set fixed the problem is a linear network: conducting hard
rectifiers merge coordinates, conducting soft ones add conductances.  Currents of hard
rectifiers are flows on the spanning forest that they form.  For a strictly convex
problem the guess is a semismooth Newton step (Hintermueller, Ito and Kunisch 2003); the
safeguard when all flips together make no progress is Murty's rule, one flip with the
largest index.

On large problems a linear network is solved to its last digit only if a quick solution
says that the guess is right.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np

from ..arrays import Bools, Floats
from ..graph.problem import EPS, Problem, Solution, difference
from ..graph.topology import drainage
from ..workers.progress import report
from ._contradictions import contradictions
from .linear.bordered import MOST_COLUMNS, BorderedFactors
from .linear.contracted import ContractedNetwork, Inverse, is_medium

#: Steps without fewer contradictions after which only the last of them flips (Murty).
MURTY_AFTER = 10
#: Relative error that a quick solution is granted.
QUICK = 1e-10
#: Relative residual of a solution to the last digit,
LAST = 2 * EPS
#: that above which a bordered factor is not good enough.
EXACT = 1e-13
#: and that with which iterations end if there is no rectifier to be judged by the last digits.
GOOD = 1e-13


class Trial(NamedTuple):
    """The linear network of one guess, and what contradicts it."""

    network: ContractedNetwork
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
    #: what is left over at each coordinate, and the size of the currents there, A
    excess: Floats
    size: Floats
    #: currents that what is left over is compared with where none flow, A
    least: Floats

    @property
    def rest(self) -> float:
        """Largest KCL residual of a group, relative to the currents there."""
        return self.network.worst(self.excess, self.size + self.least)

    @property
    def kept(self) -> Bools:
        """Conducting rectifiers, of those that close a loop only what touches its drop.

        When another one in the loop opens, such a one can take over.
        """
        return self.on & ~(self.redundant & (self.violation < -1.0))


def solve(
    problem: Problem, on: Bools | None = None, x: Floats | None = None, cap: int | None = None,
    stubborn: bool = True, inverses: BorderedFactors | None = None, enough: float = LAST,
) -> Solution:  # fmt: skip
    """Solve a bounded, feasible problem.

    Parameters
    ----------
    problem : Problem
    on : ndarray of bool, shape (m,), optional
        Rectifiers to start with as conducting; see `guess`.
    x : ndarray of float, shape (n,), optional
        Start; zero by default.
    cap : int, optional
        Largest number of linear solves.
    stubborn : bool
        Where flips make no progress, go on with one at a time; that ends, but when?
    inverses : BorderedFactors, optional
        Of the same problem, to be used again.
    enough : float
        Relative KCL residual that need not become less.

    Returns
    -------
    Solution
        ``converged`` is False if the cap was reached or flips made no progress.
    """
    m = len(problem.diode_p)
    if cap is None:
        cap = 60 + 8 * m
    if on is None:
        on = guess(problem, x)
    priority = np.zeros(m)
    fewest, waited = m + 1, 0
    inverses = inverses or BorderedFactors(problem)
    for iteration in range(1, cap + 1):
        trial = _judge(problem, on, priority, waited >= MURTY_AFTER, inverses, x, enough)
        wrong = trial.violation > 1.0
        count = int(wrong.sum())
        report("Newton step %d: %d rectifiers to flip", iteration, count)
        if count == 0:
            if waited >= MURTY_AFTER:
                trial = _heard(trial)
            trial = _settle(problem, trial, priority, inverses)
            return _solution(problem, trial, iteration, True)
        if count < fewest:
            fewest, waited = count, 0
            best = _solution(problem, trial, iteration, False)
        else:
            waited += 1
        if not stubborn and waited >= (1 if count <= MOST_COLUMNS else 3):
            break  # few flips that don't get fewer go round in circles
        on, x = trial.kept, trial.x
        if waited < MURTY_AFTER:
            on = on ^ wrong
        else:
            last = int(wrong.nonzero()[0][-1])
            on[last] = not on[last]
        # a redundant rectifier that is still violated must come first into the next forest
        priority = np.where(wrong, trial.violation, 0.0)
        del trial  # the next needs its memory
    return dataclasses.replace(best, iterations=iteration)


def guess(problem: Problem, x: Floats | None = None) -> Bools:
    """Return the rectifiers that conduct at `x`, or that must where nothing is known."""
    if x is None:
        return drainage(problem) | (problem.drop < 0)
    gap = x[problem.diode_p] - x[problem.diode_q] - problem.drop
    return np.asarray(gap > -1e-12)


def _judge(
    problem: Problem, on: Bools, priority: Floats, lenient: bool, inverses: BorderedFactors,
    near: Floats | None, enough: float = LAST,
) -> Trial:  # fmt: skip
    """Evaluate a guess: to the last digit unless a quick look finds it wrong."""
    network = ContractedNetwork(problem, on, priority)
    inverse = inverses.of(network)
    if not (inverses.iterates(network) or enough > LAST):
        near = None  # from there the last digit would tell where it began
    begun = None if near is None else (network.near(near), np.zeros(problem.n))
    if is_medium(problem) and not lenient and len(on):
        quick = glance(network, on, inverse, near)
        if inverses.bordered and quick.rest > QUICK:  # one more step takes less than a factor
            quick = glance(network, on, inverse, quick.x)
            if quick.rest > QUICK:
                inverse = inverses.factor(network)
                quick = glance(network, on, inverse)
        if (quick.violation > 1.0).any():
            return quick
        begun = quick.x, quick.low
    if inverses.iterative and not len(on):
        enough = max(enough, GOOD)
    trial = examine(network, on, inverse, lenient, begun, enough)
    if inverses.bordered and trial.rest > max(enough, EXACT):
        trial = examine(network, on, inverses.factor(network), lenient)
    return trial


def _heard(trial: Trial) -> Trial:
    """Return a trial that noise anywhere excuses with the currents that it has beside that noise.

    They are real where little flows: without them currents of a part that blocks have no way on.
    """
    return trial._replace(current=_sharp(trial, trial.x, trial.low).current)


def _sharp(trial: Trial, x: Floats, low: Floats) -> Trial:
    """Compare coordinates with a guess as if each had no noise but its own."""
    noise = EPS * trial.size
    return _compare(trial.network, trial.on, x, low, noise, np.zeros(1), trial.least)


def _settle(problem: Problem, trial: Trial, priority: Floats, inverses: BorderedFactors) -> Trial:
    """Return the same set without violations that only uncertain coordinates excuse, if any.

    Where KCL noise over a tiny conductance makes a voltage uncertain, both states of a
    rectifier pass; that which leaves the smaller voltage is better.  If none does the set
    stays, without that noise.
    """
    marginal = trial.marginal.nonzero()[0]
    if len(marginal) and inverses.iterates(trial.network):
        # an iteration leaves what is a last digit of the largest voltage
        p, q, drop = problem.diode_p[marginal], problem.diode_q[marginal], problem.drop[marginal]
        above = difference(trial.x, trial.low, p, q, drop)
        marginal = marginal[above > 16 * EPS * np.abs(trial.x).max()]
    if not len(marginal):
        return trial
    other = _judge(problem, trial.on | trial.marginal, priority, False, inverses, trial.x)
    better = not (other.violation > 1.0).any() and not other.marginal.any()
    if better:
        return other
    network = trial.network
    sharp = _sharp(trial, *network.sharpened(inverses.of(network), trial.x, trial.low))
    return trial if (sharp.violation > 1.0).any() else sharp


def _solution(problem: Problem, trial: Trial, iterations: int, converged: bool) -> Solution:
    current = np.maximum(trial.current, 0.0)
    return Solution(problem, trial.x, trial.low, current, iterations, converged, "newton")


def evaluate(problem: Problem, on: Bools, priority: Floats, lenient: bool = False) -> Trial:
    """Solve the linear network of a guess and compare it with what was guessed.

    `priority` says which rectifiers come first into the forest; `lenient` takes a current
    for zero that rounding anywhere in the same part could have made, not only rounding in
    the same group.
    """
    network = ContractedNetwork(problem, on, priority)
    return examine(network, on, BorderedFactors(problem).of(network), lenient)


def examine(
    network: ContractedNetwork,
    on: Bools,
    inverse: Inverse,
    lenient: bool = False,
    start: tuple[Floats, Floats] | None = None,
    enough: float = LAST,
) -> Trial:
    """Solve a network to its last digit and compare it with what was guessed."""
    x, low, noise = network.solve(inverse, start, enough)
    # what any coordinate of a group gets wrong may come out at any of its rectifiers
    domain = network.part if lenient else network.forest.label
    loudest = np.zeros(network.forest.count)
    np.maximum.at(loudest, domain, noise + network.stray)
    # nothing is a current that the coordinates, which are double-doubles, have no digit for
    digit = EPS**2 * network.highest(x)
    loud = np.maximum(8 * loudest[domain], digit * float(np.abs(network.g).max(initial=0.0)))
    least = network.rounded(x)
    trial = _compare(network, on, x, low, loud, np.zeros(1), least)
    if not (trial.violation > 1.0).any():
        return trial
    # the inverse of an M-matrix is not negative, so it maps bounds to bounds; where some
    # conductances are negative this is an estimate
    return _compare(network, on, x, low, loud, np.abs(inverse(noise)), least)


def glance(
    network: ContractedNetwork, on: Bools, inverse: Inverse, start: Floats | None = None
) -> Trial:
    """Solve a network with one application of an inverse, which may be a rough one."""
    x = network.forest.offset if start is None else network.near(start)
    low = np.zeros_like(x)
    _, excess, size = network.balance(x, low)
    x, low = network.step(inverse, x, low, excess)
    least, voltage = (np.array([float(of.sum()) / len(x)]) for of in (size, np.abs(x)))
    return _compare(network, on, x, low, QUICK * least, QUICK * voltage, least)


def _compare(
    network: ContractedNetwork, on: Bools, x: Floats, low: Floats, noise: Floats, blur: Floats,
    least: Floats,
) -> Trial:  # fmt: skip
    """Return what a solution of the network says of the guess.

    `noise` (A) and `blur` (V) are what is not known of currents and of coordinates, one
    value for all or one for each.
    """
    problem, forest = network.problem, network.forest
    flow, excess, size = network.balance(x, low)
    judge = contradictions.at(problem.size, cost=problem.size // 60)
    current, violation, redundant, marginal = judge(
        x, low, noise, blur, forest.subtree_sums(excess),
        problem.diode_p, problem.diode_q, problem.drop, on,
        network.tie, forest.parent, forest.edge, forest.in_tree,
        network.soft, flow[len(problem.edge_p) :],
        network.speed if len(network.pins) else np.zeros(0),
    )  # fmt: skip
    return Trial(network, x, low, current, on, violation, redundant, marginal, excess, size, least)
