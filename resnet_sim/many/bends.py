"""Curves of a stage at many points: tangents, a network each, better points, repeat.

What `solvers.smooth` does for one point (`_follow` there), for points side by side: the networks of
tangents are lanes of one elimination, curves of all points are one long curve.  Points that don't
settle so are left to the solver of single points.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..curves import Curve, Points
from ..graph.curve_rows import FLATTEST
from ..graph.problem import EPS, Problem
from .lanes import Answers, Data, Lanes, Network

#: How far off its curve each voltage or current may be, relative to it; the same where no step
#: makes it better.
ENOUGH, GOOD = 1e-12, 1e-10
#: Steps without progress after which a point is left to others, and steps at most.
PATIENCE, MOST_STEPS = 6, 60
#: Points that are found first.
SEEDS = 8


@dataclasses.dataclass
class _Best:
    """The best of each point so far: coordinates, rectifiers, currents and points of the curves."""

    x: Floats
    current: Floats
    on: Bools
    bent: Floats
    points: Floats
    off: Floats
    gap: Floats
    waited: Ints
    steps: Ints

    def take(
        self, rows: Ints, off: Floats, gap: Floats, answers: Answers, bent: Floats, after: Points
    ) -> None:
        """Keep what was found for some points where it is better."""
        better = (gap < 0.5 * self.gap[rows]) | (off < 0.5 * self.off[rows])
        self.waited[rows] = np.where(better, 0, self.waited[rows] + 1)
        self.steps[rows] += 1
        better |= off <= 1.0
        fresh = rows[better]
        self.off[fresh], self.gap[fresh] = off[better], gap[better]
        self.x[fresh], self.current[fresh] = answers.x[better], answers.current[better]
        self.on[fresh], self.bent[fresh] = answers.on[better], bent[better]
        self.points[:, fresh] = np.array(after)[:, better]


class Bends:
    """The curves of a stage, with one elimination for the tangents of all points.

    Parameters
    ----------
    problem : Problem
        Of one point.
    """

    def __init__(self, problem: Problem) -> None:
        rows = self.rows = problem.curves
        assert rows.law is not None
        self.law: Curve = rows.law
        network = Network.of(problem)
        self.edges = len(problem.edge_p)
        p, q = ((problem.edge_p, rows.p), (problem.edge_q, rows.q))
        self.lanes = Lanes(
            dataclasses.replace(network, edge_p=np.concatenate(p), edge_q=np.concatenate(q))
        )
        none = np.zeros(len(rows))
        #: where curves are likely to be
        self.start = Points(none, none, self.law.at_voltage(none).slope)

    def settle(self, data: Data, emf: Floats, on: Bools, at: Floats) -> tuple[Answers, Floats]:
        """Solve all points; return what was found, and the currents of the curves.

        `emf` is in series with the curves, V, shape (points, curves).  `at` says where points are,
        shape (points, ...): some are found first, the others begin from the nearest of these.
        """
        count, m, c = len(data.load), data.drop.shape[1], len(self.rows)
        best = _Best(
            np.zeros(data.load.shape), np.zeros((count, m)), np.array(on), np.zeros((count, c)),
            np.zeros((3, count, c)), np.full(count, np.inf), np.full(count, np.inf),
            *np.zeros((2, count), dtype=np.int64),
        )  # fmt: skip
        first = np.arange(0, count, -(-count // SEEDS))
        self._follow(data, emf, best, first, Points(*(
            np.repeat(column[None], len(first), axis=0) for column in self.start
        )))  # fmt: skip
        rest = np.setdiff1d(np.arange(count), first)
        good = first[best.off[first] * ENOUGH <= GOOD]
        if len(rest) and len(good):
            near = good[np.abs(at[rest, None] - at[good]).sum(axis=2).argmin(axis=1)]
            best.on[rest] = best.on[near]
            self._follow(data, emf, best, rest, Points(*best.points[:, near]))
        force, settled = np.zeros((count, 0)), best.off * ENOUGH <= GOOD
        return Answers(best.x, best.current, best.on, best.steps, settled, force), best.bent

    def _follow(self, data: Data, emf: Floats, best: _Best, active: Ints, points: Points) -> None:
        """Move curves of some points until they settle or stall."""
        most, sets = self._most(data, emf), best.on[active]
        for _ in range(MOST_STEPS):
            answers, bent, after, off, gap = self._step(
                data.rows(active), emf[active], points, sets, most[active]
            )
            off = np.where(answers.settled, off, np.inf)
            best.take(active, off, gap, answers, bent, after)
            going = (off > 1.0) & (best.waited[active] < PATIENCE) & answers.settled
            if not going.any():
                return
            active, sets = active[going], answers.on[going]
            points = Points(*(np.ascontiguousarray(column[going]) for column in after))

    def _most(self, data: Data, emf: Floats) -> Floats:
        """Return the current that the sources of each point could drive at most, A."""
        siemens = np.atleast_2d(np.abs(data.conductance))
        volts = np.abs(emf).max(axis=1, initial=0.0)
        most: Floats = 2.0 * (volts * siemens.sum(axis=1) + np.abs(data.load).sum(axis=1))
        return np.where(most > 0, most, np.inf)

    def _step(
        self, data: Data, emf: Floats, points: Points, on: Bools, most: Floats
    ) -> tuple[Answers, Floats, Points, Floats, Floats]:
        """Solve the networks of tangents, and find where the curves meet what is offered.

        Returns what was found, the currents of the curves, the next points, how far off they
        are, and the power that all curves of a point together are off by, W.
        """
        from ._bends import distance, offer, tangents

        rows, net, count = self.rows, self.lanes.network, len(emf)
        v, i = points.v, points.i.copy()
        chord = np.abs(i) / np.maximum(np.abs(v), np.finfo(float).tiny)
        slope = np.maximum(points.slope, FLATTEST * chord)
        # the voltage in series with the emf must be a double
        exact = (emf + v) - emf
        i += slope * (exact - v)
        v = exact
        shape = (count, self.edges)
        siemens = np.concatenate((np.broadcast_to(data.conductance, shape), slope), axis=1)
        load = data.load.copy()
        tangents(rows.p, rows.q, emf, v, i, slope, load)
        answers = self.lanes.settle(Data(siemens, load, data.drop), on, slack=EPS)
        r, room = np.empty_like(v), np.empty(net.n)
        offer((net.edge_p, net.edge_q), rows.p, rows.q, emf, siemens, answers.x, v, i, slope,
              room, r)  # fmt: skip
        after = self._moved(v, i, r, most)
        off, gap = np.empty(count), np.empty(count)
        scale = np.maximum(np.abs(answers.x).max(axis=1), np.abs(emf).max(axis=1, initial=0.0))
        distance(rows.p, rows.q, v, i, *after, scale, ENOUGH, room, off, gap)
        return answers, i, after, off, gap

    def _moved(self, v: Floats, i: Floats, r: Floats, most: Floats) -> Points:
        """Return the points where curves meet what is offered to them, within reason."""
        count, c = v.shape
        # curve by curve, as kinds of curves must stay together
        law = self.law.take(np.repeat(np.arange(c), count))
        found = law.point((v + r * i).T.ravel(), r.T.ravel())
        limit = np.tile(most, c)
        over = np.abs(found.i) > limit
        if over.any():
            # two junctions in parallel may offer each other all the current there is not
            least = law.at_current(np.where(over, np.clip(found.i, -limit, limit), 0.0))
            found = Points(*(np.where(over, a, b) for a, b in zip(least, found, strict=True)))
        return Points(*(np.ascontiguousarray(column.reshape(c, count).T) for column in found))
