"""Values of the formulas that ``.print`` asks for, and what parameters are at each point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from ..arrays import Floats
from ..model.circuit import Circuit
from ..model.derivatives import evaluate
from ..model.formula import Formula

if TYPE_CHECKING:
    from .operating_point import OperatingPoint


class Read(NamedTuple):
    """What a deck says where its parameters are what they are at some points of a result."""

    points: Any
    formulas: Mapping[str, Formula]
    #: of each measurement, in their order
    parameters: tuple[Mapping[str, float], ...]


#: of results whose parameters differ from point to point: a deck is elaborated once for all that
#: asks for them
_READ: WeakKeyDictionary[OperatingPoint[Any], list[Read]] = WeakKeyDictionary()


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
    follows = circuit.formulas[name].follows
    for each in readings(op) if follows else [_as_it_is(circuit)]:
        found[each.points] = _evaluated(each.formulas[name], list(read), x[each.points])
    found[~np.isfinite(found)] = np.nan
    return found.reshape(shape)


def readings(op: OperatingPoint[Any]) -> list[Read]:
    """Return what the deck says at the points of a result; nothing of what is not known."""
    if op not in _READ:
        _READ[op] = list(_readings(op))
    return _READ[op]


def _as_it_is(circuit: Circuit) -> Read:
    formulas = {name: each.formula for name, each in circuit.formulas.items()}
    return Read(slice(None), formulas, tuple(each.parameters for each in circuit.measures))


def _readings(op: OperatingPoint[Any]) -> Iterator[Read]:
    circuit, numbers = op.circuit, {**op.sweep, **op.sampled}
    sample: Any = None
    if op.sampled or circuit.is_random:
        sample = numbers.pop("sample", None)
    # neither elements nor what d1:is tells of their models
    varied = {k: v for k, v in numbers.items() if circuit.find(k) is None and ":" not in k}
    draws = circuit.is_random and sample is not None
    if not (varied or draws) or circuit.rebuild is None:
        yield _as_it_is(circuit)
        return
    seed = getattr(getattr(op.sampled, "samples", None), "seed", None)
    if draws and seed is None:
        return
    columns = [*varied.values(), *([sample] if draws else [])]
    unique, which = np.unique(
        np.stack([np.ravel(values) for values in columns], axis=-1), axis=0, return_inverse=True
    )
    for k, row in enumerate(unique.tolist()):
        variant = circuit.with_parameters(dict(zip(varied, row, strict=False)))
        if draws:
            variant = variant.with_draw(f"{seed}/{row[-1]:.0f}")
        yield _as_it_is(variant)._replace(points=which.ravel() == k)


def _evaluated(formula: Formula, read: list[str], x: Floats) -> Floats:
    """Return the values of a formula, of which `x` has the voltages and currents."""
    formula = formula.renamed(
        lambda node: read.index(f"v({node})"), lambda element: read.index(f"i({element})")
    )
    # to what evaluates, all are inputs
    inputs = formula.mapped(lambda s: s._replace(voltages=s.voltages + s.currents, currents=()))
    return evaluate(inputs, x)[0]
