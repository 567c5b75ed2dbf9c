"""One sample after the other, through the solver of operating points: slow, for any circuit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..errors import ConvergenceError, TopologyError, UsageError
from ..laws.certificate import certify
from ..model.circuit import Circuit
from ..point.engine import Point, PointSolver
from ..point.state import State
from ..solvers import prepare
from .linearised import adjoint
from .nudges import Terminals, nudged
from .states import Nudge, States, knees


class PerSample:
    """States of any circuit.

    Parameters
    ----------
    circuit : Circuit
    sources : sequence of str
        Independent sources that the columns of u set, but for the last column.
    trainable : sequence of str
        Resistors whose conductances are g.
    outputs : Terminals
    tolerance : float
        That of the certificate which each state gets.
    """

    def __init__(
        self,
        circuit: Circuit,
        sources: Sequence[str],
        trainable: Sequence[str],
        outputs: Terminals,
        tolerance: float = 1e-9,
    ) -> None:
        self.circuit, self.sources, self.trainable = circuit, tuple(sources), tuple(trainable)
        self.outputs, self.tolerance = outputs, tolerance
        # one for each set of elements: what an engine keeps depends on them
        self._engines: dict[tuple[bool, ...], PointSolver] = {}

    def variant(self, g: Floats, u: Floats) -> Circuit:
        """Return the circuit with conductances g (S) and sources u (V or A)."""
        with np.errstate(divide="ignore"):
            values = dict(zip(self.trainable, (1.0 / g).tolist(), strict=True))
        values |= dict(zip(self.sources, u[: len(self.sources)].tolist(), strict=True))
        return self.circuit.with_values(values)

    def solve(
        self, g: Floats, u: Floats, nudge: Nudge | None = None, start: Bools | None = None
    ) -> States:
        """Return the states at inputs u, shape (B, columns), and conductances g.

        `start` is not needed: the engine has its own memory.
        """
        if nudge is not None and nudge.stiffness < 0:
            raise UsageError(
                "a negative conductance may make this circuit unstable, which can't be "
                "checked here: nudge with currents, or choose the positive variant"
            )
        return self.solve_rows(g, u, nudge, np.arange(len(u)))

    def solve_rows(self, g: Floats, u: Floats, nudge: Nudge | None, numbers: Ints) -> States:
        """Return the states of samples that are called by their `numbers` in messages."""
        points: list[Point] = []
        for row, name in enumerate(numbers.tolist()):
            circuit = self.variant(g, u[row])
            if nudge is not None:
                circuit = nudged(circuit, self.outputs, nudge, row)
            try:
                points.append(self._point(circuit, nudge or Nudge()))
            except (TopologyError, ConvergenceError, UsageError) as error:
                error.sample = name
                raise
        nodes = len(self.circuit.nodes)
        voltages = np.array([self._known(point)[:nodes] for point in points])
        voltages = voltages.reshape(len(u), nodes)
        states = [point.state for point in points]
        moved = [np.flatnonzero(s.reduction.branch_parts(s.reduction.rectifiers) >= 0)
                 for s in states]  # fmt: skip
        count = max((len(s.rectifier_current) for s in states), default=0)
        on = np.zeros((len(u), count), dtype=np.bool_)
        knee = np.full(len(u), -1)
        for k, (state, rows) in enumerate(zip(states, moved, strict=True)):
            on[k, : len(state.rectifier_current)] = state.rectifier_current > 0
            red, branch = state.reduction, state.reduction.rectifiers
            p, q = red.coordinate[branch.p[rows]], red.coordinate[branch.q[rows]]
            current, gap = _relative(state)
            found = int(knees(current[None, rows], gap[None, rows], p, q)[0])
            knee[k] = -1 if found < 0 else branch.element[rows[found]]
        out = voltages[:, self.outputs.p] - voltages[:, self.outputs.q]
        return States(self, voltages, out, on, knee, states)

    def _point(self, circuit: Circuit, nudge: Nudge) -> Point:
        """Return a certified point whose outputs are defined."""
        kind = (nudge.force is None, nudge.stiffness == 0.0, np.isinf(nudge.stiffness))
        if kind not in self._engines:
            prepare(len(circuit.nodes) + 2 * circuit.n_elements)
            self._engines[kind] = PointSolver(circuit, "auto", self.tolerance, None)
        point = self._engines[kind].solve(circuit)
        proof = certify(circuit, point.voltages, point.currents, point.closed, self.tolerance)
        if not proof.ok:
            raise ConvergenceError("; ".join(proof.failures[:3]))
        state = point.state
        piece = state.piece[state.reduction.coordinate]
        for name, p, q in zip(
            self.outputs.names, self.outputs.p.tolist(), self.outputs.q.tolist(), strict=True
        ):
            loose = point.floating[p] or point.floating[q]
            if loose and (piece[p] != piece[q] or piece[p] == 0):
                raise UsageError(f"nothing fixes the voltage of output {name}")
        return point

    def _known(self, point: Point) -> Floats:
        """Return node voltages, NaN where they float, but for what moves with the outputs."""
        piece = point.state.piece[point.state.reduction.coordinate]
        outputs = np.concatenate((self.outputs.p, self.outputs.q))
        return np.where(point.floating & ~np.isin(piece, piece[outputs]), np.nan, point.voltages)

    def adjoint(self, states: States, slope: Floats) -> Floats:
        """Return the adjoint of each node for slopes dC/do, shape (B, n_nodes)."""
        result = np.empty_like(states.voltages)
        for row, state in enumerate(states.detail):
            of_node = np.zeros(len(self.circuit.nodes))
            np.add.at(of_node, self.outputs.p, slope[row])
            np.add.at(of_node, self.outputs.q, -slope[row])
            result[row] = adjoint(state, of_node)
        return result


def _relative(state: State) -> tuple[Floats, Floats]:
    """Return currents of the rectifiers, and how far they are below their drop, both relative.

    To the largest current and voltage of the circuit, that is.
    """
    branch, v = state.reduction.rectifiers, state.node_voltages()
    current = state.rectifier_current
    gap = branch.drop + branch.resistance * current - (v[branch.p] - v[branch.q])
    flows = (state.conductor_current, current, state.injection_value)
    amps = max(float(np.abs(flow).max(initial=1e-300)) for flow in flows)
    volts = float(np.abs(v).max(initial=1e-300)) + float(np.abs(branch.drop).max(initial=0.0))
    return current / amps, gap / volts
