"""The certificate: checks a result against every law, from nothing but circuit and numbers.

Shares no code with reduction and solvers on purpose.  Kirchhoff's current law is checked
at every node, the law of every element, the complementarity of every diode, and the
balance of power.  What rounding alone explains is allowed for: some units in the last place of
the terms that were added.

One point of straight lines and knees can be known to the last digit of each of its numbers, and
must be: an error of 1e-7 in the smallest current shows (`_EachByItself`).  Many points at once,
curves, and what currents set may be off by what rounding of the largest numbers does to the
smallest.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..model.circuit import Circuit
from ..results.proof import Certificate
from .check import EPS, EXPONENTIAL, ROUNDINGS, Check, clusters, largest, sums
from .law import Law
from .registry import laws
from .stability import monotone, stable

#: Rounding of voltages excuses no more than this share of the largest current.
LOUDEST = 1e-6
#: Units in the last place that sums of currents may be off by at one point.
SUMMED = 32
#: What n nodes leave over flows to ground through some of them, and solutions that have been
#: refined leave little: the share ``(EACH n)^3`` of the largest rounds the smallest.  The law is
#: found by trial: next to nothing of ten nodes, all of it where factors have lost their digits.
EACH = 1e-4


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
    straight = all(law.straight() for law in laws(circuit))
    kind = _EachByItself if straight else _Whole
    check = kind(circuit, voltages[None], currents[None], closed, tolerance)
    proof, _ = _judged(check)
    return proof if proof.stable else replace(proof, stable=stable(circuit, voltages, currents))


def certify_found(
    circuit: Circuit, voltages: Floats, currents: Floats, closed: Bools, tolerance: float
) -> Certificate:
    """Check what a solver has found, see `certify`.

    Some of it can't be known better than rounding of the largest numbers lets it, which `certify`
    does not excuse: of 20,000 random circuits four had such a number.
    """
    proof = certify(circuit, voltages, currents, closed, tolerance)
    if proof.ok:
        return proof
    whole, _ = _judged(_Whole(circuit, voltages[None], currents[None], closed, tolerance))
    return replace(whole, stable=proof.stable)


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
    return _judged(_Whole(circuit, voltages, currents, closed, tolerance))


def _judged(check: _Whole) -> tuple[Certificate, Bools]:
    check.kirchhoff()
    for law in check.laws:
        law.certify(check)
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
        tolerance=check.tolerance,
        failures=tuple(text for _, text in worst[:20]),
        stable=monotone(check.circuit) or None,
    )
    return certificate, ~check.bad


class _Whole(Check):
    """What concerns the circuit as a whole; arrays have a leading axis of points."""

    kcl = kcl_relative = mismatch = 0.0
    #: power of what exponentials are off by, W
    doubt: Floats | float = 0.0

    @cached_property
    def laws(self) -> tuple[Law[Any], ...]:
        """The laws of the devices that the circuit has."""
        return tuple(laws(self.circuit))

    @cached_property
    def digit(self) -> Floats:
        """The last digit of what currents are differences of, A, shape (points, 1).

        Ties bring it to where the elements with such currents are not.
        """
        within = np.zeros(self.i.shape)
        for law in self.laws:
            within[:, law.rows] = law.within()
        return np.asarray(EPS * largest(within))

    def node_sums(self, values: Floats) -> tuple[Floats, Floats]:
        """Return sums over the elements that begin and end at each node, shape (points, n_nodes).

        `values` has shape (points, n_elements).
        """
        n = len(self.circuit.nodes)
        return sums(n, self.p, values), sums(n, self.q, values)

    def kirchhoff(self) -> None:
        """Sum of currents at every node, and at every cluster of nodes.

        Rounding of the voltages moves the current of a conductance g by ``eps g |v|``, which
        a node's sum may be off by, but by no more than `LOUDEST` of the largest current, if any
        current is more than rounding.  Where that is not small beside what flows there, the
        elements that make it so are contracted: what their cluster exchanges with the rest must
        still balance.
        """
        floor, sure = np.zeros(self.i.shape), np.zeros(self.i.shape)
        for law in self.laws:
            floor[:, law.rows] = law.openness(self)
            if law.device.plural in EXPONENTIAL:
                sure[:, law.rows] = floor[:, law.rows]
        total = np.subtract(*self.node_sums(self.i))
        size = np.add(*self.node_sums(np.abs(self.i)))
        error = np.abs(total)
        self.kcl = float(error.max(initial=0.0))
        self.kcl_relative = float((error / np.where(size > 0, size, 1.0)).max(initial=0.0))
        open_ = np.add(*self.node_sums(floor))
        most = LOUDEST * largest(size)
        self.lost = np.minimum(ROUNDINGS * self.digit, most)
        noise = ROUNDINGS * EPS * largest(size) + self.lost + self.nothing
        spread = np.minimum(open_, most)
        if sure.any():
            # so much the exponentials themselves are off by, however little flows
            off = np.add(*self.node_sums(sure))
            spread = np.maximum(np.minimum(open_, np.maximum(most, largest(off))), off)
            self.doubt = (sure * np.abs(self.drop)).sum(axis=-1)
        allowed = self.tolerance * size + noise + spread
        quiet = (largest(np.abs(self.i)) <= largest(floor)).any()
        if (quiet or (error > allowed).any()) and (still := self._still(floor)).any():
            self.stray = np.where(still, np.maximum(open_, ROUNDINGS * self.digit), 0.0)
            allowed = allowed + self.stray
        self.judge(self.circuit.nodes, "KCL (A)", error, allowed)
        loud = floor > self.tolerance * np.minimum(size[:, self.p], size[:, self.q])
        some = np.flatnonzero(loud.any(axis=-1))
        if not len(some):
            return
        error, allowed = np.zeros_like(total), noise + np.zeros_like(total)
        for k in some:
            error[k], allowed[k] = self._cluster_sums(loud[k], total[k], size[k], floor[k])
        allowed[some] += noise[some] + self.stray[some]
        self.judge(self.circuit.nodes, "KCL of the cluster (A)", error, allowed)

    def _still(self, floor: Floats) -> Bools:
        """Tell at which points no current is more than what rounding makes, shape (points, 1).

        There is none then with which errors could be compared.
        """
        told = [np.atleast_2d(device.is_told()) for device in self.circuit.tables.values()]
        # values of a table may differ from point to point
        told = [np.broadcast_to(rows, (len(self.i), rows.shape[1])) for rows in told]
        echoes = np.concatenate([law.echoes() for law in self.laws])
        still = np.abs(self.i) <= np.maximum(floor, self.digit)
        still |= np.concatenate(told, axis=1) | echoes
        return np.asarray(still.all(axis=-1, keepdims=True))

    def _cluster_sums(
        self, loud: Bools, total: Floats, size: Floats, floor: Floats
    ) -> tuple[Floats, Floats]:
        """Return what the clusters of one point are off by, and may be."""
        n = len(total)
        cluster = clusters(n, self.p[loud], self.q[loud])
        quiet = np.where(loud, 0.0, floor)
        spread = np.bincount(self.p, quiet, n) + np.bincount(self.q, quiet, n)
        error = np.abs(np.bincount(cluster, total, n).astype(float, copy=False))
        allowed = np.bincount(cluster, self.tolerance * size + spread, n).astype(float, copy=False)
        return error, allowed

    def power(self) -> None:
        """Tellegen: all elements together take no power; nor does complementarity fail."""
        power = self.drop * self.i
        size = np.abs(power).sum(axis=-1)
        balance = np.abs(power.sum(axis=-1)) + self.gap
        self.mismatch = float((balance / np.maximum(1.0, size)).max(initial=0.0))
        # what rounding leaves over at the nodes, times their voltages
        noise = (self.blur * np.abs(self.i)).sum(axis=-1)
        loudest = (self.few + self.nothing)[:, 0]
        noise += loudest * np.abs(self.v).sum(axis=-1)
        noise += (self.stray * np.abs(self.v)).sum(axis=-1) + self.doubt
        allowed = self.tolerance * size + noise
        names = ("the whole circuit",)
        self.judge(names, "power (W)", balance[:, None], allowed[:, None])


class _EachByItself(_Whole):
    """One point, each of whose numbers is told by what it is joined with.

    Why errors of 1e-7 in one number don't pass: the laws of the elements at a node compare its
    voltage with those of its neighbours, and allow ``ROUNDINGS`` units in the last place of both;
    so it shows unless all neighbours are a million times as high, where the laws, at working
    precision, say the same with or without it.  A current shows in the sums at its ends, as
    voltages excuse nothing there: currents are numbers of their own, which balance whatever the
    voltages have lost.  What doesn't show are currents below a hundredth of those at both ends
    (the tolerance is relative to these) through which the voltages drop by no more than their
    last digits, and what `_far` leaves of numbers near 1e-15 of the largest.
    """

    def _far(self, values: Floats) -> Floats:
        """Return which part of the largest rounds the smallest, shape (points, 1)."""
        return min(1.0, EACH * len(self.circuit.nodes)) ** 3 * largest(values)

    def roundings(self) -> Floats:
        """Return some units in the last place of each; ground is zero."""
        size = np.abs(self.v)
        self.nothing = SUMMED * EPS * self._far(np.abs(self.i))
        blur: Floats = EPS * (ROUNDINGS * size + 4 * self._far(size))
        blur[:, 0] = 0.0
        return blur

    def kirchhoff(self) -> None:
        """Sum of currents at every node.

        One node of each part is told by the others, and takes what rounding leaves over at all of
        them: ground, if the part is joined with it.
        """
        total = np.subtract(*self.node_sums(self.i))
        size = np.add(*self.node_sums(np.abs(self.i)))
        error = np.abs(total)
        self.kcl = float(error.max(initial=0.0))
        self.kcl_relative = float((error / np.where(size > 0, size, 1.0)).max(initial=0.0))
        rest = SUMMED * EPS * largest(size)
        noise = SUMMED * EPS * np.maximum(self._brought(size), self._far(size))
        noise[:, 0] = rest[:, 0]
        allowed = self.tolerance * size + noise
        if (error > allowed).any():
            last = self._last_of_parts(error - allowed)
            allowed[0, last] = np.maximum(allowed[0, last], rest[0])
        self.judge(self.circuit.nodes, "KCL (A)", error, allowed)

    def _last_of_parts(self, over: Floats) -> Ints:
        """Return of each part that no current joins with ground the node that is most over."""
        flows = self.i[0] != 0.0
        part = clusters(len(self.circuit.nodes), self.p[flows], self.q[flows])
        order = np.lexsort((over[0], part))
        last = order[np.append(part[order][1:] != part[order][:-1], True)]
        return np.asarray(last[part[last] != 0])

    def _brought(self, size: Floats) -> Floats:
        """Return the largest of the currents at a node and of those whose rounding ties bring.

        The current of a tie is what others leave for it at one end; ground is no such end.
        """
        none = np.zeros(0, dtype=np.bool_)  # of a circuit without elements
        ties = np.concatenate([none, *(law.ties(self.closed) for law in self.laws)])
        p, q = self.p[ties], self.q[ties]
        apart, result = size.copy(), size.copy()
        apart[:, 0] = 0.0
        with np.errstate(invalid="ignore"):
            np.maximum.at(result[0], p, apart[0, q])
            np.maximum.at(result[0], q, apart[0, p])
        return result
