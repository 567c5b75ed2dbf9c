"""States of circuits with smooth laws, all samples at once: Newton steps of dense matrices.

Transistors between some hundred nodes, resistors, and sources, of which none is controlled, make
F(x) = 0 for the voltages x of the coordinates.  Every law is replaced by its tangent where it was
last trusted, and the linear networks of all samples are solved in one call.  Gates that sources
hold (networks of transistor edges, Dillavou et al. 2024) make F monotone: from anywhere there is a
way to its one solution.  What does not settle is left to `OneByOne`, and every state is certified.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..compiled import policy
from ..laws.certificate import certify_points
from ..model.names import untaken
from ..point.plan import Compiled
from ..point.state import State
from .affine_inputs import imposed
from .law_network import LawNetwork, LawSamples
from .nudges import add_elements
from .one_by_one import OneByOne
from .question import Question
from .states import Backend, Nudge, States
from .structure import dense


@dataclass(frozen=True)
class Held:
    """What the states of some samples have in common with others of the same circuit.

    `volts` are the voltages across the laws, shape (P, laws); others as in `LawNetwork`.
    """

    volts: Floats
    x: Floats
    siemens: Floats
    u: Floats


class LawStates(Backend):
    """States of a circuit with laws, samples at once."""

    def __init__(self, question: Question) -> None:
        super().__init__(question)
        self.rescue = OneByOne(question)
        ends, whole = self.outputs, question.whole
        names = untaken("i_nudge", len(ends.p), whole.element_names)
        #: with a source at each output for what nudges feed in there
        self.circuit = add_elements(whole, "current_sources", names, ends.q, ends.p, amps=0.0)
        self.compiled = Compiled(self.circuit, self.circuit.switches.closed)
        self.names = (*question.sources, *names)
        sources, _ = imposed(self.compiled, self.names)
        self.offset, self.amps = dense(sources.offset), dense(sources.injection_value)
        red = self.compiled.reduction
        row = red.conductors.row_of(self.circuit.n_elements)
        self._trainable: Ints = row[question.selection.elements()]
        self.network = LawNetwork(self.compiled)

    @classmethod
    def fits(cls, question: Question) -> str | None:
        """Return why samples can't be solved at once, None if they can."""
        red = question.reduction
        if not len(red.laws):
            return "there are no smooth laws"
        if question.unlearnable or question.signed:
            return question.unlearnable or "conductances may be negative"
        if len(red.rectifiers) or len(red.curves) or len(red.controls):
            return "there are rectifiers, curves or controlled sources beside the laws"
        if (loose := _loose(question)) is not None:
            return f"{loose} is no MOSFET whose gate and bulk have given potentials"
        if len(red.part) > policy.POLICY.dense_laws:
            return f"more than {policy.POLICY.dense_laws} unknowns"
        if strange := [name for name in question.flows if name not in question.sources]:
            return f"the current of {strange[0]} counts"
        return None

    @property
    def one_way(self) -> tuple[str, ...]:
        """Transistors have no co-content."""
        return self.question.whole.smooth

    # ---- states ----

    def nudged(self, g: Any, u: Floats, nudge: Nudge, start: Any = None) -> States:
        """Return the states with additions at the outputs."""
        net = self._network(g)
        forced = np.zeros((len(u), len(self.outputs.p)))
        if nudge.force is not None:
            forced = nudge.force
        columns = np.concatenate((u[:, :-1], forced, u[:, -1:]), axis=1)
        data = LawSamples(net, self.outputs, columns @ self.offset.T, columns @ self.amps.T)
        near = start.volts if isinstance(start, Held) and len(start.volts) == len(u) else None
        volts, x, feed, fine = data.settled(nudge, self._ends(net), near)
        columns = columns.copy()
        columns[:, u.shape[1] - 1 : -1] += feed
        state = self._state(net, columns, x)
        known = state.node_voltages().T
        currents = state.currents().T
        fine &= self._certified(columns, net, known, currents)
        found = self._states(known, currents, fine, Held(volts, x, net.siemens, u))
        bad = np.flatnonzero(~fine)
        if len(bad):
            other = self.rescue.rows(np.asarray(g, dtype=float), u[bad], nudge.rows(bad), bad)
            found.voltages[bad], found.outputs[bad] = other.voltages, other.outputs
            found.start.volts[bad] = net.across(other.voltages[:, : known.shape[1]])
            found.start.x[bad] = net.coordinates(found.voltages[bad], columns[bad] @ self.offset.T)
        return found

    def _network(self, g: Any) -> LawNetwork:
        siemens = self.compiled.reduction.conductors.siemens.copy()
        siemens[self._trainable] = g
        return self.network.at(siemens)

    def _ends(self, net: LawNetwork) -> Floats:
        """Return outputs per coordinate, shape (outputs, n)."""
        return net.of_node[self.outputs.p] - net.of_node[self.outputs.q]

    def _state(self, net: LawNetwork, columns: Floats, x: Floats) -> State:
        """Return the state of all points at coordinates x, shape (P, n)."""
        red = self.compiled.reduction
        column = {name: k for k, name in enumerate(self.names)}
        sources = {self.circuit.element(name): k for name, k in column.items()}

        def held(branches: Any) -> Floats:
            values = np.repeat(branches.held[:, None], len(columns), axis=1)
            for row, element in enumerate(branches.element.tolist()):
                if element in sources:
                    values[row] = columns[:, sources[element]]
            return values

        siemens = np.repeat(net.siemens[:, None], len(columns), axis=1)
        compiled = self.compiled.replace(
            ties=red.ties.holding(held(red.ties)),
            injections=red.injections.holding(held(red.injections)),
            conductors=red.conductors.holding(siemens),
            rectifiers=red.rectifiers.holding(np.zeros((0, len(columns)))),
        )
        # the currents of all laws are found below, for all points at once
        compiled.fixed_laws = compiled.fixed_laws[:0]
        state = State(compiled)
        state.x[1:] = x.T
        v = state.node_voltages()
        p, q = red.conductors.p, red.conductors.q
        state.conductor_current[:] = net.siemens[:, None] * (v[p] - v[q])
        state.law_current[:] = net.law_currents(v.T).T
        return state

    def _certified(
        self, columns: Floats, net: LawNetwork, voltages: Floats, currents: Floats
    ) -> Bools:
        """Tell which points fulfil every law."""
        values: dict[str, dict[str, Floats]] = {}
        for k, name in enumerate(self.names):
            table, row = self.circuit.locate(self.circuit.element(name))
            device = self.circuit.tables[table]
            own = values.setdefault(table, {})
            if device.value not in own:
                whole = getattr(device, str(device.value))
                own[str(device.value)] = np.repeat(whole[None], len(columns), axis=0)
            own[str(device.value)][:, row] = columns[:, k]
        resistors = self.circuit.resistors
        first = np.full(self.circuit.n_elements, np.nan)
        first[self.compiled.reduction.conductors.element] = net.siemens
        with np.errstate(divide="ignore", invalid="ignore"):
            ohms = 1.0 / first[: len(resistors)]
        values["resistors"] = {"ohms": np.where(np.isnan(ohms), resistors.ohms, ohms)}
        circuit = self.circuit._with_columns(values)
        nodes = len(self.circuit.nodes)
        tolerance = self.question.tolerance
        closed = self.circuit.switches.closed
        return certify_points(circuit, voltages[:, :nodes], currents, closed, tolerance)[1]

    def _states(self, voltages: Floats, currents: Floats, fine: Bools, held: Held) -> States:
        measured = self.outputs.measured(voltages)
        flows = np.array([self.circuit.element(n) for n in self.question.flows], dtype=np.int64)
        voltages = np.concatenate((voltages, currents[:, flows]), axis=1)
        none = np.zeros((len(fine), 0), dtype=np.bool_)
        return States(self, voltages, measured, none, np.full(len(fine), -1), held, held)

    # ---- derivatives ----

    def adjoint(self, states: States, slope: Floats) -> Floats:
        """Return the adjoint of each node, and of the voltages of what `flows`."""
        held: Held = states.detail
        net = self.network.at(held.siemens)
        at, n_nodes = self.outputs, len(net.of_node)
        by_node = np.zeros((len(slope), n_nodes))
        np.add.at(by_node.T, at.p, slope.T)
        np.add.at(by_node.T, at.q, -slope.T)
        jacobian = net.node_jacobian(states.voltages[:, :n_nodes])
        inner = net.of_node.T @ jacobian @ net.of_node
        c = by_node @ net.of_node
        multiplier = np.linalg.solve(inner.transpose(0, 2, 1), c[..., None])[..., 0]
        adjoint = multiplier @ net.of_node.T
        column = [self.names.index(name) for name in self.question.flows]
        # what moves with a source: outputs that are there, and the balance of all nodes
        moved = self.offset[:, column]
        left = by_node - np.einsum("pi,pij->pj", adjoint, jacobian)
        return np.concatenate((adjoint, left @ moved), axis=1)


def _loose(question: Question) -> str | None:
    """Return a smooth element that is no transistor whose gate and bulk have given potentials."""
    circuit, red = question.whole, question.reduction
    for name, device in circuit.tables.items():
        found = device.smooth_elements()
        if not found:
            continue
        if name != "mosfets":
            return str(next(iter(found)))
        for letter in "gb":
            free = red.coordinate[device.ends(letter)] != 0  # type: ignore[union-attr]
            if free.any():
                return str(device.names[int(np.flatnonzero(free)[0]) * device.width])  # type: ignore[union-attr]
    return None
