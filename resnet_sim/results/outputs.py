"""Names of outputs: ``v(node)``, ``v(node,node)``, ``i(element)``, ``p(element)``."""

from __future__ import annotations

from ..errors import UsageError
from ..model.circuit import Circuit
from ..model.names import folded
from ..model.patterns import pattern

_OUTPUT = pattern(
    r"v\(\s*([^(),\s]+)\s*(?:,\s*([^(),\s]+)\s*)?\)|i\(\s*([^(),\s]+)\s*\)|@([^\s\[\]]+)\[i\w?\]"
)
_POWER = pattern(r"p\(\s*([^(),\s]+)\s*\)|@([^\s\[\]]+)\[p\]")


def check_name(circuit: Circuit, output: str) -> None:
    """Refuse what is none of `OperatingPoint.value`'s forms, or names what the circuit lacks."""
    if find_power(circuit, output) is None:
        find_output(circuit, output)


def find_power(circuit: Circuit, output: str) -> int | None:
    """Return the element of ``p(r1)``, None if `output` is not of this form.

    Raises
    ------
    UsageError
        If the circuit has no such element.
    """
    match = _POWER.fullmatch(folded(output).strip())
    return None if match is None else circuit.element(match[1] or match[2])


def find_output(circuit: Circuit, output: str) -> tuple[int, int] | int:
    """Return the two nodes of a voltage such as ``v(a,b)``, or the element of ``i(r1)``.

    Raises
    ------
    UsageError
        If `output` is of neither form or names what the circuit lacks.
    """
    match = _OUTPUT.fullmatch(folded(output).strip())
    if match is None:
        raise UsageError(
            f"{output!r} is not of the form v(node), v(node,node), i(element), p(element)"
        )
    if match[1]:
        return circuit.node(match[1]), circuit.node(match[2] or "0")
    return circuit.element(match[3] or match[4])
