"""What follows parameters in a network: its conductances, its values, and derivatives by them.

With F(z) = 0 the equations of a state (KCL at the nodes, the voltages of ties and of conducting
rectifiers) and lambda their multipliers, ``dC/dp = -lambda dF/dp``.  Rules that contrast two
states know lambda as the change between these, weighed as co-content is behind amplifiers; what is
asked of a state beside its voltages are the currents of what fixes voltages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..arrays import Floats, Ints, as_slice
from ..errors import UsageError
from ..many.trainable import Selection, Ties
from ..model.affine import Affine
from ..model.circuit import Circuit
from ..model.devices import DEVICES
from ..point.reduction import Reduction
from .shared import Shared

if TYPE_CHECKING:
    from ..model.devices.mosfet import Mosfets

#: Columns that are more than numbers in a problem: with others it is another problem.
STRUCTURAL = ("gain", "r_on")


class Following:
    """What follows parameters.

    Parameters
    ----------
    circuit : Circuit
    shared : Shared
    selection : Selection
        What learns by itself; what follows parameters does not.

    Attributes
    ----------
    whole : Selection
        Conductances that change for whatever reason.
    own : slice or ndarray of int
        Places there of those that learn by themselves.
    ties : Ties
        Which values the conductances have: first those that learn by themselves, then different
        ones that follow.
    sources : tuple of str
        Elements whose values follow, and are set for each state.
    flows : tuple of str
        Elements whose currents count.
    fields : bool
        Whether derivatives need whole states, not only sums over samples.
    """

    def __init__(self, circuit: Circuit, shared: Shared, selection: Selection) -> None:
        self.circuit, self.shared = circuit, shared
        rows = shared.rows("resistors")
        resistors = np.union1d(selection.resistors, rows)
        self.whole = replace(selection, resistors=resistors)
        cells = len(resistors) + np.arange(len(selection) - len(selection.resistors))
        own = np.concatenate((np.searchsorted(resistors, selection.resistors), cells))
        self.own, which = as_slice(own), np.empty(len(self.whole), dtype=np.int64)
        which[self.own] = np.arange(len(own))
        which[np.searchsorted(resistors, rows)] = len(own) + shared.conductors[1]
        self.ties = Ties(which)
        self._valued = [
            part for part in shared.parts
            if part.table != "resistors" and part.column == DEVICES[part.table].value
        ]  # fmt: skip
        self.sources = tuple(
            circuit.tables[part.table].names[k] for part in self._valued for k in part.at.tolist()
        )
        #: whether the problem is another one with other parameters
        self.structural = any(part.column in STRUCTURAL for part in shared.parts)
        self.fields = any(
            part.table not in ("resistors", "current_sources") for part in shared.parts
        )
        flows = [k for part in shared.parts for k in self._flows(part)]
        self._place = {k: n for n, k in enumerate(dict.fromkeys(flows))}
        self.flows = tuple(circuit.element_names[k] for k in self._place)

    # ---- values ----

    def conductances(self, own: Floats, theta: Floats) -> Floats:
        """Return the values of all that change, S, as `ties` has them."""
        return np.concatenate((own, self.shared.siemens(theta)))

    def values(self, theta: Floats) -> Floats:
        """Return the values of `sources`."""
        return np.concatenate([np.zeros(0), *(part(theta) for part in self._valued)])

    # ---- derivatives ----

    def _flows(self, part: Affine) -> Sequence[int]:
        """Return the numbers of the elements whose currents derivatives by a part need."""
        first = self.circuit.first[part.table]
        if part.table in ("voltage_sources", "diodes"):
            numbers: list[int] = (first + part.at).tolist()
            return numbers
        if part.table != "controlled_sources":
            return []
        table = self.circuit.controlled_sources
        rows = self._owners(part)
        found: list[int] = (first + rows[table.is_voltage[rows]]).tolist()
        if part.column == "gain":
            found += table.index[part.at[table.of_current[part.at]]].tolist()
        return found

    def _owners(self, part: Affine) -> Ints:
        """Return the rows of the controlled sources that a part's values belong to."""
        ptr = self.circuit.controlled_sources.ptr
        return np.searchsorted(ptr, part.at, side="right") - 1 if part.column == "gain" else part.at

    def derivatives(
        self, multiplier: Floats, level: Floats, theta: Floats, by_siemens: Floats
    ) -> Floats:
        """Return the mean derivatives by the parameters, shape (P,).

        Parameters
        ----------
        multiplier, level : ndarray, shape (B, n_nodes + flows)
            Of KCL and of the voltages of `flows`; voltages and the currents of `flows`.
        by_siemens : ndarray
            Derivatives by the different conductances that follow.
        """
        total = self.shared.pull(by_siemens, theta)
        # what floats or depends on it counts for nothing, as with conductances
        multiplier, level = _without_gaps(multiplier), _without_gaps(level)
        for part in self.shared.parts:
            if part.table != "resistors":
                by_value = self._by_value(part, multiplier, level, theta)
                total += part.pull(by_value / len(level), theta)
        return total

    def _by_value(self, part: Affine, multiplier: Floats, level: Floats, theta: Floats) -> Floats:
        """Return sums over samples of derivatives by the values of a part, shape (n,)."""
        device = self.circuit.tables[part.table]
        p, q = device.p, device.q
        if part.table == "controlled_sources":
            return self._by_control(part, multiplier, level)
        if part.table == "current_sources":
            total = multiplier.sum(axis=0)
            return np.asarray(total[q[part.at]] - total[p[part.at]])
        first = self.circuit.first[part.table]
        column = self._columns(first + part.at, level)
        force = multiplier[:, column]
        if part.table == "voltage_sources":
            return np.asarray(force.sum(axis=0))
        return self._by_knee(part, force, level[:, column], theta)

    def _by_knee(self, part: Affine, force: Floats, excess: Floats, theta: Floats) -> Floats:
        """Return those by the drop or the resistance of diodes that conduct forward."""
        forward = np.where(excess > 0, force, 0.0)
        if part.column == "v_forward":
            return np.asarray(forward.sum(axis=0))
        steep = 1.0 / (1.0 - part(theta) / self.circuit.diodes.r_off[part.at])
        return np.asarray((forward * excess).sum(axis=0) * steep**2)

    def _by_control(self, part: Affine, multiplier: Floats, level: Floats) -> Floats:
        """Return those by the constants and gains of controlled sources."""
        table, rows = self.circuit.controlled_sources, self._owners(part)
        first = self.circuit.first["controlled_sources"]
        by_value = multiplier[:, table.q[rows]] - multiplier[:, table.p[rows]]
        volts = np.flatnonzero(table.is_voltage[rows])
        by_value[:, volts] = multiplier[:, self._columns(first + rows[volts], level)]
        if part.column == "constant":
            return np.asarray(by_value.sum(axis=0))
        index, current = table.index[part.at], table.of_current[part.at]
        column = np.where(current, 0, index)
        column[current] = self._columns(index[current], level)
        return np.asarray((by_value * level[:, column]).sum(axis=0))

    def _columns(self, elements: Ints, level: Floats) -> Ints:
        """Return the columns with the currents of elements."""
        start = level.shape[1] - len(self.flows)
        places = [start + self._place[k] for k in elements.tolist()]
        return np.array(places, dtype=np.int64)

    # ---- contrasts ----

    def gathered(self, by_siemens: Floats, by_source: Floats, theta: Floats) -> Floats:
        """Return the derivatives by the parameters, shape (P,), where these are no `fields`.

        `by_source` are those by the currents of `sources`.
        """
        total, first = self.shared.pull(by_siemens, theta), 0
        for part in self._valued:
            total += part.pull(by_source[first : first + len(part.at)], theta)
            first += len(part.at)
        return total

    def contrast(
        self, change: Floats, level: Floats, theta: Floats, red: Reduction, by_siemens: Floats
    ) -> Floats:
        """Return what the change between two states, per nudge, says of derivatives, shape (P,)."""
        found = self.derivatives(self.multiplier(change, red), level, theta, by_siemens)
        change, level = _without_gaps(change), _without_gaps(level)
        for part in self.shared.parts:
            if part.table == "voltage_sources":
                by_value = _by_gates(self.circuit, part, change, level)
                found += part.pull(by_value / len(level), theta)
        return found

    def multiplier(self, change: Floats, red: Reduction) -> Floats:
        """Return what the change between two states, per nudge, says of the multipliers.

        Raises
        ------
        UsageError
            If the current of an element says nothing, as it counts before and behind an amplifier.
        """
        nodes = change.shape[1] - len(self.flows)
        weight = np.ones(change.shape[1])
        weight[:nodes] = 1.0 / red.scale[:nodes] ** 2
        for element, number in self._place.items():
            scales = self._scales(element, red)
            if len(scales) > 1:
                raise UsageError(
                    f"{self.circuit.element_names[element]} feeds what is before an amplifier and "
                    "what is behind: only rule=Adjoint() tells how the cost follows it"
                )
            weight[nodes + number] = 1.0 / (scales[0] if scales else 1.0) ** 2
        return -weight * change

    def _scales(self, element: int, red: Reduction) -> tuple[float, ...]:
        """Return the scales of the voltages that a current goes to (see `reduction`)."""
        ends = np.array([end[element] for end in self.circuit.terminals])
        free = ends[red.coordinate[ends] != 0]
        if len(free) or np.all(red.scale == 1.0):
            return tuple(red.scale[free[:1]].tolist())
        found: set[float] = set()
        for tie in np.flatnonzero(red.ties.element == element).tolist():
            below = red.nodes_below(tie)
            for branch in red.joining:
                for one, other in ((branch.p, branch.q), (branch.q, branch.p)):
                    near = other[np.isin(one, below)]
                    found |= set(red.scale[near[red.coordinate[near] != 0]].tolist())
        return tuple(found)


