"""BorderedFactors of merged networks, from as few factorisations as possible.

Two guesses that differ in few rectifiers have matrices that differ little.  `Bordered`
solves with the factor of one network for another: a group that has come apart is an
extra unknown, one that has grown an extra constraint, a soft rectifier that has changed
an extra current (bordering, see e.g. Gill, Murray, Saunders and Wright, "Sparse matrix
methods in optimization", 1984).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import chain, repeat
from typing import TYPE_CHECKING, NamedTuple, Protocol
from weakref import ReferenceType, ref

import numpy as np

from ...arrays import Floats, Ints
from ...compiled import policy
from ...graph.graphs import bincount
from ...graph.problem import Problem
from ...workers.progress import report
from .contracted import ContractedNetwork, Inverse, Outline, is_large, is_medium
from .laplacian import Solve, laplacian_solver
from .two_grid import TwoGrid, aggregates

if TYPE_CHECKING:
    from .approximate_cholesky import ApproximateCholesky, Factor
    from .multigrid import Aggregates, Multigrid

#: Columns that cost as much as factoring anew.
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
    """Gives the inverse of one merged network after another."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.factored: Bordered | None = None
        #: the last inverse was that of another network with a border
        self.bordered = False
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
        self.bordered = False
        if self.iterates(network):
            return network.by_groups(self._iterative(network))
        self._forget_grids()
        report("factoring a network of %d nodes", network.forest.count)
        solve = laplacian_solver(*network.laplacian)
        if is_medium(self.problem):
            self.factored = Bordered(network, solve)
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


class _Pieces(NamedTuple):
    """What the groups of two networks have in common, where they differ.

    Attributes
    ----------
    coordinate, piece : ndarray of int
        Coordinates of groups that differ, and the piece of each.
    old, new : ndarray of int
        Group of each piece in either network.
    first : ndarray of int
        Smallest coordinate of each piece.
    """

    coordinate: Ints
    piece: Ints
    old: Ints
    new: Ints
    first: Ints


class _Border(NamedTuple):
    """Columns of the border in the old groups, and the block of their own unknowns."""

    column: Ints
    row: Ints
    value: Floats
    block: Floats


class Bordered:
    """A factored network that serves others like it."""

    def __init__(self, network: ContractedNetwork, solve: Solve) -> None:
        self.network, self.solve = network, solve
        self._solved: dict[bytes, Floats] = {}

    def inverse(self, other: ContractedNetwork) -> Inverse | None:
        """Return the inverse of another network of the same problem; None if it differs much."""
        base = self.network
        if other.n_parts != base.n_parts or (
            base.n_parts > 1 and not np.array_equal(other.part, base.part)
        ):
            return None
        pieces = _common_pieces(base, other)
        split = np.flatnonzero(pieces.first != _smallest(pieces.old, pieces.first))
        merged = np.flatnonzero(pieces.first != _smallest(pieces.new, pieces.first))
        changed = np.setxor1d(base.soft, other.soft)
        if not len(split) and not len(merged) and not len(changed):
            return base.by_groups(self.solve)
        if len(split) + len(merged) + len(changed) > MOST_COLUMNS:
            return None
        border = _border(base, other, pieces, split, merged, changed)
        solved = np.stack([self._column(border, k) for k in range(len(border.block))])
        schur = border.block.copy()
        np.subtract.at(schur, border.column, border.value[:, None] * solved[:, border.row].T)
        try:
            small = np.linalg.inv(schur)
        except np.linalg.LinAlgError:
            return None
        number = np.full(len(pieces.first), -1)
        number[split] = np.arange(len(split))
        apart = number[pieces.piece] >= 0
        moved, extra = pieces.coordinate[apart], number[pieces.piece[apart]]
        label, count, size = base.forest.label, base.forest.count, len(schur)
        root = np.flatnonzero(other.forest.parent < 0)

        def inverse(excess: Floats) -> Floats:
            groups = self.solve(bincount(label, excess, count))
            rhs = bincount(extra, excess[moved], size)
            rhs -= bincount(border.column, border.value * groups[border.row], size)
            unknown = small @ rhs
            step = (groups - unknown @ solved)[label]
            step[moved] += unknown[extra]
            # what rounding makes differ within a group, gaps of rectifiers would show
            return step[root][other.forest.label]

        return inverse

    def _column(self, border: _Border, k: int) -> Floats:
        """Return the solution for one column, which earlier borders may have had too."""
        chosen = border.column == k
        row, value = border.row[chosen], border.value[chosen]
        key = row.tobytes() + value.tobytes()
        if key not in self._solved:
            if len(self._solved) > 2 * MOST_COLUMNS:
                self._solved.clear()
            self._solved[key] = self.solve(bincount(row, value, self.network.forest.count))
        return self._solved[key]


