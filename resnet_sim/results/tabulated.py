"""Values of the formulas that ``.print`` asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Floats
from ..model.circuit import Circuit
from ..model.derivatives import evaluate

if TYPE_CHECKING:
    from .operating_point import OperatingPoint


def tabulated(op: OperatingPoint[Any], name: str) -> Any:
    """Return the values of a formula of the deck at each point; NaN where it is undefined."""
    circuit = op.circuit
    read: dict[str, Any] = {}
    for node in circuit.formulas[name].formula.nodes():
        read[f"v({node})"] = op.voltage(str(node))
    for element in circuit.formulas[name].formula.elements():
        read[f"i({element})"] = op.current(str(element))
    shape = np.shape(op.node_voltages)[:-1]
    columns = [np.broadcast_to(values, shape).ravel() for values in read.values()]
    x = np.stack(columns, axis=-1) if columns else np.zeros((int(np.prod(shape)), 0))
    found = np.full(len(x), np.nan)
    for points, variant in _variants(op, name, len(x)):
        found[points] = _evaluated(variant, name, list(read), x[points])
    found[~np.isfinite(found)] = np.nan
    return found.reshape(shape)


def _variants(op: OperatingPoint[Any], name: str, count: int) -> list[tuple[Any, Circuit]]:
    """Return points and the circuit whose parameters they have; none for what is not known."""
    circuit, numbers = op.circuit, {**op.sweep, **op.sampled}
    sample: Any = None
    if op.sampled or circuit.is_random:
        sample = numbers.pop("sample", None)
    # neither elements nor what d1:is tells of their models
    varied = {k: v for k, v in numbers.items() if circuit.find(k) is None and ":" not in k}
    draws = circuit.is_random and sample is not None
    if not (varied or draws) or not circuit.formulas[name].follows or circuit.rebuild is None:
        return [(slice(None), circuit)]
    seed = getattr(getattr(op.sampled, "samples", None), "seed", None)
    if draws and seed is None:
        return []
    columns = [*varied.values(), *([sample] if draws else [])]
    unique, which = np.unique(
        np.stack([np.ravel(values) for values in columns], axis=-1), axis=0, return_inverse=True
    )
    variants = []
    for k, row in enumerate(unique.tolist()):
        variant = circuit.with_parameters(dict(zip(varied, row, strict=False)))
        if draws:
            variant = variant.with_draw(f"{seed}/{row[-1]:.0f}")
        variants.append((which.ravel() == k, variant))
    return variants


def _evaluated(circuit: Circuit, name: str, read: list[str], x: Floats) -> Floats:
    """Return the values of a formula, of which `x` has the voltages and currents."""
    formula = circuit.formulas[name].formula.renamed(
        lambda node: read.index(f"v({node})"), lambda element: read.index(f"i({element})")
    )
    # to what evaluates, all are inputs
    inputs = formula.mapped(lambda s: s._replace(voltages=s.voltages + s.currents, currents=()))
    return evaluate(inputs, x)[0]
