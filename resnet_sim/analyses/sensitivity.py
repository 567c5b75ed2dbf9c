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
from ..laws.influence import Influence
from ..laws.registry import laws
from ..many.linearised import Transposed, conducting, tangents
from ..many.nodal import controls
from ..many.states import knees
from ..model.circuit import Circuit
from ..model.names import several
from ..point.certified import nodeset
from ..point.engine import PointSolver
from ..point.solved import Point
from ..results.outputs import find_output
from .given import Given, as_circuit, spelled
from .parameters import Moved, moved, note_parameters


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
        ``s1:ron``, ``s1:roff``, ``e1:gain``; ``b1:formula``, what is added to one; by parameters of
        the deck that do not jump, ``param:r1`` where an element has the name.  V or A per unit.
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


@spelled
def sensitivities(
    circuit: Given, outputs: str | Sequence[str], *, tolerance: float = 1e-9
) -> list[Sensitivity]:
    r"""Return the derivatives of outputs by every value of a circuit.

    Parameters
    ----------
    circuit : Circuit, str or path-like
        Or the path of a deck, or its text.
    outputs : str or sequence of str
        ``v(node)``, ``v(node,node)`` or ``i(element)``.
    tolerance : float
        Of the operating point, relative.

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
    circuit = as_circuit(circuit)
    solution = _Linearised(circuit, tolerance)
    parameters = moved(solution.influence()) if circuit.parameters else ()
    return [solution.sensitivity(output, parameters) for output in several(outputs, "outputs")]


@spelled
def transfer_function(
    circuit: Given, output: str, source: str, *, tolerance: float = 1e-9
) -> TransferFunction:
    r"""Return gain, input and output resistance between an independent source and an output.

    Parameters
    ----------
    circuit : Circuit, str or path-like
        Or the path of a deck, or its text.
    output : str
        ``v(node)``, ``v(node,node)``, or the current ``i(v1)`` of a voltage source.
    source : str
        A voltage or current source.
    tolerance : float
        Of the operating point, relative.

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
    circuit = as_circuit(circuit)
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
        #: 1 for the element whose current it is
        self.share = np.zeros(circuit.n_elements)
        if not isinstance(found, int):
            self.slope[found[0]] += 1.0
            self.slope[found[1]] -= 1.0
            self.value = float(self.slope[: len(circuit.nodes)] @ solution.point.voltages)
            return
        element = found
        self.value = float(solution.point.currents[element])
        self.share[element] = 1.0
        n = len(red.coordinate)
        for tie in np.flatnonzero(red.ties.element == element):
            self.slope[n + tie] = 1.0
        for branch, siemens in (
            (red.conductors, red.conductors.siemens),
            (red.curves, solution.point.state.curve_slope),
        ):
            for k in np.flatnonzero(branch.element == element):
                g = branch.sign[k] * siemens[k]
                self.slope[branch.p[k]] += g
                self.slope[branch.q[k]] -= g
        p, q, share = solution.law_shares(element)
        np.add.at(self.slope, p, share)
        np.add.at(self.slope, q, -share)
        at = n + len(red.ties)
        rows = np.flatnonzero(red.rectifiers.element[solution.on] == element)
        self.slope[at + rows] += red.rectifiers.sign[solution.on[rows]]
        feeds, (control, unknown, gain) = red.injections, controls(red)
        for k in np.flatnonzero((feeds.element == element) & (feeds.source >= 0)):
            own = control == feeds.source[k]
            np.add.at(self.slope, unknown[own], feeds.sign[k] * gain[own])


class _Linearised:
    """The linear network of a solution."""

    def __init__(self, circuit: Circuit, tolerance: float) -> None:
        self.circuit = circuit
        engine = PointSolver(circuit, "auto", tolerance, nodeset(circuit, None))
        self.point: Point = engine.solve(circuit)
        state = self.point.state
        self.on, self.transposed = conducting(state), Transposed(state)
        self.size = len(state.reduction.coordinate) + len(state.reduction.ties) + len(self.on)

    def law_shares(self, element: int) -> tuple[Ints, Ints, Floats]:
        """Return nodes, and the derivatives of an element's current by the voltages there."""
        laws = self.point.state.reduction.laws
        row, column, slope = tangents(self.point.state)
        own = laws.element[row] == element
        share = laws.sign[row[own]] * slope[own]
        return laws.p[column[own]], laws.q[column[own]], share

    def sensitivity(self, text: str, parameters: Sequence[Moved] = ()) -> Sensitivity:
        """Return the derivatives of one output, also by parameters of the deck."""
        output = _Output(self, text)
        if np.isnan(output.value):
            raise UsageError(f"{text} is undefined: nothing fixes it")
        found = self.influence(output)
        for law in laws(self.circuit):
            law.derive(found)
        note_parameters(found, parameters)
        return Sensitivity(
            text, output.value + 0.0, found.derivatives, found.values, self._at_knee()
        )

    def influence(self, output: _Output | None = None) -> Influence:
        """Return what moves an output, or nothing."""
        circuit, state = self.circuit, self.point.state
        weights, share = np.zeros(self.size), np.zeros(circuit.n_elements)
        if output is not None:
            weights, share = self.transposed.multipliers(output.slope), output.share
        red, (p, q) = state.reduction, circuit.terminals
        n, n_ties = len(red.coordinate), len(red.ties)
        node, v = weights[:n], state.node_voltages()
        by_volts = np.zeros(circuit.n_elements)
        by_volts[red.ties.element] = weights[n : n + n_ties]
        rectifiers = red.rectifiers
        on, pull = self.on, weights[n + n_ties :]
        np.add.at(by_volts, rectifiers.element[on], rectifiers.sign[on] * pull)
        by_amps = share - (node[p] - node[q])
        return Influence(
            circuit, v[: len(circuit.nodes)], self.point.currents, self.point.closed,
            v[p] - v[q], by_amps, by_volts,
        )  # fmt: skip

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
        weights = self.transposed.multipliers(output.slope)
        return float(output.slope[: len(self.circuit.nodes)] @ weights[: len(self.circuit.nodes)])
