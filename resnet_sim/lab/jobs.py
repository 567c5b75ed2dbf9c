"""What the page asks for, computed: JSON data in and out.

An `answer` comes first, within milliseconds; pictures and curves, which may take longer, are jobs
of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from ..analyses.solve import solve
from ..analyses.sweep import run, sweep
from ..diagnostics import Diagnostic
from ..errors import ConvergenceError, ResnetSimError, TopologyError
from ..model.circuit import Circuit
from ..results.formats.json import diagnostic_record, plain
from .dials import dials, turned
from .state import NAME, Reader, State

if TYPE_CHECKING:
    from ..plotting.charts import Curve, Panel
    from ..plotting.schematic import Schematic
    from ..results.operating_point import OperatingPoint

#: rows of the table, symbols of the picture, points of a curve, points of a sweep by hand
MOST_ROWS, MOST_SYMBOLS, MOST_POINTS, STEPS = 500, 120, 2_000, 101

Data = Mapping[str, Any]


class Jobs:
    """Does the jobs of the page; keeps the layout of the last picture.

    Parameters
    ----------
    reader : Reader
    """

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._layout: Schematic | None = None
        self.names: dict[str, Callable[[Data], dict[str, Any]]] = {
            "answer": self.answer,
            "picture": self.picture,
            "curves": self.curves,
            "table": self.table,
        }

    def do(self, name: str, data: Data) -> dict[str, Any]:
        """Do a job; what is wrong with the deck is told as diagnostics, not raised."""
        try:
            return self.names[name](data)
        except ResnetSimError as error:
            return failure(error)

    def answer(self, data: Data) -> dict[str, Any]:
        """Return voltages, currents, dials and switches, after ``turn`` if that is asked for."""
        state, turn = State.of(data), data.get("turn")
        told: dict[str, Any] = {"deck": state.deck, "values": dict(state.values)}
        try:
            if turn:
                state = turned(state, str(turn["name"]), float(turn["value"]), self.reader)
            circuit = self.reader.circuit(state)
        except ResnetSimError as error:
            return told | failure(error)
        told = {"deck": state.deck, "values": dict(state.values)}
        told |= _described(circuit, state)
        try:
            op = solve(circuit)
        except ResnetSimError as error:
            return told | failure(error, circuit)
        return told | _solved(op)

    def picture(self, data: Data) -> dict[str, Any]:
        """Return the schematic as SVG."""
        from ..plotting.schematic import count_parts, redrawn, schematic
        from ..plotting.schematic.svg import to_svg

        circuit = self.reader.circuit(State.of(data))
        parts = count_parts(circuit)
        if parts > MOST_SYMBOLS:
            return {"svg": None, "reason": f"{parts} elements are too many for a schematic"}
        op: OperatingPoint | None = None
        with suppress(TopologyError, ConvergenceError):  # the answer says why
            op = solve(circuit)
        drawn = redrawn(self._layout, circuit, op) if self._layout else None
        if drawn is None:
            drawn = self._layout = schematic(circuit, op, roomy=True)
        return {"svg": to_svg(drawn)}

    def curves(self, data: Data) -> dict[str, Any]:
        """Return the charts of the deck's sweeps, or of a sweep ``along`` one value."""
        from ..plotting.results import panels_of

        circuit, along = self.reader.circuit(State.of(data)), data.get("along")
        if along:
            values = _between(float(along["low"]), float(along["high"]), bool(along.get("log")))
            ops = [sweep(circuit, {str(along["name"]): values})]
        else:
            ops = [sweep(circuit, a.sweeps) for a in circuit.analyses if a.sweeps]
        panels = [_panel(panel) for op in ops for panel in panels_of(op)]
        found = _unique(d for op in ops for d in op.diagnostics)
        unsolved = sum(len(op.unsolved) for op in ops)
        return {"panels": panels, "unsolved": unsolved, "diagnostics": records(found)}

    def table(self, data: Data) -> dict[str, Any]:
        """Return what the deck asks for as CSV."""
        from ..results.formats.registry import FORMATS

        circuit = self.reader.circuit(State.of(data))
        return {"text": FORMATS["csv"].write(run(circuit), circuit.outputs, None)}


# ---- operating points ----


