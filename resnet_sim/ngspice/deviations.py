"""How far the values of two simulators are apart, and how far they may be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Bools, Floats
from ..laws.foreign import units
from ..model.circuit import Circuit
from ..model.display import few
from ..results.operating_point import OperatingPoint
from .export import resistances
from .oracle import held
from .readings import Reading

#: so much is always allowed, V and A: ngspice is asked for no more (see `export.OPTIONS`)
VOLTS, AMPS = 1e-9, 1e-12
#: units in the last place of a voltage that a current may be off by, times a conductance
ROUNDINGS = 64
EPS = float(np.finfo(float).eps)
#: where ngspice's results with neighbouring on-resistances differ by a third of the
#: deviation, that is no evidence
DOUBT = 3.0
#: units in the last place that currents at a node may be off by for rounding to explain voltages
EXPLAINED = 2
#: what differs by more than such a share of its own size is told where it agrees all the same
DWARFED = 1e-2
#: at so many points
MOST_NOTES = 5
#: which is asked of the states on the way from ours to theirs (two solutions have others between
#: them), if these are no farther apart than such a share of the largest voltage
WAY, NEAR = (0.0, 0.3, 1.0), 1e-3


@dataclass(frozen=True)
class Deviation:
    r"""One quantity at the point where it differs most.

    Attributes
    ----------
    name : str
        ``v(out)`` or ``i(v1)``.
    point : int
    ours, theirs : float
        V or A.
    relative : float
        Of their difference to the largest voltage or current at that point.
    agrees : bool

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("bench.csv").write_text("v(n0),v(n1)\n1,0.6\n")
    >>> report = rs.ngspice.compare(rs.generators.ladder(1), against="bench.csv")
    >>> worst = report.comparisons[0].worst[0]
    >>> worst.name, round(worst.difference, 9), worst.agrees
    ('v(n1)', -0.1, False)
    """

    name: str
    point: int
    ours: float
    theirs: float
    relative: float
    agrees: bool

    @property
    def difference(self) -> float:
        """``ours - theirs``."""
        return self.ours - self.theirs


class Measured:
    """The deviations of a reading from an operating point.

    Parameters
    ----------
    circuit : Circuit
    op : OperatingPoint
    reading : Reading
    rtol : float
        What passes, relative to the largest voltage or current of a point.
    """

    def __init__(self, circuit: Circuit, op: OperatingPoint, reading: Reading, rtol: float) -> None:
        self.op, self.reading = op, reading
        self.ours, self.theirs = reading.expected(op), reading.values
        self.error = np.abs(self.ours - self.theirs)
        unique = np.array([name[2:-1] not in op.nonunique for name in reading.names])
        self.error[:, reading.is_current & ~unique.astype(np.bool_)] = np.nan
        volts, amps = np.atleast_2d(op.node_voltages), np.atleast_2d(op.element_currents)
        self.scale = np.where(reading.is_current, _largest(amps), _largest(volts))
        relative = max(rtol, 2 * reading.resolution)
        floor = np.where(reading.is_current, AMPS, VOLTS)
        self.scale = np.maximum(self.scale, floor / relative)
        allowed = relative * self.scale
        allowed[:, reading.is_current] += self._blur(circuit, _largest(volts))
        #: deviations in units of what is allowed; NaN where there is nothing to compare
        self.excess = self.error / allowed
        #: where the other simulator contradicts itself by as much
        self.doubtful = (self.excess > 1) & (self.error <= DOUBT * reading.spread)
        self.excess[self.doubtful] = np.nan
        #: point -> voltages that differ there by what rounding explains
        self.explained = {k: self._of_rounding(circuit, k) for k in self.points()}
        for point, some in self.explained.items():
            self.excess[point, some] = 1.0

    def _blur(self, circuit: Circuit, largest: Floats) -> Floats:
        """Return what rounding of voltages makes of currents, shape (points, currents), in A.

        A current that is a sum of others is as exact as the voltages next to it, times the
        conductances there.
        """
        ohms = resistances(circuit)
        finite = np.isfinite(ohms) & (ohms > 0)
        p, q = circuit.terminals
        conductance = np.zeros(len(circuit.nodes))
        for ends in (p, q):
            np.add.at(conductance, ends[finite], 1 / ohms[finite])
        elements = self.reading.first[self.reading.is_current]
        near = np.minimum(conductance[p[elements]], conductance[q[elements]])
        return np.asarray(ROUNDINGS * EPS * largest * near)

    def _of_rounding(self, circuit: Circuit, point: int) -> Bools:
        """Tell which voltages differ at a point by what rounding makes of them.

        Where next to nothing flows beside a large conductance, a simulator's sums of currents
        may be zero to the last place and its voltages be microvolts apart all the same.
        """
        volts = ~self.reading.is_current & (self.excess[point] > 1)
        ours = np.atleast_2d(self.op.node_voltages)[point]
        theirs = self.reading.node_voltages(point, len(ours))
        near = np.abs(theirs - ours).max() <= NEAR * np.abs(ours).max()  # not if any is NaN
        if not (volts.any() and near):
            return np.zeros_like(volts)
        still = held(circuit, self.op, point)
        within = all(units(still, ours + t * (theirs - ours)) <= EXPLAINED for t in WAY)
        return np.asarray(volts & within)

    def rounded(self) -> tuple[str, ...]:
        """Return a note on each point where voltages agree but for rounding."""
        return tuple(
            f"point {point}: {few(np.array(self.reading.names)[some].tolist(), 4)} off by up to "
            f"{self.error[point, some].max():.2g} V: the currents there are rounding"
            for point, some in self.explained.items() if some.any()
        )  # fmt: skip

    def dwarfed(self) -> tuple[str, ...]:
        """Return a note on what agrees beside the largest alone, and not by its own size."""
        own = np.maximum(np.abs(self.ours), np.abs(self.theirs))
        floor = np.where(self.reading.is_current, AMPS, VOLTS)
        off = (self.excess < 1) & (self.error > np.maximum(DWARFED * own, floor))
        notes = []
        for point in np.flatnonzero(off.any(axis=1)).tolist():
            some, share = off[point], self.error[point] / np.maximum(own[point], floor)
            names = few(np.array(self.reading.names)[some].tolist(), 4)
            notes.append(
                f"point {point}: {names} off by up to {100 * float(share[some].max()):.2g} % of "
                "their own size, which is little of the largest"
            )
        return tuple(notes[:MOST_NOTES])

    def deviations(self) -> list[Deviation]:
        """Return each quantity where it differs most: what disagrees first, then by size."""
        deviations = []
        excess = np.where(np.isnan(self.excess), -1.0, self.excess)
        for k in np.flatnonzero((excess >= 0).any(axis=0)):
            point = int(np.argmax(excess[:, k]))
            deviations.append(
                Deviation(
                    name=self.reading.names[k],
                    point=point,
                    ours=float(self.ours[point, k]),
                    theirs=float(self.theirs[point, k]),
                    relative=float(self.error[point, k] / self.scale[point, k]),
                    agrees=bool(excess[point, k] <= 1),
                )
            )
        return sorted(deviations, key=lambda d: (d.agrees, -d.relative))

    def points(self) -> list[int]:
        """Return the points at which something disagrees, the worst first."""
        worst = np.nan_to_num(self.excess).max(axis=1, initial=0.0)
        return [int(k) for k in np.argsort(-worst) if worst[k] > 1]

    def unresolved(self) -> dict[str, str]:
        """Return quantities that the other simulator can't decide about, and why."""
        found = {}
        for k in np.flatnonzero(self.doubtful.any(axis=0)):
            spread = float(np.where(self.doubtful[:, k], self.reading.spread[:, k], 0.0).max())
            unit = "A" if self.reading.is_current[k] else "V"
            found[self.reading.names[k]] = (
                f"results of {self.reading.source} with different on-resistances differ by "
                f"{spread:.2g} {unit}, from resnet-sim by "
                f"{float(self.error[self.doubtful[:, k], k].max()):.2g} {unit}"
            )
        solved = [k for k in range(len(self.ours)) if k not in self.reading.failures]
        for k in np.flatnonzero(~self.reading.is_current):
            lost = np.isnan(self.theirs[solved, k]) & ~np.isnan(self.ours[solved, k])
            if lost.any():
                found[self.reading.names[k]] = f"{self.reading.source} gives no value"
        return found


def _largest(values: Floats) -> Floats:
    """Return the largest absolute value at each point, shape (points, 1)."""
    return np.asarray(np.nan_to_num(np.abs(values)).max(axis=1, initial=0.0, keepdims=True))
