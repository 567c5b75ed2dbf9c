"""What a deck asks beside voltages and currents (.sens .tf .meas), answered and printed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..model.circuit import Circuit
    from ..results.operating_point import OperatingPoint


def answers(circuit: Circuit, ops: Sequence[OperatingPoint], tolerance: float) -> dict[str, Any]:
    """Return derivatives and measurements as JSON data, only what the deck asks for."""
    found: dict[str, Any] = {}
    sens = [d.output for d in circuit.derivatives if not d.source]
    transfers = [d for d in circuit.derivatives if d.source]
    if circuit.derivatives:
        from ..analyses.sensitivity import sensitivities, transfer_function

        if sens:
            found["sensitivities"] = [
                {"output": s.output, "value": s.value, "derivatives": s.derivatives,
                 "normalised": s.normalised, "at_knee": list(s.at_knee)}
                for s in sensitivities(circuit, sens, tolerance=tolerance)
            ]  # fmt: skip
        if transfers:
            functions = [
                transfer_function(circuit, d.output, d.source, tolerance=tolerance)
                for d in transfers
            ]
            found["transfer_functions"] = [
                {name: _plain(value) for name, value in asdict(f).items()} for f in functions
            ]
    sweeps = [op for op in ops if op.sweep]
    if circuit.measures:
        from ..analyses.measure import measure
        from .common import complain

        if not sweeps:
            complain(".meas needs a sweep, and the deck asks for none")
            return found
        found["measurements"] = [
            {name: _plain(value) for name, value in measure(op).items()} for op in sweeps
        ]
    return found


def _plain(value: Any) -> Any:
    """Return what JSON can express: None for what is undefined or infinite."""
    if isinstance(value, str):
        return value
    if getattr(value, "ndim", 0) > 0:
        return [_plain(v) for v in value.tolist()]
    return float(value) if math.isfinite(value) else None


def format_answers(found: dict[str, Any]) -> str:
    """Return answers for people, empty if there are none."""
    lines: list[str] = []
    for record in found.get("sensitivities", ()):
        lines += ["", f"sensitivity of {record['output']} = {record['value']:.6g}",
                  f"  {'value of':20} {'per unit':>14} {'per percent':>14}"]  # fmt: skip
        for name, slope in record["derivatives"].items():
            lines.append(f"  {name:20} {slope:14.6g} {record['normalised'][name]:14.6g}")
        if record["at_knee"]:
            names = ", ".join(record["at_knee"])
            lines.append(f"  on its knee: {names}; derivatives hold to one side")
    for record in found.get("transfer_functions", ()):
        lines += ["", f"transfer function {record['output']} / {record['source']}"]
        for name in ("gain", "input_resistance", "output_resistance"):
            shown = "infinite" if record[name] is None else f"{record[name]:.6g}"
            lines.append(f"  {name.replace('_', ' '):20} {shown:>14}")
    for number, record in enumerate(found.get("measurements", ()), 1):
        many = len(found["measurements"]) > 1
        lines += ["", f"measurements of sweep {number}" if many else "measurements"]
        for name, value in record.items():
            values = value if isinstance(value, list) else [value]
            shown = " ".join("never" if v is None else f"{v:.6g}" for v in values)
            lines.append(f"  {name:20} {shown:>14}")
    return "\n".join([*lines, ""]) if lines else ""
