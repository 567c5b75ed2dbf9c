"""Solved points become results: certified, stacked, joined."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..arrays import Floats
from ..diagnostics import Diagnostic, Label, Span
from ..laws.certificate import certify_found
from ..model.circuit import Circuit
from ..model.names import mapping, one
from ..results.operating_point import OperatingPoint
from ..results.proof import Certificate, SolverInfo
from .solved import Point

#: Points per task.
CHUNK = 256


def nodeset(circuit: Circuit, start: Mapping[str, float] | None) -> Floats | None:
    """Return node voltages to start from, NaN where not given; None if none are."""
    given = circuit.nodeset if start is None else mapping(start, "voltages to start from")
    if not given:
        return None
    voltages = np.full(len(circuit.nodes), np.nan)
    for name, value in given.items():
        voltages[circuit.node(name)] = one(f"v({name})", value)
    return voltages


def single(circuit: Circuit, point: Point, seconds: float, tolerance: float) -> OperatingPoint:
    """Return one point, certified."""
    with np.errstate(over="ignore", invalid="ignore"):
        certificate = certify_found(
            point.circuit, point.voltages, point.currents, point.closed, tolerance
        )
    return OperatingPoint(
        circuit=circuit,
        node_voltages=point.masked_voltages,
        element_currents=point.masked_currents,
        certificate=certificate,
        solver=SolverInfo(point.method, point.iterations, seconds, point.notes),
        diagnostics=point.diagnostics,
        floating=tuple(circuit.nodes[k] for k in point.floating.nonzero()[0]),
        loose=point.loose,
        nonunique=point.nonunique,
        closed=point.closed,
    )


def stack(
    circuit: Circuit,
    points: Iterable[Point | None],
    tolerance: float,
    unsolved: Mapping[int, str],
    notices: Mapping[str, Diagnostic],
) -> OperatingPoint:
    """Return many points as one result with a leading axis.

    Points are certified as they come, and what is `unsolved` is looked at when all are there.
    """
    singles = [None if p is None else single(circuit, p, 0.0, tolerance) for p in points]
    solved = [s for s in singles if s is not None]
    voltages = np.full((len(singles), len(circuit.nodes)), np.nan)
    currents = np.full((len(singles), circuit.n_elements), np.nan)
    closed = np.zeros((len(singles), len(circuit.switches)), dtype=np.bool_)
    for k, point in enumerate(singles):
        if point is not None:
            voltages[k], currents[k] = point.node_voltages, point.element_currents
            closed[k] = point.closed
    diagnostics = dict.fromkeys([d for s in solved for d in s.diagnostics])
    diagnostics |= dict.fromkeys(notices.values())
    methods = dict.fromkeys(s.solver.method for s in solved)
    notes = dict.fromkeys(note for s in solved for note in s.solver.notes)
    return OperatingPoint(
        circuit=circuit,
        node_voltages=voltages,
        element_currents=currents,
        certificate=worst([s.certificate for s in solved], tolerance),
        solver=SolverInfo(
            ", ".join(methods), sum(s.solver.iterations for s in solved), 0.0, tuple(notes)
        ),
        diagnostics=tuple(diagnostics),
        floating=tuple(dict.fromkeys(n for s in solved for n in s.floating)),
        loose=_loose(
            [None if s is None or s.loose is None else s.loose[:, None] for s in singles],
            [(1, len(circuit.nodes))] * len(singles),
        ),
        nonunique=tuple(dict.fromkeys(n for s in solved for n in s.nonunique)),
        closed=closed,
        unsolved=unsolved,
    )


def unanimous(verdicts: Iterable[bool | None]) -> bool | None:
    """Return True if all are, False if one is False, else None."""
    found = set(verdicts)
    return False if False in found else None if None in found else True


def _loose(parts: Sequence[Floats | None], shapes: Sequence[tuple[int, ...]]) -> Floats | None:
    """Join what is known of floating parts; shapes are those of the voltages."""
    if all(part is None for part in parts):
        return None
    pairs = zip(parts, shapes, strict=True)
    return np.concatenate([np.zeros((2, *s)) if p is None else p for p, s in pairs], axis=1)


def _stacked(parts: Sequence[Floats]) -> Floats:
    """Return arrays one after the other; one alone is not copied."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def worst(certificates: Sequence[Certificate], tolerance: float) -> Certificate:
    """Return the certificate of many points: the largest of every residual."""

    def largest(name: str) -> float:
        return max((float(getattr(c, name)) for c in certificates), default=0.0)

    return Certificate(
        ok=all(c.ok for c in certificates),
        kcl_residual=largest("kcl_residual"),
        kcl_relative=largest("kcl_relative"),
        law_residual=largest("law_residual"),
        diode_voltage_violation=largest("diode_voltage_violation"),
        diode_current_violation=largest("diode_current_violation"),
        power_mismatch=largest("power_mismatch"),
        tolerance=tolerance,
        failures=tuple(f for c in certificates for f in c.failures)[:20],
        stable=unanimous(c.stable for c in certificates),
    )


