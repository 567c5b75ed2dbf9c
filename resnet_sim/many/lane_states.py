"""States to train with, as lanes: each sample has its own set of conducting rectifiers.

A nudged state is the free one and what forces at the outputs add to it; only where that
contradicts a rectifier is it looked for again.  With curves it is looked for from where they stand
in the free one.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..curves import Points
from ..graph.curve_rows import NO_POINTS
from ..graph.graphs import bincount
from .assembly import Assembly
from .bends import Pull
from .curve_laws import CurveLaws
from .lane_data import Answers, Data
from .lane_network import Bundles, bends_of, lanes_of, no_structure, unfit
from .one_by_one import OneByOne
from .output_ends import OutputEnds
from .question import Question
from .reactions import LIMITS, NEAR, TOLERANCE, Held, Reactions
from .states import Backend, Nudge, States
from .structure import Structure, applied, compact


class LaneStates(Backend):
    """States of a circuit that is one convex problem.

    What does not settle here, and what has no solution, goes to `OneByOne` for an answer.
    """

    takes_on = True

    def __init__(self, question: Question) -> None:
        super().__init__(question)
        assert isinstance(question.structure, Structure)
        s = self.structure = question.structure
        self.rescue = OneByOne(question)
        red = s.reduction
        row = red.conductors.row_of(question.whole.n_elements)
        #: rows among the conductors of what learns
        self.learning: Ints = row[question.selection.elements()]
        self.assembly = Assembly(s)
        feeds = s.injection[1:]
        #: coordinates that inputs feed, and what they feed into these
        self._fed: Ints = np.flatnonzero(abs(feeds).sum(axis=1))
        feeds = feeds[self._fed]
        self._feeds = feeds if isinstance(feeds, np.ndarray) else compact(feeds)
        self.ends = OutputEnds(s, self.outputs)
        self.lanes, self.bends = question.once(lanes_of), question.once(bends_of)
        self._bundle = question.once(Bundles).number
        self.reactions = Reactions(self.lanes, self.ends)

    @cached_property
    def laws(self) -> CurveLaws:
        """The laws of what curves."""
        return CurveLaws(self.structure)

    @classmethod
    def fits(cls, question: Question) -> str | None:
        """Return why samples can't be lanes, None if they can."""
        return no_structure(question) or unfit(question)

    def conductances(self, g: Floats) -> Floats:
        """Return the conductances (S) of all conductors when g are those that learn."""
        conductance = self.structure.reduction.conductors.siemens.copy()
        conductance[self.learning] = g
        return conductance

    def _bundled(self, conductance: Floats) -> Floats:
        """Return the conductances (S) of bundles when those of all conductors are given."""
        count = len(self.lanes.network.edge_p)
        return bincount(self._bundle, conductance[self.structure.edge], count)

    # ---- states ----

    def nudged(
        self, g: Floats, u: Floats, nudge: Nudge, start: Held | Bools | None = None
    ) -> States:
        """Return the states with additions at the outputs."""
        near = start if isinstance(start, Held) and np.array_equal(start.u, u) else None
        if near is not None and not (near.g is g or np.array_equal(near.g, g)):
            near = None
        data = free = self._data(g, u) if near is None else near.data
        if not self.reactions.allowed(free.conductance, nudge.stiffness):
            return self.rescue.nudged(g, u, nudge)
        if nudge.force is not None:
            data = replace(free, load=self.ends.fed(free.load, nudge.force))
        points, bent = NO_POINTS, np.zeros((len(u), 0))
        if self.bends is not None:
            found, bent, points = self._bent(data, nudge, u, start)
        elif near is None or not nudge or (nudge.force is not None and nudge.stiffness):
            on, known = self._begun(start, data)
            pull = self._pull(nudge, u)
            found = self.lanes.settle(
                data, on, pull.siemens, pull.aim, alike=not known, keep=not nudge, limits=LIMITS
            )
            self._reached(found, pull.siemens, pull.aim)
        elif nudge.force is None:
            found = self._pulled(near, nudge)
        else:
            found = self.reactions.pushed(near, nudge.force, data)
        good = found.settled & self.possible(u)
        held = Held(g, u, found.x, found.current, found.on, good, free, points, bent)
        return self._states(held, found.touching, nudge)

    def _begun(self, start: Held | Bools | None, data: Data) -> tuple[Bools, bool]:
        """Return which rectifiers may conduct, and whether similar states tell."""
        on = np.zeros(data.drop.shape, dtype=np.bool_)
        before = start.on if isinstance(start, Held) else start
        known = before is not None and before.shape == on.shape
        if known:
            on[:] = before
        return on, known

    def _bent(
        self, data: Data, nudge: Nudge, u: Floats, start: Held | Bools | None
    ) -> tuple[Answers, Floats, Points]:
        """Return states with curves, judged, their currents (A), and where these are."""
        assert self.bends is not None
        s, pull = self.structure, self._pull(nudge, u)
        on, known = self._begun(start, data)
        emf, begun = applied(s.curve_emf, u), start.points if isinstance(start, Held) else None
        found, bent, points = self.bends.settle(data, emf, on, pull, begun if known else None)
        found.settled[:] &= self.laws.obeyed(s.voltages(found.x, u), bent, TOLERANCE)
        load, size = self.bends.fed(data.load, bent)
        lawful, found.touching[:], _, left = self.lanes.judged(
            data, load, found.x, found.current, found.on, LIMITS, size,
            None if pull.aim is None else found.force,
        )  # fmt: skip
        found.settled[:] &= lawful & (left <= TOLERANCE)
        self._reached(found, pull.siemens, pull.aim)
        return found, bent, points

    def _pulled(self, near: Held, nudge: Nudge) -> Answers:
        """Return states that are pulled; the opposite ones are kept."""
        assert nudge.target is not None
        target, count = nudge.target.tobytes(), len(near.u)
        if (nudge.stiffness, target) not in near.ahead:
            pull = self._pull(nudge, near.u)
            pulls, found = self.reactions.pulled(near, pull)
            aims = np.concatenate([pull.aim] * len(pulls))
            self._reached(found, np.repeat(pulls, count)[:, None], aims)
            for k, siemens in enumerate(pulls):
                one = found.pick(slice(k * count, (k + 1) * count))
                near.ahead[siemens, target] = one
        return near.ahead.pop((nudge.stiffness, target))

    def _pull(self, nudge: Nudge, u: Floats) -> Pull:
        """Return how outputs are pulled, not at all without a stiffness."""
        if not nudge.stiffness:
            return Pull()
        assert nudge.target is not None
        return Pull(nudge.stiffness, self.ends.wanted(nudge.target, u))

    def _data(self, g: Floats, u: Floats) -> Data:
        s = self.structure
        conductance = self.conductances(g)
        load = np.zeros((len(u), s.n))
        load[:, self._fed] = applied(self._feeds, u)
        if len(self.assembly.load.row):
            load += applied(self.assembly.load.sparse(conductance), u)
        return Data(self._bundled(conductance), load, applied(s.drop, u))

    def _reached(self, found: Answers, siemens: float | Floats, aim: Floats | None) -> None:
        """Let only those states count as settled in which outputs are where they are pulled to."""
        if aim is None:
            return
        reached, sprung = self.ends.moved(found.x), found.force / siemens
        # beside the largest: forces are found all together
        span = (np.abs(reached) + np.abs(aim) + np.abs(sprung)).max(axis=1, initial=0.0)
        off = np.abs(aim - reached - sprung).max(axis=1, initial=0.0)
        found.settled[:] &= off <= TOLERANCE * span

    def _states(self, held: Held, touching: Bools, nudge: Nudge) -> States:
        s, x, current, u = self.structure, held.x, held.current, held.u
        bad = np.flatnonzero(~held.good)
        if len(bad):
            found = held.rescued = self.rescue.rows(held.g, u[bad], nudge.rows(bad), bad)
            x[bad] = s.coordinates(found.voltages, u[bad])
            scale = s.reduction.branch_scale(s.reduction.rectifiers, s.rectifier)
            for row, state in zip(bad.tolist(), found.detail, strict=True):
                current[row] = state.rectifier_current[s.rectifier] / np.abs(scale)
                if len(s.curves):
                    for kept, column in zip(held.points, s.points(state), strict=True):
                        kept[row] = column
            held.on[bad] = current[bad] > 0
            touching[bad] = True
        voltages, knee = s.voltages(x, u), np.full(len(x), -1)
        if s.readings is not None:
            shown = self._shown(held, voltages)
            if held.rescued is not None:
                shown[bad] = held.rescued.voltages[:, s.readings.node]
            voltages[:, s.readings.node] = shown
        if not nudge and touching.any():
            knee = self._knees(held, np.flatnonzero(touching))
        return States(self, voltages, self.outputs.measured(voltages), held.on, knee, held, held)

    def _shown(self, held: Held, voltages: Floats) -> Floats:
        """Return what nodes show that show currents, V, shape (B, readings)."""
        s = self.structure
        assert s.readings is not None
        red, count = s.reduction, len(voltages)
        rectified, bent = np.zeros((count, len(red.rectifiers))), np.zeros((count, len(red.curves)))
        rectified[:, s.rectifier], bent[:, s.curve] = held.current, held.bent
        siemens = self.conductances(held.g)
        return s.readings.shown(red, siemens, voltages, (rectified, bent), held.u)

    def _knees(self, held: Held, rows: Ints) -> Ints:
        """Return the element on whose knee each sample is, -1 for none; of some it is asked."""
        s = self.structure
        near = self.lanes.on_knees(held.data, held.x, held.current, rows, NEAR)
        element = s.reduction.rectifiers.element[s.rectifier]
        return np.where(near < 0, -1, element[near] if len(element) else near)

    def possible(self, u: Floats) -> Bools:
        """Tell for which samples the given potentials contradict neither loops nor diodes."""
        s, possible = self.structure, np.ones(len(u), dtype=np.bool_)
        if not (s.loops.shape[0] or s.above.shape[0]):
            return possible
        size = 1e-9 * np.abs(u).max(axis=1, initial=0.0)
        if s.loops.shape[0]:
            possible &= np.abs(s.loops @ u.T).max(axis=0) <= size
        if s.above.shape[0]:
            possible &= (s.above @ u.T).max(axis=0) <= size
        return possible

    # ---- adjoint ----

    def adjoint(self, states: States, slope: Floats) -> Floats:
        """Return the adjoint of each node for slopes dC/do, shape (B, n_nodes)."""
        held: Held = states.detail
        result, fine = self.adjoint_of(held.g, held.on, slope, held.points, held.data.conductance)
        bad = np.flatnonzero(~(fine & held.good))
        if len(bad):
            others = held.rescued
            if others is None or len(others.voltages) != len(bad):
                others = self.rescue.rows(held.g, held.u[bad], Nudge(), bad)
            result[bad] = self.rescue.adjoint(others, slope[bad])
        return result

    def adjoint_of(
        self, g: Floats, on: Bools, slope: Floats, points: Points = NO_POINTS,
        bundled: Floats | None = None,
    ) -> tuple[Floats, Bools]:  # fmt: skip
        """Return the adjoint with given rectifiers conducting, and where there is one.

        It is the state of the network of tangents when slopes are fed into the outputs, and the
        sources whose currents are outputs have them as volts.  `bundled` are the conductances of
        edges, those of states just found for instance.
        """
        s, lanes = self.structure, self.lanes
        u = np.zeros((len(on), s.columns))
        conductance = self._bundled(self.conductances(g)) if bundled is None else bundled
        if s.readings is None:
            data = Data(conductance, np.zeros((len(on), s.n)), np.zeros(on.shape))
        else:
            u[:, s.readings.column] = s.readings.slopes(self.outputs.p, self.outputs.q, slope)
            data = self._data(g, u)
        load = self.ends.fed(data.load, slope)
        if self.bends is not None:
            lanes, emf = self.bends.lanes, applied(s.curve_emf, u)
            conductance, load = self.bends.tangent(conductance, load, emf, points)
        x, _, fine = lanes.steady(Data(conductance, load, data.drop), on, passes=1)
        result = s.node_adjoint(x)
        return result if s.readings is None else result + applied(s.offset, u), fine
