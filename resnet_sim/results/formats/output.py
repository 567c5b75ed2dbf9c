"""Results for programs: JSON, CSV, ASCII raw files, npz.  (For people: `table`.)

Each function takes the operating points of one deck, one per analysis, or a single one.
Undefined values, NaN inside, are ``null`` in JSON, empty in CSV, ``nan`` in raw files.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ...arrays import Floats
from ...diagnostics import Diagnostic
from .. import rawfile
from ..operating_point import OperatingPoint

#: what can become of a deck, the worst last
STATUSES = ("solved", "not converged", "no solution", "error")


def diagnostic_record(diagnostic: Diagnostic) -> dict[str, Any]:
    """Return a diagnostic as JSON data; ``None`` where it has no place or no hint."""
    span = diagnostic.span
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "file": span.file if span else None,
        "line": span.line if span else None,
        "column": span.column if span else None,
        "hint": diagnostic.hint,
    }


def to_json(op: OperatingPoint) -> dict[str, Any]:
    """Return one operating point, batch or sweep as JSON data, without NaN or infinity.

    Values are numbers at a single point, lists with an entry per point otherwise, and
    ``None`` where undefined.
    """
    certificate, solver = op.certificate, op.solver
    record: dict[str, Any] = {
        "title": op.circuit.title,
        "status": op.status,
        "analysis": "dc" if op.sweep else "op",
    }
    if op.sweep:
        record["sweep"] = {name: _plain(values) for name, values in op.sweep.items()}
    record |= {
        "voltages": _by_name(op.circuit.nodes[1:], op.node_voltages[..., 1:]),
        "currents": _by_name(op.circuit.element_names, op.element_currents),
        "floating": list(op.floating),
        "nonunique_currents": list(op.nonunique),
        "switches": _switch_states(op),
        "certificate": {
            "ok": bool(certificate.ok),
            "kcl_residual": _plain(certificate.kcl_residual),
            "kcl_relative": _plain(certificate.kcl_relative),
            "law_residual": _plain(certificate.law_residual),
            "diode_voltage_violation": _plain(certificate.diode_voltage_violation),
            "diode_current_violation": _plain(certificate.diode_current_violation),
            "power_mismatch": _plain(certificate.power_mismatch),
            "tolerance": _plain(certificate.tolerance),
            "failures": list(certificate.failures),
        },
        "solver": {
            "method": solver.method,
            "iterations": int(solver.iterations),
            "seconds": _plain(solver.seconds),
        },
        "notes": list(solver.notes),
        "diagnostics": [diagnostic_record(d) for d in op.diagnostics],
    }
    if op.unsolved:
        record["unsolved"] = [
            {"point": int(point), "reason": reason} for point, reason in op.unsolved.items()
        ]
    return record


def _plain(values: Any) -> Any:
    """Return a float or a list of floats; None for what JSON can't express."""
    if isinstance(values, np.ndarray) and values.ndim:
        plain: list[Any] = (values + 0.0).tolist()  # + 0.0 turns -0.0 into 0.0
        for k in np.flatnonzero(~np.isfinite(values)).tolist():
            plain[k] = None
        return plain
    value = float(values) + 0.0
    return value if math.isfinite(value) else None


def _by_name(names: Sequence[str], values: Floats) -> dict[str, Any]:
    """Return name -> number, or list of numbers; the last axis of `values` is that of names."""
    if values.ndim == 1:
        return dict(zip(names, _plain(values), strict=True))
    return {name: _plain(column) for name, column in zip(names, values.T, strict=True)}


def _switch_states(op: OperatingPoint) -> dict[str, Any]:
    closed = np.asarray(op.closed, dtype=bool)
    return {
        name: closed[..., k].tolist()
        for k, name in enumerate(op.circuit.switches.names)
        if closed.shape[-1] > k
    }


def worst_status(ops: Iterable[OperatingPoint]) -> str:
    """Return the worst status of several operating points."""
    return max((op.status for op in ops), key=STATUSES.index)


def format_json(
    ops: OperatingPoint | Sequence[OperatingPoint], extra: Mapping[str, Any] | None = None
) -> str:
    """Return one JSON object; for several analyses it holds a list ``"analyses"``.

    `extra` are further members.
    """
    ops = _several(ops)
    record = to_json(ops[0])
    if len(ops) > 1:
        record = {
            "title": ops[0].circuit.title,
            "status": worst_status(ops),
            "analyses": [to_json(op) for op in ops],
        }
    return json.dumps(record | dict(extra or {}), allow_nan=False) + "\n"


