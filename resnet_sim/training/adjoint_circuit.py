"""The adjoint of a state as a circuit: Director and Rohrer's adjoint network.

Resistors and diodes as they stand keep their places, independent sources are zero, and the two
ports of every controlled source change theirs:

    G: i_pq = g v_cd        ->  i_cd = g v_pq
    E: v_pq = A v_cd        ->  v_pq = 0 and i_cd = -A i_pq       (a current-controlled current)
    F: i_pq = B i_s         ->  v_s = -B v_pq                     (a voltage-controlled voltage)
    H: v_pq = r i_s         ->  v_pq = 0 and v_s = r i_pq

With -dC/do fed into the outputs its voltages a give ``dC/dg = (a_p - a_q) (v_p - v_q)``
(Director and Rohrer, IEEE Trans. Circuit Theory 16, 1969).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..arrays import Floats
from ..errors import UsageError
from ..model.builder import CircuitBuilder
from ..model.circuit import Circuit
from ..results.operating_point import OperatingPoint

#: Tables of elements whose adjoints are known.
KNOWN = frozenset({
    "resistors", "voltage_sources", "current_sources", "diodes", "capacitors", "inductors",
    "controlled_sources",
})  # fmt: skip


def adjoint_circuit(op: OperatingPoint, ends: Sequence[tuple[int, int]], slope: Floats) -> Circuit:
    """Return the adjoint of an operating point.

    Parameters
    ----------
    op : OperatingPoint
        One point.
    ends : sequence of (int, int)
        Nodes between which the outputs are measured.
    slope : ndarray, shape (n_outputs,)
        dC/do, per V.

    Raises
    ------
    UsageError
        If an element has no adjoint here.
    """
    strange = [name for name in op.circuit.present if name not in KNOWN]
    if strange:
        table = op.circuit.tables[strange[0]]
        raise UsageError(
            f"{table.names[0]} is a {table.kind}: its adjoint is not written as a circuit"
        )
    made = _Adjoint(op)
    made.passive()
    made.rigid()
    made.controlled()
    names = [f"iadjoint{k + 1}" for k in range(len(ends))]
    for name, (p, q), amps in zip(names, ends, slope.tolist(), strict=True):
        # fed into p: the source's current flows from its first node, through it, to its second
        made.b.current_source(name, made.node[q], made.node[p], -amps)
    return made.b.build()


class _Adjoint:
    """An adjoint that is being built."""

    def __init__(self, op: OperatingPoint) -> None:
        self.op, self.circuit = op, op.circuit
        self.node = self.circuit.nodes
        self.b = CircuitBuilder(f"adjoint of {self.circuit.title}".strip())

    def passive(self) -> None:
        """Resistors, and diodes as the lines that they are on."""
        r, d = self.circuit.resistors, self.circuit.diodes
        for k, name in enumerate(r.names):
            if r.ohms[k] != 0:
                self.b.resistor(name, self.node[r.p[k]], self.node[r.q[k]], float(r.ohms[k]))
        first = self.circuit.first["diodes"]
        v = self.op.node_voltages
        across = v[d.p] - v[d.q]
        current = self.op.element_currents[first : first + len(d)]
        extra = current - across / d.r_off
        few = 1e-12 * np.abs(self.op.element_currents).max(initial=0.0)
        ohms = np.where(extra > few, d.r_on, np.where(extra < -few, d.r_reverse, d.r_off))
        for k, name in enumerate(d.names):
            p, q = self.node[d.p[k]], self.node[d.q[k]]
            if ohms[k] == 0:
                self.b.voltage_source(f"v{name}", p, q, 0.0)
            elif np.isfinite(ohms[k]):
                self.b.resistor(f"r{name}", p, q, float(ohms[k]))

    def rigid(self) -> None:
        """What holds a voltage, unless a source of the adjoint is to drive it."""
        circuit = self.circuit
        r, first = circuit.resistors, circuit.first["resistors"]
        for k in np.flatnonzero(r.ohms == 0).tolist():
            self._tie(first + k)
        for name in ("voltage_sources", "inductors"):
            for k in range(len(circuit.tables[name])):
                self._tie(circuit.first[name] + k)
        c, first = circuit.controlled_sources, circuit.first["controlled_sources"]
        for k in np.flatnonzero(c.is_voltage).tolist():
            self._tie(first + k)

    def _tie(self, element: int) -> None:
        """Add a source of 0 V that measures its current, and what drives the branch in series."""
        p, q = (int(end[element]) for end in self.circuit.terminals)
        name = self.circuit.element_names[element]
        c, at = self.circuit.controlled_sources, self.node[p]
        end, parts = self.node[q], []
        for k, source in enumerate(c.names):
            parts += [
                (source, k, gain)
                for of_current, index, gain in c.terms(k)
                if of_current and index == element
            ]
        for count, (source, k, gain) in enumerate(parts):
            inner = f"{name}.{count}"
            ends = self.node[c.p[k]], self.node[c.q[k]]
            if c.is_voltage[k]:
                self.b.ccvs(f"h{name}.{count}", at, inner, f"v{source}", gain)
            else:
                self.b.vcvs(f"e{name}.{count}", at, inner, *ends, -gain)
            at = inner
        self.b.voltage_source(f"v{name}", at, end, 0.0)

    def controlled(self) -> None:
        """Currents that what was controlled by voltages draws from there."""
        c = self.circuit.controlled_sources
        for k, source in enumerate(c.names):
            p, q = self.node[c.p[k]], self.node[c.q[k]]
            for count, (of_current, index, gain) in enumerate(c.terms(k)):
                if of_current or index == 0:
                    continue
                name, at = f"{source}.{count}", self.node[index]
                if c.is_voltage[k]:
                    self.b.cccs(f"f{name}", at, "0", f"v{source}", -gain)
                else:
                    self.b.vccs(f"g{name}", at, "0", p, q, gain)
