"""All samples at once: one factorisation, then a small complementarity problem for each."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..errors import UsageError
from ._shared_factor import complementary
from .factor import Assembly, Coupling, Factor
from .one_by_one import OneByOne
from .question import Question
from .states import Backend, Nudge, States, knees
from .structure import Structure, Unsupported, compact

#: Largest KCL residual relative to the currents at a coordinate.
TOLERANCE = 1e-9
#: What counts as zero next to the largest gap of a sample.
SLACK = 1e-12


class SharedFactor(Backend):
    """States of a circuit that is one convex problem.

    What does not settle here, and what has no solution, goes to `OneByOne` for an answer.
    """

    def __init__(self, question: Question) -> None:
        super().__init__(question)
        assert isinstance(question.structure, Structure)
        self.structure, self.rescue = question.structure, OneByOne(question)
        red = self.structure.reduction
        row = np.full(question.whole.n_elements, -1)
        row[red.conductors.element] = np.arange(len(red.conductors.element))
        self._trainable: Ints = row[question.selection.elements()]
        self.assembly = Assembly(self.structure)
        self._p, self._q = self.outputs.p, self.outputs.q
        #: outputs per unit of each coordinate, shape (n_outputs, n), and what they are at zero
        self.output_map = self._output_map()
        self.output_offset = self.structure.offset[self._p] - self.structure.offset[self._q]
        self._factor: tuple[bytes, Factor | None] = (b"", None)

    @classmethod
    def fits(cls, question: Question) -> str | None:
        """Return why samples can't share a factor, None if they can."""
        if question.precision == "single":
            return "it works in double precision only"
        return no_structure(question)

    def _output_map(self) -> Any:
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

    def __getstate__(self) -> dict[str, Any]:
        # factors hold functions, which can't be sent to other processes
        return {**self.__dict__, "_factor": (b"", None)}

    def factor(self, g: Floats) -> Factor | None:
        """Return the factors for given conductances, None if K is singular."""
        key = g.tobytes()
        if self._factor[0] != key:
            factor: Factor | None
            try:
                factor = Factor(
                    self.structure, self.assembly, self.conductances(g), self.output_map
                )
            except np.linalg.LinAlgError:
                factor = None
            self._factor = (key, factor)
        return self._factor[1]

    def nudged(self, g: Floats, u: Floats, nudge: Nudge, start: Bools | None = None) -> States:
        """Return the states with additions at the outputs."""
        factor = self.factor(g)
        if factor is None:
            return self.rescue.nudged(g, u, nudge)
        batch = _Batch(self, factor, u, nudge)
        on = np.zeros((len(u), len(self.structure.diode_p)), dtype=np.bool_)
        if start is not None and start.shape == on.shape:
            on[:] = start
        x, current, good = batch.settle(on)
        bad = np.flatnonzero(~(good & self.possible(u)))
        if len(bad):
            x[bad], current[bad] = self._rescued(g, u, nudge, bad)
            on[bad] = current[bad] > 0
        return self._states(batch, x, current, on)

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

    def _rescued(self, g: Floats, u: Floats, nudge: Nudge, bad: Ints) -> tuple[Floats, Floats]:
        """Return coordinates and currents of samples that did not settle, found one by one."""
        found = self.rescue.rows(g, u[bad], nudge.rows(bad), bad)
        s, red = self.structure, self.structure.reduction
        current = np.empty((len(bad), len(s.rectifier)))
        scale = red.branch_scale(red.rectifiers, s.rectifier)
        for k, state in enumerate(found.detail):
            current[k] = state.rectifier_current[s.rectifier] / np.abs(scale)
        return s.coordinates(found.voltages, u[bad]), current

    def _states(self, batch: _Batch, x: Floats, current: Floats, on: Bools) -> States:
        s = self.structure
        voltages = s.voltages(x, batch.u)
        gap = batch.gap(x, current)
        volts = np.abs(batch.drop).max(axis=1, initial=0.0) + np.abs(x).max(axis=1, initial=0.0)
        volts = np.maximum(volts, 1e-300)[:, None]
        swing = current * np.diagonal(batch.factor.weight)
        near = knees(swing / volts, gap / volts, s.diode_p, s.diode_q)
        element = s.reduction.rectifiers.element[s.rectifier]
        knee = np.where(near < 0, -1, element[near] if len(element) else near)
        return States(self, voltages, self.measure(voltages), on, knee, batch.factor)

    def measure(self, voltages: Floats) -> Floats:
        """Return the outputs (V), shape (B, n_outputs), of node voltages."""
        outputs: Floats = voltages[:, self._p] - voltages[:, self._q]
        return outputs

    def adjoint(self, states: States, slope: Floats) -> Floats:
        """Return the adjoint of each node for slopes dC/do, shape (B, n_nodes)."""
        factor: Factor = states.detail
        s = self.structure
        multiplier = slope @ factor.of_output
        if len(s.diode_p):
            across = slope @ factor.output_across
            flow, _, _ = complementary.compiled(factor.weight, -across, states.on.copy(), 0, SLACK)
            multiplier -= flow @ factor.of_rectifier
        return s.node_adjoint(multiplier)


