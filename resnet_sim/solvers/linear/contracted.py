"""The linear network of one guess: what conducting rectifiers hold together is one group.

Conducting hard rectifiers merge coordinates into groups, conducting soft ones add
conductances.  Parts that nothing connects to the reference get the limit of vanishing
leaks from every coordinate: what is injected into such a part leaks away evenly, and how
fast the part moves off is compared before voltages are.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...arrays import Bools, Floats, Ints
from ...compiled import policy
from ...graph.forests import spanning_forest
from ...graph.graphs import bincount, components
from ...graph.problem import EPS, Problem, node_sums_abs
from ...graph.topology import ROUNDING
from ._balance import balance

TINY = 1e-300
#: Relative KCL residual above which it counts as noise: more than rounding explains.
LEFT_OVER = 1e-14
#: Share of the currents within a group below which those that leave it are its rounding.
DROWNED = 1e-9

#: From the current left over at each coordinate, shape (n,), to the step of the coordinates
#: that takes it away, the same within each group.
Inverse = Callable[[Floats], Floats]


def is_medium(problem: Problem) -> bool:
    """Tell whether quick looks and bordered factors pay."""
    return problem.size > policy.POLICY.medium


def is_large(problem: Problem) -> bool:
    """Tell whether compiled sweeps and multigrid pay, and the import of numba for them."""
    return problem.size > policy.POLICY.large or (
        problem.n > 2 * policy.POLICY.wide and problem.spread > policy.POLICY.wide
    )


class Outline(NamedTuple):
    """Group of each coordinate, and the conducting rectifiers, hard and soft, of a network."""

    label: Ints
    tie: Ints
    soft: Ints


class ContractedNetwork:
    """Groups, parts and leaks of a guess.

    Attributes
    ----------
    tie, soft : ndarray of int
        Conducting rectifiers that are hard and soft.
    forest : Forest
        Spanning forest of the coordinates by ties; its trees are the groups.
    p, q, g, emf : ndarray
        Edges and conducting soft rectifiers.
    part : ndarray of int, shape (n,)
        Connected part of each coordinate; part 0 is that of the reference.
    leak : ndarray of float, shape (n,)
        What is injected into parts without ground, spread evenly, A.
    speed : ndarray of float, shape (n,)
        The same without what rounding of the injections explains.
    pins : ndarray of int
        One group of each part without ground, held while values are computed.
    """

    def __init__(self, problem: Problem, on: Bools, priority: Floats) -> None:
        self.problem = problem
        tie = (on & problem.hard).nonzero()[0]
        self.tie = tie = tie[np.argsort(-priority[tie], kind="stable")]
        self.forest = spanning_forest(
            problem.n, problem.diode_p[tie], problem.diode_q[tie], problem.drop[tie]
        )
        self.soft = soft = (on & ~problem.hard).nonzero()[0]
        self.p, self.q, self.g, self.emf = (
            problem.edge_p, problem.edge_q, problem.conductance, problem.emf
        )  # fmt: skip
        if len(soft):
            self.p = np.concatenate((self.p, problem.diode_p[soft]))
            self.q = np.concatenate((self.q, problem.diode_q[soft]))
            self.g = np.concatenate((self.g, 1.0 / problem.resistance[soft]))
            self.emf = np.concatenate((self.emf, problem.drop[soft]))
        self.leak = self.speed = self.stray = np.zeros(problem.n)
        self.pins = np.zeros(0, dtype=np.int64)
        # conducting rectifiers only join parts
        self.n_parts, self.part = problem.parts
        if self.n_parts > 1:
            count = self.forest.count
            label = self.forest.label
            self.n_parts, part_of_group = components(count, label[self.p], label[self.q])
            self.part = part_of_group[label]
            self._find_leaks(part_of_group)

    def _find_leaks(self, part_of_group: Ints) -> None:
        """Spread what is injected into each part without ground over its coordinates."""
        if self.n_parts == 1:
            return
        prob = self.problem
        net = bincount(self.part, prob.injection, self.n_parts)
        scale = bincount(self.part, prob.turnover, self.n_parts)
        net[0] = 0.0
        self.members = np.bincount(self.part, minlength=self.n_parts)
        self.leak = (net / self.members)[self.part]
        rounding = np.abs(net) <= ROUNDING * scale
        self.speed = np.where(rounding[self.part], 0.0, self.leak)
        #: current that should be zero but is not, because of rounding in the injections
        self.stray = np.where(rounding, np.abs(net), 0.0)[self.part]
        self.pins = np.unique(part_of_group, return_index=True)[1][1:]

    @property
    def laplacian(self) -> tuple[int, Ints, Ints, Floats]:
        """Number of groups, and the conductances between them, pins included."""
        label, pins = self.forest.label, self.pins
        p, q = label[self.p], label[self.q]
        if not len(pins):
            return self.forest.count, p, q, self.g
        hold = np.full(len(pins), float(np.abs(self.g).max(initial=1.0)))
        p = np.concatenate((p, pins))
        q = np.concatenate((q, np.zeros_like(pins)))
        return self.forest.count, p, q, np.concatenate((self.g, hold))

    @property
    def outline(self) -> Outline:
        """What others are compared with: the rest of a network need not be kept for that."""
        return Outline(self.forest.label, self.tie, self.soft)

    def like(self, other: Outline) -> Ints:
        """Return the group of another network that holds the first member of each group."""
        return other.label[self.forest.parent < 0]

    def differing(self, other: Outline) -> int:
        """Return how many ties and soft rectifiers only one of two networks has."""
        ties = np.setxor1d(self.tie, other.tie, assume_unique=True)
        return len(ties) + len(np.setxor1d(self.soft, other.soft, assume_unique=True))

    def by_groups(self, solve: Callable[[Floats], Floats]) -> Inverse:
        """Return the inverse whose step is that of the groups."""
        label, count = self.forest.label, self.forest.count
        return lambda excess: solve(bincount(label, excess, count))[label]

    def near(self, x: Floats) -> Floats:
        """Return the coordinates that satisfy the ties and are as near to `x` as they allow."""
        forest = self.forest
        members = np.bincount(forest.label, minlength=forest.count)
        height = bincount(forest.label, x - forest.offset, forest.count) / members
        height[0] = 0.0
        return height[forest.label] + forest.offset

    def balance(self, x: Floats, low: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the currents of the edges, and what is left over and its size at coordinates."""
        prob = self.problem
        injection, turnover = prob.injection, prob.turnover
        if len(self.pins):
            injection, turnover = injection - self.leak, turnover + np.abs(self.leak)
        # unsigned: numba asks of no index whether it counts from the end
        ends = self.p.view(np.uint64), self.q.view(np.uint64)
        return balance.at(prob.size, cost=prob.size // 40)(
            x, low, *ends, self.g, self.emf, injection, turnover
        )

    def worst(self, excess: Floats, size: Floats) -> float:
        """Return the largest KCL residual of a group relative to the currents there."""
        label, count = self.forest.label, self.forest.count
        residual, scale = bincount(label, excess, count), bincount(label, size, count)
        return float((np.abs(residual) / (scale + TINY))[1:].max(initial=0.0))

    def rounded(self, x: Floats) -> Floats:
        """Return the current at each coordinate that rounding of the voltages makes, A."""
        return EPS * self.highest(x) * self._held

    def highest(self, x: Floats) -> float:
        """Return the largest coordinate or source, V."""
        return max(float(np.abs(x).max()), float(np.abs(self.emf).max(initial=0.0)))

    @cached_property
    def _held(self) -> Floats:
        return node_sums_abs(self.problem.n, self.p, self.q, self.g)

    def step(
        self, inverse: Inverse, x: Floats, low: Floats, excess: Floats
    ) -> tuple[Floats, Floats]:
        """Return the coordinates after one correction; parts without ground are centred on 0."""
        x, low = _add(x, low, inverse(excess))
        if len(self.pins):
            mean = bincount(self.part, x, self.n_parts) / self.members
            mean[0] = 0.0
            x, low = _add(x, low, -mean[self.part])
        return x, low

    def solve(
        self,
        inverse: Inverse,
        start: tuple[Floats, Floats] | None = None,
        enough: float = 2 * EPS,
    ) -> tuple[Floats, Floats, Floats]:
        """Solve to the last digit of double-doubles.

        Parameters
        ----------
        inverse : callable
        enough : float
            Relative KCL residual that needs no further pass.
        start : tuple of two ndarrays of float, shape (n,), optional
            What one application of the inverse gave.

        Returns
        -------
        x, low : ndarray of float, shape (n,)
            Coordinates.
        noise : ndarray of float, shape (n,)
            Rounding of KCL at each, A, or what an iterative inverse leaves over.
        """
        prob, forest = self.problem, self.forest
        x, low = start or (forest.offset, np.zeros(prob.n))
        last = np.inf
        for pass_ in range(1 if start else 0, 6):
            _, excess, size = self.balance(x, low)
            size += self.rounded(x)
            worst = self.worst(excess, size)
            # the first pass finds the voltages, the second may shrink the scale with the error
            first = pass_ <= 2
            if first or worst < last:
                best, noise = (x, low), EPS * size
                if worst > LEFT_OVER:
                    noise = np.maximum(noise, self._left_over(excess))
            if worst <= enough or (not first and worst >= 0.5 * last):
                break
            last = worst
            x, low = self.step(inverse, x, low, excess)
        if len(self.tie) and self._is_drowned(*best):
            best = self.sharpened(inverse, *best)
        return *best, noise

    @property
    def _within(self) -> Bools:
        """Tell which edges join members of one group."""
        return np.asarray(self.forest.label[self.p] == self.forest.label[self.q])

    def _is_drowned(self, x: Floats, low: Floats) -> bool:
        """Tell whether what leaves a group is lost in the rounding of what flows within it."""
        label, within = self.forest.label, self._within
        if not within.any():
            return False
        flow = np.abs(self.balance(x, low)[0])
        inner, outer = (
            bincount(label[self.p[some]], flow[some], self.forest.count)
            + bincount(label[self.q[some]], flow[some], self.forest.count)
            for some in (within, ~within)
        )
        return bool(((outer > 0) & (outer < DROWNED * inner))[1:].any())

    def sharpened(self, inverse: Inverse, x: Floats, low: Floats) -> tuple[Floats, Floats]:
        """Return the coordinates after corrections by currents added up in extended precision.

        Where a large current passes a coordinate, doubles lose those that are smaller than its
        last digit, and with them what a small conductance makes of that.
        """
        prob = self.problem
        for _ in range(2):
            wide, rest = x.astype(np.longdouble), low.astype(np.longdouble)
            flow = (wide[self.p] - wide[self.q] - self.emf) + (rest[self.p] - rest[self.q])
            flow *= np.where(self._within, 0.0, self.g)  # what stays in a group cancels
            excess = prob.injection - self.leak if len(self.pins) else prob.injection
            total = excess.astype(np.longdouble)
            np.subtract.at(total, self.p, flow)
            np.add.at(total, self.q, flow)
            x, low = self.step(inverse, x, low, self._by_group(total))
        return x, low

    def _by_group(self, excess: npt.NDArray[np.longdouble]) -> Floats:
        """Return what is left over at each group, at its first member: members may cancel."""
        label = self.forest.label
        total = np.zeros(self.forest.count, dtype=np.longdouble)
        np.add.at(total, label, excess)
        result = np.zeros(len(label))
        result[self.forest.parent < 0] = total[label[self.forest.parent < 0]]
        return result

    def _left_over(self, excess: Floats) -> Floats:
        """Return for each coordinate what is left over at its group, shape (n,), A."""
        total = np.abs(bincount(self.forest.label, excess, self.forest.count))
        total[0] = 0.0
        return total[self.forest.label]


def _add(x: Floats, low: Floats, step: Floats) -> tuple[Floats, Floats]:
    """Add a step to a double-double number (two-sum, then renormalised)."""
    total = x + step
    t = total - x
    error = (x - (total - t)) + (step - t)
    return total, low + error
