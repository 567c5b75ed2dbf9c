"""The certificate of many points of circuits that differ in values only, in compiled loops.

Devices that are lines, knees and junctions the loops judge, others judge by themselves; then the
loops say of which points they are sure.  The rest `certificate` judges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..arrays import Bools, Floats, Ints, plain
from ..model.circuit import Circuit
from ..results.proof import Certificate
from .certificate import LOUDEST, certify_points
from .check import EPS, ROUNDINGS, Check
from .law import Law
from .registry import laws
from .stability import monotone

#: Elements times points of a block that stays in the cache: no matter of `compiled.policy`, which
#: has a part in what is judged here.
CACHED = 60_000

#: name of a table -> name of a column -> values of shape (points, rows)
Columns = Mapping[str, Mapping[str, Floats]]


def certify_many(
    circuit: Circuit,
    columns: Columns,
    voltages: Floats,
    currents: Floats,
    closed: Bools,
    tolerance: float,
) -> tuple[list[Certificate], Bools]:
    """Check points of variants of a circuit; see `certify_points`.

    Parameters
    ----------
    columns : mapping
        The columns of values in which the variants differ, shape (points, rows).
    voltages, currents : ndarray, shapes (points, n_nodes) and (points, n_elements)
    closed : ndarray of bool, shape (n_switches,)

    Returns
    -------
    list of Certificate
        Of the points that fulfil every law, some at a time.
    good : ndarray of bool, shape (points,)
        Which these are.
    """
    points = _Points(circuit, columns, voltages, currents, closed, tolerance)
    step = max(8, int(CACHED / max(circuit.n_elements, 1)))
    for first in range(0, len(voltages), step):
        points.judge(slice(first, first + step))
    return points.found, points.good


def obeyed(circuit: Circuit, voltages: Floats, currents: Floats, tolerance: float) -> Bools:
    """Tell at which points all elements obey their laws, shape (points,); KCL is not asked.

    Parameters
    ----------
    circuit : Circuit
        Without switches.
    voltages, currents : ndarray, shapes (points, n_nodes) and (points, n_elements)
    """
    none = np.zeros(0, dtype=np.bool_)
    check = Check(circuit, voltages, currents, none, tolerance, figures=False)
    for law in laws(circuit):
        law.certify(check)
    return ~check.bad


class _Some(Check):
    """What some laws ask, who don't look at other elements than their own."""

    def __init__(self, asked: Sequence[Law[Any]], *args: Any) -> None:
        self._asked = asked
        super().__init__(*args)

    def across(self, rows: slice) -> tuple[Floats, Floats]:
        """Return the voltages across elements, and what is open in them, V; elsewhere zeros."""
        drop, blur = np.zeros(self.i.shape), np.zeros(self.i.shape)
        for law in self._asked:
            drop[:, law.rows], blur[:, law.rows] = super().across(law.rows)
        return drop, blur


