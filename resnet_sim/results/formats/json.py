"""JSON: one object with everything that is known; ``null`` where undefined."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...arrays import Floats
from ...diagnostics import Diagnostic
from ..operating_point import OperatingPoint
from ..predictions import Answers, Result

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
        record["sweep"] = {name: plain(values) for name, values in op.sweep.items()}
    if op.sampled:
        record["sampled"] = {name: plain(values) for name, values in op.sampled.items()}
    record |= {
        "voltages": _by_name(op.circuit.nodes[1:], op.node_voltages[..., 1:]),
        "currents": _by_name(op.circuit.element_names, op.element_currents),
        "floating": list(op.floating),
        "nonunique_currents": list(op.nonunique),
        "switches": _switch_states(op),
        "certificate": {
            "ok": bool(certificate.ok),
            "kcl_residual": plain(certificate.kcl_residual),
            "kcl_relative": plain(certificate.kcl_relative),
            "law_residual": plain(certificate.law_residual),
            "diode_voltage_violation": plain(certificate.diode_voltage_violation),
            "diode_current_violation": plain(certificate.diode_current_violation),
            "power_mismatch": plain(certificate.power_mismatch),
            "tolerance": plain(certificate.tolerance),
            "failures": list(certificate.failures),
            "stable": certificate.stable,
        },
        "solver": {
            "method": solver.method,
            "iterations": int(solver.iterations),
            "seconds": plain(solver.seconds),
        },
        "unique": op.unique,
        "notes": list(solver.notes),
        "diagnostics": [diagnostic_record(d) for d in op.diagnostics],
    }
    if op.unsolved:
        record["unsolved"] = [
            {"point": int(point), "reason": reason} for point, reason in op.unsolved.items()
        ]
    return record


def plain(values: Any) -> Any:
    """Return a float or a list of floats, words as they are; None for what JSON can't express."""
    if isinstance(values, str):
        return values
    if isinstance(values, np.ndarray) and values.ndim:
        found: list[Any] = (values + 0.0).tolist()  # + 0.0 turns -0.0 into 0.0
        for k in np.flatnonzero(~np.isfinite(values)).tolist():
            found[k] = None
        return found
    value = float(values) + 0.0
    return value if math.isfinite(value) else None


def _by_name(names: Sequence[str], values: Floats) -> dict[str, Any]:
    """Return name -> number, or list of numbers; the last axis of `values` is that of names."""
    if values.ndim == 1:
        return dict(zip(names, plain(values), strict=True))
    return {name: plain(column) for name, column in zip(names, values.T, strict=True)}


def _switch_states(op: OperatingPoint) -> dict[str, Any]:
    closed = np.asarray(op.closed, dtype=bool)
    return {
        name: closed[..., k].tolist()
        for k, name in enumerate(op.circuit.switches.names)
        if closed.shape[-1] > k
    }


def write(results: Sequence[Result], outputs: Sequence[str], answers: Answers) -> str:
    """Return one object; for several analyses it holds a list ``"analyses"``.

    `answers` are further members.
    """
    records = [_record(result, outputs) for result in results]
    record = records[0]
    if len(records) > 1:
        worst = max((record["status"] for record in records), key=STATUSES.index)
        record = {"title": record["title"], "status": worst, "analyses": records}
    return json.dumps(record | dict(answers or {}), allow_nan=False) + "\n"


def _record(result: Result, outputs: Sequence[str]) -> dict[str, Any]:
    """Return a result as JSON data; what is chosen to be printed stands apart."""
    if isinstance(result, OperatingPoint):
        chosen = {name: plain(result.value(name)) for name in result.chosen(outputs)}
        return to_json(result) | ({"outputs": chosen} if chosen else {})
    columns = _by_name(result.names, result.values)
    for name, known in result.words.items():
        columns[name] = [known[int(number)] for number in columns[name]]
    title = result.circuit.title
    return {"title": title, "status": "solved", "analysis": "predict", "outputs": columns}
