"""What a deck asks beside voltages and currents (.sens .tf .meas), answered."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ..diagnostics import Diagnostic
from ..errors import UsageError

if TYPE_CHECKING:
    from ..model.circuit import Circuit
    from ..model.requests import Derivatives, Measure
    from ..results.operating_point import OperatingPoint


def answers(circuit: Circuit, ops: Sequence[OperatingPoint], tolerance: float) -> dict[str, Any]:
    """Return derivatives and measurements as JSON data, only what the deck asks for."""
    found: dict[str, Any] = {}
    sens = [d for d in circuit.derivatives if not d.source]
    transfers = [d for d in circuit.derivatives if d.source]
    if circuit.derivatives:
        from ..analyses.sensitivity import sensitivities, transfer_function

        if sens:
            try:
                answered = sensitivities(circuit, [d.output for d in sens], tolerance=tolerance)
            except UsageError:
                # one without an answer takes no other with it
                answered = [
                    s for d in sens for s in _attempt(
                        circuit, d, lambda d=d: sensitivities(  # type: ignore[misc]
                            circuit, [d.output], tolerance=tolerance))
                ]  # fmt: skip
            found["sensitivities"] = [
                {"output": s.output, "value": s.value, "derivatives": s.derivatives,
                 "normalised": s.normalised, "at_knee": list(s.at_knee)}
                for s in answered
            ]  # fmt: skip
        if transfers:
            functions = [
                f for d in transfers for f in _attempt(
                    circuit, d, lambda d=d: [transfer_function(  # type: ignore[misc]
                        circuit, d.output, d.source, tolerance=tolerance)])
            ]  # fmt: skip
            found["transfer_functions"] = [
                {name: _plain(value) for name, value in asdict(f).items()} for f in functions
            ]
    sweeps = [op for op in ops if op.sweep]
    if circuit.measures:
        from ..analyses.measure import measure
        from .common import complain

        def unanswered(wanted: Measure, error: UsageError) -> None:
            _complain(circuit, wanted, error)

        if not sweeps:
            complain(".meas needs a sweep, and the deck asks for none")
            return found
        found["measurements"] = [
            {name: _plain(value) for name, value in measure(op, on_error=unanswered).items()}
            for op in sweeps
        ]
    return found


def _attempt(circuit: Circuit, asked: Derivatives, ask: Callable[[], list[Any]]) -> list[Any]:
    """Return an answer in a list; none, and a warning that says where, if there is none."""
    try:
        return ask()
    except UsageError as error:
        _complain(circuit, asked, error)
        return []


def _complain(circuit: Circuit, asked: Derivatives | Measure, error: UsageError) -> None:
    from .common import show_diagnostics

    span = circuit.span_of(asked.place)
    show_diagnostics((Diagnostic("W121", f"not answered: {error}", span),))


def _plain(value: Any) -> Any:
    """Return what JSON can express: None for what is undefined or infinite."""
    if isinstance(value, str):
        return value
    if getattr(value, "ndim", 0) > 0:
        return [_plain(v) for v in value.tolist()]
    return float(value) if math.isfinite(value) else None
