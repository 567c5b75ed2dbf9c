"""Sources whose voltage or current is a sum of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..arrays import Bools, Floats
from ..model.devices import ControlledSources
from .check import EPS, ROUNDINGS, Check, sums
from .law import Law

if TYPE_CHECKING:
    from .influence import Influence
    from .judged import Judged


class ControlledSourceLaw(Law[ControlledSources]):
    """``constant + sum gain * control``."""

    device = ControlledSources

    def certify(self, check: Check) -> None:
        """Judge against the terms of the sums."""
        table, rows = self.table, self.rows
        if not len(table):
            return
        safe = np.where(table.of_current, 0, table.index)
        branch = np.where(table.of_current, table.index, 0)
        terms = table.gain * np.where(table.of_current, check.i[:, branch], check.v[:, safe])
        value = table.constant + self._sums(terms)
        size = np.abs(terms) + self._open_terms(check) / (ROUNDINGS * EPS)
        size = np.abs(table.constant) + self._sums(size)
        actual = np.where(table.is_voltage, check.drop[:, rows], check.i[:, rows])
        error = np.abs(actual - value)
        blur = ROUNDINGS * EPS * size + np.where(
            table.is_voltage, check.blur[:, rows], check.nothing
        )
        check.linear(table.names, "controlled source", error, np.abs(actual), blur)

    def _sums(self, terms: Floats) -> Floats:
        """Return the sum of the terms of each source, shape (points, rows)."""
        of = np.repeat(np.arange(len(self.table)), np.diff(self.table.ptr))
        return sums(len(self.table), of, terms)

    def _open_terms(self, check: Check) -> Floats:
        """Return what rounding leaves open in each term, shape (points, terms)."""
        table = self.table
        node = np.where(table.of_current, 0, table.index)
        open_ = np.where(table.of_current, check.hum(), check.node_blur[:, node])
        return np.asarray(np.abs(table.gain) * open_)

    def openness(self, check: Check) -> Floats:
        """What is open in the sums, of sources of current."""
        return np.where(self.table.is_voltage, 0.0, self._sums(self._open_terms(check)))

    def echoes(self) -> Bools:
        """Those of current without a constant that currents alone control."""
        table = self.table
        of_voltage = self._sums(np.atleast_2d(1.0 * ~table.of_current))[0] > 0
        return np.asarray(~table.is_voltage & (table.constant == 0) & ~of_voltage)

    def straight(self) -> bool:
        """Not if currents are among the controls."""
        return not self.table.of_current.any()

    def ties(self, closed: Bools) -> Bools:
        """Those of voltage."""
        return self.table.is_voltage

    def judge(self, judged: Judged) -> None:
        """Equations between currents that are chosen; the controls have been judged before."""
        # the certificate, which every result needs, need not wait for this
        from scipy.sparse import coo_matrix

        table, rows = self.table, self.rows
        count, n = len(table), judged.circuit.n_elements
        judged.low[rows], judged.high[rows] = -np.inf, np.inf
        of = np.repeat(np.arange(count), np.diff(table.ptr))
        current = table.of_current
        element = np.where(current, table.index, 0)
        node = np.where(current, 0, table.index)
        value = table.gain * np.where(current, judged.known[element], judged.v[node])
        right = table.constant + np.bincount(of, value, count)
        right -= np.where(table.is_voltage, judged.drop[rows], 0.0)
        # -right is what the terms of chosen currents must make up for
        entries = coo_matrix(
            (-table.gain[current], (of[current], element[current])), shape=(count, n)
        )
        own = np.flatnonzero(~table.is_voltage)
        selves = coo_matrix((np.ones(len(own)), (own, rows.start + own)), shape=(count, n))
        # a voltage that no current controls is what it is
        fixed = table.is_voltage & (np.bincount(of, current, count) == 0)
        judged.error[rows] = np.where(fixed, np.abs(right), 0.0)
        volts = np.where(current, 0.0, judged.v[node])
        size = np.bincount(of, np.abs(table.gain * volts), count)
        judged.size[rows] += np.where(table.is_voltage, 0.0, size + np.abs(table.constant))
        matrix = (entries + selves).tocsr()[~fixed]
        judged.equations.append((matrix, right[~fixed], table.is_voltage[~fixed]))

    def derive(self, at: Influence) -> None:
        """By the constant, and by the gains, of which an ordinary source has one."""
        table = self.table
        controls = np.where(table.of_current, 0.0, at.v[np.where(table.of_current, 0, table.index)])
        elements = np.flatnonzero(table.of_current)
        controls[elements] = at.i[table.index[elements]]
        for k, name in enumerate(table.names):
            element = self.rows.start + k
            by_value = float((at.by_volts if table.is_voltage[k] else at.by_amps)[element])
            at.note(name, table.constant[k], by_value)
            some = slice(table.ptr[k], table.ptr[k + 1])
            by_gain = (by_value * controls[some]).tolist()
            gains = table.gain[some].tolist()
            if len(gains) == 2 and gains[0] == -gains[1]:  # between two nodes
                gains, by_gain = gains[:1], [by_gain[0] - by_gain[1]]
            for number, (gain, slope) in enumerate(zip(gains, by_gain, strict=True), 1):
                suffix = "gain" if len(gains) == 1 else f"gain{number}"
                at.note(f"{name}:{suffix}", gain, slope)