def no_structure(question: Question) -> str | None:
    """Return why a circuit is not one convex problem whose data are affine in the inputs."""
    if question.unlearnable:
        return question.unlearnable
    structure = question.structure
    return str(structure) if isinstance(structure, Unsupported) else None


class _Batch:
    """The complementarity problems of some samples, all with the same nudge."""

    def __init__(self, shared: SharedFactor, factor: Factor, u: Floats, nudge: Nudge) -> None:
        self.shared, self.factor, self.u = shared, factor, u
        s = shared.structure
        self.load: Floats = u @ factor.load.T + (s.injection @ u.T).T[:, 1:]
        if nudge.force is not None:
            self.load = self.load + nudge.force @ shared.output_map
        self.drop: Floats = (s.drop @ u.T).T
        self.coupling: Coupling | None = None
        if nudge.stiffness:
            if nudge.target is None:
                raise UsageError("a nudge with a stiffness needs a target")
            self.coupling = factor.coupling(nudge.stiffness)
            #: targets minus what the outputs are at x = 0
            self.target: Floats = nudge.target - (shared.output_offset @ u.T).T

    def settle(self, on: Bools) -> tuple[Floats, Floats, Bools]:
        """Return coordinates, rectifier currents, and which samples fulfil all laws.

        `on` is where to start, and is changed to what conducts.
        """
        factor = self.factor
        unheld = factor.apply(self.load)
        current = np.zeros(on.shape)
        settled = np.ones(len(on), dtype=np.bool_)
        if on.shape[1]:
            weight = factor.weight
            gap = self.drop - factor.across(self._held(unheld)[0])
            if self.coupling is not None:
                reach = factor.output_across
                weight = weight - reach.T @ self.coupling.inverse @ reach
            current, _, settled = complementary.compiled(
                weight, gap, on, 60 + 2 * on.shape[1], SLACK
            )
            unheld = unheld - current @ factor.of_rectifier
        x, force = self._held(unheld)
        return x, current, settled & self._good(x, current, force)

    def _held(self, x: Floats) -> tuple[Floats, Floats]:
        """Return coordinates once the coupling acts, and the forces that it takes."""
        if self.coupling is None:
            return x, np.zeros((len(x), 0))
        force = (self.target - x @ self.shared.output_map.T) @ self.coupling.inverse
        return x + force @ self.factor.of_output, force

    def gap(self, x: Floats, current: Floats) -> Floats:
        """Return how far rectifiers are below their drop, V."""
        s = self.shared.structure
        return self.drop - self.factor.across(x) + s.resistance * current

    def _good(self, x: Floats, current: Floats, force: Floats) -> Bools:
        """Tell which samples fulfil all laws to `TOLERANCE`."""
        s, matrix = self.shared.structure, self.factor.matrix
        ends = s.ends
        left = x @ matrix + current @ ends - self.load
        size = np.abs(x) @ abs(matrix) + current @ abs(ends) + np.abs(self.load)
        volts = np.abs(x).max(axis=1, initial=0.0)[:, None]
        good = np.ones(len(x), dtype=np.bool_)
        if self.coupling is not None:
            outputs, compliance = self.shared.output_map, self.coupling.compliance
            left -= force @ outputs
            size += np.abs(force) @ abs(outputs)
            reached, sprung = x @ outputs.T, compliance * force
            span = np.abs(reached) + np.abs(self.target) + np.abs(sprung)
            good &= (np.abs(self.target - reached - sprung) <= TOLERANCE * span).all(axis=1)
        size += 1e-6 * size.max(axis=1, keepdims=True, initial=0.0)
        good &= (np.abs(left) <= TOLERANCE * size).all(axis=1)
        gap = self.gap(x, current)
        span = TOLERANCE * (volts + np.abs(self.drop) + s.resistance * current)
        good &= (gap >= -span).all(axis=1) & ((gap <= span) | (current == 0)).all(axis=1)
        return good
