"""States of circuits with smooth laws, all samples at once: Newton steps of dense matrices.

Transistors between some hundred nodes, resistors, and sources, of which none is controlled, make
F(x) = 0 for the voltages x of the coordinates.  Every law is replaced by its tangent where it was
last trusted, and the linear networks of all samples are solved in one call.  Gates that sources
hold (networks of transistor edges, Dillavou et al. 2024) make F monotone: from anywhere there is a
way to its one solution.  What does not settle is left to `OneByOne`, and every state is certified.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..compiled import policy
from ..errors import UsageError
from ..laws.certificate import certify_points
from ..point.plan import Compiled
from ..point.state import State
from .affine_inputs import imposed
from .nudges import add_elements
from .one_by_one import OneByOne
from .question import Question
from .states import Backend, Nudge, States, Terminals
from .structure import dense

#: Newton steps, and those after voltages have settled, each of which squares what is left.
STEPS, POLISH = 60, 2
#: Change of the voltages across laws, relative to the largest, at which tangents are laws.
SETTLED = 1e-9


@dataclass(frozen=True)
class Held:
    """What the states of some samples have in common with others of the same circuit.

    `volts` are the voltages across the laws, shape (P, laws); others as in `_Network`.
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
        names = _fresh(whole.element_names, len(ends.p))
        #: with a source at each output for what nudges feed in there
        self.circuit = add_elements(whole, "current_sources", names, ends.q, ends.p, amps=0.0)
        self.compiled = Compiled(self.circuit, self.circuit.switches.closed)
        self.names = (*question.sources, *names)
        sources, _ = imposed(self.compiled, self.names)
        self.offset, self.amps = dense(sources.offset), dense(sources.injection_value)
        red = self.compiled.reduction
        row = np.full(self.circuit.n_elements, -1)
        row[red.conductors.element] = np.arange(len(red.conductors.element))
        self._trainable: Ints = row[question.selection.elements()]

    @classmethod
    def fits(cls, question: Question) -> str | None:
        """Return why samples can't be solved at once, None if they can."""
        if question.precision == "single":
            return "it works in double precision only"
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
        data = _Data(net, self.outputs, columns @ self.offset.T, columns @ self.amps.T)
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

    def _network(self, g: Any) -> _Network:
        siemens = self.compiled.reduction.conductors.siemens.copy()
        siemens[self._trainable] = g
        return _Network(self.compiled, siemens)

    def _ends(self, net: _Network) -> Floats:
        """Return outputs per coordinate, shape (outputs, n)."""
        return net.of_node[self.outputs.p] - net.of_node[self.outputs.q]

    def _state(self, net: _Network, columns: Floats, x: Floats) -> State:
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
        self, columns: Floats, net: _Network, voltages: Floats, currents: Floats
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
        at = self.outputs
        measured = voltages[:, at.p] - voltages[:, at.q]
        flows = np.array([self.circuit.element(n) for n in self.question.flows], dtype=np.int64)
        voltages = np.concatenate((voltages, currents[:, flows]), axis=1)
        none = np.zeros((len(fine), 0), dtype=np.bool_)
        return States(self, voltages, measured, none, np.full(len(fine), -1), held, held)

    # ---- derivatives ----

    def adjoint(self, states: States, slope: Floats) -> Floats:
        """Return the adjoint of each node, and of the voltages of what `flows`."""
        held: Held = states.detail
        net = _Network(self.compiled, held.siemens)
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


class _Network:
    """Conductances and laws between nodes whose coordinates are unknown.

    Attributes
    ----------
    of_node : ndarray, shape (n_nodes, n)
        1 where a node has a coordinate.
    """

    def __init__(self, compiled: Compiled, siemens: Floats) -> None:
        red = compiled.reduction
        self.red, self.siemens = red, siemens
        self.of_node = np.eye(len(red.part))[red.coordinate][:, 1:]
        self.law_p, self.law_q = red.laws.p, red.laws.q

    @cached_property
    def matrix(self) -> Floats:
        """Conductances between nodes, shape (n_nodes, n_nodes)."""
        branch, n = self.red.conductors, len(self.of_node)
        found = np.zeros((n, n))
        for one, other in ((branch.p, branch.q), (branch.q, branch.p)):
            np.add.at(found, (one, one), self.siemens)
            np.add.at(found, (one, other), -self.siemens)
        return found

    def across(self, voltages: Floats) -> Floats:
        """Return the voltages across the laws, shape (P, laws)."""
        found: Floats = voltages[:, self.law_p] - voltages[:, self.law_q]
        return found

    def coordinates(self, voltages: Floats, offset: Floats) -> Floats:
        """Return coordinates, shape (P, n), of node voltages."""
        node = self.of_node.argmax(axis=0)
        found: Floats = voltages[:, node] - offset[:, node]
        return found

    def evaluated(self, volts: Floats) -> tuple[Floats, list[tuple[slice, Floats]]]:
        """Return the currents of laws, shape (P, laws), and slopes by function."""
        current, slopes = np.zeros_like(volts), []
        for rows, shape, function in self._functions(len(volts)):
            i, s = function.evaluate(volts[:, rows].reshape(-1, shape[1]))
            current[:, rows] = i.reshape(len(volts), -1)
            slopes.append((rows, s.reshape(len(volts), *shape, shape[1])))
        return current, slopes

    def limited(self, new: Floats, old: Floats) -> Floats:
        """Return how far tangents may be trusted."""
        found = new.copy()
        for rows, shape, function in self._functions(len(new)):
            part = function.limit(
                new[:, rows].reshape(-1, shape[1]), old[:, rows].reshape(-1, shape[1])
            )
            found[:, rows] = part.reshape(len(new), -1)
        return found

    def _functions(self, points: int) -> list[tuple[slice, tuple[int, int], Any]]:
        """Return the functions for so many points, one after the other."""
        if points not in self._copies:
            self._copies[points] = [
                (rows, shape, function.some(np.tile(np.arange(shape[0]), points)))
                for rows, shape, function in self.red.laws.functions
            ]
        return self._copies[points]

    @cached_property
    def _copies(self) -> dict[int, list[tuple[slice, tuple[int, int], Any]]]:
        return {}

    def law_currents(self, voltages: Floats) -> Floats:
        """Return the currents of the laws at node voltages, shape (P, laws)."""
        return self.evaluated(self.across(voltages))[0]

    @cached_property
    def incidence(self) -> Floats:
        """+1 at the first, -1 at the second node of each law, shape (laws, n_nodes)."""
        found = np.zeros((len(self.law_p), len(self.of_node)))
        rows = np.arange(len(found))
        np.add.at(found, (rows, self.law_p), 1.0)
        np.add.at(found, (rows, self.law_q), -1.0)
        return found

    def law_jacobian(self, slopes: list[tuple[slice, Floats]], incidence: Floats) -> Floats:
        """Return the slopes between what `incidence` joins laws to, shape (P, n, n)."""
        n = incidence.shape[1]
        total: Floats = np.zeros((1, n, n))
        for rows, slope in slopes:
            points, devices, size, _ = slope.shape
            own = incidence[rows].reshape(devices, size, n)
            spread = np.einsum("pdbc,dcm->pdbm", slope, own).reshape(points, devices * size, n)
            total = total + incidence[rows].T @ spread
        return total

    def node_jacobian(self, voltages: Floats) -> Floats:
        """Return the derivatives of the balance of nodes by their voltages, shape (P, n, n)."""
        slopes = self.evaluated(self.across(voltages))[1]
        return self.matrix + self.law_jacobian(slopes, self.incidence)


