"""Many samples side by side, by sweeps, where diodes only bound single nodes.

If every rectifier has one end at a fixed potential, the problem of a sample is

    minimise 1/2 x'K x - c'x   subject to   low <= x <= high,

which projected Gauss-Seidel solves, whatever the topology.  Samples are the lanes of vector
registers: 32 or 64 make a tile, and each conductance is read once for all of them.

Sweeps are in float32, on what is still missing: the residual is computed in float64, so are
the sums, and another round of sweeps solves for the rest.  A nudged state is found as its
difference from the free one, to the same number of digits of the difference, however small the
nudge.

A sample is accepted with a proof.  Let D be the diagonal of K, <K> the matrix K with its other
entries made negative (they are, but for a negative nudge of a pair), z > 0 and
``<K> z >= s D 1``.  If there is such a z, then K is an H-matrix and positive definite, and the
solution is no farther from x than ``max(z) / s`` times the longest step of Jacobi's method that
the box allows at x (Chen and Xiang, "Computation of error bounds for P-matrix linear
complementarity problems", 2006).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import Bools, Floats, Ints
from ..compiled import policy
from ..errors import ResnetSimError
from ..point.infeasible import names_of
from .box_problem import Batch, BoxProblem
from .correlation import Correlation
from .drive import Drive
from .lane_network import lanes_of, no_structure
from .lane_states import LaneStates
from .question import Question
from .states import Backend, Nudge, States
from .structure import Structure
from .tiles import Bounds, Outcome, Posed, Tiles

#: largest error of a state's voltages, relative to its largest coordinate; of a nudged state,
#: of the difference relative to the largest difference
TOLERANCE = {"single": 1e-6, "double": 1e-12}


@dataclass
class Held:
    """What starts similar states, and what contrasts and the adjoint need.

    Attributes
    ----------
    batch : Batch
    posed : Posed
    outcome : Outcome
    opposite : tuple of (Nudge, ndarray), optional
        The last state that was found from this one: nudged the other way, one is as far from it
        on the other side, as long as no rectifier changes.
    """

    batch: Batch
    posed: Posed
    outcome: Outcome
    opposite: tuple[Nudge, Floats] | None = None

    @property
    def tiles(self) -> Tiles:
        """How samples are put in tiles."""
        return self.batch.tiles

    @property
    def x(self) -> Floats:
        """Coordinates, shape (tiles, n, width)."""
        return self.outcome.x

    @cached_property
    def judged(self) -> tuple[npt.NDArray[np.int8], Ints]:
        """Where boxes are held, and which touch an end, see `Tiles.judge`."""
        return self.tiles.judge(self.posed, self.outcome)


class BoxLanes(Backend):
    """States of a circuit whose rectifiers each bound one coordinate.

    In double precision they are asked for where factors would be full.  What can't be proved here
    goes to `LaneStates`.
    """

    def __init__(self, question: Question) -> None:
        super().__init__(question)
        self.precise = LaneStates(question)
        self.structure = self.precise.structure
        self.tolerance = TOLERANCE[question.precision]
        self.problem = BoxProblem(self.precise)

    @classmethod
    def fits(cls, question: Question) -> str | None:
        """Return why samples can't be boxes in lanes, None if they can."""
        reason = no_structure(question)
        if reason is not None:
            return reason
        s = question.structure
        assert isinstance(s, Structure)
        unfit = np.flatnonzero((s.diode_p * s.diode_q != 0) | (s.resistance != 0))
        if not len(unfit):
            return cls._slow(question)
        elements = s.reduction.rectifiers.element[s.rectifier[unfit]]
        names = names_of(s.reduction.circuit, np.unique(elements)[:8].tolist())
        return f"{names}: not an ideal diode with one end at a fixed potential"

    @staticmethod
    def _slow(question: Question) -> str | None:
        """Return why elimination takes less time than sweeps; only in double precision it may."""
        if question.precision == "single":
            return None
        lanes = question.once(lanes_of)
        full = lanes.fronts.size > policy.POLICY.filled * len(lanes.network.edge_p)
        return None if full else "single precision is not asked for, and elimination fills little"

    def given(self, values: Floats) -> Floats:
        """Return the values of conductances that are tied: none is needed twice."""
        return values

    def columns(self, x: Floats, common: Floats) -> Drive:
        """Return u in its two parts."""
        return Drive(x, common)

    # ---- states ----

    def nudged(self, g: Floats, u: Any, nudge: Nudge, start: Any = None) -> States:
        """Return the states with additions at the outputs."""
        problem, clamped = self.problem, np.isinf(nudge.stiffness)
        laplacian = None if clamped else problem.laplacian(g, nudge.stiffness)
        if laplacian is None or not laplacian.proved or not len(u):
            return self.precise.nudged(self.precise.given(g), np.asarray(u), nudge)
        batch = problem.batch(g, u)
        tiles = batch.tiles
        fed = problem.fed(batch, nudge)
        posed = Posed(laplacian, problem.boxes, batch.load, fed, batch.bounds, self.tolerance)
        near = start if isinstance(start, Held) and start.tiles == tiles else None
        outcome = tiles.solve(posed, *self._begun(near, nudge))
        held = Held(batch, posed, outcome)
        if near is not None:
            near.opposite = nudge, outcome.x
        states = States(
            self, lambda: self._voltages(held), self._measured(held), lambda: self._on(held),
            np.full(len(u), -1) if nudge else self._knees(held), held, held,
        )  # fmt: skip
        bad = np.flatnonzero(~(outcome.good(tiles) & batch.possible))
        return self._rescued(states, nudge, bad) if len(bad) else states

    @staticmethod
    def _begun(near: Held | None, nudge: Nudge) -> tuple[Floats | None, Floats | None]:
        """Return the state to begin with, and one on the other side of it."""
        if near is None:
            return None, None
        known = near.opposite
        return near.x, known[1] if known is not None and nudge.opposes(known[0]) else None

    def _voltages(self, held: Held) -> Floats:
        """Return the node voltages, shape (B, n_nodes)."""
        s = self.structure
        imposed = s.imposed(held.batch.drive.whole)
        return s.by_node(held.tiles.columns(held.x), imposed).T

    def _measured(self, held: Held) -> Floats:
        """Return the outputs, shape (B, n_outputs)."""
        rows, outputs = self.problem.pulled
        return (outputs @ held.tiles.columns(held.x[:, rows]) + held.batch.at_zero).T

    def contrast(self, first: States, second: States, width: float) -> tuple[Floats, Floats]:
        """Return what `correlate` does of the change between two states, over `width`."""
        one, other = first.detail, second.detail
        alike = isinstance(one, Held) and isinstance(other, Held)
        if not alike or not one.batch.like(other.batch):
            return super().contrast(first, second, width)
        change, by_g = self.problem.contrast(one.batch, one.x, other.x, width)
        s, correlation = self.structure, self.question.once(Correlation)
        at = s.scale * np.concatenate(([0.0], change))[s.coordinate]
        return by_g, correlation.across(*(at[nodes] for nodes in correlation.bias_nodes))

    def _on(self, held: Held) -> Bools:
        """Tell which rectifiers conduct, shape (B, m): those that hold a box at its end."""
        box, upper, batch = self.problem.box, self.problem.upper, held.batch
        low, high = (ends[box] for ends in batch.ends)
        tight = np.where(upper[:, None], batch.drop <= high, -batch.drop >= low)
        held_there = held.judged[0][:, box] == np.where(upper, 1, -1)[:, None]
        on: Bools = held.tiles.unpack(held_there)
        return on if tight.all() else on & tight.T

    def _knees(self, held: Held) -> Ints:
        """Return for each sample an element that is on its knee, -1 for none."""
        s, touching = self.structure, held.tiles.unpack(held.judged[1][:, None])[:, 0]
        if (touching < 0).all():
            return touching
        # any rectifier of the box stands for it
        first = np.unique(self.problem.box, return_index=True)[1]
        element = s.reduction.rectifiers.element[s.rectifier[first]]
        return np.where(touching < 0, -1, element[touching])

    def _rescued(self, states: States, nudge: Nudge, bad: Ints) -> States:
        """Return states with those of some samples found in double precision."""
        held: Held = states.detail
        batch, u = held.batch, held.batch.drive.whole[bad]
        try:
            found = self.precise.nudged(self.precise.given(batch.g), u, nudge.rows(bad))
        except ResnetSimError as error:
            if error.sample is not None:
                error.sample = int(bad[error.sample])
            raise
        voltages, on, knee = states.voltages.copy(), states.on.copy(), states.knee.copy()
        voltages[bad], on[bad], knee[bad] = found.voltages, found.on, found.knee
        width = held.tiles.width
        # of its own: this is nobody else's to see
        held.x[bad // width, :, bad % width] = self.structure.coordinates(found.voltages, u)
        row, rectifier = np.nonzero(found.on)
        boxes = np.zeros((len(bad), len(self.problem.boxes.coordinate)), dtype=np.int8)
        boxes[row, self.problem.box[rectifier]] = np.where(self.problem.upper[rectifier], 1, -1)
        held.judged[0][bad // width, :, bad % width] = boxes
        return States(self, voltages, self.outputs.measured(voltages), on, knee, held, held)

    def adjoint(self, states: States, slope: Floats) -> Floats:
        """Return the adjoint of each node for slopes dC/do, shape (B, n_nodes)."""
        held: Held = states.detail
        tiles = held.tiles
        load, fed = np.zeros_like(held.posed.load), self.problem.into(slope.T, tiles)
        # what conducts holds its node; all others are free to move
        low = np.where(held.judged[0] != 0, 0.0, -np.inf)
        outcome = tiles.solve(replace(held.posed, load=load, fed=fed, bounds=Bounds(low, -low)))
        result = self.structure.node_adjoint(tiles.unpack(outcome.x))
        bad = np.flatnonzero(~outcome.good(tiles))
        if len(bad):
            g = self.precise.given(held.batch.g)
            result[bad] = self.precise.adjoint_of(g, states.on[bad], slope[bad])[0]
        return result
