"""States to train with, as lanes: each sample has its own set of conducting rectifiers.

A nudged state is the free one and what forces at the outputs add to it; only where that
contradicts a rectifier is it looked for again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..errors import UsageError
from ..graph.graphs import bincount
from .assembly import Assembly
from .lane_network import Bundles, lanes_of, no_structure
from .lanes import Data
from .one_by_one import OneByOne
from .question import Question
from .states import Backend, Nudge, States, knees
from .structure import Structure, applied, compact

#: Largest KCL residual relative to the currents at a coordinate.
TOLERANCE = 1e-9
#: What touches a drop, and what contradicts a rectifier, relative to the largest voltage.
NEAR, FINE = 1e-9, 1e-12


@dataclass
class Held:
    """What starts similar states, and what reactions need.

    Attributes
    ----------
    g, u : ndarray
        Conductances, S, and inputs.
    x, current : ndarray, shapes (B, n) and (B, m)
    on : ndarray of bool, shape (B, m)
    good : ndarray of bool, shape (B,)
        Not so where states were found one by one: these are in `others`.
    data : Data
        Without forces at the outputs.
    rescued : States, optional
        Of the others, in their order.
    reactions : dict
        To what is forced at the outputs, as found so far.
    """

    g: Floats
    u: Floats
    x: Floats
    current: Floats
    on: Bools
    good: Bools
    data: Data
    rescued: States | None = None
    reactions: dict[Any, Any] = field(default_factory=dict)


class LaneStates(Backend):
    """States of a circuit that is one convex problem.

    What does not settle here, and what has no solution, goes to `OneByOne` for an answer.
    """

    def __init__(self, question: Question) -> None:
        super().__init__(question)
        assert isinstance(question.structure, Structure)
        s = self.structure = question.structure
        self.rescue = OneByOne(question)
        red = s.reduction
        row = np.full(question.whole.n_elements, -1)
        row[red.conductors.element] = np.arange(len(red.conductors.element))
        self._trainable: Ints = row[question.selection.elements()]
        self.assembly = Assembly(s)
        p, q = self._p, self._q = self.outputs.p, self.outputs.q
        #: what outputs are at zero
        self.output_offset = s.offset[p] - s.offset[q]
        self.lanes = question.once(lanes_of)
        self._bundle = question.once(Bundles).number
        #: conductances, and outputs per force there
        self._transfer: tuple[Floats, Floats] | None = None

    @classmethod
    def fits(cls, question: Question) -> str | None:
        """Return why samples can't be lanes, None if they can."""
        if question.precision == "single":
            return "it works in double precision only"
        return no_structure(question) or question.once(lanes_of).unfit

    @cached_property
    def output_map(self) -> Any:
        """Outputs per unit of each coordinate, shape (n_outputs, n)."""
        from scipy.sparse import csr_array

        s = self.structure
        rows = np.arange(len(self._p))
        value = np.concatenate((s.scale[self._p], -s.scale[self._q]))
        column = np.concatenate((s.coordinate[self._p], s.coordinate[self._q]))
        shape = (len(rows), s.n + 1)
        matrix = csr_array((value, (np.concatenate((rows, rows)), column)), shape=shape)
        return compact(matrix[:, 1:])

    def conductances(self, g: Floats) -> Floats:
        """Return the conductances (S) of all conductors when g are those that learn."""
        conductance = self.structure.reduction.conductors.siemens.copy()
        conductance[self._trainable] = g
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
        if nudge.stiffness and nudge.target is None:
            raise UsageError("a nudge with a stiffness needs a target")
        if not self._allowed(g, nudge.stiffness):
            return self.rescue.nudged(g, u, nudge)
        s = self.structure
        near = start if isinstance(start, Held) and start.g is g else None
        if near is not None and not np.array_equal(near.u, u):
            near = None
        free = self._data(g, u) if near is None else near.data
        data = free
        if nudge.force is not None:
            data = replace(free, load=self._fed(free.load, nudge.force))
        on = np.zeros(data.drop.shape, dtype=np.bool_)
        before = start.on if isinstance(start, Held) else start
        known = before is not None and before.shape == on.shape
        if known:
            on[:] = before
        x, current = np.zeros((len(u), s.n)), np.zeros(on.shape)
        force = np.zeros((len(u), len(self._p)))
        left = np.ones(len(u), dtype=np.bool_)
        if nudge and near is not None:
            x, current, force, left = self._reacted(near, nudge, data)
        rows = np.flatnonzero(left)
        if len(rows):
            part = nudge.rows(rows)
            wanted = self._wanted(part, u[rows]) if nudge.stiffness else None
            found = self.lanes.settle(
                data.rows(rows), on[rows], nudge.stiffness or np.nan, wanted, following=not known
            )
            x[rows], current[rows], force[rows] = found.x, found.current, found.force
            on[rows], left[rows] = found.on, ~found.settled
        lawful, touching, _ = self._judged(data, x, current, on)
        good = ~left & lawful & self.possible(u) & self._good(data, x, current, force, nudge, u)
        return self._states(Held(g, u, x, current, on, good, free), touching, nudge)

    def _data(self, g: Floats, u: Floats) -> Data:
        s = self.structure
        conductance = self.conductances(g)
        load = np.ascontiguousarray(applied(s.injection, u)[:, 1:])
        if len(self.assembly.load.row):
            load += applied(self.assembly.load.sparse(conductance), u)
        return Data(self._bundled(conductance), load, applied(s.drop, u))

    def _wanted(self, nudge: Nudge, u: Floats) -> Floats:
        """Return targets less what the outputs are at x = 0."""
        assert nudge.target is not None
        wanted: Floats = nudge.target - applied(self.output_offset, u)
        return wanted

    @cached_property
    def _ends(self) -> tuple[Ints, Ints, Floats, Floats]:
        """Coordinates at the ends of the outputs, and their scales there; 0 where none is."""
        s = self.structure
        p, q = s.coordinate[self._p] - 1, s.coordinate[self._q] - 1
        at_p, at_q = s.scale[self._p] * (p >= 0), s.scale[self._q] * (q >= 0)
        return np.maximum(p, 0), np.maximum(q, 0), at_p, at_q

    def _moved(self, x: Floats) -> Floats:
        """Return the outputs less what they are at x = 0, shape (B, n_outputs)."""
        p, q, at_p, at_q = self._ends
        if not self.structure.n:
            return np.zeros((len(x), len(p)))
        moved: Floats = at_p * x[:, p] - at_q * x[:, q]
        return moved

    def _fed(self, load: Floats, force: Floats) -> Floats:
        """Return injections with forces at the outputs added."""
        p, q, at_p, at_q = self._ends
        fed = load.copy()
        if self.structure.n:
            np.add.at(fed.T, p, (at_p * force).T)
            np.subtract.at(fed.T, q, (at_q * force).T)
        return fed

    def _reacted(
        self, held: Held, nudge: Nudge, data: Data
    ) -> tuple[Floats, Floats, Floats, Bools]:
        """Return free states plus reactions: x, currents, forces, and where that is no state."""
        pull = nudge.stiffness
        if pull:
            aim = self._wanted(nudge, held.u) - self._moved(held.x)
            if nudge.force is not None:
                return held.x, held.current, aim, np.ones(len(aim), dtype=np.bool_)
            pulls = (pull,) if np.isinf(pull) else (abs(pull), -abs(pull))
        else:
            assert nudge.force is not None
            aim, pulls = nudge.force, None
        key = (pulls, aim.tobytes())
        opposite = (pulls, (-aim).tobytes())
        sign = -1.0 if key not in held.reactions and opposite in held.reactions else 1.0
        if sign < 0:
            key = opposite
        if key not in held.reactions:
            held.reactions[key] = self.lanes.respond(data.conductance, held.on, aim, pulls)
        x, current, force, fine = (
            part[pulls.index(pull) if pulls else 0] for part in held.reactions[key]
        )
        x, current = held.x + sign * x, held.current + sign * current
        force = np.zeros_like(force) if not pull else sign * force
        wrong = self._judged(data, x, current, held.on)[2]
        return x, np.maximum(current, 0.0), force, ~(held.good & fine) | wrong

    def _judged(
        self, data: Data, x: Floats, current: Floats, on: Bools
    ) -> tuple[Bools, Bools, Bools]:
        """Tell where all rectifiers obey their laws, where one touches, and where one is wrong."""
        return self.lanes.rectified(data, x, current, on, (TOLERANCE, NEAR, FINE))

    def _above(self, x: Floats) -> Floats:
        """Return the voltages across rectifiers, shape (B, m)."""
        s = self.structure
        padded = np.concatenate((np.zeros((len(x), 1)), x), axis=1)
        above: Floats = padded[:, s.diode_p] - padded[:, s.diode_q]
        return above

    def _volts(self, x: Floats, drop: Floats) -> Floats:
        volts = np.abs(x).max(axis=1, initial=0.0) + np.abs(drop).max(axis=1, initial=0.0)
        return np.asarray(np.maximum(volts, 1e-300)[:, None])

    def _good(
        self, data: Data, x: Floats, current: Floats, force: Floats, nudge: Nudge, u: Floats
    ) -> Bools:
        """Tell which samples fulfil the laws of all but the rectifiers to `TOLERANCE`."""
        load, good = data.load, np.ones(len(x), dtype=np.bool_)
        if nudge.stiffness:
            load = self._fed(load, force)
            wanted, reached = self._wanted(nudge, u), self._moved(x)
            sprung = force / nudge.stiffness
            span = np.abs(reached) + np.abs(wanted) + np.abs(sprung)
            good &= (np.abs(wanted - reached - sprung) <= TOLERANCE * span).all(axis=1)
        return good & (self.lanes.imbalance(data, load, x, current) <= TOLERANCE)

    def _states(self, held: Held, touching: Bools, nudge: Nudge) -> States:
        s, x, current, u = self.structure, held.x, held.current, held.u
        bad = np.flatnonzero(~held.good)
        if len(bad):
            found = held.rescued = self.rescue.rows(held.g, u[bad], nudge.rows(bad), bad)
            x[bad] = s.coordinates(found.voltages, u[bad])
            scale = s.reduction.branch_scale(s.reduction.rectifiers, s.rectifier)
            for row, state in zip(bad.tolist(), found.detail, strict=True):
                current[row] = state.rectifier_current[s.rectifier] / np.abs(scale)
            held.on[bad] = current[bad] > 0
            touching[bad] = True
        voltages, knee = s.voltages(x, u), np.full(len(x), -1)
        if not nudge:
            rows = np.flatnonzero(touching)
            knee[rows] = self._knees(held, rows)
        return States(self, voltages, self.measure(voltages), held.on, knee, held, held)

    def _knees(self, held: Held, rows: Ints) -> Ints:
        """Return the element on whose knee each of some samples is, -1 for none."""
        s, x, current, drop = self.structure, held.x[rows], held.current[rows], held.data.drop[rows]
        volts = self._volts(x, drop)
        gap = drop + s.resistance * current - self._above(x)
        swing = current / self.lanes.around(held.data.conductance)
        near = knees(swing / volts, gap / volts, s.diode_p, s.diode_q, NEAR)
        element = s.reduction.rectifiers.element[s.rectifier]
        return np.where(near < 0, -1, element[near] if len(element) else near)

    def measure(self, voltages: Floats) -> Floats:
        """Return the outputs (V), shape (B, n_outputs), of node voltages."""
        outputs: Floats = voltages[:, self._p] - voltages[:, self._q]
        return outputs

    def possible(self, u: Floats) -> Bools:
        """Tell for which samples the given potentials contradict neither loops nor diodes."""
        s = self.structure
        size = 1e-9 * np.abs(u).max(axis=1, initial=0.0)
        possible = np.ones(len(u), dtype=np.bool_)
        if s.loops.shape[0]:
            possible &= np.abs(s.loops @ u.T).max(axis=0) <= size
        if s.above.shape[0]:
            possible &= (s.above @ u.T).max(axis=0) <= size
        return possible

    def _allowed(self, g: Floats, stiffness: float) -> bool:
        """Tell whether the circuit is known to bear a nudge without its rectifiers.

        Raises
        ------
        UsageError
            If a negative stiffness makes it unstable, or an infinite one is not possible.
        """
        if 0.0 <= stiffness < np.inf:
            return True
        conductance = self._bundled(self.conductances(g))
        known = self._transfer
        if stiffness < 0 and known is not None and (known[0] > 0).all():
            # voltages per force grow by no more than conductances shrink (Rayleigh)
            shrunk = float((conductance / known[0]).min(initial=1.0))
            if shrunk > 0 and -stiffness * np.linalg.norm(known[1]) < 0.5 * shrunk:
                return True
        transfer = self._outputs_per_force(conductance)
        if np.isnan(transfer).any():
            return stiffness > 0  # something floats
        values = np.linalg.eigvalsh(0.5 * (transfer + transfer.T))
        if stiffness < 0 and -stiffness * values[-1] >= 1.0:
            raise UsageError(
                f"a nudge of {stiffness:.6g} S makes the circuit unstable; "
                f"it must stay above {-1.0 / values[-1]:.6g} S"
            )
        if np.isinf(stiffness) and not values[0] > 1e-12 * values[-1]:
            raise UsageError("outputs that depend on each other or on sources can't be clamped")
        return True

    def _outputs_per_force(self, conductance: Floats) -> Floats:
        """Return what forces at the outputs do there where no rectifier conducts, ohm.

        Shape (n_outputs, n_outputs), or a NaN where something floats.
        """
        if self._transfer is None or not np.array_equal(self._transfer[0], conductance):
            unit = np.eye(len(self._p))
            on = np.zeros((len(unit), len(self.structure.diode_p)), dtype=np.bool_)
            x, _, _, fine = self.lanes.respond(conductance, on, unit)
            transfer = self._moved(x[0]) if fine.all() else np.full((1, 1), np.nan)
            self._transfer = (conductance, transfer)
        return self._transfer[1]

    # ---- adjoint ----

    def adjoint(self, states: States, slope: Floats) -> Floats:
        """Return the adjoint of each node for slopes dC/do, shape (B, n_nodes)."""
        held: Held = states.detail
        result, fine = self.adjoint_of(held.g, held.on, slope)
        bad = np.flatnonzero(~(fine & held.good))
        if len(bad):
            others = held.rescued
            if others is None or len(others.voltages) != len(bad):
                others = self.rescue.rows(held.g, held.u[bad], Nudge(), bad)
            result[bad] = self.rescue.adjoint(others, slope[bad])
        return result

    def adjoint_of(self, g: Floats, on: Bools, slope: Floats) -> tuple[Floats, Bools]:
        """Return the adjoint with given rectifiers conducting, and where there is one."""
        conductance = self._bundled(self.conductances(g))
        x, _, _, fine = self.lanes.respond(conductance, on, slope, once=True)
        return self.structure.node_adjoint(x[0]), fine[0]