class _Data:
    """Samples of a network: what sources impose on each of them."""

    def __init__(self, net: _Network, outputs: Terminals, offset: Floats, amps: Floats) -> None:
        self.net, self.offset = net, offset
        #: outputs where all coordinates are zero, shape (P, outputs)
        self.at_zero = offset[:, outputs.p] - offset[:, outputs.q]
        feeds = net.red.injections
        drawn = np.zeros_like(offset)
        np.add.at(drawn.T, feeds.p, amps.T)
        np.add.at(drawn.T, feeds.q, -amps.T)
        self.matrix = net.of_node.T @ net.matrix @ net.of_node
        self.load = -(drawn + offset @ net.matrix) @ net.of_node
        self.incidence = net.incidence @ net.of_node
        self.across = net.across(offset)

    def settled(
        self, nudge: Nudge, ends: Floats, near: Floats | None
    ) -> tuple[Floats, Floats, Floats, Bools]:
        """Return voltages across laws, coordinates, what nudges feed in, and where it settled."""
        net, points = self.net, len(self.offset)
        volts = np.tile(net.red.laws.start(), (points, 1)) if near is None else near
        x, feed = np.zeros_like(self.load), np.zeros((points, len(ends)))
        left = np.full(points, STEPS)
        for _ in range(STEPS):
            current, slopes = net.evaluated(volts)
            matrix = self.matrix + net.law_jacobian(slopes, self.incidence)
            rest = current.copy()
            for rows, slope in slopes:
                shift = (self.across - volts)[:, rows].reshape(points, *slope.shape[1:3])
                rest[:, rows] += np.einsum("pdbc,pdc->pdb", slope, shift).reshape(points, -1)
            x, feed = self._solved(matrix, self.load - rest @ self.incidence, nudge, ends)
            new = x @ self.incidence.T + self.across
            trusted = net.limited(new, volts)
            size = np.abs(new).max(axis=1, initial=1e-300)
            still = np.abs(new - volts).max(axis=1) <= SETTLED * size
            volts = np.where(np.isfinite(trusted), trusted, 0.0)
            left = np.where(still, np.minimum(left, POLISH + 1) - 1, left)
            if (left <= 0).all():
                break
        return volts, x, feed, left <= POLISH

    def _solved(
        self, matrix: Floats, load: Floats, nudge: Nudge, ends: Floats
    ) -> tuple[Floats, Floats]:
        """Return coordinates, and what stiff nudges feed into the outputs."""
        count, points = len(ends), len(load)
        if not nudge.stiffness:
            return _solve(matrix, load), np.zeros((points, count))
        if nudge.target is None:
            raise UsageError("a nudge with a stiffness needs a target")
        # o + feed / stiffness = target, with the feed an unknown
        n = matrix.shape[1]
        whole = np.zeros((points, n + count, n + count))
        whole[:, :n, :n], whole[:, :n, n:], whole[:, n:, :n] = matrix, -ends.T, ends
        whole[:, n:, n:] = np.eye(count) / nudge.stiffness
        aim = nudge.target - self.at_zero
        both = _solve(whole, np.concatenate((load, aim), axis=1))
        return both[:, :n], both[:, n:]


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


def _solve(matrix: Floats, load: Floats) -> Floats:
    """Return solutions; NaN for all where one matrix is singular, so that none is believed."""
    try:
        return np.asarray(np.linalg.solve(matrix, load[..., None])[..., 0])
    except np.linalg.LinAlgError:
        return np.full_like(load, np.nan)


def _fresh(taken: Any, count: int) -> list[str]:
    stem, known = "i_nudge", set(taken)
    while any(f"{stem}{k + 1}" in known for k in range(count)):
        stem += "_"
    return [f"{stem}{k + 1}" for k in range(count)]
