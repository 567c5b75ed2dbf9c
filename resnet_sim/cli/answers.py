"""What a deck asks beside voltages and currents (.sens .tf .meas), answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ..diagnostics import Diagnostic
from ..errors import ResnetSimError, TopologyError, UsageError

if TYPE_CHECKING:
    from ..model.circuit import Circuit
    from ..model.requests import Derivatives, Measure
    from ..results.operating_point import OperatingPoint


def answers(
    circuit: Circuit, ops: Sequence[OperatingPoint], tolerance: float
) -> tuple[dict[str, Any], list[Diagnostic]]:
    """Return derivatives and measurements as JSON data, only what the deck asks for.

    Also a warning for each that has no answer.
    """
    asked = _Questions(circuit, tolerance)
    found: dict[str, Any] = {}
    sens = [d for d in circuit.derivatives if not d.source]
    transfers = [d for d in circuit.derivatives if d.source]
    for asked.at, asked.circuit in _runs(circuit) if circuit.derivatives else ():
        if sens:
            found.setdefault("sensitivities", []).extend(asked.sensitivities(sens))
        if transfers:
            found.setdefault("transfer_functions", []).extend(asked.transfer_functions(transfers))
    if circuit.measures:
        asked.at = {}
        if measured := asked.measurements([op for op in ops if op.sweep]):
            found["measurements"] = measured
    return found, asked.unanswered


def _runs(circuit: Circuit) -> Iterator[tuple[dict[str, float], Circuit]]:
    """Yield the circuit of each run that ``.step`` and the like ask for, and what it sets."""
    sweeps = circuit.analyses[0].runs if circuit.analyses else ()
    if not sweeps:
        yield {}, circuit
        return
    from ..analyses.sweep import varied
    from ..many.variants import Grid

    grid = Grid(sweeps)
    quantities, axes = [q for sweep in sweeps for q in sweep.quantities], grid.axes()
    for k, row in enumerate(grid.values(0, grid.count).tolist()):
        at = {name: float(values[k]) for name, values in axes.items()}
        yield at, varied(circuit, quantities, row)


def supply_answers(ops: Sequence[OperatingPoint], worst: int) -> list[dict[str, Any]]:
    """Return the worst drops of each supply net as JSON data.

    Raises
    ------
    UsageError
        If the deck asks for sweeps alone.
    """
    from ..analyses.supply import supply_nets
    from .common import complain

    single = [op for op in ops if not op.sweep]
    if not single:
        raise UsageError("--worst needs an operating point, and the deck only asks for sweeps")
    nets = supply_nets(single[0], worst)
    if not nets:
        complain("no net hangs at a voltage source to ground: there are no drops to show")
    return [
        {
            "volts": net.volts,
            "sources": list(net.sources),
            "size": net.size,
            "worst": [
                {"node": name, "voltage": voltage, "drop": drop, "place": place}
                for name, voltage, drop, place in zip(
                    net.names, net.voltages.tolist(), net.drops.tolist(), net.places, strict=True
                )
            ],
        }
        for net in nets
    ]


class _Questions:
    """Asks; one question without an answer takes no other with it."""

    def __init__(self, circuit: Circuit, tolerance: float) -> None:
        self.circuit, self.tolerance = circuit, tolerance
        #: what the run sets
        self.at: dict[str, float] = {}
        self.unanswered: list[Diagnostic] = []

    def _give_up(self, asked: Derivatives | Measure, error: ResnetSimError) -> None:
        span = self.circuit.span_of(asked.place)
        at = "".join(f" at {name} = {value:g}" for name, value in self.at.items())
        why = error.diagnostics[0].message if isinstance(error, TopologyError) else error
        self.unanswered.append(Diagnostic("W121", f"not answered{at}: {why}", span))

    @property
    def _at(self) -> dict[str, Any]:
        return {"at": self.at} if self.at else {}

    def sensitivities(self, asked: Sequence[Derivatives]) -> list[dict[str, Any]]:
        from ..analyses.sensitivity import sensitivities

        def ask(some: Sequence[Derivatives]) -> list[Any]:
            outputs = [d.output for d in some]
            return sensitivities(self.circuit, outputs, tolerance=self.tolerance)

        try:
            found = ask(asked)
        except ResnetSimError:
            found = []
            for one in asked:
                try:
                    found += ask([one])
                except ResnetSimError as error:
                    self._give_up(one, error)
        return [
            {"output": s.output, "value": s.value, "derivatives": s.derivatives,
             "normalised": s.normalised, "at_knee": list(s.at_knee)} | self._at
            for s in found
        ]  # fmt: skip

    def transfer_functions(self, asked: Sequence[Derivatives]) -> list[dict[str, Any]]:
        from ..analyses.sensitivity import transfer_function
        from ..results.formats.json import plain

        found = []
        for one in asked:
            try:
                function = transfer_function(
                    self.circuit, one.output, one.source, tolerance=self.tolerance
                )
            except ResnetSimError as error:
                self._give_up(one, error)
                continue
            found.append({n: plain(value) for n, value in asdict(function).items()} | self._at)
        return found

    def measurements(self, sweeps: Sequence[OperatingPoint]) -> list[dict[str, Any]]:
        from ..analyses.measure import measure
        from ..results.formats.json import plain

        for one in () if sweeps else self.circuit.measures:
            self._give_up(one, UsageError(".meas needs a sweep, and the deck asks for none"))
        return [
            {name: plain(value) for name, value in measure(op, on_error=self._give_up).items()}
            for op in sweeps
        ]
