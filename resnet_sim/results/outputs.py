"""Outputs by their names: ``v(node)``, ``v(node,node)``, ``i(element)``, ``p(element)``."""

from __future__ import annotations

import numpy as np

from ..arrays import Floats
from ..errors import UsageError
from ..model.circuit import Circuit
from ..model.names import folded
from ..model.outputs import OUTPUT, terminal


def asked(output: object, node_voltages: Floats) -> str:
    """Return the name of an output that a result is asked for.

    Raises
    ------
    UsageError
        If it is a number, and the result has many points: it could be that of a point.
    """
    if node_voltages.ndim > 1 and not isinstance(output, str):
        remedy = f"op.pick({output})"
        if isinstance(output, int | np.integer):
            remedy += f" for the point, op['{output}'] for the node"
        elif isinstance(output, slice):
            remedy = f"op.pick(slice({output.start}, {output.stop})) for points"
        raise UsageError(f"{len(node_voltages)} points go by names of outputs: write {remedy}")
    return folded(output)


def is_output(circuit: Circuit, name: str) -> bool:
    """Tell whether something is no name of a node, but an output such as ``v(a)``."""
    return ("(" in name or "@" in name) and not circuit.has_node(name)


def check_name(circuit: Circuit, output: str) -> None:
    """Refuse what is none of `OperatingPoint.value`'s forms, or names what the circuit lacks."""
    if output not in circuit.formulas:
        sought(circuit, output)


def find_output(circuit: Circuit, output: str) -> tuple[int, int] | int:
    """Return the two nodes of a voltage such as ``v(a,b)``, or the element of ``i(r1)``.

    Raises
    ------
    UsageError
        If `output` is of neither form or names what the circuit lacks.
    """
    kind, first, second = sought(circuit, output)
    if kind == "p":
        raise UsageError(f"{output!r} is not of the form v(node), v(node,node), i(element)")
    return (first, second) if kind == "v" else first


def sought(circuit: Circuit, output: str) -> tuple[str, int, int]:
    """Return ``"v"`` and two nodes, or ``"i"`` or ``"p"`` and an element.

    Raises
    ------
    UsageError
        If `output` is of none of these forms or names what the circuit lacks.
    """
    match = OUTPUT.fullmatch(folded(output).strip())
    if match is None or (match[1] != "v" and match[3]):
        message = f"{output!r} is not of the form v(node), v(node,node), i(element), p(element)"
        bare = folded(output).strip()
        known = {f"v({bare})": bare in circuit.nodes, f"i({bare})": circuit.find(bare) is not None}
        meant = [one for one, is_there in known.items() if is_there]
        raise UsageError(f"{message}: did you mean {meant[0]}?" if meant else message)
    kind, one, other, device, quantity = match.groups()
    if kind == "v":
        return kind, circuit.node(one), circuit.node(other or "0")
    what, device = quantity or kind, device or one
    name = terminal(device, what[1:], lambda name: circuit.find(name) is not None)
    number = circuit.element(name or device)
    if name is None:
        raise UsageError(f"no terminal {what[1:]!r} of {device} has a current of its own")
    return "i" if what[0] == "i" else "p", number, 0
