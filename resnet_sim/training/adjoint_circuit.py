"""The adjoint of a state as a circuit: Director and Rohrer's adjoint network.

Whatever the devices are, a state is one of a linear network: conductances, those of curves and of
diodes as they stand among them, keep their places, independent sources are zero, and the two ports
of everything that one voltage or current makes of another change theirs:

    G: i_pq = g v_cd        ->  i_cd = g v_pq
    E: v_pq = A v_cd        ->  v_pq = 0 and i_cd = -A i_pq       (a current-controlled current)
    F: i_pq = B i_s         ->  v_s = -B v_pq                     (a voltage-controlled voltage)
    H: v_pq = r i_s         ->  v_pq = 0 and v_s = r i_pq

With -dC/do fed into the outputs its voltages a give ``dC/dg = (a_p - a_q) (v_p - v_q)``
(Director and Rohrer, IEEE Trans. Circuit Theory 16, 1969).  Tangents of transistors and
formulas are such G.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..arrays import Floats
from ..many.linearised import tangents
from ..model.builder import CircuitBuilder
from ..model.circuit import Circuit
from ..point.state import State


def adjoint_circuit(state: State, ends: Sequence[tuple[int, int]], slope: Floats) -> Circuit:
    """Return the adjoint of an operating point.

    Parameters
    ----------
    state : State
        One point.
    ends : sequence of (int, int)
        Nodes between which the outputs are measured.
    slope : ndarray, shape (n_outputs,)
        dC/do, per V.
    """
    made = _Adjoint(state)
    made.conductances()
    made.rigid()
    made.controlled()
    for k, ((p, q), amps) in enumerate(zip(ends, slope.tolist(), strict=True)):
        # fed into p: the source's current flows from its first node, through it, to its second
        made.b.current_source(f"iadjoint{k + 1}", made.node[q], made.node[p], -amps)
    return made.b.build()


class _Adjoint:
    """An adjoint that is being built."""

    def __init__(self, state: State) -> None:
        self.state, self.red = state, state.reduction
        circuit = self.red.circuit
        within = range(len(self.red.coordinate) - len(circuit.nodes))
        #: names of nodes, and of those within devices
        self.node = [*circuit.nodes, *(f"within.{k}" for k in within)]
        self.b = CircuitBuilder(f"adjoint of {circuit.title}".strip())
        self._names: set[str] = set()
        #: what the ties are called here
        self.tie = [self._name("v", element) for element in self.red.ties.element.tolist()]

    def _name(self, letter: str, element: int) -> str:
        """Return a name of what is made of an element: its own for a resistor."""
        own = self.red.circuit.element_names[element]
        name = own if own[0] == letter == "r" else letter + own
        taken = len(self._names)
        name = f"{name}.{taken}" if name in self._names else name
        self._names.add(name)
        return name

    def conductances(self) -> None:
        """Conductors, curves as steep as they are, and rectifiers that conduct."""
        red, on = self.red, self.state.rectifier_current > 0
        with np.errstate(divide="ignore"):
            parts = (
                (red.conductors, 1.0 / red.conductors.siemens),
                (red.curves, 1.0 / self.state.curve_slope),
                (red.rectifiers, np.where(on, red.rectifiers.resistance, np.inf)),
            )
        for branch, resistance in parts:
            columns = (branch.element, branch.p, branch.q, resistance)
            for element, p, q, ohms in zip(*(c.tolist() for c in columns), strict=True):
                if ohms == 0:
                    name = self._name("v", element)
                    self.b.voltage_source(name, self.node[p], self.node[q], 0.0)
                elif np.isfinite(ohms):
                    self.b.resistor(self._name("r", element), self.node[p], self.node[q], ohms)

    def _terms(self) -> Iterator[tuple[int, int, bool, int, float]]:
        """Yield of all terms of controls: count, control, of a current?, index and gain."""
        table = self.red.controls
        columns = (table.owner, table.of_current, table.index, table.gain)
        yield from zip(range(len(table.gain)), *(c.tolist() for c in columns), strict=True)

    def rigid(self) -> None:
        """Ties: sources of 0 V that measure their currents, and what drives them in series."""
        red, table = self.red, self.red.controls
        series: dict[int, list[tuple[int, int, float]]] = {}
        for count, row, of_current, index, gain in self._terms():
            if of_current:
                series.setdefault(red.tie_of[index], []).append((count, row, gain))
        for tie, (p, q) in enumerate(zip(red.ties.p.tolist(), red.ties.q.tolist(), strict=True)):
            at = self.node[p]
            for count, row, gain in series.get(tie, ()):
                inner = f"in.{self.tie[tie]}.{count}"
                if table.is_voltage[row]:
                    self.b.ccvs(f"h.{count}", at, inner, self.tie[self._tie(row)], gain)
                else:
                    ends = self.node[table.p[row]], self.node[table.q[row]]
                    self.b.vcvs(f"e.{count}", at, inner, *ends, -gain)
                at = inner
            self.b.voltage_source(self.tie[tie], at, self.node[q], 0.0)

    def _tie(self, control: int) -> int:
        return int(self.state.compiled.tie_of_source[control])

    def controlled(self) -> None:
        """Currents that what was controlled by voltages draws from there."""
        table, laws = self.red.controls, self.red.laws
        for count, row, of_current, index, gain in self._terms():
            if of_current or index == 0:
                continue
            at = self.node[index]
            if table.is_voltage[row]:
                self.b.cccs(f"f.{count}", at, "0", self.tie[self._tie(row)], -gain)
            else:
                ends = self.node[table.p[row]], self.node[table.q[row]]
                self.b.vccs(f"g.{count}", at, "0", *ends, gain)
        current, voltage, slope = tangents(self.state)
        for k in np.flatnonzero(slope).tolist():
            fed, by = int(voltage[k]), int(current[k])
            p, q = (self.node[end[fed]] for end in (laws.p, laws.q))
            plus, minus = (self.node[end[by]] for end in (laws.p, laws.q))
            self.b.vccs(f"g.law.{k}", p, q, plus, minus, float(slope[k]))
