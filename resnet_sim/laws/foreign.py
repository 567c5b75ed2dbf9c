"""How far node voltages are from obeying the laws, whoever found them.

Where two simulators disagree, this says whom to believe.  It knows nothing but the node
voltages.  They fix the currents of resistors and the like; the currents of what is ideal
(sources, shorts, conducting diodes) are chosen by a linear program so that Kirchhoff's
current law is violated as little as possible.  Shares no code with solvers and certificate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_matrix, csr_matrix, diags_array, hstack, vstack

from ..arrays import Bools, Floats, Ints
from ..model.circuit import Circuit

#: a diode so close to its knee, relative to the largest voltage, may conduct
KNEE = 1e-6
#: circuits without any larger voltage count as dead (V)
SMALLEST = 1e-9
TINY = float(np.finfo(float).tiny)


@dataclass(frozen=True)
class Violation:
    """The worst violation of the laws by a set of node voltages.

    Attributes
    ----------
    amps, amps_relative : float
        Largest sum of currents at a node, and relative to the terms of that sum.
    node : str
        Where that is.
    volts, volts_relative : float
        Largest deviation of a voltage that an ideal element fixes or limits, and relative
        to the largest voltage.
    element : str
        Which one that is.
    """

    amps: float
    amps_relative: float
    node: str
    volts: float
    volts_relative: float
    element: str

    @property
    def score(self) -> float:
        """The larger of the two relative violations."""
        return max(self.amps_relative, self.volts_relative)

    @property
    def obeys(self) -> bool:
        """Whether nothing is violated by more than a millionth."""
        return self.score <= KNEE


def violation(circuit: Circuit, voltages: Floats) -> Violation:
    """Judge the node voltages of a circuit whose switches are held.

    Parameters
    ----------
    circuit : Circuit
    voltages : ndarray, shape (n_nodes,)
        V; NaN where a node floats: it and what is connected to it are not judged.
    """
    return _Laws(circuit, voltages).judge()


class _Laws:
    """Currents as ``known + chosen``, and what fixed voltages are off by."""

    def __init__(self, circuit: Circuit, voltages: Floats) -> None:
        self.circuit = circuit
        self.floats = np.isnan(voltages)
        self.v = np.where(self.floats, 0.0, voltages)
        self.p, self.q = circuit.terminals
        self.drop = self.v[self.p] - self.v[self.q]
        self.largest = max(float(np.abs(self.v).max(initial=0.0)), SMALLEST)
        #: voltages that the currents come from; where they are nearly 0, rounding is not
        self.ends = np.abs(self.v[self.p]) + np.abs(self.v[self.q]) + KNEE * self.largest
        count = circuit.n_elements
        self.known = np.zeros(count)
        #: size of the terms that the known currents are made of
        self.size = np.zeros(count)
        #: bounds of what is chosen; none where both are 0
        self.low, self.high = np.zeros(count), np.zeros(count)
        self.error = np.zeros(count)

    def rows(self, table: str) -> slice:
        start = self.circuit.first[table]
        return slice(start, start + len(getattr(self.circuit, table)))

    def conduct(self, rows: slice, ohms: Floats, volts: Floats) -> None:
        """Set currents ``(v - volts) / ohms``; free ones where the resistance is 0."""
        rigid = ohms == 0
        conductance = np.divide(1.0, ohms, out=np.zeros_like(ohms), where=~rigid)
        ends = self.ends[rows] + np.abs(volts)
        self.known[rows] += conductance * (self.drop[rows] - volts)
        self.size[rows] += np.abs(conductance) * ends
        self.low[rows] = np.where(rigid, -np.inf, self.low[rows])
        self.high[rows] = np.where(rigid, np.inf, self.high[rows])
        self.error[rows] = np.where(rigid, np.abs(self.drop[rows] - volts), self.error[rows])

    def simple(self) -> None:
        """Everything but diodes and controlled sources; capacitors carry no current."""
        circuit = self.circuit
        switches = circuit.switches
        state = np.where(switches.closed, switches.r_on, switches.r_off)
        none = np.zeros(circuit.n_elements)
        for table, ohms, volts in (
            ("resistors", circuit.resistors.ohms, None),
            ("crossbars", circuit.crossbars.ohms, None),
            ("inductors", np.zeros(len(circuit.inductors)), None),
            ("voltage_sources", np.zeros(len(circuit.voltage_sources)), True),
            ("switches", state, None),
        ):
            rows = self.rows(table)
            self.conduct(rows, ohms, circuit.voltage_sources.volts if volts else none[rows])
        rows = self.rows("current_sources")
        self.known[rows] = circuit.current_sources.amps
        self.size[rows] = np.abs(circuit.current_sources.amps)

    def diodes(self) -> None:
        """Diodes: the leak between the knees, and beyond them a line or a free current."""
        table, rows = self.circuit.diodes, self.rows("diodes")
        drop = self.drop[rows]
        inner = np.clip(drop, -table.v_reverse, table.v_forward)
        self.known[rows] = inner / table.r_off
        self.size[rows] = np.abs(inner) / table.r_off
        near = KNEE * self.largest
        for ohms, beyond, forward in (
            (table.r_on, drop - table.v_forward, True),
            (table.r_reverse, -table.v_reverse - drop, False),
        ):
            sign = 1.0 if forward else -1.0
            ideal = ohms == 0
            slope = np.divide(1.0, ohms, out=np.zeros_like(ohms), where=~ideal)
            over = np.maximum(beyond, 0.0)
            self.known[rows] += sign * slope * over
            self.size[rows] += np.where(over > 0, slope * self.ends[rows], 0.0)
            free = ideal & (beyond >= -near)
            bound = self.high if forward else self.low
            bound[rows] = np.where(free, sign * np.inf, bound[rows])
            self.error[rows] = np.maximum(self.error[rows], np.where(ideal, over, 0.0))

    def controlled(self) -> tuple[csr_matrix, Floats, Bools]:
        """Return the laws of controlled sources as ``matrix @ chosen = right``.

        Shapes (sources, n_elements), (sources,); and which of them concern voltages.
        """
        table, rows = self.circuit.controlled_sources, self.rows("controlled_sources")
        count = len(table)
        self.low[rows], self.high[rows] = -np.inf, np.inf
        of = np.repeat(np.arange(count), np.diff(table.ptr))
        current = table.of_current
        element = np.where(current, table.index, 0)
        node = np.where(current, 0, table.index)
        value = table.gain * np.where(current, self.known[element], self.v[node])
        right = table.constant + np.bincount(of, value, count)
        right -= np.where(table.is_voltage, self.drop[rows], 0.0)
        # -right is what the terms of chosen currents must make up for
        entries = coo_matrix(
            (-table.gain[current], (of[current], element[current])),
            shape=(count, self.circuit.n_elements),
        )
        own = np.flatnonzero(~table.is_voltage)
        start = self.circuit.first["controlled_sources"]
        selves = coo_matrix(
            (np.ones(len(own)), (own, start + own)), shape=(count, self.circuit.n_elements)
        )
        # a voltage that no current controls is what it is
        fixed = table.is_voltage & (np.bincount(of, current, count) == 0)
        self.error[rows] = np.where(fixed, np.abs(right), 0.0)
        size = np.bincount(of, np.abs(table.gain * np.where(current, 0.0, self.v[node])), count)
        self.size[rows] += np.where(table.is_voltage, 0.0, size + np.abs(table.constant))
        return (entries + selves).tocsr()[~fixed], right[~fixed], table.is_voltage[~fixed]

    def judge(self) -> Violation:
        """Choose the currents and say what is left."""
        self.simple()
        self.diodes()
        laws, right, of_voltage = self.controlled()
        judged = ~(self.floats[self.p] | self.floats[self.q])
        for column in (self.known, self.size, self.low, self.high, self.error):
            column[~judged] = 0.0
        n = len(self.circuit.nodes)
        total = _sums(n, self.p, self.known, self.q, -self.known)
        size = _sums(n, self.p, self.size, self.q, self.size)
        # what only joins ideal elements must balance as well as the rest
        size[size == 0] = size[size > 0].min(initial=np.inf)
        size[np.isinf(size)] = 1.0
        chosen = self._choose(total, size, laws, right, of_voltage)
        left = np.abs(total + _sums(n, self.p, chosen, self.q, -chosen))
        # charge that leaves at ground has come from somewhere: its sum says nothing new
        left[self.floats] = 0.0
        node = int(np.argmax(left / size))
        worst = int(np.argmax(self.error)) if len(self.error) else 0
        return Violation(
            amps=float(left[node]),
            amps_relative=float(left[node] / size[node]),
            node=self.circuit.nodes[node],
            volts=float(self.error.max(initial=0.0)),
            volts_relative=float(self.error.max(initial=0.0)) / self.largest,
            element=self.circuit.element_names[worst] if len(self.error) else "",
        )

    def _choose(
        self, total: Floats, size: Floats, laws: csr_matrix, right: Floats, of_voltage: Bools
    ) -> Floats:
        """Return the chosen currents that leave the smallest relative sums at the nodes."""
        free = np.flatnonzero((self.low != 0) | (self.high != 0))
        chosen = np.zeros(len(self.known))
        if not len(free):
            return chosen
        n, k = len(total), len(free)
        signs = np.concatenate([np.ones(k), -np.ones(k)])
        nodes = np.concatenate([self.p[free], self.q[free]])
        incidence = coo_matrix((signs, (nodes, np.tile(np.arange(k), 2))), shape=(n, k)).tocsr()
        # units in which neither end of an element has extreme coefficients: HiGHS drops those
        unit = np.sqrt(size[self.p[free]] * size[self.q[free]])
        rows, columns = diags_array(1 / size), diags_array(unit)
        voltage_laws = laws[of_voltage][:, free] @ columns / self.largest
        soft = vstack([rows @ incidence @ columns, voltage_laws])
        target = np.concatenate([-total / size, right[of_voltage] / self.largest])
        bound = np.concatenate([~self.floats, np.ones(int(of_voltage.sum()), dtype=np.bool_)])
        soft, target = soft.tocsr()[bound], target[bound]
        slack = csr_matrix(np.ones((len(target), 1)))
        hard = laws[~of_voltage][:, free] @ columns
        level = diags_array(1 / np.maximum(abs(hard).max(axis=1).toarray().ravel(), TINY))
        low, high = self.low[free], self.high[free]
        result = linprog(
            np.concatenate([np.zeros(k), [1.0]]),
            A_ub=vstack([hstack([soft, -slack]), hstack([-soft, -slack])]),
            b_ub=np.concatenate([target, -target]),
            A_eq=hstack([level @ hard, csr_matrix((hard.shape[0], 1))]),
            b_eq=level @ right[~of_voltage],
            bounds=[
                *zip(low.tolist(), high.tolist(), strict=True),
                (0, None),
            ],
            options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
        )
        if result.x is not None:
            chosen[free] = result.x[:-1] * unit
        return chosen


def _sums(n: int, p: Ints, at_p: Floats, q: Ints, at_q: Floats) -> Floats:
    return np.asarray(np.bincount(p, at_p, n) + np.bincount(q, at_q, n), dtype=float)
