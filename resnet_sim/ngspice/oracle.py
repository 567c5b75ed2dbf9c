"""ngspice as a judge of operating points: what it says in the limit of ideal diodes.

With an on-resistance ``h`` in every ideal diode, the voltages are ``v(h) = v + a h + b h**2
+ ...``; runs with ``h`` and ``2 h`` give ``2 v(h) - v(2 h) = v - 2 b h**2 + ...``.  Where
resistances differ by many decades no single ``h`` suits the whole circuit.  Then the pairs
of `LADDER` are compared with each other, and that is taken which obeys the laws and agrees
with the next one best: a choice in which this package's own result has no say.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..analyses.given import Given, as_circuit
from ..analyses.solve import solve
from ..analyses.sweep import as_sweeps, varied
from ..arrays import Floats
from ..errors import SimulatorError
from ..laws.foreign import Violation, violation
from ..model.circuit import Circuit
from ..results.operating_point import OperatingPoint
from .export import prepare
from .process import TIME_LIMIT, find, simulate, version
from .readings import Reading

#: on-resistance of ideal diodes, relative to the smallest resistance next to each
FRACTION = 1e-5
#: the same for circuits with controlled sources, whose gains amplify the error
FRACTION_OF_AMPLIFIERS = 1e-6
#: others, tried where the first gives no result or a different one
RATIO = 10.0
LADDER = tuple(RATIO**k for k in range(-10, 1))
#: voltages that obey the laws and are this far apart are different solutions
ELSEWHERE = 1e-3
#: runs at a time
PARALLEL = 2


def variants(circuit: Circuit, op: OperatingPoint) -> list[Circuit]:
    """Return the circuit at each point of an analysis, its swept values set."""
    if not op.sweep:
        return [circuit]
    known = {q.name: q for a in circuit.analyses for q in a.quantities}
    tables = {s.name for a in circuit.analyses for s in a.sweeps if s.columns}
    swept = {name: values for name, values in op.sweep.items() if name not in tables}
    quantities = [
        known[name] if name in known else as_sweeps(circuit, {name: values})[0]
        for name, values in swept.items()
    ]
    columns = [values * q.factor for q, values in zip(quantities, swept.values(), strict=True)]
    return [varied(circuit, quantities, row) for row in np.column_stack(columns).tolist()]


def held(circuit: Circuit, op: OperatingPoint, point: int) -> Circuit:
    """Return the circuit at a point of an analysis, its switches held as they are there."""
    points = np.atleast_2d(op.node_voltages).shape[0]
    closed = np.asarray(op.closed).reshape(points, -1)[point]
    states = dict(zip(circuit.switches.names, closed.tolist(), strict=True))
    return variants(circuit, op)[point].with_switches(states)


@dataclass(frozen=True)
class Settled:
    """What ngspice says about a point when asked again.

    Attributes
    ----------
    values : ndarray, shape (quantities,)
    spread : ndarray, shape (quantities,)
        By how much the next on-resistances change them: ngspice knows no better.
    note : str
        What was done.
    """

    values: Floats
    spread: Floats
    note: str


class Oracle:
    """Asks ngspice for every point of an analysis.

    Parameters
    ----------
    circuit : Circuit
    op : OperatingPoint
        The analysis; tells which points there are, what floats, the states of switches,
        and which of several solutions is meant.  Diodes ngspice finds by itself.
    time_limit : float
        Seconds that a run may take.
    """

    def __init__(self, circuit: Circuit, op: OperatingPoint, time_limit: float) -> None:
        self.circuit, self.time_limit = circuit, time_limit
        self.points = np.atleast_2d(op.node_voltages).shape[0]
        volts, amps = np.atleast_2d(op.node_voltages), np.atleast_2d(op.element_currents)
        closed = np.asarray(op.closed).reshape(self.points, -1)
        several = any(d.code == "W205" for d in op.diagnostics)
        variant = variants(circuit, op)
        self._found = {
            k: (variant[k], volts[k], amps[k], closed[k])
            for k in range(self.points)
            if k not in op.unsolved
        }
        self.tasks = {k: prepare(*found, start=several) for k, found in self._found.items()}
        amplifies = any(device.amplifies for device in circuit.present.values())
        self.fraction = FRACTION_OF_AMPLIFIERS if amplifies else FRACTION
        self.seconds = 0.0

    def reading(self) -> Reading:
        """Run all points, each as an operating point of its own."""
        found = self._pairs([(k, self.fraction) for k in self.tasks])
        elements = _with_currents(self.circuit)
        nodes = len(self.circuit.nodes) - 1
        values = np.full((self.points, nodes + len(elements)), np.nan)
        failures: dict[int, str] = {}
        for (k, _), row in found.items():
            if isinstance(row, SimulatorError):
                failures[k] = str(row)
            else:
                values[k] = row
        names = [f"v({node})" for node in self.circuit.nodes[1:]]
        names += [f"i({self.circuit.element_names[k]})" for k in elements]
        return Reading(
            source=version(),
            names=tuple(names),
            is_current=np.arange(len(names)) >= nodes,
            first=np.array([*range(1, nodes + 1), *elements], dtype=np.int64),
            second=np.zeros(len(names), dtype=np.int64),
            values=values,
            spread=np.zeros_like(values),
            failures=failures,
            seconds=self.seconds,
            notes=self._notes(),
            omitted={n: why for task in self.tasks.values() for n, why in task.omitted.items()},
        )

    def settled(self, point: int) -> Settled | None:
        """Ask again for a point, with the on-resistances that suit it best.

        None if ngspice fails whatever it is given.
        """
        found = self._best(point, "other on-resistances were tried")
        if found is not None and (
            self._is_near(point, found.values) or not self._violation(point, found.values).obeys
        ):
            return found
        # some circuits it can't solve from scratch, and of several solutions it finds one
        self.tasks[point] = prepare(*self._found[point], start=True)
        started = "ngspice was started from resnet-sim's voltages"
        if found is None:
            return self._best(point, started)
        stayed = self._best(point, f"{started}, and stayed; by itself it finds another solution")
        return stayed if stayed and self._is_near(point, stayed.values) else found

    def _best(self, point: int, note: str) -> Settled | None:
        """Return what obeys the laws best for all on-resistances, None if ngspice fails."""
        rows = self._ladder(point)
        if not rows:
            return None
        # two pairs together also remove the error of second order
        better = [far + (near - far) * RATIO**2 / (RATIO**2 - 1) for near, far in pairwise(rows)]
        choices = [
            *zip(rows, _spreads(rows), strict=True),
            *zip(better, _spreads(better), strict=True),
        ]
        best = int(np.argmin([self._fault(point, row, spread) for row, spread in choices]))
        return Settled(*choices[best], note)

    def _fault(self, point: int, row: Floats, spread: Floats) -> float:
        """Return how bad values are: what the laws say, and the next on-resistance."""
        return max(self._violation(point, row).score, self._size(spread, row))

    def _violation(self, point: int, row: Floats) -> Violation:
        floats = np.isnan(self._found[point][1])
        volts = np.where(floats, np.nan, np.concatenate([[0.0], row[: len(floats) - 1]]))
        return violation(self.tasks[point].circuit, volts)

    def _is_near(self, point: int, row: Floats) -> bool:
        """Tell whether values are those of the same solution as ours."""
        ours = self._found[point][1][1:]
        apart = row - np.concatenate([ours, row[len(ours) :]])
        return self._size(np.abs(apart), row) < ELSEWHERE

    def _ladder(self, point: int) -> list[Floats]:
        """Return what ngspice gives for each of the on-resistances with which it gives any."""
        ladder = (self.fraction,) if self.tasks[point].is_exact else LADDER
        found = self._pairs([(point, fraction) for fraction in ladder])
        return [row for row in found.values() if not isinstance(row, SimulatorError)]

    def _size(self, spread: Floats, row: Floats) -> float:
        """Return the largest of some differences, relative to the largest voltage or current."""
        nodes = len(self.circuit.nodes) - 1
        parts = zip(np.split(np.nan_to_num(spread), [nodes]), np.split(row, [nodes]), strict=True)
        sizes = [
            float(some.max(initial=0.0))
            / (float(np.nan_to_num(np.abs(of)).max(initial=0.0)) or 1.0)
            for some, of in parts
        ]
        return max(sizes)

    def _pairs(
        self, wanted: Sequence[tuple[int, float]]
    ) -> dict[tuple[int, float], Floats | SimulatorError]:
        """Return the extrapolated values of points, for given on-resistances."""
        steps = {k: (1.0,) if self.tasks[k].is_exact else (1.0, 2.0) for k, _ in wanted}
        jobs = [(k, fraction, step) for k, fraction in wanted for step in steps[k]]
        with ThreadPoolExecutor(PARALLEL) as pool:
            rows = dict(
                zip(jobs, pool.map(lambda j: self._row(j[0], j[1] * j[2]), jobs), strict=True)
            )
        pairs: dict[tuple[int, float], Floats | SimulatorError] = {}
        for k, fraction in wanted:
            near, far = rows[k, fraction, 1.0], rows[k, fraction, steps[k][-1]]
            if isinstance(near, SimulatorError):
                pairs[k, fraction] = near
            elif isinstance(far, SimulatorError):
                pairs[k, fraction] = far
            else:
                pairs[k, fraction] = 2 * near - far
        return pairs

    def _row(self, point: int, fraction: float) -> Floats | SimulatorError:
        """Run one deck; return node voltages and the currents that ngspice knows."""
        deck, names = self.tasks[point].deck(fraction)
        try:
            outcome = simulate(deck, self.time_limit)
            plot = outcome.plot
        except SimulatorError as error:
            return error
        self.seconds += outcome.seconds
        column = {name: k for k, name in enumerate(plot.names)}
        wanted = [f"v({node})" for node in self.circuit.nodes[1:]]
        for element in _with_currents(self.circuit):
            wanted.append(f"i({names.get(self.circuit.element_names[element])})")
        (values,) = plot.values
        return np.array([values[column[w]] if w in column else np.nan for w in wanted])

    def _notes(self) -> tuple[str, ...]:
        if all(task.is_exact for task in self.tasks.values()):
            return ()
        return (
            f"ideal diodes: runs with Ron = {self.fraction:g} and {2 * self.fraction:g} of the "
            "smallest resistance next to each, extrapolated to 0",
        )


def _spreads(rows: Sequence[Floats]) -> list[Floats]:
    """Return how far each row is from its neighbours; 0 for a single one."""
    steps = [np.abs(a - b) for a, b in pairwise(rows)]
    if not steps:
        return [0 * row for row in rows]
    return [np.maximum(a, b) for a, b in zip([steps[0], *steps], [*steps, steps[-1]], strict=True)]


def _with_currents(circuit: Circuit) -> list[int]:
    """Return the elements whose current ngspice computes, if they are there and rigid."""
    told = np.concatenate([device.is_told() for device in circuit.tables.values()])
    return [int(k) for k in np.flatnonzero(told)]


def run(
    circuit: Given, op: OperatingPoint | None = None, *, time_limit: float = TIME_LIMIT
) -> Reading:
    """Let ngspice find the operating point of a circuit, or a sweep.

    Parameters
    ----------
    circuit : Circuit, str or path-like
        Or the path of a deck, or its text.
    op : OperatingPoint, optional
        One of the circuit's analyses, by `resnet_sim.run` or `resnet_sim.sweep`; by default
        `resnet_sim.solve` makes one.
    time_limit : float
        Seconds that one run of ngspice may take; ideal diodes need two runs a point.

    Returns
    -------
    Reading
        Voltages of the nodes, and currents of sources, shorts and inductors.

    Raises
    ------
    SimulatorError
        If ngspice is missing, or fails at every point.

    Examples
    --------
    >>> rs.ngspice.run(rs.generators.ladder(1)).voltage("n1").round(9)
    array([0.5])
    """
    circuit = as_circuit(circuit)
    find()
    reading = Oracle(circuit, op or solve(circuit), time_limit).reading()
    if reading.failures and len(reading.failures) == len(reading.values):
        raise SimulatorError(next(iter(reading.failures.values())))
    return reading
