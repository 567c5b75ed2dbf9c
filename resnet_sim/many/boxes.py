"""Many samples side by side, by sweeps, where diodes only bound single nodes.

If every rectifier has one end at a fixed potential, the problem of a sample is

    minimise 1/2 x'K x - c'x   subject to   low <= x <= high,

which projected Gauss-Seidel solves, whatever the topology.  Samples are the lanes of vector
registers: sixteen or sixty-four make a tile, and each conductance is read once for all of them.

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

from ..arrays import Bools, Floats, Ints
from ..compiled import policy
from ..errors import ResnetSimError, UsageError
from ..point.infeasible import names_of
from .lane_network import lanes_of, no_structure
from .lane_states import LaneStates
from .question import Question
from .states import Backend, Nudge, States
from .structure import Structure, dense
from .threads import cores
from .tiles import Boxes, Laplacian, Outcome, Tiles

#: largest error of a state's voltages, relative to its largest coordinate; of a nudged state,
#: of the difference relative to the largest difference
TOLERANCE = {"single": 1e-6, "double": 1e-12}
#: samples up to which tiles of sixteen are faster than those of sixty-four
FEW = 32
#: Laplacians that are kept
KEPT = 4


@dataclass(frozen=True)
class Held:
    """What starts similar states, and what the adjoint needs.

    Attributes
    ----------
    tiles : Tiles
    laplacian : Laplacian
    x : ndarray, shape (tiles, n, width)
        Coordinates.
    conducting : ndarray of bool, shape (tiles, boxes, width)
    sweeps : ndarray of int, shape (tiles,)
    g : ndarray
        Conductances, S.
    """

    tiles: Tiles
    laplacian: Laplacian
    x: Floats
    conducting: Bools
    sweeps: Ints
    g: Floats


class BoxLanes(Backend):
    """States of a circuit whose rectifiers each bound one coordinate.

    In double precision they are asked for where factors would be full.  What can't be proved here
    goes to `LaneStates`.
    """

    def __init__(self, question: Question) -> None:
        super().__init__(question)
        self.precise = LaneStates(question)
        s = self.structure = self.precise.structure
        #: one for each core; results don't depend on it
        self.threads = cores()
        self.tolerance = TOLERANCE[question.precision]
        bounded, self._box = np.unique(s.diode_p + s.diode_q - 1, return_inverse=True)
        row = np.full(s.n, -1)
        row[bounded] = np.arange(len(bounded))
        self.boxes = Boxes(row, bounded)
        #: rectifiers that bound from above
        self._upper: Bools = s.diode_q == 0
        self._laplacians: dict[tuple[bytes, float], Laplacian] = {}
        #: conductances, inputs, and the load that they make
        self._loaded: tuple[Floats, Floats, Floats] | None = None

    @classmethod
    def fits(cls, question: Question) -> str | None:
        """Return why samples can't be boxes in lanes, None if they can."""
        reason = no_structure(question)
        if reason is not None:
            return reason
        s = question.structure
        assert isinstance(s, Structure)
        if s.readings is not None:
            return "currents are outputs"
        red = s.reduction
        unfit = np.flatnonzero((s.diode_p * s.diode_q != 0) | (s.resistance != 0))
        elements = np.concatenate((red.rectifiers.element[s.rectifier[unfit]], red.curves.element))
        if not len(elements):
            return cls._slow(question)
        names = names_of(red.circuit, np.unique(elements)[:8].tolist())
        return f"{names}: not an ideal diode with one end at a fixed potential"

    @staticmethod
    def _slow(question: Question) -> str | None:
        """Return why elimination takes less time than sweeps; only in double precision it may."""
        if question.precision == "single":
            return None
        lanes = question.once(lanes_of)
        full = lanes.fronts.size > policy.POLICY.filled * len(lanes.network.edge_p)
        return None if full else "single precision is not asked for, and elimination fills little"

    # ---- problem ----

    def laplacian(self, g: Floats, stiffness: float) -> Laplacian:
        """Return K of conductances and of a nudge; the last few are kept."""
        key = (g.tobytes(), stiffness)
        if key not in self._laplacians:
            conductance = self.precise.conductances(g)
            matrix = self.precise.assembly.stiffness.sparse(conductance)
            if stiffness:
                from scipy.sparse import csr_array

                outputs = csr_array(self.precise.ends.matrix)
                matrix = csr_array(matrix + stiffness * (outputs.T @ outputs))
            # not that of the conductances before: what comes out must not depend on the past
            found = Laplacian(matrix, self.laplacian(g, 0.0).z if stiffness else None)
            if len(self._laplacians) == KEPT:
                del self._laplacians[next(iter(self._laplacians))]
            self._laplacians[key] = found
        return self._laplacians[key]

    def _load(self, g: Floats, u: Floats, nudge: Nudge) -> Floats:
        """Return c of all samples, shape (n, B)."""
        precise = self.precise
        load = self._free_load(g, u).copy()
        if nudge.force is not None:
            load += precise.ends.matrix.T @ nudge.force.T
        if nudge.stiffness:
            if nudge.target is None:
                raise UsageError("a nudge with a stiffness needs a target")
            wanted = nudge.target.T - precise.ends.offset @ u.T
            load += nudge.stiffness * (precise.ends.matrix.T @ wanted)
        return np.asarray(load)

    def _free_load(self, g: Floats, u: Floats) -> Floats:
        """Return c without a nudge; that of the last call is kept, as nudged states follow."""
        known = self._loaded
        if known is None or not (np.array_equal(known[0], g) and np.array_equal(known[1], u)):
            precise, s = self.precise, self.structure
            load = precise.assembly.load.sparse(precise.conductances(g)) @ u.T
            load = np.asarray(load + (s.injection @ u.T)[1:])
            self._loaded = known = (g.copy(), u.copy(), load)
        return known[2]

    def _drop(self, u: Floats) -> Floats:
        """Return the drops of rectifiers, shape (m, B), or (m, 1) if they don't depend on u."""
        drop = self.structure.drop
        if drop[:, :-1].size and abs(drop[:, :-1]).max() > 0:
            return np.asarray(drop @ u.T)
        return dense(drop[:, -1:])

    def _bounds(self, drop: Floats) -> tuple[Floats, Floats]:
        """Return the bounds of the boxes, each of shape (boxes, B) or (boxes, 1)."""
        low = np.full((len(self.boxes.coordinate), drop.shape[1]), -np.inf)
        high = -low
        np.maximum.at(low, self._box[~self._upper], -drop[~self._upper])
        np.minimum.at(high, self._box[self._upper], drop[self._upper])
        return low, high

    # ---- states ----

    def nudged(self, g: Floats, u: Floats, nudge: Nudge, start: Any = None) -> States:
        """Return the states with additions at the outputs."""
        laplacian = None if np.isinf(nudge.stiffness) else self.laplacian(g, nudge.stiffness)
        if laplacian is None or not laplacian.proved or not len(u):
            return self.precise.nudged(g, u, nudge)
        tiles = Tiles(len(u), 16 if len(u) <= FEW else 64, self.threads)
        drop = self._drop(u)
        low, high = self._bounds(drop)
        bounds = (tiles.pack_bounds(low), tiles.pack_bounds(high))
        load = tiles.pack(self._load(g, u, nudge))
        near = start if isinstance(start, Held) and start.tiles == tiles else None
        base = np.zeros((1, *load.shape[1:])) if near is None else near.x
        outcome = tiles.solve(laplacian, self.boxes, load, bounds, base, self.tolerance)
        conducting = _conducting(outcome, bounds, self.boxes)
        held = Held(tiles, laplacian, outcome.x, conducting[0] | conducting[1], outcome.sweeps, g)
        voltages = self.structure.voltages(tiles.unpack(outcome.x), u)
        states = States(
            self, voltages, self.precise.measure(voltages),
            self._on(tiles, conducting, drop, (low, high)),
            np.full(len(u), -1) if nudge else self._knees(held, outcome, bounds), held, held,
        )  # fmt: skip
        good = outcome.good(tiles) & self.precise.possible(u) & (low <= high).all(axis=0)
        bad = np.flatnonzero(~good)
        return self._rescued(states, g, u, nudge, bad) if len(bad) else states

    def _on(
        self,
        tiles: Tiles,
        conducting: tuple[Bools, Bools],
        drop: Floats,
        bounds: tuple[Floats, Floats],
    ) -> Bools:
        """Tell which rectifiers conduct, shape (B, m): those that hold a box at its end."""
        at_low, at_high = (tiles.unpack(side)[:, self._box] for side in conducting)
        low, high = (side[self._box] for side in bounds)
        upper = self._upper[:, None]
        tight = np.where(upper, drop <= high, -drop >= low)
        return np.asarray(np.where(upper.T, at_high, at_low) & tight.T)

    def _knees(self, held: Held, outcome: Outcome, bounds: tuple[Floats, Floats]) -> Ints:
        """Return for each sample an element that is on its knee, -1 for none."""
        tiles, node, s = held.tiles, self.boxes.coordinate, self.structure
        knee = np.full(tiles.samples, -1)
        limit = self.tolerance * np.abs(held.x).max(axis=1, keepdims=True, initial=0.0)
        idle = np.abs(outcome.push) <= limit * held.laplacian.diagonal[node, None]
        x = held.x[:, node]
        touching = tiles.unpack(idle & ((x <= bounds[0] + limit) | (x >= bounds[1] - limit)))
        rows = np.flatnonzero(touching.any(axis=1))
        if not len(rows):
            return knee
        # any rectifier of the box stands for it
        first = np.unique(self._box, return_index=True)[1]
        rectifier = s.rectifier[first[touching[rows].argmax(axis=1)]]
        knee[rows] = s.reduction.rectifiers.element[rectifier]
        return knee

    def _rescued(self, states: States, g: Floats, u: Floats, nudge: Nudge, bad: Ints) -> States:
        """Return states with those of some samples found in double precision."""
        try:
            found = self.precise.nudged(g, u[bad], nudge.rows(bad))
        except ResnetSimError as error:
            if error.sample is not None:
                error.sample = int(bad[error.sample])
            raise
        voltages, on, knee = states.voltages.copy(), states.on.copy(), states.knee.copy()
        voltages[bad], on[bad], knee[bad] = found.voltages, found.on, found.knee
        held: Held = states.start
        width = held.tiles.width
        x, conducting = held.x.copy(), held.conducting.copy()
        x[bad // width, :, bad % width] = self.structure.coordinates(found.voltages, u[bad])
        row, rectifier = np.nonzero(found.on)
        boxes = np.zeros((len(bad), conducting.shape[1]), dtype=np.bool_)
        boxes[row, self._box[rectifier]] = True
        conducting[bad // width, :, bad % width] = boxes
        held = replace(held, x=x, conducting=conducting)
        return States(self, voltages, self.precise.measure(voltages), on, knee, held, held)

    def adjoint(self, states: States, slope: Floats) -> Floats:
        """Return the adjoint of each node for slopes dC/do, shape (B, n_nodes)."""
        held: Held = states.detail
        tiles = held.tiles
        load = tiles.pack(np.asarray(self.precise.ends.matrix.T @ slope.T))
        # what conducts holds its node; all others are free to move
        low = np.where(held.conducting, 0.0, -np.inf)
        start = np.zeros((1, *load.shape[1:]))
        outcome = tiles.solve(held.laplacian, self.boxes, load, (low, -low), start, self.tolerance)
        result = self.structure.node_adjoint(tiles.unpack(outcome.x))
        bad = np.flatnonzero(~outcome.good(tiles))
        if len(bad):
            result[bad] = self.precise.adjoint_of(held.g, states.on[bad], slope[bad])[0]
        return result


def _conducting(
    outcome: Outcome, bounds: tuple[Floats, Floats], boxes: Boxes
) -> tuple[Bools, Bools]:
    """Tell which boxes are held at their lower and upper ends, in tiles."""
    x = outcome.x[:, boxes.coordinate]
    return (x <= bounds[0]) & (outcome.push > 0), (x >= bounds[1]) & (outcome.push < 0)