def _common_pieces(base: ContractedNetwork, other: ContractedNetwork) -> _Pieces:
    """Return the pieces of all groups that are not the same in both networks."""
    old, new = base.forest.label, other.forest.label
    # trees are numbered by their smallest coordinate, which is their root
    root_old = np.flatnonzero(base.forest.parent < 0)
    root_new = np.flatnonzero(other.forest.parent < 0)
    differs = root_old[old] != root_new[new]
    in_old = np.zeros(base.forest.count, dtype=np.bool_)
    in_new = np.zeros(other.forest.count, dtype=np.bool_)
    in_old[old[differs]] = True
    in_new[new[differs]] = True
    coordinate = np.flatnonzero(in_old[old] | in_new[new])
    pair = old[coordinate] * other.forest.count + new[coordinate]
    _, first, piece = np.unique(pair, return_index=True, return_inverse=True)
    first = coordinate[first]
    return _Pieces(coordinate, piece, old[first], new[first], first)


def _smallest(group: Ints, first: Ints) -> Ints:
    """Return for each piece the smallest coordinate of any piece of its group."""
    if not len(group):
        return first
    groups, which = np.unique(group, return_inverse=True)
    smallest = np.full(len(groups), first.max())
    np.minimum.at(smallest, which, first)
    result: Ints = smallest[which]
    return result


def _border(
    base: ContractedNetwork,
    other: ContractedNetwork,
    pieces: _Pieces,
    split: Ints,
    merged: Ints,
    changed: Ints,
) -> _Border:
    """Return the border: what came apart, what grew together, soft rectifiers that changed."""
    label = base.forest.label
    size = len(split) + len(merged) + len(changed)
    block = np.zeros((size, size))
    columns: list[Ints] = []
    rows: list[Ints] = []
    values: list[Floats] = []

    def add(column: Ints, row: Ints, value: Floats) -> None:
        columns.append(column)
        rows.append(row)
        values.append(value)

    number = np.full(len(pieces.first), -1)
    number[split] = np.arange(len(split))
    unknown = np.full(base.problem.n, -1)
    unknown[pieces.coordinate] = number[pieces.piece]
    near = np.flatnonzero((unknown[base.p] >= 0) | (unknown[base.q] >= 0))
    for here, there in ((base.p[near], base.q[near]), (base.q[near], base.p[near])):
        apart = unknown[here] >= 0
        a, b, g = unknown[here[apart]], unknown[there[apart]], base.g[near][apart]
        add(a, label[here[apart]], g)
        add(a, label[there[apart]], -g)
        np.add.at(block, (a, a), g)
        np.subtract.at(block, (a[b >= 0], b[b >= 0]), g[b >= 0])

    def tie(k: int, p: int, q: int) -> None:
        """Let unknown k be the current from coordinate p to q."""
        for end, sign in ((p, 1.0), (q, -1.0)):
            add(np.array([k]), label[[end]], np.array([sign]))
            if unknown[end] >= 0:
                block[k, unknown[end]] += sign
                block[unknown[end], k] += sign

    lowest = _smallest(pieces.new, pieces.first)
    for k, piece in enumerate(merged.tolist(), len(split)):
        tie(k, int(pieces.first[piece]), int(lowest[piece]))
    for k, rectifier in enumerate(changed.tolist(), len(split) + len(merged)):
        tie(k, int(base.problem.diode_p[rectifier]), int(base.problem.diode_q[rectifier]))
        gone = rectifier in base.soft
        block[k, k] = base.problem.resistance[rectifier] * (1.0 if gone else -1.0)
    row = np.concatenate(rows)
    inner = row > 0
    return _Border(np.concatenate(columns)[inner], row[inner], np.concatenate(values)[inner], block)