def format_csv(ops: OperatingPoint | Sequence[OperatingPoint]) -> str:
    """Return a CSV table (RFC 4180) with one row per point.

    Columns are the swept quantities, ``v(node)`` and ``i(element)``.  Several analyses
    share a table, whose first column ``analysis`` counts them from 1.
    """
    ops = _several(ops)
    sweeps = list(dict.fromkeys(name for op in ops for name in op.sweep))
    names = _vector_names(ops[0])
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([*(["analysis"] if len(ops) > 1 else []), *sweeps, *names])
    for number, op in enumerate(ops, 1):
        swept = np.full((_points(op).shape[0], len(sweeps)), np.nan)
        for name, values in op.sweep.items():
            swept[:, sweeps.index(name)] = values
        for row in np.hstack([swept, _points(op)]):
            cells = list(map(repr, (row + 0.0).tolist()))
            for k in np.flatnonzero(np.isnan(row)).tolist():
                cells[k] = ""
            writer.writerow([number, *cells] if len(ops) > 1 else cells)
    return text.getvalue()


def format_raw(ops: OperatingPoint | Sequence[OperatingPoint]) -> str:
    """Return a SPICE raw file in ASCII, which ngspice and waveform viewers load.

    The analyses follow each other as plots.  The innermost swept quantity is the scale,
    the others are vectors of the name of what is swept.  There is no date, so that the
    same deck gives the same file.
    """
    return rawfile.format_raw(_plot(op) for op in _several(ops))


def _plot(op: OperatingPoint) -> rawfile.Plot:
    values = _points(op)
    vectors = [
        (name, "voltage" if name.startswith("v") else "current") for name in _vector_names(op)
    ]
    if op.sweep:
        inner, *outer = op.sweep
        vectors = [(_scale_name(op, inner), "notype"), *((n, "notype") for n in outer), *vectors]
        values = np.hstack([np.column_stack(list(op.sweep.values())), values])
    return rawfile.Plot(
        title="".join(c if c.isprintable() else " " for c in op.circuit.title),
        name=rawfile.DC_SWEEP if op.sweep else rawfile.OPERATING_POINT,
        names=tuple(name for name, _ in vectors),
        kinds=tuple(kind for _, kind in vectors),
        values=values,
    )


def _scale_name(op: OperatingPoint, name: str) -> str:
    """Return what ngspice calls the scale when `name` is swept."""
    if name in op.circuit.voltage_sources.names:
        return "v(v-sweep)"
    if name in op.circuit.current_sources.names:
        return "i(i-sweep)"
    if name in op.circuit.resistors.names:
        return "res-sweep"
    return f"{name}-sweep"


def format_npz(op: OperatingPoint) -> bytes:
    """Return the content of a numpy ``.npz`` file; see `save_npz`."""
    content = io.BytesIO()
    save_npz(op, content)
    return content.getvalue()


def save_npz(op: OperatingPoint, file: str | Path | BinaryIO) -> None:
    """Write the arrays to a numpy ``.npz`` file.

    It holds ``nodes``, ``node_voltages``, ``elements``, ``element_currents``, and
    ``sweep_names`` and ``sweep_values`` of shape (points, swept quantities).
    """
    values = [np.asarray(v) for v in op.sweep.values()]
    np.savez_compressed(
        file,
        nodes=np.array(op.circuit.nodes),
        node_voltages=op.node_voltages,
        elements=np.array(op.circuit.element_names),
        element_currents=op.element_currents,
        sweep_names=np.array(list(op.sweep), dtype=np.str_),
        sweep_values=np.column_stack(values) if values else np.zeros((0, 0)),
    )


def _several(ops: OperatingPoint | Sequence[OperatingPoint]) -> Sequence[OperatingPoint]:
    return [ops] if isinstance(ops, OperatingPoint) else ops


def _vector_names(op: OperatingPoint) -> list[str]:
    circuit = op.circuit
    return [f"v({n})" for n in circuit.nodes[1:]] + [f"i({e})" for e in circuit.element_names]


def _points(op: OperatingPoint) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return all values, shape (points, nodes without ground + elements)."""
    voltages = np.atleast_2d(op.node_voltages)[:, 1:]
    return np.hstack([voltages, np.atleast_2d(op.element_currents)])
