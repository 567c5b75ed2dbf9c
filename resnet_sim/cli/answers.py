"""What a deck asks beside voltages and currents (.sens .tf .meas), answered."""

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