def _without_gaps(values: Floats) -> Floats:
    """Return values with 0 for NaN; to look for these takes longer than to add up."""
    return np.nan_to_num(values) if np.isnan(values.sum()) else values


def _by_gates(circuit: Circuit, part: Affine, change: Floats, level: Floats) -> Floats:
    """Return the sums over samples that voltage sources of a part learn by at gates, shape (n,).

    In its triode region a transistor is a conductance ``beta (v_g - v_t)`` that the gate sets, but
    for a term that bends.  Nothing flows into a gate, and no co-content says what it is worth;
    Dillavou et al. 2024 let it learn as if there were one: by how ``1/2 beta dv^2`` differs between
    two states, whether the transistor conducts or not: so one that has been turned off may come
    back.  For the same reason beta is that of low fields, which levels 2 and 3 make less.
    """
    total = np.zeros(len(part.at))
    if "mosfets" not in circuit.tables:
        return total
    from ..model.devices.mosfet import effective

    table: Mosfets = circuit.tables["mosfets"]  # type: ignore[assignment]
    drain, gate, source = (table.ends(letter) for letter in "dgs")
    values = effective(table)
    across = (x[:, drain] - x[:, source] for x in (change, level))
    by_gate = values["type"] * values["beta"] * np.prod(list(across), axis=0).sum(axis=0)
    of_node = np.bincount(gate, by_gate, len(circuit.nodes))
    of_node[0] = 0.0  # what ground holds learns nothing
    volts = circuit.voltage_sources
    total += of_node[volts.p[part.at]] - of_node[volts.q[part.at]]
    return total
