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
from .lane_network import lanes_of, no_structure
from .lane_states import LaneStates
from .question import Question
from .states import Backend, Nudge, States
from .structure import Structure, applied, dense
from .threads import cores
from .tiles import Boxes, Entries, Laplacian, Tiles

#: largest error of a state's voltages, relative to its largest coordinate; of a nudged state,
#: of the difference relative to the largest difference
TOLERANCE = {"single": 1e-6, "double": 1e-12}
#: Laplacians that are kept
KEPT = 4


@dataclass(frozen=True)
class Batch:
    """Samples at some conductances g and inputs u, as all their states need them.

    Attributes
    ----------
    g, u : ndarray
    tiles : Tiles
    load : ndarray, shape (tiles, n, width)
        c without a nudge, A.
    drop : ndarray, shape (m, B) or (m, 1)
        Of the rectifiers, V.
    ends : (ndarray, ndarray), shape (boxes, B) or (boxes, 1)
        Of the boxes, V; `bounds` are the same in tiles.
    imposed : ndarray, shape (held, B)
        See `Structure.imposed`.
    at_zero : ndarray, shape (n_outputs, B)
        What outputs are where coordinates are zero, V.
    possible : ndarray of bool, shape (B,)
    """

    g: Floats
    u: Floats
    tiles: Tiles
    load: Floats
    drop: Floats
    ends: tuple[Floats, Floats]
    bounds: tuple[Floats, Floats]
    imposed: Floats
    at_zero: Floats
    possible: Bools


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
        self._laplacians: list[tuple[Floats, float, Laplacian]] = []
        #: that of the last call: nudged states follow
        self._batch: Batch | None = None

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

    # ---- problem ----

    def laplacian(self, g: Floats, stiffness: float) -> Laplacian:
        """Return K of conductances and of a nudge; the last few are kept."""
        for known, nudge, laplacian in self._laplacians:
            if nudge == stiffness and (known is g or np.array_equal(known, g)):
                return laplacian
        entries, _, outer, weight = self._entries
        if stiffness:
            base = self.laplacian(g, 0.0)
            values, z = base.values.copy(), base.z
            values[outer] += stiffness * weight
        else:
            # not that of the conductances before: what comes out must not depend on the past
            values, z = self._values(g), self._first_z
        found = Laplacian(entries, values, z)
        self._laplacians = [*self._laplacians[1 - KEPT :], (_kept(g), stiffness, found)]
        return found

    def _values(self, g: Floats) -> Floats:
        """Return the entries of K, without a nudge."""
        entries, inner, *_ = self._entries
        values = np.zeros(entries.size)
        conductance = self.precise.conductances(g)
        values[inner] = self.precise.assembly.stiffness.values(conductance)
        return values

    @cached_property
    def _first_z(self) -> Floats | None:
        """z of the conductances that the circuit has, often good enough for what is learned."""
        return Laplacian(self._entries[0], self._values(self.question.learned)).z

    @cached_property
    def _entries(self) -> tuple[Entries, Ints, Ints, Floats]:
        """Where K has entries, those of conductances and those of a nudge, per S of it."""
        from scipy.sparse import csr_array

        n, pattern = self.structure.n, self.precise.assembly.stiffness
        outputs = csr_array(self.precise.ends.matrix)
        pulled = (outputs.T @ outputs).tocoo()
        row, column = pulled.row.astype(np.int64), pulled.col.astype(np.int64)
        entries = Entries(
            np.concatenate((pattern.row, row)), np.concatenate((pattern.column, column)), n
        )
        own, added = entries.places(pattern.row, pattern.column), entries.places(row, column)
        return entries, own, added, pulled.data

    def _load(self, batch: Batch, nudge: Nudge) -> Floats:
        """Return c of all samples, in tiles."""
        fed = np.zeros(batch.at_zero.shape)
        if nudge.force is not None:
            fed += nudge.force.T
        if nudge.target is not None:
            fed += nudge.stiffness * (nudge.target.T - batch.at_zero)
        from ..compiled.vectors import aligned

        rows, outputs = self._pulled
        load = aligned(batch.load.shape, np.float64, zero=False)
        load[...] = batch.load
        load[:, rows] += batch.tiles.pack(outputs.T @ fed)
        return load

    @cached_property
    def _pulled(self) -> tuple[Ints, Floats]:
        """Coordinates that outputs depend on, and outputs per unit of each of these."""
        outputs = dense(self.precise.ends.matrix)
        rows = np.flatnonzero(outputs.any(axis=0))
        return rows, outputs[:, rows]

    def batch(self, g: Floats, u: Floats) -> Batch:
        """Return what states of samples have in common; that of the last call is kept."""
        batch = self._batch
        if batch is None or not np.array_equal(batch.u, u):
            batch = self._samples(u)
        if not (batch.g is g or np.array_equal(batch.g, g)):
            columns = np.ascontiguousarray(u.T)
            load = self.precise.assembly.load.sparse(self.precise.conductances(g)) @ columns
            load = np.asarray(load + (self.structure.injection @ columns)[1:])
            batch = replace(batch, g=_kept(g), load=batch.tiles.pack(load))
        self._batch = batch
        return batch

    def _samples(self, u: Floats) -> Batch:
        """Return samples without conductances."""
        precise, tiles = self.precise, Tiles.of(len(u), self.threads)
        drop = self._drop(u)
        low, high = ends = self._bounds(drop)
        return Batch(
            np.zeros(0), u.copy(), tiles, np.zeros((0, 0, 0)), drop, ends,
            (tiles.pack_bounds(low), tiles.pack_bounds(high)), self.structure.imposed(u),
            applied(precise.ends.offset, u).T,
            precise.possible(u) & (low <= high).all(axis=0),
        )  # fmt: skip

    def _drop(self, u: Floats) -> Floats:
        """Return the drops of rectifiers, shape (m, B), or (m, 1) if they don't depend on u."""
        return self._resting if self._resting is not None else np.asarray(self.structure.drop @ u.T)

    @cached_property
    def _resting(self) -> Floats | None:
        """Drops of the rectifiers, shape (m, 1), None if they depend on inputs."""
        drop = self.structure.drop
        moved = drop[:, :-1].size and abs(drop[:, :-1]).max() > 0
        return None if moved else dense(drop[:, -1:])

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
        batch = self.batch(g, u)
        tiles = batch.tiles
        load = self._load(batch, nudge) if nudge else batch.load
        near = start if isinstance(start, Held) and start.tiles == tiles else None
        base = np.zeros((1, *load.shape[1:])) if near is None else near.x
        outcome = tiles.solve(laplacian, self.boxes, load, batch.bounds, base, self.tolerance)
        held = Held(tiles, laplacian, outcome.x, outcome.side != 0, outcome.sweeps, g)
        voltages = self.structure.by_node(tiles.columns(outcome.x), batch.imposed).T
        states = States(
            self, voltages, self.outputs.measured(voltages),
            self._on(tiles.unpack(outcome.side), batch.drop, batch.ends),
            np.full(len(u), -1) if nudge else self._knees(tiles.unpack(outcome.near)), held, held,
        )  # fmt: skip
        bad = np.flatnonzero(~(outcome.good(tiles) & batch.possible))
        return self._rescued(states, g, u, nudge, bad) if len(bad) else states

    def _on(self, side: npt.NDArray[np.int8], drop: Floats, bounds: tuple[Floats, Floats]) -> Bools:
        """Tell which rectifiers conduct, shape (B, m): those that hold a box at its end."""
        low, high = (ends[self._box] for ends in bounds)
        tight = np.where(self._upper[:, None], drop <= high, -drop >= low)
        return np.asarray((side[:, self._box] == np.where(self._upper, 1, -1)) & tight.T)

    def _knees(self, touching: Bools) -> Ints:
        """Return for each sample an element that is on its knee, -1 for none."""
        s, knee = self.structure, np.full(len(touching), -1)
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
        return States(self, voltages, self.outputs.measured(voltages), on, knee, held, held)

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


def _kept(g: Floats) -> Floats:
    """Return conductances that nobody changes later on."""
    return g.copy() if g.flags.writeable else g