def join(
    circuit: Circuit,
    parts: Sequence[OperatingPoint],
    axes: Mapping[str, Floats],
    seconds: float,
) -> OperatingPoint:
    """Return results with a leading axis, one after the other, as one result of `circuit`."""
    starts = np.cumsum([0] + [len(part.node_voltages) for part in parts]).tolist()
    unsolved = {
        start + point: reason
        for start, part in zip(starts, parts, strict=False)
        for point, reason in part.unsolved.items()
    }
    solvers = [part.solver for part in parts]
    methods = dict.fromkeys(m for s in solvers for m in s.method.split(", ") if m)
    return OperatingPoint(
        circuit=circuit,
        node_voltages=_stacked([part.node_voltages for part in parts]),
        element_currents=_stacked([part.element_currents for part in parts]),
        certificate=worst([part.certificate for part in parts], parts[0].certificate.tolerance),
        solver=SolverInfo(
            ", ".join(methods),
            sum(s.iterations for s in solvers),
            seconds,
            tuple(dict.fromkeys(note for s in solvers for note in s.notes)),
            "\n".join(dict.fromkeys(s.backend for s in solvers if s.backend)),
        ),
        diagnostics=tuple(dict.fromkeys(d for part in parts for d in part.diagnostics)),
        floating=tuple(dict.fromkeys(n for part in parts for n in part.floating)),
        loose=_loose([part.loose for part in parts], [part.node_voltages.shape for part in parts]),
        nonunique=tuple(dict.fromkeys(n for part in parts for n in part.nonunique)),
        closed=np.concatenate([part.closed for part in parts]),
        sweep=axes,
        unsolved=unsolved,
    )


_ARRAYS = ("node_voltages", "element_currents", "closed")


def encode(op: OperatingPoint) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return many points as arrays, and facts that JSON can express; without the circuit."""
    facts = {
        "certificate": dataclasses.asdict(op.certificate),
        "solver": dataclasses.asdict(op.solver),
        "diagnostics": [dataclasses.asdict(d) for d in op.diagnostics],
        "floating": op.floating,
        "nonunique": op.nonunique,
        "unsolved": list(op.unsolved.items()),
    }
    arrays = {name: getattr(op, name) for name in _ARRAYS}
    return (arrays if op.loose is None else arrays | {"loose": op.loose}), facts


def decode(circuit: Circuit, arrays: dict[str, Any], facts: dict[str, Any]) -> OperatingPoint:
    """Return what `encode` was given."""
    certificate = dict(facts["certificate"])
    certificate["failures"] = tuple(certificate["failures"])
    solver = dict(facts["solver"])
    solver["notes"] = tuple(solver["notes"])
    return OperatingPoint(
        circuit=circuit,
        certificate=Certificate(**certificate),
        solver=SolverInfo(**solver),
        diagnostics=tuple(_diagnostic(d) for d in facts["diagnostics"]),
        floating=tuple(facts["floating"]),
        nonunique=tuple(facts["nonunique"]),
        unsolved=dict(facts["unsolved"]),
        **arrays,
    )


def _diagnostic(record: Mapping[str, Any]) -> Diagnostic:
    span = record["span"]
    labels = tuple(Label(Span(**each["span"]), each["text"]) for each in record["labels"])
    changed = {"span": None if span is None else Span(**span), "labels": labels}
    return Diagnostic(**{**record, **changed})
