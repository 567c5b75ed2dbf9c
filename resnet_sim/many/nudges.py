"""Elements added to a circuit: the nudges, as parts that one could solder on."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays import Ints
from ..errors import ResnetSimError, TopologyError, UsageError
from ..model.circuit import Circuit
from ..model.display import few
from ..model.names import untaken
from .states import Nudge, Terminals


class UnstableNudge(UsageError):
    """A negative nudge that the circuit does not bear; it must stay above `least`, S."""

    def __init__(self, stiffness: float, least: float) -> None:
        super().__init__(
            f"a nudge of {stiffness:.6g} S makes the circuit unstable; "
            f"it must stay above {least:.6g} S"
        )
        self.stiffness, self.least = float(stiffness), float(least)

    def __reduce__(self) -> Any:
        return type(self), (self.stiffness, self.least), self.__dict__


def nudged(
    circuit: Circuit, outputs: Terminals, nudge: Nudge, row: int = 0, switched: bool = False
) -> Circuit:
    """Return the circuit with the nudge of one sample soldered to its outputs.

    Each output gets a conductance in series with a source of the target's voltage, and a
    source for the current that is forced into it; a clamped output gets the source alone.
    With `switched`, a closed switch separates each from the circuit: open, they are not there.
    """
    weight = outputs.weight()
    number = np.arange(len(outputs.p))
    p, q = outputs.p, outputs.q
    if switched:
        circuit, middle = _more_nodes(circuit, "nudge_s", outputs)
        circuit = add_elements(
            circuit, "switches", _names(circuit, "s_nudge", outputs), p, middle,
            r_on=0.0, r_off=np.inf, cp=-1, cn=-1, ce=-1, threshold=0.0, hysteresis=0.0,
            closed=True, fixed=True,
        )  # fmt: skip
        p = middle
    if nudge.force is not None:
        amps = nudge.force[row] * weight
        names = _names(circuit, "i_nudge", outputs)
        circuit = add_elements(circuit, "current_sources", names, q, p, amps=amps[number])
    if nudge.stiffness:
        assert nudge.target is not None
        end = p
        if np.isfinite(nudge.stiffness):
            circuit, end = _more_nodes(circuit, "nudge", outputs)
            ohms = 1.0 / (nudge.stiffness * weight)
            names = _names(circuit, "r_nudge", outputs)
            circuit = add_elements(circuit, "resistors", names, p, end, ohms=ohms)
        names = _names(circuit, "v_nudge", outputs)
        circuit = add_elements(circuit, "voltage_sources", names, end, q, volts=nudge.target[row])
    return circuit


def unclamped(
    error: ResnetSimError, circuit: Circuit, outputs: Terminals, nudge: Nudge, row: int
) -> ResnetSimError:
    """Return what a sample failed by, in words of its targets where clamping these is why."""
    if not isinstance(error, TopologyError) or not np.isinf(nudge.stiffness):
        return error
    assert nudge.target is not None
    added = _names(circuit, "v_nudge", outputs)
    held = [k for k, name in enumerate(added) if name in error.elements]
    if not held:
        return error
    own = [(e, n) for e, n in zip(error.elements, error.lines, strict=True) if e not in added]
    told = few([f"{outputs.names[k]} = {nudge.target[row, k]:.6g} V" for k in held])
    others = few([name for name, _ in own])
    message = (
        f"the targets ({told}) contradict {others or 'each other'}: outputs can't be held there"
    )
    hint = "change these targets, or nudge towards them softly"
    first = dataclasses.replace(error.diagnostics[0], message=message, hint=hint)
    lines = [line for _, line in own]
    return TopologyError((first,), [name for name, _ in own], error.nodes, lines)


def _names(circuit: Circuit, stem: str, outputs: Terminals) -> list[str]:
    return untaken(stem, len(outputs.p), circuit.element_names)


def _more_nodes(circuit: Circuit, stem: str, outputs: Terminals) -> tuple[Circuit, Ints]:
    """Return the circuit with a new node for each output, and their numbers."""
    names = untaken(stem, len(outputs.p), circuit.nodes)
    numbers = len(circuit.nodes) + np.arange(len(names))
    return dataclasses.replace(circuit, nodes=(*circuit.nodes, *names)), numbers


def add_elements(
    circuit: Circuit, table: str, names: Sequence[str], p: Ints, q: Ints, **values: Any
) -> Circuit:
    """Return the circuit with more rows in a table; element numbers in controls are moved."""
    old = circuit.tables[table]
    n = len(names)
    columns: dict[str, Any] = {
        "names": (*old.names, *names), "p": _join(old.p, p, n), "q": _join(old.q, q, n),
        "file": _join(old.file, -1, n), "line": _join(old.line, 0, n),
    }  # fmt: skip
    columns |= {name: _join(getattr(old, name), value, n) for name, value in values.items()}
    end = circuit.first[table] + len(old)
    tables = circuit.tables | {table: dataclasses.replace(old, **columns)}
    moved = {name: device.moved(end, n) for name, device in tables.items()}
    return dataclasses.replace(circuit, tables=moved, rebuild=None)


def _join(old: Any, new: Any, count: int) -> Any:
    return np.concatenate((old, np.broadcast_to(np.asarray(new), (count,)))).astype(old.dtype)
