"""Exact derivatives of outputs by every value of a circuit (``.sens``, ``.tf``).

At a solution, with its rectifiers and switches in their states, a circuit is linear:
``A z = b``.  One transposed solve gives the derivatives of an output ``o = c z`` by
everything: with ``A' w = c``, ``do/dp = w (db/dp - dA/dp z)`` plus what p does to o directly
(Director and Rohrer, "The generalized adjoint network and network sensitivities", 1969).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..arrays import Floats, Ints
from ..errors import UsageError
from ..many.linearised import conducting, multipliers
from ..many.states import knees
from ..model.circuit import Circuit
from ..point.branches import Branches
from ..point.certified import nodeset
from ..point.engine import Point, PointSolver
from ..results.operating_point import find_output


@dataclass(frozen=True)
class Sensitivity:
    """Derivatives of one output.

    Attributes
    ----------
    output : str
        Such as ``v(out)``.
    value : float
        The output, V or A.
    derivatives : dict of str to float
        By the value of each element (ohms, volts, amps; forward drop of a diode), and by
        what else it is described by: ``d1:ron``, ``d1:roff``, ``d1:vrev``, ``d1:rrev``,
        ``s1:ron``, ``s1:roff``, ``e1:gain``.  V or A per unit.
    values : dict of str to float
        The values themselves.
    at_knee : tuple of str
        Diodes that are exactly on their knee: there the output has a kink, and only
        derivatives to one side.

    Examples
    --------
    >>> (found,) = rs.sensitivities(rs.generators.ladder(1, series=3e3, shunt=1e3), ["v(n1)"])
    >>> {name: round(volts, 6) for name, volts in found.normalised.items()}  # V for 1 %
    {'rs0': -0.001875, 'rp0': 0.001875, 'v0': 0.0025}
    """

    output: str
    value: float
    derivatives: dict[str, float]
    values: dict[str, float]
    at_knee: tuple[str, ...] = ()

    @property
    def normalised(self) -> dict[str, float]:
        """Change of the output for 1 % of each value, V or A."""
        return {n: d * self.values[n] / 100.0 for n, d in self.derivatives.items()}


@dataclass(frozen=True)
class TransferFunction:
    """Small-signal behaviour between a source and an output (``.tf``).

    Attributes
    ----------
    gain : float
        d output / d source.
    input_resistance : float
        Of the circuit as the source sees it, ohm; infinite where no current flows.
    output_resistance : float
        Of the circuit as seen from the output, ohm.

    Examples
    --------
    >>> found = rs.transfer_function(rs.generators.ladder(1, series=3e3, shunt=1e3), "v(n1)", "v0")
    >>> round(found.gain, 6), round(found.input_resistance, 6)  # V/V, ohm
    (0.25, 4000.0)
    """

    output: str
    source: str
    gain: float
    input_resistance: float
    output_resistance: float


def sensitivities(
    circuit: Circuit, outputs: Sequence[str], *, tolerance: float = 1e-9
) -> list[Sensitivity]:
    r"""Return the derivatives of outputs by every value of a circuit.

    Parameters
    ----------
    outputs : sequence of str
        ``v(node)``, ``v(node,node)`` or ``i(element)``.

    Raises
    ------
    UsageError
        If an output is unknown or not fixed by the circuit.
    TopologyError, ConvergenceError
        See `solve`.

    Examples
    --------
    >>> circuit = rs.parse_netlist("divider\nI1 0 out 1m\nR1 out 0 1k\nR2 out 0 3k")
    >>> (found,) = rs.sensitivities(circuit, ["v(out)"])
    >>> round(found.value, 6), round(found.derivatives["i1"], 6)  # V, V/A
    (0.75, 750.0)
    """
    solution = _Linearised(circuit, tolerance)
    return [solution.sensitivity(output) for output in outputs]


def transfer_function(
    circuit: Circuit, output: str, source: str, *, tolerance: float = 1e-9
) -> TransferFunction:
    r"""Return gain, input and output resistance between an independent source and an output.

    Raises
    ------
    UsageError
        If there is no such source or output, or the output is no voltage and no current of
        a voltage source.

    Examples
    --------
    >>> amplifier = rs.parse_netlist("gain\nV1 in 0 1\nR1 in 0 1k\nE1 a 0 in 0 10\nR2 a out 50")
    >>> found = rs.transfer_function(amplifier, "v(out)", "v1")
    >>> [round(x, 6) for x in (found.gain, found.input_resistance, found.output_resistance)]
    [10.0, 1000.0, 50.0]
    """
    number = circuit.element(source)
    table, _ = circuit.locate(number)
    name = circuit.element_names[number]
    if table not in ("voltage_sources", "current_sources"):
        raise UsageError(f"{source} is a {circuit.kind(number)}, not an independent source")
    solution = _Linearised(circuit, tolerance)
    gain = solution.sensitivity(output).derivatives[name]
    if table == "voltage_sources":
        conductance = -solution.sensitivity(f"i({name})").derivatives[name]
        input_resistance = _inverse(conductance)
    else:
        p, q = (circuit.nodes[ends[number]] for ends in circuit.terminals)
        input_resistance = -solution.sensitivity(f"v({p},{q})").derivatives[name]
    return TransferFunction(
        output, name, gain, input_resistance + 0.0, solution.output_resistance(output) + 0.0
    )


def _inverse(conductance: float) -> float:
    return float("inf") if conductance == 0 else 1.0 / conductance


class _Output:
    """An output as a linear form in node voltages, tie and rectifier currents, and more."""

    def __init__(self, solution: _Linearised, text: str) -> None:
        circuit, red = solution.circuit, solution.point.state.reduction
        found = find_output(circuit, text)
        self.slope = np.zeros(solution.size)
        #: shares of conductors' and injections' currents in the output
        self.conductor = np.zeros(len(red.conductors))
        self.injection = np.zeros(len(red.injections))
        if not isinstance(found, int):
            self.slope[found[0]] += 1.0
            self.slope[found[1]] -= 1.0
            self.value = float(self.slope[: len(circuit.nodes)] @ solution.point.voltages)
            return
        element = found
        self.value = float(solution.point.currents[element])
        n = len(circuit.nodes)
        for tie in np.flatnonzero(red.ties.element == element):
            self.slope[n + tie] = 1.0
        for k in np.flatnonzero(red.conductors.element == element):
            self.conductor[k] = red.conductors.sign[k]
            g = self.conductor[k] * red.conductors.siemens[k]
            self.slope[red.conductors.p[k]] += g
            self.slope[red.conductors.q[k]] -= g
        at = n + len(red.ties)
        rows = np.flatnonzero(red.rectifiers.element[solution.on] == element)
        self.slope[at + rows] += red.rectifiers.sign[solution.on[rows]]
        for k in np.flatnonzero(red.injections.element == element):
            self.injection[k] = red.injections.sign[k]
            for term in solution.terms(int(red.injections.source[k])):
                solution.add_control(self.slope, term, self.injection[k])


class _Linearised:
    """The linear network of a solution."""

    def __init__(self, circuit: Circuit, tolerance: float) -> None:
        self.circuit = circuit
        engine = PointSolver(circuit, "auto", tolerance, nodeset(circuit, None))
        self.point: Point = engine.solve(circuit)
        state = self.point.state
        self.on = conducting(state)
        self.size = len(circuit.nodes) + len(state.reduction.ties) + len(self.on)

    def terms(self, source: int) -> range:
        """Return the terms of a controlled source; none for -1."""
        table = self.circuit.controlled_sources
        return range(0) if source < 0 else range(int(table.ptr[source]), int(table.ptr[source + 1]))

    def add_control(self, slope: Floats, term: int, factor: float) -> None:
        """Add a controlling voltage or current, times its gain, to a linear form."""
        table, red = self.circuit.controlled_sources, self.point.state.reduction
        index, share = int(table.index[term]), factor * float(table.gain[term])
        if table.of_current[term]:
            slope[len(self.circuit.nodes) + red.tie_of[index]] += share
        else:
            slope[index] += share

    def sensitivity(self, text: str) -> Sensitivity:
        """Return the derivatives of one output."""
        output = _Output(self, text)
        if np.isnan(output.value):
            raise UsageError(f"{text} is undefined: nothing fixes it")
        weights = multipliers(self.point.state, output.slope)
        found = _Derivatives(self, output, weights)
        return Sensitivity(
            text, output.value + 0.0, found.derivatives, found.values, self._at_knee()
        )

    def _at_knee(self) -> tuple[str, ...]:
        state = self.point.state
        branch, v = state.reduction.rectifiers, state.node_voltages()
        current = state.rectifier_current
        gap = branch.drop + branch.resistance * current - (v[branch.p] - v[branch.q])
        amps = max(float(np.abs(self.point.currents).max(initial=0.0)), 1e-300)
        volts = max(float(np.abs(v).max()), float(np.abs(branch.drop).max(initial=0.0)), 1e-300)
        row = int(knees(current[None] / amps, gap[None] / volts, branch.p, branch.q)[0])
        return () if row < 0 else (self.circuit.element_names[branch.element[row]],)

    def output_resistance(self, text: str) -> float:
        """Return what the output's voltage rises by per amp that is fed into it."""
        output = _Output(self, text)
        element = find_output(self.circuit, text)
        if isinstance(element, int):
            if self.circuit.locate(element)[0] != "voltage_sources":
                raise UsageError(f"{text} is not the current of a voltage source")
            name = self.circuit.element_names[element]
            return _inverse(-self.sensitivity(f"i({name})").derivatives[name])
        weights = multipliers(self.point.state, output.slope)
        return float(output.slope[: len(self.circuit.nodes)] @ weights[: len(self.circuit.nodes)])


