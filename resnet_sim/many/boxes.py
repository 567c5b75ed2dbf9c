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
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import Bools, Floats, Ints
from ..compiled import policy
from ..errors import ResnetSimError
from ..point.infeasible import names_of
from .box_problem import Batch, BoxProblem, Pair
from .correlation import Correlation
from .drive import Drive
from .lane_network import lanes_of, no_structure
from .lane_states import LaneStates
from .question import Question
from .states import Backend, Nudge, States
from .structure import Structure
from .threads import cores
from .tiles import Laplacian, Tiles

#: largest error of a state's voltages, relative to its largest coordinate; of a nudged state,
#: of the difference relative to the largest difference
TOLERANCE = {"single": 1e-6, "double": 1e-12}


@dataclass(frozen=True)
class Held:
    """What starts similar states, and what contrasts and the adjoint need.

    Attributes
    ----------
    batch : Batch
    laplacian : Laplacian
    x : ndarray, shape (tiles, n, width)
        Coordinates.
    conducting : ndarray of bool, shape (tiles, boxes, width)
    sweeps : ndarray of int, shape (tiles,)
    """

    batch: Batch
    laplacian: Laplacian
    x: Floats
    conducting: Bools
    sweeps: Ints

    @property
    def tiles(self) -> Tiles:
        """How samples are put in tiles."""
        return self.batch.tiles


class BoxLanes(Backend):
    """States of a circuit whose rectifiers each bound one coordinate.

    In double precision they are asked for where factors would be full.  What can't be proved here
    goes to `LaneStates`.
    """

    def __init__(self, question: Question) -> None:
        super().__init__(question)
        self.precise = LaneStates(question)
        self.structure = self.precise.structure
        #: one for each core; results don't depend on it
        self.threads = cores()
        self.tolerance = TOLERANCE[question.precision]
        self.problem = BoxProblem(self.precise, question.learned)

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

    def columns(self, x: Floats, common: Floats) -> Drive:
        """Return u in its two parts."""
        return Drive(x, common)

    # ---- states ----

    def nudged(self, g: Floats, u: Any, nudge: Nudge, start: Any = None) -> States:
        """Return the states with additions at the outputs."""
        problem, clamped = self.problem, np.isinf(nudge.stiffness)
        laplacian = None if clamped else problem.laplacian(g, nudge.stiffness)
        if laplacian is None or not laplacian.proved or not len(u):
            return self.precise.nudged(g, np.asarray(u), nudge)
        batch = problem.batch(g, u, self.threads)
        tiles = batch.tiles
        load = problem.load(batch, nudge) if nudge else batch.load
        near = start if isinstance(start, Held) and start.tiles == tiles else None
        base = np.zeros((1, *load.shape[1:])) if near is None else near.x
        outcome = tiles.solve(laplacian, problem.boxes, load, batch.bounds, base, self.tolerance)
        held = Held(batch, laplacian, outcome.x, outcome.side != 0, outcome.sweeps)
        states = States(
            self, lambda: self._voltages(held), self._measured(held),
            lambda: self._on(tiles.unpack(outcome.side), batch.drop, batch.ends),
            np.full(len(u), -1) if nudge else self._knees(tiles.unpack(outcome.near)), held, held,
        )  # fmt: skip
        bad = np.flatnonzero(~(outcome.good(tiles) & batch.possible))
        return self._rescued(states, nudge, bad) if len(bad) else states

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
        if not alike or not one.batch.of(other.batch.g, other.batch.drive):
            return super().contrast(first, second, width)
        change, by_g = self.problem.contrast(one.batch, one.x, other.x, width)
        s, correlation = self.structure, self.question.once(Correlation)
        at = s.scale * np.concatenate(([0.0], change))[s.coordinate]
        return by_g, correlation.across(*(at[nodes] for nodes in correlation.bias_nodes))

    def _on(self, side: npt.NDArray[np.int8], drop: Floats, bounds: Pair) -> Bools:
        """Tell which rectifiers conduct, shape (B, m): those that hold a box at its end."""
        box, upper = self.problem.box, self.problem.upper
        low, high = (ends[box] for ends in bounds)
        tight = np.where(upper[:, None], drop <= high, -drop >= low)
        return np.asarray((side[:, box] == np.where(upper, 1, -1)) & tight.T)

    def _knees(self, touching: Bools) -> Ints:
        """Return for each sample an element that is on its knee, -1 for none."""
        s, knee = self.structure, np.full(len(touching), -1)
        rows = np.flatnonzero(touching.any(axis=1))
        if not len(rows):
            return knee
        # any rectifier of the box stands for it
        first = np.unique(self.problem.box, return_index=True)[1]
        rectifier = s.rectifier[first[touching[rows].argmax(axis=1)]]
        knee[rows] = s.reduction.rectifiers.element[rectifier]
        return knee

    def _rescued(self, states: States, nudge: Nudge, bad: Ints) -> States:
        """Return states with those of some samples found in double precision."""
        held: Held = states.detail
        batch, u = held.batch, held.batch.drive.whole[bad]
        try:
            found = self.precise.nudged(batch.g, u, nudge.rows(bad))
        except ResnetSimError as error:
            if error.sample is not None:
                error.sample = int(bad[error.sample])
            raise
        voltages, on, knee = states.voltages.copy(), states.on.copy(), states.knee.copy()
        voltages[bad], on[bad], knee[bad] = found.voltages, found.on, found.knee
        width = held.tiles.width
        x, conducting = held.x.copy(), held.conducting.copy()
        x[bad // width, :, bad % width] = self.structure.coordinates(found.voltages, u)
        row, rectifier = np.nonzero(found.on)
        boxes = np.zeros((len(bad), conducting.shape[1]), dtype=np.bool_)
        boxes[row, self.problem.box[rectifier]] = True
        conducting[bad // width, :, bad % width] = boxes
        held = replace(held, x=x, conducting=conducting)
        return States(self, voltages, self.outputs.measured(voltages), on, knee, held, held)

    def adjoint(self, states: States, slope: Floats) -> Floats:
        """Return the adjoint of each node for slopes dC/do, shape (B, n_nodes)."""
        held: Held = states.detail
        tiles = held.tiles
        load = tiles.pack(np.asarray(self.precise.ends.matrix.T @ slope.T))
        # what conducts holds its node; all others are free to move
        low = np.where(held.conducting, 0.0, -np.inf)
        boxes, start = self.problem.boxes, np.zeros((1, *load.shape[1:]))
        outcome = tiles.solve(held.laplacian, boxes, load, (low, -low), start, self.tolerance)
        result = self.structure.node_adjoint(tiles.unpack(outcome.x))
        bad = np.flatnonzero(~outcome.good(tiles))
        if len(bad):
            result[bad] = self.precise.adjoint_of(held.batch.g, states.on[bad], slope[bad])[0]
        return result
