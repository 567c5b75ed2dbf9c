"""A stage of many points: what `lanes` solves, and what is to be said about its currents."""

from __future__ import annotations

import numpy as np

from ..arrays import Bools, Floats, plain
from ..curves import Points
from ..graph.curve_rows import NO_POINTS
from ..graph.forests import spanning_forest
from ..graph.graphs import bincount
from ..graph.problem import EPS, Problem, Solution
from ..point.plan import Plan
from ..point.state import State
from ..solvers.linear.common_factor import CommonFactor
from .bends import Bends, Bent
from .lane_data import Answers, Data, Network
from .lanes import Lanes
from .states import held
from .threads import threads

#: What counts as touching the drop, relative.
TIGHT = 1e-9
#: A current that may be none, over the largest voltage times the conductances around.
FAINT = 1e-12


class Stage:
    """What is solved at once of a cascade, for all points."""

    def __init__(self, plan: Plan, problem: Problem, common: bool) -> None:
        self.plan, self.problem = plan, problem
        network = Network.of(problem)
        self.bends = Bends(network, problem.curves) if len(problem.curves) else None
        #: without curves
        self.plain = Lanes(network)
        self.lanes = self.bends.lanes if self.bends else self.plain
        self.on: Bools = np.zeros(len(problem.drop), dtype=np.bool_)
        hard = np.flatnonzero(problem.hard)
        p, q = problem.diode_p[hard], problem.diode_q[hard]
        self._held = problem.joined[0] == 1
        #: whether one factor serves all points: conductances are common, and all there is
        self.straight = common and self._held and not (len(problem.drop) or self.bends)
        #: whether ideal rectifiers can form a loop, around which currents are not unique
        self._looping = not spanning_forest(problem.n, p, q).in_tree.all()

    @property
    def unfit(self) -> str | None:
        """Why there is no room for factors, None if there is."""
        return None if self.straight else self.lanes.unfit

    @property
    def size(self) -> int:
        """About the entries of the factors of a point; an eighth where it takes but a solve."""
        return self.lanes.fronts.size // (8 if self.straight else 1)

    @property
    def at_once(self) -> int:
        """How many threads there is room for."""
        return threads() if self.straight else self.lanes.at_once

    def prepare(self) -> None:
        """Find what all points share, before threads look for it."""
        if self.straight:
            one, fronts = self.problem, self.lanes.fronts
            entries = fronts.entries(one.edge_p, one.edge_q)
            self._factor = CommonFactor(fronts, entries, one.conductance)

    def settle(self, data: Data) -> Answers:
        """Solve the stage at all points."""
        if self.straight:
            count, none = len(data.load), np.zeros((len(data.load), 0))
            regular = np.full(count, self._factor.regular)
            x, once = self._factor.solve(data.load), np.ones(count, dtype=np.int64)
            off = none.astype(np.bool_)
            return Answers(x, none, off, once, regular, none, np.zeros(count, dtype=np.bool_))
        answers = self.lanes.settle(data, self._guess(data), following=True, slack=EPS)
        return self._firm(data, answers)

    def bend(self, data: Data, emf: Floats, at: Floats) -> Bent:
        """Solve the stage with its curves.

        `emf` is in series with them, V, shape (points, curves); `at` says where points are.
        """
        assert self.bends is not None
        found = self.bends.settle_along(data, emf, self._guess(data), at)
        return found._replace(answers=self._firm(data, found.answers))

    def _guess(self, data: Data) -> Bools:
        """Return sets of rectifiers to begin with."""
        return np.repeat(self.on[None], len(data.load), axis=0)

    def _firm(self, data: Data, answers: Answers) -> Answers:
        """Leave to the solver of single points those where something may float."""
        if not self._held:
            net = self.lanes.network
            volts = np.abs(answers.x).max(axis=1) + np.abs(data.drop).max(axis=1, initial=0.0)
            faint = FAINT * volts[:, None] * self.plain.around(data.conductance)
            rectifiers = net.diode_p, net.diode_q
            firm = held(net.n, (net.edge_p, net.edge_q), rectifiers, answers.current > faint)
            answers.settled[:] &= firm.all(axis=1)
        return answers

    def solve(self, state: State, common: bool, at: Floats) -> Answers:
        """Solve the stage, with resistors `common` to all points; the state takes it over.

        `at` says where points are.
        """
        problem = state.problem(self.plan)
        n, p, q = problem.n, problem.edge_p, problem.edge_q
        fed = np.flatnonzero(problem.emf.any(axis=1))
        flow = problem.conductance[fed] * problem.emf[fed]
        load = problem.injection + bincount(p[fed], flow, n) - bincount(q[fed], flow, n)
        siemens = problem.conductance[:, 0] if common else problem.conductance
        columns = (siemens, load[1:], problem.drop)
        data = Data(*(np.ascontiguousarray(column.T) for column in columns))
        if self.bends is None:
            answers, curves = self.settle(data), NO_POINTS
        else:
            answers, bent, points = self.bend(data, np.ascontiguousarray(problem.curves.emf.T), at)
            curves = Points(points.v.T, bent.T, points.slope.T)
        self.absorb(state, problem, answers.x, answers.current, curves)
        return answers

    def absorb(
        self, state: State, problem: Problem, x: Floats, current: Floats, curves: Points = NO_POINTS
    ) -> None:
        """Let a state take over what was found, shapes (S, n - 1), (S, m), and (c, S)."""
        x = np.concatenate((np.zeros((1, len(x))), x.T))
        current = np.ascontiguousarray(current.T)
        solution = Solution(problem, x, np.zeros_like(x), current, 0, True, "newton", curves=curves)
        state.absorb(self.plan, solution)

    def loops(self, x: Floats, drop: Floats, current: Floats) -> list[Bools]:
        """Tell which ideal rectifiers lie on loops of such, (S, m): what conducts, what touches.

        At local coordinates of shape (S, n - 1).
        """
        if not self._looping:
            return []
        from ._rows import looping

        prob, on = self.problem, current > 0
        edges = np.empty(on.shape, dtype=np.bool_)
        high = np.maximum(x.max(axis=1, initial=0.0), -x.min(axis=1, initial=0.0))
        looping(
            prob.diode_p, prob.diode_q, prob.hard, plain(x), high, plain(drop), TIGHT, on, edges,
            np.empty(prob.n, dtype=np.int64),
        )  # fmt: skip
        return [on, edges]