def _described(circuit: Circuit, state: State) -> dict[str, Any]:
    """Return what a circuit has, whether or not it can be solved."""
    switches = circuit.switches
    return {
        "title": circuit.title,
        "elements": circuit.n_elements,
        "nodes": len(circuit.nodes),
        "sweeps": [[s.name for s in a.sweeps] for a in circuit.analyses if a.sweeps],
        "dials": [asdict(dial) for dial in dials(circuit, state)],
        "switches": [
            {"name": name, "closed": bool(closed), "held": name in state.switches}
            for name, closed in zip(switches.names, switches.closed.tolist(), strict=True)
        ],
        "diagnostics": records(circuit.diagnostics),
    }


def _solved(op: OperatingPoint) -> dict[str, Any]:
    circuit, certificate = op.circuit, op.certificate
    names = circuit.element_names[:MOST_ROWS]
    kinds = [circuit.kind(number) for number in range(len(names))]
    amps = op.element_currents[:MOST_ROWS]
    watts = [op.power_of(name) for name in names]
    closed = np.atleast_2d(op.closed)[0].tolist()
    return {
        "status": op.status,
        "voltages": _pairs(circuit.nodes[1 : MOST_ROWS + 1], op.node_voltages[1:]),
        "currents": [
            list(row) for row in zip(names, kinds, _known(amps), _known(watts), strict=True)
        ],
        "certificate": {"ok": certificate.ok, "failures": list(certificate.failures[:3])},
        "diagnostics": records(_unique([*circuit.diagnostics, *op.diagnostics])),
        "closed": dict(zip(circuit.switches.names, closed, strict=True)),
    }


def _pairs(names: Iterable[str], values: Any) -> list[list[Any]]:
    return [list(pair) for pair in zip(names, _known(values), strict=False)]


def _known(values: Any) -> list[float | None]:
    """Return numbers for JSON, which has no NaN."""
    return plain(np.asarray(values, dtype=np.float64))


# ---- curves ----


def _between(low: float, high: float, log: bool) -> Any:
    return np.geomspace(low, high, STEPS) if log else np.linspace(low, high, STEPS)


def _panel(panel: Panel) -> dict[str, Any]:
    return {
        "title": panel.title,
        "kind": panel.kind,
        "x": asdict(panel.x),
        "y": asdict(panel.y),
        "curves": [_curve(curve) for curve in panel.curves],
        "marks": [[m.label, *_known([m.x, m.y])] for m in panel.marks],
        "notes": list(map(str, panel.notes)),
    }


def _curve(curve: Curve) -> dict[str, Any]:
    step = -(-len(curve.x) // MOST_POINTS)  # finer than a screen
    x, y = _known(curve.x[::step]), _known(curve.y[::step])
    return {"label": curve.label, "x": x, "y": y, "family": curve.family}


# ---- what is wrong ----


def failure(error: ResnetSimError, circuit: Circuit | None = None) -> dict[str, Any]:
    """Return why there is no result, as diagnostics with their places."""
    own: tuple[Diagnostic, ...] = getattr(error, "diagnostics", ())
    before = circuit.diagnostics if circuit is not None else ()
    told = records(_unique([*before, *own]))
    if not own:
        blank = {"code": None, "line": None, "column": None, "length": 0, "hint": None}
        told.append({"severity": "error", "message": str(error)} | blank)
    unsolved = isinstance(error, TopologyError | ConvergenceError)
    return {"status": "no solution" if unsolved else "error", "diagnostics": told}


def records(diagnostics: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    """Return diagnostics as JSON data; those of other files have no line here."""
    found = []
    for diagnostic in diagnostics:
        record, span = diagnostic_record(diagnostic), diagnostic.span
        here = span is not None and span.file == NAME
        record["length"] = span.length if span and here else 0
        if not here:
            record["line"] = record["column"] = None
        if span is not None and not here:
            record["message"] = f"{span.file}:{span.line}: {record['message']}"
        if "may not be read by this deck" in diagnostic.message:
            record["hint"] = (
                f"{diagnostic.hint}; resnet-sim lab --allow-includes FOLDER allows more"
            )
        found.append(record)
    return found


def _unique(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    return list(dict.fromkeys(diagnostics))
