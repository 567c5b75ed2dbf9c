"""The certificate: checks a result against every law, from nothing but circuit and numbers.

Shares no code with reduction and solvers on purpose.  Kirchhoff's current law is checked
at every node, the law of every element, the complementarity of every diode, and the
balance of power.  What rounding alone explains is allowed for: `ROUNDINGS` units in the
last place of the terms that were added.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..model.circuit import Circuit
from ..results.operating_point import Certificate

EPS = float(np.finfo(float).eps)
ROUNDINGS = 64
#: Rounding of voltages excuses no more than this share of the largest current.
LOUDEST = 1e-6


def certify(
    circuit: Circuit, voltages: Floats, currents: Floats, closed: Bools, tolerance: float
) -> Certificate:
    """Check an operating point.

    Parameters
    ----------
    circuit : Circuit
    voltages : ndarray, shape (n_nodes,)
        V; floating parts may have any consistent values.
    currents : ndarray, shape (n_elements,)
        A, from the first terminal of each element to the second.
    closed : ndarray of bool, shape (n_switches,)
        States of the switches.
    tolerance : float
        Relative to the currents at a node, the voltages across an element.

    Returns
    -------
    Certificate
    """
    return certify_points(circuit, voltages[None], currents[None], closed, tolerance)[0]


def certify_points(
    circuit: Circuit, voltages: Floats, currents: Floats, closed: Bools, tolerance: float
) -> tuple[Certificate, Bools]:
    """Check points of circuits that differ only in values.

    Parameters
    ----------
    circuit : Circuit
        Columns of values (ohms, volts, amps, v_forward) may have shape (points, rows).
    voltages, currents : ndarray, shapes (points, n_nodes) and (points, n_elements)
    closed : ndarray of bool, shape (n_switches,) or (points, n_switches)
    tolerance : float

    Returns
    -------
    Certificate
        The largest of every residual.
    good : ndarray of bool, shape (points,)
        Points that fulfil every law.
    """
    check = _Check(circuit, voltages, currents, tolerance)
    check.kirchhoff(closed)
    check.fixed_voltages()
    check.fixed_currents()
    check.resistances(closed)
    check.controlled()
    check.diodes()
    check.power()
    worst = sorted(check.failures, reverse=True)
    certificate = Certificate(
        ok=not worst,
        kcl_residual=check.kcl,
        kcl_relative=check.kcl_relative,
        law_residual=check.law,
        diode_voltage_violation=check.diode_voltage,
        diode_current_violation=check.diode_current,
        power_mismatch=check.mismatch,
        tolerance=tolerance,
        failures=tuple(text for _, text in worst[:20]),
    )
    return certificate, ~check.bad


def _sums(n: int, index: Ints, values: Floats) -> Floats:
    """Return the sums of `values`, shape (points, k), over equal indices, shape (points, n)."""
    points = len(values)
    flat = index if points == 1 else (index + n * np.arange(points)[:, None]).ravel()
    total = np.bincount(flat, values.ravel(), points * n).astype(float, copy=False)
    return total.reshape(points, n)


def _largest(values: Floats) -> Floats:
    """Return the largest value of each point, 0 if there is none, shape (points, 1)."""
    largest: Floats = values.max(axis=-1, keepdims=True, initial=0.0)
    return largest


def _clusters(n: int, p: Ints, q: Ints) -> Ints:
    """Return for each node the smallest node that the given elements connect it to."""
    label = np.arange(n)
    while True:
        before = label.copy()
        least = np.minimum(label[p], label[q])
        np.minimum.at(label, p, least)
        np.minimum.at(label, q, least)
        label = label[label]
        if np.array_equal(label, before):
            return label


class _Check:
    """Laws of a circuit at some points; arrays have a leading axis of points."""

    def __init__(
        self, circuit: Circuit, voltages: Floats, currents: Floats, tolerance: float
    ) -> None:
        self.circuit, self.v, self.i, self.tolerance = circuit, voltages, currents, tolerance
        self.p, self.q = circuit.terminals
        self.drop = voltages[:, self.p] - voltages[:, self.q]
        #: what rounding leaves open in each node's voltage, and in that across each element
        self.node_blur = EPS * (ROUNDINGS * np.abs(voltages) + 4 * _largest(np.abs(voltages)))
        self.blur = self.node_blur[:, self.p] + self.node_blur[:, self.q]
        self.kcl = self.kcl_relative = self.law = 0.0
        self.diode_voltage = self.diode_current = self.mismatch = 0.0
        self.gap = np.zeros(len(voltages))
        self.failures: list[tuple[float, str]] = []
        self.bad = np.zeros(len(voltages), dtype=np.bool_)

    def rows(self, table: str) -> slice:
        start = self.circuit.first[table]
        return slice(start, start + len(getattr(self.circuit, table)))

    def judge(self, names: Sequence[str], what: str, error: Floats, allowed: Floats) -> None:
        """Record where an error exceeds what is allowed; NaN always does."""
        bad = ~(error <= allowed)
        if not bad.any():
            return
        self.bad |= bad.any(axis=-1)
        for point, k in np.argwhere(bad)[:100]:
            off, limit = float(error[point, k]), float(allowed[point, k])
            ratio = off / limit if limit > 0 else np.inf
            text = f"{what} at {names[k]}: off by {off:.3g}, allowed {limit:.3g}"
            if len(bad) > 1:
                text = f"point {point}: {text}"
            self.failures.append((np.inf if np.isnan(ratio) else ratio, text))

    def node_sums(self, values: Floats) -> tuple[Floats, Floats]:
        """Return sums over the elements that begin and end at each node, shape (points, n_nodes).

        `values` has shape (points, n_elements).
        """
        n = len(self.circuit.nodes)
        return _sums(n, self.p, values), _sums(n, self.q, values)

    def kirchhoff(self, closed: Bools) -> None:
        """Sum of currents at every node, and at every cluster of nodes.

        Rounding of the voltages moves the current of a conductance g by ``eps g |v|``, which
        a node's sum may be off by, but by no more than `LOUDEST` of the largest current.
        Where that is not small beside what flows there, the elements that make it so are
        contracted: what their cluster exchanges with the rest must still balance.
        """
        floor = self._conductances(closed) * self.blur
        total = np.subtract(*self.node_sums(self.i))
        size = np.add(*self.node_sums(np.abs(self.i)))
        error = np.abs(total)
        self.kcl = float(error.max(initial=0.0))
        self.kcl_relative = float((error / np.where(size > 0, size, 1.0)).max(initial=0.0))
        noise = ROUNDINGS * EPS * _largest(size)
        spread = np.minimum(np.add(*self.node_sums(floor)), LOUDEST * _largest(size))
        allowed = self.tolerance * size + noise + spread
        self.judge(self.circuit.nodes, "KCL (A)", error, allowed)
        loud = floor > self.tolerance * np.minimum(size[:, self.p], size[:, self.q])
        some = np.flatnonzero(loud.any(axis=-1))
        if not len(some):
            return
        error, allowed = np.zeros_like(total), noise + np.zeros_like(total)
        for k in some:
            error[k], allowed[k] = self._cluster_sums(loud[k], total[k], size[k], floor[k])
        allowed[some] += noise[some]
        self.judge(self.circuit.nodes, "KCL of the cluster (A)", error, allowed)

    def _cluster_sums(
        self, loud: Bools, total: Floats, size: Floats, floor: Floats
    ) -> tuple[Floats, Floats]:
        """Return what the clusters of one point are off by, and may be."""
        n = len(total)
        cluster = _clusters(n, self.p[loud], self.q[loud])
        quiet = np.where(loud, 0.0, floor)
        spread = np.bincount(self.p, quiet, n) + np.bincount(self.q, quiet, n)
        error = np.abs(np.bincount(cluster, total, n).astype(float, copy=False))
        allowed = np.bincount(cluster, self.tolerance * size + spread, n).astype(float, copy=False)
        return error, allowed

    def _conductances(self, closed: Bools) -> Floats:
        """Return |i/v| of the resistive elements, zero for all others, S."""
        conductance = np.zeros(self.i.shape)
        for name, ohms in self._resistive(closed):
            some = np.where(ohms == 0, np.inf, np.abs(ohms))
            conductance[:, self.rows(name)] = 1.0 / some
        table = self.circuit.diodes
        on = np.minimum(table.r_on, table.r_reverse)
        conductance[:, self.rows("diodes")] = 1.0 / np.where(on > 0, on, table.r_off)
        return conductance

    def _resistive(self, closed: Bools) -> list[tuple[str, Floats]]:
        """Return the tables whose elements are resistances, and these, in ohm."""
        circuit, switches = self.circuit, self.circuit.switches
        state = np.where(closed, switches.r_on, switches.r_off)
        found = [("resistors", circuit.resistors.ohms), ("switches", state)]
        if circuit.crossbars.devices:
            found.append(("crossbars", circuit.crossbars.ohms))
        return found

    def laws(
        self, names: Sequence[str], what: str, error: Floats, size: Floats, blur: Floats
    ) -> None:
        """Judge deviations (V or A) of linear laws whose terms have a given size."""
        if not error.size:
            return
        allowed = self.tolerance * size + blur
        self.judge(names, what, error, allowed)
        relative = np.maximum(np.abs(error) - blur, 0.0) / np.where(size > 0, size, 1.0)
        self.law = max(self.law, float(relative.max(initial=0.0)))

    def fixed_voltages(self) -> None:
        """Sources and inductors."""
        table = self.circuit.voltage_sources
        for name, value in (("voltage_sources", table.volts), ("inductors", 0.0)):
            rows = self.rows(name)
            error = np.abs(self.drop[:, rows] - value)
            size = np.abs(self.drop[:, rows])
            self.laws(
                getattr(self.circuit, name).names, "voltage (V)", error, size, self.blur[:, rows]
            )

    def fixed_currents(self) -> None:
        """Sources and capacitors."""
        table = self.circuit.current_sources
        for name, value in (("current_sources", table.amps), ("capacitors", 0.0)):
            rows = self.rows(name)
            error = np.abs(self.i[:, rows] - value)
            self.laws(getattr(self.circuit, name).names, "current (A)", error, 0 * error, 0 * error)

    def resistances(self, closed: Bools) -> None:
        """Resistors, crossbars and switches: Ohm's law, with its limits zero and infinity."""
        for name, ohms in self._resistive(closed):
            rows = self.rows(name)
            self._ohm(getattr(self.circuit, name).names, ohms, rows)

    def _ohm(self, names: Sequence[str], ohms: Floats, rows: slice) -> None:
        """Check ``v = R i``, for an open circuit ``i = 0``."""
        opened = np.isinf(ohms)
        i, drop = self.i[:, rows], self.drop[:, rows]
        rise = np.where(opened, 0.0, ohms) * i
        error = np.where(opened, np.abs(i), np.abs(rise - drop))
        size = np.where(opened, 0.0, np.maximum(np.abs(rise), np.abs(drop)))
        self.laws(names, "Ohm's law (V)", error, size, np.where(opened, 0.0, self.blur[:, rows]))

    def controlled(self) -> None:
        """Controlled sources; judged against the terms of their sums."""
        table = self.circuit.controlled_sources
        if not len(table):
            return
        rows = self.rows("controlled_sources")
        safe = np.where(table.of_current, 0, table.index)
        branch = np.where(table.of_current, table.index, 0)
        terms = table.gain * np.where(table.of_current, self.i[:, branch], self.v[:, safe])
        open_ = np.abs(table.gain) * np.where(table.of_current, 0.0, self.node_blur[:, safe])
        of = np.repeat(np.arange(len(table)), np.diff(table.ptr))
        value = table.constant + _sums(len(table), of, terms)
        size = np.abs(terms) + open_ / (ROUNDINGS * EPS)
        size = np.abs(table.constant) + _sums(len(table), of, size)
        actual = np.where(table.is_voltage, self.drop[:, rows], self.i[:, rows])
        error = np.abs(actual - value)
        blur = ROUNDINGS * EPS * size + np.where(table.is_voltage, self.blur[:, rows], 0.0)
        self.laws(table.names, "controlled source", error, np.abs(actual), blur)

    def diodes(self) -> None:
        """Piecewise-linear law, in terms of the excess over the line ``i = v / r_off``."""
        table = self.circuit.diodes
        if not len(table):
            return
        rows = self.rows("diodes")
        v, leak = self.drop[:, rows], 1.0 / table.r_off
        excess = self.i[:, rows] - v * leak
        self._knee(excess, v, table.v_forward, table.r_on)
        self._knee(-excess, -v, table.v_reverse, table.r_reverse)

    def _knee(self, excess: Floats, v: Floats, knee: Floats, ohms: Floats) -> None:
        """Check one direction: no excess before the knee, a straight line beyond it."""
        table, rows = self.circuit.diodes, self.rows("diodes")
        leak = 1.0 / table.r_off
        excess = np.maximum(excess, 0.0)
        bends = (ohms < table.r_off) & np.isfinite(knee)
        # beyond the knee the slope is 1/ohms in all, of which 1/r_off is no excess
        slope = np.where(bends, ohms / np.where(bends, 1.0 - ohms * leak, 1.0), 0.0)
        beyond = np.where(bends, v - knee - slope * excess, -np.inf)
        size = np.abs(v) + np.where(bends, np.abs(knee), 0.0)
        allowed = self.tolerance * size + self.blur[:, rows]
        over = np.maximum(beyond, 0.0)
        stray = np.where(beyond < -allowed, excess, 0.0)
        noise = ROUNDINGS * EPS * _largest(np.abs(self.i))
        few = noise + leak * self.blur[:, rows] + self.tolerance * np.abs(v) * leak
        self.judge(table.names, "diode voltage (V)", over, allowed)
        self.judge(table.names, "diode current (A)", stray, few)
        self.diode_voltage = max(self.diode_voltage, float(over.max(initial=0.0)))
        self.diode_current = max(self.diode_current, float(stray.max(initial=0.0)))
        gap = np.where(np.isfinite(beyond), np.abs(beyond), 0.0)
        self.gap += np.where(excess > few, excess * gap, 0.0).sum(axis=-1)

    def power(self) -> None:
        """Tellegen: all elements together take no power; nor does complementarity fail."""
        power = self.drop * self.i
        size = np.abs(power).sum(axis=-1)
        balance = np.abs(power.sum(axis=-1)) + self.gap
        self.mismatch = float((balance / np.maximum(1.0, size)).max(initial=0.0))
        # what rounding leaves over at the nodes, times their voltages
        noise = (self.blur * np.abs(self.i)).sum(axis=-1)
        loudest = _largest(np.abs(self.i))[:, 0]
        noise += ROUNDINGS * EPS * loudest * np.abs(self.v).sum(axis=-1)
        allowed = self.tolerance * size + noise
        names = ("the whole circuit",)
        self.judge(names, "power (W)", balance[:, None], allowed[:, None])