class _Points:
    """Points, and which of them are good."""

    def __init__(
        self, circuit: Circuit, columns: Columns, v: Floats, i: Floats, closed: Bools, tol: float
    ) -> None:
        self.circuit, self.columns, self.closed, self.tolerance = circuit, columns, closed, tol
        self.v, self.i = np.ascontiguousarray(v), np.ascontiguousarray(i)
        self.p, self.q = (np.ascontiguousarray(end, np.int64) for end in circuit.terminals)
        self.good = np.zeros(len(v), dtype=np.bool_)
        self.found: list[Certificate] = []
        self.stable = monotone(circuit) or None
        #: how loops judge rows, with numbers of all points or common ones
        self._known: list[tuple[slice, Any, tuple[Floats, ...]]] = []
        self._others: list[type[Law[Any]]] = []
        self._ask()

    def _ask(self) -> None:
        """Ask the laws, once for all points, what loops need to know."""
        from . import _proofs

        for law in laws(self._variant(slice(None))):
            kinds: dict[Any, Any] = {
                _proofs.lines: law.line(self.closed), _proofs.knees: law.knees(),
                _proofs.junctions: law.junctions(),
            }  # fmt: skip
            for judge, found in kinds.items():
                if found:
                    columns = tuple(plain(np.atleast_2d(x)) for x in found)
                    self._known.append((law.rows, judge, columns))
                    break
            else:
                self._others.append(type(law))

    def judge(self, part: slice) -> None:
        """Judge some points that follow each other."""
        self.good[part] = self._prove(part)
        # what is odd is judged slowly, and in words
        rest = part.start + np.flatnonzero(~self.good[part])
        if len(rest):
            self._judge(rest)

    def _variant(self, rows: slice | Ints) -> Circuit:
        mine = {t: {c: x[rows] for c, x in some.items()} for t, some in self.columns.items()}
        return self.circuit._with_columns(mine)

    def _judge(self, rows: Ints) -> None:
        certificate, good = certify_points(
            self._variant(rows), self.v[rows], self.i[rows], self.closed, self.tolerance
        )
        self.good[rows] = good
        if good.all():
            self.found.append(certificate)
        elif good.any():
            self._judge(rows[good])

    def _prove(self, part: slice) -> Bools:
        """Tell of which points the loops are sure."""
        from . import _proofs

        p, q, v, i = self.p, self.q, self.v[part], self.i[part]
        count, n = v.shape
        node = tuple(np.empty((count, n)) for _ in range(4))
        whole, worst, floor = np.empty((count, 6)), np.zeros((count, 6)), np.empty(i.shape)
        sure = np.ones(count, dtype=np.bool_)
        _proofs.begin(v, i, EPS, ROUNDINGS, node, whole)
        for rows, judge, columns in self._known:
            mine = tuple(x[part] if len(x) > 1 else x for x in columns)
            judge(
                v, i, rows.start, p[rows], q[rows], mine, self.tolerance,
                node, floor, whole, sure, worst,
            )  # fmt: skip
        if self._others:
            variant = self._variant(part)
            others = [law for law in laws(variant) if type(law) in self._others]
            check = _Some(others, variant, v, i, self.closed, self.tolerance)
            self._consult(others, check, node, floor, whole, sure, worst)
        room = np.empty(n, np.int64), np.empty(n), np.empty(n)
        _proofs.balance(
            p, q, self.tolerance, LOUDEST, ROUNDINGS * EPS,
            node, floor, whole, sure, worst, room,
        )  # fmt: skip
        if sure.any():
            law_, over, stray, kcl, relative, power = worst[sure].max(axis=0).tolist()
            self.found.append(Certificate(
                True, kcl, relative, law_, over, stray, power, self.tolerance, stable=self.stable
            ))  # fmt: skip
        return sure

    def _consult(
        self, others: Sequence[Law[Any]], check: Check, node: tuple[Floats, ...], floor: Floats,
        whole: Floats, sure: Bools, worst: Floats,
    ) -> None:  # fmt: skip
        """Let laws that the loops don't know judge by themselves."""
        from . import _proofs

        for law in others:
            rows = law.rows
            floor[:, rows] = law.openness(check)
            law.certify(check)
            _proofs.carry(check.v, check.i, rows.start, self.p[rows], self.q[rows],
                          node, floor, whole)  # fmt: skip
        whole[:, _proofs.GAP] += check.gap
        worst[:, :3] = np.maximum(
            worst[:, :3], (check.law, check.diode_voltage, check.diode_current)
        )
        # the residuals are those of all points: with a bad one among them, none are known
        sure &= not check.bad.any()


class ResistorCurrents:
    """Currents of the resistors of a circuit that has sources to ground besides.

    Parameters
    ----------
    circuit : Circuit
        Of resistors, none of them zero, and voltage sources.
    """

    def __init__(self, circuit: Circuit) -> None:
        from scipy.sparse import csr_array

        r = circuit.resistors
        self.ohms = r.ohms[:, None]
        count, each = len(r), np.arange(len(r))
        entries = np.concatenate((np.ones(count), -np.ones(count)))
        place = np.concatenate((r.p, r.q)), np.concatenate((each, each))
        self.leaving: Any = csr_array((entries, place), shape=(len(circuit.nodes), count))
        self.touching: Any = abs(self.leaving)
        self.p, self.q = r.p, r.q
        self.free = np.ones(len(circuit.nodes), dtype=np.bool_)
        self.free[circuit.voltage_sources.p] = self.free[0] = False

    def of(self, v: Floats) -> Floats:
        """Return currents (A), shape (n_resistors, points), at node voltages (n_nodes, points)."""
        return (v[self.p] - v[self.q]) / self.ohms

    def balanced(self, v: Floats, current: Floats, tolerance: float) -> Bools:
        """Tell at which points all sums of currents are within `tolerance` of what flows there.

        What rounding of the voltages explains is allowed for, up to `LOUDEST` of the largest.
        """
        left = np.abs(self.leaving @ current)[self.free]
        size = (self.touching @ np.abs(current))[self.free]
        good = left <= tolerance * size
        if not good.all():
            terms = (np.abs(v[self.p]) + np.abs(v[self.q])) / self.ohms
            rounding = ROUNDINGS * EPS * (self.touching @ terms)[self.free]
            loudest = LOUDEST * size.max(axis=0, initial=0.0)
            good = left <= tolerance * size + np.minimum(rounding, loudest)
        return np.asarray(good.all(axis=0))