class _Derivatives:
    """Collects the derivatives of an output with given multipliers."""

    def __init__(self, solution: _Linearised, output: _Output, weights: Floats) -> None:
        self.solution, self.output = solution, output
        point, red = solution.point, solution.point.state.reduction
        self.circuit, self.red = solution.circuit, red
        n, n_ties = len(self.circuit.nodes), len(red.ties)
        self.node, self.v = weights[:n], point.state.node_voltages()
        self.tie, self.rectifier = weights[n : n + n_ties], np.zeros(len(red.rectifiers))
        self.rectifier[solution.on] = weights[n + n_ties :]
        self.derivatives: dict[str, float] = {}
        self.values: dict[str, float] = {}
        #: derivatives by conductance, injected current, volts of ties
        across = self._across(red.conductors, self.v)
        self.siemens = across * (output.conductor - self._across(red.conductors, self.node))
        self.amps = output.injection - self._across(red.injections, self.node)
        self._resistances("resistors", self.circuit.resistors.ohms, "")
        self._resistances("crossbars", self.circuit.crossbars.ohms, "")
        self._sources()
        self._diodes()
        self._switches()
        self._controlled()

    @staticmethod
    def _across(branches: Branches, of: Floats) -> Floats:
        result: Floats = of[branches.p] - of[branches.q]
        return result

    def _note(self, name: str, value: float, derivative: float) -> None:
        self.values[name], self.derivatives[name] = float(value), float(derivative) + 0.0

    def _rows(self, table: str, branches: Branches) -> Ints:
        """Return the row among branches of each element of a table, -1 if it has none."""
        row = np.full(self.circuit.n_elements, -1)
        forward = np.flatnonzero(branches.sign > 0)
        row[branches.element[forward]] = forward
        first = self.circuit.first[table]
        return row[first : first + len(getattr(self.circuit, table))]

    def _resistances(self, table: str, ohms: Floats, suffix: str) -> None:
        """Resistors and switches; the derivative at zero ohm is that of a tie ``v = R i``."""
        conductor, tie = self._rows(table, self.red.conductors), self._rows(table, self.red.ties)
        first = self.circuit.first[table]
        for k, name in enumerate(getattr(self.circuit, table).names):
            slope = 0.0
            if conductor[k] >= 0:
                slope = -self.siemens[conductor[k]] / ohms[k] ** 2
            elif tie[k] >= 0:
                slope = self.tie[tie[k]] * self.solution.point.currents[first + k]
            self._note(name + suffix, ohms[k], slope)

    def _sources(self) -> None:
        circuit, red = self.circuit, self.red
        tie, feed = (
            self._rows("voltage_sources", red.ties),
            self._rows("current_sources", red.injections),
        )
        for k, name in enumerate(circuit.voltage_sources.names):
            self._note(name, circuit.voltage_sources.volts[k], self.tie[tie[k]])
        for k, name in enumerate(circuit.current_sources.names):
            self._note(name, circuit.current_sources.amps[k], self.amps[feed[k]])

    def _diodes(self) -> None:
        """Rows of `reduction`: a leak, and a rectifier of resistance on / (1 - on leak)."""
        table, red = self.circuit.diodes, self.red
        first, state = self.circuit.first["diodes"], self.solution.point.state
        leak_of = self._rows("diodes", red.conductors)
        by_drop = np.zeros((2, len(table)))
        by_ohms = np.zeros((2, len(table)))
        for row in self.solution.on.tolist():
            k, side = int(red.rectifiers.element[row]) - first, int(red.rectifiers.sign[row] < 0)
            by_drop[side, k] = self.rectifier[row]
            by_ohms[side, k] = self.rectifier[row] * state.rectifier_current[row]
        for k, name in enumerate(table.names):
            leak = 1.0 / table.r_off[k]
            on = np.array([table.r_on[k], table.r_reverse[k]])
            steep = np.where(
                on * leak < 1.0, 1.0 / np.where(on * leak < 1.0, 1.0 - on * leak, 1.0), 0.0
            )
            self._note(name, table.v_forward[k], by_drop[0, k])
            self._note(f"{name}:ron", on[0], by_ohms[0, k] * steep[0] ** 2)
            if np.isfinite(table.r_off[k]):
                by_leak = self.siemens[leak_of[k]] + float(
                    (by_ohms[:, k] * (on * steep) ** 2).sum()
                )
                self._note(f"{name}:roff", table.r_off[k], -by_leak * leak**2)
            if np.isfinite(table.v_reverse[k]):
                self._note(f"{name}:vrev", table.v_reverse[k], by_drop[1, k])
                self._note(f"{name}:rrev", on[1], by_ohms[1, k] * steep[1] ** 2)

    def _switches(self) -> None:
        table, closed = self.circuit.switches, self.solution.point.closed
        ohms = np.where(closed, table.r_on, table.r_off)
        self._resistances("switches", ohms, "")
        for k, name in enumerate(table.names):
            slope = self.derivatives.pop(name)
            del self.values[name]
            self._note(f"{name}:ron", table.r_on[k], slope if closed[k] else 0.0)
            if np.isfinite(table.r_off[k]):
                self._note(f"{name}:roff", table.r_off[k], 0.0 if closed[k] else slope)

    def _controlled(self) -> None:
        """Constants of controlled sources, and the gain of those with a single one."""
        table, red = self.circuit.controlled_sources, self.red
        tie = self._rows("controlled_sources", red.ties)
        feed = self._rows("controlled_sources", red.injections)
        for k, name in enumerate(table.names):
            by_value = float(self.tie[tie[k]] if tie[k] >= 0 else self.amps[feed[k]])
            self._note(name, table.constant[k], by_value)
            by_gain = [by_value * self._control(term) for term in self.solution.terms(k)]
            gains = table.gain[table.ptr[k] : table.ptr[k + 1]].tolist()
            if len(gains) == 2 and gains[0] == -gains[1]:  # between two nodes
                gains, by_gain = gains[:1], [by_gain[0] - by_gain[1]]
            for number, (gain, slope) in enumerate(zip(gains, by_gain, strict=True), 1):
                suffix = "gain" if len(gains) == 1 else f"gain{number}"
                self._note(f"{name}:{suffix}", gain, slope)

    def _control(self, term: int) -> float:
        """Return a controlling voltage or current."""
        table = self.circuit.controlled_sources
        index = int(table.index[term])
        return float((self.solution.point.currents if table.of_current[term] else self.v)[index])
