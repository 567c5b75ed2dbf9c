"""Derivatives by parameters of a deck, which stand for values and within formulas.

A parameter moves an output through what it does to each value, at the voltages and currents of
the solution.  That is a difference of decks, none of which is solved; what the values do to the
output is known exactly from the adjoint.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..errors import ResnetSimError
from ..laws.influence import Influence
from ..laws.registry import laws
from ..model.circuit import Circuit

#: step, relative: with four points the error of what bends at the parameter's size is 1e-13
STEP = 1e-3
#: weights of the points one and two steps off (Fornberg 1988)
_WEIGHTS = {-2: 1.0 / 12.0, -1: -8.0 / 12.0, 1: 8.0 / 12.0, 2: -1.0 / 12.0}
#: share by which slopes over one and over two steps differ where something jumps
_JUMP = 0.1
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Moved:
    """A parameter, and the deck at some steps beside its value."""

    name: str
    value: float
    step: float
    circuits: dict[int, Circuit]

    def derivative(self, at: Influence) -> float | None:
        """Return that of the output which an influence is about; None where something jumps."""
        parts = {k: self._linear(at, circuit) for k, circuit in self.circuits.items()}
        outputs = {k: sum(part) for k, part in parts.items()}
        near, far = ((outputs[k] - outputs[-k]) / (2 * k) for k in (1, 2))
        # what cancels leaves rounding
        size = _ROUNDING * max(sum(map(abs, part)) for part in parts.values())
        if abs(near - far) > max(_JUMP * max(abs(near), abs(far)), size):
            return None
        return sum(w * outputs[k] for k, w in _WEIGHTS.items()) / self.step

    def _linear(self, at: Influence, circuit: Circuit) -> list[float]:
        """Return what the output differs by for each value that is that of another deck."""
        other = replace(at, circuit=circuit, derivatives={}, values={})
        for law in laws(circuit):
            law.derive(other)
        # a value that is absent at the solution has its derivative elsewhere
        slopes = {**other.derivatives, **at.derivatives}
        return [
            slopes[name] * (value - at.values.get(name, 0.0))
            for name, value in other.values.items()
        ]


def moved(circuit: Circuit) -> Iterator[Moved]:
    """Yield the parameters of a deck that may move without changing what it consists of."""
    for name, value in circuit.parameters.items():
        step = STEP * (abs(value) or 1.0)
        try:
            circuits = {k: circuit.with_parameters({name: value + k * step}) for k in _WEIGHTS}
        except ResnetSimError:
            continue
        if all(
            other.element_names == circuit.element_names and other.nodes == circuit.nodes
            for other in circuits.values()
        ):
            yield Moved(name, value, step, circuits)


def note_parameters(at: Influence, parameters: Sequence[Moved]) -> None:
    """Note the derivatives by parameters beside those by values."""
    # all before any: what is noted counts as a value
    found = [(parameter, parameter.derivative(at)) for parameter in parameters]
    for parameter, derivative in found:
        if derivative is not None:
            taken = parameter.name in at.values
            name = f"param:{parameter.name}" if taken else parameter.name
            at.note(name, parameter.value, derivative)
