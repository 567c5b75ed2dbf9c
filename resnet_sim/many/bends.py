"""Curves of a network at many points: tangents, a network each, better points, repeat.

What `solvers.smooth` does for one point (`_follow` there), for points side by side: the networks of
tangents are lanes of one elimination, curves of all points are one long curve.  Points that don't
settle so are left to the solver of single points.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..curves import Curve, Points
from ..graph.curve_rows import FLATTEST, CurveRows
from ..graph.problem import EPS
from .lane_data import Answers, Data, Network
from .lanes import Lanes
from .threads import PART, spread

#: How far off its curve each voltage or current may be, relative to it; the same where no step
#: makes it better.
ENOUGH, GOOD = 1e-12, 1e-10
#: Steps without progress after which a point is left to others, which take far longer than these,
#: and steps at most.
PATIENCE, MOST_STEPS = 15, 60
#: Points that are found first.
SEEDS = 8


@dataclasses.dataclass(frozen=True)
class Pull:
    """Conductances (S) that join the outputs to their aims (V), see `Lanes.settle`."""

    siemens: float = np.nan
    aim: Floats | None = None

    def rows(self, rows: Ints | Bools) -> Pull:
        """Return that of some points."""
        return self if self.aim is None else Pull(self.siemens, self.aim[rows])


class Bent(NamedTuple):
    """What was found for S points.

    Attributes
    ----------
    answers : Answers
    current : ndarray, shape (S, c)
        Of the curves, A.
    points : Points, shape (S, c)
        On the curves, near what was found.
    """

    answers: Answers
    current: Floats
    points: Points

    @classmethod
    def joined(cls, parts: Sequence[Bent]) -> Bent:
        """Return what was found for points one after the other."""
        if len(parts) == 1:
            return parts[0]

        def whole(columns: Iterable[Any]) -> list[Any]:
            return [np.concatenate(column) for column in zip(*columns, strict=True)]

        answers = whole(vars(part.answers).values() for part in parts)
        (current,) = whole((part.current,) for part in parts)
        return cls(Answers(*answers), current, Points(*whole(part.points for part in parts)))


@dataclasses.dataclass
class _Best:
    """The best of each point so far: what was found, and how far off its curves it is."""

    answers: Answers
    current: Floats
    points: Points
    off: Floats
    gap: Floats
    waited: Ints
    steps: Ints

    def take(self, rows: Ints, off: Floats, gap: Floats, found: Bent) -> None:
        """Keep what was found for some points where it is better."""
        better = (gap < 0.5 * self.gap[rows]) | (off < 0.5 * self.off[rows])
        self.waited[rows] = np.where(better, 0, self.waited[rows] + 1)
        self.steps[rows] += 1
        better |= off <= 1.0
        # mostly all are, and need not be picked
        which = slice(None) if better.all() else better
        fresh = rows[which]
        self.off[fresh], self.gap[fresh] = off[which], gap[which]
        self.answers.put(fresh, found.answers.pick(which))
        self.current[fresh] = found.current[which]
        for kept, column in zip(self.points, found.points, strict=True):
            kept[fresh] = column[which]

    @property
    def good(self) -> Bools:
        """Which are close enough to their curves."""
        return self.off * ENOUGH <= GOOD

    @property
    def bent(self) -> Bent:
        """All that was found."""
        self.answers.settled[:], self.answers.steps[:] = self.good, self.steps
        return Bent(self.answers, self.current, self.points)


class Bends:
    """Curves in a network, with one elimination for the tangents of all points.

    Parameters
    ----------
    network : Network
        Without the curves.
    rows : CurveRows
        Those of one point.
    """

    def __init__(self, network: Network, rows: CurveRows) -> None:
        assert rows.law is not None
        self.rows = rows
        self.edges = len(network.edge_p)
        p, q = (network.edge_p, rows.p), (network.edge_q, rows.q)
        self.lanes = Lanes(
            dataclasses.replace(network, edge_p=np.concatenate(p), edge_q=np.concatenate(q))
        )
        none = np.zeros(len(rows))
        #: where curves are likely to be
        self.start = rows.point(none, none)
        #: junctions that loops know, and the others
        self._known = rows.law.exponentials
        self._others = np.flatnonzero(np.isnan(self._known[:, 0]))
        #: each of the others so many times, as last asked for, and its scale
        self._copies: tuple[int, Curve, Floats] | None = None

    def settle(
        self, data: Data, emf: Floats, on: Bools, pull: Pull = Pull(), near: Points | None = None
    ) -> Bent:
        """Solve all points, beginning `near` points on the curves, or from the same ones.

        `emf` is in series with the curves, V, shape (points, curves).
        """

        def task(rows: Ints) -> Bent:
            some = near.take(rows) if near else self._started(len(rows))
            best = self._unknown(data.rows(rows), on[rows])
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                self._follow(
                    data.rows(rows), emf[rows], pull.rows(rows), best, np.arange(len(rows)), some
                )
            return self._on_laws(best)

        parts = np.split(np.arange(len(on)), range(PART, len(on), PART))
        size = len(on) * self.lanes.fronts.size
        return Bent.joined(spread(task, parts, self.lanes.at_once, size))

    def settle_along(self, data: Data, emf: Floats, on: Bools, at: Floats) -> Bent:
        """Solve points that are apart by `at`, shape (points, ...).

        Some are found first, the others begin from the nearest of these.
        """
        best = self._unknown(data, on)
        count, none = len(emf), Pull()
        first = np.arange(0, count, -(-count // SEEDS))
        self._follow(data, emf, none, best, first, self._started(len(first)))
        rest = np.setdiff1d(np.arange(count), first)
        good = first[best.good[first]]
        if len(rest) and len(good):
            near = good[np.abs(at[rest, None] - at[good]).sum(axis=2).argmin(axis=1)]
            best.answers.on[rest] = best.answers.on[near]
            self._follow(data, emf, none, best, rest, best.points.take(near))
        return self._on_laws(best)

    def _on_laws(self, best: _Best) -> Bent:
        """Return what was found; points on wrong branches of laws are for others."""
        if len(self._others):
            law, scale = self._every(len(best.off))
            v, i, slope = (self._long(column) for column in best.points)
            wrong = law.steps(Points(v * scale, i * scale, slope)).wrong
            best.off[wrong.reshape(len(self._others), -1).any(axis=0)] = np.inf
        return best.bent

    def _started(self, count: int) -> Points:
        return Points(*(np.repeat(column[None], count, axis=0) for column in self.start))

    def _unknown(self, data: Data, on: Bools) -> _Best:
        """Return that nothing is known of some points."""
        count, c = len(on), len(self.rows)
        answers = Answers.none(data, on, len(self.lanes.network.output_p))
        points, far = Points(*np.zeros((3, count, c))), np.full(count, np.inf)
        waited, steps = np.zeros((2, count), dtype=np.int64)
        return _Best(answers, np.zeros((count, c)), points, far, far.copy(), waited, steps)

    def tangent(
        self, conductance: Floats, load: Floats, emf: Floats, points: Points
    ) -> tuple[Floats, Floats]:
        """Return the conductances of tangents, and injections, of changes of the sources.

        These are what derivatives need, and never made steeper as those of steps are.
        """
        from ._bends import tangents

        none, load = np.zeros_like(emf), load.copy()
        slope = np.ascontiguousarray(points.slope)
        tangents(self.rows.p, self.rows.q, emf, none, none, slope, load)
        return self._with_slopes(conductance, slope), load

    def _siemens(self, conductance: Floats, points: Points) -> Floats:
        """Return conductances with what a step has for the curves behind them, S."""
        chord = np.abs(points.i) / np.maximum(np.abs(points.v), np.finfo(float).tiny)
        return self._with_slopes(conductance, np.maximum(points.slope, FLATTEST * chord))

    def _with_slopes(self, conductance: Floats, slope: Floats) -> Floats:
        edges = np.broadcast_to(conductance, (len(slope), self.edges))
        return np.concatenate((edges, slope), axis=1)

    def fed(self, load: Floats, current: Floats) -> tuple[Floats, Floats]:
        """Return injections without what the curves carry off, and the size of both."""
        from ._bends import carry

        fed, size = load.copy(), np.abs(load)
        carry(self.rows.p, self.rows.q, current, fed, size)
        return fed, size

    def _follow(
        self, data: Data, emf: Floats, pull: Pull, best: _Best, active: Ints, points: Points
    ) -> None:
        """Move curves of some points until they settle or stall."""
        most, sets = self._most(data, emf), best.answers.on[active]
        for _ in range(MOST_STEPS):
            found, off, gap = self._step(
                data.rows(active), emf[active], points, sets, pull.rows(active), most[active]
            )
            settled = found.answers.settled
            off = np.where(settled, off, np.inf)
            best.take(active, off, gap, found)
            going = (off > 1.0) & (best.waited[active] < PATIENCE) & settled
            if not going.any():
                return
            active, sets = active[going], found.answers.on[going]
            points = Points(*(np.ascontiguousarray(column[going]) for column in found.points))

    def _most(self, data: Data, emf: Floats) -> Floats:
        """Return the current that the sources of each point could drive at most, A."""
        siemens = np.atleast_2d(np.abs(data.conductance))
        volts = np.abs(emf).max(axis=1, initial=0.0)
        most: Floats = 2.0 * (volts * siemens.sum(axis=1) + np.abs(data.load).sum(axis=1))
        return np.where(most > 0, most, np.inf)

    def _step(
        self, data: Data, emf: Floats, points: Points, on: Bools, pull: Pull, most: Floats
    ) -> tuple[Bent, Floats, Floats]:
        """Solve the networks of tangents, and find where the curves meet what is offered.

        Returns what was found, with the next points, how far off they are, and the power that all
        curves of a point together are off by, W.
        """
        from ._bends import distance, offer, tangents

        rows, net, count = self.rows, self.lanes.network, len(emf)
        siemens = self._siemens(data.conductance, points)
        slope = np.ascontiguousarray(siemens[:, self.edges :])
        # the voltage in series with the emf must be a double
        v = (emf + points.v) - emf
        i = points.i + slope * (v - points.v)
        load = data.load.copy()
        tangents(rows.p, rows.q, emf, v, i, slope, load)
        answers = self.lanes.settle(
            Data(siemens, load, data.drop), on, pull.siemens, pull.aim, slack=EPS
        )
        r, room = np.empty_like(v), np.empty(net.n)
        offer((net.edge_p, net.edge_q), rows.p, rows.q, emf, siemens, answers.x, v, i, slope,
              room, r)  # fmt: skip
        after = self._moved(v, i, r, most)
        off, gap = np.empty(count), np.empty(count)
        scale = np.maximum(np.abs(answers.x).max(axis=1), np.abs(emf).max(axis=1, initial=0.0))
        distance(rows.p, rows.q, v, i, *after, scale, ENOUGH, room, off, gap)
        return Bent(answers, i, after), off, gap

    def _moved(self, v: Floats, i: Floats, r: Floats, most: Floats) -> Points:
        """Return the points where curves meet what is offered to them, within reason."""
        from ._junctions import meet

        found = Points(np.empty_like(v), np.empty_like(v), np.empty_like(v))
        meet(self._known, self.rows.scale, v, i, r, most, *found)
        if len(self._others):
            met = self._met(most, *map(self._long, (v, i, r)))
            for column, values in zip(found, met, strict=True):
                column[:, self._others] = values.reshape(len(self._others), -1).T
        return found

    def _met(self, most: Floats, v: Floats, i: Floats, r: Floats) -> Points:
        """Return the same of curves that loops don't know, one curve after the other."""
        law, scale = self._every(len(most))
        found = law.point((v + r * i) * scale, r)
        limit = np.tile(most, len(self._others)) * np.abs(scale)
        over = np.abs(found.i) > limit
        if over.any():
            # two junctions in parallel may offer each other all the current there is not
            least = law.at_current(np.where(over, np.clip(found.i, -limit, limit), 0.0))
            found = Points(*(np.where(over, a, b) for a, b in zip(least, found, strict=True)))
        return Points(found.v / scale, found.i / scale, found.slope)

    def _long(self, values: Floats) -> Floats:
        """Return what is said of curves that loops don't know, one curve after the other."""
        return values[:, self._others].T.ravel()

    def _every(self, count: int) -> tuple[Curve, Floats]:
        """Return each curve that loops don't know so many times, and its scale."""
        known = self._copies
        if known is None or known[0] != count:
            assert self.rows.law is not None
            # curve by curve, as kinds of curves must stay together
            each = np.repeat(self._others, count)
            # as one: another thread may look
            self._copies = known = count, self.rows.law.take(each), self.rows.scale[each]
        return known[1:]
