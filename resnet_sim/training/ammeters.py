"""Currents as outputs: what a source of voltage delivers is copied to a node of its own.

With E the least co-content, the current of a source of U volts, from its first node through it, is
``i = -dE/dU``.  So for a cost C of it ``dC/dg = -C' d/dU (1/2 dv^2)``: what a nudge of ``-beta C'``
is to an output that is a voltage, amps fed in, are volts added to an ammeter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..arrays import Floats
from ..errors import UsageError
from ..many.states import output_names
from ..model.circuit import Circuit
from ..model.names import untaken
from .named import output

_VOLTAGE = re.compile(r"\s*v\(", re.IGNORECASE)
_CURRENT = re.compile(r"i\(\s*([^(),\s]+)\s*\)")


@dataclass(frozen=True)
class Ammeters:
    """Sources whose currents are outputs.

    Attributes
    ----------
    sources : tuple of str
    signs : ndarray, shape (n_outputs, n_sources)
        How the current of each counts in each output: 1, -1 or 0.
    copies : frozenset of str
        The elements that copy them; they load nothing.
    """

    sources: tuple[str, ...]
    signs: Floats
    copies: frozenset[str]


def measured(
    circuit: Circuit, outputs: Sequence[str | tuple[str, str]]
) -> tuple[Circuit, list[tuple[str, str]], tuple[str, ...], Ammeters]:
    """Return a circuit in which all outputs are voltages, their nodes, what they are called.

    And where they are currents in truth.

    For each ``i(v1)`` among the outputs the circuit has a current-controlled voltage source of
    1 V/A from a new node to ground; it loads nothing.

    Raises
    ------
    UsageError
        If the element of a current is no independent voltage source.
    """
    if not isinstance(outputs, Iterable) or not all(map(_is_output, outputs)):
        raise UsageError("an output is a node, a pair of nodes, or i(source)")
    outputs = [output(o) if isinstance(o, str) and _VOLTAGE.match(o) else o for o in outputs]
    pairs = [(o, "0") if isinstance(o, str) else (o[0], o[1]) for o in outputs]
    ends = [end.strip().lower() for pair in pairs for end in pair]
    sources = list(dict.fromkeys(m[1] for end in ends if (m := _CURRENT.fullmatch(end))))
    signs = np.zeros((len(pairs), len(sources)))
    if not sources:
        return circuit, pairs, output_names(pairs), Ammeters((), signs, frozenset())
    for name in sources:
        kind = circuit.kind(circuit.element(name))
        if kind != "voltage source":
            raise UsageError(f"output i({name}) is of a {kind}: only voltage sources are ammeters")
    # neither nodes nor, with an h before them, elements
    taken = {*circuit.nodes, *(name.removeprefix("h") for name in circuit.element_names)}
    fresh = untaken("ammeter", len(sources), taken)
    nodes = {f"i({name})": node for name, node in zip(sources, fresh, strict=True)}

    def voltage(end: str) -> str:
        match = _CURRENT.fullmatch(end.strip().lower())
        return nodes[f"i({match[1]})"] if match else end

    renamed = [(voltage(a), voltage(b)) for a, b in pairs]
    for column, name in enumerate(sources):
        for row, (a, b) in enumerate(renamed):
            signs[row, column] = float(a == nodes[f"i({name})"]) - (b == nodes[f"i({name})"])
    ammeters = Ammeters(tuple(sources), signs, frozenset(f"h{node}" for node in fresh))
    return _with_copies(circuit, sources, fresh), renamed, output_names(pairs), ammeters


def _is_output(given: object) -> bool:
    """Tell whether something is a name, or a pair of names."""
    if isinstance(given, str):
        return True
    return (
        isinstance(given, Sequence)
        and len(given) == 2
        and all(isinstance(end, str) for end in given)
    )


def _with_copies(circuit: Circuit, sources: Sequence[str], nodes: Sequence[str]) -> Circuit:
    """Add the controlled sources; they come last in their table."""
    table, n = circuit.controlled_sources, len(sources)
    index = np.array([circuit.element(name) for name in sources], dtype=np.int64)
    end = circuit.first["controlled_sources"] + len(table)
    tables = {name: device.moved(end, n) for name, device in circuit.tables.items()}
    table = table.moved(end, n)
    p = len(circuit.nodes) + np.arange(n)
    index = np.where(index >= end, index + n, index)
    tables["controlled_sources"] = replace(
        table,
        names=(*table.names, *(f"h{node}" for node in nodes)),
        p=np.concatenate((table.p, p)),
        q=np.concatenate((table.q, np.zeros(n, dtype=np.int64))),
        file=np.concatenate((table.file, np.full(n, -1))),
        line=np.concatenate((table.line, np.zeros(n, dtype=np.int64))),
        is_voltage=np.concatenate((table.is_voltage, np.ones(n, dtype=np.bool_))),
        constant=np.concatenate((table.constant, np.zeros(n))),
        ptr=np.concatenate((table.ptr, table.ptr[-1] + 1 + np.arange(n))),
        of_current=np.concatenate((table.of_current, np.ones(n, dtype=np.bool_))),
        index=np.concatenate((table.index, index)),
        gain=np.concatenate((table.gain, np.ones(n))),
    )
    return replace(circuit, nodes=(*circuit.nodes, *nodes), tables=tables, rebuild=None)
