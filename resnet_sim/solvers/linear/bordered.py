"""Inverses of contracted networks, one after another, from as few factorisations as possible.

Two guesses that differ in few rectifiers have matrices that differ little, so the factor of one
serves the other (`border`).  Where factors fill, networks are solved step by step instead: by
grids, or with an approximate factor, which serve similar networks too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import chain, repeat
from typing import TYPE_CHECKING, Protocol
from weakref import ReferenceType, ref

import numpy as np

from ...arrays import Floats, Ints
from ...compiled import policy
from ...graph.problem import Problem
from ...workers.progress import report
from .contracted import ContractedNetwork, Inverse, Outline, is_large, is_medium
from .laplacian import laplacian_solver
from .sparse_factors import Solve, SparseFactors

if TYPE_CHECKING:
    from .approximate_cholesky import ApproximateCholesky, Factor
    from .border import Bordered
    from .multigrid import Aggregates, Multigrid
    from .two_grid import TwoGrid

#: Columns of a border that cost as much as factoring anew.
MOST_COLUMNS = 20
#: Residual that an iterative solution leaves, and the most steps it may take,
REDUCTION, MOST_STEPS = 1e-8, 200
#: and that of bounds.
BOUND = 1e-4
#: Residual that a rough solution leaves.
ROUGH = 0.02
#: Complexity from which exact steps with grids take longer than an approximate factor saves, and
#: from which a hierarchy of a similar network does not pay for rough ones.
HEAVY, HEAVIER = 1.8, 2.0
#: Share of the nodes in the separator from which that is known without a hierarchy.
EXPANDING = 0.1
#: Steps of a rough solution from which a hierarchy is too old.
OLD = 4
#: Rectifiers in which a network may differ from that of an approximate factor: each costs some
#: steps, and some tens as much as a new one.
AGED = 20
#: Share of the coordinates whose groups may differ in networks that are similar: those whose
#: hierarchy of grids serves both, and those whose two grids do, which are corrected more often.
SIMILAR, ALIKE = 0.02, 0.1


class BorderedFactors:
    """Gives the inverse of one merged network after another.

    Parameters
    ----------
    problem : Problem
    factors : SparseFactors, optional
        What has factored similar problems before.
    """

    def __init__(self, problem: Problem, factors: SparseFactors | None = None) -> None:
        self.problem = problem
        self._factors = factors or SparseFactors()
        self.factored: Bordered | None = None
        #: the last inverse was that of another network with a border
        self.bordered = False
        #: a border was not exact enough
        self._vain = False
        self._iterates: bool | None = None
        #: nodes in the separator of the first network
        self._wide = 0.0
        #: the last network whose aggregates were factored, and the aggregate of each coordinate
        self._similar: tuple[Outline, TwoGrid, Ints] | None = None
        #: the last network with a hierarchy, its outline and that
        self._last: tuple[ReferenceType[ContractedNetwork], Outline, Multigrid] | None = None
        #: the last whose aggregates are its own, and these
        self._base: tuple[Outline, Aggregates] | None = None
        #: the last network that was factored approximately
        self._factor: tuple[Outline, Factor] | None = None

    def of(self, network: ContractedNetwork) -> Inverse:
        """Return the inverse of a network, exact but for rounding."""
        if self.factored is not None:
            self._forget_grids()
            inverse = self.factored.inverse(network)
            if inverse is not None:
                self.bordered = True
                return inverse
        return self.factor(network)

    def factor(self, network: ContractedNetwork) -> Inverse:
        """Return the inverse without help from that of another network."""
        self._vain |= self.bordered
        self.bordered = False
        if self.iterates(network):
            return network.by_groups(self._iterative(network))
        self._forget_grids()
        report("factoring a network of %d nodes", network.forest.count)
        factors = self._factors.of_groups(network.forest.label)
        solve = laplacian_solver(*network.laplacian, factors)
        self.factored = None
        if is_medium(self.problem) and not self._vain:
            from .border import Bordered

            self.factored = Bordered(network, solve, MOST_COLUMNS)
        return network.by_groups(solve)

    def rough(self, network: ContractedNetwork) -> Inverse:
        """Return an inverse that leaves a fiftieth of the residual."""
        return network.by_groups(partial(self._grids(network).solve, reduction=ROUGH))

    def _grids(self, network: ContractedNetwork) -> Multigrid | TwoGrid:
        return self._multigrid(network) if is_large(self.problem) else self._two_grid(network)

    def _two_grid(self, network: ContractedNetwork) -> TwoGrid:
        """Return two grids, after those of a similar network if there is such.

        Aggregates of coordinates serve all networks in which the same soft rectifiers conduct.
        """
        from .two_grid import TwoGrid, aggregates

        n, first = self.problem.n, network.forest.parent < 0
        if self._similar is not None:
            base, two, of_coordinate = self._similar
            if network.differing(base) <= ALIKE * n:
                return TwoGrid(*network.laplacian, of_coordinate[first], two)
        if self._similar is None or not np.array_equal(base.soft, network.soft):
            of_coordinate = aggregates(n, network.p, network.q, network.g)
        two = TwoGrid(*network.laplacian, of_coordinate[first])
        self._similar = network.outline, two, of_coordinate
        return two

    def iterates(self, network: ContractedNetwork) -> bool:
        """Tell whether factoring takes longer than iterating; the first network decides.

        The last front of a nested dissection is dense and as large as the separator.
        """
        if self._iterates is None:
            self._iterates = is_medium(self.problem) and self.problem.positive
            if self._iterates:
                edges, limits = len(network.p) + len(network.pins), policy.POLICY
                wide, full = self.problem.spread, limits.fuller
                if network.g.max(initial=0.0) > limits.decades * network.g.min(initial=np.inf):
                    full = limits.fullest
                elif is_large(self.problem):
                    wide, full = self._multigrid(network).separator(), limits.full
                self._wide = wide
                self._iterates = wide**3 / 3 > full * edges
        return self._iterates

    @property
    def iterative(self) -> bool:
        """Whether networks iterate, as far as that is decided yet."""
        return bool(self._iterates)

    def _multigrid(self, network: ContractedNetwork) -> Multigrid:
        """Return the hierarchy of a network, after that of a similar one if there is such."""
        from .multigrid import Multigrid

        like, steps = None, 0
        if self._last is not None:
            last, outline, multigrid = self._last
            if last() is network:
                return multigrid
            if self._base is None:
                self._base = outline, multigrid.aggregates
            steps = multigrid.steps
            del multigrid
        self._last = None  # its memory is needed now
        if self._base is not None:
            base, aggregates = self._base
            light = aggregates.complexity <= HEAVIER and steps <= OLD
            if light and network.differing(base) <= SIMILAR * self.problem.n:
                like = aggregates, network.like(base)
            else:
                self._base = None
            del aggregates
        multigrid = Multigrid(*network.laplacian, like)
        self._last = ref(network), network.outline, multigrid
        return multigrid

    def _heavy(self, network: ContractedNetwork) -> bool:
        """Tell whether the hierarchy of a network is one, or that of the last."""
        if self._wide > EXPANDING * self.problem.n:
            return True
        if self._base is not None and self._base[1].complexity > HEAVY:
            return True
        return self._multigrid(network).aggregates.complexity > HEAVY

    def _forget_grids(self) -> None:
        """Drop hierarchies whose memory is needed for factors."""
        self._base = self._last = None

    def _iterative(self, network: ContractedNetwork) -> Solve:
        """Return a solver by iterations, which factors only if none of them converges."""
        if not is_large(self.problem):
            return Iterations(network, [lambda: self._two_grid(network)])
        ways: list[Callable[[], Iteration]] = [lambda: self._approximate(network)]
        if self._factor is None and not self._heavy(network):
            ways.insert(0, lambda: self._multigrid(network))
        return Iterations(network, ways)

    def _approximate(self, network: ContractedNetwork) -> ApproximateCholesky:
        """Return an approximate factor, that of the last such network if few rectifiers differ."""
        from .approximate_cholesky import ApproximateCholesky

        self._forget_grids()
        if self._factor is not None:
            base, factor = self._factor
            if network.differing(base) <= AGED:
                return ApproximateCholesky(*network.laplacian, (factor, network.like(base)))
            self._factor = None
            del factor
        approximate = ApproximateCholesky(*network.laplacian)
        self._factor = network.outline, approximate.factor
        return approximate


class Iteration(Protocol):
    """What solves with a network step by step, as `Multigrid` does."""

    steps: int

    def solve(self, b: Floats, reduction: float, most: int = ...) -> Floats:
        """Return x, ``x[0] = 0``, whose residual is `reduction` times `b`."""


class Iterations:
    """Solves by the first of some iterations that converges, else by a factorisation."""

    def __init__(self, network: ContractedNetwork, ways: list[Callable[[], Iteration]]) -> None:
        self._network, self._ways = network, ways
        self._now: Iteration | None = None
        self._factored: Solve | None = None
        # a solution, what corrects it, then what bounds its error
        self._reductions = chain((REDUCTION, REDUCTION), repeat(BOUND))

    def __call__(self, b: Floats) -> Floats:
        """Return x, ``x[0] = 0``."""
        reduction = next(self._reductions)
        while self._now or self._ways:
            if self._now is None:
                self._now = self._ways.pop(0)()
            x = self._now.solve(b, reduction, MOST_STEPS)
            if self._now.steps < MOST_STEPS:
                return x
            self._now = None
        if self._factored is None:
            self._factored = laplacian_solver(*self._network.laplacian)
        return self._factored(b)
